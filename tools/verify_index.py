#!/usr/bin/env python3
"""What the index of a log says of a term, checked a second time: from src/ledger/format/index.md alone.

tools/verify_index.py --key HEX FILE... reads selections of version 2 with a line {"index": ...}, and prints a JSON report
each; exits with 0 if all are complete, 1 if one is not. Everything else of a bundle is tools/verify.py's to check; the
headers and the opening entry are judged here, too. In comments are sections."""
import argparse, hashlib, json, sys
sys.path.insert(0, __file__.rpartition("/")[0] or ".")
from verify import H, L, P, canonical, leaves, parse, root, signed, subtrees

D = -121665 * pow(121666, P - 2, P) % P
BASE_Y = 4 * pow(5, P - 2, P) % P
class Wrong(Exception): pass
def demand(code, holds, detail=""):
    if not holds:
        raise Wrong(dict(code=code, detail=detail))

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
WORKERS = ("selected_worker_species_id", "worker_species_id", "worker_id")
def terms(kind, payload):  # I.3
    given = lambda value: value if isinstance(value, dict) else {}
    inner = [given(payload.get(name)) for name in ("decision", "input", "body")]
    found = {("kind", kind)}
    for said in [payload, *inner, *(given(one.get("deny_reason_if_denied")) for one in inner)]:
        tenant = said.get("tenant_id")
        found |= {("tenant" if isinstance(tenant, str) else "tenant_json",
                   tenant if isinstance(tenant, str) else canonical(tenant).decode())} if tenant is not None else set()
        found |= {("correlation", said["correlation_id"])} if isinstance(said.get("correlation_id"), str) else set()
        found |= {("worker", said[name]) for name in WORKERS if isinstance(said.get(name), str)}
        found |= {("denied", json.dumps(said["denied"]))} if isinstance(said.get("denied"), bool) else set()
    if kind == "wcp.decision" and isinstance(given(payload.get("receipt")).get("worker_id"), str):
        found.add(("worker", payload["receipt"]["worker_id"]))
    if kind in DENIED and payload.get(DENIED[kind][0]) is not None:
        name, denied = DENIED[kind]
        found.add(("denied", json.dumps(canonical(payload[name]) == canonical(denied))))
    return found
def big(number): return number.to_bytes(8, "big")
def blocks(epoch):  # I.7: of each tree its first epoch and its level
    end, at = max(0, epoch - 1), 0
    for level in subtrees(0, end):
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
    names = {"after", "at", "before", "root", "size"} | ({"entries", "digest"} if present else {"between"})
    demand("index_invalid", set(tree) == names, "members")
    if present:
        count = tree["entries"], bytes.fromhex(tree["digest"])
        shown = [(place, H(b"\3", big(count[0]), count[1]))]
        demand("index_invalid", count[0] > 0, "a count of none")
    else:
        count, shown = None, [(bytes.fromhex(leaf["place"]), bytes.fromhex(leaf["hidden"])) for leaf in tree["between"]]
    at, end, size = tree["at"], tree["at"] + len(shown), tree["size"]
    before, after = ([bytes.fromhex(node) for node in tree[name]] for name in ("before", "after"))
    first, last = list(subtrees(0, at)), list(subtrees(end, size))
    demand("index_invalid", 1 <= len(shown) <= 2 and end <= size, "shape")
    demand("index_invalid", (len(first), len(last)) == (len(before), len(after)), "shape")
    if not present:
        places = [leaf[0] for leaf in shown]
        alone = len(places) == 1 and (at == 0 and place < places[0] or end == size and places[0] < place)
        demand("index_invalid", alone or len(places) == 2 and places[0] < place < places[1], "not between")
    nodes = [*zip(first, before), *((0, H(b"\2", *leaf)) for leaf in shown), *zip(last, after)]
    demand("index_invalid", leaves(nodes) == size and root(nodes) == tree["root"], "root")
    return count
