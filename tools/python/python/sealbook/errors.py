"""What goes wrong, as exceptions: each has a ``code`` for programs, as the command
prints it, and a ``place`` where there is one."""

from __future__ import annotations

from typing import Any, Dict, Optional, Type


class SealbookError(Exception):
    """Something did not work. ``code`` is the word of ``sealbook help codes``."""

    code: str
    place: Optional[str]

    def __init__(self, message: str, code: str = "internal", place: Optional[str] = None):
        super().__init__(message)
        self.code = code
        self.place = place


class NeedsStore(SealbookError):
    """It is a ledger's folder, which this package does not open."""


class NotRecognised(SealbookError):
    """The content is not a logbook, bundle, proof, report or table."""


class Unsupported(SealbookError):
    """It is of a version that this package does not know: there is no verdict."""


class Unreadable(SealbookError):
    """A line, a row or a file is not of the sort that it was given as."""


class Misused(SealbookError, ValueError):
    """An argument cannot be what it was given as."""


class Refused(SealbookError):
    """The server refused. ``status`` is its HTTP status, ``detail`` what it sent."""

    def __init__(
        self,
        message: str,
        code: str = "internal",
        place: Optional[str] = None,
        status: int = 0,
        detail: Optional[Dict[str, Any]] = None,
    ):
        super().__init__(message, code, place)
        self.status = status
        self.detail = detail or {}


class Unreachable(SealbookError):
    """The server did not answer; whether it recorded is not known."""


class Denied(SealbookError):
    """A decision is a denial because it was not recorded, or was decided otherwise."""


class SpoolFull(SealbookError):
    """The spool holds as much as it may, and the server is away."""


_BY_CODE = {
    "needs_store": NeedsStore,
    "not_recognised": NotRecognised,
    "format_unsupported": Unsupported,
    "bad_input": Unreadable,
    "bad_json": Unreadable,
    "bad_checkpoint": Unreadable,
    "bad_witness_policy": Unreadable,
    "usage": Misused,
}


def of_code(code: str) -> Type[SealbookError]:
    """The exception of a code of the library."""
    return _BY_CODE.get(code, SealbookError)
