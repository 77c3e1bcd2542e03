"""Verdicts: on a file, on several, and on parts that were verified apart."""

from __future__ import annotations

import json
import os
from typing import Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from . import _sealbook
from .values import Folded, Fork, Report, Reports

#: A file: its path, or its content.
File = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview]

#: A public key: 64 hex digits, PEM, or the path of a file with one of these.
Key = Union[str, "os.PathLike[str]"]


def verify(
    file: File,
    keys: Sequence[Key] = (),
    *,
    format: Optional[str] = None,
    signatures: bool = True,
    expect_head: Optional[str] = None,
    contains: Sequence[File] = (),
    receipts: Optional[File] = None,
    correlation: Optional[str] = None,
    tenant: Optional[str] = None,
    worker: Optional[str] = None,
    policy: Optional[File] = None,
    entry: Optional[File] = None,
    revoked: Sequence[File] = (),
    auditors: Sequence[Key] = (),
    audited: Sequence[File] = (),
    known: Sequence[Key] = (),
    ledger_rules: bool = False,
    allow_unsigned: bool = False,
    allow_unapplied_revocations: bool = False,
    explain: bool = False,
) -> Report:
    """The verdict on a logbook, a bundle, a proof, a report or a table: what the command
    ``sealbook verify`` says of it. The answer is true where it passed.

    ``file`` is a path or bytes, compressed or not; so is every other file that is named
    here. ``keys`` are the log's keys that are trusted. Without one nothing passes.

    What it is held against:

    - ``format``: what it must be, such as ``"bundle"``.
    - ``signatures``: whether signatures of entries are checked.
    - ``expect_head``: the hash that the last entry must have.
    - ``contains``: files of signed heads, epoch headers or checkpoints that the log must
      hold.
    - ``receipts``: a file of receipts that the log must hold.
    - ``correlation``, ``tenant``, ``worker``: the case that a bundle must hold all of.
    - ``policy``: a policy of logs and witnesses. The cosigned checkpoints that the file
      carries are held against its entries, and a tlog-proof is judged under it.
    - ``entry``: a file with the entry that a tlog-proof is to prove.
    - ``revoked``: files of revocations, which end the log.
    - ``auditors``, ``audited``: keys of auditors whose word on the log's index counts, and
      files with what they said.
    - ``known``: keys that are not trusted, and by which a foreign signature is named.
    - ``ledger_rules``: judges a logbook as a ledger's own, whatever its first entry says.
    - ``allow_unsigned``: lets a bundle pass whose closing record nobody signed.
    - ``allow_unapplied_revocations``: lets pass what does not show whether it comes before
      the place that a revocation names.

    With ``explain`` the report says where trust ends: what was done to the file, and from
    where on it is whole.

    Raises ``NeedsStore`` for a ledger's folder, ``NotRecognised``, ``Unsupported`` for a
    version that this package does not know, ``Misused`` for an argument that cannot be,
    ``Unreadable`` for a file beside that is none of its sort, and ``SealbookError`` where a
    file cannot be read. What can be read and is wrong is a fault in the report.
    """
    held = _sealbook.Policy(
        keys,
        format=format,
        signatures=signatures,
        expect_head=expect_head,
        contains=contains,
        receipts=receipts,
        correlation=correlation,
        tenant=tenant,
        worker=worker,
        policy=policy,
        entry=entry,
        revoked=revoked,
        auditors=auditors,
        audited=audited,
        known=known,
        ledger_rules=ledger_rules,
        allow_unsigned=allow_unsigned,
        allow_unapplied_revocations=allow_unapplied_revocations,
    )
    return Report.of(_sealbook.verify(file, held, explain))


