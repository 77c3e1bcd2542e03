"""Cases of the index of a log (format 13.1), of which each file is signed and hashed so that
only the rule that it is named for fails."""
import copy, hashlib, json
from functools import lru_cache
import cases, curve
from cases import GONE, ONES, put
from signer import OTHER, RECOVERY, US, H, Log, Signer, canonical, hour, subtrees
from trees import FIELDS, MIXED_SEED, OTHER_SEED, SEED, Indexed, and_one, big, blocks, domain, place, prove, public

AUDITOR = Signer(17)
LINE = ("document", 1)
INVALID, MISMATCH, CORRUPT = ("index_invalid", *LINE), ("index_mismatch", *LINE), ("bundle_corrupt", *LINE)


def case(*args, **more): cases.case(*args, also="terms", **more)


def opening(key=public(SEED), **more):
    index = {"index": key.hex()} if key else {}
    return ("sealbook:open", {"format": 2 if key else 1, "log": US.hex, "nonce": "09" * 16, "origin": "x", "predecessor": None,
                              "recovery_key_sha256": hashlib.sha256(bytes.fromhex(RECOVERY.hex)).hexdigest(), **index, **more})


def note(tenant=None, case=None, **more):
    return ("note", {**({"tenant_id": tenant} if tenant is not None else {}), **({"correlation_id": case} if case else {}), **more})


CHOICE = ("wcp.decision", {"decision": {"denied": False, "selected_worker_species_id": "wrk.a"}, "input": {"correlation_id": "c-1", "tenant_id": "acme"}, "receipt": {"worker_id": "w-1"}})
BEGINS = ("sealbook:format", {"format": 2, "index": public(SEED).hex()})
# Of the eight epochs `acme` is in both halves of the first four, in one half of the next two, and in the last but one.
BOOK = [[opening(), note("acme", "c-1")], [note("zeta", "c-1"), CHOICE], [note(7)], [("wcp.attestation", {"ok": False, "worker_id": "wrk.a"}), note("acme", "c-2")],
        [note("zeta")], [("hall.enrolment", {"enrolled": True, "tenant_id": "acme"})], [note("acme", "c-1"), note("acme", "c-2")], [note()]]
FEW = [[opening(), note("acme", "c-1")], [note("zeta", "c-1"), note("acme", "c-2"), note("acme", "c-1")], [note()]]
LATER = [[opening(None), note("acme")], [note("acme", "c-1")], [BEGINS, note("acme", "c-1")], [note("zeta")], [note("acme", "c-2"), note("acme")], [note()], [note("acme")], [note("zeta")]]
PRESENT = {"correlation": "c-1", "denied": "false", "kind": "note", "tenant": "acme", "tenant_json": "7", "worker": "wrk.a"}
ABSENT = {"correlation": "c-9", "denied": "true", "kind": "other", "tenant": "nobody", "tenant_json": "8", "worker": "wrk.b"}


@lru_cache(None)
def plain(which): return Indexed(*{"book": (BOOK,), "few": (FEW,), "later": (LATER, 2)}[which])


def made(change=None, epochs=FEW, since=0, **more): return Indexed(copy.deepcopy(epochs), since, change, **more)
def acme(change=None, epoch=2, **more): return made(change, **more).of("tenant", "acme", epoch)
def line_of(data, name, nth=0): return [n for n, line in enumerate(data.split(b"\n")) if line.startswith(b'{"%s":' % name.encode())][nth]


def unsaid(data):
    """What a passing selection warns of, and what it leaves open."""
    lines = [json.loads(line) for line in data.splitlines()]
    epochs = [line["epoch"]["epoch"] for line in lines if "epoch" in line]
    said = next((line["index"] for line in lines if "index" in line), None)
    warnings = ["epoch_gap"] * any(b - a > 1 for a, b in zip(epochs, epochs[1:])) + ["empty"] * (not any("entry" in line for line in lines))
    open_ = ["index"] * (said is not None) + ["omitted"] * any("omitted" in line for line in lines) + ["completeness"] * (said is None or said["since"] > 0)
    return {"warnings": warnings, "not_checked": ["chain", *open_]}


def complete(rule, name, data, **more): case(rule, name, data, **{**unsaid(data), **more})
def said(edit): return {"index": edit}
def each_tree(nth, edit): return said(lambda it: edit(it["trees"][nth]))


