#!/usr/bin/env python3
"""A second verifier of logbooks, bundles and proofs, from the format document alone.

    tools/verify.py [--key HEX]... [--as logbook|bundle|proof] FILE...

Prints a JSON report a file; exits with 0 if all pass, 1 if one fails, 2 if one is nothing of
the kind. Of a logbook every fault is named, of a bundle or proof the first. Numbers in
comments are sections of src/ledger/format.rs. Ed25519 is the package `cryptography`'s; zstd
is transport: decompress first.
"""
import argparse, hashlib, json, re, sys
from datetime import datetime, timedelta
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
MIB, ZERO, HOUR = 1 << 20, "0" * 64, timedelta(hours=1)
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826
SMALL = {0, 1, P - 1, ORDER_8, P - ORDER_8}  # the y of every point of small order
BOM, REFERRING = b"\xef\xbb\xbf", ("wcp.", "manifest.", "vacant.", "hall.")

class Fault(Exception):
    def __init__(self, code, at="file", index=None):
        self.code, self.at, self.index = code, at, index
def require(holds, code, at="file", index=None):
    if not holds:
        raise Fault(code, at, index)
def H(*parts): return hashlib.blake2b(b"".join(parts), digest_size=32).digest()

# 1. JSON. What cannot be read is `wrong`; whoever asked says which fault that is.
def wrong(why): raise ValueError(why)
def unique(pairs): return dict(pairs) if len(dict(pairs)) == len(pairs) else wrong("a name twice")
def finite(digits): return float(digits) if abs(float(digits)) != float("inf") else wrong("too large")
def canonical(value): return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
def parse(line):  # The value and its canonical bytes.
    try:
        text = line.decode() if len(line) <= 20 * MIB else wrong("too long")
        value = json.loads(text, object_pairs_hook=unique, parse_float=finite, parse_constant=wrong)
        return value, canonical(value)
    except RecursionError:
        raise ValueError("too deep") from None
def levels(value):
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(levels, inner), default=0) if isinstance(value, (dict, list)) else 0

# What reads the members of an object, these and no others; readers of members.
def read(value, readers):
    whole = isinstance(value, dict) and sorted(value) == sorted(readers)
    return {name: reader(value[name]) for name, reader in readers.items()} if whole else wrong("other members")
def anything(value): return value
def text(value): return value if isinstance(value, str) else wrong("no string")
def array(value): return value if isinstance(value, list) else wrong("no list")
def number(value): return value if type(value) is int and 0 <= value < 2**64 else wrong("no number")
def hex_16(value): return value if re.fullmatch("[0-9a-f]{32}", text(value)) else wrong("no hex")
def hex_32(value): return value if re.fullmatch("[0-9a-f]{64}", text(value)) else wrong("no hex")
def hex_64(value): return value if re.fullmatch("[0-9a-f]{128}", text(value)) else wrong("no hex")
def hashes(value): return [bytes.fromhex(hex_32(node)) for node in array(value)]
def payload(value): return value if isinstance(value, dict) and levels(value) <= 128 else wrong("no payload")
def recovery(value): return None if value is None else hex_32(value)
def predecessor(value): return None if value is None else read(value, dict(hash=hex_32, log=hex_32, seq=number))
def kind(value):
    controls = any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in text(value))
    return value if value.strip() and len(value.encode()) <= 256 and not controls else wrong("no kind")

# 2. Time: the moment.
TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,6})0*)?(?:[Zz]|([+-])(\d\d):(\d\d))?", re.ASCII)
def any_time(value):
    day, clock, fraction, sign, hours, minutes = (TIME.fullmatch(text(value)) or wrong("no time")).groups()
    moment = datetime.fromisoformat(f"{day}T{clock}.{(fraction or '').ljust(6, '0')}")
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        moment += offset if sign == "-" else -offset
    except OverflowError:
        wrong("no year")
    return moment if (hours or "") < "24" and (minutes or "") < "60" else wrong("no offset")
def spelt(moment): return moment.isoformat() + "+00:00"
def time(value): return any_time(value) if spelt(any_time(value)) == value else wrong("another spelling")

