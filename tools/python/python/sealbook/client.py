"""A client of ``sealbook serve``, over HTTP or its Unix socket.

>>> with Client("http://127.0.0.1:8765", token=token) as client:
...     receipt = client.append("deploy", {"service": "billing"})
...     print(receipt["seq"])

Every request that records carries a key of its own, so that one which is sent again
after a lost answer is recorded once. ``event`` is for what must not be lost and may be
late: with a ``spool`` it is kept on disk while the server is away (``sealbook.spool``).
"""

from __future__ import annotations

import asyncio
import functools
import http.client
import json
import os
import random
import socket
import ssl
import tempfile
import threading
import time
import uuid
from typing import Any, Callable, Dict, Iterable, Iterator, Mapping, Optional, Sequence, Union
from urllib.parse import quote, urlencode, urlsplit

from .errors import Refused, SealbookError, Unreachable
from .spool import Spool

Json = Dict[str, Any]

#: Answers that say that the same request may succeed later.
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})

#: Bytes of an answer that is read into memory.
_LARGEST = 256 << 20


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(self.timeout)
        try:
            sock.connect(self._path)
        except OSError:
            sock.close()
            raise
        self.sock = sock


class Client:
    """Speaks to a server. One client serves many threads.

    ``address`` is ``http://…``, ``https://…`` or ``unix:/path/to/socket``. ``retries``
    says how often a request is sent again that got no answer or one which says "later",
    after a pause of up to ``pause * 2**n`` seconds. ``ca`` is a file of the certificates
    that are trusted. With ``spool``, a folder of its own, ``event`` never waits for the
    server. ``mask`` is called with kind and payload and answers the payload that is
    kept: what it takes out is never on disk.
    """

    def __init__(
        self,
        address: str,
        token: Optional[str] = None,
        *,
        timeout: float = 10.0,
        retries: int = 5,
        pause: float = 0.1,
        ca: Optional[str] = None,
        spool: Union[str, "os.PathLike[str]", None] = None,
        spool_bytes: int = 64 << 20,
        mask: Optional[Callable[[str, Json], Json]] = None,
        on_refused: Optional[Callable[[Json, SealbookError], None]] = None,
    ):
        self._timeout, self._retries, self._pause = timeout, retries, pause
        self._mask = mask
        self._token = token
        self._local = threading.local()
        self._open: set = set()
        self._lock = threading.Lock()
        if address.startswith("unix:"):
            path = address[len("unix:") :]
            self._connect = functools.partial(_UnixConnection, path, timeout)
            self._prefix = ""
        else:
            parts = urlsplit(address)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("an address is http://…, https://… or unix:/path")
            self._prefix = parts.path.rstrip("/")
            make: Any = http.client.HTTPConnection
            options: Dict[str, Any] = {"timeout": timeout}
            if parts.scheme == "https":
                make = http.client.HTTPSConnection
                options["context"] = ssl.create_default_context(cafile=ca)
            self._connect = functools.partial(make, parts.hostname, parts.port, **options)
        self._spool: Optional[Spool] = None
        if spool is not None:
            self._spool = Spool(spool, self._ship, most=spool_bytes, on_refused=on_refused)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self, timeout: float = 5.0) -> None:
        """Sends what the spool holds, for at most ``timeout`` seconds, and disconnects.
        What is left stays on disk for the next client with the same spool."""
        if self._spool is not None:
            self._spool.close(timeout)
        with self._lock:
            connections, self._open = self._open, set()
        for connection in connections:
            connection.close()

    # What records.

    def append(self, kind: str, payload: Mapping[str, Any], *, key: Optional[str] = None) -> Json:
        """Appends an entry and answers its receipt, once it is durable."""
        body = {"kind": kind, "payload": self._masked(kind, payload)}
        return self._record("/v1/entries", body, key)

    def append_batch(
        self, entries: Iterable[Sequence[Any]], *, key: Optional[str] = None
    ) -> Sequence[Json]:
        """Appends pairs of kind and payload, all or none, and answers their receipts."""
        items = [{"kind": kind, "payload": self._masked(kind, payload)} for kind, payload in entries]
        return self._record("/v1/entries/batch", {"entries": items}, key)["receipts"]

    def event(self, kind: str, payload: Mapping[str, Any]) -> Optional[Json]:
        """Records an event: at once, or by way of the spool where there is one. Answers
        the receipt, or ``None`` for an event that is in the spool.

        Raises ``SpoolFull`` where the spool holds as much as it may."""
        if self._spool is None:
            return self.append(kind, payload)
        self._spool.put({"kind": kind, "payload": self._masked(kind, payload)})
        return None

    def flush(self, timeout: Optional[float] = None) -> bool:
        """Waits until the spool is empty; whether it is."""
        return self._spool is None or self._spool.flush(timeout)

    def route(self, request: Mapping[str, Any], *, task_id: Optional[str] = None) -> Json:
        """Asks the server's Hall. A decision is never spooled: without a receipt it is
        no decision."""
        query = {"task_id": task_id} if task_id else {}
        answer = self._ask("POST", "/route", query, request, retries=0)
        if answer.get("receipt") is None and not answer["decision"].get("denied"):
            raise SealbookError("the decision has no receipt", "write_failed")
        return answer

    def attest(self, attestation: Mapping[str, Any]) -> Json:
        """Has a worker's package judged and recorded (``/v1/attestations``)."""
        return self._ask("POST", "/v1/attestations", {}, attestation, retries=0)

    def decision(self, taken: Mapping[str, Any]) -> Json:
        """Has a decision that was taken here computed again and recorded; see
        ``sealbook.pyhall``."""
        return self._ask("POST", "/v1/decisions", {}, taken, retries=0)

    def seal(self) -> Json:
        """Seals the open epoch."""
        return self._ask("POST", "/v1/seal", {}, {}, retries=0)

    # What reads.

    def entry(self, id: Union[int, str]) -> Json:
        """An entry, by its number or its hash."""
        return self._ask("GET", f"/v1/entries/{quote(str(id))}", {}, None)

    def proof(self, id: Union[int, str]) -> bytes:
        """The inclusion proof of a sealed entry, to be verified offline."""
        return self._send("GET", f"/v1/entries/{quote(str(id))}/proof", {}, None)

    def head(self) -> Json:
        """A signed head of the log."""
        return self._ask("GET", "/v1/head", {}, None)

    def query(self, *, limit: Optional[int] = None, **filters: Any) -> Iterator[Json]:
        """The entries that the filters want, page by page: ``kind``, ``tenant``,
        ``correlation``, ``worker``, ``decision``, ``denied``, ``since``, ``until``,
        ``from_seq``, ``until_seq``."""
        left = limit
        asked = dict(filters)
        while left is None or left > 0:
            page = self._ask("GET", "/v1/entries", _query(asked), None)
            for entry in page["entries"]:
                yield entry
                if left is not None:
                    left -= 1
                    if left == 0:
                        return
            after = page["next_cursor"]
            if after is None:
                return
            asked["cursor"] = after

    def export(
        self, path: Union[str, "os.PathLike[str]"], *, format: str = "bundle", **filters: Any
    ) -> None:
        """Writes evidence to a file: a ``bundle``, or the tables ``parquet`` and
        ``epochs``. The file is there whole or not at all."""
        places = {
            "bundle": "/v1/bundle",
            "parquet": "/v1/export.parquet",
            "epochs": "/v1/epochs.parquet",
        }
        if format not in places:
            raise ValueError("format: bundle, parquet or epochs is needed")
        path = os.fspath(path)
        folder = os.path.dirname(path) or "."
        handle, beside = tempfile.mkstemp(dir=folder, prefix=".export-")
        try:
            with os.fdopen(handle, "wb") as out:
                self._send("GET", places[format], _query(filters), None, into=out)
                out.flush()
                os.fsync(out.fileno())
            os.replace(beside, path)
        except BaseException:
            os.unlink(beside)
            raise

    # How it is sent.

    def _masked(self, kind: str, payload: Mapping[str, Any]) -> Json:
        payload = dict(payload)
        return payload if self._mask is None else dict(self._mask(kind, payload))

    def _record(self, path: str, body: Json, key: Optional[str]) -> Json:
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return json.loads(self._send("POST", path, {}, body, headers=headers))

    def _ship(self, producer: str, n: int, body: bytes) -> None:
        """Sends an event of the spool, once: it is the spool that tries again."""
        headers = {"Sealbook-Producer": f"{producer};{n}"}
        self._send("POST", "/v1/entries", {}, body, headers=headers, retries=0)

    def _ask(
        self,
        method: str,
        path: str,
        query: Any,
        body: Any,
        *,
        retries: Optional[int] = None,
    ) -> Any:
        return json.loads(self._send(method, path, query, body, retries=retries))

    def _send(
        self,
        method: str,
        path: str,
        query: Any,
        body: Any,
        *,
        headers: Optional[Dict[str, str]] = None,
        into: Any = None,
        retries: Optional[int] = None,
    ) -> bytes:
        data = body if body is None or isinstance(body, bytes) else _encoded(body)
        target = self._prefix + path + ("?" + urlencode(query) if query else "")
        most = self._retries if retries is None else retries
        tried = 0
        while True:
            try:
                return self._once(method, target, data, headers or {}, into)
            except (Unreachable, Refused) as error:
                status = getattr(error, "status", 0)
                later = isinstance(error, Unreachable) or status in _LATER
                later = later or error.code == "idempotency_key_under_way"
                if not later or tried >= most:
                    raise
                if into is not None:
                    into.seek(0)
                    into.truncate()
                wait = random.uniform(0, self._pause * 2**tried)
                time.sleep(max(wait, getattr(error, "retry_after", 0.0)))
                tried += 1

    def _once(
        self, method: str, target: str, data: Optional[bytes], headers: Dict[str, str], into: Any
    ) -> bytes:
        headers = dict(headers)
        if data is not None:
            headers["Content-Type"] = "application/json"
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        connection = self._connection()
        try:
            connection.request(method, target, data, headers)
            answer = connection.getresponse()
            if answer.status >= 400:
                raise _refused(answer, answer.read(_LARGEST))
            if into is None:
                return answer.read(_LARGEST)
            while True:
                piece = answer.read(1 << 20)
                if not piece:
                    return b""
                into.write(piece)
        except (OSError, http.client.HTTPException) as error:
            self._drop(connection)
            raise Unreachable(f"the server did not answer: {error!r}", "unreachable") from error
        except BaseException:
            # Half an answer may be left in it.
            self._drop(connection)
            raise

    def _connection(self) -> http.client.HTTPConnection:
        # A child has the sockets of its parent, which are not its own.
        known, pid = getattr(self._local, "connection", (None, None))
        if known is None or pid != os.getpid():
            known = self._connect()
            self._local.connection = (known, os.getpid())
            with self._lock:
                self._open.add(known)
        return known

    def _drop(self, connection: http.client.HTTPConnection) -> None:
        connection.close()
        self._local.connection = (None, None)
        with self._lock:
            self._open.discard(connection)


