"""The times of an audit, for tools/audit/measure."""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# What a second worker must be worth.
LEAST = 1.6


def main():
    parser = argparse.ArgumentParser(prog="tools/audit/measure")
    parser.add_argument("--sealbook", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--engine", choices=["spark", "ray"], default="spark")
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--keep", metavar="FOLDER", help="where the bucket is made, or found again")
    args = parser.parse_args()
    if args.keep:
        os.makedirs(args.keep, exist_ok=True)
        measure(args, os.path.abspath(args.keep))
    else:
        with tempfile.TemporaryDirectory() as folder:
            measure(args, folder)


def measure(args, folder):
    url, key = made(args, folder)
    print(f"{args.entries} entries in {args.epochs} epochs, {os.cpu_count()} cores", flush=True)
    for threads in [1, None]:
        took = plain(args, url, key, threads)
        told("the command, one thread" if threads else "the command, every core", args, took)
    one, two = (engine(args, url, key, workers) for workers in (1, 2))
    print(f"two workers: {one / two:.2f} times one")
    sys.exit(0 if one / two >= LEAST else 1)


def told(what, args, took):
    print(f"{what}: {took:.2f} s, {args.entries / took:.0f} entries a second", flush=True)


def made(args, folder):
    """A log of that many entries in the bucket, and its key; as it was left, if it was."""
    bucket, note = os.path.join(folder, "bucket"), os.path.join(folder, "log.json")
    wanted = [args.entries, args.epochs]
    if os.path.exists(note):
        with open(note) as file:
            kept = json.load(file)
        if kept["made"] != wanted:
            sys.exit(f"{folder} has {kept['made'][0]} entries in {kept['made'][1]} epochs")
        return f"file://{bucket}", kept["key"]
    environment = {
        **os.environ,
        "SEALBOOK_LEDGER": os.path.join(folder, "machine", "ledger"),
        "SEALBOOK_BUCKET": f"file://{bucket}",
    }

    def run(*command, text=None):
        done = subprocess.run([args.sealbook, "--json", *command], input=text, capture_output=True, text=True, env=environment)
        return done.stdout if done.returncode == 0 else sys.exit(f"{command[0]}: {done.stderr}")

    os.makedirs(os.path.join(folder, "machine"))
    begun = time.monotonic()
    key = json.loads(run("init", "--key", os.path.join(folder, "key.pem")))["log"]
    environment["SEALBOOK_KEY"] = os.path.join(folder, "key.pem")
    # Entry 0 is one of them.
    left = args.entries - 1
    for epoch in range(args.epochs):
        count = left // (args.epochs - epoch)
        left -= count
        lines = (json.dumps({"kind": "note", "payload": {"epoch": epoch, "n": n, "text": "x" * 100}}) for n in range(count))
        run("append", "--jsonl", "-", text="".join(f"{line}\n" for line in lines))
        run("seal")
    print(f"made in {time.monotonic() - begun:.0f} s", flush=True)
    with open(note, "w") as file:
        json.dump({"made": wanted, "key": key}, file)
    return f"file://{bucket}", key


def plain(args, url, key, threads):
    environment = dict(os.environ)
    if threads:
        environment["RAYON_NUM_THREADS"] = str(threads)
    begun = time.monotonic()
    done = subprocess.run([args.sealbook, "--json", "verify", url, "--key", key], capture_output=True, text=True, env=environment)
    took = time.monotonic() - begun
    checked(done, json.loads(done.stdout or "{}"), args)
    return took


def engine(args, url, key, workers):
    """Seconds of the audit by that many workers."""
    # Tasks of one size, as many for one worker as for two.
    epochs = max(1, args.epochs // 16)
    command = [sys.executable, os.path.join(HERE, args.engine), "--sealbook", args.sealbook, "--workers", str(workers), "--epochs", str(epochs), f"{url}={key}"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": HERE})
    verdicts = [line for line in done.stdout.splitlines() if line.startswith("{")]
    checked(done, json.loads(verdicts[0]) if verdicts else {}, args)
    times = re.search(r"(\d+) tasks in ([\d.]+) s, the engine's start ([\d.]+) s", done.stderr)
    took = float(times[2])
    told(f"{args.engine}, {workers} worker{'s' if workers > 1 else ''}, start {times[3]} s apart", args, took)
    return took


def checked(done, verdict, args):
    if done.returncode != 0 or verdict.get("verdict") != "pass" or verdict.get("entries") != args.entries:
        sys.exit(f"{verdict}\n{done.stderr}")


if __name__ == "__main__":
    main()
