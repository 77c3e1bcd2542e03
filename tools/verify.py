#!/usr/bin/env python3
"""A second verifier of logbooks, bundles and proofs, from the format document alone: src/ledger/format/.

tools/verify.py [--key HEX]... [--as logbook|bundle|proof] [--contains FILE]... [--receipts FILE] [--revoked FILE]...
                [--expect-head HEX] [--correlation ID] [--tenant ID] [--worker ID] [--allow-unsigned]
                [--allow-revocation-not-applicable] [--ledger-rules] FILE...
prints a JSON report a file; exits with 0 if all pass, 1 if one fails, 2 if one is none of them or of a version that is not
read here. `--profile` says what it does, `--lines` reads cases of the suite, a line each. In comments are the document's
rules. Of compression it reads gzip; zstd is to be undone before."""
import argparse, base64, hashlib, json, re, sys, zlib
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from functools import reduce
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MIB, ZERO, HOUR, BOM, BLANK = 1 << 20, "0" * 64, timedelta(hours=1), b"\xef\xbb\xbf", b" \t\r\f\n"
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826
SMALL = {0, 1, P - 1, ORDER_8, P - ORDER_8}  # the y of every point of small order
REFERRING, UNREADABLE = ("wcp.", "manifest.", "vacant.", "hall."), (ValueError, RecursionError, OverflowError)
class Fault(Exception): pass
class NoVerdict(Exception): pass  # 4.2: its error.
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
def wrong(why): raise ValueError(why)  # 2.1: a value and its canonical bytes.
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
def any_time(value):  # 2.3. The canonical spelling is Python's own.
    day, clock, fraction, offset = (TIME.fullmatch(text(value)) or wrong("no time")).groups()
    spelt = f"{day}T{clock}.{(fraction or '').ljust(6, '0')}{offset or '+00:00'}"
    return datetime.fromisoformat(spelt).astimezone(timezone.utc)
def time(value): return any_time(value) if any_time(value).isoformat() == value else wrong("another spelling")
LOG, RANGE, SEQ = dict(genesis=hex_32, log=hex_32), dict(first_seq=number, last_seq=number), dict(seq=number)
def uses(value): return value if value in ([], ["openings"], ["terms"], ["openings", "terms"]) else wrong("something that is not known")
def pointer(value):  # RFC 6901, not the empty one
    fits = text(value).startswith("/") and len(value.encode()) <= 4096 and not re.search("~(?![01])", value)
    return value if fits else wrong("no pointer")
CONTENTS = {1: dict(LOG, contents=text, format=one), 2: dict(LOG, contents=text, format=two, uses=uses)}
OPENED = dict(SEQ, pointer=pointer, salt=hex_32, value=anything)
def tie(value): return read(value, dict(epoch=number, hash=hex_32))
def tree(value): return read(value, dict(root=hex_32, size=number))
HEADS = {1: dict(LOG, **SEQ, hash=hex_32, ts=time)}
HEADS[2] = dict(HEADS[1], epoch=optional(tie), format=two, tree=optional(tree))
HEADER = dict(LOG, **RANGE, epoch=number, head=hex_32, hour=time, prev=hex_32, root=hex_32, sealed_at=time, tree_size=number)
HEADERS = {1: HEADER, 2: dict(HEADER, format=two, index=hex_32)}  # I.1
CLOSING = {1: dict(LOG, bytes=number, documents=number, entries=number, epochs=number, format=number, hash=hex_32)}
CLOSING[2] = dict(CLOSING[1], filter=optional(payload))
OPENING = dict(format=one, log=hex_32, nonce=hex_16, origin=text, predecessor=optional(log_end),
               recovery_key_sha256=optional(hex_32))
OPENINGS = {1: OPENING, 2: dict(OPENING, format=two, index=hex_32)}
BEGINS = dict(format=two, index=hex_32)  # I.13
ENTRY = dict(kind=kind, payload=payload, prev_hash=hex_32, signature=hex_64, ts=time)
def H(*parts): return hashlib.blake2b(b"".join(parts), digest_size=32).digest()
def signed(key, message, signature):  # G1 to G3
    key, signature = bytes.fromhex(key), bytes.fromhex(signature)
    ys = [int.from_bytes(point, "little") & ((1 << 255) - 1) for point in (key, signature[:32])]
    weak = any(y >= P or y in SMALL for y in ys) or int.from_bytes(signature[32:], "little") >= L
    with suppress(InvalidSignature):  # cofactorless: R is computed and its bytes are compared
        return not weak and Ed25519PublicKey.from_public_bytes(key).verify(signature, message) is None
def version(value): return 2 if isinstance(value, dict) and value.get("format") == 2 else 1
class Statement:  # 3.5
    def __init__(self, value, what, readers):
        envelope = read(value, {what: anything, "key": hex_32, "signature": hex_64})
        self.__dict__.update(read(value[what], readers))
        self.signed_bytes = b"sealbook:%s:v%d\x1f" % (what.encode(), version(value[what])) + canonical(value[what])
        self.key, self.hash_of_bytes = envelope["key"], H(self.signed_bytes).hex()
        self.holds = signed(self.key, self.signed_bytes, envelope["signature"])
        self.signed = self.key == self.log and self.holds
