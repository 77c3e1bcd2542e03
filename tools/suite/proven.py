"""Cases of what an index says of a term (format 13.1, I.8 to I.13), and of entries that it denies (9)."""
import json
from cases import GONE, ONES, moved, put
from indexed import BEGINS, BOOK, CORRUPT, FEW, INVALID, LATER, LINE, MISMATCH, acme, case, complete, each_tree, line_of, made, note, opening, plain, said
from signer import OTHER, RECOVERY, US, H, Log, canonical, hour
from trees import OTHER_SEED, SEED, Indexed, public

NONE = "other"  # A kind of which there is nothing


def absent(change=None, epoch=2, **more): return made(change, **more).of("kind", NONE, epoch)
def spaced(line): return canonical(line).replace(b'":', b'": ', 1)


def lines():
    few = plain("few")
    index = few.index("tenant", "acme", 2)["index"]
    wrong = {"field": [GONE, None, 1, "decision", "document", "Tenant", "", "attestations"], "value": [GONE, None, 1, ["acme"]], "header": [GONE, None, {}, few.header_hashes[2]],
             "placed": [None, 1, "", index["placed"][2:], index["placed"] + "00", index["placed"].upper()], "since": [GONE, None, -1, 0.0, "0", 2**64], "key": [None, 1, "", ONES[2:]], "trees": [GONE, None, {}, "x", [1], [None] * 3], "more": [1]}
    for name, values in wrong.items():
        for value in values:
            case("I.8", f"{name} {'gone' if value is GONE else json.dumps(value)[:40]}", acme(said(put(name, value))), CORRUPT)
    wrong = {"size": [GONE, None, -1, "4", 4.0, 2**64], "root": [GONE, None, "", ONES[2:], "AB" * 32], "at": [GONE, None, -1, 2**64], "before": [GONE, None, {}, ["11"], [None]], "after": [GONE, None, [1]], "entries": [GONE, None, -1, "1", 2**64],
             "digest": [GONE, None, "11"], "between": [None, {}, [{"place": ONES, "hidden": ONES}]], "more": [1]}
    for name, values in wrong.items():
        for value in values:
            case("I.8", f"a tree, {name} {'gone' if value is GONE else json.dumps(value)[:40]}", acme(each_tree(1, put(name, value))), CORRUPT)
    for name in ("place", "hidden", "more"):
        for value in [GONE, None, "11", 1] if name != "more" else [1]:
            case("I.8", f"a leaf between, {name} {'gone' if value is GONE else json.dumps(value)}", absent(each_tree(2, lambda it: put(name, value)(it["between"][0]))), CORRUPT)
    for name, edit in {"neither a count nor leaves": lambda it: it.pop("between"), "both": lambda it: it.update(entries=1, digest=ONES), "a number without digest": lambda it: it.update(entries=1)}.items():
        case("I.8", f"a tree with {name}", absent(each_tree(1, lambda it: edit(it) and None)), CORRUPT)
    line = lambda edit: {"lines": lambda all: [edit(one) if isinstance(one, dict) and "index" in one else one for one in all]}
    case("I.8", "in another spelling", acme(line(spaced)), CORRUPT)
    case("I.8", "one member more beside", acme(line(lambda one: {**one, "z": 1})), CORRUPT)
    case("I.8", "no object", acme(line(lambda one: {"index": [one["index"]]})), CORRUPT)
    # Where it stands.
    for name, at in {"behind the first header": 2, "behind an entry": 3, "behind all entries": 7}.items():
        data = acme({"lines": moved("index", at)})
        case("I.8", name, data, ("bundle_corrupt", "document", line_of(data, "index")))
    for name, seqs in {"twice": None, "twice, of nothing": []}.items():
        data = made({"lines": lambda all: all[:2] + all[1:]}).of("tenant", "acme" if seqs is None else "nobody", 2)
        case("I.8", name, data, ("bundle_corrupt", "document", 2))
    data = made({"lines": lambda all: all[:2] + [few.index("kind", "note", 2)] + all[2:]}).of("tenant", "acme", 2)
    case("I.11", "of two terms", data, ("bundle_corrupt", "document", 2))
    case("I.8", "in a range", made({"lines": lambda all: all[:1] + [few.index("tenant", "acme", 2)] + all[1:]}).range(0, 5), CORRUPT)
    document = {"content": "x", "digest": "blake2b-256:" + H(b"x").hex(), "media_type": "text/plain"}
    stored = [[opening(), ("wcp.document", document)], [("wcp.decision", {"context": {"a": document["digest"]}, "tenant_id": "acme"})], [note()]]
    log = made(epochs=stored)
    with_document = lambda at: {"lines": lambda all: all[:at] + [{"document": log.entries[1]}] + all[at:]}
    complete("I.8", "behind a document", made(with_document(1), stored).of("tenant", "acme", 2))
    case("I.8", "before a document", made(with_document(2), stored).of("tenant", "acme", 2), ("bundle_corrupt", "document", 2))
    # Its header.
    at = ("epoch", 2)
    case("I.8", "a header that another signed", absent(by={("header", 2): OTHER}), ("epoch_signature_invalid", *at))
    case("I.8", "a header under a key of its own", absent(by={("header", 2): OTHER}, claimed={("header", 2): OTHER}), ("epoch_signature_invalid", *at))
    case("I.8", "a header that is signed as one of version 1", absent({("message", ("header", 2)): lambda it: it.replace(b":v2", b":v1")}), ("epoch_signature_invalid", *at))
    case("I.8", "a header that is signed as a head", absent({("message", ("header", 2)): lambda it: it.replace(b":epoch:", b":head:")}), ("epoch_signature_invalid", *at))
    case("I.8", "a header of another log", absent({("header", 2): put("log", OTHER.hex)}, by={("header", 2): OTHER}, claimed={("header", 2): OTHER}), ("log_key_mismatch", *at))
    case("I.8", "a header of another genesis", absent({("header", 2): put("genesis", ONES)}), ("genesis_mismatch", *at))
    for name, edit in {"of one entry less": put("tree_size", 2), "of no entry": put("tree_size", 0), "of half an hour": put("hour", hour(2, ":30:00")), "that was sealed before its hour": put("sealed_at", hour(1)),
                       "of 2^60 entries": lambda it: it.update(tree_size=2**60, last_seq=it["first_seq"] + 2**60 - 1)}.items():
        case("I.8", f"a header {name}", absent({("header", 2): edit}), ("epoch_invariant", *at))
    bare = lambda it: (it.pop("index"), it.pop("format"))[0] and None
    case("I.9", "a header that commits to no index", absent({("header", 2): bare}), INVALID)
    for name, index in {"of nothing": H(b"").hex(), "of zeros": "00" * 32, "of the epoch before": few.headers[1]["epoch"]["index"]}.items():
        case("I.7", f"a header with an index {name}", absent({("header", 2): put("index", index)}), INVALID)


