#!/usr/bin/env python3
"""What the index of a log says of a term, checked a second time: from src/ledger/format/index.md alone.

tools/verify_index.py --key HEX FILE... reads selections of version 2 with a line {"index": ...}, and proofs that an index
denies an entry (9), and prints a JSON report each; exits with 0 if all are complete or hold, 1 if one is not. Everything
else of a bundle is tools/verify.py's to check; the headers and the opening entry are judged here, too. What a filter asks
for (S8) is said in terms, and so stands here. In comments are sections."""
import argparse, hashlib, json, sys
sys.path.insert(0, __file__.rpartition("/")[0] or ".")
from verify import H, L, P, UNREADABLE, Header, canonical, hashes, hex_16, hex_32, leaves, number, parse, read, root, signed, subtrees, text, time, wrong

D = -121665 * pow(121666, P - 2, P) % P
BASE_Y = 4 * pow(5, P - 2, P) % P
class Wrong(Exception): pass
def demand(code, holds, detail="", **place):  # Of the line of the index, unless it says of what else.
    if not holds:
        raise Wrong(dict(code=code, detail=detail, **place))

# ECVRF-EDWARDS25519-SHA512-TAI, RFC 9381: points as (x, y).
def x_of(y, odd):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square or x == 0 and odd:
        return None
    return P - x if x % 2 != odd else x
def decode(text):
    number = int.from_bytes(text, "little")
    y, odd = number & ((1 << 255) - 1), number >> 255
    x = x_of(y, odd)
    return None if x is None else (x, y)
def encode(point): return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")
def add(a, b):
    t = D * a[0] * b[0] * a[1] * b[1] % P
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + t, P - 2, P)
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - t, P - 2, P)
    return x % P, y % P
def times(number, point):
    result = (0, 1)
    while number:
        result = add(result, point) if number & 1 else result
        point, number = add(point, point), number >> 1
    return result
BASE = (x_of(BASE_Y, 0), BASE_Y)
def to_curve(key, alpha):  # 5.4.1.1
    for counter in range(256):
        point = decode(hashlib.sha512(b"\3\1" + key + alpha + bytes([counter, 0])).digest()[:32])
        if point and times(8, point) != (0, 1):
            return times(8, point)
def vrf(key, alpha, pi):  # 5.3: beta, or None
    y, gamma, c, s = decode(key), decode(pi[:32]), int.from_bytes(pi[32:48], "little"), int.from_bytes(pi[48:], "little")
    if not y or not gamma or s >= L or len(pi) != 80 or times(8, y) == (0, 1):
        return None
    h, negative = to_curve(key, alpha), lambda point: (P - point[0], point[1])
    u = add(times(s, BASE), negative(times(c, y)))
    v = add(times(s, h), negative(times(c, gamma)))
    hashed = hashlib.sha512(b"\3\2" + key + b"".join(map(encode, (h, gamma, u, v))) + b"\0").digest()
    shown = hashed[:16] == pi[32:48]
    return hashlib.sha512(b"\3\3" + encode(times(8, gamma)) + b"\0").digest() if shown else None

HIDDEN = ("tenant", "tenant_json", "worker")
DENIED = {"wcp.attestation": ("ok", False), "hall.enrolment": ("enrolled", False), "manifest.verify": ("outcome", "fail"),
          "vacant.card": ("verdict", "fail"), "vacant.resident": ("verified", False)}
NAMED = dict(tenant_id="tenant", correlation_id="correlation", decision_id="decision", selected_worker_species_id="worker", worker_species_id="worker", worker_id="worker")
def says(tenant):  # 18.1: what stands for one that was taken out is none
    redacted = isinstance(tenant, dict) and set(tenant) == {"sealbook:redacted"} and tenant["sealbook:redacted"]
    return tenant is not None and not (isinstance(redacted, str) and len(redacted) == 64 and not redacted.strip("0123456789abcdef"))
