"""Cases of headers, heads and the other lines of bundles."""
import json
from cases import GONE, ONES, WRONG, case, made, member_cases, moved, of_proof, put, replaced, without
from signer import BUNDLES, FORMAT, GIVEN, HEADERS, OTHER, PROOFS, RANGES, SELECTIONS, US, ZERO, H, Log, canonical, digest, hour, line_of

HEADER = ["epoch", "first_seq", "genesis", "head", "hour", "last_seq", "log", "prev", "root", "sealed_at", "tree_size"]
HEAD = ["genesis", "hash", "log", "seq", "ts"]
CLOSING = ["bytes", "documents", "entries", "epochs", "format", "genesis", "hash", "log"]


def line(kind, name, nth=0, version=2):
    return ("document", line_of(kind, name, nth, version))


def headers():
    numbers = ("epoch", "first_seq", "last_seq", "tree_size")
    for kind in ("cut", "selection", "proof"):
        fault = of_proof(kind, None) or ("bundle_corrupt", *line(kind, "epoch"))
        member_cases("H1", kind, ("header", 1), HEADER, fault)
        member_cases("H1", kind, ("signed", ("header", 1)), ["key", "signature"], fault, wrong=["x", 1, None])
        for name in numbers:
            for value in (2**64, 10**40, float(5), "5"):
                case("H1", f"{kind}, {name} {value!r}", made(kind, {("header", 1): put(name, value)}), fault)
        for name in ("hour", "sealed_at"):
            for value in ("2026-03-01T11:00:00Z", "2026-03-01t11:00:00+00:00", "2026-03-01T11:00:00.000000+00:00", "2026-03-01T12:00:00+01:00", "2026-02-30T11:00:00+00:00", "10000-01-01T00:00:00+00:00"):
                case("H1", f"{kind}, {name} spelt {value}", made(kind, {("header", 1): put(name, value)}), fault)
    for kind in HEADERS:
        k = HEADERS[kind][-1]
        at = ("epoch", k)
        case("H2", f"{kind}, signed by another", made(kind, by={("header", k): OTHER}), ("epoch_signature_invalid", *at))
        case("H2", f"{kind}, under a key that it does not name", made(kind, by={("header", k): OTHER}, claimed={("header", k): OTHER}), ("epoch_signature_invalid", *at))
        case("H2", f"{kind}, signed as a head", made(kind, {("message", ("header", k)): lambda it: it.replace(b"sealbook:epoch:v1", b"sealbook:head:v1")}), ("epoch_signature_invalid", *at))
        case("H2", f"{kind}, signed as of version 2", made(kind, {("message", ("header", k)): lambda it: it.replace(b":v1", b":v2")}), ("epoch_signature_invalid", *at))
        if kind not in PROOFS:
            of_other = dict(change={("header", k): put("log", OTHER.hex)}, by={("header", k): OTHER}, claimed={("header", k): OTHER})
            case("H3", f"{kind}, a header of another log", made(kind, **of_other), ("log_key_mismatch", *at))
            case("H4", f"{kind}, a header of another genesis", made(kind, {("header", k): put("genesis", ONES)}), ("genesis_mismatch", *at))
        wrong_alone = {"one entry less": put("tree_size", 1 if k != 1 else 4), "none": put("tree_size", 0), "one more": put("tree_size", 6), "half an hour": put("hour", hour(k, ":30:00")),
                       "a microsecond past": put("hour", hour(k, ":00:00.000001")), "sealed before its hour": put("sealed_at", hour(k - 1, ":59:59.999999")),
                       "last before first": put("last_seq", 0 if k else 2**64 - 1), "2^64 - 1 entries": put("tree_size", 2**64 - 1)}
        for name, edit in wrong_alone.items():
            case("H5", f"{kind}, {name}", made(kind, {("header", k): edit}), ("epoch_invariant", *at))
        huge = lambda size: lambda it: it.update(tree_size=size, last_seq=it["first_seq"] + size - 1)
        case("H5", f"{kind}, 2^24 + 1 entries", made(kind, {("header", k): huge(2**24 + 1)}), ("epoch_invariant", *at))
        case("H5", f"{kind}, 2^60 entries", made(kind, {("header", k): huge(2**60)}), ("epoch_invariant", *at))
    for kind in ("cut", "selection", "proof", "proof5"):
        case("H6", f"{kind}, epoch 0 that does not begin the log", made(kind, {("header", 1): put("epoch", 0)}), ("epoch_invariant", "epoch", 0))
    for kind in ("whole", "first", "proof0"):
        case("H6", f"{kind}, entry 0 in epoch 1", made(kind, {("header", 0): put("epoch", 1)}), ("epoch_invariant", "epoch", 1))
        case("H7", f"{kind}, epoch 0 after another", made(kind, {("header", 0): put("prev", ONES)}), ("epoch_chain_broken", "epoch", 0))
    for kind in ("whole", "cut", "selection"):
        for value in (1, 0) + ((3, 2**64 - 1) if kind != "selection" else ()):
            case("H6", f"{kind}, epoch {value} after epoch 1", made(kind, {("header", 2): put("epoch", value)}), ("epoch_invariant", "epoch", value))
        gap = lambda it: it.update(first_seq=10, tree_size=1)
        case("H6", f"{kind}, an entry left out between epochs", made(kind, {("header", 2): gap}), ("epoch_invariant", "epoch", 2))
        case("H6", f"{kind}, an entry in two epochs", made(kind, {("header", 2): lambda it: it.update(first_seq=8, tree_size=3)}), ("epoch_invariant", "epoch", 2))
        case("H6", f"{kind}, an hour before the last", made(kind, {("header", 2): put("hour", hour(0))}), ("epoch_invariant", "epoch", 2))
        case("H6", f"{kind}, sealed before the last", made(kind, {("header", 1): put("sealed_at", hour(9)), }), ("epoch_invariant", "epoch", 2))
        case("H7", f"{kind}, after another header", made(kind, {("header", 2): put("prev", ONES)}), ("epoch_chain_broken", "epoch", 2))
    case("H7", "gap, after a header that is not there", made("gap", {("header", 2): put("prev", ONES)}), warnings=["epoch_gap"])
    case("H6", "gap, an epoch that begins in one before it", made("gap", {("header", 2): lambda it: it.update(first_seq=3, tree_size=8)}), ("epoch_invariant", "epoch", 2))
    for kind in ("cut", "selection", "proof"):
        case("H7", f"{kind}, its first header after one that is not there", made(kind, {("header", 1): put("prev", ONES), ("header", 2): lambda it: None}))
    for kind, k in (("tail", 2), ("whole", 0), ("whole", 2)):
        behind = {"lines": moved("head", line_of(kind, "epoch", 0 if kind == "tail" else k))} if kind == "tail" else {"lines": moved("head", line_of(kind, "epoch", k))}
        case("H8", f"{kind}, the header of epoch {k} after the head", made(kind, behind, version=1), ("bundle_corrupt", "epoch", k))
    # The end of an epoch: its tree, or that something of it is given.
    for kind, k in (("whole", 0), ("whole", 1), ("whole", 2), ("cut", 1), ("cut", 2), ("tail", 2)):
        case("R6", f"{kind}, epoch {k} with another root", made(kind, {("header", k): put("root", ONES)}), ("epoch_root_mismatch", "epoch", k))
    case("R6", "whole, an entry of epoch 0 missing at its end", made("whole", {"lines": without("entry", 3)}), ("epoch_root_mismatch", "epoch", 0))
    case("R6", "cut, without what stands before", made("cut", {"lines": without("before")}), ("epoch_root_mismatch", "epoch", 1))
    case("R6", "cut, without what stands after", made("cut", {"lines": without("after")}), ("epoch_root_mismatch", "epoch", 2))
    case("R6", "cut, another subtree before", made("cut", {"before": lambda it: [ONES] + it[1:]}), ("epoch_root_mismatch", "epoch", 1))
    case("R6", "cut, another subtree after", made("cut", {"after": lambda it: [ONES] + it[1:]}), ("epoch_root_mismatch", "epoch", 2))
    for kind, k in (("selection", 1), ("gap", 0), ("first", 0)):
        left_out = {"lines": lambda lines: [one for one in lines if not (isinstance(one, dict) and one.get("entry", {}).get("seq") in (6, 8) + (GIVEN[kind][0],))]}
        case("S5", f"{kind}, a header of epoch {k} for nothing", made(kind, left_out), ("bundle_corrupt", "epoch", k))
    case("S5", "selection, its last header for nothing", made("selection", {"lines": without("entry", 10)}), ("bundle_corrupt", "epoch", 2))
    for kind, k in (("whole", 1), ("selection", 2)):
        case("H6", f"{kind}, the header of epoch {k} twice", made(kind, {"lines": moved("epoch", line_of(kind, "epoch", k if kind == "whole" else 1), k, times=2)}),
             ("epoch_root_mismatch" if kind == "whole" else "bundle_corrupt", "epoch", k))