# 3. Signatures
def signed(key, message, signature):
    key, signature = bytes.fromhex(key), bytes.fromhex(signature)
    ys = [int.from_bytes(point, "little") & ((1 << 255) - 1) for point in (key, signature[:32])]
    if any(y >= P or y in SMALL for y in ys) or int.from_bytes(signature[32:], "little") >= L:
        return False
    try:  # cofactorless: R is computed and its bytes are compared
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        return True
    except InvalidSignature:
        return False
LOG, RANGE, SEQ = dict(genesis=hex_32, log=hex_32), dict(first_seq=number, last_seq=number), dict(seq=number)
CONTENTS = dict(LOG, contents=text, format=number)
HEAD = dict(LOG, **SEQ, hash=hex_32, ts=time)
HEADER = dict(LOG, **RANGE, epoch=number, head=hex_32, hour=time, prev=hex_32, root=hex_32, sealed_at=time, tree_size=number)
CLOSING = dict(LOG, bytes=number, documents=number, entries=number, epochs=number, format=number, hash=hex_32)
OPENING = dict(format=number, log=hex_32, nonce=hex_16, origin=text, predecessor=predecessor, recovery_key_sha256=recovery)
ENTRY = dict(kind=kind, payload=payload, prev_hash=hex_32, signature=hex_64, ts=time)
LINES = ["sealbook", "document", "epoch", "before", "entry", "after", "head", "bundle"]

class Statement:
    given = 0
    def __init__(self, value, what, readers):
        envelope = read(value, {what: anything, "key": hex_32, "signature": hex_64})
        self.__dict__.update(read(value[what], readers))
        self.signed_bytes = b"sealbook:%s:v1\x1f" % what.encode() + canonical(value[what])
        self.signed = envelope["key"] == self.log and signed(self.log, self.signed_bytes, envelope["signature"])

# 4. and 5. Entries
class Entry:
    seq = None
    def __init__(self, value, readers):
        self.__dict__.update(read(value, readers))
        parts = [self.kind.encode(), spelt(self.ts).encode(), canonical(self.payload), bytes.fromhex(self.prev_hash)]
        self.bytes = b"\x1f".join(parts) if sum(map(len, parts)) + 3 <= 16 * MIB else wrong("too long")
        self.hash = H(self.bytes).hex()
        self.leaf = H(b"\0", bytes.fromhex(self.hash), bytes.fromhex(self.signature))
    def judge(self, log, genesis, link, index):  # 9.2; of entry 0 also 5.1 and 5.2
        require((ZERO if self.seq == 0 else link) in (None, self.prev_hash), "prev_hash_mismatch", "entry", index)
        require(signed(log, self.bytes, self.signature), "signature_invalid", "entry", index)
        if self.seq == 0:
            try:
                opening = read(self.payload if self.kind == "sealbook:open" else None, OPENING)
            except ValueError:
                opening = {"format": None}
            require(opening["format"] == 1, "schema_violation", "entry", index)
            require(opening["log"] == log, "log_key_mismatch", "entry", index)
            require(self.hash == genesis, "genesis_mismatch", "entry", index)
    def digest(self):  # 11.1: None if it is not a right document.
        content, media_type = self.payload.get("content"), self.payload.get("media_type")
        whole = set(self.payload) - {"_actor"} == {"content", "digest", "media_type"} and isinstance(media_type, str)
        digest = "blake2b-256:" + H(content.encode() if isinstance(content, str) else canonical(content)).hex()
        return digest if whole and digest == self.payload["digest"] else None
    def refers(self):  # 11.2
        waiting = [self.payload.get("context")] if self.kind.startswith(REFERRING) else []
        while waiting:
            value = waiting.pop()
            if isinstance(value, str) and re.fullmatch("blake2b-256:[0-9a-f]{64}", value):
                yield value
            waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else []

