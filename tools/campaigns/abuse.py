#!/usr/bin/env python3
"""Hostile clients beside honest ones, against a server of a ledger that is made for it.

    tools/campaigns/run abuse [--minutes N | --seconds N] [--hostile N] [--rate N]
                                                   default: 10 minutes, 200, 50 a second

200 connections that send headers a byte at a time, bodies a byte in ten seconds, bodies
that say they are longer, small files that decompress to blank lines, garbage, requests whose
answers nobody reads, tails that nobody reads, and connections that say nothing; each is
opened again when it is cut. Beside them 50 honest requests a second: appends, entries, heads.
Server and clients have a core each where there are two. It holds if every honest request is
answered rightly, the 99th percentile is under 250 ms, the server's memory stays under
512 MiB, and what was acknowledged is in the ledger afterwards, which verifies.
"""
import argparse, asyncio, gzip, json, os, random, re, shutil, signal, subprocess, sys, tempfile, time
from pathlib import Path

P99_MS, MEMORY_MIB = 250, 512


async def request(reader, writer, method, path, token, body=None):
    data = json.dumps(body).encode() if body is not None else b""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    writer.write(head.encode() + data)
    await writer.drain()
    status = int((await reader.readuntil(b"\r\n")).split()[1])
    headers = await reader.readuntil(b"\r\n\r\n") if status else b""
    length = re.search(rb"content-length: (\d+)", headers.lower())
    text = await reader.readexactly(int(length[1])) if length else b""
    return status, text, b"connection: close" in headers.lower()


class Honest:
    def __init__(self, port, token, rate):
        self.port, self.token, self.rate = port, token, rate
        self.times, self.wrong, self.receipts = [], [], []

    async def one(self, number):
        started = time.monotonic()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                if number % 2:
                    what = "POST", "/v1/entries", {"kind": "honest", "payload": {"n": number}}
                else:
                    what = "GET", random.choice(["/v1/head", "/v1/entries?limit=5", "/health"]), None
                status, text, _ = await asyncio.wait_for(request(reader, writer, *what[:2], self.token, what[2]), 30)
                if status not in (200, 201):
                    self.wrong.append(f"{what[0]} {what[1]}: {status} {text[:100]!r}")
                elif number % 2:
                    self.receipts.append(json.loads(text))
            finally:
                writer.close()
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, ValueError) as error:
            self.wrong.append(f"{type(error).__name__}: {error}")
        self.times.append(time.monotonic() - started)

    async def run(self, until):
        tasks, number, began = [], 0, time.monotonic()
        while time.monotonic() < until:
            tasks.append(asyncio.create_task(self.one(number)))
            number += 1
            await asyncio.sleep(max(0, began + number / self.rate - time.monotonic()))
        await asyncio.gather(*tasks)


class Hostile:
    """One connection at a time, each of a kind."""
    bomb = gzip.compress(b"\n" * (64 << 20))

    def __init__(self, port, token, number):
        self.port, self.token, self.number, self.opened = port, token, number, 0

    async def run(self, until):
        kinds = [self.slow_headers, self.slow_body, self.long_body, self.bombs, self.garbage, self.unread, self.tail, self.silent]
        while time.monotonic() < until:
            try:
                self.opened += 1
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    await asyncio.wait_for(kinds[self.number % len(kinds)](reader, writer), until - time.monotonic() + 0.1)
                finally:
                    writer.transport.abort()
            except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
                pass
            await asyncio.sleep(0.2)

    def head(self, method, path, length=None, more=""):
        length = "" if length is None else f"Content-Length: {length}\r\n"
        return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.token}\r\nContent-Type: application/json\r\n{length}{more}\r\n".encode()

    async def trickle(self, writer, data, pause):
        for at in range(len(data)):
            writer.write(data[at:at + 1])
            await writer.drain()
            await asyncio.sleep(pause)

    async def slow_headers(self, reader, writer):
        await self.trickle(writer, self.head("GET", "/v1/head", more="X: " + "y" * 4000 + "\r\n"), 1)

    async def slow_body(self, reader, writer):
        writer.write(self.head("POST", random.choice(["/v1/verify", "/v1/entries"]), 4000))
        await self.trickle(writer, b" " * 4000, 10)

    async def long_body(self, reader, writer):
        writer.write(self.head("POST", "/v1/entries", 1 << 40) + b'{"kind":"' + b"x" * 65536)
        await writer.drain()
        await reader.read(1 << 16)
        await asyncio.sleep(5)

    async def bombs(self, reader, writer):
        writer.write(self.head("POST", "/v1/verify", len(self.bomb)) + self.bomb)
        await writer.drain()
        await reader.read(1 << 16)
        await asyncio.sleep(1)

    async def garbage(self, reader, writer):
        writer.write(random.randbytes(random.randrange(1, 60000)))
        await writer.drain()
        await reader.read(1 << 16)

    async def unread(self, reader, writer):
        reader._transport.pause_reading()
        for _ in range(2000):
            writer.write(self.head("GET", "/v1/entries?limit=1000"))
            await writer.drain()

    async def tail(self, reader, writer):
        writer.write(self.head("GET", "/v1/tail?from=0"))
        await writer.drain()
        reader._transport.pause_reading()
        await asyncio.sleep(600)

    async def silent(self, reader, writer):
        await asyncio.sleep(600)