def facts(kind, payload):  # I.3, and what S8 asks for besides: `decision` and `document`
    given = lambda value: value if isinstance(value, dict) else {}
    inner = [given(payload.get(name)) for name in ("decision", "input", "body")]
    found = {("kind", kind)}
    for said in [payload, *inner, *(given(one.get("deny_reason_if_denied")) for one in inner)]:
        tenant, denied = said.get("tenant_id"), said.get("denied")
        found |= {("tenant_json", canonical(tenant).decode())} if says(tenant) and not isinstance(tenant, str) else set()
        found |= {("denied", json.dumps(denied))} if isinstance(denied, bool) else set()
        found |= {(field, said[name]) for name, field in NAMED.items() if isinstance(said.get(name), str)}
    if kind == "wcp.decision" and isinstance(given(payload.get("receipt")).get("worker_id"), str):
        found.add(("worker", payload["receipt"]["worker_id"]))
    if kind in DENIED and payload.get(DENIED[kind][0]) is not None:
        name, denied = DENIED[kind]
        found.add(("denied", json.dumps(canonical(payload[name]) == canonical(denied))))
    if kind == "wcp.document" and isinstance(payload.get("digest"), str):
        found.add(("document", payload["digest"]))
    return found
FACTS, WAITING = ("correlation", "decision", "denied", "document", "tenant", "tenant_json", "worker"), 10_000
def flag(value): return value if isinstance(value, bool) else wrong("no boolean")
def texts(value): return [text(one) for one in value] if isinstance(value, list) and len(value) <= 1_000 else wrong("no texts")
ASKED = dict({name: text for name in FACTS}, attestations=flag, denied=lambda value: json.dumps(flag(value)), from_seq=number, kinds=texts, limit=number,
             reverse=flag, since=time, until=time, until_seq=number)
def answers(said, given):  # S8: whether every entry is one that the filter asks for
    asked = {name: ASKED[name](value) if name in ASKED else wrong("not known") for name, value in said.items() if name not in ASKED or value is not None}
    if asked.get("attestations") and set(asked) != {"attestations", "correlation"} or len(given) > asked.get("limit", len(given)):
        return False
    waiting = []
    for seq, entry in given:
        own, ts = facts(entry.kind, entry.payload), entry.ts
        itself = asked.get("from_seq", 0) <= seq <= asked.get("until_seq", seq) and asked.get("since", ts) <= ts <= asked.get("until", ts) and \
            (not asked.get("kinds") or entry.kind in asked["kinds"]) and all((field, asked[field]) in own for field in FACTS if field in asked)
        workers = {value for field, value in own if field == "worker"}
        if entry.kind == "wcp.attestation" and len(waiting) < WAITING and asked.get("attestations"):
            waiting.append((itself, workers))
        elif not itself:
            return False
        if entry.kind == "wcp.decision":
            waiting = [(itself, others) for itself, others in waiting if not others & workers]
    return all(itself for itself, _ in waiting)
def big(number): return number.to_bytes(8, "big")
def blocks(since, epoch):  # I.7: of each tree its first epoch and its level
    end, at = max(since, epoch - 1), since
    for level in subtrees(since, end):
        yield at, level
        at += 1 << level
    yield from ((alone, 0) for alone in range(end, epoch + 1))
def joined(first, level, own):  # I.5
    if level == 0:
        return own.get(first)
    if not any(first <= epoch < first + (1 << level) for epoch in own):
        return None
    left, right = joined(first, level - 1, own), joined(first + (1 << level - 1), level - 1, own)
    return (left[0] + right[0], H(b"\5", left[1], right[1])) if left and right else left or right