# 6. Epochs
class Header(Statement):
    def require(self, holds, code): require(holds, code, "epoch", self.epoch)
    def judge(self, log, genesis):  # 6.3, and 6.4 of epoch 0
        self.require(self.signed, "epoch_signature_invalid")
        self.require(self.log == log, "log_key_mismatch")
        self.require(self.genesis == genesis, "genesis_mismatch")
        holds = self.tree_size == self.last_seq - self.first_seq + 1 and 1 <= self.tree_size <= 1 << 24
        holds = holds and self.hour == self.hour.replace(minute=0, second=0, microsecond=0) <= self.sealed_at
        self.require(holds and (self.epoch == 0) == (self.first_seq == 0), "epoch_invariant")
        self.require(self.epoch or self.prev == ZERO, "epoch_chain_broken")
    def follows(self, before):  # 6.4
        holds = self.epoch == before.epoch + 1 and self.first_seq == before.last_seq + 1
        self.require(holds and self.hour >= before.hour and self.sealed_at >= before.sealed_at, "epoch_invariant")
        self.require(self.prev == H(before.signed_bytes).hex(), "epoch_chain_broken")
    def covers(self, entry, index):  # 6.5
        holds = self.hour <= entry.ts < self.hour + HOUR and entry.ts <= self.sealed_at
        require(holds, "epoch_invariant", "entry", index)
        self.require(entry.seq != self.last_seq or entry.hash == self.head, "head_mismatch")
    def leads(self, entry, path, index):  # 6.6
        at, size, node, sides = entry.seq - self.first_seq, self.tree_size, entry.leaf, []
        require(path is not None and 0 <= at < size, "proof_invalid", "entry", index)
        while size > 1:
            sides += [at % 2] if at % 2 or at + 1 < size else []
            at, size = at // 2, (size + 1) // 2
        require(len(sides) == len(path), "proof_invalid", "entry", index)
        for right, sibling in zip(sides, path):
            node = H(b"\1", sibling, node) if right else H(b"\1", node, sibling)
        require(node.hex() == self.root, "proof_invalid", "entry", index)
def subtrees(at, end):  # 6.7: the levels of the complete subtrees of [at, end).
    while at < end:
        level = min((end - at).bit_length(), (at & -at).bit_length() or 65) - 1
        yield level
        at += 1 << level
def root(nodes): return nodes[0] if len(nodes) == 1 else H(b"\1", nodes[0], root(nodes[1:]))
def proof(data, keys, report):  # 8
    try:
        value, spelling = parse(data[:-1])
        parts = read(value if spelling + b"\n" == data else None, dict(entry=anything, epoch=anything, path=hashes))
        entry, header = Entry(parts["entry"], dict(ENTRY, **SEQ)), Header(parts["epoch"], "epoch", HEADER)
    except ValueError:
        raise Fault("proof_invalid") from None
    report.update(entries=1, epochs=1, head=entry.hash, log=header.log, genesis=header.genesis)
    require(header.log in keys, "untrusted_key")
    header.judge(header.log, header.genesis)
    entry.judge(header.log, header.genesis, None, 0)
    header.covers(entry, 0)
    header.leads(entry, parts["path"], 0)
    require(entry.kind != "wcp.document" or entry.digest(), "document_mismatch", "entry", 0)
def logbook(data, keys, report):  # 9
    require(keys, "untrusted_key")
    link, faults = ZERO, report["faults"]
    for line in filter(lambda line: line.strip(b" \t\r"), data.removeprefix(BOM).split(b"\n")):
        index, report["entries"] = report["entries"], report["entries"] + 1
        try:
            entry = Entry(parse(line)[0], dict(ENTRY, ts=any_time))
        except ValueError:
            faults.append(Fault("schema_violation", "entry", index))
            link = None
            continue
        good = signed(keys[0], entry.bytes, entry.signature)
        faults += [Fault("prev_hash_mismatch", "entry", index)] if link not in (None, entry.prev_hash) else []
        faults += [] if good else [Fault("signature_invalid", "entry", index)]
        report["head"], link = entry.hash, entry.hash if good else None