def start(sealbook, folder):
    run = lambda *args: subprocess.run([sealbook, *args], cwd=folder, check=True, capture_output=True, text=True).stdout
    run("init")
    # The hostile clients have a token too, of their own.
    tokens = [run("token", "new", "--name", name, "--scope", "read", "--scope", "append").strip() for name in ("honest", "hostile")]
    log = open(folder / "log", "w")
    server = subprocess.Popen([sealbook, "serve", "--port", "0", "--token-file", "tokens.jsonl", "--min-free", "0"], cwd=folder, stderr=log, stdout=log)
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(server.pid, {0})
        os.sched_setaffinity(0, {1})
    for _ in range(300):
        found = re.search(r'"address":"[^"]*:(\d+)"', (folder / "log").read_text())
        if found:
            return server, int(found[1]), tokens
        time.sleep(0.1)
    sys.exit(f"abuse: the server did not start: {(folder / 'log').read_text()[-500:]}")


def memory(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024


def worked(pid):
    """Seconds of a core that a process took."""
    times = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


async def campaign(args, port, tokens):
    until = time.monotonic() + args.seconds
    honest = Honest(port, tokens[0], args.rate)
    hostile = [Hostile(port, tokens[1], number) for number in range(args.hostile)]
    await asyncio.gather(honest.run(until), *[one.run(until) for one in hostile])
    return honest, sum(one.opened for one in hostile)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sealbook", default=os.environ.get("SEALBOOK", "sealbook"))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--hostile", type=int, default=200)
    parser.add_argument("--rate", type=float, default=50)
    args = parser.parse_args()
    args.seconds = args.seconds or args.minutes * 60
    args.sealbook = shutil.which(args.sealbook) or args.sealbook
    with tempfile.TemporaryDirectory(dir=os.environ.get("CAMPAIGN_DIR")) as name:
        folder, found = Path(name), []
        server, port, tokens = start(os.path.abspath(args.sealbook), folder)
        honest, opened = asyncio.run(campaign(args, port, tokens))
        most, cores = memory(server.pid), (worked(server.pid), worked(os.getpid()))
        server.send_signal(signal.SIGTERM)
        ended = server.wait(60)
        times = sorted(1000 * one for one in honest.times)
        p50, p99 = (times[min(len(times) - 1, int(len(times) * part))] for part in (0.5, 0.99))
        verified = subprocess.run([args.sealbook, "--json", "verify"], cwd=folder, capture_output=True, text=True)
        entries = json.loads(verified.stdout)["entries"] if verified.returncode == 0 else 0
        last = max((receipt["seq"] for receipt in honest.receipts), default=0)
        found += [f"{len(honest.wrong)} of {len(times)} honest requests went wrong: {honest.wrong[:3]}"] * bool(honest.wrong)
        found += [f"p99 of honest requests is {p99:.0f} ms"] * (p99 > P99_MS)
        found += [f"the server took {most} MiB"] * (most > MEMORY_MIB)
        found += [f"the server ended with {ended}"] * (ended != 0)
        found += [f"the ledger does not verify, or ends before entry {last}: {verified.stdout[:300]}"] * (entries <= last)
        print(f"{args.seconds:.0f} s, {args.hostile} hostile connections opened {opened} times, {len(times)} honest requests: "
              f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, {len(honest.receipts)} acknowledged, {entries} entries, {most} MiB, {cores[0]:.1f} s of a core by the server, {cores[1]:.1f} s by the clients")
        print("\n".join(f"found: {one}" for one in found) or "nothing was found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
