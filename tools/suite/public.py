"""Cases of the public log (15): notes, tiles, proofs, names. The tree is RFC 6962 over
SHA-256, and whatever signs is one of the suite's signers."""
import base64, hashlib, json
from cases import CASES, ONES, case, made, put
from rest import published
from signer import OTHER, RECOVERY, US, Log, canonical

NAME, WITNESS = "log.example/suite", "witness.example/w"
b64 = lambda data: base64.b64encode(data).decode()
sha = lambda *parts: hashlib.sha256(b"".join(parts)).digest()
H = lambda *parts: hashlib.blake2b(b"".join(parts), digest_size=32).digest()
PROOF = {"as": "tlog-proof"}


def node(nodes):
    if len(nodes) == 1:
        return nodes[0]
    split = 1 << ((len(nodes) - 1).bit_length() - 1)
    return sha(b"\1", node(nodes[:split]), node(nodes[split:]))


def path(nodes, at):
    if len(nodes) == 1:
        return []
    split = 1 << ((len(nodes) - 1).bit_length() - 1)
    if at < split:
        return path(nodes[:split], at) + [node(nodes[split:])]
    return path(nodes[split:], at - split) + [node(nodes[:split])]


def growth(nodes, old, whole=True):
    """RFC 6962 2.1.2."""
    if old == len(nodes):
        return [] if whole else [node(nodes)]
    split = 1 << ((len(nodes) - 1).bit_length() - 1)
    if old <= split:
        return growth(nodes[:split], old, whole) + [node(nodes[split:])]
    return growth(nodes[split:], old - split, False) + [node(nodes[:split])]


def data(log):
    return [H(b"\0", log.hashes[n], bytes.fromhex(entry["signature"])) for n, entry in enumerate(log.entries)]


def leaves(log):
    return [sha(b"\0", one) for one in data(log)]


def root(log, size):
    return node(leaves(log)[:size]) if size else sha()


def key_id(name, kind, key):
    return sha(name.encode(), b"\n", bytes([kind]), key)[:4]


def vkey(name, kind, signer):
    key = bytes.fromhex(signer.hex)
    return f"{name}+{key_id(name, kind, key).hex()}+{b64(bytes([kind]) + key)}"


def line(name, kind, signer, message, before=b""):
    key = bytes.fromhex(signer.hex)
    return f"— {name} {b64(key_id(name, kind, key) + before + bytes.fromhex(signer(message)))}\n"


def text(log, size=13, name=NAME, top=None, more=""):
    return f"{name}\n{size}\n{b64(top or root(log, size))}\n{more}"


def signed(body, name=NAME, by=US):
    return f"{body}\n{line(name, 1, by, body.encode())}"


def cosigned(body, time=1800000000, by=OTHER, name=WITNESS):
    message = f"cosignature/v1\ntime {time}\n{body}".encode()
    return line(name, 4, by, message, time.to_bytes(8, "big"))


def proof(log, at=3, size=13, note=None, siblings=None, head="c2sp.org/tlog-proof@v1\n", extra=""):
    lines = siblings if siblings is not None else [b64(one) for one in path(leaves(log)[:size], at)]
    return (head + extra + f"index {at}\n" + "".join(one + "\n" for one in lines) + "\n" + (note if note is not None else signed(text(log, size)))).encode()


def entry(log, n):
    return canonical(log.entries[n]) + b"\n"


def policy(*lines):
    return ("".join(one + "\n" for one in lines)).encode()