def verify_all(
    files: Sequence[Union[str, "os.PathLike[str]"]],
    keys: Union[Sequence[Key], Mapping[str, Sequence[Key]]] = (),
    *,
    format: Optional[str] = None,
    signatures: bool = True,
    expect_head: Optional[str] = None,
    contains: Sequence[File] = (),
    receipts: Optional[File] = None,
    correlation: Optional[str] = None,
    tenant: Optional[str] = None,
    worker: Optional[str] = None,
    revoked: Sequence[File] = (),
    auditors: Sequence[Key] = (),
    audited: Sequence[File] = (),
    ledger_rules: bool = False,
    allow_unsigned: bool = False,
    allow_unapplied_revocations: bool = False,
    explain: bool = False,
) -> Reports:
    """The verdicts on several files, and what they say of each other: ``sealbook verify A
    B …``. The answer is true where all of them passed.

    ``files`` are paths; a folder stands for the files in it. ``keys`` are trusted for all of
    them, or are those of each file, by its path as it was given, its path below the folder,
    or its name; ``"*"`` stands for all others. A book that another one continues vouches for
    the key of that one. The other arguments are those of ``verify``, for every file.

    ``Reports.reports`` are the reports by path. ``Reports.forks`` are the keys that signed
    two histories, each with the bytes of the proof; of those no file passes. A file without
    a verdict, a ledger's folder too, is in ``Reports.errors``.

    Raises what ``verify`` raises for its arguments, and ``SealbookError`` for a folder that
    cannot be read.
    """
    of_files: List[Tuple[str, List[Key]]] = []
    if isinstance(keys, Mapping):
        of_files = [(name, list(given)) for name, given in keys.items()]
        keys = ()
    held = _sealbook.Policy(
        keys,
        format=format,
        signatures=signatures,
        expect_head=expect_head,
        contains=contains,
        receipts=receipts,
        correlation=correlation,
        tenant=tenant,
        worker=worker,
        revoked=revoked,
        auditors=auditors,
        audited=audited,
        ledger_rules=ledger_rules,
        allow_unsigned=allow_unsigned,
        allow_unapplied_revocations=allow_unapplied_revocations,
    )
    text, forks, passed_over = _sealbook.verify_all(files, of_files, held, explain)
    reports = Reports.of(text)
    object.__setattr__(reports, "forks", tuple(Fork(*fork) for fork in forks))
    object.__setattr__(reports, "passed_over", tuple(passed_over))
    return reports


def fold(
    file: File,
    keys: Sequence[Key] = (),
    *,
    revoked: Sequence[File] = (),
    allow_unsigned: bool = False,
    allow_unapplied_revocations: bool = False,
) -> Tuple[Report, Optional[str]]:
    """The verdict on a bundle of whole epochs, and the part that joins it to those beside
    it: ``sealbook verify --fold``. A part is a text of JSON, so that an engine can ship it;
    there is none of a bundle that failed.

    >>> parts = [sealbook.fold(name, [key])[1] for name in names]
    >>> sealbook.join(parts).passed

    Raises what ``verify`` raises, and ``NotRecognised`` for what is no bundle.
    """
    held = _sealbook.Policy(
        keys,
        revoked=revoked,
        allow_unsigned=allow_unsigned,
        allow_unapplied_revocations=allow_unapplied_revocations,
    )
    report = Report.of(_sealbook.fold(file, held))
    part = report.to_dict().get("part")
    if part is None:
        return report, None
    return report, json.dumps({"part": part}, separators=(",", ":"), sort_keys=True)


def join(parts: Iterable[str], *, whole: bool = True) -> Folded:
    """The verdict over parts in the order of the log: ``sealbook fold``. A part is what
    ``fold`` answers, or what ``sealbook fold`` and ``sealbook verify --fold`` print with
    ``--json``. Joined parts are joined again by their ``to_json()``.

    With ``whole`` they must be a log from its first epoch on, with nothing missing. Without,
    only what was found in the parts themselves is a fault.

    A part is believed as it stands: who made it verified it.

    Raises ``Unreadable`` for what is no part.
    """
    return Folded.of(_sealbook.join(list(parts), whole))