class Entry:  # 3.1
    seq = None
    def __init__(self, value, readers):
        self.__dict__.update(read(value, readers))
        parts = [self.kind.encode(), self.ts.isoformat().encode(), canonical(self.payload), bytes.fromhex(self.prev_hash)]
        self.bytes = b"\x1f".join(parts) if sum(map(len, parts)) + 3 <= 16 * MIB else wrong("too long")
        self.hash = H(self.bytes).hex()
        self.leaf = H(b"\0", bytes.fromhex(self.hash), bytes.fromhex(self.signature))
    def opens(self, at, index):  # E5, O4, and U4 of what the log signed
        payload = self.payload if self.kind == "sealbook:open" else {}
        with suppress(*UNREADABLE):
            return read(payload, OPENINGS[2 if "index" in payload else 1])
        if type(payload.get("format")) is int and 1 < payload["format"] < 2**64:
            raise NoVerdict("format_unsupported")
        demand(at, index, schema_violation=False)
    def closes(self):  # 3.3
        with suppress(*UNREADABLE):
            return self.kind == "sealbook:close" and read(self.payload, dict(successor=hex_32))["successor"]
    def digest(self, at, index):  # E15 and E16, D5 and D6
        content, claimed = self.payload.get("content"), self.payload.get("digest")
        whole = set(self.payload) - {"_actor"} == {"content", "digest", "media_type"}
        digest = "blake2b-256:" + H(content.encode() if isinstance(content, str) else canonical(content)).hex()
        demand(at, index, schema_violation=whole and isinstance(claimed, str) and isinstance(self.payload["media_type"], str),
               document_mismatch=digest == claimed)
        return digest
    def refers(self):  # 3.4
        waiting = [self.payload.get("context")] if self.kind.startswith(REFERRING) and self.kind != "wcp.document" else []
        for value in waiting:
            waiting.extend(inside(value))
        return [text for text in waiting if isinstance(text, str) and re.fullmatch("blake2b-256:[0-9a-f]{64}", text)]
class Header(Statement):  # 3.6
    index = None
    def __init__(self, value):
        super().__init__(value, "epoch", HEADERS[version(value.get("epoch") if isinstance(value, dict) else None)])
    def alone(self):  # H5
        return 1 <= self.tree_size == self.last_seq - self.first_seq + 1 <= 1 << 24 and \
            self.hour == self.hour.replace(minute=0, second=0, microsecond=0) <= self.sealed_at
    def follows(self, before):  # H6
        return self.epoch == before.epoch + 1 and self.first_seq == before.last_seq + 1 and \
            self.hour >= before.hour and self.sealed_at >= before.sealed_at and self.goes_on(before)
    def goes_on(self, before):  # I.13: from where on headers commit to an index, all do
        return self.index is not None or before.index is None
    def covers(self, entry, index):  # E12 and E13
        demand("entry", index, epoch_invariant=self.hour <= entry.ts < self.hour + HOUR and entry.ts <= self.sealed_at)
        demand("epoch", self.epoch, head_mismatch=entry.seq != self.last_seq or entry.hash == self.head)
    def leads(self, entry, path, index):  # E14
        at, size, node, sides = entry.seq - self.first_seq, self.tree_size, entry.leaf, []
        demand("entry", index, proof_invalid=path is not None and 0 <= at < size)
        while size > 1:
            sides += [at % 2] if at % 2 or at + 1 < size else []
            at, size = at // 2, (size + 1) // 2
        demand("entry", index, proof_invalid=len(sides) == len(path))
        for right, sibling in zip(sides, path):
            node = H(b"\1", sibling, node) if right else H(b"\1", node, sibling)
        demand("entry", index, proof_invalid=node.hex() == self.root)
def head_of(value): return Statement(value, "head", HEADS[version(value["head"])])
def subtrees(at, end):  # 2.5: the levels of the complete subtrees of [at, end).
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
    return reduce(lambda right, left: H(b"\1", left, right), [node for _, node in reversed(tree)]).hex() if tree else ZERO
class Kept:  # 8.1: a header or head, and what was seen of it.
    def __init__(self, value):
        self.header = Header(value) if isinstance(value, dict) and "epoch" in value else None
        self.said = said = self.header or (head_of(value) if isinstance(value, dict) and "head" in value else wrong("neither"))
        self.log, self.met = (said.log, said.genesis), False
        self.seq, self.hash = (said.last_seq, said.head) if self.header else (said.seq, said.hash)
def kept_of(data, warnings):  # K8
    try:
        with suppress(*UNREADABLE):
            return [Kept(value) for value in [json_of(data)[0]]]
        *lines, rest = data.split(b"\n")
        warnings += ["torn_last_line"] if rest.strip(BLANK) else []
        values = [(line, *json_of(line)) for line in lines if line.strip(BLANK)]
    except UNREADABLE:
        raise NoVerdict("bad_json") from None
    try:
        kept = [Kept(value) for _, value, _ in values]
    except UNREADABLE:
        raise NoVerdict("not_recognised") from None
    if any(line != spelling for line, _, spelling in values):
        raise NoVerdict("bad_input")
    return kept
def json_of(data):
    with suppress(*UNREADABLE):
        return parse(data)
    raise ValueError("no JSON")
def contradict(before, header):  # K2
    if before is None:
        return 0 in (header.epoch, header.first_seq) and (header.epoch, header.first_seq, header.prev) != (0, 0, ZERO)
    if header.epoch <= before.epoch + 1:
        return not header.follows(before) or header.prev != before.hash_of_bytes
    return header.first_seq <= before.last_seq