def passing():
    book, later = plain("book"), plain("later")
    for epoch in range(8):
        complete("I.7", f"a tenant under epoch {epoch}", book.of("tenant", "acme", epoch))
        complete("I.7", f"no tenant under epoch {epoch}", book.of("tenant", "nobody", epoch))
    for field in FIELDS:
        for epoch in (3, 7):
            complete("I.9", f"{field} under epoch {epoch}", book.of(field, PRESENT[field], epoch))
        complete("I.10", f"no {field}", book.of(field, ABSENT[field], 2 if field == "denied" else 6))
    for value in ("note", "7", "wrk.a", "true", "é" * 100, "", "\0", "acme\u0301", "ACME"):
        for field in ("tenant", "correlation"):
            complete("I.10", f"no {field} {value!r}", plain("few").of(field, value, 2))
    for epoch in range(2, 8):
        complete("I.13", f"a tenant under epoch {epoch} of an index that began with epoch 2", later.of("tenant", "acme", epoch))
    for field in ("kind", "correlation", "tenant"):
        complete("I.13", f"{field} of an index that began later", later.of(field, PRESENT[field], 5))
        complete("I.13", f"no {field} of an index that began later", later.of(field, ABSENT[field], 6))
    complete("I.13", "what begins the index", later.of("kind", "sealbook:format", 4))
    complete("I.13", "the epochs of the index alone", later.of("tenant", "acme", 4, seqs=[n for n in later.having("tenant", "acme", 4) if n > 3]))
    for name, n in (("an entry before it", 1), ("what begins it", 3), ("an entry after it", 6)):
        case("I.13", f"a proof of {name}", later.proof(n), warnings=[], not_checked=["chain"])
    case("I.13", "a proof of version 1 of an entry before it", later.proof(1, version=1), warnings=[], not_checked=["chain"])
    for n in (1, 4, 9):
        case("I.2", f"a proof of entry {n}", book.proof(n), warnings=[], not_checked=["chain"])
    last = len(book.entries) - 1
    for first, end in ((0, last), (1, 5), (4, 4), (3, last)):
        case("I.12", f"range {first} to {end}", book.range(first, end), warnings=[], not_checked=["index"])
    for first, end, open_ in ((0, len(later.entries) - 1, ["index"]), (0, 2, []), (1, 3, ["index"]), (3, 6, ["index"])):
        case("I.13", f"range {first} to {end}", later.range(first, end), warnings=[], not_checked=open_)
    complete("I.12", "a selection that uses no index", book.given([1, 4]))
    complete("I.12", "a selection of headers with and without one", later.given([1, 2, 3, 4, 6]))
    for name, out in {"one": [1], "the last": [4], "two": [1, 3], "all": [1, 3, 4]}.items():
        complete("I.9", f"{name} named and left out", plain("few").of("tenant", "acme", 2, filter=None, out=out))
    complete("I.9", "named before the next header", made({"filter": lambda it: {**it, "correlation": "c-1"}}).of("tenant", "acme", 2, out=[3]))
    narrowed = {"a case besides": {"tenant": "acme", "correlation": "c-2"}, "a time besides": {"tenant": "acme", "since": hour(1)}, "a number besides": {"tenant": "acme", "from_seq": 3}}
    for name, filter in narrowed.items():
        out = {"a case besides": [1, 4], "a time besides": [1], "a number besides": [1]}[name]
        complete("I.9", f"a tenant, and {name}", plain("few").of("tenant", "acme", 2, filter=filter, out=out))
    complete("I.9", "a filter that is none", plain("few").of("tenant", "acme", 2, filter=None))
    complete("I.9", "a filter that asks for more", plain("few").of("tenant", "acme", 2, filter={"tenant": "acme", "limit": 3, "kinds": ["note"], "worker": None}))
    case("I.9", "nobody signed the filter that asks for something else", made({("signed", "closing"): lambda it: {"bundle": it["bundle"]}}).of("tenant", "acme", 2, filter={"tenant": "zeta"}),
         allow_unsigned=True, warnings=[], not_checked=["bundle_unsigned", "chain", "index"])
    beside = [[opening(), ("wcp.attestation", {"worker_id": "wrk.a"})], [("wcp.attestation", {"worker_id": "wrk.a"}), CHOICE], [note()]]
    complete("I.9", "attestations beside a case", made(epochs=beside).of("correlation", "c-1", 2, seqs=[1, 2, 3], filter={"attestations": True, "correlation": "c-1"}))
    mixed = made(epochs=[[opening(public(MIXED_SEED)), *FEW[0][1:]], *FEW[1:]], seed=MIXED_SEED)
    complete("I.4", "a key with a part of small order", mixed.of("tenant", "acme", 2))
    complete("I.4", "a proof with a part of small order", acme(said(lambda it: it.update(placed=prove(SEED, alpha(), curve.ORDER_8)[1].hex()))))


