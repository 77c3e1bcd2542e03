"""What is read out of files, as typed objects. Nothing of it is judged but what is said so.

All are frozen. The columns of their tables have the names of their members.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Dict, Optional, Tuple, Union

from . import _sealbook


class _Timed:
    ts: str

    @property
    def time(self) -> datetime:
        """The time as a ``datetime`` in UTC."""
        return datetime.fromisoformat(self.ts)


@dataclass(frozen=True)
class Member:
    """A redacted member: a commitment stands in the place of its value."""

    #: The number of its entry, where the format says it.
    seq: Optional[int]
    line: Optional[int]
    #: Where in the payload, as a JSON pointer.
    pointer: str
    commitment: str
    #: The hash of the log's entry 0, which the commitment covers.
    genesis: Optional[str]
    #: What opens it, where the file has that; ``None`` where it is withheld or erased.
    salt: Optional[str] = field(default=None, repr=False)
    value: Any = field(default=None, repr=False, hash=False)

    @property
    def opened(self) -> bool:
        """Whether the file has its value. It is proven then."""
        return self.salt is not None

    def opens(self, value: Any, salt: str, *, genesis: Optional[str] = None) -> bool:
        """Whether a value and its salt are what the commitment stands for. ``genesis`` is
        needed where the file does not say it."""
        genesis = self.genesis if genesis is None else genesis
        if genesis is None:
            raise ValueError("the file does not say the log's genesis: give it")
        return check_opening(self.commitment, value, salt, pointer=self.pointer, genesis=genesis)


def check_opening(
    commitment: str, value: Any, salt: str, *, pointer: str, genesis: str
) -> bool:
    """Whether a value and its salt are what a commitment stands for, at this place of the
    payload, in the log with this genesis: what ``sealbook open-field`` gives out, and
    ``verify`` checks.

    ``value`` is JSON as ``json.loads`` gives it. A number is another one when it is spelled
    otherwise: ``1`` is not ``1.0``.

    Raises ``Misused`` for what can be none of these."""
    text = json.dumps(value)
    return _sealbook.check_opening(commitment, genesis, pointer, salt, text)


@dataclass(frozen=True)
class Receipt(_Timed):
    """That an entry is durable, and where, by the word of the log."""

    seq: int
    hash: str
    prev_hash: str
    #: The time as it is signed.
    ts: str
    kind: str
    signature: str
    log: str
    genesis: str


@dataclass(frozen=True)
class Statement(_Timed):
    """A signed head or a signed epoch header."""

    #: ``head`` or ``epoch``.
    what: str
    #: The number of the last entry that it speaks of, and that entry's hash.
    seq: int
    hash: str
    #: The epoch's number, of a header.
    epoch: Optional[int]
    #: When it was made.
    ts: str
    #: The log's key.
    log: str
    #: The hash of the log's entry 0.
    genesis: str
    #: Whether the log that it names signed it.
    signed: bool
    #: The line.
    text: str = field(repr=False)

    def to_dict(self) -> Dict[str, Any]:
        """The statement as a dictionary."""
        said: Dict[str, Any] = json.loads(self.text)
        return said


@dataclass(frozen=True)
class Checkpoint:
    """How many entries a public log has, and the root over them. No signature is judged."""

    #: The entry that keeps it, where one does.
    seq: Optional[int]
    #: The log's name.
    origin: str
    size: int
    root: str
    extensions: Tuple[str, ...]
    #: Name and id of each key that signed, by the word of the signature lines.
    signers: Tuple[str, ...]
    #: The signed note.
    note: str = field(repr=False)


@dataclass(frozen=True)
class InclusionProof:
    """An entry, the header of its epoch, and the siblings between."""

    seq: int
    entry: _sealbook.Entry
    epoch: Statement
    #: From the leaf up.
    path: Tuple[str, ...]
    #: The log's entry 0, from version 2 on.
    opening: Optional[_sealbook.Entry] = None


@dataclass(frozen=True)
class TlogProof:
    """The place of an entry in a public log, and the checkpoint that its siblings lead
    to."""

    seq: int
    path: Tuple[str, ...]
    checkpoint: Checkpoint
    #: What the application put beside it. Nothing vouches for it.
    extra: Optional[bytes] = None


@dataclass(frozen=True)
class Equivocation:
    """Two statements of one key that cannot both stand. It was checked as it was read."""

    #: The key that signed both.
    log: str
    #: In what they contradict each other: ``entries``, ``heads``, ``epochs``, …
    kind: str
    detail: str
    #: Whether one of the two acknowledges a rollback.
    acknowledged: bool
    #: The file.
    proof: bytes = field(repr=False)


#: What ``proof`` answers.
Proof = Union[InclusionProof, TlogProof, Equivocation]
