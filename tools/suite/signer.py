"""A signer of the format's files, from the format document: one log of 13 entries, in
three sealed epochs and a tail, and what is taken out of it. Every stage of the making
may be changed, so that a file is wrong in one thing while its hashes and signatures hold.
"""
import copy, hashlib, json
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ZERO = "0" * 64
ORDER = 2**252 + 27742317777372353535851937790883648493


def H(*parts):
    return hashlib.blake2b(b"".join(parts), digest_size=32).digest()


def canonical(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass")


class Signer:
    def __init__(self, seed):
        self.key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.hex = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def __call__(self, message):
        return self.key.sign(message).hex()


US, OTHER, RECOVERY = Signer(3), Signer(5), Signer(7)


def digest(content):
    return "blake2b-256:" + H(content.encode() if isinstance(content, str) else canonical(content)).hex()


def node(left, right):
    return H(b"\1", left, right)


def root(nodes):
    if len(nodes) == 1:
        return nodes[0]
    split = 1 << ((len(nodes) - 1).bit_length() - 1)
    return node(root(nodes[:split]), root(nodes[split:]))


def path(nodes, at):
    if len(nodes) == 1:
        return []
    split = 1 << ((len(nodes) - 1).bit_length() - 1)
    if at < split:
        return path(nodes[:split], at) + [root(nodes[split:])]
    return path(nodes[split:], at - split) + [root(nodes[:split])]


def subtrees(nodes, at, end):
    found = []
    while at < end:
        level = 0
        while at % (2 << level) == 0 and at + (2 << level) <= end:
            level += 1
        found.append(root(nodes[at:at + (1 << level)]).hex())
        at += 1 << level
    return found


def hour(n, rest=":00:00"):
    return f"2026-03-01T{10 + n:02}{rest}+00:00"


RULES, POLICY = {"rules": [1]}, "allow = true\n"
TIMES = [hour(0)] * 2 + [hour(0, ":00:01")] * 2 + [hour(1), hour(1, ":10:00"), hour(1, ":10:00.000001"), hour(1, ":20:00"), hour(1, ":30:00")] + [hour(2), hour(2, ":59:59.999999"), hour(3), hour(3)]
EPOCHS = [(0, 3, 0, hour(0, ":00:01")), (4, 8, 1, hour(1, ":30:00")), (9, 10, 2, hour(3))]


def contents():
    """Kind and payload of each entry."""
    opening = {"format": 1, "log": US.hex, "nonce": "09" * 16, "origin": "x", "predecessor": None,
               "recovery_key_sha256": hashlib.sha256(bytes.fromhex(RECOVERY.hex)).hexdigest()}
    document = lambda content: {"content": content, "digest": digest(content), "media_type": "text/plain"}
    note = lambda n: ("note", {"n": n})
    return [("sealbook:open", opening), ("wcp.document", document(RULES)), ("wcp.decision", {"context": {"rules": digest(RULES)}}), note(3), note(4),
            ("wcp.document", document(POLICY)), ("wcp.decision", {"context": {"a": [{"rules": digest(RULES)}], "policy": digest(POLICY)}}), note(7), note(8),
            note(9), ("hall.reload", {"context": {"policy": digest(POLICY)}}), note(11), note(12)]


class Log:
    """The log. `change` is by stage a function of the value there; `by` is by stage who signs."""

    def __init__(self, change=None, by=None, claimed=None, version=2):
        self.change, self.by, self.claimed, self.version = change or {}, by or {}, claimed or {}, version
        self.entries, self.hashes, self.headers, self.header_hashes = [], [], [], []
        prev = ZERO
        for n, (kind, payload) in enumerate(self.at("contents", contents())):
            payload = self.at(("payload", n), payload)
            entry = self.at(("entry", n), {"kind": kind, "payload": payload, "prev_hash": prev, "ts": TIMES[min(n, 12)]})
            message = self.at(("message", n), signing_payload(entry))
            entry = {**entry, "signature": self.by.get(("entry", n), US)(message)} if "signature" not in entry else entry
            self.hashes.append(H(message))
            prev = self.hashes[-1].hex()
            self.entries.append(self.at(("signed", n), entry))
        self.genesis = self.hashes[0].hex()
        prev = ZERO
        for k, (first, last, n, sealed) in enumerate(self.at("epochs", EPOCHS)):
            header = {"epoch": k, "first_seq": first, "genesis": self.genesis, "head": self.hashes[last].hex(), "hour": hour(n), "last_seq": last,
                      "log": US.hex, "prev": prev, "root": root(self.leaves(first, last)).hex(), "sealed_at": sealed, "tree_size": last - first + 1}
            line, hashed = self.statement("epoch", ("header", k), header)
            self.headers.append(line)
            prev = hashed.hex()
            self.header_hashes.append(prev)

    def at(self, stage, value):
        edit = self.change.get(stage)
        if edit is None:
            return value
        value = copy.deepcopy(value)
        changed = edit(value)
        return value if changed is None else changed

    def statement(self, what, stage, value):
        value = self.at(stage, value)
        version = 2 if isinstance(value, dict) and value.get("format") == 2 and type(value["format"]) is int else 1
        message = b"sealbook:%s:v%d\x1f" % (what.encode(), version) + canonical(value)
        message = self.at(("message", stage), message)
        line = {what: value, "key": self.claimed.get(stage, US).hex, "signature": self.by.get(stage, US)(message)}
        return self.at(("signed", stage), line), H(message)

    def leaves(self, first, last):
        def leaf(n):
            try:
                signature = bytes.fromhex(self.entries[n]["signature"])
            except (ValueError, TypeError, KeyError):
                signature = b""
            return H(b"\0", self.hashes[n], signature)
        return [leaf(n) for n in range(first, min(last, len(self.entries) - 1) + 1)]

    def numbered(self, n):
        return self.at(("numbered", n), {**self.entries[n], "seq": n})

    def header_of(self, n):
        return next((k for k, (first, last, _, _) in enumerate(self.at("epochs", EPOCHS)) if first <= n <= last), None)

    def path(self, n):
        first, last, _, _ = self.at("epochs", EPOCHS)[self.header_of(n)]
        return self.at(("path", n), [one.hex() for one in path(self.leaves(first, last), n - first)])

    def first(self, more):
        second = {"uses": []} if self.version == 2 else {}
        return {"sealbook": self.at("first", {"format": self.version, "genesis": self.genesis, "log": US.hex, **more, **second})}

    def documents(self, seqs):
        """Document lines of what these entries refer to and do not have."""
        given = [self.entries[n]["payload"].get("digest") for n in seqs if isinstance(self.entries[n].get("payload"), dict)]
        text = [canonical(self.entries[n].get("payload")) for n in seqs if n in (2, 6, 10)]
        wanted = {}
        for n, content in ((1, RULES), (5, POLICY)):
            if digest(content) not in given and n not in seqs and any(digest(content).encode() in one for one in text):
                wanted[digest(content)] = {"document": self.at(("document", n), self.entries[n])}
        return self.at("documents", [wanted[one] for one in sorted(wanted)])

    def head(self, seq):
        head = {"genesis": self.genesis, "hash": self.hashes[seq].hex(), "log": US.hex, "seq": seq, "ts": hour(3)}
        if self.version == 2:
            head.update(format=2, tree=None, epoch={"epoch": 2, "hash": self.header_hashes[2]})
        return self.statement("head", "head", head)[0]

    def range(self, first, last):
        lines = [self.first({"contents": "range", "first_seq": first, "last_seq": last})] + self.documents(range(first, last + 1))
        for k, (start, end, _, _) in enumerate(self.at("epochs", EPOCHS)):
            given = range(max(first, start), min(last, end) + 1)
            if not given:
                continue
            nodes = self.leaves(start, end)
            lines.append(self.headers[k])
            if given[0] > start:
                lines.append({"before": self.at("before", subtrees(nodes, 0, given[0] - start))})
            lines += [{"entry": self.numbered(n)} for n in given]
            if given[-1] < end:
                lines.append({"after": self.at("after", subtrees(nodes, given[-1] + 1 - start, end + 1 - start))})
        if last > 10:
            lines.append(self.head(last))
            lines += [{"entry": self.numbered(n)} for n in range(max(first, 11), last + 1)]
        return self.close(lines, None)

    def selection(self, seqs):
        lines, under = [self.first({"contents": "selection"})] + self.documents(seqs), None
        for n in seqs:
            if self.header_of(n) != under:
                under = self.header_of(n)
                lines.append(self.headers[under])
            lines.append({"entry": self.numbered(n), "path": self.path(n)})
        return self.close(lines, self.at("filter", {}))

    def close(self, lines, filter):
        lines += [{"opening": self.at("opening", self.entries[0])}] if self.version == 2 else []
        lines = self.at("lines", lines)
        body = b"".join((line if isinstance(line, bytes) else canonical(line)) + b"\n" for line in lines)
        body = self.at("body", body)
        starts = lambda what: sum(line.startswith(b'{"%s":' % what) for line in body.split(b"\n"))
        closing = {"bytes": len(body), "documents": starts(b"document"), "entries": starts(b"entry"), "epochs": starts(b"epoch"), "format": self.version,
                   "genesis": self.genesis, "hash": H(body).hex(), "log": US.hex, **({"filter": filter} if self.version == 2 else {})}
        closing = self.statement("bundle", "closing", closing)[0]
        return self.at("bytes", body + (closing if isinstance(closing, bytes) else canonical(closing)) + b"\n")

    def proof(self, n):
        second = {"format": 2, "opening": self.at("opening", self.entries[0]), "uses": []} if self.version == 2 else {}
        proof = self.at("proof", {"entry": self.numbered(n), "epoch": self.headers[self.header_of(n)], "path": self.path(n), **second})
        return self.at("bytes", canonical(proof) + b"\n")

    def logbook(self, count=13):
        lines = self.at("lines", self.entries[:count])
        return self.at("bytes", b"".join((line if isinstance(line, bytes) else canonical(line)) + b"\n" for line in lines))

    def receipt(self, n):
        entry = self.entries[n]
        receipt = {"genesis": self.genesis, "hash": self.hashes[n].hex(), "kind": entry["kind"], "log": US.hex, "prev_hash": entry["prev_hash"],
                   "seq": n, "signature": entry["signature"], "ts": entry["ts"]}
        return self.at(("receipt", n), receipt)

    def file(self, kind):
        return FILES[kind](self)


# The files, by what is in them: kind, the entries given.
FILES = {"logbook": lambda log: log.logbook(), "whole": lambda log: log.range(0, 12), "cut": lambda log: log.range(6, 9), "tail": lambda log: log.range(10, 12),
         "selection": lambda log: log.selection([6, 8, 10]), "gap": lambda log: log.selection([3, 10]), "first": lambda log: log.selection([0, 4]),
         "proof": lambda log: log.proof(6), "proof0": lambda log: log.proof(0), "proof5": lambda log: log.proof(5)}
GIVEN = {"logbook": range(13), "whole": range(13), "cut": range(6, 10), "tail": range(10, 13), "selection": [6, 8, 10], "gap": [3, 10], "first": [0, 4],
         "proof": [6], "proof0": [0], "proof5": [5]}
FORMAT = {name: "proof" if name.startswith("proof") else "logbook" if name == "logbook" else "bundle" for name in FILES}
HEADERS = {"whole": [0, 1, 2], "cut": [1, 2], "tail": [2], "selection": [1, 2], "gap": [0, 2], "first": [0, 1], "proof": [1], "proof0": [0], "proof5": [1]}
RANGES, SELECTIONS, PROOFS = ["whole", "cut", "tail"], ["selection", "gap", "first"], ["proof", "proof0", "proof5"]
BUNDLES = RANGES + SELECTIONS


def signing_payload(entry):
    """What is signed, also of what is no entry: the nearest."""
    def text(value):
        return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else b""
    try:
        prev = bytes.fromhex(entry.get("prev_hash"))
    except (ValueError, TypeError, AttributeError):
        prev = b""
    ts = entry.get("ts")
    return b"\x1f".join([text(entry.get("kind")), text(ts), canonical(entry.get("payload")), prev])


def line_of(kind, name, nth=0, version=2):
    """The number of the nth line that begins with this member."""
    lines = Log(version=version).file(kind).split(b"\n")
    starts = [n for n, line in enumerate(lines) if line.startswith(b'{"%s":' % name.encode())]
    return starts[nth]