def alpha(field="tenant", value="acme"): return domain(b"sealbook:vrf:v1", plain("few").genesis, field, value.encode())


def audits():
    few = plain("few")
    def audit(by=AUDITOR, **more):
        header = few.headers[2]["epoch"]
        value = {"epoch": 2, "genesis": few.genesis, "header": few.header_hashes[2], "log": US.hex, "seq": header["last_seq"], **more}
        return canonical({"audit": value, "key": by.hex, "signature": by(b"sealbook:audit:v1\x1f" + canonical(value))}) + b"\n"
    data = few.of("tenant", "acme", 2)
    said = {"its auditor": (audit(), []), "an auditor of another header": (audit(header=few.header_hashes[1]), ["index"]), "an auditor of another entry": (audit(seq=4), ["index"]),
            "an auditor of another epoch": (audit(epoch=1), ["index"]), "an auditor of another log": (audit(genesis=ONES), ["index"]), "another than the auditor": (audit(by=OTHER), ["index"])}
    for name, (file, open_) in said.items():
        case("I.12", f"by the word of {name}", data, auditor=AUDITOR.hex, audited=file, warnings=[], not_checked=["chain", *open_])
    case("I.12", "by the word of nobody who is trusted", data, audited=audit(), warnings=[], not_checked=["chain", "index"])


def headers():
    kinds = {"range": lambda log: log.range(0, 5), "selection": lambda log: log.given([1, 3]), "proof": lambda log: log.proof(3), "line": lambda log: log.of("kind", "other", 2)}
    for kind, file in kinds.items():
        k = 2 if kind == "line" else 1
        at = CORRUPT if kind == "line" else ("proof_invalid", "file", None) if kind == "proof" else ("bundle_corrupt", "document", line_of(file(plain("few")), "epoch", 1 if k < 2 else 0))
        unread = {"`format` alone": put("index", GONE), "`index` alone": put("format", GONE)}
        unread.update({f"format {json.dumps(value)}": put("format", value) for value in (1, 3, 2.0, "2", None, True)})
        unread.update({f"index {name}": put("index", value) for name, value in {"null": None, "short": ONES[2:], "long": ONES + "11", "in upper case": "AB" * 32, "a number": 7}.items()})
        for name, edit in unread.items():
            case("I.1", f"{kind}, a header with {name}", file(made({("header", k): edit})), at)
        if kind != "line":
            case("I.1", f"{kind}, signed as a header without index", file(made({("message", ("header", k)): lambda it: it.replace(b":v2", b":v1")})), ("epoch_signature_invalid", "epoch", k))
    bare = lambda it: (it.pop("index"), it.pop("format"))[0] and None
    for kind, file in {"range": lambda log: log.range(0, 5), "selection": lambda log: log.given([1, 3]), "a gap": lambda log: log.given([1, 5])}.items():
        k = 2 if kind == "a gap" else 1
        case("I.13", f"{kind}, a header without index after one with one", file(made({("header", k): bare})), ("epoch_invariant", "epoch", k))
    all_bare = {("header", k): bare for k in range(3)}
    for name, data, k in (("a range", made(all_bare).range(0, 5), 0), ("a part", made(all_bare).range(3, 4), 1), ("a selection", made(all_bare).given([3]), 1),
                          ("a proof", made({**all_bare, "proof": put("uses", [])}).proof(3), 1)):
        case("I.1", f"{name} whose headers have no index, of a log with one", data, ("epoch_invariant", "epoch", k))
    never = [[opening(None), *FEW[0][1:]], *FEW[1:]]
    for name, data in (("a range", made(epochs=never).range(0, 5)), ("a part", made(epochs=never).range(1, 1)), ("a selection", made(epochs=never).given([1])), ("a proof", made(epochs=never).proof(1))):
        case("I.1", f"{name}, epoch 0 with an index, of a log without one", data, ("epoch_invariant", "epoch", 0))
    for name, more in {"format 1": dict(format=1), "no format": dict(format=GONE)}.items():
        payload = {k: v for k, v in {**opening()[1], **more}.items() if v is not GONE}
        at = lambda data: ("schema_violation", "document", line_of(data, "opening"))
        data = made(epochs=[[("sealbook:open", payload), *FEW[0][1:]], *FEW[1:]]).of("tenant", "acme", 2)
        case("I.1", f"entry 0 with an index and {name}", data, at(data))
    for name, more in {"a short key": dict(index=ONES[2:]), "no key": dict(index=None), "a number as key": dict(index=7), "a member more": dict(more=1)}.items():
        case("I.1", f"entry 0 of format 2 with {name}", made(epochs=[[("sealbook:open", {**opening()[1], **more}), *FEW[0][1:]], *FEW[1:]]).of("tenant", "acme", 2), error="format_unsupported")


