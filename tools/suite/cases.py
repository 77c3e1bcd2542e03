"""The cases of the suite, rule by rule of the format document. Each is signed so that
only the rule that it is named for fails."""
import json
from signer import (FILES, FORMAT, GIVEN, HEADERS, OTHER, POLICY, PROOFS, RANGES, RULES, SELECTIONS, US, Log, canonical, digest, hour)

CASES, NAMES = [], set()
GONE, ONES = object(), "11" * 32
ENTRY = ["kind", "payload", "prev_hash", "signature", "ts"]
WRONG = [[1], -1, None, "x"]


def case(rule, name, data, fault=None, error=None, key=US.hex, warnings=None, not_checked=None, holds=None, also=None, **options):
    """One case. `fault` is code, place and index; none passes; `error` gets no verdict."""
    name = f"{rule}: {name}"
    while name in NAMES:
        name += "'"
    NAMES.add(name)
    verdict = "none" if error else "fail" if fault else "pass"
    if verdict != "pass":
        warnings = not_checked = None
    CASES.append({"name": name, "rule": rule, "file": data, "key": key, "options": options, "verdict": verdict,
                  "fault": dict(zip(("code", "at", "index"), fault)) if fault else None, "error": error, "warnings": warnings, "not_checked": not_checked, "holds": holds, "also": also})


def made(kind, change=None, version=2, **more):
    return Log(change, version=version, **more).file(kind)


def put(name, value):
    """Sets a member, or takes it out."""
    def edit(object):
        if value is GONE:
            object.pop(name, None)
        else:
            object[name] = value
    return edit


def at_entry(code, kind, n):
    return (code, "entry", list(GIVEN[kind]).index(n))


def of_proof(kind, fault):
    """What of a proof's bytes cannot be read is of the file."""
    return ("proof_invalid", "file", None) if kind in PROOFS else fault


def member_cases(rule, kind, stage, names, fault, ok=(), wrong=WRONG, version=2, options=None):
    """Each member not there, of each other type, and one more."""
    for name in names:
        for value in [GONE, *wrong]:
            spelt = "gone" if value is GONE else json.dumps(value)
            if (name, spelt) not in ok:
                case(rule, f"{kind}, {stage}, {name} {spelt}", made(kind, {stage: put(name, value)}, version), fault, **(options or {}))
    case(rule, f"{kind}, {stage}, one member more", made(kind, {stage: put("more", 1)}, version), fault, **(options or {}))


def passing():
    for kind in FILES:
        for version in (1, 2):
            if kind == "logbook" and version == 1:
                continue
            rule = {"logbook": "L4", "proof": "P4"}.get(FORMAT[kind], "R1" if kind in RANGES else "S1")
            not_checked = {"logbook": ["truncation"], "proof": ["chain"]}.get(FORMAT[kind], [] if kind in RANGES else ["chain", "completeness"])
            if kind == "proof":
                not_checked = ["chain", "documents"]
            warnings = ["epoch_gap"] if kind == "gap" else []
            case(rule, f"{kind} of version {version}", made(kind, version=version), warnings=warnings, not_checked=not_checked)
            case("U1", f"{kind} of version {version}", made(kind, version=version))
    for n in range(14):
        empty = ["empty"] if n == 0 else []
        case("L4", f"the first {n} entries", Log().logbook(n), warnings=empty, not_checked=["truncation"] + (["ledger_rules"] if n == 0 else []))
    for first in range(13):
        for last in range(first, 13):
            if last not in (11,):
                case("R8", f"range {first} to {last}", Log().range(first, last))
    for n in range(11):
        case("P7", f"entry {n}", Log().proof(n))
        case("S3", f"entry {n} alone", Log().selection([n]))