def heads():
    for kind in ("tail", "whole"):
        corrupt = ("bundle_corrupt", *line(kind, "head"))
        member_cases("A1", kind, "head", HEAD + ["epoch", "tree"], corrupt, ok=[("epoch", "null"), ("tree", "null")])
        for value in (1, 2.0, "2", None, GONE):
            case("A1", f"{kind}, format {'gone' if value is GONE else json.dumps(value)}", made(kind, {"head": put("format", value)}), corrupt)
        for name, tie in {"no hash": {"epoch": 2}, "one more": {"epoch": 2, "hash": ONES, "x": 1}, "a number": 2, "a negative epoch": {"epoch": -1, "hash": ONES}}.items():
            case("A1", f"{kind}, a tie with {name}", made(kind, {"head": put("epoch", tie)}), corrupt)
        for name, tree in {"no size": {"root": ONES}, "one more": {"root": ONES, "size": 1, "x": 1}, "a short root": {"root": "11", "size": 1}}.items():
            case("A1", f"{kind}, a tree with {name}", made(kind, {"head": put("tree", tree)}), corrupt)
        case("A1", f"{kind}, a tree", made(kind, {"head": put("tree", {"root": ONES, "size": 13})}))
        member_cases("A1", f"{kind}", "head", HEAD, ("bundle_corrupt", *line(kind, "head", version=1)), version=1, wrong=[None, 1.5])
        for version in (1, 2):
            at = ("file", None)
            case("A3", f"{kind}, a head of version {version} signed by another", made(kind, by={"head": OTHER}, version=version), ("signature_invalid", *at))
            case("A3", f"{kind}, a head of version {version} under a key of its own", made(kind, by={"head": OTHER}, claimed={"head": OTHER}, version=version), ("signature_invalid", *at))
            case("A3", f"{kind}, a head of version {version} signed as a header", made(kind, {("message", "head"): lambda it: it.replace(b":head:", b":epoch:")}, version=version), ("signature_invalid", *at))
            of_other = dict(change={"head": put("log", OTHER.hex)}, by={"head": OTHER}, claimed={"head": OTHER})
            case("A4", f"{kind}, a head of version {version} of another log", made(kind, **of_other, version=version), ("log_key_mismatch", *at))
            case("A5", f"{kind}, a head of version {version} of another genesis", made(kind, {"head": put("genesis", ONES)}, version=version), ("genesis_mismatch", *at))
            case("R8", f"{kind}, a head of version {version} of another entry", made(kind, {"head": put("hash", ONES)}, version=version), ("head_mismatch", *at))
            case("R8", f"{kind}, a head of version {version} of another number", made(kind, {"head": put("seq", 11)}, version=version), ("head_mismatch", *at))
        case("A6", f"{kind}, a head that stands on another header", made(kind, {"head": put("epoch", {"epoch": 2, "hash": ONES})}), ("epoch_chain_broken", "file", None))
        case("A6", f"{kind}, a head that stands on another epoch", made(kind, {"head": lambda it: it["epoch"].update(epoch=1)}), ("epoch_chain_broken", "file", None))
        case("A6", f"{kind}, a head that stands on nothing", made(kind, {"head": put("epoch", None)}), ("epoch_chain_broken", "file", None))
        case("A2", f"{kind}, the head twice", made(kind, {"lines": moved("head", line_of(kind, "head"), times=2)}), ("bundle_corrupt", "file", None))
        case("A2", f"{kind}, the head after the last entry", made(kind, {"lines": lambda lines: moved("head", len(lines) - 2)(lines)}), ("proof_invalid", "entry", list(GIVEN[kind]).index(11)))
    ended = lambda lines: lines[:-1] + [Log().head(10)] + lines[-1:]
    whole = Log({"lines": ended}).range(0, 10)
    case("A2", "a head behind the last entry of a range that ends with its epoch", whole, ("bundle_corrupt", "file", None))
    for kind in SELECTIONS:
        case("A2", f"{kind}, a head", made(kind, {"lines": lambda lines: lines[:-1] + [Log().head(10)] + lines[-1:]}), ("bundle_corrupt", "file", None))
    alone = Log()
    case("A6", "a tail whose header is not in the range", alone.range(11, 12))