class Bundle:  # 10, a method for each line of its table.
    log = header = entry = tail = tree = None
    leaves = 0
    def __init__(self, data, keys, report):
        self.keys, self.report, self.documents, self.given, self.wanted = keys, report, {}, set(), {}
        self.hashed, self.bytes, self.closed = hashlib.blake2b(digest_size=32), 0, False
        *lines, rest = data.split(b"\n")
        for self.line, raw in enumerate(lines):
            self.require(not self.closed, "bundle_corrupt")
            self.take(raw)
            self.hashed.update(raw + b"\n")
            self.bytes += len(raw) + 1
        self.line = len(lines)
        self.require(self.closed and not rest, "truncated")
        self.finish()
    def require(self, holds, code): require(holds, code, "document", self.line)
    def take(self, raw):
        try:
            value, spelling = parse(raw)
            what = [name for name in LINES if isinstance(value, dict) and name in value and spelling == raw]
            what and (what[0] == "sealbook") == (self.log is None) or wrong("no line that may stand here")
            getattr(self, "on_" + what[0])(value)
        except ValueError:
            is_entry, is_document = raw.startswith(b'{"entry":'), raw.startswith(b'{"document":')
            require(not self.log or not is_entry, "schema_violation", "entry", self.report["entries"])
            self.require(False, "schema_violation" if self.log and is_document else "bundle_corrupt")
    def on_sealbook(self, value):
        contents = read(value, dict(sealbook=payload))["sealbook"]
        self.range = contents.get("contents") == "range"
        self.__dict__.update(read(contents, dict(CONTENTS, **RANGE) if self.range else CONTENTS))
        self.format == 1 and self.contents in ("range", "selection") or wrong("another format")
        self.report.update(log=self.log, genesis=self.genesis)
        require(self.log in self.keys, "untrusted_key")
    def on_document(self, value):
        entry = Entry(read(value, dict(document=anything))["document"], ENTRY)
        self.require(not self.header and not self.tail and not self.entry, "bundle_corrupt")
        self.require(signed(self.log, entry.bytes, entry.signature), "signature_invalid")
        self.require(entry.kind == "wcp.document", "bundle_corrupt")
        digest = entry.digest()
        self.require(digest, "document_mismatch")
        self.require(digest > max(self.documents, default=""), "bundle_corrupt")
        self.documents[digest] = self.line
    def on_epoch(self, value):
        header, before = Header(value, "epoch", HEADER), self.header
        header.require(not self.tail, "bundle_corrupt")
        self.end()
        header.judge(self.log, self.genesis)
        if before and (self.range or header.epoch == before.epoch + 1):
            header.follows(before)
        elif before:
            header.require(header.epoch > before.epoch and header.first_seq > before.last_seq, "epoch_invariant")
        self.header, self.tree, self.leaves = header, [] if self.range else None, 0
        self.report["epochs"] += 1
    def end(self):  # Of an epoch.
        if self.tree is not None:
            whole = self.leaves == self.header.tree_size and root([node for _, node in self.tree]).hex() == self.header.root
            self.header.require(whole, "epoch_root_mismatch")
        elif self.header:
            self.header.require(self.header.given or self.range, "bundle_corrupt")
        self.tree = None
    def grow(self, level, node):
        self.leaves += 1 << level
        while self.tree and self.tree[-1][0] == level:
            level, node = level + 1, H(b"\1", self.tree.pop()[1], node)
        self.tree.append((level, node))
    def subtrees(self, value, name, at, end):
        nodes, expected = read(value, {name: hashes})[name], list(subtrees(at, end))
        require(self.tree is not None, "bundle_corrupt")
        self.header.require(nodes and len(nodes) == len(expected), "bundle_corrupt")
        for level, node in zip(expected, nodes):
            self.grow(level, node)
    def on_before(self, value):
        self.header and self.header.require(not self.tree and not self.entry, "bundle_corrupt")
        self.subtrees(value, "before", 0, self.first_seq - self.header.first_seq if self.header else 0)
    def on_after(self, value):
        self.subtrees(value, "after", self.leaves, self.header.tree_size if self.header else 0)
    def on_entry(self, value):
        parts = read(value, dict(entry=anything, path=hashes) if "path" in value else dict(entry=anything))
        entry, before, header, index = Entry(parts["entry"], dict(ENTRY, **SEQ)), self.entry, self.header, self.report["entries"]
        require("path" not in parts or not self.range, "bundle_corrupt", "entry", index)
        follows = not before or entry.seq > before.seq
        if self.range:
            follows = entry.seq == (before.seq + 1 if before else self.first_seq)
        require(follows, "sequence_gap", "entry", index)
        entry.judge(self.log, self.genesis, before.hash if before and self.range else None, index)
        require(not before or entry.ts >= before.ts, "timestamp_regression", "entry", index)
        if not self.tail:
            covered = header and (not self.range or header.first_seq <= entry.seq <= header.last_seq)
            require(covered, "proof_invalid", "entry", index)
            header.covers(entry, index)
            header.given += 1
            self.grow(0, entry.leaf) if self.range else header.leads(entry, parts.get("path"), index)
        require(entry.kind != "wcp.document" or entry.digest(), "document_mismatch", "entry", index)
        self.given |= {entry.digest()} if entry.kind == "wcp.document" else set()
        self.wanted = {**dict.fromkeys(entry.refers(), index), **self.wanted}
        self.entry, self.report["head"], self.report["entries"] = entry, entry.hash, index + 1
    def on_head(self, value):
        head = Statement(value, "head", HEAD)
        self.end()
        require(self.range and not self.tail, "bundle_corrupt")
        require(head.signed, "signature_invalid")
        require(head.log == self.log, "log_key_mismatch")
        require(head.genesis == self.genesis, "genesis_mismatch")
        self.tail = head
    def on_bundle(self, value):
        statement = Statement(value, "bundle", CLOSING) if len(value) > 1 else None
        told = read(value["bundle"], CLOSING)
        counts = dict(bytes=self.bytes, documents=len(self.documents), entries=self.report["entries"], epochs=self.report["epochs"])
        holds = told == dict(counts, format=1, genesis=self.genesis, log=self.log, hash=self.hashed.hexdigest())
        self.require(holds, "bundle_corrupt")
        self.require(not statement or statement.signed, "signature_invalid")
        self.report["not_checked"] += [] if statement else ["bundle_unsigned"]
        self.closed = True
    def finish(self):
        self.end()
        if self.range:
            require(self.entry and self.entry.seq == self.last_seq, "truncated")
            ends = not self.tail or (self.tail.seq, self.tail.hash) == (self.entry.seq, self.entry.hash)
            require(ends, "head_mismatch")
        for digest, index in self.wanted.items():
            require(digest in self.documents or digest in self.given, "document_missing", "entry", index)
        for digest, line in self.documents.items():
            require(digest in self.wanted and digest not in self.given, "bundle_corrupt", "document", line)