def uses():
    few = plain("few")
    for kind, file in {"range": lambda log: log.range(0, 5), "selection": lambda log: log.given([1, 3])}.items():
        case("I.2", f"{kind}, `uses` is empty", file(made({"first": put("uses", [])})), ("bundle_corrupt", "document", 1))
        for name, value in {"twice": ["terms", "terms"], "before openings": ["terms", "openings"]}.items():
            case("I.2", f"{kind}, `uses` names terms {name}", file(made({"first": put("uses", value)})), ("bundle_corrupt", "document", 0))
        case("I.2", f"{kind}, `uses` names openings, too", file(made({"first": put("uses", ["openings", "terms"])})))
        case("U3", f"{kind}, `uses` names terms and what is not known", file(made({"first": put("uses", ["terms", "x"])})), error="format_unsupported")
        plain_log = Log({"first": put("uses", ["terms"])})
        case("I.2", f"{kind}, `uses` names terms, and there are none", plain_log.file("whole" if kind == "range" else "selection"))
    for kind in ("selection", "range"):
        log = made({"first": lambda it: (it.update(format=1), it.pop("uses"))[0]})
        log.version = 1
        case("I.2", f"a {kind} of version 1", log.given([1]) if kind == "selection" else log.range(0, 5), ("bundle_corrupt", "document", 1))
    for value in ([], ["openings"], ["terms", "terms"], ["openings", "terms"], None, "terms"):
        case("I.2", f"a proof, `uses` is {json.dumps(value)}", made({"proof": put("uses", value)}).proof(3), ("proof_invalid", "file", None))
    case("U3", "a proof, `uses` names terms and what is not known", made({"proof": put("uses", ["terms", "x"])}).proof(3), error="format_unsupported")
    case("I.2", "a proof of version 1", few.proof(3, version=1), ("proof_invalid", "file", None))
    case("I.2", "a proof that uses terms, under a header without index", Log({"proof": put("uses", ["terms"])}).proof(6), ("proof_invalid", "file", None))
    case("I.2", "selection, a line of the index where `uses` is empty", Log({"lines": lambda lines: lines[:1] + [few.index("tenant", "acme", 2)] + lines[1:]}).selection([3]), CORRUPT)