def document_lines():
    for kind in ("cut", "selection"):
        for nth, edit_of in enumerate((lambda edit: {("document", 1): edit}, lambda edit: {("document", 5): edit})):
            n = (1, 5)[nth]
            at = [json.loads(one)["document"]["payload"]["digest"] for one in Log().file(kind).split(b"\n") if one.startswith(b'{"document"')].index(digest({"rules": [1]}) if n == 1 else digest("allow = true\n"))
            place = line(kind, "document", at)
            for name in ("kind", "payload", "prev_hash", "signature", "ts"):
                for value in (GONE, [1], None, 1.5):
                    case("D1", f"{kind}, document {n}, {name} {'gone' if value is GONE else json.dumps(value)}", made(kind, edit_of(put(name, value))), ("schema_violation", *place))
            case("D1", f"{kind}, document {n} with a number", made(kind, edit_of(put("seq", n))), ("schema_violation", *place))
            case("D3", f"{kind}, document {n}, a damaged signature", made(kind, edit_of(put("signature", "11" * 64))), ("signature_invalid", *place))
            other = lambda it: it.update(signature=OTHER(signing(it)))
            case("D3", f"{kind}, document {n} signed by another", made(kind, edit_of(other)), ("signature_invalid", *place))
            signed = lambda edit: lambda it: (edit(it), it.update(signature=US(signing(it))))[1]
            case("D4", f"{kind}, document {n} is a note", made(kind, edit_of(signed(put("kind", "note")))), ("bundle_corrupt", *place))
            inside = lambda edit: edit_of(signed(lambda it: edit(it["payload"])))
            for name, edit in {"no media type": put("media_type", GONE), "a number as digest": put("digest", 1), "one member more": put("more", 1), "no content": put("content", GONE), "a number as media type": put("media_type", 7)}.items():
                case("D5", f"{kind}, document {n}, {name}", made(kind, inside(edit)), ("schema_violation", *place))
            case("D6", f"{kind}, document {n}, another content", made(kind, inside(put("content", "other"))), ("document_mismatch", *place))
            case("D6", f"{kind}, document {n}, another digest", made(kind, inside(put("digest", digest("other")))), ("document_mismatch", *place))
            case("D5", f"{kind}, document {n}, an actor", made(kind, inside(put("_actor", "x"))))
            case("D1", f"{kind}, document {n} in another spelling", made(kind, {"lines": lambda lines: [spelt(one) if one is lines[place[1]] else one for one in lines]}), ("schema_violation", *place))
            case("R9" if kind == "cut" else "S7", f"{kind}, document {n} is missing", made(kind, {"lines": lambda lines: [one for one in lines if one is not lines[place[1]]]}), ("document_missing", "entry", 0))
        case("D7", f"{kind}, documents turned", made(kind, {"documents": lambda it: it[::-1]}), ("bundle_corrupt", *line(kind, "document", 1)))
        case("D7", f"{kind}, a document twice", made(kind, {"documents": lambda it: [it[0], it[0], it[1]]}), ("bundle_corrupt", *line(kind, "document", 1)))
        case("D2", f"{kind}, a document behind the first header", made(kind, {"lines": lambda lines: lines[:2] + [lines[3], lines[2]] + lines[4:]}), ("bundle_corrupt", *line(kind, "document", 1, 2)[:1], 3))
        unasked = document({"asked": "by nobody"})
        case("D8", f"{kind}, a document that nobody refers to", made(kind, {"documents": lambda it: sorted(it + [unasked], key=lambda one: one["document"]["payload"]["digest"])}),
             ("bundle_corrupt", "document", 1 + sorted([digest({"rules": [1]}), digest("allow = true\n"), digest({"asked": "by nobody"})]).index(digest({"asked": "by nobody"}))))
        both = lambda it: [unasked] if it[0]["document"]["payload"]["digest"] > "" else it
        case("D8", f"{kind}, one unreferred and others missing", made(kind, {"documents": both}), ("bundle_corrupt", "document", 1))
    twice = {"lines": lambda lines: lines[:1] + [{"document": Log().entries[5]}] + lines[1:]}
    case("D8", "a document among the entries, too", Log(twice).range(0, 12), ("bundle_corrupt", "document", 1))
    for kind in ("logbook", "whole"):
        missing = {("payload", 2): put("context", {"rules": digest("nowhere")})}
        case("R9" if kind == "whole" else "L9", f"{kind}, a document that is nowhere", made(kind, missing), ("document_missing", "entry", 2))
        for name, payload in {"deep in a list": {"context": [[{"x": [digest("nowhere")]}]]}, "the context itself": {"context": digest("nowhere")},
                              "as the slice of a registry": {"context": {"registry": digest("nowhere")}, "format": 2}}.items():
            case("R9" if kind == "whole" else "L9", f"{kind}, named {name}", made(kind, {("payload", 2): lambda _: payload}), ("document_missing", "entry", 2))
        for name, payload in {"outside of the context": {"rules": digest("nowhere")}, "as a name": {"context": {digest("nowhere"): 1}}, "in upper case": {"context": digest("nowhere").upper()},
                              "within a text": {"context": "see " + digest("nowhere")}, "bare": {"context": digest("nowhere")[12:]}}.items():
            case("R9" if kind == "whole" else "L9", f"{kind}, {name} is no reference", made(kind, {("payload", 2): lambda _: payload}))
        for name in ("note", "sealbook:clock", "wcp.document.x", "Wcp.decision"):
            fault = ("document_missing", "entry", 2) if name == "wcp.document.x" else None
            case("R9" if kind == "whole" else "L9", f"{kind}, kind {name}", made(kind, {**missing, ("entry", 2): put("kind", name)}), fault)
        for name in ("manifest.verify", "vacant.card", "hall.x", "wcp."):
            case("R9" if kind == "whole" else "L9", f"{kind}, kind {name}", made(kind, {**missing, ("entry", 2): put("kind", name)}), ("document_missing", "entry", 2))
    later = {("payload", 2): put("context", {}), ("payload", 4): lambda _: {"context": digest(LATE)}, ("entry", 4): put("kind", "wcp.x"),
             ("payload", 7): lambda _: {"content": LATE, "digest": digest(LATE), "media_type": ""}, ("entry", 7): put("kind", "wcp.document")}
    case("L9", "a document after the entry that refers to it", made("logbook", later))