def _encoded(body: Any) -> bytes:
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def _query(filters: Mapping[str, Any]) -> list:
    pairs = []
    for name, value in filters.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if one is not None:
                text = str(one).lower() if isinstance(one, bool) else str(one)
                pairs.append((name, text))
    return pairs


def _refused(answer: http.client.HTTPResponse, body: bytes) -> Refused:
    try:
        read = json.loads(body)
        detail = read if isinstance(read, dict) else {}
    except ValueError:
        detail = {}
    message = detail.get("error") or f"the server answered {answer.status}"
    code = str(detail.get("code") or "internal")
    refused = Refused(str(message), code, None, answer.status, detail)
    try:
        after = float(answer.getheader("Retry-After") or 0)
    except ValueError:
        after = 0.0
    refused.retry_after = min(max(after, 0.0), 60.0)  # type: ignore[attr-defined]
    return refused


class AsyncClient:
    """The same for ``asyncio``: each call runs on a thread of the loop's own pool."""

    def __init__(self, *arguments: Any, **options: Any):
        self._client = Client(*arguments, **options)

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in _ASYNC:
            raise AttributeError(name)
        method = getattr(self._client, name)

        @functools.wraps(method)
        async def call(*arguments: Any, **options: Any) -> Any:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(None, functools.partial(method, *arguments, **options))

        return call

    async def query(self, **filters: Any) -> Any:
        """The entries that the filters want, as a list."""
        loop = asyncio.get_running_loop()
        read = functools.partial(self._client.query, **filters)
        return await loop.run_in_executor(None, lambda: list(read()))


_ASYNC = frozenset(
    {
        "append",
        "append_batch",
        "attest",
        "close",
        "decision",
        "entry",
        "event",
        "export",
        "flush",
        "head",
        "proof",
        "route",
        "seal",
    }
)