def entries():
    holders = {n: [kind for kind in FILES if n in GIVEN[kind]] for n in range(13)}
    # E1: form.
    for n, kinds in {8: ["logbook", "whole", "cut", "selection"], 6: ["proof"], 0: ["logbook"]}.items():
        for kind in kinds:
            fault = of_proof(kind, at_entry("schema_violation", kind, n))
            member_cases("E1", kind, ("entry", n), ["kind", "payload", "prev_hash", "ts"], fault, ok=[("kind", '"x"')])
            member_cases("E1", kind, ("signed", n), ["signature"], fault)
            if FORMAT[kind] != "logbook":
                member_cases("E1", kind, ("numbered", n), ["seq"], fault)
    kinds = {"empty": "", "blank": " \u2003", "a control character": "a\x1fb", "DEL": "a\x7f", "C1": "a\x85b", "NUL": "\0", "a newline": "a\n", "257 bytes": "a" * 257, "257 bytes of é": "é" * 128 + "a"}
    for name, value in kinds.items():
        for kind in ("logbook", "cut", "selection"):
            case("E1", f"{kind}, a kind: {name}", made(kind, {("entry", 8): put("kind", value)}), at_entry("schema_violation", kind, 8))
    for name, value in {"256 bytes": "a" * 256, "256 bytes of é": "é" * 128, "a zero-width space": "\u200b", "bidirectional": "\u202ex", "beyond the BMP": "\U0001f600", "U+00A0 inside": "a\u00a0b"}.items():
        for kind in ("logbook", "cut", "selection"):
            case("E1", f"{kind}, a kind that may be: {name}", made(kind, {("entry", 8): put("kind", value)}))
    for name, value in {"upper case": "AB" * 32, "63 digits": "a" * 63, "65 digits": "a" * 65, "no hex": "g" * 64}.items():
        for kind in ("logbook", "cut", "selection", "proof"):
            n = 6 if kind == "proof" else 8
            fault = of_proof(kind, at_entry("schema_violation", kind, n))
            case("E1", f"{kind}, prev_hash of {name}", made(kind, {("entry", n): put("prev_hash", value)}), fault)
            case("E1", f"{kind}, signature of {name}", made(kind, {("signed", n): put("signature", value * 2)}), fault)
    for kind in RANGES + ["selection"]:
        n = GIVEN[kind][-1]
        for value in (2**64, 10**30, float(n)):
            case("E1", f"{kind}, seq {value}", made(kind, {("numbered", n): put("seq", value)}), at_entry("schema_violation", kind, n))
    # E2: number.
    for kind, n, seqs in (("whole", 5, (4, 6, 0, 2**63, 2**64 - 1)), ("cut", 7, (6, 8, 0)), ("tail", 12, (11, 13, 10)), ("whole", 0, (1, 3)), ("cut", 6, (5, 7, 0))):
        for seq in seqs:
            case("E2", f"{kind}, entry {n} numbered {seq}", made(kind, {("numbered", n): put("seq", seq)}), at_entry("sequence_gap", kind, n))
    for seq in (6, 5, 0):
        case("E2", f"selection, entry 8 numbered {seq}", made("selection", {("numbered", 8): put("seq", seq)}), ("sequence_gap", "entry", 1))
    # E3: link.
    for kind in ("logbook", "whole", "cut", "tail"):
        for n in list(GIVEN[kind])[1:]:
            case("E3", f"{kind}, entry {n} names another before", made(kind, {("entry", n): put("prev_hash", ONES)}), at_entry("prev_hash_mismatch", kind, n))
    for kind in ("logbook", "whole", "first", "proof0"):
        case("E3", f"{kind}, entry 0 names one before", made(kind, {("entry", 0): put("prev_hash", ONES)}, version=1), at_entry("prev_hash_mismatch", kind, 0))
    for kind, n in (("cut", 6), ("tail", 10), ("selection", 8), ("gap", 10), ("proof", 6)):
        case("E3", f"{kind}, the link of entry {n} is not judged", made(kind, {("entry", n): put("prev_hash", ONES)}))
    # E4: signature.
    for kind in FILES:
        for n in GIVEN[kind]:
            if n % 3 == 0 or kind in ("proof5", "selection"):
                version = 1 if n == 0 and FORMAT[kind] != "logbook" else 2
                case("E4", f"{kind}, entry {n} signed by another", made(kind, by={("entry", n): OTHER}, version=version), at_entry("signature_invalid", kind, n))
    both = {("entry", 8): put("prev_hash", ONES)}
    for kind in ("logbook", "whole", "cut"):
        case("E4", f"{kind}, link before signature", made(kind, both, by={("entry", 8): OTHER}), at_entry("prev_hash_mismatch", kind, 8))
        case("E4", f"{kind}, after a wrong signature the next link is not judged", made(kind, {("entry", 9): put("prev_hash", ONES)}, by={("entry", 8): OTHER}), at_entry("signature_invalid", kind, 8))
    case("E1", "logbook, after an unreadable line the next link is not judged", made("logbook", {("signed", 3): put("ts", "x"), ("entry", 4): put("prev_hash", ONES)}), ("schema_violation", "entry", 3))
    # E5 to E7: entry 0.
    opening = ["format", "log", "nonce", "origin", "predecessor", "recovery_key_sha256"]
    null, text = [("predecessor", "null"), ("recovery_key_sha256", "null"), ("origin", '"x"')], ("predecessor",)
    for kind in ("logbook", "whole", "first", "proof0"):
        member_cases("E5", kind, ("payload", 0), opening, at_entry("schema_violation", kind, 0), ok=null, version=1 if kind != "logbook" else 2)
        for name, value in {"an empty nonce": {"nonce": ""}, "a nonce of 15 bytes": {"nonce": "09" * 15}, "an upper-case log": {"log": US.hex.upper()}, "format 0": {"format": 0},
                            "format 1.0": {"format": 1.0}, "a predecessor of other members": {"predecessor": {"hash": ONES, "log": OTHER.hex}},
                            "a predecessor with a negative seq": {"predecessor": {"hash": ONES, "log": OTHER.hex, "seq": -1}}}.items():
            case("E5", f"{kind}, {name}", made(kind, {("payload", 0): lambda payload: payload.update(value)}, version=1 if kind != "logbook" else 2), at_entry("schema_violation", kind, 0))
        case("E5", f"{kind}, with a predecessor", made(kind, {("payload", 0): put("predecessor", {"hash": ONES, "log": OTHER.hex, "seq": 7})}))
        case("E5", f"{kind}, without a recovery key", made(kind, {("payload", 0): put("recovery_key_sha256", None)}))
        case("E6", f"{kind}, another log", made(kind, {("payload", 0): put("log", OTHER.hex)}, version=1 if kind != "logbook" else 2), at_entry("log_key_mismatch", kind, 0))
        case("U4", f"{kind}, an opening of format 2 under the log's signature", made(kind, {("payload", 0): put("format", 2)}), error="format_unsupported")
    for kind in ("whole", "first", "proof0"):
        case("E5", f"{kind}, entry 0 of another kind", made(kind, {("entry", 0): put("kind", "note")}, version=1), at_entry("schema_violation", kind, 0))
        renamed = {"first": lambda it: it.update(genesis=ONES), **{("header", k): put("genesis", ONES) for k in range(3)}, "head": put("genesis", ONES), "closing": put("genesis", ONES)}
        case("E7", f"{kind}, another genesis", made(kind, renamed, version=1), at_entry("genesis_mismatch", kind, 0))
    # E8: closed.
    close = {("entry", 7): lambda entry: entry.update(kind="sealbook:close", payload={"successor": OTHER.hex})}
    for kind in ("logbook", "whole", "cut"):
        case("E8", f"{kind}, an entry after the closing entry", made(kind, close), at_entry("schema_violation", kind, 8))
        odd = {("entry", 7): lambda entry: entry.update(kind="sealbook:close", payload={"successor": "x"})}
        case("E8", f"{kind}, what closes nothing", made(kind, odd), None)
        case("E8", f"{kind}, what another signed closes nothing", made(kind, close, by={("entry", 7): OTHER}), at_entry("signature_invalid", kind, 7))
    ends = {("entry", 12): lambda entry: entry.update(kind="sealbook:close", payload={"successor": OTHER.hex})}
    for kind in ("logbook", "whole", "tail"):
        case("E8", f"{kind}, closed by its last entry", made(kind, ends))
    # E9: time.
    for kind, n in (("logbook", 3), ("logbook", 6), ("whole", 3), ("cut", 8)):
        for moved in (hour(0, ":00:00.999999"), "2026-02-28T23:59:59+00:00", "0001-01-01T00:00:00+00:00"):
            case("E9", f"{kind}, entry {n} at {moved}", made(kind, {("entry", n): put("ts", moved)}), at_entry("timestamp_regression", kind, n))
    case("E9", "selection, back in time", made("selection", {("entry", 8): put("ts", hour(1, ":09:59"))}), ("timestamp_regression", "entry", 1))
    case("E9", "logbook, the same time again", made("logbook", {("entry", 7): put("ts", hour(1, ":10:00.000001"))}))
    # E10, E11: path and header.
    for kind in RANGES:
        n = GIVEN[kind][1]
        with_path = {"lines": lambda lines: [dict(line, path=[]) if isinstance(line, dict) and line.get("entry", {}).get("seq") == n else line for line in lines]}
        case("E10", f"{kind}, a path with entry {n}", made(kind, with_path), at_entry("bundle_corrupt", kind, n))
    for kind, cut, n in (("whole", 0, 0), ("cut", 0, 6), ("tail", 0, 10), ("selection", 0, 6), ("first", 0, 0)):
        left = {"lines": without("epoch", HEADERS[kind][cut])}
        if kind in ("cut", "tail"):
            left = {"lines": lambda lines: [line for line in without("epoch", HEADERS[kind][0])(lines) if "before" not in line]}
        case("E11", f"{kind}, entry {n} under no header", made(kind, left), at_entry("proof_invalid", kind, n))
    case("E11", "whole, the tail without its head", made("whole", {"lines": lambda lines: [line for line in lines if "head" not in line]}), ("proof_invalid", "entry", 11))
    # E12: the hour of the epoch.
    for kind in ("whole", "cut", "selection"):
        n = 8
        case("E12", f"{kind}, entry {n} in the next hour", made(kind, {("entry", n): put("ts", hour(2)), ("entry", 9): put("ts", hour(2)), ("header", 1): put("sealed_at", hour(2)), ("header", 2): lambda it: None}), at_entry("epoch_invariant", kind, n))
        case("E12", f"{kind}, sealed before entry {n}", made(kind, {("header", 1): put("sealed_at", hour(1, ":29:59.999999"))}), at_entry("epoch_invariant", kind, n))
    for kind, n in (("proof", 6), ("proof5", 5)):
        case("E12", f"{kind}, sealed before entry {n}", made(kind, {("header", 1): put("sealed_at", hour(1))}), ("epoch_invariant", "entry", 0))
        case("E12", f"{kind}, in another hour", made(kind, {("entry", n): put("ts", hour(0, ":59:59.999999"))}), ("epoch_invariant", "entry", 0))
    # E13: the header's head.
    for kind, k in (("whole", 0), ("whole", 1), ("whole", 2), ("cut", 1), ("tail", 2), ("selection", 1), ("selection", 2), ("gap", 0), ("gap", 2)):
        case("E13", f"{kind}, epoch {k} ends in another entry", made(kind, {("header", k): put("head", ONES)}), ("head_mismatch", "epoch", k))
    for n, k in ((3, 0), (8, 1), (10, 2)):
        case("E13", f"a proof of entry {n}", Log({("header", k): put("head", ONES)}).proof(n), ("head_mismatch", "epoch", k))
    # E14: path.
    for kind in SELECTIONS + PROOFS:
        for n in GIVEN[kind]:
            for name, edit in {"a sibling less": lambda it: it[1:], "a sibling more": lambda it: it + [ONES], "another sibling": lambda it: [ONES] + it[1:], "none": lambda it: [],
                               "turned": lambda it: it[::-1] if len(it) > 1 else it + it}.items():
                case("E14", f"{kind}, entry {n}, {name}", made(kind, {("path", n): edit}), at_entry("proof_invalid", kind, n))
    for kind in SELECTIONS:
        n = GIVEN[kind][0]
        no_path = {"lines": lambda lines: [{"entry": line["entry"]} if isinstance(line, dict) and line.get("entry", {}).get("seq") == n else line for line in lines]}
        case("E14", f"{kind}, entry {n} without a path", made(kind, no_path), at_entry("proof_invalid", kind, n))
    for kind in PROOFS + ["selection", "gap"]:
        k, n = HEADERS[kind][-1], GIVEN[kind][-1]
        case("E14", f"{kind}, another root", made(kind, {("header", k): put("root", ONES)}), at_entry("proof_invalid", kind, n if kind != "selection" else 10))
    # E15, E16: documents among the entries.
    for kind, n in (("logbook", 1), ("logbook", 5), ("whole", 1), ("whole", 5), ("proof5", 5)):
        member_cases("E15", kind, ("payload", n), ["digest", "media_type"], at_entry("schema_violation", kind, n), ok=[("digest", '"x"'), ("media_type", '"x"')])
        case("E15", f"{kind}, document {n} without content", made(kind, {("payload", n): put("content", GONE)}), at_entry("schema_violation", kind, n))
        for name, value in {"another content": ("content", [2]), "of other bytes": ("digest", digest("other")), "no digest": ("digest", "x"), "bare hex": ("digest", digest(RULES if n == 1 else POLICY)[12:]),
                            "in upper case": ("digest", digest(RULES if n == 1 else POLICY).upper())}.items():
            case("E16", f"{kind}, document {n}, {name}", made(kind, {("payload", n): put(*value)}), at_entry("document_mismatch", kind, n))
        case("E15", f"{kind}, document {n} of an actor", made(kind, {("payload", n): put("_actor", {"any": 1})}))
    for name, content in {"a string": "x", "an empty string": "", "a number": 1.5, "null": None, "a list": [1, [2.0]], "-0.0": -0.0, "é": "é", "an object": {"b": 1, "a": 2}}.items():
        payload = {"content": content, "digest": digest(content), "media_type": ""}
        case("E16", f"logbook, the digest of {name}", made("logbook", {("payload", 4): lambda _: payload, ("entry", 4): put("kind", "wcp.document")}))


def without(what, number=None, nth=None):
    def edit(lines):
        def is_it(line):
            if not isinstance(line, dict) or what not in line:
                return False
            return number is None or what == "epoch" and line["epoch"]["epoch"] == number or what == "entry" and line["entry"]["seq"] == number
        return [line for line in lines if not is_it(line)]
    return edit


def moved(what, to, number=None, times=1):
    """The lines with this one at another place; `times` 2 leaves it where it is, too."""
    def edit(lines):
        it = next(line for line in lines if isinstance(line, dict) and what in line and (number is None or line[what].get("epoch", line[what].get("seq")) == number))
        rest = [line for line in lines if line is not it] if times == 1 else list(lines)
        return rest[:to] + [it] + rest[to:]
    return edit


def replaced(what, by, number=None):
    def edit(lines):
        def is_it(line):
            return isinstance(line, dict) and what in line and (number is None or line[what].get("epoch", line[what].get("seq")) == number)
        return [by(line) if is_it(line) else line for line in lines]
    return edit
