#!/usr/bin/env python3
"""A second verifier of logbooks, bundles and proofs, from the format document alone: src/ledger/format.rs.

tools/verify.py [--key HEX]... [--as logbook|bundle|proof] [--allow-unsigned] FILE... prints a JSON report a file; exits
with 0 if all pass, 1 if one fails, 2 if one is none of them or of a version that is not read here. In comments are
sections. zstd is transport: decompress first."""
import argparse, hashlib, json, re, sys
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from functools import reduce
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MIB, ZERO, HOUR, BOM = 1 << 20, "0" * 64, timedelta(hours=1), b"\xef\xbb\xbf"
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826
SMALL = {0, 1, P - 1, ORDER_8, P - ORDER_8}  # the y of every point of small order
REFERRING, UNREADABLE = ("wcp.", "manifest.", "vacant.", "hall."), (ValueError, RecursionError, OverflowError)
class Fault(Exception): pass
class Unsupported(Exception): pass  # 15.2: no verdict.
def demand(at="file", index=None, /, **claims):  # The first claim that does not hold names the fault.
    for code, holds in claims.items():
        if not holds:
            raise Fault(dict(code=code, at=at, index=index))
@contextmanager
def readable(code, at="file", index=None):  # What cannot be read inside is this fault.
    try:
        yield
    except UNREADABLE:
        raise Fault(dict(code=code, at=at, index=index)) from None

def wrong(why): raise ValueError(why)  # 1. JSON: a value and its canonical bytes.
def unique(pairs): return dict(pairs) if len(dict(pairs)) == len(pairs) else wrong("a name twice")
def finite(digits): return float(digits) if abs(float(digits)) != float("inf") else wrong("too large")
def canonical(value): return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
def inside(value): return value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
def levels(value): return 1 + max(map(levels, inside(value)), default=0) if isinstance(value, (dict, list)) else 0
def parse(line):
    text = line.decode() if len(line) <= 20 * MIB else wrong("too long")
    value = json.loads(text, object_pairs_hook=unique, parse_float=finite, parse_constant=wrong)
    return value, canonical(value)
def read(value, readers):  # An object with certain members and no others; readers of values.
    whole = isinstance(value, dict) and sorted(value) == sorted(readers)
    return {name: reader(value[name]) for name, reader in readers.items()} if whole else wrong("other members")
def anything(value): return value
def text(value): return value if isinstance(value, str) else wrong("no string")
def number(value): return value if type(value) is int and 0 <= value < 2**64 else wrong("no number")
def one(value): return value if number(value) == 1 else wrong("another format")
def two(value): return value if number(value) == 2 else wrong("another format")
def nothing(value): return value if value == [] else wrong("something that is not known")
def optional(reader): return lambda value: None if value is None else reader(value)
def hex_16(value, size=32): return value if re.fullmatch("[0-9a-f]{%d}" % size, text(value)) else wrong("no hex")
def hex_32(value): return hex_16(value, 64)
def hex_64(value): return hex_16(value, 128)
def hashes(value): return [bytes.fromhex(hex_32(node)) for node in (value if isinstance(value, list) else wrong("no list"))]
def payload(value): return value if isinstance(value, dict) and levels(value) <= 128 else wrong("no payload")
def log_end(value): return read(value, dict(SEQ, hash=hex_32, log=hex_32))
def kind(value):
    fits = text(value).strip() and len(value.encode()) <= 256 and not re.search("[\0-\x1f\x7f-\x9f]", value)
    return value if fits else wrong("no kind")
TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,6})0*)?(?:[Zz]|([+-](?:[01]\d|2[0-3]):[0-5]\d))?", re.A)
def any_time(value):  # 2. The moment. Its canonical spelling is Python's own.
    day, clock, fraction, offset = (TIME.fullmatch(text(value)) or wrong("no time")).groups()
    spelt = f"{day}T{clock}.{(fraction or '').ljust(6, '0')}{offset or '+00:00'}"
    return datetime.fromisoformat(spelt).astimezone(timezone.utc)