def stand(kept):  # K1 to K3: the headers that can stand
    standing, before = [], None
    for one in sorted((one for one in kept if one.header and one.said.signed), key=lambda one: one.header.epoch):
        same = before.header if before and before.log == one.log else None
        if same and same.signed_bytes == one.said.signed_bytes:
            continue
        demand("epoch", one.header.epoch, epoch_invariant=one.header.alone(), equivocation=not contradict(same, one.header))
        standing.append(one)
        before = one
    before = None
    for one in sorted((one for one in kept if one.said.signed), key=lambda one: one.seq):
        demand(equivocation=not before or before.seq != one.seq or before.log != one.log or before.hash == one.hash)
        before = one
    return standing
RECEIPT = dict(LOG, **SEQ, hash=hex_32, kind=text, prev_hash=hex_32, signature=hex_64, ts=time)
def receipts_of(data, warnings):  # C1
    receipts, lines = [], data.split(b"\n")
    for number, line in enumerate(lines):
        try:
            if line.strip(BLANK):
                receipts.append(dict(read(parse(line)[0], RECEIPT), line=number, met=False))
        except UNREADABLE:
            if number < len(lines) - 1:
                raise NoVerdict("bad_input") from None
            warnings += ["torn_last_line"]
    return sorted(receipts, key=lambda receipt: receipt["seq"])
class Revocation:  # 3.8, V8
    here = beyond = successor = met = None
    def __init__(self, data):
        try:
            lines = data.rstrip().split(b"\n")
            self.said = Statement(parse(lines[0])[0], "revoke", dict(LOG, **SEQ, hash=hex_32, reason=text))
            if len(lines) > 1:
                entry = Entry(read(parse(lines[1])[0], dict(closing=anything))["closing"], dict(ENTRY, ts=any_time))
                self.successor = entry.closes() if signed(self.said.log, entry.bytes, entry.signature) else None
            holds = self.said.holds and len(lines) <= 2 and (len(lines) == 1 or self.successor == self.said.key)
        except UNREADABLE:
            holds = False
        if not holds:
            raise NoVerdict("bad_input")
    def says(self, seq, hash):
        if seq == self.said.seq and self.here in (None, self.said.hash):
            self.here = hash
    def judge(self, walk):  # V1 to V6
        if self.said.log != walk.log:
            return walk.warnings.append("revocation_of_another_log")
        by, opening, closing = self.said.key, walk.opening, walk.closing and walk.closing[1]
        recovery = opening and opening["recovery_key_sha256"] == hashlib.sha256(bytes.fromhex(by)).hexdigest()
        if self.said.genesis == walk.genesis and (by == walk.log or not recovery and by not in (closing, self.successor) and opening and closing):
            return walk.warnings.append("revocation_ignored")
        if self.said.genesis != walk.genesis or not (recovery or by in (closing, self.successor)):
            return self.not_applicable(walk)
        demand(head_not_contained=self.here in (None, self.said.hash))
        demand("entry", self.beyond, untrusted_key=self.beyond is None)
        by_chain = self.met and (walk.linked or walk.report["entries"] == 1)
        tied = by_chain or not walk.gap and walk.header and self.leads(walk)
        return walk.warnings.append("revoked") if tied else self.not_applicable(walk)
    def leads(self, walk):  # V5: published headers that it is one of, or that follow on
        last, kept = walk.header, False
        for one in sorted((one for one in walk.contains if one.header and one.said.signed), key=lambda one: one.header.epoch):
            follows = one.header.log == last.log and one.header.follows(last) and one.header.prev == last.hash_of_bytes
            if follows or one.header.signed_bytes == last.signed_bytes:
                last, kept = one.header, True
            if kept and (last.last_seq, last.head) == (self.said.seq, self.said.hash):
                return True
    def not_applicable(self, walk):  # V6
        demand(revocation_not_applicable=walk.given.allow_revocation_not_applicable)
        walk.warnings.append("revocation_ignored")
        walk.not_checked.append("revocation_not_applicable")