def count_in(tree, place):  # I.9: the count that a tree says, shown to lead to its root
    present = "entries" in tree
    if present:
        count = tree["entries"], bytes.fromhex(tree["digest"])
        shown = [(place, H(b"\3", big(count[0]), count[1]))]
        demand("index_invalid", count[0] > 0, "a count of none")
    else:
        count, shown = None, [(bytes.fromhex(leaf["place"]), bytes.fromhex(leaf["hidden"])) for leaf in tree["between"]]
    at, end, size = tree["at"], tree["at"] + len(shown), tree["size"]
    before, after = tree["before"], tree["after"]
    demand("index_invalid", 1 <= len(shown) <= 2 and end <= size, "shape")
    first, last = list(subtrees(0, at)), list(subtrees(end, size))
    demand("index_invalid", (len(first), len(last)) == (len(before), len(after)), "shape")
    if not present:
        places = [leaf[0] for leaf in shown]
        alone = len(places) == 1 and (at == 0 and place < places[0] or end == size and places[0] < place)
        demand("index_invalid", alone or len(places) == 2 and places[0] < place < places[1], "not between")
    nodes = [*zip(first, before), *((0, H(b"\2", *leaf)) for leaf in shown), *zip(last, after)]
    demand("index_invalid", leaves(nodes) == size and root(nodes) == tree["root"], "root")
    return count
def statement(header, log, genesis):  # A header of the log: H2 to H5
    place = dict(at="epoch", index=header.epoch)
    demand("epoch_signature_invalid", header.signed, **place)
    demand("log_key_mismatch", header.log == log, **place)
    demand("genesis_mismatch", header.genesis == genesis, **place)
    demand("epoch_invariant", header.alone(), **place)
    return header
FIELDS = HIDDEN + ("correlation", "denied", "kind")
def field(value): return value if text(value) in FIELDS else wrong("no field of the index")
def several(reader): return lambda value: list(map(reader, value)) if isinstance(value, list) else wrong("no list")
def tree(value):
    between = several(lambda leaf: read(leaf, dict(place=hex_32, hidden=hex_32)))
    shown = dict(entries=number, digest=hex_32) if isinstance(value, dict) and "entries" in value else dict(between=between)
    return read(value, dict(shown, after=hashes, at=number, before=hashes, root=hex_32, size=number))
def term(value):  # The line of I.8
    said = value["index"] if set(value) == {"index"} and isinstance(value["index"], dict) else wrong("no object")
    more = {name: reader for name, reader in dict(key=hex_32, placed=lambda pi: hex_16(pi, 160)).items() if name in said}
    return read(said, dict(more, field=field, header=Header, since=number, trees=several(tree), value=text))
def asks(asked, field, value):  # I.9: whether a filter asks for the term
    return asked.get("kinds") == [value] if field == "kind" else field in asked and value == (json.dumps(asked[field]) if field == "denied" else asked[field])
def signed_entry(entry, log):  # 3.1: the hash of one that the log signed
    bytes_ = b"\x1f".join([entry["kind"].encode(), entry["ts"].encode(), canonical(entry["payload"]),
                           bytes.fromhex(entry["prev_hash"])])
    demand("signature_invalid", signed(log, bytes_, entry["signature"]))
    return H(bytes_)
def counts_under(said, header, genesis, opening):  # I.9: of each block its first epoch, level and count
    field, value = said["field"], said["value"]
    domain = lambda name, what: name + b"\x1f" + bytes.fromhex(genesis) + field.encode() + b"\x1f" + what
    demand("index_invalid", ("placed" in said) == (field in HIDDEN), "placed")
    what = value.encode()
    later = said["since"] > 0  # I.13
    demand("index_invalid", ("key" in said, "index" in opening) == (later, not later), "key")
    if field in HIDDEN:
        key, pi = bytes.fromhex(said["key"] if later else opening["index"]), bytes.fromhex(said["placed"])
        what = vrf(key, domain(b"sealbook:vrf:v1", what), pi)
        demand("index_invalid", what, "the proof does not show the place")
    place = H(domain(b"sealbook:term:v1", what))
    under, trees = list(blocks(said["since"], header.epoch)), said["trees"]
    demand("index_invalid", len(under) == len(trees), "trees")
    committed = b"".join(big(tree["size"]) + bytes.fromhex(tree["root"]) for tree in trees)
    demand("index_invalid", H(b"sealbook:index:v1\x1f" + big(said["since"]) + bytes.fromhex(said.get("key", "")) + committed).hex() == header.index, "commitment")
    return [(*block, count_in(tree, place)) for block, tree in zip(under, trees)]
