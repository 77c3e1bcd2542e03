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
``sealbook verify``. To record, ``sealbook.client`` speaks to ``sealbook serve``,
``sealbook.logs`` is a handler for ``logging``, and ``sealbook.pyhall`` records every
decision of the SDK of PyHall.
"""

from ._sealbook import (
    Entries,
    Entry,
    Fault,
    Report,
    Statement,
    Table,
    Warning,
    __version__,
    read,
    statements,
    table,
    verify,
)
from .errors import (
    Denied,
    NeedsStore,
    NotRecognised,
    Refused,
    SealbookError,
    SpoolFull,
    Unreachable,
    Unreadable,
    Unsupported,
)

__all__ = [
    "Denied",
    "Entries",
    "Entry",
    "Fault",
    "NeedsStore",
    "NotRecognised",
    "Refused",
    "Report",
    "SealbookError",
    "SpoolFull",
    "Statement",
    "Table",
    "Unreachable",
    "Unreadable",
    "Unsupported",
    "Warning",
    "__version__",
    "read",
    "statements",
    "table",
    "verify",
]