def notes():
    log = Log()
    good, invalid = signed(text(log)), ("proof_invalid", "file", None)
    give = dict(entry=entry(log, 3), **PROOF)
    case("PL1", "a proof under a checkpoint", proof(log), **give)
    case("PL1", "64 signature lines", proof(log, note=good + "— w AAAAAAA=\n" * 63), **give)
    own = line(NAME, 1, US, text(log).encode())
    wrong = {"no final newline": good[:-1], "CR LF": good.replace("\n", "\r\n"), "a tab": good.replace("13\n", "13\t\n", 1), "no signature": text(log) + "\n", "65 signature lines": good + "— w AAAAAAA=\n" * 64,
             "a hyphen for the dash": good.replace("—", "-"), "no name": good + "—  AAAAAAA=\n", "a name with a plus": good + "— a+b AAAAAAA=\n", "two spaces": good.replace(f"— {NAME} ", f"— {NAME}  "),
             "base64 without padding": good + "— w AAAAAAA\n", "base64 with other last bits": good + "— w AAAAAAB=\n", "base64 for URLs": good + "— w AAAA_-A=\n", "a signature of a key id alone": good + "— w AAAAAA==\n", "something after the signatures": good + "\nx\n"}
    for name, note in wrong.items():
        case("PL1", f"a note with {name}", proof(log, note=note), invalid, **give)
        if name != "no signature":
            case("PL1", f"kept, a note with {name}", made("logbook"), error="bad_checkpoint", contains=note.encode())
    case("PL1", "no UTF-8", proof(log)[:-40] + b"\xff" + proof(log)[-39:], invalid, **give)
    sizes = {"2^63": 2**63, "2^64": 2**64, "a leading zero": "013", "a plus": "+13", "below zero": -1, "nothing": "", "hex": "0xd", "a space": "13 "}
    for name, size in sizes.items():
        body = f"{NAME}\n{size}\n{b64(root(log, 13))}\n"
        case("PL2", f"a size of {name}", proof(log, note=signed(body)), invalid, **give)
        case("PL2", f"kept, a size of {name}", made("logbook"), error="bad_checkpoint", contains=signed(body).encode())
    for name, top in {"31 bytes": b64(bytes(31)), "33 bytes": b64(bytes(33)), "without padding": b64(root(log, 13))[:-1], "hex": root(log, 13).hex()}.items():
        case("PL2", f"a root of {name}", proof(log, note=signed(f"{NAME}\n13\n{top}\n")), invalid, **give)
    for name, body in {"two lines": f"{NAME}\n13\n", "an empty line": f"{NAME}\n13\n{b64(root(log, 13))}\n\nx\n", "no name": f"\n13\n{b64(root(log, 13))}\n"}.items():
        case("PL2", f"a checkpoint of {name}", proof(log, note=signed(body)), invalid, **give)
    case("PL2", "no entries, and the root of some", proof(log, note=signed(f"{NAME}\n0\n{b64(bytes(32))}\n")), invalid, **give)
    case("PL2", "a further line", proof(log, note=signed(text(log, more="more\n"))), **give)
    bad = ("checkpoint_invalid", "file", None)
    flip = lambda name, kind, body, by=US, n=9, before=b"": (lambda raw: f"— {name} {b64(raw[:n] + bytes([raw[n] ^ 1]) + raw[n + 1:])}\n")(base64.b64decode(line(name, kind, by, body, before).split(" ")[2]))
    body = text(log)
    for name, last in {"one bit": flip(NAME, 1, body.encode()), "of another text": line(NAME, 1, US, b"x\n"), "twice": own + own, "63 bytes": f"— {NAME} {b64(base64.b64decode(own.split(' ')[2])[:-1])}\n", "of another key under its id": f"— {NAME} {b64(key_id(NAME, 1, bytes.fromhex(US.hex)) + bytes.fromhex(OTHER(body.encode())))}\n"}.items():
        case("PL3", f"the log's signature, {name}", proof(log, note=f"{body}\n{last}"), bad, **give)
        case("PL3", f"kept, the log's signature, {name}", made("logbook"), bad, contains=f"{body}\n{last}".encode())
    case("PL3", "kept, another key's", made("logbook"), bad, contains=signed(body, by=OTHER).encode())
    asks = policy(f"witness w {vkey(WITNESS, 4, OTHER)}", "quorum w")
    for name, last in {"one bit": flip(WITNESS, 4, f"cosignature/v1\ntime 1800000000\n{body}".encode(), OTHER, 30, (1800000000).to_bytes(8, "big")), "another time": cosigned(body).replace(b64(key_id(WITNESS, 4, bytes.fromhex(OTHER.hex)) + (1800000000).to_bytes(8, "big"))[:16], b64(key_id(WITNESS, 4, bytes.fromhex(OTHER.hex)) + (1800000001).to_bytes(8, "big"))[:16]),
                       "of another text": cosigned("x\n"), "twice": cosigned(body) * 2, "a time of 2^63": cosigned(body, 2**63), "7 bytes": f"— {WITNESS} {b64(key_id(WITNESS, 4, bytes.fromhex(OTHER.hex)) + bytes(7))}\n"}.items():
        case("PL3", f"a witness's signature, {name}", proof(log, note=good + last), ("cosignature_invalid", "file", None), policy=asks, **give)


