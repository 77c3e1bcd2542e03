#!/usr/bin/env python3
"""A second verifier of logbooks, bundles and proofs, from the format document alone.

    tools/verify.py [--key HEX]... [--as logbook|bundle|proof] FILE...

Prints a JSON report a file; exits with 0 if all pass, 1 if one fails, 2 if one is nothing of
the kind. Of a logbook every fault is named, of a bundle or proof the first. Numbers in
comments are sections of src/ledger/format.rs. zstd is transport: decompress first.
"""
import argparse, hashlib, json, sys
from pathlib import Path
from verify_read import *

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
    except UNREADABLE:
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
        except UNREADABLE:
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
        except UNREADABLE:
            if self.log and raw.startswith(b'{"entry":'):
                raise Fault("schema_violation", "entry", self.report["entries"]) from None
            document = self.log and raw.startswith(b'{"document":')
            self.require(False, "schema_violation" if document else "bundle_corrupt")

    def on_sealbook(self, value):
        contents = read(value, dict(sealbook=payload))["sealbook"]
        self.range = contents.get("contents") == "range"
        self.__dict__.update(read(contents, dict(CONTENTS, **RANGE) if self.range else CONTENTS))
        self.range or self.contents == "selection" or wrong("neither range nor selection")
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
        self.end()
        header.judge(self.log, self.genesis)
        if before and (self.range or header.epoch == before.epoch + 1):
            header.follows(before)
        elif before:
            header.require(header.epoch > before.epoch and header.first_seq > before.last_seq, "epoch_invariant")
        header.require(not self.tail, "bundle_corrupt")
        self.header, self.tree, self.leaves = header, [] if self.range else None, 0
        self.report["epochs"] += 1

    def end(self):  # Of an epoch.
        if self.tree is not None:
            nodes = [node for _, node in self.tree] if self.leaves == self.header.tree_size else [b""]
            self.header.require(root(nodes).hex() == self.header.root, "epoch_root_mismatch")
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
        entry, index = Entry(parts["entry"], dict(ENTRY, **SEQ)), self.report["entries"]
        before, header = self.entry, self.header
        require("path" not in parts or not self.range, "bundle_corrupt", "entry", index)
        next_seq = before.seq + 1 if before else self.first_seq if self.range else 0
        require(entry.seq == next_seq or entry.seq > next_seq and not self.range, "sequence_gap", "entry", index)
        entry.judge(self.log, self.genesis, before.hash if before and self.range else None, index)
        require(not before or entry.ts >= before.ts, "timestamp_regression", "entry", index)
        if not self.tail:
            covered = header and (not self.range or header.first_seq <= entry.seq <= header.last_seq)
            require(covered, "proof_invalid", "entry", index)
            header.covers(entry, index)
            header.given += 1
            self.grow(0, entry.leaf) if self.range else header.leads(entry, parts.get("path"), index)
        digest = entry.digest() if entry.kind == "wcp.document" else ""
        require(digest is not None, "document_mismatch", "entry", index)
        self.given.add(digest)
        for referred in entry.refers():
            self.wanted.setdefault(referred, index)
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
        counts = dict(bytes=self.bytes, documents=len(self.documents), entries=self.report["entries"])
        counts.update(epochs=self.report["epochs"], format=1, genesis=self.genesis, log=self.log)
        self.require(told == dict(counts, hash=self.hashed.hexdigest()), "bundle_corrupt")
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

# 14.3. What the first lines say, and what follows from it.
RECOGNISED = [("proof", {"entry", "epoch", "path"}), ("bundle", {"sealbook"}), ("bundle", {"bundle"}),
              ("bundle", {"entry"}), ("bundle", {"epoch", "signature"}), ("logbook", {"prev_hash", "signature"})]

def recognise(data):
    for line in data[:MIB].removeprefix(BOM).split(b"\n")[:16]:
        try:
            has = set(payload(parse(line)[0]))
        except UNREADABLE:
            continue
        for format, names in RECOGNISED:
            if names <= has:
                return format
    return None if data.strip() else "logbook"

def verify(data, keys, format=None):
    """The report on a file's bytes under these keys (hex), as `format` or as what it seems to be."""
    seen = recognise(data)
    report = dict(verdict="pass", format=format or seen, entries=0, epochs=0, head=ZERO, log=None, genesis=None)
    report.update(faults=[], not_checked=[])
    try:
        require(seen in (None, report["format"]), "format_mismatch")
        {"logbook": logbook, "bundle": Bundle, "proof": proof}[report["format"]](data, keys, report)
    except Fault as fault:
        report["faults"].append(fault)
    report["faults"] = [vars(fault) for fault in report["faults"]]
    return dict(report, verdict="fail" if report["faults"] else "pass")

def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--key", action="append", default=[])
    parser.add_argument("--as", dest="format", choices=["logbook", "bundle", "proof"])
    parser.add_argument("file", nargs="+", type=Path)
    args, status = parser.parse_args(), 0
    for path in args.file:
        data, ending = path.read_bytes(), path.suffix[1:]
        format = args.format or (ending if ending in ("bundle", "proof") else recognise(data))
        if format:
            report = verify(data, args.key, format)
            print(json.dumps(dict(path=str(path), **report)))
        else:
            print(f"{path}: no logbook, bundle or proof", file=sys.stderr)
        status = max(status, 2 if not format else report["verdict"] == "fail")
    return int(status)

if __name__ == "__main__":
    sys.exit(main())