def time(value): return any_time(value) if any_time(value).isoformat() == value else wrong("another spelling")
LOG, RANGE, SEQ = dict(genesis=hex_32, log=hex_32), dict(first_seq=number, last_seq=number), dict(seq=number)
CONTENTS = {1: dict(LOG, contents=text, format=one), 2: dict(LOG, contents=text, format=two, uses=nothing)}
def tie(value): return read(value, dict(epoch=number, hash=hex_32))
def tree(value): return read(value, dict(root=hex_32, size=number))
HEADS = {1: dict(LOG, **SEQ, hash=hex_32, ts=time)}
HEADS[2] = dict(HEADS[1], epoch=optional(tie), format=two, tree=optional(tree))
HEADER = dict(LOG, **RANGE, epoch=number, head=hex_32, hour=time, prev=hex_32, root=hex_32, sealed_at=time, tree_size=number)
CLOSING = {1: dict(LOG, bytes=number, documents=number, entries=number, epochs=number, format=number, hash=hex_32)}
CLOSING[2] = dict(CLOSING[1], filter=optional(payload))
OPENING = dict(format=one, log=hex_32, nonce=hex_16, origin=text, predecessor=optional(log_end),
               recovery_key_sha256=optional(hex_32))
ENTRY = dict(kind=kind, payload=payload, prev_hash=hex_32, signature=hex_64, ts=time)
def H(*parts): return hashlib.blake2b(b"".join(parts), digest_size=32).digest()
def signed(key, message, signature):  # 3.1
    key, signature = bytes.fromhex(key), bytes.fromhex(signature)
    ys = [int.from_bytes(point, "little") & ((1 << 255) - 1) for point in (key, signature[:32])]
    weak = any(y >= P or y in SMALL for y in ys) or int.from_bytes(signature[32:], "little") >= L
    with suppress(InvalidSignature):  # cofactorless: R is computed and its bytes are compared
        return not weak and Ed25519PublicKey.from_public_bytes(key).verify(signature, message) is None
def version(value): return 2 if isinstance(value, dict) and value.get("format") == 2 else 1
class Statement:  # 3.2
    def __init__(self, value, what, readers):
        envelope = read(value, {what: anything, "key": hex_32, "signature": hex_64})
        self.__dict__.update(read(value[what], readers))
        self.signed_bytes = b"sealbook:%s:v%d\x1f" % (what.encode(), version(value[what])) + canonical(value[what])
        self.signed = envelope["key"] == self.log and signed(self.log, self.signed_bytes, envelope["signature"])

class Entry:  # 4. and 5.
    seq = None
    def __init__(self, value, readers):
        self.__dict__.update(read(value, readers))
        parts = [self.kind.encode(), self.ts.isoformat().encode(), canonical(self.payload), bytes.fromhex(self.prev_hash)]
        self.bytes = b"\x1f".join(parts) if sum(map(len, parts)) + 3 <= 16 * MIB else wrong("too long")
        self.hash = H(self.bytes).hex()
        self.leaf = H(b"\0", bytes.fromhex(self.hash), bytes.fromhex(self.signature))
    def judge(self, log, genesis, link, before, index):  # 9.2, 5.1 to 5.3, 5.5
        demand("entry", index, prev_hash_mismatch=(ZERO if self.seq == 0 else link) in (None, self.prev_hash),
               signature_invalid=signed(log, self.bytes, self.signature))
        self.keeps(log, genesis, before, index)
    def keeps(self, log, genesis, before, index):
        if self.seq == 0:
            with readable("schema_violation", "entry", index):
                opening = read(self.payload if self.kind == "sealbook:open" else None, OPENING)
            demand("entry", index, log_key_mismatch=opening["log"] == log, genesis_mismatch=self.hash == genesis)
        closed = before and before.closes() and (self.seq is None or self.seq == before.seq + 1)
        demand("entry", index, schema_violation=not closed, timestamp_regression=not before or self.ts >= before.ts)
    def closes(self):  # 5.5
        with suppress(*UNREADABLE):
            return self.kind == "sealbook:close" and read(self.payload, dict(successor=hex_32))
    def digest(self, at, index):  # 11.1
        content, claimed = self.payload.get("content"), self.payload.get("digest")
        whole = set(self.payload) - {"_actor"} == {"content", "digest", "media_type"}
        digest = "blake2b-256:" + H(content.encode() if isinstance(content, str) else canonical(content)).hex()
        demand(at, index, schema_violation=whole and isinstance(claimed, str) and isinstance(self.payload["media_type"], str),
               document_mismatch=digest == claimed)
        return digest
    def refers(self):  # 11.2
        waiting = [self.payload.get("context")] if self.kind.startswith(REFERRING) else []
        for value in waiting:
            waiting.extend(inside(value))
        return [text for text in waiting if isinstance(text, str) and re.fullmatch("blake2b-256:[0-9a-f]{64}", text)]
