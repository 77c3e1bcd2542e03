"""What verification answers, as typed objects.

All are frozen, and made of the JSON that the command prints, by ``build``. Whole documents
give it back by ``to_dict`` and ``to_json``.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Dict, Optional, Tuple, Type, TypeVar, get_args, get_type_hints

T = TypeVar("T")

_HINTS: Dict[type, Dict[str, Any]] = {}


def member_of(name: str) -> str:
    """The member of JSON for a field: ``class_`` stands for ``class``."""
    return name.rstrip("_")


def build(kind: Any, value: Any) -> Any:
    """The value of a type, out of JSON. A member that the type does not know is passed
    over; one that is missing has its default."""
    if value is None:
        return None
    # Of what is optional, and of a tuple, which may be both.
    inner = [one for one in get_args(kind) if one not in (type(None), Ellipsis)]
    if isinstance(value, list):
        return tuple(build(inner[0], one) for one in value)
    if inner:
        return build(inner[0], value)
    if not (isinstance(kind, type) and is_dataclass(kind)):
        return value
    hints = _HINTS.get(kind)
    if hints is None:
        hints = _HINTS[kind] = get_type_hints(kind)
    members = {
        one.name: build(hints[one.name], value[member_of(one.name)])
        for one in fields(kind)
        if member_of(one.name) in value
    }
    made = kind(**members)
    if issubclass(kind, Document):
        object.__setattr__(made, "_document", value)
    return made


class Document:
    """What the command prints with ``--json``."""

    _document: Any = None

    @classmethod
    def of(cls: Type[T], text: str) -> T:
        """Out of JSON, as ``to_json`` gives it."""
        built: T = build(cls, json.loads(text))
        return built

    def to_dict(self) -> Dict[str, Any]:
        """The document as the command prints it."""
        return copy.deepcopy(self._document)

    def to_json(self) -> str:
        """The same as JSON, in one line."""
        return json.dumps(
            self._document, ensure_ascii=False, separators=(",", ":"), sort_keys=True
        )


# The verdict.


@dataclass(frozen=True)
class Fault:
    """One fault: what is wrong, where, and what had to stand there."""

    #: One of those that ``sealbook codes`` lists.
    code: str
    #: ``entry``, ``epoch``, ``document`` or ``file``.
    at: str
    detail: str
    #: What was done, where that can be told: ``edit``, ``deletion``, …
    class_: Optional[str] = None
    #: The number of what is at fault, among those of its sort.
    index: Optional[int] = None
    seq: Optional[int] = None
    line: Optional[int] = None
    expected: Optional[str] = None
    actual: Optional[str] = None


@dataclass(frozen=True)
class Warning:
    """Something to know that is not a fault."""

    code: str
    detail: str


@dataclass(frozen=True)
class Complete:
    """By what a selection is complete: all entries of the log that have this value, up to
    an entry."""

    field: str
    value: str
    #: How many entries the log's signed index counts.
    entries: int
    #: The last epoch that the index covers, and its last entry.
    epoch: int
    seq: int
    #: How many of the entries are named and left out: the rest of the filter does not want
    #: them.
    omitted: int = 0
    #: The first epoch that the index covers, if that is not the first of the log.
    since: Optional[int] = None


@dataclass(frozen=True)
class Redacted:
    """Members that commitments stand for."""

    members: int
    #: How many of them are opened here: their values are proven.
    opened: int


@dataclass(frozen=True)
class LogVerdict:
    """What a report over several logs has of one of them."""

    verdict: str
    entries: int
    epochs: int
    #: How many of the faults are of this log.
    faults: int
    log: Optional[str] = None
    genesis: Optional[str] = None


@dataclass(frozen=True)
class Prefix:
    """The entries from the first on that are whole and undisputed."""

    entries: int
    #: The hash of the last of them.
    head: str


@dataclass(frozen=True)
class Evidence:
    """By what an incident is seen. ``what`` names it; the other members depend on it."""

    what: str
    original: Optional[str] = None
    key: Optional[str] = None
    missing: Optional[str] = None
    at: Optional[int] = None


@dataclass(frozen=True)
class Tie:
    """What ties the rest to the book. ``by`` names it; the other members depend on it."""

    by: str
    at: Optional[int] = None
    hash: Optional[str] = None


@dataclass(frozen=True)
class WholeAgain:
    """From where on entries follow each other again."""

    index: int
    tie: Tie
    line: Optional[int] = None


@dataclass(frozen=True)
class Incident:
    """Something that was done to a file."""

    class_: str
    #: What it may have been as well: the file alone does not tell them apart.
    or_: Tuple[str, ...]
    evidence: Evidence
    index: Optional[int] = None
    line: Optional[int] = None
    entries: Optional[int] = None
    whole_again: Optional[WholeAgain] = None


@dataclass(frozen=True)
class Explanation:
    """Where trust ends: what was done to a file, and from where on it is whole."""

    #: Whether the entries are to follow each other; those of a selection stand apart.
    chained: bool
    trusted: Prefix
    incidents: Tuple[Incident, ...]
    #: Whether there is more than is explained.
    cut: bool


@dataclass(frozen=True)
class Bound:
    """A time, by the word of witnesses."""

    time: str
    witnesses: Tuple[str, ...]
    #: How many entries the checkpoint holds.
    size: int
    #: The entry that keeps the checkpoint.
    seq: Optional[int] = None


@dataclass(frozen=True)
class Between:
    """Between which times an entry was made; ``None`` where nobody says."""

    not_earlier: Optional[Bound] = None
    not_later: Optional[Bound] = None


@dataclass(frozen=True)
class PostQuantum:
    """Up to how many entries a signature reaches that no quantum computer forges."""

    entries: int
    witnesses: Tuple[str, ...]


@dataclass(frozen=True)
class TimesFault:
    """A checkpoint that the log keeps and that says nothing."""

    seq: int
    detail: str


@dataclass(frozen=True)
class LeftOut:
    """A cosignature whose time is in no bound."""

    witness: str
    time: str
    why: str
    seq: Optional[int] = None


@dataclass(frozen=True)
class EntryTimes(Between):
    """Between which times an entry of a report was made."""

    seq: int = 0
    post_quantum: Optional[PostQuantum] = None


@dataclass(frozen=True)
class Witnessed:
    """What the witnesses of a policy say of a log."""

    #: Up to how many entries a quorum cosigned.
    entries: int
    faults: Tuple[TimesFault, ...]
    left_out: Tuple[LeftOut, ...]
    #: Of the last entry.
    last: Optional[Between] = None
    post_quantum: Optional[PostQuantum] = None
    #: How many checkpoints are over entries that are not here.
    not_here: int = 0
    #: Of the entries of a report, each.
    each: Tuple[EntryTimes, ...] = ()


# Parts of a log.


@dataclass(frozen=True)
class RunEnd:
    """Where a run begins or ends."""

    seq: int
    ts: str
    epoch: int
    hour: str
    sealed_at: str


@dataclass(frozen=True)
class TakenAgain:
    """Decisions that were taken again."""

    decisions: int
    could_not_evaluate: int


@dataclass(frozen=True)
class EpochRun:
    """Epochs that follow each other, verified."""

    log: str
    genesis: str
    entries: int
    epochs: int
    first: RunEnd
    last: RunEnd
    prev: str
    prev_hash: str
    header: str
    head: str
    closed: bool
    documents: Tuple[str, ...]
    refers: Tuple[str, ...]
    decisions: Optional[TakenAgain] = None


@dataclass(frozen=True)
class PartFault:
    """What is wrong with an epoch."""

    epoch: int
    code: str
    detail: str


@dataclass(frozen=True)
class FoldPart:
    """A part of a log, verified: what joins it to those beside it."""

    runs: Tuple[EpochRun, ...]
    faults: Tuple[PartFault, ...]


@dataclass(frozen=True, repr=False)
class Folded(Document):
    """The verdict over parts that were joined. It is true where they are a whole log.

    ``to_json`` is a part again, for ``join``."""

    verdict: str
    entries: int
    epochs: int
    faults: Tuple[PartFault, ...]
    part: FoldPart
    head: Optional[str] = None
    log: Optional[str] = None
    genesis: Optional[str] = None
    #: What was taken again; ``None`` where some epoch's decisions were not.
    decisions: Optional[TakenAgain] = None

    @property
    def passed(self) -> bool:
        return self.verdict == "pass"

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return (
            f"<Folded {self.verdict} {self.entries} entries {self.epochs} epochs "
            f"{len(self.faults)} faults>"
        )


@dataclass(frozen=True, repr=False)
class Report(Document):
    """The verdict on a file. It is true where it passed."""

    #: ``pass`` or ``fail``.
    verdict: str
    #: ``logbook``, ``bundle``, ``proof`` and others.
    format: str
    entries: int
    epochs: int
    #: The hash of the last entry.
    head: str
    #: Where the trusted key came from: ``given`` or ``none``.
    key_source: str
    faults: Tuple[Fault, ...]
    #: What a pass does not cover.
    not_checked: Tuple[str, ...]
    warnings: Tuple[Warning, ...]
    log: Optional[str] = None
    genesis: Optional[str] = None
    #: By what a selection is complete, where that is shown.
    complete: Optional[Complete] = None
    redacted: Optional[Redacted] = None
    #: The verdict on each log, of a report over several.
    logs: Optional[Tuple[LogVerdict, ...]] = None
    #: With ``explain``.
    explanation: Optional[Explanation] = None
    #: With ``policy``.
    witnessed: Optional[Witnessed] = None
    elapsed_ms: Optional[int] = field(default=None, compare=False)
    #: What joins it to other parts, of ``fold``.
    part: Optional[FoldPart] = None

    @property
    def passed(self) -> bool:
        """Whether there is no fault, in what the log keeps of its witnesses neither."""
        held = self.witnessed is None or not self.witnessed.faults
        return self.verdict == "pass" and held

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return (
            f"<Report {self.verdict} {self.format} {self.entries} entries {self.epochs} epochs "
            f"{len(self.faults)} faults>"
        )


@dataclass(frozen=True)
class Failure:
    """Why there is no verdict on a file."""

    code: str
    detail: str


@dataclass(frozen=True)
class FileReport:
    """The verdict on one of several files, or why there is none."""

    path: str
    report: Optional[Report] = None
    error: Optional[Failure] = None


@dataclass(frozen=True)
class Fork:
    """A key that signed two histories."""

    log: str
    detail: str
    #: The file that proves it to anyone: ``verify`` takes it, and ``proof``.
    proof: bytes = field(repr=False)


@dataclass(frozen=True, repr=False)
class Reports(Document):
    """The verdicts on several files. It is true where all of them passed."""

    #: ``pass``, ``fail``, or ``unanswered`` where one could not be checked.
    verdict: str
    files: Tuple[FileReport, ...]
    passed: int
    failed: int
    unanswered: int
    #: Files that are no evidence, by their names.
    no_evidence: Tuple[str, ...] = ()
    elapsed_ms: Optional[int] = field(default=None, compare=False)
    #: Keys that signed two histories among these files.
    forks: Tuple[Fork, ...] = ()
    #: What in the folders is neither a file nor a ledger.
    passed_over: Tuple[str, ...] = ()

    @property
    def reports(self) -> Dict[str, Report]:
        """The reports, by the path of the file."""
        return {one.path: one.report for one in self.files if one.report is not None}

    @property
    def errors(self) -> Dict[str, Failure]:
        """Why there is none, by the path of the file."""
        return {one.path: one.error for one in self.files if one.error is not None}

    def __bool__(self) -> bool:
        return self.verdict == "pass"

    def __repr__(self) -> str:
        return (
            f"<Reports {self.verdict} {self.passed} passed {self.failed} failed "
            f"{self.unanswered} unanswered {len(self.forks)} forks>"
        )
