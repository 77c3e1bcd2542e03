"""Cases of bytes (JSON, times, signatures, compression), of what a file is taken for,
and of what was kept of the log."""
import gzip, json
from cases import GONE, ONES, case, made, put
from curve import L, ORDER_8, encode, mixed_key
from signer import FORMAT, GIVEN, HEADERS, OTHER, POLICY, RECOVERY, RULES, US, ZERO, H, Log, canonical, digest, hour, line_of, signing_payload


def line_with(payload, ts=hour(0), kind="note", spell=None):
    """A logbook of one entry whose payload has this text; signed over `spell`, its canonical bytes."""
    canonical_payload = (spell if spell is not None else payload).encode()
    message = b"\x1f".join([kind.encode(), ts.encode(), canonical_payload, bytes(32)])
    return b'{"kind":"%s","payload":%s,"prev_hash":"%s","signature":"%s","ts":"%s"}' % (kind.encode(), payload if isinstance(payload, bytes) else payload.encode(), ZERO.encode(), US(message).encode(), ts.encode())


def json_cases():
    read = {'{"a":1}': None, '{"a":-0}': '{"a":0}', '{"a":0}': None, '{"b":1,"a":2}': '{"a":2,"b":1}', '{ "a" : [ 1 , 2 ] }': '{"a":[1,2]}', '{"\\u0061":1}': '{"a":1}', '{"a":"\\/"}': '{"a":"/"}',
            '{"a":"\\u00e9"}': '{"a":"é"}', '{"a":"\\ud83d\\ude00"}': '{"a":"😀"}', '{"a":"\\u0008\\u0009\\u000a\\u000c\\u000d"}': '{"a":"\\b\\t\\n\\f\\r"}', '{"a":"\\u001f\\u0000"}': '{"a":"\\u001f\\u0000"}',
            '{"a":"\\u007f"}': '{"a":"\x7f"}', '{"a":"\u2028"}': None, '{"é":1,"z":2}': '{"z":2,"é":1}', '{"\U0001f600":1,"\uffff":2}': '{"\uffff":2,"\U0001f600":1}', '{"a":{"":{}}}': None,
            '{"a":' + "9" * 4300 + "}": None, '{"a":-' + "9" * 4300 + "}": None, '{"a":[true,false,null]}': None, '{"a":"\\"\\\\"}': None, '{"a":"\ufeff"}': None}
    numbers = {"1.0": "1.0", "1.50": "1.5", "1e0": "1.0", "1E0": "1.0", "1e+1": "10.0", "100e-2": "1.0", "1.5e16": "1.5e+16", "1e16": "1e+16", "1e15": "1000000000000000.0", "123456789012345680.0": "1.2345678901234568e+17",
               "0.0001": "0.0001", "0.00001": "1e-05", "-0.0": "-0.0", "0e5": "0.0", "5e-324": "5e-324", "1e-400": "0.0", "-1e-400": "-0.0", "2e-324": "0.0", "3e-324": "5e-324", "1.7976931348623157e308": "1.7976931348623157e+308",
               "1000000000000000.25": "1000000000000000.2", "9007199254740993.0": "9007199254740992.0", "0.1": "0.1", "0.30000000000000004": "0.30000000000000004", "1e22": "1e+22", "1e21": "1e+21",
               "2.2250738585072014e-308": "2.2250738585072014e-308", "4.9e-324": "5e-324", "1e100": "1e+100", "12345678.9": "12345678.9", "5e-7": "5e-07", "1e+00": "1.0", "8.5e-5": "8.5e-05", "9.5367431640625e-07": "9.5367431640625e-07"}
    for text, spelt in read.items():
        case("J1", f"is read: {text[:40]}", line_with(text, spell=spelt) + b"\n")
    for text, spelt in numbers.items():
        case("J4", f"{text} is {spelt}", line_with('{"a":%s}' % text, spell='{"a":%s}' % spelt) + b"\n")
    refused = {"J2": {"a name twice": '{"a":1,"a":1}', "a name twice, spelt otherwise": '{"a":1,"\\u0061":2}', "a name twice, deep": '{"a":[{"b":1,"b":1}]}'},
               "J3": {"a lone high surrogate": '{"a":"\\ud800"}', "a lone low surrogate": '{"a":"\\udc00"}', "surrogates turned": '{"a":"\\udc00\\ud800"}', "a high surrogate before a letter": '{"a":"\\ud800x"}', "a surrogate as a name": '{"\\ud800":1}'},
               "J5": {"beyond the largest double": '{"a":1e309}', "beyond it, negative": '{"a":-1e400}', "just beyond": '{"a":1.7976931348623159e308}'},
               "J6": {"a leading zero": '{"a":01}', "a plus": '{"a":+1}', "a point without digits": '{"a":1.}', "no digit before a point": '{"a":.5}', "an exponent without digits": '{"a":1e}', "hex": '{"a":0x1}', "NaN": '{"a":NaN}', "Infinity": '{"a":Infinity}',
                      "single quotes": "{'a':1}", "a comma too many": '{"a":1,}', "a comma too many in a list": '{"a":[1,]}', "no comma": '{"a":1 "b":2}', "a comment": '{"a":1/*x*/}', "a name without quotes": '{a:1}', "a control character": '{"a":"\x01"}', "a tab in a text": '{"a":"\t"}',
                      "an unknown escape": '{"a":"\\x"}', "a short escape": '{"a":"\\u12"}', "TRUE": '{"a":TRUE}', "no end": '{"a":1', "only a minus": '{"a":-}', "vertical white space": '{\x0b"a":1}', "U+00A0": '{\u00a0"a":1}', "an open string": '{"a":"}'},
               "J7": {"4301 digits": '{"a":' + "9" * 4301 + "}", "4301 digits below zero": '{"a":-' + "9" * 4301 + "}"}}
    for rule, texts in refused.items():
        for name, text in texts.items():
            case(rule, f"is refused: {name}", line_with(text) + b"\n", ("schema_violation", "entry", 0), **{"as": "logbook"})
    for name, data in {"an overlong byte": b'{"a":"\xc0\x80"}', "a lone byte": b'{"a":"\xff"}', "an encoded surrogate": b'{"a":"\xed\xa0\x80"}', "beyond U+10FFFF": b'{"a":"\xf4\x90\x80\x80"}', "cut": b'{"a":"\xe2\x82"}'}.items():
        line = line_with("{}").replace(b'"payload":{}', b'"payload":' + data)
        case("J8", f"no UTF-8: {name}", line + b"\n", ("schema_violation", "entry", 0), **{"as": "logbook"})
    whole = line_with("{}")
    for name, tail in {"a brace": b"}", "another object": b"{}", "a comma": b",", "a letter": b"x", "a NUL": b"\0"}.items():
        case("J9", f"after the value: {name}", whole + tail + b"\n", ("schema_violation", "entry", 0), **{"as": "logbook"})
    for name, around in {"spaces": (b"  \t", b" \t\r"), "nothing": (b"", b"")}.items():
        case("J9", f"white space around: {name}", around[0] + whole + around[1] + b"\n")
    nested = lambda n: '{"a":' + ("[" * (n - 1) + "]" * (n - 1) or "1") + "}"
    for levels in (1, 2, 127, 128):
        case("J10", f"{levels} levels", line_with(nested(levels)) + b"\n")
    for levels in (129, 130, 200, 256, 257, 1000, 100000):
        case("J10", f"{levels} levels", line_with(nested(levels)) + b"\n", ("schema_violation", "entry", 0), **{"as": "logbook"})
    for kind, n in (("cut", 7), ("selection", 8)):
        deep = lambda n: json.loads(nested(n))
        case("J10", f"{kind}, 128 levels", made(kind, {("payload", n): lambda _: deep(128)}))
        case("J10", f"{kind}, 129 levels", made(kind, {("payload", n): lambda _: deep(129)}), ("schema_violation", "entry", list(GIVEN[kind]).index(n)))
    # A bundle has one spelling.
    spellings = {"names not in order": lambda line: line.replace(b'{"entry":{"kind":"note",', b'{"entry":{"payload":{"n":7},"kind":"note",').replace(b',"payload":{"n":7},"prev', b',"prev'), "an escaped letter": lambda line: line.replace(b'"note"', b'"\\u006eote"'), "a number as a double": None}
    for name, spell in spellings.items():
        if spell:
            edit = {"lines": lambda lines: [spell(canonical(one)) if isinstance(one, dict) and one.get("entry", {}).get("seq") == 7 else one for one in lines]}
            case("J1", f"a bundle's entry with {name}", made("cut", edit), ("schema_violation", "entry", 1))