class Header(Statement):  # 6. Epochs
    def judge(self, log, genesis):  # 6.3, and 6.4 of epoch 0
        counted = 1 <= self.tree_size == self.last_seq - self.first_seq + 1 <= 1 << 24
        timed = self.hour == self.hour.replace(minute=0, second=0, microsecond=0) <= self.sealed_at
        demand("epoch", self.epoch, epoch_signature_invalid=self.signed, log_key_mismatch=self.log == log,
               genesis_mismatch=self.genesis == genesis,
               epoch_invariant=counted and timed and (self.epoch == 0) == (self.first_seq == 0),
               epoch_chain_broken=self.epoch or self.prev == ZERO)
    def follows(self, before):  # 6.4
        numbered = self.epoch == before.epoch + 1 and self.first_seq == before.last_seq + 1
        demand("epoch", self.epoch,
               epoch_invariant=numbered and self.hour >= before.hour and self.sealed_at >= before.sealed_at,
               epoch_chain_broken=self.prev == H(before.signed_bytes).hex())
    def covers(self, entry, index):  # 6.5
        demand("entry", index, epoch_invariant=self.hour <= entry.ts < self.hour + HOUR and entry.ts <= self.sealed_at)
        demand("epoch", self.epoch, head_mismatch=entry.seq != self.last_seq or entry.hash == self.head)
    def leads(self, entry, path, index):  # 6.6
        at, size, node, sides = entry.seq - self.first_seq, self.tree_size, entry.leaf, []
        demand("entry", index, proof_invalid=path is not None and 0 <= at < size)
        while size > 1:
            sides += [at % 2] if at % 2 or at + 1 < size else []
            at, size = at // 2, (size + 1) // 2
        demand("entry", index, proof_invalid=len(sides) == len(path))
        for right, sibling in zip(sides, path):
            node = H(b"\1", sibling, node) if right else H(b"\1", node, sibling)
        demand("entry", index, proof_invalid=node.hex() == self.root)
def subtrees(at, end):  # 6.7: the levels of the complete subtrees of [at, end).
    while at < end:
        level = min((end - at).bit_length(), (at & -at).bit_length() or 65) - 1
        yield level
        at += 1 << level
def leaves(nodes): return sum(1 << level for level, _ in nodes or [])
def root(nodes):  # Of such subtrees with their levels, from the left.
    tree = []
    for level, node in nodes:
        while tree and tree[-1][0] == level:
            level, node = level + 1, H(b"\1", tree.pop()[1], node)
        tree.append((level, node))
    return reduce(lambda right, left: H(b"\1", left, right), [node for _, node in reversed(tree)]).hex()

def supported(value):  # 15.2
    named = value if isinstance(value, dict) else {}
    newer, uses = named.get("format"), named.get("uses")
    if type(newer) is int and 2 < newer < 2**64 or newer == 2 and isinstance(uses, list) and any(isinstance(use, str) for use in uses):
        raise Unsupported
def opens(line, log, genesis, at, index):  # 10.9: the opening entry, in a line of its own
    entry = Entry(line, ENTRY)
    entry.seq = 0
    with relocated(at, index):
        entry.judge(log, genesis, None, None, index)
