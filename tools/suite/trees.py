"""The index of a log (format 13.1), made from the document: terms, places and the proofs of
them, counts, trees, commitments; and a log whose headers commit to one."""
import hashlib
from bisect import bisect_left
from functools import lru_cache
import curve
import signer
from signer import US, ZERO, H, canonical, hour, root, signing_payload, subtrees

FIELDS, HIDDEN = ["correlation", "denied", "kind", "tenant", "tenant_json", "worker"], ("tenant", "tenant_json", "worker")
NAMED = {"correlation_id": "correlation", "selected_worker_species_id": "worker", "worker_species_id": "worker", "worker_id": "worker"}
DENIED = {"wcp.attestation": ("ok", False), "hall.enrolment": ("enrolled", False), "manifest.verify": ("outcome", "fail"),
          "vacant.card": ("verdict", "fail"), "vacant.resident": ("verified", False)}
SEED, OTHER_SEED = bytes([11]) * 32, bytes([13]) * 32
MIXED_SEED = SEED + b"8"  # Of which the key has a part of small order.


# ECVRF-EDWARDS25519-SHA512-TAI, RFC 9381.
def decode(text):
    number = int.from_bytes(text, "little")
    y = number & ((1 << 255) - 1)
    point = curve.recover(y, number >> 255)
    x = point[0]
    on_curve = y < curve.P and (y * y - x * x - 1 - curve.D * x * x * y * y) % curve.P == 0
    return point if on_curve and x & 1 == number >> 255 else None


def to_curve(key, alpha):  # 5.4.1.1
    for counter in range(256):
        point = decode(hashlib.sha512(b"\3\1" + key + alpha + bytes([counter, 0])).digest()[:32])
        if point and curve.encode(curve.scalar_mult(8, point)) != curve.encode(curve.IDENTITY):
            return curve.scalar_mult(8, point)


def secret(seed):
    expanded = hashlib.sha512(seed[:32]).digest()
    scalar = int.from_bytes(expanded[:32], "little") & ((1 << 254) - 8) | 1 << 254
    return scalar % curve.L, expanded[32:]


@lru_cache(None)
def public(seed):
    own = curve.scalar_mult(secret(seed)[0], curve.B)
    return curve.encode(curve.add(own, curve.ORDER_8) if seed[32:] else own)


@lru_cache(None)
def prove(seed, alpha, torsion=None):
    """5.1: beta and pi. With a point of small order that is added to Gamma pi is another one and beta is not."""
    (x, prefix), key, mixed = secret(seed), public(seed), torsion or seed[32:]
    h = to_curve(key, alpha)
    gamma = own = curve.scalar_mult(x, h)
    gamma = curve.add(own, torsion) if torsion else own
    for attempt in range(256):
        nonce = int.from_bytes(hashlib.sha512(prefix + curve.encode(h) + (bytes([attempt]) if mixed else b"")).digest(), "little") % curve.L
        points = h, gamma, curve.scalar_mult(nonce, curve.B), curve.scalar_mult(nonce, h)
        c = hashlib.sha512(b"\3\2" + key + b"".join(map(curve.encode, points)) + b"\0").digest()[:16]
        if not mixed or c[0] % 8 == 0:
            break
    s = (nonce + int.from_bytes(c, "little") * x) % curve.L
    beta = hashlib.sha512(b"\3\3" + curve.encode(curve.scalar_mult(8, gamma)) + b"\0").digest()
    return beta, curve.encode(gamma) + c + s.to_bytes(32, "little")


def domain(name, genesis, field, what): return name + b"\x1f" + bytes.fromhex(genesis) + field.encode() + b"\x1f" + what
def big(number): return number.to_bytes(8, "big")


def place(genesis, field, value, seed=SEED):  # I.4: the place, and what shows it
    what, placed = value.encode(), None
    if field in HIDDEN:
        what, placed = prove(seed, domain(b"sealbook:vrf:v1", genesis, field, what))
    return H(domain(b"sealbook:term:v1", genesis, field, what)), placed


def is_redacted(value):  # 18.1
    text = value.get("sealbook:redacted") if isinstance(value, dict) and len(value) == 1 else None
    return isinstance(text, str) and len(text) == 64 and not text.strip("0123456789abcdef")


def terms(kind, payload):  # I.3
    of = lambda value: value if isinstance(value, dict) else {}
    inner = [of(payload.get(name)) for name in ("decision", "input", "body")]
    found = {("kind", kind)}
    for said in [payload, *inner, *(of(one.get("deny_reason_if_denied")) for one in inner)]:
        tenant = said.get("tenant_id")
        if isinstance(tenant, str):
            found.add(("tenant", tenant))
        elif tenant is not None and not is_redacted(tenant):
            found.add(("tenant_json", canonical(tenant).decode()))
        found |= {(field, said[name]) for name, field in NAMED.items() if isinstance(said.get(name), str)}
        found |= {("denied", canonical(said["denied"]).decode())} if isinstance(said.get("denied"), bool) else set()
    if kind == "wcp.decision" and isinstance(of(payload.get("receipt")).get("worker_id"), str):
        found.add(("worker", payload["receipt"]["worker_id"]))
    if kind in DENIED and payload.get(DENIED[kind][0]) is not None:
        name, value = DENIED[kind]
        found.add(("denied", "true" if canonical(payload[name]) == canonical(value) else "false"))
    return found


