"""A ledger of the command's, and a server over it, for the tests of the package."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request

import sealbook

ROOT = pathlib.Path(__file__).resolve().parents[3]


def program():
    """The command: of `SEALBOOK`, or where cargo puts it."""
    named = os.environ.get("SEALBOOK")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    found = pathlib.Path(named) if named else target / "release" / "sealbook"
    if not found.is_file():
        raise unittest.SkipTest(f"there is no {found}: build it first")
    return str(found)


class Ledger:
    """A folder with a ledger."""

    def __init__(self):
        fast = "/dev/shm" if os.path.isdir("/dev/shm") else None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sealbook-py-", dir=fast))
        #: What the command finds in its environment, beside the usual.
        self.environment = {}
        self.run("init", "--origin", "python")

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *arguments, ends=0, given=None):
        """Runs the command, which must end so, and answers what it printed."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **self.environment}
        done = subprocess.run(
            [program(), *map(str, arguments)],
            cwd=self.folder,
            env=environment,
            input=given,
            capture_output=True,
            text=True,
        )
        if ends is not None and done.returncode != ends:
            raise AssertionError(f"{arguments}: {done.returncode} {done.stdout} {done.stderr}")
        return done.stdout

    def json(self, *arguments, ends=0):
        return json.loads(self.run("--json", *arguments, ends=ends))

    @property
    def key(self):
        return self.run("key").strip()

    def append(self, payloads, kind="note"):
        lines = "".join(json.dumps({"kind": kind, "payload": p}) + "\n" for p in payloads)
        self.run("append", "--jsonl", "-", given=lines)

    def path(self, name):
        return str(self.folder / name)

    def copied(self, name):
        """A copy of the ledger, which its key writes too."""
        shutil.copytree(self.folder / "ledger", self.folder / name)
        shutil.copy(self.folder / "ledger.mark", self.folder / f"{name}.mark")
        self.environment["SEALBOOK_KEY"] = self.path("ledger.key.pem")

    @contextlib.contextmanager
    def without(self, name):
        """While that ledger is elsewhere: a copy beside its original is not written."""
        away = self.folder / f"{name}.away"
        (self.folder / name).rename(away)
        try:
            yield
        finally:
            away.rename(self.folder / name)


class Server:
    """`sealbook serve` over a ledger, as a process of its own."""

    def __init__(self, ledger):
        self.ledger = ledger
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = None
        self.start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.ledger.folder)}
        self.log = open(self.ledger.path("serve.log"), "ab")
        self.process = subprocess.Popen(
            [program(), "serve", "--port", str(self.port), "--min-free", "1"],
            cwd=self.ledger.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        ends = time.monotonic() + 60
        while True:
            if self.process.poll() is not None:
                text = pathlib.Path(self.ledger.path("serve.log")).read_text()
                raise AssertionError(f"the server ended: {text[-2000:]}")
            try:
                urllib.request.urlopen(f"{self.address}/health", timeout=5).read()
                return
            except OSError:
                if time.monotonic() > ends:
                    raise
                time.sleep(0.01)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.log.close()


def command(ledger, *arguments):
    """What the command says of what is verified: the report, or the code of what it could
    not do."""
    said = json.loads(ledger.run("--json", "verify", *arguments, ends=None))
    if "error" in said and isinstance(said["error"], dict):
        return said["error"]["code"]
    return timeless(said)


def package(file, keys, **options):
    """What the package says of it."""
    try:
        return timeless(sealbook.verify(file, keys, **options).to_dict())
    except sealbook.SealbookError as error:
        return error.code


def timeless(said):
    """The same without how long it took."""
    if isinstance(said, dict):
        return {name: timeless(one) for name, one in said.items() if name != "elapsed_ms"}
    return [timeless(one) for one in said] if isinstance(said, list) else said


class Files(unittest.TestCase):
    """One of each kind of file, out of one ledger."""

    @classmethod
    def setUpClass(cls):
        cls.ledger = ledger = Ledger()
        cls.addClassCleanup(ledger.close)
        cls.key = ledger.key
        ledger.append({"n": n, "tenant_id": f"t{n % 3}"} for n in range(40))
        ledger.run("seal")
        ledger.append({"n": n} for n in range(3))
        # A log that readers of version 0.1 read, under the same key.
        old = ("--ledger", "old")
        ledger.run(*old, "init", "--format-version", "1", "--reuse-key", "--key", "ledger.key.pem")
        ledger.run(*old, "append", "--kind", "note", "--payload", "{}")
        ledger.run(*old, "seal")
        ledger.run(*old, "export", "-o", "old.bundle", "--format-version", "1")
        ledger.run(*old, "export", "-o", "old.jsonl", "--format", "logbook")
        for name, *more in (
            ("e.bundle",),
            ("t.bundle", "--tenant", "t1"),
            ("e.bundle.zst",),
            ("book.jsonl", "--format", "logbook"),
            ("e.parquet", "--format", "parquet"),
            ("t.parquet", "--format", "parquet", "--tenant", "t1"),
        ):
            ledger.run("export", "-o", name, *more)
        ledger.run("prove", "3", "-o", "p.proof")
        cls.files = ["e.bundle", "t.bundle", "old.bundle", "e.bundle.zst", "book.jsonl"]
        cls.files += ["e.parquet", "t.parquet", "p.proof"]

    @classmethod
    def path(cls, name):
        return cls.ledger.path(name)

    @classmethod
    def bytes(cls, name):
        return pathlib.Path(cls.path(name)).read_bytes()

    @classmethod
    def write(cls, name, data):
        pathlib.Path(cls.path(name)).write_bytes(data)
        return cls.path(name)

    @classmethod
    def said(cls, *arguments):
        """What the command says under the ledger's key."""
        return command(cls.ledger, *arguments, "--key", cls.key)