class Walk:  # 4.4 to 4.8, and the end.
    log = genesis = header = open = entry = tail = opening = closing = None
    own, linked, numbered, gap, first_seq, last_seq, digest, begun, term, uses = True, False, True, False, 0, None, "", False, None, []
    def __init__(self, given, report):
        self.given, self.report, self.documents, self.among, self.wanted = given, report, {}, set(), {}
        self.warnings, self.not_checked = report["warnings"], report["not_checked"]
        self.contains = [one for data in given.contains for one in kept_of(data, self.warnings)]
        self.receipts = None if given.receipts is None else receipts_of(given.receipts, self.warnings)
        self.revoked, self.leaf_of, self.answer, self.all, self.headers = [Revocation(data) for data in given.revoked], {}, None, [], []
    def trusts(self, log):  # F3, P3; then K1 to K3
        self.log = log
        demand(untrusted_key=log in self.given.keys)
        self.standing = stand(self.contains)
    def due(self): return self.entry.seq + 1 if self.entry else self.first_seq
    def take_entry(self, entry, path=None, has_path=False):
        index, before, header = self.report["entries"], self.entry, self.header
        self.report["entries"] = index + 1
        entry.seq = entry.seq if self.numbered else index
        ascends = entry.seq == self.due() if self.linked and self.numbered else not before or entry.seq > before.seq
        demand("entry", index, sequence_gap=ascends)
        link = ZERO if entry.seq == 0 else before.hash if self.linked and before else None
        self.judge_links(entry, index, link)
        if self.own:
            self.keeps(entry, before, index)
        elif before and entry.ts < before.ts:
            self.warnings.append("timestamp_regression")
        self.genesis = entry.hash if index == 0 and not self.own else self.genesis
        self.closing = (entry.seq, entry.closes()) if entry.closes() else self.closing
        self.numbered and self.under(entry, path, has_path, index)
        if self.own:
            self.begins(entry, index)
            entry.kind == "wcp.document" and self.among.add(entry.digest("entry", index))
            self.wanted.update({digest: index for digest in entry.refers() if digest not in self.wanted})
        self.report["head"], self.entry = entry.hash, entry
        self.all.append((entry.seq, entry))
        self.compare(entry, index)
    def judge_links(self, entry, index, link):  # E3 and E4
        demand("entry", index, prev_hash_mismatch=link in (None, entry.prev_hash), signature_invalid=signed(self.log, entry.bytes, entry.signature))
    def keeps(self, entry, before, index):  # E5 to E9
        entry.kind == "sealbook:rollback" and self.warnings.append("acknowledged_rollback")
        if entry.seq == 0:
            self.opening = entry.opens("entry", index)
            demand("entry", index, log_key_mismatch=self.opening["log"] == self.log, genesis_mismatch=self.genesis in (None, entry.hash))
            self.genesis = entry.hash
        demand("entry", index, schema_violation=not self.closing or entry.seq != self.closing[0] + 1, timestamp_regression=not before or entry.ts >= before.ts)
    def begins(self, entry, index):  # I.13
        before, own = self.headers[-2:] if self.open and len(self.headers) > 1 else (self.header, self.header)
        if entry.kind != "sealbook:format":
            fresh = own and before.index is None is not own.index and (own.epoch, own.first_seq) == (before.epoch + 1, entry.seq)
            return demand("epoch", own and own.epoch, epoch_invariant=not fresh)
        supported(dict(format=entry.payload.get("format")))
        with readable("schema_violation", "entry", index):
            read(entry.payload, BEGINS)
        first = not self.open or entry.seq > self.header.last_seq or (self.header.first_seq == entry.seq and self.header.index is not None)
        demand("entry", index, schema_violation=first and not self.begun and "index" not in (self.opening or {}))
        self.begun = True
    def under(self, entry, path, has_path, index):  # E10 to E14
        self.linked and self.open and entry.seq > self.header.last_seq and self.end_epoch()
        demand("entry", index, bundle_corrupt=not (self.linked and has_path), proof_invalid=self.open or self.tail)
        if self.open:
            self.header.covers(entry, index)
            self.unused = False
            self.tree.append((0, entry.leaf)) if self.linked else self.header.leads(entry, path, index)
    def compare(self, entry, index):  # K6, K7, C3, and what revocations see
        for revocation in self.revoked:
            revocation.says(entry.seq, entry.hash)
            revocation.met = revocation.met or (entry.seq, entry.hash) == (revocation.said.seq, revocation.said.hash)
            if entry.seq > revocation.said.seq and revocation.beyond is None:
                revocation.beyond = index
        for one in self.contains:
            one.met |= (one.seq, one.hash) == (entry.seq, entry.hash)
        if self.standing:
            self.leaf_of[entry.seq] = entry.leaf
        for header in [one.header for one in self.standing if one.seq == entry.seq]:
            tree = [(0, self.leaf_of.get(seq)) for seq in range(header.first_seq, header.last_seq + 1)]
            demand("epoch", header.epoch, epoch_root_mismatch=any(not leaf for _, leaf in tree) or root(tree) == header.root)
        for receipt in [receipt for receipt in self.receipts or [] if receipt["seq"] == entry.seq]:
            receipt["met"] = True
            same = all(receipt[name] == getattr(entry, name) for name in ("hash", "prev_hash", "ts", "kind", "signature"))
            demand("document", receipt["line"], receipt_mismatch=same or self.foreign(receipt))
    def foreign(self, receipt): return receipt["log"] != self.log or self.genesis not in (None, receipt["genesis"])
    def end_epoch(self):  # R6, S5
        if self.open:
            self.open, header = None, self.header
            whole = not self.linked or leaves(self.tree) == header.tree_size and root(self.tree) == header.root
            demand("epoch", header.epoch, epoch_root_mismatch=whole, bundle_corrupt=self.linked or not self.unused)
    def take_header(self, header, selects):  # H2 to H8
        self.end_epoch()
        before, self.report["epochs"] = self.header, self.report["epochs"] + 1
        self.is_ours(header)
        self.headers.append(header)
        if not before:
            demand("epoch", header.epoch, epoch_invariant=(header.epoch == 0) == (header.first_seq == 0),
                   epoch_chain_broken=header.epoch or header.prev == ZERO)
        elif selects and header.epoch > before.epoch + 1:
            self.gap = True
            self.warnings.append("epoch_gap")
            demand("epoch", header.epoch, epoch_invariant=header.first_seq > before.last_seq and header.goes_on(before))
        else:
            demand("epoch", header.epoch, epoch_invariant=header.follows(before), epoch_chain_broken=header.prev == before.hash_of_bytes)
        demand("epoch", header.epoch, bundle_corrupt=not self.tail)
        self.header, self.open, self.tree, self.unused = header, header, [], True
        self.standing = [one for one in self.standing if one.header.epoch != header.epoch]
        for one in self.contains:
            if one.header and one.header.epoch == header.epoch and one.said.signed and one.log == (header.log, header.genesis):
                demand(equivocation=one.said.signed_bytes == header.signed_bytes)  # K4
                one.met = True
        for revocation in self.revoked:
            revocation.says(header.last_seq, header.head)
    def is_ours(self, header):  # H2 to H5
        demand("epoch", header.epoch, epoch_signature_invalid=header.signed, log_key_mismatch=header.log == self.log,
               genesis_mismatch=header.genesis == self.genesis, epoch_invariant=header.alone())
    def take_head(self, head):  # A2 to A6
        self.end_epoch()
        demand(bundle_corrupt=self.linked and not self.tail and self.due() <= self.last_seq, signature_invalid=head.signed,
               log_key_mismatch=head.log == self.log, genesis_mismatch=head.genesis == self.genesis)
        tied = self.header and dict(epoch=self.header.epoch, hash=self.header.hash_of_bytes)
        demand(epoch_chain_broken=not hasattr(head, "format") or not tied or head.epoch == tied)
        self.tail = head
        for revocation in self.revoked:
            revocation.says(head.seq, head.hash)
    def indexed(self):  # I.1: which headers commit to an index
        wrong = [one.epoch for one in self.headers if self.opening and (one.index is None if "index" in self.opening else one.index and one.epoch == 0)]
        demand("epoch", *wrong[:1], epoch_invariant=not wrong)
    def answered(self):  # S8
        with readable("filter_mismatch"):
            demand(filter_mismatch=self.answer is None or not self.linked and beside().answers(self.answer, self.all))
    def take_document(self, entry, line):  # D2 to D7
        demand("document", line, bundle_corrupt=not self.header and not self.tail and not self.entry and self.term is None)
        demand("document", line, signature_invalid=signed(self.log, entry.bytes, entry.signature), bundle_corrupt=entry.kind == "wcp.document")
        digest = entry.digest("document", line)
        demand("document", line, bundle_corrupt=digest > max(self.documents, default=""))
        self.documents[digest] = line
    def take_opening(self, entry, line):  # O2 to O6
        demand("document", line, prev_hash_mismatch=entry.prev_hash == ZERO, signature_invalid=signed(self.log, entry.bytes, entry.signature))
        self.opening = entry.opens("document", line)
        demand("document", line, log_key_mismatch=self.opening["log"] == self.log, genesis_mismatch=entry.hash == self.genesis)
    def holds(self, seq): return not self.numbered or self.linked and self.first_seq <= seq <= self.last_seq
    def end(self, lone=False):  # L8 and L9, R6 to R9, S5 to S7, P8
        self.end_epoch()
        last, hash = (self.entry.seq, self.entry.hash) if self.entry else (None, ZERO)
        demand(truncated=self.last_seq is None or last == self.last_seq, head_mismatch=not self.tail or (self.tail.seq, self.tail.hash) == (last, hash))
        demand(head_mismatch=self.given.expect_head in (None, hash), filter_mismatch=self.answers())
        self.indexed()
        self.answered()
        for revocation in self.revoked:
            revocation.judge(self)
        covered = [self.end_kept(), self.end_receipts(last), last if self.given.expect_head else None]
        covered = max((seq for seq in covered if seq is not None), default=None)
        if not self.numbered and (covered is None or last is not None and covered < last):
            self.not_checked.append("truncation")
            covered is None or self.warnings.append("not_covered")
        for digest, line in self.documents.items():
            demand("document", line, bundle_corrupt=digest in self.wanted and digest not in self.among)  # D8
        for digest, index in self.wanted.items():
            here = digest in self.documents or digest in self.among
            lone and not here and self.not_checked.append("documents")
            demand("entry", index, document_missing=here or lone)
        self.entry or self.warnings.append("empty")
        self.own or self.not_checked.append("ledger_rules")
    def answers(self):  # S6
        asked, said = self.given.asked, self.answer if isinstance(self.answer, dict) else {}
        return not asked or {name: value for name, value in said.items() if name != "attestations"} == asked
    def end_kept(self):  # K5 and K6
        ordered = sorted(self.contains, key=lambda one: one.seq)
        newest = max((one.seq for one in ordered if one.met), default=None)
        outside = [one for one in ordered if not one.met and newest is not None and not self.holds(one.seq)]
        for one in ordered:
            ours = one.said.signed and one.log[0] == self.log and self.genesis in (None, one.log[1])
            demand(head_not_contained=ours and (one.met or one in outside))
        self.not_covered("heads", outside)
        return newest
    def end_receipts(self, last):  # C2 and C4
        if self.receipts is None:
            return None
        for receipt in sorted(self.receipts, key=lambda receipt: receipt["line"]):
            demand("document", receipt["line"], log_key_mismatch=receipt["log"] == self.log, genesis_mismatch=not self.foreign(receipt))
        missing = [receipt for receipt in self.receipts if not receipt["met"]]
        for receipt in missing:
            demand("document", receipt["line"], truncated=not self.holds(receipt["seq"]) or last is not None and receipt["seq"] <= last,
                   receipt_mismatch=not self.holds(receipt["seq"]))
        self.not_covered("receipts", missing or not self.receipts)
        return max((receipt["seq"] for receipt in self.receipts if receipt["met"]), default=None)
    def not_covered(self, what, some):
        if some:
            self.not_checked.append(what)
            self.warnings.append("not_covered")