def time_cases():
    at = lambda ts, signed=None: line_with("{}", ts=signed or ts).replace(('"ts":"%s"' % (signed or ts)).encode(), ('"ts":"%s"' % ts).encode()) + b"\n"
    good = {"2026-03-01T10:00:00Z": hour(0), "2026-03-01T10:00:00z": hour(0), "2026-03-01t10:00:00+00:00": hour(0), "2026-03-01T10:00:00": hour(0), "2026-03-01T10:00:00-00:00": hour(0), "2026-03-01T12:30:00+02:30": hour(0),
            "2026-03-01T00:00:00-10:00": hour(0), "2026-03-01T10:00:00.000000Z": hour(0), "2026-03-01T10:00:00.5Z": hour(0, ":00:00.500000"), "2026-03-01T10:00:00.50+00:00": hour(0, ":00:00.500000"), "2026-03-01T10:00:00.1234560000Z": hour(0, ":00:00.123456"),
            "2026-03-01T10:00:00.000001+00:00": None, "0001-01-01T00:00:00+00:00": None, "9999-12-31T23:59:59.999999+00:00": None, "2024-02-29T00:00:00+00:00": None, "2000-02-29T00:00:00+00:00": None, "2026-03-02T09:59:00+23:59": hour(0), "2026-03-01T10:00:00.0Z": hour(0)}
    bad = ["2026-03-01", "2026-03-01T10:00Z", "2026-03-01 10:00:00Z", "2026-3-1T10:00:00Z", "2026-03-01T10:00:60Z", "2026-03-01T24:00:00Z", "2026-03-01T10:60:00Z", "2026-13-01T10:00:00Z", "2026-00-01T10:00:00Z", "2026-02-29T10:00:00Z", "1900-02-29T10:00:00Z",
           "2026-04-31T10:00:00Z", "2026-03-00T10:00:00Z", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "2026-03-01T10:00:00.Z", "2026-03-01T10:00:00,5Z", "2026-03-01T10:00:00.1234567Z", "2026-03-01T10:00:00.0000001Z", "2026-03-01T10:00:00+24:00", "2026-03-01T10:00:00+00:60",
           "2026-03-01T10:00:00+0000", "2026-03-01T10:00:00+00", "2026-03-01T10:00:00 Z", " 2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z ", "2026-03-01T10:00:00ZZ", "20260301T100000Z", "2026-W09-7T10:00:00Z", "1772359200", "", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "２026-03-01T10:00:00Z", "2026-03-01T10:00:00\u2212 00:00", "+2026-03-01T10:00:00Z", "-2026-03-01T10:00:00Z"]
    for ts, signed in good.items():
        case("T2", f"may be spelt {ts}", at(ts, signed))
    for ts in bad:
        case("T3", f"is no time: {ts!r}", line_with("{}").replace(hour(0).encode(), ts.encode()) + b"\n", ("schema_violation", "entry", 0))
    for ts in ("2026-03-01T11:20:00Z", "2026-03-01t11:20:00+00:00", "2026-03-01T11:20:00.000000+00:00", "2026-03-01T12:20:00+01:00"):
        case("T1", f"a bundle has one spelling, not {ts}", made("cut", {("numbered", 7): put("ts", ts)}), ("schema_violation", "entry", 1))