LATE = "late"


def signing(entry):
    from signer import signing_payload
    return signing_payload(entry)


def document(content):
    entry = {"kind": "wcp.document", "payload": {"content": content, "digest": digest(content), "media_type": "t"}, "prev_hash": ONES, "ts": hour(0)}
    return {"document": {**entry, "signature": US(signing(entry))}}


def spelt(one):
    return json.dumps(one).encode()


def opening_lines():
    for kind in BUNDLES + ["proof", "proof5"]:
        at = ("document", 0) if FORMAT[kind] == "proof" else line(kind, "opening")
        if kind in ("cut", "selection", "proof"):
            for name in ("kind", "payload", "prev_hash", "signature", "ts"):
                for value in (GONE, [1], None):
                    fault = of_proof(kind, ("schema_violation", *at))
                    case("O1", f"{kind}, {name} {'gone' if value is GONE else json.dumps(value)}", made(kind, {"opening": put(name, value)}), fault)
            case("O1", f"{kind}, with a number", made(kind, {"opening": put("seq", 0)}), of_proof(kind, ("schema_violation", *at)))
        again = lambda edit, by=US: lambda it: (edit(it), it.update(signature=by(signing(it))))[1]
        case("O2", f"{kind}, names an entry before", made(kind, {"opening": again(put("prev_hash", ONES))}), ("prev_hash_mismatch", *at))
        case("O3", f"{kind}, signed by another", made(kind, {"opening": again(lambda it: None, OTHER)}), ("signature_invalid", *at))
        case("O4", f"{kind}, another kind", made(kind, {"opening": again(put("kind", "note"))}), ("schema_violation", *at))
        case("O4", f"{kind}, one member more", made(kind, {"opening": again(lambda it: it["payload"].update(more=1))}), ("schema_violation", *at))
        case("O4", f"{kind}, no nonce", made(kind, {"opening": again(lambda it: it["payload"].pop("nonce"))}), ("schema_violation", *at))
        case("O5", f"{kind}, another log", made(kind, {"opening": again(lambda it: it["payload"].update(log=OTHER.hex))}), ("log_key_mismatch", *at))
        case("O6", f"{kind}, another genesis", made(kind, {"opening": again(lambda it: it["payload"].update(nonce="08" * 16))}), ("genesis_mismatch", *at))
        case("U4", f"{kind}, an opening line of format 7", made(kind, {"opening": again(lambda it: it["payload"].update(format=7))}), error="format_unsupported")
    for kind in ("cut", "selection"):
        end = len(Log().file(kind).split(b"\n")) - 2
        case("Z1", f"{kind}, no opening line", made(kind, {"lines": without("opening")}), ("bundle_corrupt", "document", end - 1))
        case("I4", f"{kind}, the opening line first", made(kind, {"lines": moved("opening", 1)}), ("bundle_corrupt", "document", 2))
        case("I4", f"{kind}, the opening line twice", made(kind, {"lines": lambda lines: lines + [lines[-1]]}), ("bundle_corrupt", "document", end))
        case("I2", f"{kind}, an opening line in version 1", made(kind, {"lines": lambda lines: lines + [{"opening": Log().entries[0]}]}, version=1), ("bundle_corrupt", "document", end - 1))