def beside():  # verify_index.py, which reads this file
    sys.path.insert(0, __file__.rpartition("/")[0] or ".")
    import verify_index
    return verify_index
def supported(value, known=()):  # U2, U3
    named = value if isinstance(value, dict) else {}
    newer, uses = named.get("format"), named.get("uses")
    if type(newer) is int and 2 < newer < 2**64 or newer == 2 and isinstance(uses, list) and any(isinstance(use, str) and use not in known for use in uses):
        raise NoVerdict("format_unsupported")
def proof(data, damage, given, report):  # 7
    with readable("proof_invalid"):
        value, spelling = parse(data[:-1] if not damage else wrong("damaged"))
        supported(value, ["openings", "terms"])
        whole, more = value if spelling + b"\n" == data else None, dict(format=two, opening=anything, uses=uses)
        parts = read(whole, dict(entry=anything, epoch=anything, path=hashes, **(more if version(whole) == 2 else {})))
        opening = Entry(parts["opening"], ENTRY) if version(whole) == 2 else None
        entry, header = Entry(parts["entry"], dict(ENTRY, **SEQ)), Header(parts["epoch"])
        parts.get("uses", []) == (["terms"] if header.index else []) or wrong("uses")
    walk = Walk(given, report)
    walk.not_checked.append("chain")
    walk.genesis = header.genesis
    walk.trusts(header.log)
    opening and walk.take_opening(opening, 0)
    walk.take_header(header, False)
    walk.take_entry(entry, parts["path"], True)
    walk.end(lone=True)
