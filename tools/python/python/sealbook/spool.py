"""Events that are kept on disk until the server has them.

A spool is a folder of files, one a process. Each event has a number of its own and is
written, flushed and synced before ``put`` returns; a thread sends them in order, each
until it is acknowledged. The server knows an event by the id of its file and its number,
however often and however late it comes: it is recorded once. Files that a process left
behind are sent by the next one that opens the folder.

Files are their owner's alone (0600, in a folder of 0700). An event that the server
refuses for good is moved to ``ID.refused``: nothing is thrown away.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import threading
import time
import uuid
import weakref
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple, Union

from .errors import Refused, SealbookError, SpoolFull

Json = Dict[str, Any]
Ship = Callable[[str, int, bytes], None]

#: Seconds between two attempts, at most.
_LONGEST_PAUSE = 5.0

#: Bytes that were sent after which a file is begun again.
_ROTATE = 4 << 20


class _File:
    """The events of one producer: lines ``{"n": …, "entry": …}``."""

    def __init__(self, folder: str, name: str, *, new: bool):
        self.path = os.path.join(folder, name + ".spool")
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        if new:
            flags |= os.O_CREAT | os.O_EXCL
        self.handle = os.open(self.path, flags, 0o600)
        self.id = name
        try:
            fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self.handle)
            raise

    def lines(self) -> Iterator[Tuple[int, bytes]]:
        """What is there, whole: a line that was cut by a crash was acknowledged to
        nobody, and its number is not used again."""
        with open(os.dup(self.handle), "rb") as file:
            file.seek(0)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                read = json.loads(line)
                body = json.dumps(read["entry"], ensure_ascii=False, separators=(",", ":"))
                yield int(read["n"]), body.encode()

    def close(self, *, remove: bool) -> None:
        if remove:
            try:
                os.unlink(self.path)
            except FileNotFoundError:
                pass
        os.close(self.handle)


class Spool:
    """A folder of events, and the thread that sends them."""

    def __init__(
        self,
        folder: Union[str, "os.PathLike[str]"],
        ship: Ship,
        *,
        most: int,
        on_refused: Optional[Callable[[Json, SealbookError], None]] = None,
    ):
        self._folder = os.fspath(folder)
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        state = os.stat(self._folder)
        if state.st_uid != os.geteuid() or state.st_mode & 0o077:
            raise SealbookError(
                f"{self._folder}: a spool must be its owner's alone: chmod 700",
                "key_readable",
                self._folder,
            )
        self._ship, self._most, self._on_refused = ship, most, on_refused
        self._begin()
        self._left_behind = self._adopt()
        if self._left_behind:
            self._start()
        _ALL.add(self)

    def _begin(self) -> None:
        self._condition = threading.Condition()
        self._pid = os.getpid()
        self._file: Optional[_File] = None
        self._waiting: List[Tuple[int, bytes]] = []
        self._bytes = self._sent_bytes = 0
        self._n = 0
        self._closing = False
        self._thread: Optional[threading.Thread] = None
        self._left_behind: List[_File] = []

    def _adopt(self) -> List[_File]:
        """The files of processes that are gone."""
        found = []
        for name in sorted(os.listdir(self._folder)):
            if name.endswith(".spool"):
                try:
                    found.append(_File(self._folder, name[: -len(".spool")], new=False))
                except OSError:
                    # Another process holds it, or has just removed it.
                    continue
        return found

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sealbook-spool", daemon=True)
            self._thread.start()

    def put(self, entry: Json) -> None:
        """Keeps an event; it is on disk when this returns."""
        body = json.dumps(entry, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        with self._condition:
            if self._closing:
                raise SealbookError("the spool is closed", "closed")
            if self._file is None:
                self._file = _File(self._folder, uuid.uuid4().hex, new=True)
            line = f'{{"n":{self._n},"entry":{body}}}\n'.encode()
            if self._bytes + len(line) > self._most:
                raise SpoolFull(
                    f"{self._folder}: the spool holds {self._bytes} bytes, and the server is away",
                    "too_large",
                    self._folder,
                )
            before = os.fstat(self._file.handle).st_size
            try:
                _write(self._file.handle, line)
                os.fdatasync(self._file.handle)
            except OSError:
                # Half a line must not be taken for the beginning of the next one.
                os.ftruncate(self._file.handle, before)
                raise
            self._waiting.append((self._n, body.encode()))
            self._n += 1
            self._bytes += len(line)
            self._start()
            self._condition.notify_all()

    def flush(self, timeout: Optional[float] = None) -> bool:
        """Waits until everything is sent; whether it is."""
        with self._condition:
            empty = lambda: not self._waiting and not self._left_behind
            return self._condition.wait_for(empty, timeout)

    def close(self, timeout: float) -> None:
        """Waits for a while, and leaves what is not sent on disk."""
        self.flush(timeout)
        with self._condition:
            if self._closing:
                return
            self._closing = True
            self._condition.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout)
        with self._condition:
            if self._file is not None:
                self._file.close(remove=not self._waiting)
                self._file = None
            for file in self._left_behind:
                file.close(remove=False)
            self._left_behind = []

    def _run(self) -> None:
        while self._send_left_behind():
            pass
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._waiting or self._closing)
                if self._closing:
                    return
                assert self._file is not None
                producer, (n, body) = self._file.id, self._waiting[0]
            if not self._send(producer, n, body):
                return
            with self._condition:
                self._waiting.pop(0)
                self._sent_bytes += len(body)
                if not self._waiting:
                    # Numbers go on: only what is sent is forgotten.
                    os.ftruncate(self._file.handle, 0)
                    self._bytes = self._sent_bytes = 0
                elif self._sent_bytes > _ROTATE:
                    self._rewrite()
                self._condition.notify_all()

    def _rewrite(self) -> None:
        """A file with what is not sent yet, in the place of the old one."""
        assert self._file is not None
        lines = [b'{"n":%d,"entry":%s}\n' % (n, body) for n, body in self._waiting]
        beside = self._file.path + ".new"
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            _write(handle, b"".join(lines))
            os.fsync(handle)
        finally:
            os.close(handle)
        old = self._file
        os.replace(beside, old.path)
        self._file = _File(self._folder, old.id, new=False)
        os.close(old.handle)
        self._bytes, self._sent_bytes = sum(map(len, lines)), 0

    def _send_left_behind(self) -> bool:
        """Sends the events of one file that another process left; whether there was one."""
        with self._condition:
            if not self._left_behind or self._closing:
                return False
            file = self._left_behind[0]
        for n, body in file.lines():
            if not self._send(file.id, n, body):
                return False
        with self._condition:
            if self._left_behind:
                self._left_behind.pop(0)
                file.close(remove=True)
            self._condition.notify_all()
        return True

    def _send(self, producer: str, n: int, body: bytes) -> bool:
        """Sends an event until it is acknowledged or refused for good; not if the spool
        is closed meanwhile."""
        tried = 0
        while True:
            try:
                self._ship(producer, n, body)
                return True
            except Refused as error:
                if not _is_passing(error):
                    self._set_aside(producer, n, body, error)
                    return True
            except SealbookError:
                pass
            pause = random.uniform(0, min(_LONGEST_PAUSE, 0.02 * 2 ** min(tried, 10)))
            tried += 1
            with self._condition:
                if self._condition.wait_for(lambda: self._closing, pause):
                    return False

    def _set_aside(self, producer: str, n: int, body: bytes, error: SealbookError) -> None:
        line = json.dumps({"n": n, "code": error.code, "message": str(error)}).encode()
        path = os.path.join(self._folder, producer + ".refused")
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        handle = os.open(path, flags, 0o600)
        try:
            _write(handle, line[:-1] + b',"entry":' + body + b"}\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        if self._on_refused is not None:
            self._on_refused(json.loads(body), error)

    def _after_fork(self) -> None:
        """A child has none of its parent's events: they are the parent's to send. What it
        inherited of their files would keep them locked when the parent is gone."""
        for file in ([self._file] if self._file else []) + self._left_behind:
            os.close(file.handle)
        self._begin()


def _is_passing(error: Refused) -> bool:
    """Whether the same event may be taken later: all but what is wrong with itself."""
    of_the_event = error.status in (400, 413, 415) or error.code == "idempotency_key_reused"
    return not of_the_event


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


_ALL: "weakref.WeakSet[Spool]" = weakref.WeakSet()


def _forked() -> None:
    for spool in list(_ALL):
        spool._after_fork()


os.register_at_fork(after_in_child=_forked)