def signature_cases():
    message_of = lambda log: signing_payload({k: v for k, v in log.entries[8].items() if k != "signature"})
    base = Log()
    sig = base.entries[8]["signature"]
    R, S = sig[:64], int.from_bytes(bytes.fromhex(sig[64:]), "little")
    spell = lambda n: (n % 2**256).to_bytes(32, "little").hex()
    p = 2**255 - 19
    forged = {"S plus the order": R + spell(S + L), "S is the order": R + spell(L), "S is 2^256 - 1": R + "ff" * 32, "S is 0": R + "00" * 32, "R is zero": "00" * 32 + sig[64:], "R is the identity": "01" + "00" * 31 + sig[64:],
              "R is the identity with its sign set": "01" + "00" * 30 + "80" + sig[64:], "R has y = p": spell(p) + sig[64:], "R has y = p + 1": spell(p + 1) + sig[64:], "R is no point": "02" + "00" * 31 + sig[64:], "R of order 8": encode(ORDER_8).hex() + sig[64:],
              "R of order 2": spell(p - 1) + sig[64:], "one bit": ("%02x" % (int(sig[:2], 16) ^ 1)) + sig[2:], "all zeros": "00" * 64, "of another message": base.entries[7]["signature"]}
    for name, signature in forged.items():
        for kind in ("logbook", "cut", "selection"):
            case("G2", f"{kind}, {name}", made(kind, {("signed", 8): put("signature", signature)}), ("signature_invalid", "entry", list(GIVEN[kind]).index(8)))
    # What a cofactored equation lets pass, and keys of small order under which anything does.
    seed = b"\5" * 32
    message, key = b"", None
    for order in (8, 4, 2):
        head = b"\x1f".join([b"note", hour(0).encode(), b"{}", bytes(32)])
        key, signature = mixed_key(seed, head, order)
        line = canonical({"kind": "note", "payload": {}, "prev_hash": ZERO, "signature": signature.hex(), "ts": hour(0)})
        case("G3", f"a key with a part of order {order}, a signature that only a cofactored equation takes", line + b"\n", ("signature_invalid", "entry", 0), key=key.hex())
    for name, key in {"the identity": "01" + "00" * 31, "the identity with its sign set": "01" + "00" * 30 + "80", "order 2": spell(p - 1), "order 4": "00" * 32, "order 8": encode(ORDER_8).hex(), "y = p": spell(p), "y = p + 1": spell(p + 1), "no point": "02" + "00" * 31}.items():
        line = canonical({"kind": "note", "payload": {}, "prev_hash": ZERO, "signature": "01" + "00" * 63, "ts": hour(0)})
        case("G1", f"a key: {name}", line + b"\n", ("signature_invalid", "entry", 0), key=key)


def frame_of(data, window_log=None):
    """A zstd frame of raw blocks and of runs, so that it is the same on every machine."""
    header = b"\x28\xb5\x2f\xfd" + (bytes([0xA0]) + len(data).to_bytes(4, "little") if window_log is None else bytes([0, (window_log - 10) << 3]))
    blocks, at = [], 0
    while at < len(data) or not blocks:
        part = data[at:at + 100000]
        run = len(part) > 1000 and part == part[:1] * len(part)
        if not run and len(part) > 1000:
            part = part[:1000]
        at += len(part)
        blocks.append(((len(part) << 3) | run << 1 | (at >= len(data))).to_bytes(3, "little") + (part[:1] if run else part))
    return header + b"".join(blocks)


def compression():
    skippable = bytes([0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0]) + b"note"
    empty = frame_of(b"")
    for kind in ("logbook", "cut", "selection", "proof"):
        data = made(kind)
        frame, half = frame_of(data), len(data) // 2
        held = ["range" if kind == "cut" else kind]
        format = {"as": FORMAT[kind], "holds": held}
        corrupt = ("proof_invalid", "file", None) if kind == "proof" else None
        case("W1", f"{kind}, one frame", frame, holds=held)
        case("W1", f"{kind}, gzip", gzip.compress(data, mtime=0), holds=held)
        lines = len(data.split(b"\n")) - 1
        def behind(code="bundle_corrupt"):
            return {"logbook": (code, "file", None), "proof": ("proof_invalid", "file", None)}.get(kind, (code, "document", lines))
        case("W3", f"{kind}, a skippable frame behind", frame + skippable, behind(), **format)
        case("W3", f"{kind}, an empty frame behind", frame + empty, behind(), **format)
        case("W4", f"{kind}, bytes behind", frame + b"nothing of zstd", behind(), **format)
        two = frame_of(data[:half]) + frame_of(data[half:])
        pack = lambda *parts: b"".join(gzip.compress(part, mtime=0) for part in parts)
        if kind == "logbook":
            case("W2", "logbook, two members of gzip", pack(data[:half], data[half:]), holds=held)
        else:
            case("W2", f"{kind}, two members of gzip", pack(data[:half], data[half:]), {"proof": ("proof_invalid", "file", None)}.get(kind, ("bundle_corrupt", "document", data[:half].count(b"\n"))), **format)
        case("W3", f"{kind}, an empty member behind", pack(data, b""), behind(), **format)
        case("W4", f"{kind}, bytes behind a member", pack(data) + b"nothing of gzip", behind(), **format)
        if kind == "logbook":
            case("W2", "logbook, two frames", two, holds=held)
            case("W2", "logbook, a frame for each line", b"".join(frame_of(line + b"\n") for line in data.split(b"\n")[:-1]), holds=held)
        else:
            case("W2", f"{kind}, two frames", two, {"proof": ("proof_invalid", "file", None)}.get(kind, ("bundle_corrupt", "document", data[:half].count(b"\n"))), **format)
        # A block of its own, so that every decoder gives what stands before it.
        cut = frame_of(data)[:-4] if len(data) % 1000 == 1 else frame_of(data)[:-(len(data) % 1000) - 3]
        at = data[:len(data) - len(data) % 1000].count(b"\n")
        case("W5", f"{kind}, cut within a block", cut, {"logbook": ("truncated", "file", None), "proof": ("proof_invalid", "file", None)}.get(kind, ("truncated", "document", at)), **format)
        case("W6", f"{kind}, a window of 2^28", frame_of(data, 28), {"logbook": ("bundle_corrupt", "file", None), "proof": ("proof_invalid", "file", None)}.get(kind, ("bundle_corrupt", "document", 0)), **format)
        case("W6", f"{kind}, a window of 2^27", frame_of(data, 27), holds=held)