def entry_terms():
    redacted = {"sealbook:redacted": ONES}
    has = [("note", {"decision": {"tenant_id": "t"}}, "tenant", "t"), ("note", {"input": {"tenant_id": "t"}}, "tenant", "t"), ("note", {"body": {"tenant_id": "t"}}, "tenant", "t"),
           ("note", {"body": {"deny_reason_if_denied": {"tenant_id": "t"}}}, "tenant", "t"), ("note", {"tenant_id": "", "input": {"tenant_id": "t"}}, "tenant", ""),
           ("note", {"tenant_id": "t", "input": {"tenant_id": "u"}}, "tenant", "u"), ("note", {"tenant_id": 1.5}, "tenant_json", "1.5"), ("note", {"tenant_id": False}, "tenant_json", "false"),
           ("note", {"tenant_id": [1, {"b": "é", "a": None}]}, "tenant_json", '[1,{"a":null,"b":"é"}]'), ("note", {"tenant_id": {}}, "tenant_json", "{}"), ("note", {"tenant_id": 10**30}, "tenant_json", str(10**30)),
           ("note", {"tenant_id": {**redacted, "z": 1}}, "tenant_json", canonical({**redacted, "z": 1}).decode()), ("note", {"tenant_id": {"sealbook:redacted": 1}}, "tenant_json", '{"sealbook:redacted":1}'),
           ("note", {"correlation_id": "é\n\"\\"}, "correlation", "é\n\"\\"), ("note", {"input": {"deny_reason_if_denied": {"correlation_id": "c"}}}, "correlation", "c"),
           ("note", {"worker_id": "w"}, "worker", "w"), ("note", {"worker_species_id": "w"}, "worker", "w"), ("note", {"selected_worker_species_id": "w"}, "worker", "w"),
           ("note", {"decision": {"deny_reason_if_denied": {"worker_species_id": "w"}}}, "worker", "w"), ("wcp.decision", {"receipt": {"worker_id": "w"}}, "worker", "w"),
           ("note", {"denied": True}, "denied", "true"), ("note", {"denied": True, "body": {"denied": False}}, "denied", "false"), ("note", {"decision": {"denied": False}}, "denied", "false"),
           ("wcp.attestation", {"ok": False}, "denied", "true"), ("wcp.attestation", {"ok": 0}, "denied", "false"), ("hall.enrolment", {"enrolled": False}, "denied", "true"),
           ("hall.enrolment", {"enrolled": "false"}, "denied", "false"), ("manifest.verify", {"outcome": "fail"}, "denied", "true"), ("manifest.verify", {"outcome": "pass"}, "denied", "false"),
           ("vacant.card", {"verdict": "fail"}, "denied", "true"), ("vacant.card", {"verdict": ["fail"]}, "denied", "false"), ("vacant.resident", {"verified": False}, "denied", "true"),
           ("vacant.resident", {"verified": True, "denied": True}, "denied", "false"), ("é \u2028", {}, "kind", "é \u2028")]
    lacks = [("note", {"deny_reason_if_denied": {"tenant_id": "t"}}, "tenant", "t"), ("note", {"other": {"tenant_id": "t"}}, "tenant", "t"), ("note", {"input": {"input": {"tenant_id": "t"}}}, "tenant", "t"),
             ("note", {"input": [{"tenant_id": "t"}]}, "tenant", "t"), ("note", {"tenant_id": 7}, "tenant", "7"), ("note", {"tenant_id": "7"}, "tenant_json", '"7"'), ("note", {"tenant_id": None}, "tenant_json", "null"),
             ("note", {"tenant_id": redacted}, "tenant_json", canonical(redacted).decode()), ("note", {"tenant_id": "T"}, "tenant", "t"), ("note", {"correlation_id": 7}, "correlation", "7"),
             ("note", {"tenant_id": [1, 2]}, "tenant_json", "[1, 2]"), ("note", {"tenant": "t"}, "tenant", "t"), ("note", {"correlation": "c"}, "correlation", "c"),
             ("note", {"receipt": {"worker_id": "w"}}, "worker", "w"), ("wcp.decision", {"decision": {"receipt": {"worker_id": "w"}}}, "worker", "w"), ("wcp.decision", {"receipt": {"worker_species_id": "w"}}, "worker", "w"),
             ("note", {"worker_id": ["w"]}, "worker", "w"), ("note", {"worker": "w"}, "worker", "w"), ("note", {"denied": "true"}, "denied", "true"), ("note", {"denied": 1}, "denied", "true"), ("note", {"denied": None}, "denied", "false"),
             ("note", {"ok": False}, "denied", "true"), ("wcp.attestation", {"ok": None}, "denied", "false"), ("wcp.attestation", {}, "denied", "false"), ("wcp.attestation", {"ok": True}, "denied", "true"),
             ("wcp.attestation", {"body": {"ok": False}}, "denied", "true"), ("manifest.verify", {"outcome": "FAIL"}, "denied", "true"), ("hall.enrolment", {"enrolled": 0.0}, "denied", "true"),
             ("vacant.card", {"verified": False}, "denied", "true"), ("wcp.decision", {"decision": {"decision_id": "d"}}, "correlation", "d"), ("note", {"kind": "n"}, "kind", "n")]
    for kind, payload, field, value in has:
        complete("I.3", f"{kind} {json.dumps(payload)} has {field} {value}", made(epochs=[[opening(), (kind, payload)]]).of(field, value, 0))
    for kind, payload, field, value in lacks:
        log = made(epochs=[[opening(), (kind, payload)]], more={1: [(field, value)]})
        case("I.3", f"{kind} {json.dumps(payload)} has not {field} {value}", log.of(field, value, 0, seqs=[1], filter=None), MISMATCH)