def framing():
    for kind in BUNDLES:
        members = ["contents", "format", "genesis", "log"] + (["first_seq", "last_seq"] if kind in RANGES else [])
        if kind in ("cut", "selection"):
            member_cases("F2", kind, "first", [one for one in members if one != "format"], ("bundle_corrupt", "document", 0))
            member_cases("F2", kind, "first", ["uses"], ("bundle_corrupt", "document", 0), ok=[("uses", '{}')], wrong=[None, 1, {"a": 1}, [1]])
            for version in (1, 2):
                for value in (GONE, 0, -1, 1.0, "2", None):
                    case("F2", f"{kind} of version {version}, format {'gone' if value is GONE else json.dumps(value)}", made(kind, {"first": put("format", value)}, version), ("bundle_corrupt", "document", 0))
            case("F2", f"{kind}, `uses` in version 1", made(kind, {"first": put("uses", [])}, 1), ("bundle_corrupt", "document", 0))
            for value in (3, 2**53, 2**64 - 1):
                case("U2", f"{kind}, format {value}", made(kind, {"first": put("format", value)}), error="format_unsupported")
            case("U3", f"{kind}, a use", made(kind, {"first": put("uses", ["colour"])}), error="format_unsupported")
            case("F2", f"{kind}, format 2^64", made(kind, {"first": put("format", 2**64)}), ("bundle_corrupt", "document", 0))
        other = {"contents": "selection" if kind in RANGES else "range"}
        case("F3", f"{kind}, another key is trusted", made(kind), ("untrusted_key", "file", None), key=OTHER.hex)
        case("F3", f"{kind}, no key is trusted", made(kind), ("untrusted_key", "file", None), key=None)
        end = len(Log().file(kind).split(b"\n")) - 2
        at = ("document", end)
        if kind in ("cut", "selection", "tail"):
            wrong = [None, 1.5, -1, [1]]
            for name in CLOSING:
                for value in [GONE, *wrong]:
                    case("Z2", f"{kind}, {name} {'gone' if value is GONE else json.dumps(value)}", made(kind, {"closing": put(name, value)}), ("bundle_corrupt", *at))
            case("Z2", f"{kind}, one member more", made(kind, {"closing": put("more", 1)}), ("bundle_corrupt", *at))
            for value in (GONE, 1, "x", [1], True):
                case("Z2", f"{kind}, filter {'gone' if value is GONE else json.dumps(value)}", made(kind, {"closing": put("filter", value)}), ("bundle_corrupt", *at))
            case("Z2", f"{kind}, a filter in version 1", made(kind, {"closing": put("filter", None)}, 1), ("bundle_corrupt", "document", end - 1))
            case("Z2", f"{kind}, a closing record in another spelling", made(kind, {("signed", "closing"): spelt}), ("bundle_corrupt", *at))
            case("Z2", f"{kind}, one member more beside", made(kind, {("signed", "closing"): put("more", 1)}), ("bundle_corrupt", *at))
            for name in ("bytes", "documents", "entries", "epochs"):
                for more in (1, -1):
                    if name != "documents" or more > 0 or kind in ("cut", "selection"):
                        case("Z3", f"{kind}, {name} {more:+}", made(kind, {"closing": lambda it: it.update({name: it[name] + more})}), ("bundle_corrupt", *at))
            case("Z3", f"{kind}, another hash", made(kind, {"closing": put("hash", ONES)}), ("bundle_corrupt", *at))
            case("Z3", f"{kind}, another genesis", made(kind, {"closing": put("genesis", ONES)}), ("bundle_corrupt", *at))
            case("Z3", f"{kind}, another log", made(kind, {"closing": put("log", OTHER.hex)}, by={"closing": OTHER}, claimed={"closing": OTHER}), ("bundle_corrupt", *at))
            case("Z3", f"{kind}, another version", made(kind, {"closing": lambda it: (it.update(format=1), it.pop("filter"))[0]}), ("bundle_corrupt", *at))
        case("Z4", f"{kind}, the closing record signed by another", made(kind, by={"closing": OTHER}), ("signature_invalid", *at))
        case("Z4", f"{kind}, the closing record under a key of its own", made(kind, by={"closing": OTHER}, claimed={"closing": OTHER}), ("signature_invalid", *at))
        bare = {("signed", "closing"): lambda it: {"bundle": it["bundle"]}}
        case("Z5", f"{kind}, nobody signed the closing record", made(kind, bare), ("bundle_unsigned", *at))
        case("Z5", f"{kind}, nobody signed the closing record, allowed", made(kind, bare), allow_unsigned=True,
             not_checked=["bundle_unsigned"] if kind in RANGES else ["bundle_unsigned", "chain", "completeness"])
        case("Z3", f"{kind}, counts before signature", made(kind, {"closing": put("hash", ONES)}, by={"closing": OTHER}), ("bundle_corrupt", *at))
        data = made(kind)
        for name, tail in {"a line": b"{}\n", "a blank line": b"\n", "another closing record": data.split(b"\n")[-2] + b"\n", "an entry": data.split(b"\n")[-4] + b"\n", "bytes without a newline": b"x", "a space": b" "}.items():
            case("Z6", f"{kind}, after the end: {name}", data + tail, ("bundle_corrupt", "document", end + 1))
        lines = data.split(b"\n")
        case("Z7", f"{kind}, no closing record", b"".join(one + b"\n" for one in lines[:-2]), ("truncated", "document", end))
        case("Z7", f"{kind}, cut within the closing record", data[:-20], ("truncated", "document", end))
        case("Z7", f"{kind}, without its last newline", data[:-1], ("truncated", "document", end))
        case("Z7", f"{kind}, cut after its first line", lines[0] + b"\n", ("truncated", "document", 1))
        odd = {"an empty line": b"", "an empty object": b"{}", "another object": b'{"x":1}', "a list": b"[]", "no JSON": b"x", "no UTF-8": b'{"x":"\xff"}', "a second first line": lines[0]}
        for name, one in odd.items():
            case("I2", f"{kind}, {name}", made(kind, {"lines": lambda it: it[:2] + [one] + it[2:]}), ("bundle_corrupt", "document", 2))
        for nth in {1, len(lines) - 4}:
            body = {"lines": lambda it: [spelt(one) if k == nth else one for k, one in enumerate(it)]}
            entry = lines[nth].startswith(b'{"entry"')
            fault = ("schema_violation", "entry", len(GIVEN[kind]) - 1) if entry else ("schema_violation" if lines[nth].startswith(b'{"document"') else "bundle_corrupt", "document", nth)
            case("I3", f"{kind}, line {nth} in another spelling", made(kind, body), fault)
        case("I3", f"{kind}, CR LF", data.replace(b"\n", b"\r\n"), ("bundle_corrupt", "document", 0))
        case("I3", f"{kind}, a byte-order mark", b"\xef\xbb\xbf" + data, ("bundle_corrupt", "document", 0))
    for kind in ("whole", "cut"):
        case("I3", f"{kind}, an entry with a space", made(kind, {"lines": replaced("entry", lambda one: canonical(one).replace(b'"kind":', b'"kind": '), 7)}), ("schema_violation", "entry", GIVEN[kind].index(7)))
    case("R7", "a range that says it goes on", made("cut", {"first": put("last_seq", 10)}), ("truncated", "file", None))
    case("R7", "a range that ends before its first", made("cut", {"first": put("last_seq", 3)}), ("truncated", "file", None))
    case("R7", "a range of nothing", Log({"lines": lambda lines: [lines[0], lines[-1]]}).range(6, 9), ("truncated", "file", None))
    case("S1", "a selection of nothing", Log().selection([]), warnings=["empty"], not_checked=["chain", "completeness"])
    case("E2", "a range that begins earlier than it says", made("cut", {"first": put("first_seq", 7)}), ("bundle_corrupt", "epoch", 1))
    case("E2", "a whole range that begins later than it says", made("whole", {"first": put("first_seq", 1)}), ("sequence_gap", "entry", 0))
    case("R7", "a tail that ends earlier than it says", made("tail", {"first": put("last_seq", 13)}), ("truncated", "file", None))
    for what in ("before", "after"):
        wrong = {"a string": "x", "null": None, "an object": {}, "a number in it": [1], "short hex in it": ["11"], "upper case in it": ["AB" * 32]}
        for name, value in wrong.items():
            case("B1", f"{what}: {name}", made("cut", {what: lambda _: value if value is not None else None} if value is not None else {"lines": replaced(what, lambda one: {what: None})}), ("bundle_corrupt", *line("cut", what)))
        case("B1", f"{what}: one member more", made("cut", {"lines": replaced(what, lambda one: {**one, "x": 1})}), ("bundle_corrupt", *line("cut", what)))
        k = 1 if what == "before" else 2
        case("B3", f"{what}: one less", made("cut", {what: lambda it: it[1:]}), ("bundle_corrupt", "epoch", k))
        case("B3", f"{what}: one more", made("cut", {what: lambda it: it + [ONES]}), ("bundle_corrupt", "epoch", k))
        case("B3", f"{what}: none", made("cut", {what: lambda it: []}), ("bundle_corrupt", "epoch", k))
        for kind in SELECTIONS:
            case("B2", f"{kind}: {what}", made(kind, {"lines": lambda lines: lines[:-1] + [{what: [ONES]}] + lines[-1:]}), ("bundle_corrupt", "file", None))
        case("B2", f"{what} outside of any epoch", made("cut", {"lines": lambda lines: lines[:1] + [{what: [ONES]}] + lines[1:]}), ("bundle_corrupt", "file", None))
        case("B2", f"{what} under a head", made("tail", {"lines": lambda lines: lines[:-1] + [{what: [ONES]}] + lines[-1:]}), ("bundle_corrupt", "file", None))
    case("B3", "before, behind the first entry", made("cut", {"lines": lambda lines: moved("before", line_of("cut", "before") + 1)(lines)}), ("bundle_corrupt", "epoch", 1))
    case("B3", "before, twice", made("cut", {"lines": lambda lines: moved("before", line_of("cut", "before"), times=2)(lines)}), ("bundle_corrupt", "epoch", 1))
    case("B3", "after, before the last entry", made("cut", {"lines": lambda lines: moved("after", line_of("cut", "after") - 1)(lines)}), ("epoch_root_mismatch", "epoch", 2))
    case("B3", "after, twice", made("cut", {"lines": lambda lines: moved("after", line_of("cut", "after"), times=2)(lines)}), ("bundle_corrupt", "epoch", 2))
    case("B3", "before, where the epoch is whole", made("whole", {"lines": lambda lines: lines[:2] + [{"before": [ONES]}] + lines[2:]}), ("bundle_corrupt", "epoch", 0))


