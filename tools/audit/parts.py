"""What both engines do: ranges of epochs, each verified by `sealbook fold --part`, and
joined by `sealbook fold`. Nothing is judged here."""

import argparse
import json
import os
import subprocess
import sys


def arguments(engine):
    parser = argparse.ArgumentParser(
        description=f"Audits the archives of logs in buckets with {engine}."
    )
    parser.add_argument("logs", nargs="+", metavar="URL=KEY", help="a bucket's URL (with /log/GENESIS where it has several logs) and the log's public key")
    parser.add_argument("--sealbook", default="sealbook", help="the program")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--decisions", action="store_true", help="take every decision again, too")
    parser.add_argument("--epochs", type=int, default=24, help="epochs of one task")
    return parser.parse_args()


def tasks(args):
    """(log, url, key, from, to, decisions) for every range of every log."""
    found = []
    for log, given in enumerate(args.logs):
        url, key = given.rsplit("=", 1)
        command = [args.sealbook, "--json", "--ledger", "/nonexistent/ledger", "--bucket", url, "archive", "status"]
        status = subprocess.run(command, capture_output=True, text=True)
        if status.returncode == 2:
            sys.exit(f"{url}: {status.stderr.strip()}")
        sealed = json.loads(status.stdout)["sealed"]
        for start in range(0, sealed, args.epochs):
            end = min(start + args.epochs, sealed)
            found.append((log, url, key, start, end, args.decisions))
    return found


def verify(program, task):
    """The part of one task, as the program prints it. Runs on a worker."""
    log, url, key, start, end, decisions = task
    # One thread a worker: the engine spreads the work.
    environment = {**os.environ, "RAYON_NUM_THREADS": "1"}
    command = [program, "--json", "fold", "--part", "--epochs", f"{start}..{end}", url, "--key", key]
    if decisions:
        command.append("--decisions")
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    # Without an answer, and not only with decisions that could not be taken again.
    if done.returncode == 2 and not done.stdout.startswith('{"verdict"'):
        raise RuntimeError(f"{url}, epochs {start} to {end}: {done.stderr.strip()}")
    return (log, start, done.stdout)


def report(args, parts, started, took):
    """Joins the parts of each log in order; exits with 1 if one does not hold. `started` and
    `took` are the seconds of the engine's start and of the audit."""
    failed, undecided = False, False
    for log, given in enumerate(args.logs):
        own = sorted((start, text) for (of, start, text) in parts if of == log)
        lines = "".join(text for (_, text) in own)
        done = subprocess.run([args.sealbook, "--json", "fold", "-"], input=lines, capture_output=True, text=True)
        verdict = json.loads(done.stdout)
        verdict.pop("part", None)
        print(json.dumps({"url": given.rsplit("=", 1)[0], **verdict}))
        failed |= done.returncode == 1
        undecided |= done.returncode == 2
    print(f"{len(parts)} tasks in {took:.2f} s, the engine's start {started:.2f} s", file=sys.stderr)
    sys.exit(1 if failed else 2 if undecided else 0)