def places():
    few, pi = plain("few"), prove(SEED, alpha())[1]
    s = int.from_bytes(pi[48:], "little")
    shown = {"of another value": prove(SEED, alpha(value="zeta"))[1], "of another field": prove(SEED, alpha("worker"))[1], "under another key": prove(OTHER_SEED, alpha())[1],
             "of another log": prove(SEED, domain(b"sealbook:vrf:v1", ONES, "tenant", b"acme"))[1], "of the value alone": prove(SEED, b"acme")[1], "with another Gamma": prove(SEED, alpha(value="zeta"))[1][:32] + pi[32:],
             "with another challenge": pi[:32] + bytes([pi[32] ^ 1]) + pi[33:], "with another s": pi[:48] + ((s + 1) % curve.L).to_bytes(32, "little"),
             "with s and the order": pi[:48] + (s + curve.L).to_bytes(32, "little"), "with a Gamma that is no point": b"\2" + bytes(31) + pi[32:],
             "with a Gamma in another spelling": (curve.P + 1).to_bytes(32, "little") + pi[32:], "with x of the other sign": pi[:31] + bytes([pi[31] ^ 128]) + pi[32:], "of zeros": bytes(80)}
    for name, value in shown.items():
        case("I.4", f"placed by a proof {name}", acme(said(put("placed", value.hex()))), INVALID)
    case("I.4", "a tenant without a proof of its place", acme(said(put("placed", GONE))), INVALID)
    for field in ("correlation", "denied", "kind"):
        case("I.4", f"{field} with a proof of a place", made(said(put("placed", pi.hex()))).of(field, PRESENT[field], 2), INVALID)
    for name, key in {"another key": public(OTHER_SEED), "no point": b"\2" + bytes(31), "the neutral point": b"\1" + bytes(31), "a point of order 8": curve.encode(curve.ORDER_8)}.items():
        log = made(epochs=[[opening(key), *FEW[0][1:]], *FEW[1:]])
        case("I.4", f"entry 0 names {name}", log.of("tenant", "acme", 2), INVALID)
        complete("I.4", f"entry 0 names {name}, and the field is not hidden", log.of("correlation", "c-1", 2))
    # Places of the log's index that are made otherwise, and so other ones.
    honest = place(few.genesis, "correlation", "c-1")[0]
    genesis = bytes.fromhex(few.genesis)
    other = {"of the value alone": H(b"c-1"), "with genesis in hex": H(b"sealbook:term:v1\x1f" + few.genesis.encode() + b"correlation\x1fc-1"), "without the field": H(b"sealbook:term:v1\x1f" + genesis + b"\x1fc-1"),
             "with 0x1f before the field": H(b"sealbook:term:v1\x1f" + genesis + b"\x1fcorrelation\x1fc-1"), "of the canonical JSON of the value": H(b"sealbook:term:v1\x1f" + genesis + b'correlation\x1f"c-1"')}
    for name, where in other.items():
        moved = {("places", *block): lambda it: sorted(where if one == honest else one for one in it) for block in blocks(0, 2)}
        case("I.4", f"a place {name}", moved_places(moved, honest, where).of("correlation", "c-1", 2), MISMATCH)


def moved_places(change, honest, where):
    """The small log, whose index has one place elsewhere."""
    class Moved(Indexed):
        def counted(self, at, size, place): return super().counted(at, size, honest if place == where else place)
    return Moved(copy.deepcopy(FEW), 0, change)


