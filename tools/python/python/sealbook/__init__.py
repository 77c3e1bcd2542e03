"""Evidence of sealbook: verified, read, and recorded.

>>> import sealbook
>>> report = sealbook.verify("evidence.bundle", [key])
>>> if not report:
...     for fault in report.faults:
...         print(fault.code, fault.detail)
>>> for entry in sealbook.read("evidence.bundle"):
...     print(entry.seq, entry.kind, entry.time, entry.get("tenant_id"))
>>> table = pyarrow.table(sealbook.table("evidence.bundle"))

Verification needs no network and no server, and its verdicts are those of the command
``sealbook verify``: ``verify``, ``verify_all``, ``fold`` and ``join``. Files are read by
``read``, ``members``, ``receipts``, ``checkpoints``, ``statements`` and ``proof``; all but
the last are iterators, and tables for whatever takes an Arrow stream. Nothing is signed
here: this package has no private key.

To record, ``sealbook.client`` speaks to ``sealbook serve``, ``sealbook.logs`` is a handler
for ``logging``, and ``sealbook.pyhall`` records every decision of the SDK of PyHall.
"""

from ._sealbook import (
    Entries,
    Entry,
    Records,
    __version__,
    checkpoints,
    key,
    members,
    proof,
    read,
    receipts,
    statements,
    table,
)
from .errors import (
    Denied,
    Misused,
    NeedsStore,
    NotRecognised,
    Refused,
    SealbookError,
    SpoolFull,
    Unreachable,
    Unreadable,
    Unsupported,
)
from .records import (
    Checkpoint,
    Equivocation,
    InclusionProof,
    Member,
    Receipt,
    Statement,
    TlogProof,
    check_opening,
)
from .values import Complete, Explanation, Fault, Folded, Fork, Report, Reports, Warning, Witnessed
from .verification import fold, join, verify, verify_all

__all__ = [
    "Checkpoint",
    "Complete",
    "Denied",
    "Entries",
    "Entry",
    "Equivocation",
    "Explanation",
    "Fault",
    "Folded",
    "Fork",
    "InclusionProof",
    "Member",
    "Misused",
    "NeedsStore",
    "NotRecognised",
    "Receipt",
    "Records",
    "Refused",
    "Report",
    "Reports",
    "SealbookError",
    "SpoolFull",
    "Statement",
    "TlogProof",
    "Unreachable",
    "Unreadable",
    "Unsupported",
    "Warning",
    "Witnessed",
    "__version__",
    "check_opening",
    "checkpoints",
    "fold",
    "join",
    "key",
    "members",
    "proof",
    "read",
    "receipts",
    "statements",
    "table",
    "verify",
    "verify_all",
]