def trust():
    log = Log()
    give = dict(entry=entry(log, 3), **PROOF)
    other = ("untrusted_key", "file", None)
    logs = policy(f"log {vkey(NAME, 1, US)}", "quorum none")
    case("PL6", "a key that was given", proof(log), **give)
    case("PL6", "two keys, the second is the log's", proof(log), key=[OTHER.hex, US.hex], **give)
    case("PL6", "a log of the policy", proof(log), key=None, policy=logs, **give)
    case("PL6", "both", proof(log), policy=logs, **give)
    case("PL6", "no key", proof(log), other, key=None, **give)
    case("PL6", "another key", proof(log), other, key=OTHER.hex, **give)
    case("PL6", "a policy without the log", proof(log), other, key=None, policy=policy(f"log {vkey('log.example/x', 1, US)}", "quorum none"), **give)
    case("PL6", "a policy with another key of it", proof(log), other, key=None, policy=policy(f"log {vkey(NAME, 1, OTHER)}", "quorum none"), **give)
    case("PL6", "a key that the policy does not name", proof(log), other, policy=policy(f"log {vkey(NAME, 1, OTHER)}", "quorum none"), **give)
    body = text(log)
    note = signed(body)
    w = lambda n, by: f"witness w{n} {vkey(f'{WITNESS}{n}', 4, by)}"
    c = lambda n, by: cosigned(body, by=by, name=f"{WITNESS}{n}")
    two = policy(w(1, OTHER), w(2, RECOVERY), "group all 2 w1 w2", "quorum all")
    one = policy(w(1, OTHER), w(2, RECOVERY), "group any 1 w1 w2", "quorum any")
    few = ("quorum_missing", "file", None)
    case("PL7", "both of two", proof(log, note=note + c(1, OTHER) + c(2, RECOVERY)), policy=two, **give)
    case("PL7", "one of two", proof(log, note=note + c(1, OTHER)), few, policy=two, **give)
    case("PL7", "none of two", proof(log), few, policy=two, **give)
    case("PL7", "one of any", proof(log, note=note + c(2, RECOVERY)), policy=one, **give)
    case("PL7", "somebody else's", proof(log, note=note + c(3, RECOVERY)), few, policy=one, **give)
    case("PL7", "nobody is asked for", proof(log), policy=policy(w(1, OTHER), "quorum none"), **give)
    fault = ("proof_invalid", "entry", 3)
    for size in (4, 5, 8, 12, 13):
        case("PL11", f"entry 3 of {size}", proof(log, size=size), **give)
    for at in range(13):
        case("PL11", f"entry {at}", proof(log, at), entry=entry(log, at), **PROOF)
    siblings = [b64(one) for one in path(leaves(log), 3)]
    case("PL11", "another entry", proof(log), fault, entry=entry(log, 4), **PROOF)
    case("PL11", "another place", proof(log, 3).replace(b"index 3\n", b"index 2\n"), ("proof_invalid", "entry", 2), entry=entry(log, 3), **PROOF)
    case("PL11", "a sibling missing", proof(log, siblings=siblings[:-1]), fault, **give)
    case("PL11", "a sibling more", proof(log, siblings=siblings + siblings[:1]), fault, **give)
    case("PL11", "siblings turned", proof(log, siblings=siblings[::-1]), fault, **give)
    case("PL11", "outside of the tree", proof(log, 3, siblings=[]).replace(b"index 3\n", b"index 13\n"), ("proof_invalid", "entry", 13), **give)
    case("PL11", "no entry", proof(log), ("proof_invalid", "file", None), **PROOF)
    theirs = {**log.entries[3], "signature": OTHER(b"x")}
    case("PL11", "an entry that another signed", proof(log), ("signature_invalid", "entry", 3), entry=canonical(theirs) + b"\n", **PROOF)
    unread = ("proof_invalid", "file", None)
    for name, changed in {"another version": proof(log, head="c2sp.org/tlog-proof@v2\n"), "an index with a zero before": proof(log).replace(b"index 3", b"index 03"), "an index of 2^63": proof(log).replace(b"index 3\n", b"index 9223372036854775808\n"), "no index": proof(log).replace(b"index 3\n", b""),
                          "a sibling of 31 bytes": proof(log, siblings=[b64(bytes(31))] * 4), "64 siblings": proof(log, siblings=[b64(bytes(32))] * 64), "extra that is no base64": proof(log, extra="extra A\n"), "nothing after the siblings": proof(log).split(b"\n\n")[0] + b"\n", "nothing": b"c2sp.org/tlog-proof@v1\n"}.items():
        case("PL11", f"a proof with {name}", changed, unread, **give)
    case("PL11", "extra that nobody reads", proof(log, extra="extra AAAA\n"), **give)


