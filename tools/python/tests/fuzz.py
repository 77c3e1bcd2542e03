"""Hostile input through Python: whatever is given, the interpreter goes on.

    fuzz.py SECONDS [SEED]

Changes files of every kind, and gives them to everything that takes a file.
"""

import pathlib
import random
import sys
import time

import sealbook
from scene import ROOT, Ledger


def seeds(ledger):
    ledger.append({"n": n, "tenant_id": f"t{n % 3}"} for n in range(30))
    ledger.run("seal")
    for name, more in (
        ("a.bundle", ()),
        ("b.bundle", ("--tenant", "t1")),
        ("c.bundle.zst", ()),
        ("d.jsonl", ("--format", "logbook")),
        ("e.parquet", ("--format", "parquet")),
        ("f.parquet", ("--format", "parquet", "--tenant", "t1")),
        ("g.parquet", ("--format", "parquet", "--table", "epochs")),
    ):
        ledger.run("export", "-o", name, *more)
    ledger.run("prove", "3", "-o", "h.proof")
    ledger.run("head", "-o", "i.json")
    files = [path for path in ledger.folder.iterdir() if path.is_file()]
    files += [path for path in (ROOT / "fixtures/cases").iterdir() if path.is_file()]
    return [path.read_bytes() for path in files if path.stat().st_size < 1 << 20]


def changed(data, choose, others):
    data = bytearray(data)
    for _ in range(choose.choice((0, 1, 1, 2, 4, 16))):
        at = choose.randrange(len(data) + 1)
        change = choose.randrange(6)
        if change == 0 and data:
            data[at % len(data)] = choose.randrange(256)
        elif change == 1:
            del data[at : at + choose.randrange(1, 200)]
        elif change == 2:
            other = choose.choice(others)
            start = choose.randrange(len(other) + 1)
            data[at:at] = other[start : start + choose.randrange(1, 400)]
        elif change == 3:
            del data[at:]
        elif change == 4 and data:
            data[at : at + 4] = choose.choice((b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\xff\xff\xff\xff"))
        elif data:
            data[at % len(data)] ^= 1 << choose.randrange(8)
    return bytes(data)


def main():
    seconds, seed = float(sys.argv[1]), int((sys.argv + ["1"])[2])
    choose = random.Random(seed)
    ledger = Ledger()
    try:
        key, others = ledger.key, seeds(ledger)
        ends, given, raised = time.monotonic() + seconds, 0, {}
        while time.monotonic() < ends:
            data = changed(choose.choice(others), choose, others)
            takes = (
                lambda: sealbook.verify(data, [key]).to_dict(),
                lambda: sealbook.verify(data, [key], format=choose.choice(("bundle", "parquet"))),
                lambda: [entry.payload for entry in sealbook.read(data)],
                lambda: sealbook.statements(data),
                lambda: _arrow(data),
            )
            for take in takes:
                given += 1
                try:
                    take()
                except (sealbook.SealbookError, ValueError, OSError, RecursionError) as error:
                    name = getattr(error, "code", type(error).__name__)
                    raised[name] = raised.get(name, 0) + 1
                    # A panic in the library is caught, and is a fault of ours all the same.
                    assert name != "internal", (seed, given, error)
        print(f"{given} given, raised {raised}")
    finally:
        ledger.close()


def _arrow(data):
    import pyarrow

    return pyarrow.table(sealbook.table(data))


if __name__ == "__main__":
    main()