def limits():
    wide = lambda bytes: '{"a":"%s"}' % ("a" * bytes)
    fixed = len(b"note") + len(hour(0)) + 3 + 32 + len('{"a":""}')
    most = (16 << 20) - fixed
    logbook = {"holds": ["logbook"], "as": "logbook"}
    case("M1", "a signing payload of 16 MiB", frame_of(line_with(wide(most)) + b"\n"), **logbook)
    case("M1", "a signing payload of 16 MiB and a byte", frame_of(line_with(wide(most + 1)) + b"\n"), ("schema_violation", "entry", 0), **logbook)
    first = line_with("{}")
    case("M2", "a line of 20 MiB", frame_of(first + b" " * ((20 << 20) - len(first)) + b"\n"), **logbook)
    case("M2", "a line of 20 MiB and a byte", frame_of(first + b"\n" + first + b" " * ((20 << 20) - len(first) + 1) + b"\n"), ("schema_violation", "entry", 1), **logbook)
    case("M2", "a blank line of 20 MiB and a byte", frame_of(first + b"\n" + b" " * ((20 << 20) + 1) + b"\n"), ("schema_violation", "entry", 1), **logbook)
    case("M3", "2^20 blank lines", frame_of(first + b"\n" + b"\n" * (1 << 20)), **logbook)
    case("M3", "2^20 blank lines and one", frame_of(first + b"\n" + b"\n" * ((1 << 20) + 1)), ("schema_violation", "file", None), **logbook)


    wide_line = {"lines": lambda lines: lines[:2] + [b'{"x":"' + b"x" * (20 << 20) + b'"}'] + lines[2:]}
    case("I1", "a line of a bundle of more than 20 MiB", frame_of(made("cut", wide_line)), ("bundle_corrupt", "document", 2), holds=["range"])
    wide_entry = {"lines": lambda lines: [canonical(one)[:-1] + b" " * (20 << 20) + b"}" if isinstance(one, dict) and one.get("entry", {}).get("seq") == 7 else one for one in lines]}
    case("I1", "an entry of a bundle of more than 20 MiB", frame_of(made("cut", wide_entry)), ("bundle_corrupt", "document", line_of("cut", "entry", 1)), holds=["range"])


def equivocation():
    log = Log()
    def file(kind, *sides, by=US):
        lines = sorted(canonical(side) for side in sides)
        return canonical({"equivocation": {"format": 1, "kind": kind, "log": by.hex}}) + b"\n" + b"".join(line + b"\n" for line in lines)
    entry = lambda **more: {"entry": sign({"kind": "note", "payload": {}, "prev_hash": ONES, "ts": hour(0), **more})}
    sign = lambda it: {**it, "signature": US(signing_payload(it))}
    other = Log({("header", 1): put("root", ONES)}).headers[1]
    heads = log.head(12), Log({"head": put("hash", ONES)}).head(12)
    proven = {"warnings": ["equivocation_proven"]}
    case("Q1", "two entries after one", file("entries", entry(), entry(kind="x")), **proven)
    case("Q1", "two headers of one epoch", file("epochs", log.headers[1], other), **proven)
    case("Q1", "two heads at one place", file("heads", *heads), **proven)
    case("Q1", "two entries after nothing", file("entries", entry(prev_hash=ZERO), entry(prev_hash=ZERO, kind="x")), ("proof_invalid", "file", None))
    case("Q1", "one entry twice", file("entries", entry(), entry()), ("proof_invalid", "file", None))
    case("Q1", "headers of two epochs", file("epochs", log.headers[1], log.headers[2]), ("proof_invalid", "file", None))
    case("Q1", "a side that another signed", file("entries", entry(), {"entry": {**entry(kind="x")["entry"], "signature": "11" * 64}}), ("proof_invalid", "file", None))
    case("Q1", "sides turned", b"".join([file("epochs", log.headers[1], other).split(b"\n")[n] + b"\n" for n in (0, 2, 1)]), ("proof_invalid", "file", None))
    case("Q1", "a line more", file("epochs", log.headers[1], other) + b"{}\n", ("proof_invalid", "file", None))
    case("Q2", "of a key that nobody speaks of", file("epochs", log.headers[1], other), ("untrusted_key", "file", None), key=OTHER.hex)
    value = {"genesis": log.genesis, "hash": log.hashes[8].hex(), "log": US.hex, "reason": "stolen", "seq": 8}
    revoked = canonical({"revoke": value, "key": RECOVERY.hex, "signature": RECOVERY(b"sealbook:revoke:v1\x1f" + canonical(value))}) + b"\n"
    case("Q3", "of a key that was revoked", file("epochs", log.headers[1], other), revoked=revoked, warnings=["equivocation_proven", "revocation_ignored"])
    case("P8", "another head than was expected", made("proof"), ("head_mismatch", "file", None), expect_head=ONES)
    case("P8", "the head that was expected", made("proof"), expect_head=log.hashes[6].hex())
    case("P8", "a proof answers nothing", made("proof"), ("filter_mismatch", "file", None), correlation="c-1")


def recognition():
    for kind in ("logbook", "whole", "selection", "proof"):
        for other in ("logbook", "bundle", "proof"):
            if other != FORMAT[kind]:
                case("N2", f"{kind} as a {other}", made(kind), ("format_mismatch", "file", None), **{"as": other})
        case("N1", f"{kind} as what it is", made(kind), **{"as": FORMAT[kind]})
    for name, data in {"text": b"hello\n", "an object": b"{}\n", "a list": b"[]\n", "binary": bytes(range(256)), "16 lines that say nothing": b"{}\n" * 16 + made("logbook")}.items():
        case("N3", f"nothing that is known: {name}", data, error="not_recognised")
    for name, data in {"nothing": b"", "a newline": b"\n", "white space": b" \t\r\n\n", "a byte-order mark": b"\xef\xbb\xbf"}.items():
        case("N4", f"an empty logbook: {name}", data, not_checked=["ledger_rules", "truncation"])
    case("N1", "a logbook whose first lines cannot be read", b"x\n" * 15 + made("logbook"), ("schema_violation", "entry", 0))
    case("N1", "a logbook after 3 blank lines", b"\n\n\n" + made("logbook"))
    case("N2", "text as a bundle", b"hello\n", ("bundle_corrupt", "document", 0), **{"as": "bundle"})
    case("N2", "text as a proof", b"hello\n", ("proof_invalid", "file", None), **{"as": "proof"})
    case("N2", "text as a logbook", b"hello\n", ("schema_violation", "entry", 0), **{"as": "logbook"})
    case("N2", "nothing as a bundle", b"", ("format_mismatch", "file", None), **{"as": "bundle"})