class Logbook(Walk):  # 5
    linked, numbered, own = True, False, False
    believed = True
    def __init__(self, data, damage, given, report):
        super().__init__(given, report)
        demand(untrusted_key=given.keys)
        self.own, blank = given.ledger_rules, 0
        self.trusts(given.keys[0])
        data.startswith(BOM) and self.warnings.append("byte_order_mark")
        *lines, rest = data.removeprefix(BOM).split(b"\n")
        any(line.endswith(b"\r") for line in lines) and self.warnings.append("line_ends")
        if rest.strip(BLANK) and not damage:
            lines.append(rest)
            self.warnings.append("missing_final_newline")
        for line in lines:
            if len(line) <= 20 * MIB and not line.strip(BLANK):
                blank += 1
                demand(schema_violation=blank <= 1 << 20)
            else:
                self.line(line, report)
        demand(**{damage or "damaged": not damage})
        self.end()
    def line(self, line, report):  # Faults of entries are collected: the next may still be judged.
        self.good = False
        try:
            with readable("schema_violation", "entry", report["entries"]):
                entry = Entry(parse(line)[0], dict(ENTRY, ts=any_time))
            if report["entries"] == 0:
                self.log = next((key for key in self.given.keys if signed(key, entry.bytes, entry.signature)), self.log)
                self.own = self.own or entry.kind == "sealbook:open"
            self.take_entry(entry)
        except Fault as fault:
            report["faults"].append(fault.args[0])
            report["entries"] += fault.args[0]["code"] == "schema_violation" and report["entries"] == fault.args[0]["index"]
            if "entry" in locals():
                self.entry, report["head"] = entry, entry.hash
        self.believed = self.good
    def judge_links(self, entry, index, link):
        self.good = signed(self.log, entry.bytes, entry.signature)
        linked = not self.believed and entry.seq != 0 or link in (None, entry.prev_hash)
        demand("entry", index, prev_hash_mismatch=linked, signature_invalid=self.good)
    def end(self):
        self.report["faults"] or super().end()