def counts():
    few = plain("few")
    number, digest = few.counted(1, 1, place(few.genesis, "tenant", "acme")[0])
    leaves = few.leaves(3, 4)
    def run(seqs, start=bytes(32), tag=b"\4", length=8, order="big", leaves=leaves):
        digest = start
        for seq, leaf in zip(seqs, leaves):
            digest = H(tag, digest, seq.to_bytes(length, order) if length else b"", leaf)
        return digest
    assert run((3, 4)) == digest
    wrong = {"one more": (number + 1, digest), "one less": (number - 1, digest), "another digest": (number, bytes(32)), "the digest of those entries, descending": (number, run((4, 3), leaves=leaves[::-1])),
             "the digest without numbers": (number, run((3, 4), length=0)), "the digest of other numbers": (number, run((0, 1))), "the digest of numbers, the least byte first": (number, run((3, 4), order="little")),
             "a digest that begins with nothing": (number, run((3, 4), start=b"")), "a digest with another byte before": (number, run((3, 4), tag=b"\5")), "a digest of hashes": (number, run((3, 4), leaves=few.hashes[3:5])),
             "the first entry alone": (1, run((3,))), "2^64 - 1 entries": (2**64 - 1, digest)}
    for name, count in wrong.items():
        only = {("count", 1, 1): lambda it, _: count if it == (number, digest) else it}
        case("I.5", f"a count that the log signed, {name}", acme(only), MISMATCH)
        shown = each_tree(1, lambda it: it.update(entries=count[0], digest=count[1].hex()))
        case("I.5", f"a count that it did not sign, {name}", acme(shown), INVALID)
    book, where = plain("book"), place(plain("book").genesis, "tenant", "acme")[0]
    four, left, right = (book.counted(at, size, where) for at, size in ((0, 4), (0, 2), (2, 2)))
    assert left and right and four[0] == left[0] + right[0]
    whole = (0, bytes(32))
    for n in book.having("tenant", "acme", 3):
        whole = and_one(whole, n, book.leaves(n, n)[0])
    both = {"turned": (four[0], H(b"\5", right[1], left[1])), "another byte before": (four[0], H(b"\4", left[1], right[1])), "the left half alone": left, "the right half alone": right, "the greater number": (max(left[0], right[0]), four[1]),
            "the digest of all entries": whole, "one more": (four[0] + 1, four[1])}
    for name, count in both.items():
        case("I.5", f"two halves, {name}", Indexed(BOOK, 0, {("count", 0, 4): lambda it, _: count if it == four else it}).of("tenant", "acme", 7), MISMATCH)
    alone = book.counted(4, 2, where)
    for name, count in {"joined with zeros": (alone[0], H(b"\5", bytes(32), alone[1])), "joined with itself": (alone[0], H(b"\5", alone[1], alone[1])), "hashed alone": (alone[0], H(b"\5", alone[1]))}.items():
        case("I.5", f"one half, {name}", Indexed(BOOK, 0, {("count", 4, 2): lambda it, both: count if it == alone else it}).of("tenant", "acme", 7), MISMATCH)
    case("I.5", "a count of none", acme(each_tree(1, lambda it: it.update(entries=0, digest="00" * 32))), INVALID)
    case("I.5", "a count of none that the log signed", acme({("count", 1, 1): lambda it, _: (0, bytes(32)) if it == (number, digest) else it}), INVALID)


def tree_of(block=(1, 1)): return plain("few").tree(*block)[0]