def tiles():
    """A folder is a JSON object of paths and base64."""
    log = Log()
    width = lambda n: f".p/{n}"
    def folder(size=13, change=None, note=None):
        files = {"checkpoint": (note or signed(text(log, size))).encode(), f"tile/0/000{width(size)}": b"".join(leaves(log)[:size]), f"tile/entries/000{width(size)}": b"".join(b"\0\x20" + one for one in data(log)[:size])}
        for name, edit in (change or {}).items():
            files[name] = edit(files.get(name))
        return json.dumps({name: b64(value) for name, value in files.items() if value is not None}, sort_keys=True).encode()
    invalid, tile, bundle = ("tile_invalid", "file", None), f"tile/0/000{width(13)}", f"tile/entries/000{width(13)}"
    flip = lambda at: lambda it: it[:at] + bytes([it[at] ^ 1]) + it[at + 1:]
    for size in (1, 2, 7, 13):
        case("PL4", f"a log of {size}", folder(size), also="tiles")
    case("PL4", "a log of none", folder(0, {f"tile/0/000{width(0)}": lambda _: None, f"tile/entries/000{width(0)}": lambda _: None, "tile/x": lambda _: b"x"}), also="tiles")
    case("PL4", "the full tile in the place of the partial one", folder(13, {tile: lambda _: None, bundle: lambda _: None, "tile/0/000": lambda _: b"".join(leaves(log) + [bytes(32)] * 243), "tile/entries/000": lambda _: b"".join(b"\0\x20" + one for one in data(log) + [bytes(32)] * 243)}), also="tiles")
    for name, change in {"a byte of a hash": {tile: flip(40)}, "a byte of an entry": {bundle: flip(40)}, "a length of an entry": {bundle: flip(1)}, "a tile cut short": {tile: lambda it: it[:-1]}, "a bundle cut short": {bundle: lambda it: it[:-34]}, "a tile too long": {tile: lambda it: it + bytes(32)}, "a bundle too long": {bundle: lambda it: it + b"\0\x20" + bytes(32)}, "an empty tile": {tile: lambda it: b""}, "no tile": {tile: lambda it: None}, "no bundle": {bundle: lambda it: None}}.items():
        # A folder has its tiles, if it is one.
        case("PL4", name, folder(13, {**change, "tile/1/keep": lambda _: b"x"}), invalid, also="tiles")
    case("PL4", "another root", folder(13, note=signed(text(log, top=bytes(32)))), invalid, also="tiles")
    case("PL4", "another key", folder(13), ("untrusted_key", "file", None), key=OTHER.hex, also="tiles")
    case("PL4", "a checkpoint that is none", folder(13, {"checkpoint": lambda it: it[:-1]}), ("checkpoint_invalid", "file", None), also="tiles")
    case("PL4", "a checkpoint of more", folder(13, note=signed(text(log, 14, top=bytes(32)))), invalid, also="tiles")
    def headers(name, expected=None, log=Log(), edit=lambda it: it, size=13, lines=None):
        lines = published(*(lines or [*log.headers, log.head(12)]))
        case("PL4", f"headers, {name}", folder(size, {"headers": lambda _: edit(lines)}), expected, also="tiles")
    h, last = log.headers, log.head(12)
    headers("all")
    headers("and a checkpoint of less", size=2)
    headers("a line that is being added", edit=lambda it: it + it[:50])
    for name, edit in {"a byte": flip(200), "the last newline": lambda it: it[:-1] + b" ", "no line": lambda it: b"", "cut in its last line": lambda it: it[:-9], "a blank line": lambda it: it + b"\n"}.items():
        headers(name, invalid, edit=edit)
    for name, lines in {"no head over the last entries": h, "none of epoch 0": [*h[1:], last], "one twice": [h[0], *h, last], "the head before them": [last, *h]}.items():
        headers(name, invalid, lines=lines)
    headers("another root", invalid, Log({("header", 1): put("root", ONES)}))
    headers("of another genesis", invalid, Log({("header", 1): put("genesis", ONES)}))
    headers("one that another signed", invalid, Log(by={("header", 1): OTHER}))


