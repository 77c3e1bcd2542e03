"""Cases of openings of redacted members, and the examples of commitments in fixtures/format/redacted.jsonl."""
import hashlib, json
from cases import case, made, put
from signer import Log, canonical

SALT = bytes([0x2A]) * 32
EMAIL, NAME = "ada@example.org", [1, {"a": None}]


def commitment(genesis, pointer, salt, value):
    text = pointer.encode()
    parts = [b"sealbook:redact:v1\x1f", bytes.fromhex(genesis), len(text).to_bytes(4, "big"), text, salt, canonical(value)]
    return hashlib.blake2b(b"".join(parts), digest_size=32).hexdigest()


def examples():
    genesis = "6f63e7515bbd850783b5e073f7b07398a304ae6758d1a8aa9199f2dbbbdca86f"
    of = [("/customer/email", SALT, EMAIL), ("/a~1b/0", bytes(range(32)), {"k": [1, None]}),
          ("/", bytes(32), 1.5), ("/é", b"\xff" * 32, "")]
    lines = [dict(genesis=genesis, pointer=pointer, salt=salt.hex(), value=value, commitment=commitment(genesis, pointer, salt, value)) for pointer, salt, value in of]
    return b"".join(canonical(line) + b"\n" for line in lines)


def opened(seq, pointer, value, salt=SALT, **more):
    return {"opened": {"pointer": pointer, "salt": salt.hex(), "seq": seq, "value": value, **more}}


def file(kind, behind, uses=("openings",), at=8, change=None):
    """A bundle of which entry 8 has two redacted members, with these lines behind entry `at`."""
    genesis = Log().genesis
    redacted = lambda pointer, value: {"sealbook:redacted": commitment(genesis, pointer, SALT, value)}
    payload = {"customer": {"email": redacted("/customer/email", EMAIL)}, "list": [redacted("/list/0", NAME), 2], "n": 8}
    def lines(all):
        found = []
        for one in all:
            found.append(one)
            if isinstance(one, dict) and one.get("entry", {}).get("seq") == at:
                found += behind
        return found
    return made(kind, {("payload", 8): lambda _: payload, "first": put("uses", list(uses)), "lines": lines, **(change or {})})


def line_behind(data, nth=0):
    """The number of the nth line that opens something."""
    return [n for n, line in enumerate(data.split(b"\n")) if line.startswith(b'{"opened"')][nth]


def cases():
    email, name = opened(8, "/customer/email", EMAIL), opened(8, "/list/0", NAME)
    for kind in ("cut", "selection"):
        for what, behind in {"none": [], "one": [email], "another": [name], "both": [email, name], "both, turned": [name, email]}.items():
            case("X3", f"{kind}, {what} of two opened", file(kind, behind))
        mismatch = {"another value": opened(8, "/customer/email", "bob@example.org"), "a value spelt otherwise": opened(8, "/list/0", [1.0, {"a": None}]),
                    "another salt": opened(8, "/customer/email", EMAIL, bytes(32)), "another place of the entry": opened(8, "/list/0", EMAIL),
                    "the pointer of what holds it": opened(8, "/customer", {"email": EMAIL}), "the pointer of a plain member": opened(8, "/n", 8),
                    "a pointer that leads nowhere": opened(8, "/nobody", EMAIL), "an index with a zero before": opened(8, "/list/00", NAME),
                    "another entry": opened(7, "/customer/email", EMAIL), "an entry to come": opened(10, "/customer/email", EMAIL)}
        for what, wrong in mismatch.items():
            data = file(kind, [wrong])
            case("X3", f"{kind}, {what}", data, ("opening_mismatch", "document", line_behind(data)))
        data = file(kind, [email, email])
        case("X3", f"{kind}, a member opened twice", data, ("opening_mismatch", "document", line_behind(data, 1)))
        data = file(kind, [email], at=6)
        case("X3", f"{kind}, behind an entry before", data, ("opening_mismatch", "document", line_behind(data)))
        data = file(kind, [email], uses=())
        case("X1", f"{kind}, where `uses` says nothing", data, ("bundle_corrupt", "document", line_behind(data)))
        before = lambda all: [one for line in all for one in ([email, line] if isinstance(line, dict) and line.get("entry", {}).get("seq") == 6 else [line])]
        data = file(kind, [], change={"lines": before})
        case("X1", f"{kind}, before the first entry", data, ("bundle_corrupt", "document", line_behind(data)))
        unread = {"a member more": opened(8, "/customer/email", EMAIL, note=1), "no value": {"opened": {"pointer": "/n", "salt": SALT.hex(), "seq": 8}},
                  "a short salt": opened(8, "/customer/email", EMAIL, SALT[1:]), "no pointer": opened(8, "", EMAIL), "a pointer without its slash": opened(8, "customer/email", EMAIL),
                  "a tilde alone": opened(8, "/~", EMAIL), "a number as a text": opened("8", "/customer/email", EMAIL), "another member beside": {**email, "z": 1}}
        for what, wrong in unread.items():
            data = file(kind, [wrong])
            case("X2", f"{kind}, {what}", data, ("bundle_corrupt", "document", line_behind(data)))
        spelt = canonical(email).replace(b'"seq":8', b'"seq": 8')
        data = file(kind, [spelt])
        case("X2", f"{kind}, a space", data, ("bundle_corrupt", "document", line_behind(data)))