@contextmanager
def relocated(at, index):  # What is wrong with an entry inside is of this place.
    try:
        yield
    except Fault as fault:
        raise Fault(dict(fault.args[0], at=at, index=index)) from None
def proof(data, keys, report):  # 8
    with readable("proof_invalid"):
        value, spelling = parse(data[:-1])
        supported(value)
        whole, more = value if spelling + b"\n" == data else None, dict(format=two, opening=anything, uses=nothing)
        parts = read(whole, dict(entry=anything, epoch=anything, path=hashes, **(more if version(whole) == 2 else {})))
        opening = Entry(parts["opening"], ENTRY) if version(whole) == 2 else None
        entry, header = Entry(parts["entry"], dict(ENTRY, **SEQ)), Header(parts["epoch"], "epoch", HEADER)
    report.update(entries=1, epochs=1, head=entry.hash)
    demand(untrusted_key=header.log in keys)
    opening and opens(parts["opening"], header.log, header.genesis, "document", 0)
    header.judge(header.log, header.genesis)
    entry.judge(header.log, header.genesis, None, None, 0)
    header.covers(entry, 0)
    header.leads(entry, parts["path"], 0)
    entry.kind == "wcp.document" and entry.digest("entry", 0)
def logbook(data, keys, report):  # 9
    demand(untrusted_key=keys)
    own, before, given, wanted = False, None, set(), {}
    link, lines = ZERO, filter(lambda line: line.strip(b" \t\r"), data.removeprefix(BOM).split(b"\n"))
    for index, line in enumerate(lines):
        good, report["entries"] = False, index + 1
        try:
            with readable("schema_violation", "entry", index):
                entry = Entry(parse(line)[0], dict(ENTRY, ts=any_time))
            report["head"], good = entry.hash, signed(keys[0], entry.bytes, entry.signature)
            own, entry.seq = own or index == 0 and entry.kind == "sealbook:open", index
            demand("entry", index, prev_hash_mismatch=link in (None, entry.prev_hash), signature_invalid=good)
            if own:
                entry.keeps(keys[0], entry.hash, before, index)
                entry.kind == "wcp.document" and given.add(entry.digest("entry", index))
                wanted.update({digest: index for digest in entry.refers() if digest not in wanted})
            before = entry
        except Fault as fault:
            report["faults"].append(fault.args[0])
        link = entry.hash if good else None
    report["not_checked"] = ["truncation"] + ["ledger_rules"] * (not own)
    for digest, index in wanted.items():
        demand("entry", index, document_missing=digest in given)