def trees():
    few = plain("few")
    field = next(value for value in map(str, range(999)) if 0 < sum(one < place(few.genesis, "correlation", value)[0] for one in tree_of()) < len(tree_of()) - 1)
    low, high = (next(value for value in map(str, range(9999)) if sum(one < place(few.genesis, "correlation", value)[0] for one in tree_of()) == many) for many in (0, len(tree_of())))
    places_, hidden = few.tree(1, 1)
    leaf = lambda n: {"place": places_[n].hex(), "hidden": hidden[n].hex()}
    nodes, size = few.nodes(1, 1), len(places_)
    def show(first, *which):  # Two leaves or one that are there, with what leads from them to the root
        end = first + len(which)
        return each_tree(1, lambda it: it.update(at=first, between=list(map(leaf, which)), before=subtrees(nodes, 0, first), after=subtrees(nodes, end, size)))
    absent = lambda change, value: made(change).of("correlation", value, 2)
    for name, value in {"in the middle": field, "before all": low, "behind all": high}.items():
        complete("I.10", f"a place {name}", absent(None, value))
    nth = sum(one < place(few.genesis, "correlation", field)[0] for one in places_)
    between = {"the two before it": show(nth - 2, nth - 2, nth - 1) if nth > 1 else None, "the two after it": show(nth, nth, nth + 1), "the one before it": show(nth - 1, nth - 1), "the one after it": show(nth, nth),
               "the first": show(0, 0), "the last": show(size - 1, size - 1), "those around it, turned": each_tree(1, lambda it: it["between"].reverse()), "none": show(nth),
               "those around it with another number": each_tree(1, lambda it: it.update(at=it["at"] + 1)), "a leaf that is not there": each_tree(1, lambda it: it["between"][0].update(hidden=ONES)),
               "a place that is not there": each_tree(1, lambda it: it["between"][0].update(place="00" * 32)), "itself": each_tree(1, lambda it: it["between"][1].update(place=place(few.genesis, "correlation", field)[0].hex()))}
    for name, change in between.items():
        if change and not (name == "the first" and nth == 1 or name == "the last" and nth == size - 1):
            case("I.6", f"no term, shown by {name}", absent(change, field), INVALID)
    for name, change in {"three": show(nth - 1, nth - 1, nth, nth + 1), "four": show(max(0, nth - 2), *range(max(0, nth - 2), max(0, nth - 2) + 4)), "all": show(0, *range(size))}.items():
        case("I.11", f"no term, shown by {name} leaves", absent(change, field), INVALID)
    case("I.6", "a place before all, shown by the last", absent(show(size - 1, size - 1), low), INVALID)
    case("I.6", "a place behind all, shown by the first", absent(show(0, 0), high), INVALID)
    case("I.6", "a place before all, shown by the first two", absent(show(0, 0, 1), low), INVALID)
    own = places_.index(place(few.genesis, "correlation", "c-1")[0])
    swapped = each_tree(1, lambda it: (it.pop("entries"), it.pop("digest"), it.update(at=own, between=[leaf(own)])) and None)
    case("I.6", "a term that is there, shown as its own neighbour", made(swapped).of("correlation", "c-1", 2), INVALID)
    turned = {("places", 1, 1): lambda it: it[::-1]}
    case("I.6", "a tree whose leaves descend", unsorted(turned, field, 1, nth), INVALID)
    for name, node in {"without a byte before": lambda where, hidden: H(where, hidden), "of an entry's byte": lambda where, hidden: H(b"\0", where, hidden), "turned": lambda where, hidden: H(b"\2", hidden, where)}.items():
        log = made({("nodes", 1, 1): lambda _: [node(*both) for both in zip(places_, hidden)]})
        case("I.6", f"leaves {name}", log.of("correlation", "c-1", 2), INVALID)
    acmes = place(few.genesis, "tenant", "acme")[0]
    number, digest = few.counted(1, 1, acmes)
    for name, value in {"without a byte before": H(big(number), digest), "of the digest alone": H(b"\3", digest), "of four bytes": H(b"\3", number.to_bytes(4, "big"), digest)}.items():
        at = places_.index(acmes)
        log = made({("nodes", 1, 1): lambda it: it[:at] + [H(b"\2", acmes, value)] + it[at + 1:]})
        case("I.6", f"a hidden count {name}", log.of("tenant", "acme", 2), INVALID)
    at = few.index("correlation", "c-1", 2)["index"]["trees"][1]
    wrong = {"one more in size": lambda it: it.update(size=it["size"] + 1), "one less in size": lambda it: it.update(size=it["size"] - 1), "no size": put("size", 0), "size 2^64 - 1": put("size", 2**64 - 1),
             "the next number": lambda it: it.update(at=it["at"] + 1), "number 2^64 - 1": put("at", 2**64 - 1), "number of the size": lambda it: it.update(at=it["size"]), "a hash more before": lambda it: it["before"].append(ONES), "a hash more after": lambda it: it["after"].append(ONES),
             "another root": put("root", ONES), "nothing before": put("before", []) if at["before"] else None, "nothing after": put("after", []) if at["after"] else None,
             "another hash before": (lambda it: it["before"].__setitem__(0, ONES)) if at["before"] else None, "another hash after": (lambda it: it["after"].__setitem__(0, ONES)) if at["after"] else None,
             "before and after turned": lambda it: it.update(before=it["after"], after=it["before"])}
    for name, edit in wrong.items():
        if edit:
            case("I.9", f"a tree with {name}", made(each_tree(1, edit)).of("correlation", "c-1", 2), INVALID)


def unsorted(change, value, block, nth):
    """A selection of no entry, by a tree that is not in order."""
    log = made(change)
    places_, hidden = log.tree(block, 1)
    log.change["index"] = lambda it: it["trees"][block].update(between=[{"place": places_[n].hex(), "hidden": hidden[n].hex()} for n in (len(places_) - nth - 1, len(places_) - nth)], at=len(places_) - nth - 1,
        before=subtrees(log.nodes(block, 1), 0, len(places_) - nth - 1), after=subtrees(log.nodes(block, 1), len(places_) - nth + 1, len(places_)))
    return log.of("correlation", value, 2)