def commitments():
    order = {"a tree less": lambda it: it["trees"].pop() and None, "the first less": lambda it: it["trees"].pop(0) and None, "a tree twice": lambda it: it["trees"].append(it["trees"][-1]), "none": put("trees", []), "turned": lambda it: it["trees"].reverse()}
    for name, edit in order.items():
        case("I.7", f"its trees, {name}", acme(said(edit)), INVALID)
    few, book = plain("few"), plain("book")
    case("I.7", "the trees of another header", acme(said(put("trees", few.index("tenant", "acme", 1)["index"]["trees"]))), INVALID)
    case("I.7", "the trees of another header, as many", Indexed(BOOK, 0, said(put("trees", book.index("tenant", "acme", 5)["index"]["trees"]))).of("tenant", "acme", 4), INVALID)
    blocks = {("epochs that are joined too early", 2): [(0, 2), (2, 1)], ("epochs that are joined too late", 3): [(0, 1), (1, 1), (2, 1), (3, 1)], ("all epochs as one", 3): [(0, 4)], ("none joined", 7): [(n, 1) for n in range(8)],
              ("halves that are not joined", 5): [(0, 2), (2, 2), (4, 1), (5, 1)], ("an epoch left out", 2): [(0, 1), (2, 1)], ("its own epoch left out", 2): [(0, 1), (1, 1)]}
    for (name, epoch), cover in blocks.items():
        case("I.7", f"a commitment to {name}", Indexed(BOOK, 0, {("blocks", epoch): lambda _: cover}).of("tenant", "acme", epoch), INVALID)
    for (name, epoch), cover in {("other blocks, as many", 3): [(0, 1), (1, 1), (2, 2)], ("blocks out of order", 3): [(2, 1), (0, 2), (3, 1)]}.items():
        case("I.7", f"a commitment to {name}", Indexed(BOOK, 0, {("blocks", epoch): lambda _: cover}).of("tenant", "acme", epoch), MISMATCH)
    trees = {"sizes left out": lambda it: [(0, root) for _, root in it], "trees turned": lambda it: it[::-1], "a tree less": lambda it: it[:-1], "one size more": lambda it: [(it[0][0] + 1, it[0][1])] + it[1:]}
    for name, edit in trees.items():
        case("I.7", f"a commitment with {name}", absent({("trees", 2): edit}), INVALID)
    case("I.7", "a commitment since another epoch", absent({("since", 2): lambda _: 1}), INVALID)
    case("I.7", "a commitment with a key, since the first epoch", absent({("key", 2): lambda _: public(SEED)}), INVALID)


