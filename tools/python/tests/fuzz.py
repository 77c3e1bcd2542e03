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

#: What the options take that are fuzzed: one file, or several.
ONE = ("receipts", "policy", "entry")
MANY = ("contains", "revoked", "audited")
FORMATS = ("bundle", "parquet", "logbook", "proof", "report", "equivocation", "tlog-proof")
TABLES = (sealbook.table, sealbook.members, sealbook.receipts, sealbook.checkpoints, sealbook.statements)
POLICY = (ROOT / "fixtures/format/public.policy").read_bytes()


def seeds(ledger):
    ledger.append({"n": n, "tenant_id": f"t{n % 3}", "correlation_id": "c-1"} for n in range(30))
    payload = '{"email":"a@x"}'
    ledger.run("append", "--kind", "sale", "--payload", payload, "--redactable", "/email")
    told = ledger.run("--json", "append", "--kind", "note", "--payload", "{}")
    (ledger.folder / "j.receipts").write_text(told)
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
    ledger.run("revoke", "3", "--key", "ledger.key.pem", "-o", "k.revoked")
    ledger.run("audit", "--sign", "ledger.key.pem", "-o", "l.audit")
    ledger.run("report", "--correlation", "c-1", "-o", "m.html")
    files = [path for path in ledger.folder.iterdir() if path.is_file()]
    for folder in ("fixtures/cases", "fixtures/format"):
        files += [path for path in (ROOT / folder).iterdir() if path.is_file()]
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
        part = sealbook.fold(ledger.path("a.bundle"), [key])[1]
        ends, given, raised = time.monotonic() + seconds, 0, {}
        while time.monotonic() < ends:
            data, beside = (changed(choose.choice(others), choose, others) for _ in range(2))
            whole = choose.choice(others)
            takes = (
                lambda: sealbook.verify(data, [key], explain=choose.random() < 0.5).to_dict(),
                lambda: sealbook.verify(data, [key], format=choose.choice(FORMATS)),
                lambda: sealbook.verify(whole, [key], **{choose.choice(ONE): beside}),
                lambda: sealbook.verify(whole, [key], **{choose.choice(MANY): [beside]}),
                lambda: sealbook.verify(data, [key], policy=POLICY, entry=whole),
                lambda: sealbook.verify(data, [_text(beside)], known=[_text(beside)]),
                lambda: _all(ledger, (data, beside, whole), key),
                lambda: [entry.payload for entry in sealbook.read(data)],
                lambda: [_members(member) for member in sealbook.members(data)],
                lambda: list(sealbook.receipts(data)),
                lambda: list(sealbook.checkpoints(data)),
                lambda: list(sealbook.statements(data)),
                lambda: sealbook.proof(data),
                lambda: sealbook.join([sealbook.fold(data, [key])[1] or _text(data)]),
                lambda: sealbook.join([_part(part, choose, others), part]),
                lambda: sealbook.key(_text(data)),
                lambda: sealbook.check_opening(*map(_text, (data, beside, whole)), pointer=_text(data), genesis=_text(whole)),
                lambda: _arrow(choose.choice(TABLES)(data)),
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


def _text(data):
    return data.decode("utf-8", "replace")


def _members(member):
    return member.genesis and member.opens(member.value, member.salt or "0" * 64)


def _part(part, choose, others):
    return _text(changed(part.encode(), choose, others))


def _all(ledger, files, key):
    folder = ledger.folder / "several"
    folder.mkdir(exist_ok=True)
    for number, data in enumerate(files):
        (folder / str(number)).write_bytes(data)
    return sealbook.verify_all([folder], [key]).to_json()


def _arrow(records):
    import pyarrow

    return pyarrow.table(records)


if __name__ == "__main__":
    main()