def convictions():
    log, other = Log(), Log({("payload", 8): put("n", 9)})
    invalid, proven = ("proof_invalid", "file", None), {"warnings": ["equivocation_proven"], "also": "checkpoints"}
    def file(kind, notes, more=(), by=US, order=sorted):
        lines = order(canonical({"checkpoint": note}) for note in notes)
        return b"".join(one + b"\n" for one in [canonical({"equivocation": {"format": 1, "kind": kind, "log": by.hex}}), *lines, *more])
    a, b = signed(text(log)), signed(text(other))
    case("PL5", "two roots of one size", file("checkpoints", [a, b]), **proven)
    case("PL5", "one root twice", file("checkpoints", [a, a]), invalid, also="checkpoints")
    case("PL5", "two names", file("checkpoints", [a, signed(text(other, name="log.example/x"), name="log.example/x")]), invalid, also="checkpoints")
    case("PL5", "two sizes", file("checkpoints", [a, signed(text(other, 12))]), invalid, also="checkpoints")
    case("PL5", "one that another signed", file("checkpoints", [a, signed(text(other), by=OTHER)]), invalid, also="checkpoints")
    case("PL5", "with a cosignature", file("checkpoints", [a + cosigned(text(log)), b]), invalid, also="checkpoints")
    case("PL5", "turned", file("checkpoints", [a, b], order=lambda it: sorted(it)[::-1]), invalid, also="checkpoints")
    case("PL5", "called otherwise", file("heads", [a, b]), invalid, also="checkpoints")
    case("PL5", "of a key that nobody speaks of", file("checkpoints", [a, b]), ("untrusted_key", "file", None), key=OTHER.hex, also="checkpoints")
    for old in (9, 10, 12):
        early = signed(text(other, old))
        line_of = lambda top, proof: canonical({"growth": {"path": [one.hex() for one in proof], "root": top.hex()}})
        right = line_of(root(log, old), growth(leaves(log), old))
        case("PL5", f"{old} entries of another history", file("growth", [early, a], [right]), **proven)
        case("PL5", f"{old} entries of the same", file("growth", [signed(text(log, old)), a], [line_of(root(log, old), growth(leaves(log), old))]), invalid, also="checkpoints")
        case("PL5", f"{old} entries, the root of the other", file("growth", [early, a], [line_of(root(other, old), growth(leaves(log), old))]), invalid, also="checkpoints")
        case("PL5", f"{old} entries, a proof that leads nowhere", file("growth", [early, a], [line_of(root(log, old), growth(leaves(other), old)[:-1])]), invalid, also="checkpoints")
        case("PL5", f"{old} entries, no proof", file("growth", [early, a]), invalid, also="checkpoints")
        case("PL5", f"{old} entries, a line more", file("growth", [early, a], [right, right]), invalid, also="checkpoints")


def named(at, payload):
    return {("entry", at): put("kind", "sealbook:publish"), ("payload", at): lambda _: payload}