def check(data, keys):
    if data.startswith(b'{"equivocation":'):
        return dict(denied=check_denied(data, keys))
    lines = [parse(line)[0] for line in data.splitlines()]
    first, opening = lines[0]["sealbook"], lines[-2]["opening"]
    log, genesis = first["log"], first["genesis"]
    demand("untrusted_key", log in keys)
    demand("index_invalid", first["contents"] == "selection" and first["uses"] == ["terms"], "no index")
    demand("genesis_mismatch", signed_entry(opening, log).hex() == genesis)
    [said] = [term(line) for line in lines if "index" in line]
    header, field, value = statement(said["header"], log, genesis), said["field"], said["value"]
    own, epoch, entries, omitted, misplaced, without, nth = {}, None, 0, 0, False, False, -1
    closing, since = lines[-1], said["since"]
    asked = closing["bundle"]["filter"] if "signature" in closing and isinstance(closing["bundle"]["filter"], dict) else None
    def add(number, seq, leaf):
        nonlocal misplaced
        misplaced |= number < max(own, default=0)
        count, digest = own.get(number, (0, bytes(32)))
        own[number] = count + 1, H(b"\4", digest, big(seq), leaf)
        return number >= since
    fits = True  # I.13: `since` and `key` are the log's
    for line in lines:
        if "epoch" in line:
            epoch = statement(Header(line), log, genesis)
            demand("epoch_invariant", epoch.epoch != header.epoch or epoch.signed_bytes == header.signed_bytes, at="epoch", index=epoch.epoch)
            fits &= (epoch.index is not None) == (epoch.epoch >= since)
        elif "entry" in line:
            entry, nth = line["entry"], nth + 1
            demand("index_mismatch", epoch.epoch <= header.epoch, "beyond the header", at="entry", index=nth)
            fits &= entry["kind"] != "sealbook:format" or (epoch.epoch, entry["payload"]["index"]) == (since, said.get("key"))
            if (field, value) not in facts(entry["kind"], entry["payload"]):
                without = True
                continue
            leaf = H(b"\0", signed_entry(entry, log), bytes.fromhex(entry["signature"]))
            entries += add(epoch.epoch, entry["seq"], leaf)
        elif "omitted" in line:
            one, omitted = line["omitted"], omitted + 1
            misplaced |= not since <= one["epoch"] <= header.epoch
            entries += add(one["epoch"], one["seq"], bytes.fromhex(one["leaf"]))
    demand("index_invalid", fits, "the index began in another epoch or under another key")
    for at, level, count in counts_under(said, header, genesis, opening["payload"]):
        demand("index_mismatch", count == joined(at, level, own), f"epochs {at} to {at + (1 << level) - 1}")
    demand("index_mismatch", not without or "attestations" in (asked or {}), "an entry without the term")
    demand("filter_mismatch", asked is None or asks(asked, field, value), "the filter asks for something else")
    demand("index_mismatch", not misplaced, "an entry that is left out stands in another epoch")
    more = dict(dict(since=since) if since else {}, **(dict(omitted=omitted) if omitted else {}))
    return dict(complete=dict(field=field, value=value, entries=entries, epoch=header.epoch, seq=header.last_seq, **more))
