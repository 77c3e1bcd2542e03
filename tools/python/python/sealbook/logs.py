"""Records of ``logging`` as entries.

>>> handler = sealbook.logs.Handler(client)
>>> logging.getLogger("billing").addHandler(handler)
"""

from __future__ import annotations

import logging
from typing import Any, Dict

from .client import Client

#: What every record has: the rest was given as ``extra``.
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Handler(logging.Handler):
    """Ships records as events of ``kind``. Members that were given as ``extra`` stand in
    ``extra``, but for ``tenant_id`` and ``correlation_id``, by which entries are found."""

    def __init__(self, client: Client, kind: str = "log.record", level: int = logging.NOTSET):
        super().__init__(level)
        self._client, self._kind = client, kind

    def emit(self, record: logging.LogRecord) -> None:
        # What the client itself says would come back to it.
        if record.name.startswith("sealbook"):
            return
        try:
            self._client.event(self._kind, self._payload(record))
        except Exception:
            self.handleError(record)

    def _payload(self, record: logging.LogRecord) -> Dict[str, Any]:
        payload: Dict[str, Any] = {
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "created_us": int(record.created * 1_000_000),
        }
        if record.exc_info:
            payload["exception"] = logging.Formatter().formatException(record.exc_info)
        extra = {name: value for name, value in vars(record).items() if name not in _USUAL}
        for name in ("tenant_id", "correlation_id"):
            if isinstance(extra.get(name), str):
                payload[name] = extra.pop(name)
        if extra:
            payload["extra"] = {name: _plain(value) for name, value in extra.items()}
        return payload

    def close(self) -> None:
        self._client.flush(5.0)
        super().close()


def _plain(value: Any) -> Any:
    """What JSON has a place for, or its text."""
    usual = value is None or isinstance(value, (bool, int, str))
    return value if usual else repr(value)