class Bundle:  # 10, a method for each line of its table.
    log = header = entry = tail = tree = closed = opened = None
    def __init__(self, data, keys, report):
        self.keys, self.report, self.documents, self.given, self.wanted = keys, report, {}, set(), {}
        *self.lines, rest = data.split(b"\n")
        for self.line, raw in enumerate(self.lines):
            demand("document", self.line, bundle_corrupt=not self.closed)
            opens = self.log is not None and self.format == 2 and raw.startswith(b'{"opening":')
            demand("document", self.line, bundle_corrupt=not self.opened or raw.startswith(b'{"bundle":'))
            entry, document = (self.log and raw.startswith(b'{"%s":' % what) for what in (b"entry", b"document"))
            document = document or opens
            code = "schema_violation" if entry or document else "bundle_corrupt"
            with readable(code, "entry" if entry else "document", report["entries"] if entry else self.line):
                value, spelling = parse(raw)
                self.log or supported(value.get("sealbook") if isinstance(value, dict) else None)
                what = [name for name in LINES if isinstance(value, dict) and name in value and spelling == raw]
                what and (what[0] == "sealbook") == (self.log is None) or wrong("no line that may stand here")
                what[0] != "opening" or opens or wrong("no line of version 1")
                getattr(self, "on_" + what[0])(value)
        demand("document", len(self.lines), bundle_corrupt=not self.closed or not rest, truncated=self.closed)
        self.end()
        if self.range:
            demand(truncated=self.entry and self.entry.seq == self.last_seq)
            demand(head_mismatch=not self.tail or (self.tail.seq, self.tail.hash) == (self.entry.seq, self.entry.hash))
        for digest, index in self.wanted.items():
            demand("entry", index, document_missing=digest in self.documents or digest in self.given)
        for digest, line in self.documents.items():
            demand("document", line, bundle_corrupt=digest in self.wanted and digest not in self.given)
    def on_sealbook(self, value):
        contents = read(value, dict(sealbook=payload))["sealbook"]
        self.range, readers = contents.get("contents") == "range", CONTENTS[version(contents)]
        self.__dict__.update(read(contents, dict(readers, **RANGE) if self.range else readers))
        self.range or self.contents == "selection" or wrong("neither range nor selection")
        demand(untrusted_key=self.log in self.keys)
    def on_opening(self, value):
        with readable("schema_violation", "document", self.line):
            opens(read(value, dict(opening=anything))["opening"], self.log, self.genesis, "document", self.line)
        self.opened = True
    def on_document(self, value):
        entry = Entry(read(value, dict(document=anything))["document"], ENTRY)
        demand("document", self.line, bundle_corrupt=not self.header and not self.tail and not self.entry)
        demand("document", self.line, signature_invalid=signed(self.log, entry.bytes, entry.signature),
               bundle_corrupt=entry.kind == "wcp.document")
        demand("document", self.line, bundle_corrupt=(digest := entry.digest("document", self.line)) > max(self.documents, default=""))
        self.documents[digest] = self.line
    def on_epoch(self, value):
        header, before = Header(value, "epoch", HEADER), self.header
        self.end()
        header.judge(self.log, self.genesis)
        if before and (self.range or header.epoch == before.epoch + 1):
            header.follows(before)
        ascends = not before or header.epoch > before.epoch and header.first_seq > before.last_seq
        demand("epoch", header.epoch, epoch_invariant=ascends, bundle_corrupt=not self.tail)
        self.header, self.tree, self.report["epochs"] = header, [] if self.range else None, self.report["epochs"] + 1
    def end(self):  # Of an epoch.
        header, tree, self.tree = self.header, self.tree, None
        if tree is not None:
            demand("epoch", header.epoch, epoch_root_mismatch=leaves(tree) == header.tree_size and root(tree) == header.root)
        elif header:
            demand("epoch", header.epoch, bundle_corrupt=self.range or self.entry and self.entry.seq >= header.first_seq)
    def on_before(self, value):
        self.header and demand("epoch", self.header.epoch, bundle_corrupt=not self.tree and not self.entry)
        self.subtrees(value, "before", 0, self.first_seq - self.header.first_seq if self.header else 0)
    def on_after(self, value):
        self.subtrees(value, "after", leaves(self.tree), self.header.tree_size if self.header else 0)
    def subtrees(self, value, name, at, end):
        nodes, expected = read(value, {name: hashes})[name], list(subtrees(at, end))
        demand(bundle_corrupt=self.tree is not None)
        demand("epoch", self.header.epoch, bundle_corrupt=nodes and len(nodes) == len(expected))
        self.tree += zip(expected, nodes)
    def on_entry(self, value):
        parts = read(value, dict(entry=anything, path=hashes) if "path" in value else dict(entry=anything))
        entry, index = Entry(parts["entry"], dict(ENTRY, **SEQ)), self.report["entries"]
        before, header = self.entry, self.header
        due = before.seq + 1 if before else self.first_seq if self.range else 0
        demand("entry", index, bundle_corrupt="path" not in parts or not self.range,
               sequence_gap=entry.seq == due or entry.seq > due and not self.range)
        entry.judge(self.log, self.genesis, before.hash if before and self.range else None, before, index)
        if not self.tail:
            stands = header and (not self.range or entry.seq <= header.last_seq)
            demand("entry", index, proof_invalid=stands)
            header.covers(entry, index)
            self.tree.append((0, entry.leaf)) if self.range else header.leads(entry, parts.get("path"), index)
        entry.kind == "wcp.document" and self.given.add(entry.digest("entry", index))
        self.wanted.update({digest: index for digest in entry.refers() if digest not in self.wanted})
        self.entry, self.report["head"], self.report["entries"] = entry, entry.hash, index + 1
    def on_head(self, value):
        head = Statement(value, "head", HEADS[version(value["head"])])
        self.end()
        due = self.entry.seq + 1 if self.entry else self.first_seq if self.range else 0
        demand(bundle_corrupt=self.range and not self.tail and due <= self.last_seq, signature_invalid=head.signed,
               log_key_mismatch=head.log == self.log, genesis_mismatch=head.genesis == self.genesis)
        tied = getattr(head, "epoch", None) or {}
        last = self.header and dict(epoch=self.header.epoch, hash=H(self.header.signed_bytes).hex())
        demand(epoch_chain_broken=not hasattr(head, "format") or not last or tied == last)
        self.tail = head
    def on_bundle(self, value):
        readers = CLOSING[version(value["bundle"])]
        said = read(value["bundle"], readers)
        statement = Statement(value, "bundle", readers) if len(value) > 1 else None
        before = b"".join(line + b"\n" for line in self.lines[:self.line])
        counts = dict(bytes=len(before), documents=len(self.documents), entries=self.report["entries"], format=self.format)
        counts.update(filter=said.get("filter")) if self.format == 2 else None
        counts.update(epochs=self.report["epochs"], genesis=self.genesis, log=self.log, hash=H(before).hex())
        whole = self.format == 1 or self.opened
        demand("document", self.line, bundle_corrupt=whole and said == counts,
               bundle_unsigned=statement or self.allow_unsigned, signature_invalid=not statement or statement.signed)
        self.closed, self.report["not_checked"] = True, [] if statement else ["bundle_unsigned"]
    allow_unsigned = False