class Bundle(Walk):  # 6, a method for each line of its table.
    closed = opened = bare = None
    def __init__(self, data, damage, given, report):
        super().__init__(given, report)
        self.counts, self.shown = dict.fromkeys(("document", "entry", "epoch"), 0), set()
        *self.lines, rest = data.split(b"\n")
        for self.line, raw in enumerate(self.lines):
            demand("document", self.line, bundle_corrupt=not self.closed and len(raw) <= 20 * MIB)
            opens = self.log is not None and self.format == 2 and raw.startswith(b'{"opening":')
            demand("document", self.line, bundle_corrupt=not self.opened or raw.startswith(b'{"bundle":'))
            for name in self.counts:
                self.counts[name] += raw.startswith(b'{"%s":' % name.encode())
            entry, document = (self.log and raw.startswith(b'{"%s":' % what) for what in (b"entry", b"document"))
            code = "schema_violation" if entry or document or opens else "bundle_corrupt"
            with readable(code, "entry" if entry else "document", report["entries"] if entry else self.line):
                value, spelling = parse(raw)
                self.log or supported(value.get("sealbook") if isinstance(value, dict) else None, ["openings", "terms"])
                what = [name for name in LINES if isinstance(value, dict) and name in value and spelling == raw]
                what and (what[0] == "sealbook") == (self.log is None) or wrong("no line that may stand here")
                what[0] != "opening" or opens or wrong("no line of version 1")
                getattr(self, "on_" + what[0])(value)
        demand("document", len(self.lines), **{damage or "damaged": not damage})
        demand("document", len(self.lines), bundle_corrupt=not self.closed or not rest, truncated=self.closed)
        self.not_checked += (["bundle_unsigned"] if self.bare else []) + ([] if self.linked else ["chain", "completeness"])
        self.end()
    def indexed(self):
        super().indexed()
        self.not_checked += ["index"] if self.term is not None or self.linked and self.header and self.header.index else []
        if self.term is not None:  # I.9, which is verify_index.py's
            said = beside().report(b"\n".join(self.lines), [self.log])
            demand(said.get("at", "document"), said.get("index", self.term), **{said.get("code", "index_mismatch"): said["verdict"] == "pass"})
            complete = self.report["complete"] = said["complete"]
            "since" in complete or self.not_checked.remove("completeness")
            "omitted" in complete and self.not_checked.append("omitted")
    def on_sealbook(self, value):  # F2
        contents = read(value, dict(sealbook=payload))["sealbook"]
        self.linked, readers = contents.get("contents") == "range", CONTENTS[version(contents)]
        self.__dict__.update(read(contents, dict(readers, **RANGE) if self.linked else readers))
        self.linked or self.contents == "selection" or wrong("neither range nor selection")
        self.trusts(self.log)
    def on_opening(self, value):
        self.opened = True
        self.take_opening(Entry(read(value, dict(opening=anything))["opening"], ENTRY), self.line)
    def on_document(self, value): self.take_document(Entry(read(value, dict(document=anything))["document"], ENTRY), self.line)
    def on_epoch(self, value):
        header = Header(value)
        header.index is None or "terms" in self.uses or wrong("an index that the first line does not name")
        self.take_header(header, not self.linked)
    def on_index(self, value):  # I.8
        demand("document", self.line, bundle_corrupt=not self.linked and "terms" in self.uses and self.term is None and self.counts["epoch"] + self.counts["entry"] == 0)
        self.term = self.line
        self.is_ours(beside().term(value)["header"])
    def on_omitted(self, value):
        demand("document", self.line, bundle_corrupt=self.term is not None)
        read(read(value, dict(omitted=anything))["omitted"], dict(epoch=number, leaf=hex_32, seq=number))
    def on_head(self, value): self.take_head(head_of(value))
    def on_before(self, value):
        self.subtrees(read(value, dict(before=hashes))["before"], 0, 0 if not self.open or self.tree else self.due() - self.header.first_seq)
    def on_after(self, value):
        self.subtrees(read(value, dict(after=hashes))["after"], leaves(self.tree) if self.open else 0, self.header.tree_size if self.header else 0)
    def subtrees(self, nodes, at, end):  # B2 and B3
        demand(bundle_corrupt=self.linked and self.open)
        expected = list(subtrees(at, end))
        demand("epoch", self.header.epoch, bundle_corrupt=nodes and len(nodes) == len(expected))
        self.tree += zip(expected, nodes)
    def on_entry(self, value):
        parts = read(value, dict(entry=anything, path=hashes) if "path" in value else dict(entry=anything))
        self.take_entry(Entry(parts["entry"], dict(ENTRY, **SEQ)), parts.get("path"), "path" in parts)
    def on_opened(self, value):  # 18.3
        said = read(read(value, dict(opened=anything))["opened"], OPENED)
        demand("document", self.line, bundle_corrupt=self.format == 2 and "openings" in self.uses and self.counts["entry"])
        place, entry = said["pointer"], self.entry
        found = entry.payload if entry and entry.seq == said["seq"] and (place, entry.seq) not in self.shown else None
        for name in place.split("/")[1:]:
            name = name.replace("~1", "/").replace("~0", "~")
            at = int(name) if isinstance(found, list) and re.fullmatch("0|[1-9][0-9]*", name, re.A) else name
            found = found[at] if isinstance(found, dict) and at in found or isinstance(found, list) and at in range(len(found)) else None
        length = len(place.encode()).to_bytes(4, "big")
        commitment = H(b"sealbook:redact:v1\x1f", bytes.fromhex(self.genesis), length, place.encode(), bytes.fromhex(said["salt"]), canonical(said["value"]))
        demand("document", self.line, opening_mismatch=found == {"sealbook:redacted": commitment.hex()})
        self.shown.add((place, entry.seq))
    def on_bundle(self, value):  # Z1 to Z5
        demand("document", self.line, bundle_corrupt=self.format == 1 or self.opened)
        readers = CLOSING[version(value["bundle"])]
        said = read(value["bundle"], readers)
        statement = Statement(value, "bundle", readers) if "signature" in value else read(value, dict(bundle=anything)) and None
        before = b"".join(line + b"\n" for line in self.lines[:self.line])
        right = dict(bytes=len(before), documents=self.counts["document"], entries=self.counts["entry"], epochs=self.counts["epoch"],
                     format=self.format, genesis=self.genesis, hash=H(before).hex(), log=self.log)
        demand("document", self.line, bundle_corrupt={name: said[name] for name in right} == right,
               signature_invalid=not statement or statement.signed, bundle_unsigned=statement or self.given.allow_unsigned)
        self.closed, self.bare, self.answer = True, statement is None, said.get("filter") if statement else None