def logbooks():
    data, lines = made("logbook"), made("logbook").split(b"\n")[:-1]
    join = lambda parts, end=b"\n": b"".join(part + end for part in parts)
    case("L1", "blank lines and white space", b"\n \t\n" + join(b" " + line + b" \n\t" for line in lines))
    case("L1", "CR LF", join(lines, b"\r\n"), warnings=["line_ends"])
    case("L1", "a byte-order mark", b"\xef\xbb\xbf" + data, warnings=["byte_order_mark"])
    case("L1", "no last newline", data[:-1], warnings=["missing_final_newline"])
    case("L1", "a byte-order mark on the second line", lines[0] + b"\n\xef\xbb\xbf" + join(lines[1:]), ("schema_violation", "entry", 1))
    case("L1", "a form feed is blank", lines[0] + b"\n\x0c\n" + join(lines[1:]))
    case("L1", "a vertical tab is not", lines[0] + b"\n\x0b\n" + join(lines[1:]), ("schema_violation", "entry", 1))
    case("L1", "members in any order", join(json.dumps(dict(reversed(list(json.loads(line).items()))), ensure_ascii=False).encode() for line in lines))
    case("L2", "the last line cut", data[:-30], ("schema_violation", "entry", 12))
    case("L3", "no key", data, ("untrusted_key", "file", None), key=None)
    case("L3", "another key", data, ("signature_invalid", "entry", 0), key=OTHER.hex)
    case("L3", "two keys, the second is the log's", data, key=[OTHER.hex, US.hex])
    foreign = foreign_book()
    case("L5", "the book of others", foreign, not_checked=["ledger_rules", "truncation"])
    case("L5", "the book of others, back in time", foreign_book(back=True), warnings=["timestamp_regression"], not_checked=["ledger_rules", "truncation"])
    case("L5", "the book of others as a ledger's", foreign, ("schema_violation", "entry", 0), ledger_rules=True)
    case("L5", "the book of others, a document that is none", foreign_book([("wcp.document", {"x": 1}), ("wcp.decision", {"context": digest("nowhere")})]), not_checked=["ledger_rules", "truncation"])
    case("L5", "the book of others, something after its closing entry", foreign_book([("sealbook:close", {"successor": OTHER.hex}), ("note", {})]))
    case("L5", "the opening is not the first", foreign_book([("note", {}), ("sealbook:open", {})]), not_checked=["ledger_rules", "truncation"])
    case("L5", "the first line cannot be read", b"{\n" + join(lines[1:]), ("schema_violation", "entry", 0), not_checked=["ledger_rules", "truncation"])
    whole = Log()
    case("L6", "entries taken out", join(lines[:4] + lines[5:]), ("prev_hash_mismatch", "entry", 4))
    case("L6", "entries turned", join(lines[:4] + [lines[5], lines[4]] + lines[6:]), ("prev_hash_mismatch", "entry", 4))
    case("L6", "an entry twice", join(lines[:5] + lines[4:]), ("prev_hash_mismatch", "entry", 5))
    case("L8", "the head that was expected", data, expect_head=whole.hashes[12].hex(), not_checked=[])
    case("L8", "another head than was expected", data, ("head_mismatch", "file", None), expect_head=ONES)
    case("L7", "an entry acknowledges a rollback", made("logbook", {("entry", 8): put("kind", "sealbook:rollback")}), warnings=["acknowledged_rollback"])
    case("R7", "whole, the head that was expected", made("whole"), expect_head=whole.hashes[12].hex())
    case("R7", "whole, another head than was expected", made("whole"), ("head_mismatch", "file", None), expect_head=ONES)
    S = "filter_mismatch", "file", None
    selected = lambda filter, payloads=None, version=2, **more: made("selection", {"filter": lambda _: filter, **{("payload", n): put("correlation_id", "c-1") for n in (6, 8, 10)}, **(payloads or {})}, version, **more)
    case("S6", "the case that was asked for", selected({"correlation": "c-1"}), correlation="c-1")
    case("S6", "another case", selected({"correlation": "c-1"}), ("filter_mismatch", "file", None), correlation="c-2")
    case("S6", "a selection of version 1 does not say", made("selection", version=1), ("filter_mismatch", "file", None), correlation="c-1")
    case("S6", "a range answers nothing", made("cut"), ("filter_mismatch", "file", None), correlation="c-1")
    for name, filter in {"less": {"correlation": "c-1", "limit": 3}, "a tenant of it": {"correlation": "c-1", "tenant": "acme"}, "nothing": {}, "a number": {"correlation": 1}}.items():
        case("S6", f"an answer to {name}", selected(filter), S, correlation="c-1")
    case("S6", "attestations besides", selected({"attestations": True, "correlation": "c-1"}), correlation="c-1")
    unsigned = {("signed", "closing"): lambda it: {"bundle": it["bundle"]}}
    case("S6", "an answer that nobody signed", selected({"correlation": "c-1"}, unsigned), ("filter_mismatch", "file", None), correlation="c-1", allow_unsigned=True)
    selections(selected, S)