# 14. What the first lines say.
def recognise(data):
    for line in data[:MIB].removeprefix(BOM).split(b"\n")[:16]:
        try:
            has = payload(parse(line)[0])
        except ValueError:
            continue
        if {"entry", "epoch", "path"} <= set(has):
            return "proof"
        if {"sealbook", "bundle", "entry"} & set(has) or {"epoch", "signature"} <= set(has):
            return "bundle"
        if {"prev_hash", "signature"} <= set(has):
            return "logbook"
    return None if data.strip() else "logbook"
def verify(data, keys, format=None):
    report = dict(verdict="pass", format=format, entries=0, epochs=0, head=ZERO, log=None, genesis=None, faults=[], not_checked=[])
    seen = recognise(data)
    report["format"] = format = format or seen
    try:
        require(seen in (None, format), "format_mismatch")
        {"logbook": logbook, "bundle": Bundle, "proof": proof}[format](data, keys, report)
    except Fault as fault:
        report["faults"].append(fault)
    report["faults"] = [vars(fault) for fault in report["faults"]]
    return dict(report, verdict="fail" if report["faults"] else "pass")
def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--key", action="append", default=[])
    parser.add_argument("--as", dest="format", choices=["logbook", "bundle", "proof"])
    parser.add_argument("file", nargs="+")
    args, status = parser.parse_args(), 0
    for path in args.file:
        with open(path, "rb") as file:
            data = file.read()
        ending = path.rpartition(".")[2]
        format = args.format or (ending if ending in ("bundle", "proof") else None)
        if not format and not recognise(data):
            print(f"{path}: no logbook, bundle or proof", file=sys.stderr)
            status = 2
            continue
        report = verify(data, args.key, format)
        print(json.dumps(dict(path=path, **report)))
        status = max(status, report["verdict"] == "fail")
    return int(status)

if __name__ == "__main__":
    sys.exit(main())