def statement(value, log, genesis):  # A header of the log, by I.1
    header = value["epoch"]
    bytes_ = b"sealbook:epoch:v2\x1f" + canonical(header)
    demand("log_key_mismatch", header["log"] == value["key"] == log)
    demand("genesis_mismatch", header["genesis"] == genesis)
    demand("epoch_signature_invalid", header["format"] == 2 and signed(log, bytes_, value["signature"]))
    return header
def check(data, keys):
    lines = [parse(line)[0] for line in data.splitlines()]
    first, opening = lines[0]["sealbook"], lines[-2]["opening"]
    log, genesis = first["log"], first["genesis"]
    demand("untrusted_key", log in keys)
    demand("index_invalid", first["contents"] == "selection" and first["uses"] == ["terms"], "no index")
    bytes_ = b"\x1f".join([opening["kind"].encode(), opening["ts"].encode(), canonical(opening["payload"]),
                           bytes.fromhex(opening["prev_hash"])])
    demand("genesis_mismatch", H(bytes_).hex() == genesis)
    demand("signature_invalid", signed(log, bytes_, opening["signature"]))
    [said] = [line["index"] for line in lines if "index" in line]
    header, field, value = statement(said["header"], log, genesis), said["field"], said["value"]
    domain = lambda name, what: name + b"\x1f" + bytes.fromhex(genesis) + field.encode() + b"\x1f" + what
    demand("index_invalid", ("placed" in said) == (field in HIDDEN), "placed")
    what = value.encode()
    if field in HIDDEN:
        key, pi = bytes.fromhex(opening["payload"]["index"]), bytes.fromhex(said["placed"])
        what = vrf(key, domain(b"sealbook:vrf:v1", what), pi)
        demand("index_invalid", what, "the proof does not show the place")
    place = H(domain(b"sealbook:term:v1", what))
    under, trees = list(blocks(header["epoch"])), said["trees"]
    demand("index_invalid", said["since"] == 0 and len(under) == len(trees), "trees")
    committed = b"".join(big(tree["size"]) + bytes.fromhex(tree["root"]) for tree in trees)
    demand("index_invalid", H(b"sealbook:index:v1\x1f" + big(0) + committed).hex() == header["index"], "commitment")
    own, epoch, entries = {}, None, 0
    filters = lines[-1]["bundle"]["filter"]
    for line in lines:
        if "epoch" in line:
            epoch = statement(line, log, genesis)
            demand("epoch_invariant", epoch["epoch"] != header["epoch"] or epoch == header)
            demand("index_mismatch", epoch["epoch"] <= header["epoch"], "beyond the header")
        elif "entry" in line:
            entry = line["entry"]
            if (field, value) not in terms(entry["kind"], entry["payload"]):
                demand("index_mismatch", "attestations" in filters, "an entry without the term")
                continue
            bytes_ = b"\x1f".join([entry["kind"].encode(), entry["ts"].encode(), canonical(entry["payload"]),
                                   bytes.fromhex(entry["prev_hash"])])
            leaf = H(b"\0", H(bytes_), bytes.fromhex(entry["signature"]))
            number, digest = own.get(epoch["epoch"], (0, bytes(32)))
            own[epoch["epoch"]], entries = (number + 1, H(b"\4", digest, big(entry["seq"]), leaf)), entries + 1
    for (at, level), tree in zip(under, trees):
        demand("index_mismatch", count_in(tree, place) == joined(at, level, own), f"epochs {at} to {at + (1 << level) - 1}")
    return dict(field=field, value=value, entries=entries, epoch=header["epoch"], seq=header["last_seq"])
def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--key", action="append", default=[])
    parser.add_argument("file", nargs="+", type=argparse.FileType("rb"))
    args, status = parser.parse_args(), 0
    for file in args.file:
        try:
            report = dict(verdict="pass", complete=check(file.read(), args.key))
        except Wrong as wrong:
            report, status = dict(verdict="fail", **wrong.args[0]), 1
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as unread:
            report, status = dict(verdict="fail", code="bundle_corrupt", detail=repr(unread)), 1
        print(json.dumps(dict(path=file.name, **report)))
    sys.exit(status)
if __name__ == "__main__":
    main()