def selections(selected, S):
    """S8: every entry is one that the filter asks for."""
    tags = {"correlation": "correlation_id", "tenant": "tenant_id", "decision": "decision_id", "worker": "worker_id"}
    for asked, member in tags.items():
        every = {("payload", n): put(member, "x") for n in (6, 8, 10)}
        case("S8", f"every entry has the {asked}", selected({asked: "x"}, every))
        for n in (6, 8, 10):
            case("S8", f"entry {n} has another {asked}", selected({asked: "x"}, {**every, ("payload", n): put(member, "y")}), S)
            case("S8", f"entry {n} has no {asked}", selected({asked: "x"}, {**every, ("payload", n): put(member, GONE)}), S)
            case("S8", f"entry {n} has the {asked} as a number", selected({asked: "x"}, {**every, ("payload", n): put(member, 1)}), S)
            for inner in ("decision", "input", "body"):
                case("S8", f"entry {n} has the {asked} in {inner}", selected({asked: "x"}, {**every, ("payload", n): put(inner, {member: "x"})}))
                case("S8", f"entry {n} has the {asked} in the reason of {inner}", selected({asked: "x"}, {**every, ("payload", n): put(inner, {"deny_reason_if_denied": {member: "x"}})}))
            case("S8", f"entry {n} has the {asked} elsewhere", selected({asked: "x"}, {**every, ("payload", n): put("other", {member: "x"})}), S)
    for name in ("selected_worker_species_id", "worker_species_id"):
        case("S8", f"the worker by {name}", selected({"worker": "x"}, {("payload", n): put(name, "x") for n in (6, 8, 10)}))
    receipt = {("payload", n): put("worker_id", "x") for n in (8, 10)}
    case("S8", "the worker of a receipt of a decision", selected({"worker": "x"}, {**receipt, ("payload", 6): put("receipt", {"worker_id": "x"})}))
    case("S8", "the worker of a receipt of none", selected({"worker": "x"}, {**receipt, ("payload", 6): put("worker_id", "x"), ("payload", 8): put("receipt", {"worker_id": "x"})}), S)
    for value in (42, 1.5, True, ["x", {"b": 1}], {"a": None}):
        tenant = {("payload", n): put("tenant_id", value) for n in (6, 8, 10)}
        case("S8", f"a tenant that is {json.dumps(value)}", selected({"tenant_json": canonical(value).decode()}, tenant))
        case("S8", f"a tenant that is {json.dumps(value)}, as text", selected({"tenant": canonical(value).decode()}, tenant), S)
    case("S8", "a tenant that is null", selected({"tenant_json": "null"}, {("payload", n): put("tenant_id", None) for n in (6, 8, 10)}), S)
    for said in (True, False):
        denied = {("payload", n): put("denied", said) for n in (6, 8, 10)}
        case("S8", f"denied {said}", selected({"denied": said}, denied))
        case("S8", f"not denied {said}", selected({"denied": not said}, denied), S)
        case("S8", f"denied {said} of a kind's own member", selected({"denied": said}, {**denied, ("payload", 8): lambda it: {"ok": not said}, ("entry", 8): put("kind", "wcp.attestation")}))
    case("S8", "denied where nothing is said", selected({"denied": False}), S)
    kinds = ["hall.reload", "note", "wcp.decision"]
    case("S8", "the kinds", selected({"kinds": kinds}))
    case("S8", "no kinds", selected({"kinds": []}))
    for kind in kinds:
        case("S8", f"all kinds but {kind}", selected({"kinds": [one for one in kinds if one != kind]}), S)
    case("S8", "as many kinds as may be", selected({"kinds": kinds + [f"k{n:04}" for n in range(997)]}))
    case("S8", "too many kinds", selected({"kinds": kinds + [f"k{n:04}" for n in range(998)]}), S)
    for name, fits, other in (("from_seq", 6, 7), ("until_seq", 10, 9), ("limit", 3, 2), ("since", hour(1, ":10:00.000001"), hour(1, ":10:00.000002")), ("until", hour(2, ":59:59.999999"), hour(2, ":59:59.999998"))):
        case("S8", f"{name} that fits", selected({name: fits}))
        case("S8", f"{name} that does not", selected({name: other}), S)
        case("S8", f"{name} that is null", selected({name: None}))
    for name in ("correlation", "tenant", "tenant_json", "worker", "decision", "document", "denied", "reverse", "attestations", "from_seq", "until_seq", "limit", "since", "until", "kinds"):
        for value in ([1], {}, -1, 1.5, "x" if name not in tags else 1):
            if (name, value) != ("tenant_json", "x") and (name, value) != ("document", "x"):
                case("S8", f"{name} of {json.dumps(value)}", selected({name: value}), S)
    case("S8", "which end a limit leaves", selected({"limit": 3, "reverse": True}))
    for value in (1, None):
        case("S8", f"a member that is not known, {json.dumps(value)}", selected({"colour": value}), S)
    document = {("entry", 8): put("kind", "wcp.document"), ("payload", 8): lambda it: {"content": "x", "digest": digest("x"), "media_type": "text/plain"}}
    case("S8", "a document, and entries that are none", selected({"document": digest("x")}, document), S)
    case("S8", "a digest of what is no document", selected({"document": digest("x")}, {("payload", n): put("digest", digest("x")) for n in (6, 8, 10)}), S)
    case("S8", "a range that answers", made("cut", {"closing": put("filter", {})}), S)
    case("S8", "a selection that does not say", selected(None))
    # Attestations beside a case: entry 8 after the decision 6, and before the decision 10.
    beside = {"attestations": True, "correlation": "c-1"}
    attested = lambda worker, at=10: {("entry", 8): put("kind", "wcp.attestation"), ("payload", 8): lambda it: {"worker_id": "w"},
                                      ("entry", 10): put("kind", "wcp.decision"), ("payload", at): lambda it: it.update(correlation_id="c-1", worker_id=worker)}
    case("S8", "an attestation of a worker that a decision further on names", selected(beside, attested("w")))
    case("S8", "an attestation of another worker", selected(beside, attested("v")), S)
    case("S8", "an attestation after the decision that names its worker", selected(beside, attested("w", 6)), S)
    case("S8", "an attestation where none is said to be", selected({"correlation": "c-1"}, attested("w")), S)
    case("S8", "an attestation of a worker that what is no decision names", selected(beside, {**attested("w"), ("entry", 10): put("kind", "note")}), S)
    case("S8", "something else that names the worker", selected(beside, {**attested("w"), ("entry", 8): put("kind", "note")}), S)
    case("S8", "an attestation of the case", selected(beside, {("entry", 8): put("kind", "wcp.attestation")}))
    for more in ({"tenant": "x"}, {"limit": 3}, {"kinds": kinds}):
        case("S8", f"attestations beside {json.dumps(more)}", selected({**beside, **more}), S)
    case("S8", "attestations beside nothing", selected({"attestations": True}), S)
    case("S8", "no attestations beside nothing", selected({"attestations": False}))