def selections():
    few = plain("few")
    of = lambda seqs, change=None, filter=..., out=(), **more: made(change, **more).of("tenant", "acme", 2, seqs=seqs, filter=filter, out=out)
    for name, seqs in {"the first": [3, 4], "the last": [1, 3], "one between": [1, 4], "all but one": [3], "all": []}.items():
        case("I.9", f"{name} left out", of(seqs), MISMATCH)
    case("I.9", "one named that is not, and one not that is", of([1, 3, 4], {("omitted", 3): put("seq", 2)}, out=[3], filter=None), MISMATCH)
    case("I.9", "an entry more than the index counts", made(less={4: [("tenant", "acme")]}).of("tenant", "acme", 2), MISMATCH)
    case("I.9", "an entry in an epoch that has none by the index", made(less={1: [("tenant", "acme")]}).of("tenant", "acme", 2), MISMATCH)
    case("I.9", "no entry in an epoch that has one by the index", made(more={5: [("tenant", "acme")]}).of("tenant", "acme", 2), MISMATCH)
    case("I.9", "an entry without the term", of([1, 2, 3, 4], filter=None), MISMATCH)
    case("I.9", "an entry without the term alone", made().of("kind", NONE, 2, seqs=[2], filter=None), MISMATCH)
    for name, field, value in (("one entry for another", "tenant", "zeta"), ("an entry of another field", "correlation", "c-2")):
        case("I.9", name, made().of(field, value, 2, seqs=[4], filter=None), MISMATCH)
    after = lambda seqs: made().of("tenant", "acme", 0, seqs=seqs)
    for name, seqs in {"one entry": [1, 3], "two": [1, 3, 4]}.items():
        case("I.9", f"{name} of an epoch after the header's", after(seqs), ("index_mismatch", "entry", 1))
    case("I.9", "an entry without the term of an epoch after the header's", made().of("tenant", "acme", 0, seqs=[1, 5], filter=None), ("index_mismatch", "entry", 1))
    twin = lambda edit: {("header", 1): edit}
    for name, edit in {"sealed later": put("sealed_at", hour(1, ":31:00")), "with another index": put("index", ONES), "after another": put("prev", ONES)}.items():
        other = made(twin(edit))
        case("I.9", f"another header of its epoch, {name}", made(said(put("header", other.headers[1]))).of("kind", "note", 1) if name != "with another index" else other_header(few, other), ("epoch_invariant", "epoch", 1))
    # Those that are named.
    named = {"another leaf": put("leaf", ONES), "another number": put("seq", 2), "an epoch before": put("epoch", 0), "an epoch after": put("epoch", 2), "beyond the header": put("epoch", 3), "epoch 2^64 - 1": put("epoch", 2**64 - 1)}
    for name, edit in named.items():
        case("I.9", f"one named, {name}", of([1, 3, 4], {("omitted", 4): edit}, filter=None, out=[4]), MISMATCH)
    named = few.omitted(3)
    case("I.9", "one named twice", of([1, 3, 4], {"lines": lambda all: [both for one in all for both in ([one, one] if "omitted" in one else [one])]}, filter=None, out=[3]), MISMATCH)
    case("I.9", "one named and given", of([1, 3, 4], {"lines": lambda all: [both for one in all for both in ([named, one] if one.get("entry", {}).get("seq") == 3 else [one])]}, filter=None), MISMATCH)
    turned = lambda all: all[:2] + sorted(all[2:5], key=lambda one: -one["omitted"]["seq"]) + all[5:]
    case("I.9", "those named, turned", of([1, 3, 4], {"lines": turned}, filter=None, out=[1, 3, 4]), MISMATCH)
    swapped = lambda all: all[:3] + [all[4], all[3]] + all[5:]
    case("I.9", "two of one epoch named, turned", of([1, 3, 4], {"lines": swapped}, filter=None, out=[1, 3, 4]), MISMATCH)
    case("I.9", "one named behind entries of a later epoch", of([1, 3, 4], {"lines": lambda all: all[:2] + all[3:6] + [all[2]] + all[6:]}, filter=None, out=[1]), MISMATCH)
    case("I.9", "one named of a term that it has not", of([1, 2, 3, 4], filter=None, out=[2]), MISMATCH)
    one = few.omitted(3)["omitted"]
    for name in ("epoch", "leaf", "seq", "more"):
        for value in [GONE, None, "11", -1, 1.0, [1]] if name != "more" else [1]:
            data = of([1, 3, 4], {("omitted", 3): put(name, value)}, filter=None, out=[3])
            case("I.8", f"one named, {name} {'gone' if value is GONE else json.dumps(value)}", data, ("bundle_corrupt", "document", line_of(data, "omitted")))
    for name, edit in {"in another spelling": spaced, "with a member beside": lambda line: {**line, "z": 1}, "as a list": lambda line: {"omitted": [line["omitted"]]}}.items():
        data = of([1, 3, 4], {"lines": lambda all: [edit(line) if "omitted" in line else line for line in all]}, filter=None, out=[3])
        case("I.8", f"one named {name}", data, ("bundle_corrupt", "document", next(n for n, text in enumerate(data.split(b"\n")) if b"omitted" in text)))
    without = {"in a selection without the line": made({"lines": lambda all: all[:3] + [few.omitted(3)] + all[3:]}).given([1, 5]), "before the line": of([1, 3, 4], {"lines": lambda all: all[:1] + [few.omitted(1)] + all[1:]}, filter=None),
               "in a range": made({"lines": lambda all: all[:3] + [few.omitted(1)] + all[4:]}).range(0, 5), "where `uses` is empty": Log({"lines": lambda all: all[:1] + [few.omitted(1)] + all[1:]}).selection([3])}
    for name, data in without.items():
        case("I.8", f"one named {name}", data, ("bundle_corrupt", "document", line_of(data, "omitted")))
    data = of([1, 3, 4], {"lines": lambda all: all + [few.omitted(3)]}, filter=None)
    case("I4", "one named behind the opening line", data, ("bundle_corrupt", "document", line_of(data, "omitted")))
    # The filter.
    asked = {"nothing": {}, "another value": {"kinds": ["x"]}, "two kinds": {"kinds": [NONE, "x"]}, "no kind": {"kinds": []}, "no kind, said otherwise": {"kinds": None}, "another field": {"tenant": NONE}, "a time": {"since": hour(0)}, "the value as a field": {"correlation": NONE}}
    for name, filter in asked.items():
        case("I.9", f"a filter that asks for {name}", made().of("kind", NONE, 2, filter=filter), ("filter_mismatch", *LINE))
    for field, value, filter in (("tenant", "nobody", {"tenant": "acme"}), ("tenant", "8", {"tenant_json": "8"}), ("tenant_json", "8", {"tenant": "8"}), ("worker", "w", {"worker": "x"}), ("denied", "true", {"denied": False}), ("denied", "true", {"denied": None}), ("correlation", "c-9", {"correlation": None})):
        case("I.9", f"{field} {value}, a filter that asks for {json.dumps(filter)}", made().of(field, value, 2, filter=filter), ("filter_mismatch", *LINE))
    case("I.9", "entries that it has, and a filter that asks for nothing", of(None, filter={}), ("filter_mismatch", *LINE))
    beside = [[opening(), ("wcp.attestation", {"worker_id": "wrk.a"})], [note("acme", "c-1"), ("wcp.decision", {"correlation_id": "c-1", "worker_id": "wrk.a"})], [note()]]
    bare = {("signed", "closing"): lambda it: {"bundle": it["bundle"]}}
    case("I.9", "attestations beside a case, and nobody signed that", made(bare, beside).of("correlation", "c-1", 2, seqs=[1, 2, 3], filter={"attestations": True, "correlation": "c-1"}), MISMATCH, allow_unsigned=True)
    case("I.9", "an entry without the term, and nobody signed the filter", of([1, 2, 3, 4], bare, filter={}), MISMATCH, allow_unsigned=True)
    case("I.9", "the case of attestations, one of its entries left out", made(epochs=beside).of("correlation", "c-1", 2, seqs=[1, 3], filter={"attestations": True, "correlation": "c-1"}), MISMATCH)
    # What comes first.
    case("I.9", "the answer to another question is found before it", of([1, 3]), ("filter_mismatch", "file", None), tenant="zeta")
    case("I.9", "what the filter does not ask for is found behind it", of([1, 2, 3, 4]), MISMATCH)
    case("I.10", "nothing given where the index counts one", of([]), MISMATCH)
    case("I.10", "nothing where the index has nothing, and something is given", made(less={n: [("tenant", "acme")] for n in (1, 3, 4)}).of("tenant", "acme", 2), MISMATCH)