LINES = ["sealbook", "opening", "document", "index", "epoch", "before", "entry", "omitted", "opened", "after", "head", "bundle"]
RECOGNISED = [("proof", {"entry", "epoch", "path"}), ("bundle", {"sealbook"}), ("bundle", {"bundle"}),
              ("bundle", {"entry"}), ("bundle", {"epoch", "signature"}), ("logbook", {"prev_hash", "signature"})]
def recognise(data):  # N1, N4
    for line in data[:MIB].removeprefix(BOM).split(b"\n")[:16]:
        with suppress(*UNREADABLE):
            says = set(value) if isinstance(value := parse(line)[0], dict) else set()
            if formats := [format for format, names in RECOGNISED if names <= says]:
                return formats[0]
    return None if data.removeprefix(BOM).strip(BLANK) else "logbook"
def plain(data, one):  # 2.6, of gzip: the bytes inside, and what is wrong behind them
    whole = b""
    while data.startswith(b"\x1f\x8b") and not (one and whole):
        member = zlib.decompressobj(31)
        with suppress(zlib.error):
            inside = member.decompress(data)
            whole, data = whole + inside, member.unused_data
            if not member.eof or not inside:
                return whole, "bundle_corrupt" if member.eof else "truncated"
            continue
        return whole, "bundle_corrupt"
    return (whole, "bundle_corrupt" if data else None) if whole else (data, None)
def given_of(keys, **options):  # 4.1
    most = dict(contains=[], receipts=None, revoked=[], expect_head=None, allow_unsigned=False, ledger_rules=False, allow_revocation_not_applicable=False)
    asked = {name: value for name, value in options.items() if name in ("correlation", "tenant", "worker") and value is not None}
    return argparse.Namespace(keys=keys, asked=asked, **{name: most[name] if options.get(name) is None else options[name] for name in most})
def verify(data, keys, format, **options):  # The report on a file's bytes as `format`, under these keys in hex.
    report = dict(verdict="pass", format=format, entries=0, epochs=0, head=ZERO, faults=[], not_checked=[], warnings=[])
    try:
        inside, damage = plain(data, format != "logbook")
        demand(format_mismatch=recognise(plain(data, False)[0]) in (None, format))
        {"logbook": Logbook, "bundle": Bundle, "proof": proof}[format](inside, damage, given_of(keys, **options), report)
    except Fault as fault:
        report["faults"].append(fault.args[0])
    except NoVerdict as error:
        return dict(report, verdict="error", error=dict(code=error.args[0]), faults=[dict(code=error.args[0])])
    return dict(report, verdict="fail" if report["faults"] else "pass")
def answer(data, name, keys, options):  # The same, of a file that says itself what it is, or its name.
    named = [format for format in ("bundle", "proof") if name.removesuffix(".gz").endswith("." + format)]
    format = options.pop("as", None) or (named[0] if named else recognise(plain(data, False)[0]))
    return verify(data, keys, format, **options) if format else dict(verdict="none", error=dict(code="not_recognised"), faults=[])
SUPPORTS = ["logbook", "range", "selection", "openings", "terms", "proof", "gzip", "u64", "as", "contains", "receipts", "revoked", "expect_head", "correlation", "tenant",
            "worker", "allow_unsigned", "allow_revocation_not_applicable", "ledger_rules"]
def answer_lines():  # Cases of the suite, without what they expect
    for line in sys.stdin:
        case, many = json.loads(line), ("contains", "revoked")
        options = {name: base64.b64decode(value) if name in many + ("receipts",) else value for name, value in case["options"].items()}
        options = {name: [value] if name in many else value for name, value in options.items()}
        keys = [case["key"]] if isinstance(case["key"], str) else case["key"] or []
        print(json.dumps(answer(base64.b64decode(case["file"]), "", keys, options)), flush=True)
def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--key", action="append", default=[])
    parser.add_argument("--as", choices=["logbook", "bundle", "proof"])
    for name in ("--contains", "--revoked"):
        parser.add_argument(name, action="append", default=[], type=argparse.FileType("rb"))
    parser.add_argument("--receipts", type=argparse.FileType("rb"))
    for name in ("--expect-head", "--correlation", "--tenant", "--worker"):
        parser.add_argument(name)
    for name in ("--allow-unsigned", "--allow-revocation-not-applicable", "--ledger-rules", "--profile", "--lines"):
        parser.add_argument(name, action="store_true")
    parser.add_argument("file", nargs="*", type=argparse.FileType("rb"))
    options = vars(parser.parse_args())
    keys, files, profile, lines = (options.pop(name) for name in ("key", "file", "profile", "lines"))
    if profile:
        return print(json.dumps(dict(name="verify.py", supports=SUPPORTS, lines=True)))
    if lines:
        return answer_lines()
    options.update({name: [file.read() for file in options[name]] for name in ("contains", "revoked")})
    options["receipts"] = options["receipts"] and options["receipts"].read()
    status = 0
    for file in files:
        report = answer(file.read(), file.name, keys, dict(options))
        print(json.dumps(dict(path=file.name, **report)), file=sys.stderr if report["verdict"] == "none" else sys.stdout)
        status = max(status, dict(fail=1, error=2, none=2).get(report["verdict"], 0))
    return status
if __name__ == "__main__":
    sys.exit(main())