def and_one(count, seq, leaf): return (count[0] + 1, H(b"\4", count[1], big(seq), leaf))
def joined(left, right): return (left[0] + right[0], H(b"\5", left[1], right[1])) if left and right else left or right


def blocks(since, epoch):  # I.7: of each tree its first epoch, and of how many it is
    end, at = max(since, epoch - 1), since
    while at < end:
        size = 1
        while at % (2 * size) == 0 and at + 2 * size <= end:
            size *= 2
        yield at, size
        at += size
    for alone in range(end, epoch + 1):
        yield alone, 1


class Indexed(signer.Log):
    """A log of these epochs, each a list of kinds and payloads. `since` is the first that is indexed, `more` and `less`
    are by number terms that its index counts of an entry and that it has not, or the other way round."""

    def __init__(self, epochs, since=0, change=None, by=None, claimed=None, more=None, less=None, seed=SEED):
        self.change, self.by, self.claimed, self.version, self.since, self.seed = change or {}, by or {}, claimed or {}, 2, since, seed
        self.entries, self.hashes, self.headers, self.header_hashes, self.spans, self.counts = [], [], [], [], [], {}
        self.more, self.less, self.genesis = more or {}, less or {}, None
        prev, prev_header = ZERO, ZERO
        for k, given in enumerate(epochs):
            first = len(self.entries)
            for kind, payload in given:
                n = len(self.entries)
                entry = self.at(("entry", n), {"kind": kind, "payload": payload, "prev_hash": prev, "ts": hour(k)})
                message = signing_payload(entry)
                self.hashes.append(H(message))
                self.entries.append({**entry, "signature": self.by.get(("entry", n), US)(message)})
                prev, self.genesis = self.hashes[-1].hex(), self.hashes[0].hex()
            last = len(self.entries) - 1
            self.spans.append((first, last, k, hour(k, ":30:00")))
            header = {"epoch": k, "first_seq": first, "genesis": self.genesis, "head": prev, "hour": hour(k), "last_seq": last, "log": US.hex,
                      "prev": prev_header, "root": root(self.leaves(first, last)).hex(), "sealed_at": hour(k, ":30:00"), "tree_size": last - first + 1}
            if k >= since:
                self.count(k, first, last)
                header.update(format=2, index=self.commitment(k))
            line, hashed = self.statement("epoch", ("header", k), header)
            self.headers.append(line)
            prev_header = hashed.hex()
            self.header_hashes.append(prev_header)
        self.change = {"epochs": lambda _: self.spans, **self.change}

    def terms(self, n):
        own = terms(self.entries[n]["kind"], self.entries[n]["payload"])
        return own - set(self.less.get(n, ())) | set(self.more.get(n, ()))

    def count(self, epoch, first, last):  # I.5
        for n, leaf in zip(range(first, last + 1), self.leaves(first, last)):
            for field, value in sorted(self.at(("terms", n), self.terms(n))):
                at = (epoch, place(self.genesis, field, value, self.seed)[0])
                self.counts[at] = and_one(self.counts.get(at, (0, bytes(32))), n, leaf)

    def counted(self, at, size, where):
        both = None if size == 1 else (self.counted(at, size // 2, where), self.counted(at + size // 2, size // 2, where))
        count = joined(*both) if both else self.counts.get((at, where))
        edit = self.change.get(("count", at, size))
        return edit(count, both) if edit and count else count

    def blocks(self, epoch): return self.at(("blocks", epoch), list(blocks(self.since, epoch)))

    def tree(self, at, size):  # I.6: places and hashes of counts
        places = sorted({where for epoch, where in self.counts if at <= epoch < at + size})
        places = self.at(("places", at, size), places)
        return places, [H(b"\3", big(number), digest) for number, digest in (self.counted(at, size, where) for where in places)]

    def nodes(self, at, size):
        return self.at(("nodes", at, size), [H(b"\2", where, hidden) for where, hidden in zip(*self.tree(at, size))])

    def trees(self, epoch):
        return self.at(("trees", epoch), [(len(nodes), root(nodes)) for nodes in (self.nodes(*block) for block in self.blocks(epoch))])

    def commitment(self, epoch):  # I.7, I.13
        since, key = self.at(("since", epoch), self.since), public(self.seed) if self.since else b""
        return H(b"sealbook:index:v1\x1f", big(since), self.at(("key", epoch), key), *(big(size) + root for size, root in self.trees(epoch))).hex()

    def said(self, at, size, where):  # What a tree says of a place (I.8)
        (places, hidden), nodes = self.tree(at, size), self.nodes(at, size)
        nth = bisect_left(places, where)
        present = places[nth:nth + 1] == [where]
        first, end = (nth, nth + 1) if present else (max(nth - 1, 0), min(nth + 1, len(places)))
        if present:
            number, digest = self.counted(at, size, where)
            shown = {"entries": number, "digest": digest.hex()}
        else:
            shown = {"between": [{"place": places[n].hex(), "hidden": hidden[n].hex()} for n in range(first, end)]}
        return {"size": len(nodes), "root": root(nodes).hex(), "at": first, "before": subtrees(nodes, 0, first), "after": subtrees(nodes, end, len(nodes)), **shown}

    def index(self, field, value, epoch):  # The line of I.8
        where, placed = place(self.genesis, field, value, self.seed)
        said = {"field": field, "value": value, "header": self.headers[epoch], "since": self.since,
                "trees": [self.said(*block, where) for block in self.blocks(epoch)]}
        said.update({"placed": placed.hex()} if placed else {}, **({"key": public(self.seed).hex()} if self.since else {}))
        return {"index": self.at("index", said)}

    def having(self, field, value, epoch):
        return [n for n in range(self.spans[epoch][1] + 1) if (field, value) in terms(self.entries[n]["kind"], self.entries[n]["payload"])]

    def omitted(self, n):
        leaf, = self.leaves(n, n)
        return {"omitted": self.at(("omitted", n), {"epoch": self.header_of(n), "leaf": leaf.hex(), "seq": n})}

    def header_of(self, n): return next(k for k, (first, last, _, _) in enumerate(self.spans) if first <= n <= last)

    def first(self, more):
        second = {"uses": ["terms"]}
        return {"sealbook": self.at("first", {"format": 2, "genesis": self.genesis, "log": US.hex, **more, **second})}

    def documents(self, seqs): return []

    def asking(self, field, value):
        return {"kinds": [value]} if field == "kind" else {field: value == "true"} if field == "denied" else {field: value}

    def of(self, field, value, epoch, seqs=None, filter=..., out=()):
        """The selection of a term by the index under a header; those `out` are named and left out."""
        lines, under = [self.first({"contents": "selection"}), self.index(field, value, epoch)], None
        for n in self.having(field, value, epoch) if seqs is None else seqs:
            if n in out:
                lines.append(self.omitted(n))
                continue
            if self.header_of(n) != under:
                under = self.header_of(n)
                lines.append(self.headers[under])
            lines.append({"entry": self.numbered(n), "path": self.path(n)})
        return self.close(lines, self.at("filter", self.asking(field, value) if filter is ... else filter))

    def given(self, seqs, filter=None):
        """A selection without a line of the index."""
        lines, under = [self.first({"contents": "selection"})], None
        for n in seqs:
            if self.header_of(n) != under:
                under = self.header_of(n)
                lines.append(self.headers[under])
            lines.append({"entry": self.numbered(n), "path": self.path(n)})
        return self.close(lines, self.at("filter", filter))

    def range(self, first, last):
        lines = [self.first({"contents": "range", "first_seq": first, "last_seq": last})]
        for k, (start, end, _, _) in enumerate(self.spans):
            given = range(max(first, start), min(last, end) + 1)
            if given:
                nodes = self.leaves(start, end)
                lines += [self.headers[k]] + ([{"before": subtrees(nodes, 0, given[0] - start)}] if given[0] > start else [])
                lines += [{"entry": self.numbered(n)} for n in given]
                lines += [{"after": subtrees(nodes, given[-1] + 1 - start, end + 1 - start)}] if given[-1] < end else []
        return self.close(lines, None)

    def proof(self, n, version=2):
        second = {"format": 2, "opening": self.at("opening", self.entries[0]), "uses": ["terms"] if self.header_of(n) >= self.since else []} if version == 2 else {}
        return canonical(self.at("proof", {"entry": self.numbered(n), "epoch": self.headers[self.header_of(n)], "path": self.path(n), **second})) + b"\n"

    def listed(self, at, size, where):  # 9: who is counted in a block
        if size > 1:
            halves = [one for one in (self.listed(at, size // 2, where), self.listed(at + size // 2, size // 2, where)) if one]
            return halves if len(halves) == 2 else halves[0] if halves else None
        first, last, _, _ = self.spans[at]
        return [{"leaf": leaf.hex(), "seq": n} for n, leaf in zip(range(first, last + 1), self.leaves(first, last))
                if where in {place(self.genesis, *term, self.seed)[0] for term in self.terms(n)}]

    def denied(self, n, field, value, epoch, by=US):
        """9: an entry, and what the index says of a term."""
        where, _ = place(self.genesis, field, value, self.seed)
        at, size = next((at, size) for at, size in self.blocks(epoch) if at <= self.header_of(n) < at + size)
        counted = self.at("counted", self.listed(at, size, where))
        lines = [canonical({"equivocation": self.at("equivocation", {"format": 2, "kind": "index", "log": by.hex})}), self.proof(n)[:-1], canonical(self.index(field, value, epoch))]
        lines += [canonical({"counted": counted})] if counted else []
        return b"".join(line + b"\n" for line in self.at("sides", lines))