LINES = ["sealbook", "opening", "document", "epoch", "before", "entry", "after", "head", "bundle"]
RECOGNISED = [("proof", {"entry", "epoch", "path"}), ("bundle", {"sealbook"}), ("bundle", {"bundle"}),
              ("bundle", {"entry"}), ("bundle", {"epoch", "signature"}), ("logbook", {"prev_hash", "signature"})]
def recognise(data):  # 14.3
    for line in data[:MIB].removeprefix(BOM).split(b"\n")[:16]:
        with suppress(*UNREADABLE):
            says = set(payload(parse(line)[0]))
            if formats := [format for format, names in RECOGNISED if names <= says]:
                return formats[0]
    return None if data.strip() else "logbook"
def verify(data, keys, format):  # The report on a file's bytes as `format`, under these keys in hex.
    report = dict(verdict="pass", format=format, entries=0, epochs=0, head=ZERO, faults=[], not_checked=[])
    try:
        demand(format_mismatch=recognise(data) in (None, format))
        {"logbook": logbook, "bundle": Bundle, "proof": proof}[format](data, keys, report)
    except Fault as fault:
        report["faults"].append(fault.args[0])
    except Unsupported:
        return dict(report, verdict="error", faults=[dict(code="format_unsupported")])
    return dict(report, verdict="fail" if report["faults"] else "pass")
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--key", action="append", default=[])
    parser.add_argument("--as", dest="format", choices=["logbook", "bundle", "proof"])
    parser.add_argument("--allow-unsigned", action="store_true")
    parser.add_argument("file", nargs="+", type=argparse.FileType("rb"))
    args = parser.parse_args(namespace=argparse.Namespace(status=0))
    Bundle.allow_unsigned = args.allow_unsigned
    for file in args.file:
        data, named = file.read(), [format for format in ("bundle", "proof") if file.name.endswith("." + format)]
        format = args.format or (named[0] if named else recognise(data))
        report = verify(data, args.key, format) if format else dict(verdict="none", detail="no logbook, bundle or proof")
        print(json.dumps(dict(path=file.name, **report)), file=sys.stdout if format else sys.stderr)
        args.status = max(args.status, dict(fail=1, error=2, none=2).get(report["verdict"], 0))
    sys.exit(args.status)