def other_header(few, other):
    """The line under one header of an epoch, and the entries under another one."""
    log = made({"lines": lambda all: [other.headers[1] if one.get("epoch", {}).get("epoch") == 1 else one for one in all]})
    return log.of("kind", "note", 1)


def later():
    log = plain("later")
    bare = lambda it: (it.pop("index"), it.pop("format"))[0] and None
    of = lambda change=None, epoch=5, seqs=None, filter=..., out=(), **more: made(change, LATER, 2, **more).of("tenant", "acme", epoch, seqs=seqs, filter=filter, out=out)
    for since in (0, 1, 3, 6, 7, 2**64 - 1):
        case("I.13", f"since {since} instead of 2", of(said(put("since", since))), INVALID)
    case("I.13", "without the key", of(said(put("key", GONE))), INVALID)
    case("I.13", "under another key", of(said(put("key", public(OTHER_SEED).hex()))), INVALID)
    case("I.13", "since the first epoch, without a key", of(said(lambda it: (it.pop("key"), it.update(since=0))[1])), INVALID)
    for name, change in {"a commitment without the key": {("key", 5): lambda _: b""}, "a commitment to another key": {("key", 5): lambda _: public(OTHER_SEED)}, "a commitment since another epoch": {("since", 5): lambda _: 0}}.items():
        case("I.13", name, of(change), INVALID)
    case("I.13", "a key where entry 0 has an index", acme(said(put("key", public(SEED).hex()))), INVALID)
    case("I.13", "since a later epoch where entry 0 has an index", acme(said(lambda it: it.update(since=1, key=public(SEED).hex()))), INVALID)
    case("I.13", "since the first epoch, and a key", acme(said(lambda it: it.update(key=public(SEED).hex()))), INVALID)
    never = [[opening(None), *FEW[0][1:]], *FEW[1:]]
    case("I.13", "since the first epoch where entry 0 has no index", made(epochs=never).of("kind", NONE, 2), INVALID)
    unjoined = {("blocks", 7): lambda _: [(2, 4), (6, 1), (7, 1)], ("blocks", 6): lambda _: [(2, 1), (3, 1), (4, 1), (5, 1), (6, 1)]}
    for epoch, name in ((7, "epochs that are joined across a multiple"), (6, "epochs that are not joined")):
        case("I.13", f"a commitment to {name}", of({("blocks", epoch): unjoined[("blocks", epoch)]}, epoch=epoch), INVALID)
    complete("I.13", "an entry left out of an epoch before it", of(seqs=[n for n in log.having("tenant", "acme", 5) if n != 1]))
    case("I.13", "an entry left out of its first epoch", of(seqs=[1, 2, 6, 7]), MISMATCH)
    case("I.13", "one named of an epoch before it", of(out=[2], filter=None), MISMATCH)
    complete("I.13", "one named of its first epoch", of(out=[4], filter=None))
    case("I.13", "an entry without the term of an epoch before it", of(seqs=[0, *log.having("tenant", "acme", 5)], filter=None), MISMATCH)
    case("I.13", "a header before the index", of(said(put("header", log.headers[1])), seqs=[1, 2]), INVALID)
    case("I.13", "a header before the index, and since it", of(said(lambda it: it.update(header=log.headers[1], since=1)), seqs=[1, 2]), INVALID)
    # The entry that begins it.
    last = len(log.entries) - 1
    spots = {"twice in its epoch": (2, [BEGINS, BEGINS, note("acme")]), "twice, each the first": (4, [BEGINS, note()]), "not the first of its epoch": (2, [note(), BEGINS])}
    for name, (k, contents) in spots.items():
        epochs = [contents if n == k else given for n, given in enumerate(LATER)]
        at = {"twice in its epoch": 4, "twice, each the first": 6, "not the first of its epoch": 4}[name]
        book = made(epochs=epochs, since=2)
        first = ("epoch_invariant", "epoch", 2) if name == "not the first of its epoch" else ("schema_violation", "entry", at)
        case("I.13", f"a range, what begins it {name}", book.range(0, len(book.entries) - 1), first)
        if name != "not the first of its epoch":
            case("I.13", f"a logbook, what begins it {name}", book.logbook(len(book.entries)), ("schema_violation", "entry", at))
            case("I.13", f"a selection, what begins it {name}", book.of("kind", "sealbook:format", 5), ("schema_violation", "entry", 1))
        else:
            case("I.13", f"a proof of what begins it {name}", book.proof(4), ("schema_violation", "entry", 0))
            case("I.13", f"a part, what begins it {name}", book.range(4, 6), ("schema_violation", "entry", 0))
    case("I.13", "a logbook with what begins it", log.logbook(last + 1), warnings=[], not_checked=["truncation"])
    none = {("header", k): bare for k in range(2, 8)}
    case("I.13", "a range, what begins it under a header without index", made(none, LATER, 2).range(0, last), ("schema_violation", "entry", 3))
    case("I.13", "a proof of what begins it, under a header without index", made({**none, "proof": put("uses", [])}, LATER, 2).proof(3), ("schema_violation", "entry", 0))
    twice = [FEW[0], [BEGINS, *FEW[1]], FEW[2]]
    book = made(epochs=twice)
    case("I.13", "a range, what begins it in a log with one", book.range(0, 6), ("schema_violation", "entry", 2))
    case("I.13", "a logbook, what begins it in a log with one", book.logbook(7), ("schema_violation", "entry", 2))
    case("I.13", "a proof of what begins it in a log with one", book.proof(2), ("schema_violation", "entry", 0))
    payloads = {"format 1": {"format": 1}, "format 2.0": {"format": 2.0}, "format 0": {"format": 0}, "no format": {"format": GONE}, "format 2^64": {"format": 2**64}, "no key": {"index": GONE}, "a short key": {"index": ONES[2:]}, "null as key": {"index": None}, "a member more": {"more": 1}}
    for name, more in payloads.items():
        payload = {name: value for name, value in {**BEGINS[1], **more}.items() if value is not GONE}
        epochs = [[("sealbook:format", payload), note("acme")] if n == 2 else given for n, given in enumerate(LATER)]
        case("I.13", f"a range, what begins it with {name}", made(epochs=epochs, since=2).range(0, last), ("schema_violation", "entry", 3))
        case("I.13", f"a logbook, what begins it with {name}", made(epochs=epochs, since=2).logbook(last + 1), ("schema_violation", "entry", 3))
    for value in (3, 2**64 - 1):
        epochs = [[("sealbook:format", {"format": value, "x": 1}), note("acme")] if n == 2 else given for n, given in enumerate(LATER)]
        for kind, data in (("range", made(epochs=epochs, since=2).range(0, last)), ("logbook", made(epochs=epochs, since=2).logbook(last + 1)), ("proof", made(epochs=epochs, since=2).proof(3))):
            case("U4", f"a {kind}, an entry that begins format {value}", data, error="format_unsupported")
        other = made(epochs=epochs, since=2, by={("entry", 3): OTHER})
        case("U4", f"an entry that begins format {value}, by another", other.logbook(last + 1), ("signature_invalid", "entry", 3))
    # Who began it.
    early = made({("header", 2): lambda it: it.update(format=2, index=ONES)}, LATER, 3)
    case("I.13", "an epoch before it whose header has an index", early.of("tenant", "acme", 5, seqs=[1, 2, 4, 6, 7]), INVALID)
    case("I.13", "an epoch of it whose header has no index", made({("header", 3): bare}, LATER, 2).of("tenant", "zeta", 5), INVALID)
    case("I.13", "what begins it names another key than the line", made(epochs=LATER, since=2, seed=OTHER_SEED).of("kind", "sealbook:format", 5), INVALID)
    case("I.13", "what begins it stands in a later epoch than the line says", made(epochs=LATER, since=1).of("kind", "sealbook:format", 5), INVALID)
    nobody = [[note("x"), *given[1:]] if n == 2 else given for n, given in enumerate(LATER)]
    case("I.1", "a range, an index that nothing begins", made(epochs=nobody, since=2).range(0, last), ("epoch_invariant", "epoch", 2))
    case("I.1", "a part, an index that nothing begins", made(epochs=nobody, since=2).range(2, 5), ("epoch_invariant", "epoch", 2))
    complete("I.13", "a selection of entries around what begins it", log.given([2, 4]))
    kept = lambda log, *epochs: b"".join(canonical(log.headers[k]) + b"\n" for k in epochs)
    case("I.13", "headers that were kept, before and after it began", log.range(0, last), contains=kept(log, 1, 2, 3))
    lost = made({("header", 4): bare}, LATER, 2)
    case("I.13", "a header that was kept, without index after one with one", log.range(0, 3), ("equivocation", "epoch", 4), contains=kept(lost, 3, 4))