def names():
    bind = lambda name: {"name": name, "policy": None}
    bound = named(7, bind(NAME))
    log = Log(bound)
    def contains(rule, name, kind, note, fault=None, change=bound, **more):
        case(rule, f"{kind}, {name}", made(kind, change), fault, contains=note.encode(), also="checkpoints", **more)
    gone, other = ("head_not_contained", "file", None), ("name_mismatch", "file", None)
    for kind in ("logbook", "whole"):
        for size in (8, 9, 12, 13):
            contains("PL8", f"the first {size} entries", kind, signed(text(log, size)))
        contains("PL8", "more than there are", kind, signed(text(log, 14, top=bytes(32))), gone)
        contains("PL8", "another root", kind, signed(text(log, 12, top=bytes(32))), gone)
        contains("PL9", "before the name was bound", kind, signed(text(log, 7)), other)
        contains("PL9", "another name", kind, signed(text(log, name="log.example/x"), name="log.example/x"), other)
        contains("PL9", "no name at all", kind, signed(text(Log())), other, change={})
        ended = {**bound, **named(8, {"closed": NAME})}
        contains("PL9", "up to its end", kind, signed(text(Log(ended), 8)), change=ended)
        contains("PL9", "after its end", kind, signed(text(Log(ended), 9)), other, change=ended)
        after = {**ended, **named(9, bind("log.example/y"))}
        contains("PL9", "the one after it", kind, signed(text(Log(after), 10, name="log.example/y"), name="log.example/y"), change=after)
    for kind in ("cut", "tail", "selection", "proof"):
        contains("PL8", "what does not begin with entry 0", kind, signed(text(log)), gone)
    keeps = lambda note: {**bound, ("entry", 9): put("kind", "sealbook:witnessed"), ("payload", 9): lambda _: {"checkpoint": note}}
    own = lambda rule, name, change, fault=None: [case(rule, f"{kind}, {name}", made(kind, change), fault, also="names") for kind in ("logbook", "whole")]
    own("PL9", "a checkpoint that it keeps", keeps(signed(text(log, 9))))
    own("PL9", "one under another name", keeps(signed(text(log, 9, name="log.example/x"), name="log.example/x")), ("name_mismatch", "entry", 9))
    own("PL9", "one before the name was bound", keeps(signed(text(log, 7))), ("name_mismatch", "entry", 9))
    own("PL9", "one that another signed", keeps(signed(text(log, 9, name="log.example/x"), name="log.example/x", by=OTHER)))
    own("PL9", "what is no note", keeps("x"))
    own("PL10", "a name", bound)
    own("PL10", "the same name twice", {**bound, **named(8, {"name": NAME, "policy": "quorum none\n"})})
    own("PL10", "a name after the one that was ended", {**bound, **named(8, {"closed": NAME}), **named(9, bind("log.example/y"))})
    own("PL10", "a second name", {**bound, **named(8, bind("log.example/y"))}, ("name_mismatch", "entry", 8))
    own("PL10", "a name that was ended", {**bound, **named(8, {"closed": NAME}), **named(9, bind(NAME))}, ("name_mismatch", "entry", 9))
    own("PL10", "the end of a name that it has not", {**bound, **named(8, {"closed": "log.example/y"})}, ("name_mismatch", "entry", 8))
    own("PL10", "the end of none", named(7, {"closed": NAME}), ("name_mismatch", "entry", 7))
    wrong = {"no policy": {"name": NAME}, "a policy that is a number": {"name": NAME, "policy": 1}, "a member more": {**bind(NAME), "x": 1}, "both": {"closed": NAME, "name": NAME}, "an empty name": bind(""), "a name of 256 bytes": bind("x" * 256), "a brace first": bind("{x"), "a space": bind("a b"), "a plus": bind("a+b"), "a newline": bind("a\nb"), "U+00A0": bind("a\u00a0b"), "a number": bind(1), "nothing": {}}
    for name, payload in wrong.items():
        own("PL10", f"a payload with {name}", named(7, payload), ("schema_violation", "entry", 7))
    own("PL10", "a name of 255 bytes", named(7, bind("x" * 255)))
