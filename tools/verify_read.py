"""What tools/verify.py reads: JSON, times, signatures, statements and entries, sections 1 to 5 of
src/ledger/format.rs. Ed25519 is the package `cryptography`'s."""
import hashlib, json, re
from datetime import datetime, timedelta
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MIB = 1 << 20
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826
SMALL = {0, 1, P - 1, ORDER_8, P - ORDER_8}  # the y of every point of small order
UNREADABLE = (ValueError, RecursionError, OverflowError)

ZERO, HOUR, BOM = "0" * 64, timedelta(hours=1), b"\xef\xbb\xbf"
REFERRING = ("wcp.", "manifest.", "vacant.", "hall.")

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
    text = line.decode() if len(line) <= 20 * MIB else wrong("too long")
    value = json.loads(text, object_pairs_hook=unique, parse_float=finite, parse_constant=wrong)
    return value, canonical(value)
def inside(value): return value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
def levels(value): return 1 + max(map(levels, inside(value)), default=0) if isinstance(value, (dict, list)) else 0

# What reads the members of an object, these and no others; readers of members.
def read(value, readers):
    whole = isinstance(value, dict) and sorted(value) == sorted(readers)
    return {name: reader(value[name]) for name, reader in readers.items()} if whole else wrong("other members")
def anything(value): return value
def text(value): return value if isinstance(value, str) else wrong("no string")
def array(value): return value if isinstance(value, list) else wrong("no list")
def number(value): return value if type(value) is int and 0 <= value < 2**64 else wrong("no number")
def one(value): return value if type(value) is int and value == 1 else wrong("another format")
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
    moment += offset if sign == "-" else -offset
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

# The members of everything that has fixed ones.
LOG, RANGE, SEQ = dict(genesis=hex_32, log=hex_32), dict(first_seq=number, last_seq=number), dict(seq=number)
CONTENTS = dict(LOG, contents=text, format=one)
HEAD = dict(LOG, **SEQ, hash=hex_32, ts=time)
HEADER = dict(LOG, **RANGE, epoch=number, head=hex_32, hour=time, prev=hex_32, root=hex_32, sealed_at=time,
              tree_size=number)
CLOSING = dict(LOG, bytes=number, documents=number, entries=number, epochs=number, format=number, hash=hex_32)
OPENING = dict(format=one, log=hex_32, nonce=hex_16, origin=text, predecessor=predecessor,
               recovery_key_sha256=recovery)
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
            except UNREADABLE:
                raise Fault("schema_violation", "entry", index) from None
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
            waiting += inside(value)