def denied():
    proven = {"warnings": ["equivocation_proven"]}
    tenant = ("tenant", "acme")
    lost = {"an entry of no tenant by the index": (made(less={n: [tenant] for n in (1, 3, 4)}), 1, 2), "an entry of its own epoch": (made(less={3: [tenant]}), 3, 1), "an entry beside one that is counted": (made(less={3: [tenant]}), 3, 2),
            "an entry of joined epochs": (Indexed(BOOK, 0, less={6: [tenant]}), 6, 7), "an entry of the half without one": (Indexed(BOOK, 0, less={1: [tenant]}), 1, 4), "an entry of an index that began later": (made(less={4: [tenant]}, epochs=LATER, since=2), 4, 5),
            "an entry that has it not": (made(more={2: [tenant]}), 2, 2), "an entry that has it not, of joined epochs": (Indexed(BOOK, 0, more={4: [tenant]}), 4, 7)}
    for name, (log, n, epoch) in lost.items():
        case("Q1", f"the index denies {name}", log.denied(n, *tenant, epoch), **proven)
    for field, value in (("kind", "note"), ("correlation", "c-1")):
        case("Q1", f"the index denies an entry of {field}", made(less={1: [(field, value)]}).denied(1, field, value, 2), **proven)
    wrong = ("proof_invalid", "file", None)
    cheats = lambda change=None, less=3, **more: made(change, less={less: [tenant]}, **more)
    case("Q1", "an entry that the index counts", made().denied(3, *tenant, 2), wrong)
    case("Q1", "an entry that has not the term and is not counted", made().denied(2, *tenant, 2), wrong)
    case("Q1", "an entry of an epoch that has none", made().denied(5, *tenant, 2), wrong)
    case("Q1", "an entry of an epoch after the header's", cheats({"sides": lambda it: it[:1] + [made(less={3: [tenant]}).proof(3)[:-1]] + it[2:]}).denied(1, *tenant, 0), wrong)
    case("Q1", "an entry of an epoch before the index", made(epochs=LATER, since=2, change={"sides": lambda it: it[:1] + [plain_proof(1)] + it[2:]}).denied(5, *tenant, 5), wrong)
    counted = {"one left out": lambda it: [], "one more": lambda it: it + [{"leaf": ONES, "seq": 9}], "another leaf": lambda it: [{**it[0], "leaf": ONES}], "another number": lambda it: [{**it[0], "seq": 9}], "a member more": lambda it: [{**it[0], "x": 1}], "as a pair": lambda it: [it, it]}
    for name, edit in counted.items():
        case("Q1", f"the list of those counted, {name}", cheats({"counted": edit}).denied(3, *tenant, 2), wrong)
    for name, edit in {"turned": lambda it: it[::-1], "as one list": lambda it: [one for half in it for one in (half if isinstance(half[0], dict) else sum(half, []))], "a half alone": lambda it: it[0]}.items():
        case("Q1", f"the halves of those counted, {name}", Indexed(BOOK, 0, {"counted": edit}, less={6: [tenant]}).denied(6, *tenant, 7), wrong)
    case("Q1", "those counted where the tree has none", made(less={n: [tenant] for n in (1, 3, 4)}, change={"counted": lambda _: [{"leaf": ONES, "seq": 1}]}).denied(1, *tenant, 2), wrong)
    first = {"format 1": put("format", 1), "another kind": put("kind", "entries"), "another log": put("log", OTHER.hex), "a member more": put("x", 1)}
    for name, edit in first.items():
        case("Q1", f"its first line with {name}", cheats({"equivocation": edit}).denied(3, *tenant, 2), wrong)
    case("U2", "the index denies, format 3", cheats({"equivocation": put("format", 3)}).denied(3, *tenant, 2), error="format_unsupported")
    sides = {"turned": lambda it: [it[0], it[2], it[1], *it[3:]], "a line more": lambda it: it + [it[-1]], "one less": lambda it: it[:2], "the proof with a space": lambda it: [it[0], it[1].replace(b":", b": ", 1), *it[2:]], "the line of the index with a space": lambda it: [*it[:2], it[2].replace(b":", b": ", 1), *it[3:]]}
    for name, edit in sides.items():
        case("Q1", f"its lines, {name}", cheats({"sides": edit}).denied(3, *tenant, 2), wrong)
    case("Q1", "its last line without a newline", cheats().denied(3, *tenant, 2)[:-1], wrong)
    parts = {"a path less": {"proof": lambda it: it["path"].pop() and None}, "another path": {"proof": lambda it: it["path"].__setitem__(0, ONES)}, "a proof of version 1": {"proof": lambda it: [it.pop(name) for name in ("format", "opening", "uses")] and None},
             "a proof that uses nothing": {"proof": put("uses", [])}, "another opening entry": {"opening": lambda _: plain("later").entries[0]}, "an index of other trees": each_tree(1, put("root", ONES)), "another place": said(put("placed", "00" * 80)), "another value": said(put("value", "zeta")),
             "another root": {("header", 1): put("root", ONES)}, "a proof of the entry beside it": {("numbered", 3): put("seq", 4)}, "an epoch of no entry": {("header", 1): put("tree_size", 0)}}
    for name, change in parts.items():
        case("Q1", f"the index denies an entry, with {name}", cheats(change).denied(3, *tenant, 2), wrong)
    for name, stage in {"entry": ("entry", 3), "header": ("header", 1), "header of the index": ("header", 2), "opening entry": ("entry", 0)}.items():
        case("Q1", f"the index denies an entry, another signed the {name}", cheats(by={stage: OTHER}).denied(3, *tenant, 2), wrong)
    case("Q1", "the index of another log denies an entry", cheats({"sides": lambda it: it[:2] + [canonical(plain("book").index(*tenant, 2))] + it[3:]}).denied(3, *tenant, 2), wrong)
    case("Q2", "the index denies, of a key that nobody speaks of", cheats().denied(3, *tenant, 2), ("untrusted_key", "file", None), key=OTHER.hex)
    value = {"genesis": cheats().genesis, "hash": cheats().hashes[3].hex(), "log": US.hex, "reason": "stolen", "seq": 3}
    revoked = canonical({"revoke": value, "key": RECOVERY.hex, "signature": RECOVERY(b"sealbook:revoke:v1\x1f" + canonical(value))}) + b"\n"
    case("Q3", "the index denies, of a key that was revoked", cheats().denied(3, *tenant, 2), revoked=revoked, warnings=["equivocation_proven", "revocation_ignored"])


def plain_proof(n): return made(epochs=LATER, since=2).proof(n)[:-1]