def up(node, at, size, path):  # 2.6: where a path leads from the leaf `at`
    start, end, sides = 0, size, []
    while end - start > 1:
        half = 1 << (end - start - 1).bit_length() - 1
        sides.append(at >= start + half)
        start, end = (start + half, end) if sides[-1] else (start, start + half)
    demand("proof_invalid", len(sides) == len(path), "length of the path")
    for is_right, sibling in zip(reversed(sides), map(bytes.fromhex, path)):
        node = H(b"\1", sibling, node) if is_right else H(b"\1", node, sibling)
    return node.hex()
def count_of(counted, listed):  # 9: the fourth line, as its digests are joined
    demand("proof_invalid", counted, "a list of none")
    if isinstance(counted[0], list):
        left, right = (count_of(half, listed) for half in counted)
        return left[0] + right[0], H(b"\5", left[1], right[1])
    digest = bytes(32)
    for one in counted:
        demand("proof_invalid", set(one) == {"leaf", "seq"}, "members")
        listed.add((one["seq"], one["leaf"]))
        digest = H(b"\4", digest, big(one["seq"]), bytes.fromhex(one["leaf"]))
    return len(counted), digest
def check_denied(data, keys):  # 9, of the kind `index`
    lines = [parse(line)[0] for line in data[:-1].split(b"\n")]
    demand("proof_invalid", b"".join(canonical(line) + b"\n" for line in lines) == data, "spelling")
    demand("proof_invalid", len(lines) in (3, 4) and set(lines[0]) == {"equivocation"} and set(lines[2]) == {"index"}, "lines")
    proof, said, log = lines[1], term(lines[2]), lines[0]["equivocation"]["log"]
    demand("proof_invalid", lines[0]["equivocation"] == dict(format=2, kind="index", log=log), "first line")
    demand("proof_invalid", set(proof) == {"entry", "epoch", "format", "opening", "path", "uses"}, "members")
    demand("proof_invalid", proof["format"] == 2 and proof["uses"] == ["terms"], "version")
    entry, opening, seq = proof["entry"], proof["opening"], proof["entry"]["seq"]
    genesis = signed_entry(opening, log).hex()
    inside, under = (statement(one, log, genesis) for one in (Header(proof["epoch"]), said["header"]))
    demand("proof_invalid", said["since"] <= inside.epoch <= under.epoch, "another epoch")
    at, size = seq - inside.first_seq, inside.tree_size
    demand("proof_invalid", 0 <= at < size == inside.last_seq - inside.first_seq + 1, "outside of its epoch")
    leaf = H(b"\0", signed_entry(entry, log), bytes.fromhex(entry["signature"]))
    demand("proof_invalid", up(leaf, at, size, proof["path"]) == inside.root, "path")
    found = [count for first, level, count in counts_under(said, under, genesis, opening["payload"])
             if first <= inside.epoch < first + (1 << level)]
    listed = set()
    given = count_of(lines[3]["counted"], listed) if len(lines) == 4 else None
    demand("proof_invalid", found == [given], "not the entries that the index counts")
    has = (said["field"], said["value"]) in facts(entry["kind"], entry["payload"])
    demand("proof_invalid", has != ((seq, leaf.hex()) in listed), "the index does not deny it")
    demand("untrusted_key", log in keys)
    return dict(seq=seq, field=said["field"], value=said["value"], left_out=has, epoch=under.epoch)
def report(data, keys):
    try:
        return dict(verdict="pass", **check(data, keys))
    except Wrong as told:
        return dict(verdict="fail", **told.args[0])
    except (*UNREADABLE, KeyError, TypeError, IndexError, AttributeError) as unread:
        return dict(verdict="fail", code="bundle_corrupt", detail=repr(unread))
def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--key", action="append", default=[])
    parser.add_argument("file", nargs="+", type=argparse.FileType("rb"))
    args, status = parser.parse_args(), 0
    for file in args.file:
        said = report(file.read(), args.key)
        status = max(status, int(said["verdict"] == "fail"))
        print(json.dumps(dict(path=file.name, **said)))
    sys.exit(status)
if __name__ == "__main__":
    main()