def proofs():
    for kind in PROOFS:
        for version in (1, 2):
            whole = json.loads(made(kind, version=version))
            for name in whole:
                gone = {k: v for k, v in whole.items() if k != name}
                if name == "format":
                    continue
                if name in ("entry", "epoch", "path"):
                    says_other = name != "entry"
                    case("N2" if says_other else "P1", f"{kind} of version {version} without {name}", canonical(gone) + b"\n", ("format_mismatch" if says_other else "proof_invalid", "file", None), **{"as": "proof"})
                else:
                    case("P1", f"{kind} of version {version} without {name}", canonical(gone) + b"\n", ("proof_invalid", "file", None))
            case("P1", f"{kind} of version {version}, one member more", canonical({**whole, "x": 1}) + b"\n", ("proof_invalid", "file", None))
            data = canonical(whole)
            for name, bytes in {"no newline": data, "two newlines": data + b"\n\n", "spaces": json.dumps(whole).encode() + b"\n", "CR LF": data + b"\r\n", "a second proof": data + b"\n" + data + b"\n",
                                "a byte-order mark": b"\xef\xbb\xbf" + data + b"\n"}.items():
                case("P1", f"{kind} of version {version}, {name}", bytes, ("proof_invalid", "file", None))
            case("P3", f"{kind} of version {version}, another key is trusted", data + b"\n", ("untrusted_key", "file", None), key=OTHER.hex)
        case("U2", f"{kind}, format 3", made(kind, {"proof": put("format", 3)}), error="format_unsupported")
        case("U3", f"{kind}, a use", made(kind, {"proof": put("uses", ["x"])}), error="format_unsupported")
        for value in (0, 1, -2, 2.0, "2", None, 2**64):
            case("P1", f"{kind}, format {json.dumps(value)}", made(kind, {"proof": put("format", value)}), ("proof_invalid", "file", None))
        for value in ({}, "x", None, [1], ["11"]):
            case("P1", f"{kind}, path {json.dumps(value)}", made(kind, {"proof": put("path", value)}), ("proof_invalid", "file", None))
    case("E14", "a proof of an entry outside of its epoch", made("proof", {("numbered", 6): put("seq", 9)}), ("proof_invalid", "entry", 0))
    case("E14", "a proof of an entry before its epoch", made("proof", {("numbered", 6): put("seq", 3)}), ("proof_invalid", "entry", 0))
    case("E14", "a proof of the entry beside it", made("proof", {("numbered", 6): put("seq", 7)}), ("proof_invalid", "entry", 0))