def foreign_book(entries=None, back=False):
    prev, lines = bytes(32), []
    for n, (kind, payload) in enumerate(entries or [("note", {"n": n}) for n in range(4)]):
        entry = {"kind": kind, "payload": payload, "prev_hash": prev.hex(), "ts": hour(3 - n if back else n)}
        message = signing_payload(entry)
        lines.append(canonical({**entry, "signature": US(message)}) + b"\n")
        prev = H(message)
    return b"".join(lines)


def published(*lines, end=b"\n"):
    return b"".join(canonical(line) + b"\n" for line in lines[:-1]) + canonical(lines[-1]) + end


def kept():
    log, version_1 = Log(), Log(version=1)
    h, head, early = log.headers, log.head(12), version_1.head(12)
    of = lambda change, **by: Log(change, **by)
    files = {kind: made(kind) for kind in ("logbook", "whole", "cut", "tail", "selection", "gap", "proof")}
    met = {"logbook": [0, 1, 2], "whole": [0, 1, 2], "cut": [1, 2], "tail": [2], "selection": [1, 2], "gap": [0, 2], "proof": [1]}
    for kind, data in files.items():
        for k in range(3):
            fault = None if k in met[kind] else ("head_not_contained", "file", None)
            case("K6", f"{kind}, the header of epoch {k}", data, fault, contains=published(h[k]))
        case("K6", f"{kind}, all headers", data, contains=published(*h))
        if kind in ("logbook", "whole", "tail"):
            case("K6", f"{kind}, a head of its last entry", data, contains=published(head))
            case("K6", f"{kind}, a head of version 1", data, contains=published(early))
        case("K5", f"{kind}, a header that nobody signed", data, ("head_not_contained", "file", None), contains=published({**h[met[kind][0]], "signature": "11" * 64}))
        other = of({("header", met[kind][0]): put("root", ONES)}).headers[met[kind][0]]
        k = met[kind][0]
        fault = ("epoch_root_mismatch", "epoch", k) if kind == "logbook" else ("equivocation", "file", None)
        case("K4" if kind != "logbook" else "K7", f"{kind}, another header for epoch {k}", data, fault, contains=published(other))
        case("K2", f"{kind}, two headers for epoch {k}", data, ("equivocation", "epoch", k), contains=published(h[k], other))
        outside = of({("header", 2): put("root", ONES)}).headers[2]
        case("K2", f"{kind}, two headers for one epoch, wherever", data, ("equivocation", "epoch", 2), contains=published(*h, outside))
        case("K1", f"{kind}, a header that breaks its own rules", data, ("epoch_invariant", "epoch", 1), contains=published(h[0], of({("header", 1): put("tree_size", 7)}).headers[1]))
        case("K2", f"{kind}, headers that do not follow each other", data, ("equivocation", "epoch", 2), contains=published(h[1], of({("header", 2): put("prev", ONES)}).headers[2]))
        case("K2", f"{kind}, an entry in two epochs", data, ("equivocation", "epoch", 2), contains=published(h[0], of({("header", 2): lambda it: it.update(first_seq=3, tree_size=8)}).headers[2]))
        two_heads = of({"head": put("hash", ONES)}).head(12)
        case("K3", f"{kind}, two heads at one place", data, ("equivocation", "file", None), contains=published(h[met[kind][0]], head, two_heads))
        case("K5", f"{kind}, a header of another log", data, ("head_not_contained", "file", None), contains=published(of({("header", k): put("log", OTHER.hex)}, by={("header", k): OTHER}, claimed={("header", k): OTHER}).headers[k]))
        case("K5", f"{kind}, a header of another genesis", data, ("head_not_contained", "file", None), contains=published(of({("header", k): put("genesis", ONES)}).headers[k]))
        case("K8", f"{kind}, another spelling", data, error="bad_input", contains=published(h[0]) + json.dumps(h[1]).encode() + b"\n" + published(h[2]))
        case("K8", f"{kind}, something else", data, error="not_recognised", contains=published(h[0]) + b'{"x":1}\n')
        case("K8", f"{kind}, a last line without newline counts for nothing", data, contains=published(*[h[n] for n in met[kind]], {"x": 1}, end=b""), warnings=["torn_last_line"] + {"gap": ["epoch_gap"], "logbook": ["not_covered"]}.get(kind, []))
        case("K8", f"{kind}, one header in any spelling", data, contains=json.dumps(h[k], indent=1).encode())
    case("K6", "a head within the log", files["logbook"], contains=published(of({}).head(12), of({"head": lambda it: it.update(epoch=None)}).head(5)), not_checked=[])
    case("K6", "a head of an older entry says less", files["logbook"], contains=published(version_1.head(5)), warnings=["not_covered"], not_checked=["truncation"])
    case("K6", "a head beyond the end", Log().logbook(9), ("head_not_contained", "file", None), contains=published(head))
    case("K6", "a head of another entry", files["logbook"], ("head_not_contained", "file", None), contains=published(of({"head": put("hash", ONES)}, version=1).head(7)))
    case("K6", "some are of entries outside of the range", files["cut"], contains=published(*h, head), warnings=["not_covered"], not_checked=["heads"])
    # Receipts.
    receipt = lambda n, change=None: canonical(Log({("receipt", n): change} if change else {}).receipt(n)) + b"\n"
    for kind, data in files.items():
        inside = list(GIVEN[kind])
        n = inside[-1]
        case("C3", f"{kind}, receipts of its entries", data, receipts=b"".join(receipt(n) for n in inside))
        for name, value in {"hash": ONES, "prev_hash": ONES, "ts": hour(9), "kind": "other", "signature": "22" * 64}.items():
            case("C3", f"{kind}, a receipt with another {name}", data, ("receipt_mismatch", "document", 0), receipts=receipt(n, put(name, value)))
        case("C2", f"{kind}, a receipt of another log", data, ("log_key_mismatch", "document", 0), receipts=receipt(n, put("log", OTHER.hex)))
        case("C2", f"{kind}, a receipt of another genesis", data, ("genesis_mismatch", "document", 1), receipts=receipt(n) + receipt(n, put("genesis", ONES)))
        case("C1", f"{kind}, a receipt with a member more", data, error="bad_input", receipts=receipt(n, put("more", 1)))
        case("C1", f"{kind}, a receipt without its kind", data, error="bad_input", receipts=receipt(n, lambda it: it.pop("kind") and None))
        case("C1", f"{kind}, a line cut at the end", data, receipts=receipt(n) + receipt(n)[:-9], warnings=["torn_last_line"] + (["epoch_gap"] if kind == "gap" else []))
        case("C1", f"{kind}, any spelling and order", data, receipts=b"\n" + json.dumps(log.receipt(n), indent=None).encode() + b"\n\n" + receipt(inside[0]))
    case("C4", "a receipt of an entry that is not there", Log().logbook(9), ("truncated", "document", 0), receipts=receipt(10))
    case("C4", "a receipt without newline counts", Log().logbook(9), ("truncated", "document", 0), receipts=receipt(10)[:-1])
    case("C4", "receipts outside of the range", files["cut"], receipts=receipt(2) + receipt(7), warnings=["not_covered"], not_checked=["receipts"])
    case("C4", "no receipts", files["cut"], receipts=b"", warnings=["not_covered"], not_checked=["receipts"])
    case("C4", "a receipt of the last entry covers the end", files["logbook"], receipts=receipt(12), not_checked=[])
    case("C4", "a receipt of an older entry does not", files["logbook"], receipts=receipt(5), warnings=["not_covered"], not_checked=["truncation"])
    # Revocations.
    def revoke(seq=8, by=RECOVERY, closing=None, **more):
        value = {"genesis": log.genesis, "hash": log.hashes[seq].hex(), "log": US.hex, "reason": "stolen", "seq": seq, **more}
        line = {"revoke": value, "key": by.hex, "signature": by(b"sealbook:revoke:v1\x1f" + canonical(value))}
        return canonical(line) + b"\n" + (b'{"closing":' + canonical(closing) + b"}\n" if closing else b"")
    first_beyond = {"logbook": 9, "whole": 9, "cut": 3, "selection": 2}
    for kind, index in first_beyond.items():
        case("V4", f"{kind}, entries beyond", files[kind], ("untrusted_key", "entry", index), revoked=revoke())
        case("V3", f"{kind}, another entry at the place", files[kind], ("head_not_contained", "file", None), revoked=revoke(hash=ONES))
        case("V1", f"{kind}, of another log", files[kind], revoked=revoke(log=OTHER.hex), warnings=["revocation_of_another_log"])
        case("V1", f"{kind}, of another log of the key", files[kind], ("revocation_not_applicable", "file", None), revoked=revoke(genesis=ONES))
        not_checked = {"logbook": ["revocation_not_applicable", "truncation"], "selection": ["chain", "completeness", "revocation_not_applicable"]}.get(kind, ["revocation_not_applicable"])
        case("V6", f"{kind}, of another log of the key, allowed", files[kind], revoked=revoke(genesis=ONES), allow_revocation_not_applicable=True, not_checked=not_checked)
        case("V2", f"{kind}, by nobody who may", files[kind], ("revocation_not_applicable", "file", None), revoked=revoke(by=OTHER))
        case("V2", f"{kind}, by the log's own key", files[kind], revoked=revoke(by=US), warnings=["revocation_ignored"])
        case("V8", f"{kind}, a signature that is wrong", files[kind], error="bad_input", revoked=revoke().replace(b'"signature":"', b'"signature":"00', 1).replace(b'"}\n', b"")[:-2] + b'"}\n')
    case("V5", "a book that ends there anyway", Log().logbook(9), revoked=revoke(), warnings=["revoked"])
    case("V5", "a range that ends there", Log().range(4, 8), revoked=revoke(), warnings=["revoked"])
    case("V5", "nothing ties it", Log().logbook(5), ("revocation_not_applicable", "file", None), revoked=revoke())
    case("V5", "published headers tie it", Log().range(0, 3), contains=published(h[0], h[1]), revoked=revoke())
    untied = "revocation_not_applicable", "file", None
    case("V5", "a proof whose header says that it ends there", Log().proof(6), untied, revoked=revoke())
    case("V5", "a proof whose header was published and ends there", Log().proof(6), contains=published(h[1]), revoked=revoke(), warnings=["revoked"])
    case("V5", "a proof of the last entry that counts", Log().proof(8), revoked=revoke(), warnings=["revoked"])
    case("V5", "a selection whose header was published and ends there", Log().selection([6, 7]), contains=published(h[1]), revoked=revoke(), warnings=["revoked"])
    case("V5", "a selection with the last entry that counts", Log().selection([6, 8]), untied, revoked=revoke())
    case("V5", "a range whose header says that it ends there", Log().range(4, 6), untied, revoked=revoke())
    # Who has the key signs other entries under headers that name the true end.
    thief = dict(change={("payload", 6): put("stolen", 1), ("header", 1): put("head", log.hashes[8].hex())})
    for name, made_by in {"a range": Log(**thief).range(4, 7), "a selection": Log(**thief).selection([6, 7]), "a proof": Log(**thief).proof(6)}.items():
        case("V5", f"{name} under a header that only says that it ends there", made_by, untied, revoked=revoke())
        case("V5", f"{name} under such a header, and the true one was published", made_by, ("equivocation", "file", None), contains=published(h[1]), revoked=revoke())
    case("V4", "a proof beyond", Log().proof(9), ("untrusted_key", "entry", 0), revoked=revoke())
    case("V2", "a proof of version 1 does not show who may", made("proof", version=1), ("revocation_not_applicable", "file", None), revoked=revoke())
    closing_entry = {"kind": "sealbook:close", "payload": {"successor": OTHER.hex}, "prev_hash": log.hashes[12].hex(), "ts": hour(3)}
    closing_entry["signature"] = US(signing_payload(closing_entry))
    case("V2", "by the successor, who shows the closing entry", files["logbook"], ("untrusted_key", "entry", 9), revoked=revoke(by=OTHER, closing=closing_entry))
    stranger = {**closing_entry, "signature": OTHER(signing_payload({k: v for k, v in closing_entry.items() if k != "signature"}))}
    case("V8", "a closing entry that the log did not sign", files["logbook"], error="bad_input", revoked=revoke(by=OTHER, closing=stranger))
