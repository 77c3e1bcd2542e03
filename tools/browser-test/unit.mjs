// The scripts that verify in a browser, run under node: on the vectors of RFC
// 7693 and RFC 8032, on the project's own, and on bundles broken in every place.
//
//   node tools/browser-test/unit.mjs

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

import { answer, supports } from "./conformance.mjs";
import { unsigned } from "./lies.mjs";

const root = new URL("../../", import.meta.url);
const read = (path) => readFileSync(new URL(path, root));
const lines = (path) => String(read(path)).trim().split("\n").map((line) => JSON.parse(line));
const load = (name) => import(new URL(`src/report/script/${name}.js`, root));

const { blake2b } = await load("blake2b");
const { fromHex, toHex, utf8 } = await load("bytes");
const { parseCanonical } = await load("json");
const { isTime } = await load("time");
const { readEntry, readOpening } = await load("entry");
const { rootOf, sidesOf } = await load("merkle");
const { hashLeaf, hashNode, readTlogProof, sameRoot } = await load("note");
const { readPolicy } = await load("policy");
const { between, judgeCheckpoint, judgeKept, timesIn, timesText, weighed } = await load("times");
const { canVerify, hasStrictForm, verifyStrict } = await load("strict");
const { verifyBundle } = await load("bundle");
const { coversOf } = await load("drop");
const { bundlesIn, inflated, verifyFile, verifyGiven } = await load("given");
const { commitmentOf, redactedIn, redactedText } = await load("redacted");
const { sha256 } = await load("sha256");
const { fingerprintOf, isKeyOf, judge, readKey } = await load("verdict");
const { visible } = await load("text");

let passed = 0;
async function test(name, check) {
  await check();
  passed += 1;
  console.log(`ok ${name}`);
}

// RFC 7693 appendix E: digests of four lengths over inputs of six, with a key
// and without, and the digest of them all.
function selfTest() {
  const sequence = (length, seed) => {
    let a = Math.imul(0xdead4bad, seed) >>> 0;
    let b = 1;
    return Uint8Array.from({ length }, () => {
      const sum = (a + b) >>> 0;
      [a, b] = [b, sum];
      return sum >>> 24;
    });
  };
  const all = [];
  for (const length of [20, 32, 48, 64]) {
    for (const size of [0, 3, 128, 129, 255, 1024]) {
      const input = sequence(size, size);
      all.push(...blake2b(input, length), ...blake2b(input, length, sequence(length, length)));
    }
  }
  return toHex(blake2b(Uint8Array.from(all)));
}

await test("commitments of redacted members are those of the format document", () => {
  for (const text of String(read("fixtures/format/redacted.jsonl")).trim().split("\n")) {
    const said = parseCanonical(text);
    const [pointer, salt, genesis] = ["pointer", "salt", "genesis"].map((name) => said.get(name));
    assert.equal(commitmentOf(genesis, { pointer, salt, value: said.get("value") }), said.get("commitment"));
  }
});

await test("the bundles of several logs end with their closing records and nowhere else", () => {
  const first = '{"sealbook":{}}\n{"entry":"{\\"bundle\\":"}\n{"bundle":{}}\n';
  const second = '{"bundl":1}\n{"bundle\n {"bundle":\n"\u2028{"bundle":"\n{"bundle":{},"key":""}\n';
  const third = '{"bundle":1}\n';
  const cut = '{"sealbook":{}}\n{"bundle":{}';
  assert.deepEqual(bundlesIn(first + second + third + cut), [first, second, third, cut]);
  assert.deepEqual(bundlesIn(`${first}abc\ndef`), [first, "abc\ndef"]);
  assert.deepEqual(bundlesIn(cut), [cut]);
  assert.deepEqual(bundlesIn(""), []);
});

await test("where something was taken out is found, and said in words", () => {
  const hash = "ab".repeat(32);
  const payload = parseCanonical(`{"a~/b":[1,{"sealbook:redacted":"${hash}"}],"c":{"sealbook:redacted":"x"},"d":{"sealbook:redacted":"${hash}","z":1}}`);
  assert.deepEqual([...redactedIn(payload)], [["/a~0~1b/1", hash]]);
  assert.equal(redactedText({ members: 0, opened: 0 }), null);
  assert.match(redactedText({ members: 1, opened: 0 }), /^1 value was taken out .* withheld or erased/);
  assert.match(redactedText({ members: 3, opened: 2 }), /2 are opened here, .*; the others are withheld or erased\.$/);
});

await test("BLAKE2b gives the digests of RFC 7693", () => {
  assert.equal(
    toHex(blake2b(utf8("abc"), 64)),
    "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1" +
      "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
  );
  assert.equal(selfTest(), "c23a7800d98123bd10f506c61e29da5603d763b8bbad2e737f5e765a7bccd475");
});

await test("entries have the reference signing payloads and hashes", async () => {
  const cases = lines("fixtures/vectors/entries.jsonl");
  let signed = 0;
  for (const { expect, kind, prev_hash, public_key } of cases) {
    const payload = expect.canonical_payload;
    const text = `{"kind":${JSON.stringify(kind)},"payload":${payload},"prev_hash":"${prev_hash}","seq":1,"signature":"${expect.signature}","ts":"${expect.ts_utc}"}`;
    const entry = readEntry(parseCanonical(text));
    assert.equal(entry.hash, expect.hash);
    assert.ok(await verifyStrict(fromHex(public_key, 32), entry.signed, entry.signatureBytes));
    signed += 1;
  }
  assert.ok(signed >= 10, `only ${signed}`);
});

await test("JSON in another spelling is refused", () => {
  for (const text of [
    '{"a":1,"a":2}', '{"b":1,"a":2}', '{"a": 1}', "[1,]", "[01]", "[-0]", "[1.50]", "[1e5]", "[1E+16]",
    "[1e+5]", "[0.00001]", "[10000000000000000.0]", "[1e+400]", "[1e-400]", '["\\u0041"]', '["\\/"]',
    '["\\u000a"]', '["\\u001F"]', '["\t"]', '["\\ud800"]', "nul", "", "[1] ", "[NaN]", '{"\u{1f600}":1,"\uffff":2}',
    "[".repeat(132) + "]".repeat(132), `[${"9".repeat(4301)}]`,
  ]) {
    assert.throws(() => parseCanonical(text), /not canonical JSON/, text.slice(0, 40));
  }
  for (const text of [
    "[0,-1,123456789012345678901234567890]", "[1.0,-0.0,0.0,0.0001,1e-05,1.5e+16,1e+16,1234567890123456.0,1e+100]",
    '{"\uffff":1,"\u{1f600}":2}', '["\\u001f\\b\\"\\\\/\u007f\u2028"]', "{}", "[]", '{"__proto__":1}', `[${"9".repeat(4300)}]`,
  ]) {
    assert.doesNotThrow(() => parseCanonical(text), text);
  }
});

await test("times are read in their one spelling", () => {
  for (const time of ["2026-02-28T23:59:59+00:00", "0001-01-01T00:00:00+00:00", "2024-02-29T00:00:00.000001+00:00"]) {
    assert.equal(isTime(time), time);
  }
  for (const time of ["2026-02-30T00:00:00+00:00", "2026-01-01T24:00:00+00:00", "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.5+00:00", "2026-01-01T00:00:00.000000+00:00", "0000-01-01T00:00:00+00:00", 5]) {
    assert.equal(isTime(time), undefined, String(time));
  }
});

await test("paths have the lengths that RFC 6962 gives them", () => {
  assert.deepEqual(sidesOf(2, 5), ["right", "left", "right"]);
  assert.deepEqual(sidesOf(4, 5), ["left"]);
  assert.deepEqual(sidesOf(0, 1), []);
  assert.equal(sidesOf(5, 5), null);
  for (let size = 1; size < 130; size += 1) {
    for (let index = 0; index < size; index += 1) {
      assert.ok(sidesOf(index, size).length <= Math.ceil(Math.log2(size)));
    }
  }
});

await test("signatures that strict verification refuses are refused", async () => {
  assert.ok(await canVerify());
  const zero = new Uint8Array(64);
  const small = new Uint8Array(32);
  assert.equal(hasStrictForm(small, zero), false);
  const key = fromHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", 32);
  const good = fromHex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00", 64);
  assert.ok(await verifyStrict(key, Uint8Array.of(0x72), good));
  // S + L stands for the same scalar.
  const order = fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", 32);
  const high = good.slice();
  let carry = 0;
  for (let at = 0; at < 32; at += 1) {
    carry += good[32 + at] + order[at];
    high[32 + at] = carry & 0xff;
    carry >>= 8;
  }
  assert.equal(await verifyStrict(key, Uint8Array.of(0x72), high), false);
  for (const name of ["", "80"]) {
    // y = p + 1, which is 1: the identity, spelt otherwise; with either sign.
    const r = fromHex(`ee${"ff".repeat(30)}${name === "" ? "7f" : "ff"}`, 32);
    const forged = good.slice();
    forged.set(r);
    assert.equal(hasStrictForm(key, forged), false);
  }
});

// Public vectors that are not ours to commit, if they lie beside the checkout.
const shared = new URL("../shared/third-party/", root);
if (existsSync(shared)) {
  await test("verdicts on CCTV are the strict accept set", async () => {
    const parse = (name) => JSON.parse(readFileSync(new URL(name, shared)));
    const accepted = [];
    for (const { number, key, msg, sig } of parse("ed25519_cctv.json")) {
      const [a, s] = [fromHex(key, 32), fromHex(sig, 64)];
      if (a && s && (await verifyStrict(a, utf8(msg), s))) {
        accepted.push(number);
      }
    }
    assert.deepEqual(accepted, parse("strict_accept_set.json"));
  });
}

const bundle = new Uint8Array(read("fixtures/format/selection.bundle"));
const log = String(read("fixtures/format/key.txt")).trim();

await test("the example of the format verifies, and only with its key green", async () => {
  const found = await verifyBundle(bundle);
  assert.deepEqual(found.faults, []);
  assert.equal(found.log, log);
  assert.equal(found.entries.length, 2);
  assert.equal(found.documents.size, 2);
  const state = (able, key) => judge({ able, faults: found.faults, log, key }).state;
  assert.equal(state(true, log), "verified");
  assert.equal(state(true, null), "unconfirmed");
  assert.equal(state(true, undefined), "unconfirmed");
  assert.equal(state(true, "00".repeat(32)), "failed");
  assert.equal(state(false, log), "unable");
  assert.equal(readKey(` ${log.toUpperCase()}\n`), log);
  assert.equal(readKey("zz"), undefined);
});

await test("one function decides the colour, over every combination", () => {
  const fault = { code: "signature_invalid", detail: "x", at: "entry", index: 0, seq: 0, line: 3 };
  const other = "00".repeat(32);
  let green = 0;
  let tried = 0;
  for (const able of [true, false]) {
    for (const faults of [[], [fault], [fault, fault]]) {
      for (const from of [log, other, null]) {
        for (const key of [log, other, null, undefined]) {
          for (const open of [null, "one entry is not sealed yet"]) {
            for (const unsupported of [null, "format 3"]) {
              const { state, why } = judge({ able, faults, log: from, key, open, unsupported });
              const expected =
                unsupported !== null ? "unable"
                : faults.length > 0 ? "failed"
                : !able ? "unable"
                : key === undefined || key === null ? "unconfirmed"
                : key !== from ? "failed"
                : open !== null ? "unconfirmed"
                : "verified";
              assert.equal(state, expected, JSON.stringify({ able, faults: faults.length, from, key, open, unsupported }));
              assert.ok(why.length > 20);
              green += state === "verified" ? 1 : 0;
              tried += 1;
            }
          }
        }
      }
    }
  }
  // The key that was typed, the log's, over what nothing is wrong with: log or other.
  assert.deepEqual([tried, green], [288, 2]);
});

await test("what is of a later format is not judged, and is not a pass", async () => {
  const later = utf8(String(read("fixtures/format/selection.v2.bundle")).replace('"format":2,', '"format":3,'));
  const found = await verifyBundle(later);
  assert.equal(found.unsupported, "format 3");
  const { state } = judge({ able: true, faults: found.faults, log: found.log, key: log, unsupported: found.unsupported });
  assert.equal(state, "unable");
});

await test("changed bytes of the example are found, wherever they stand", async () => {
  // All of them take some ten seconds: EVERY=1.
  const stride = Number(process.env.EVERY ?? 11);
  for (let at = 0; at < bundle.length; at += stride) {
    const broken = bundle.slice();
    broken[at] ^= 1;
    const found = await verifyBundle(broken);
    const trusted = judge({ able: true, faults: found.faults, log: found.log, key: log });
    assert.equal(trusted.state, "failed", `byte ${at}`);
  }
});

await test("an entry that opens a log names the keys of version 2, each or both", () => {
  const hex = (bytes) => "ab".repeat(bytes);
  const opening = (format, index, second) => ({
    kind: "sealbook:open",
    payload: parseCanonical(`{"format":${format},${index ? `"index":"${hex(32)}",` : ""}"log":"${hex(32)}","nonce":"${hex(16)}","origin":"",${second ? `"post_quantum":"${hex(second)}",` : ""}"predecessor":null,"recovery_key_sha256":null}`),
  });
  for (const [format, index, second] of [[1, false, 0], [2, true, 0], [2, false, 1312], [2, true, 1312]]) {
    assert.equal(readOpening(opening(format, index, second)).log, hex(32));
  }
  for (const [format, index, second] of [[2, false, 0], [1, true, 0], [1, false, 1312], [2, true, 1311]]) {
    assert.throws(() => readOpening(opening(format, index, second)), `${format} ${index} ${second}`);
  }
});

await test("an index that denies an entry is proven, and no byte of the proof can be another", async () => {
  for (const name of ["denied", "absent"]) {
    const proof = new Uint8Array(read(`fixtures/format/index.${name}.equivocation`));
    const found = await verifyFile(proof);
    assert.deepEqual([found.faults, found.contradiction?.kind], [[], "index"], name);
    assert.deepEqual(found.warnings, ["equivocation_proven"]);
    for (let at = 0; at < proof.length; at += 1) {
      const changed = proof.slice();
      changed[at] ^= 1;
      const refused = await verifyFile(changed).then(({ faults, log: named }) => faults.length > 0 || named !== found.log, () => true);
      assert.ok(refused, `${name}, byte ${at}`);
    }
  }
  const selection = await verifyBundle(new Uint8Array(read("fixtures/format/index.selection.bundle")));
  assert.deepEqual([selection.faults, selection.complete?.entries], [[], 2]);
  assert.match(coversOf(selection), /complete by the log's signed index up to entry 9 \(epoch 2\)$/);
  assert.deepEqual(selection.notChecked, ["chain", "index"]);
  // Of two filters: what the second leaves out is named, each line of it counts.
  const both = String(read("fixtures/ledgers/v2/order-1.t-2.bundle")).trim().split("\n");
  const judged = (rows) => verifyBundle(utf8(`${rows.join("\n")}\n`));
  const two = await judged(both);
  assert.deepEqual([two.faults, two.entries.length, two.complete.entries, two.complete.omitted], [[], 2, 6, 4]);
  assert.deepEqual(two.notChecked, ["chain", "index", "omitted"]);
  assert.match(coversOf(two), /, but for \d of 6 with \w+ "[\w-]+" that are named and left out$/);
  for (const [at, row] of both.entries()) {
    if (row.startsWith('{"omitted":')) {
      for (const changed of [both.toSpliced(at, 1), both.toSpliced(at, 0, row)]) {
        const codes = (await judged(changed)).faults.map(({ code }) => code);
        assert.ok(codes.includes("index_mismatch"), codes);
      }
    }
  }
  // An index that began later than the log.
  const later = new Uint8Array(read("fixtures/format/index.later.bundle"));
  const over = await verifyBundle(later);
  assert.deepEqual([over.faults, over.complete?.since, over.notChecked], [[], 1, ["chain", "completeness", "index"]]);
  assert.match(coversOf(over), /complete by the log's signed index from epoch 1 up to entry 8 \(epoch 3\)$/);
  // The last digit of the key in the line.
  later[String.fromCharCode(...later).indexOf('","placed"') - 1] ^= 1;
  assert.equal((await verifyBundle(later)).faults[0].code, "bundle_corrupt");
});

await test("dropped, doubled and cut lines are found", async () => {
  const text = String(read("fixtures/format/selection.bundle"));
  const rows = text.split("\n").slice(0, -1);
  const found = async (changed) => (await verifyBundle(utf8(changed.map((row) => `${row}\n`).join("")))).faults;
  for (let at = 0; at < rows.length; at += 1) {
    assert.notDeepEqual(await found(rows.toSpliced(at, 1)), [], `dropped ${at}`);
    assert.notDeepEqual(await found(rows.toSpliced(at, 0, rows[at])), [], `doubled ${at}`);
    assert.notDeepEqual(await found(rows.slice(0, at)), [], `cut ${at}`);
  }
  assert.notDeepEqual((await verifyBundle(bundle.slice(0, -1))).faults, []);
  const edited = rows.map((row) => row.replace('"zeta"', '"beta"'));
  const [first] = await found(edited);
  assert.deepEqual([first.code, first.seq, first.index], ["signature_invalid", 4, 1]);
});

await test("hidden and turning characters are shown as what they are", () => {
  assert.equal(visible("a\u202eb\u200bc\u0000\u001b[31m"), "a⟨U+202E⟩b⟨U+200B⟩c⟨U+0000⟩⟨U+001B⟩[31m");
  assert.equal(visible("ok é 漢 <b>"), "ok é 漢 <b>");
  assert.equal(visible("\u{e0041}"), "⟨U+E0041⟩");
});

await test("the cases of the format document are judged as it says", async () => {
  const sorted = (list, name) => [...new Set(list.map((one) => (name ? one[name] : one)))].sort();
  const counts = { agreed: 0 };
  const lacking = new Set();
  for (const name of readdirSync(new URL("fixtures/format/suite/", root))) {
    for (const one of String(gunzipSync(read(`fixtures/format/suite/${name}`))).trim().split("\n").map((line) => JSON.parse(line))) {
      if (one.needs.some((need) => !supports.includes(need))) {
        lacking.add(one.needs.find((need) => !supports.includes(need)));
        continue;
      }
      const said = await answer(one);
      const [first = null] = said.faults ?? [];
      assert.deepEqual(said.verdict ?? "none", one.verdict, one.name);
      assert.deepEqual(first, one.fault && { code: one.fault.code, at: one.fault.at, index: one.fault.index }, one.name);
      assert.equal(one.error === null || one.error === said.error?.code, true, one.name);
      for (const [list, wanted] of [[sorted(said.warnings ?? [], "code"), one.warnings], [sorted(said.not_checked ?? []), one.not_checked]]) {
        assert.deepEqual(wanted === null ? list : sorted(wanted), list, one.name);
      }
      counts.agreed += 1;
    }
  }
  assert.ok(counts.agreed > 2800, JSON.stringify(counts));
  console.log(`   ${counts.agreed} cases; not judged: ${[...lacking].sort().join(", ")}`);
});

await test("zstd is decoded, and what is damaged is refused", async () => {
  const compressed = [];
  for (const name of readdirSync(new URL("fixtures/format/suite/", root))) {
    const cases = String(gunzipSync(read(`fixtures/format/suite/${name}`))).trim().split("\n").map((line) => JSON.parse(line));
    compressed.push(...cases.filter((one) => one.needs.includes("zstd")));
  }
  let decoded = 0;
  for (const one of compressed) {
    const bytes = new Uint8Array(Buffer.from(one.file, "base64"));
    const { as } = one.options;
    const given = { keys: [one.key].flat() };
    const judged = as === "logbook" ? inflated(bytes).then(({ plain }) => verifyFile(plain, given, as)) : verifyGiven(bytes, given, as ? `x.${as}` : "");
    const found = await judged.catch((error) => error);
    const failed = found instanceof Error || found.faults.length > 0;
    assert.equal(failed, one.verdict !== "pass", `${one.name}: ${found.message ?? JSON.stringify(found.faults)}`);
    decoded += failed ? 0 : 1;
  }
  assert.ok(decoded >= 5 && compressed.length > 30, `${decoded} of ${compressed.length}`);
});

await test("what the index says is complete is, and what lacks an entry is refused", async () => {
  const key = String(read("fixtures/ledgers/v2/key.txt")).trim();
  for (const [name, field, entries] of [["order-1", "correlation", null], ["t-2", "tenant", null], ["no-zeta", "tenant", 0]]) {
    const text = String(read(`fixtures/ledgers/v2/${name}.bundle`));
    const found = await verifyBundle(utf8(text));
    assert.deepEqual(found.faults, [], name);
    assert.equal(found.log, key);
    assert.equal(found.complete.field, field);
    assert.equal(found.complete.entries, entries ?? found.entries.length);
    assert.ok(!found.notChecked.includes("completeness") && found.notChecked.includes("index"));
    const lines = text.trimEnd().split("\n").slice(0, -1);
    const given = lines.flatMap((line, at) => (line.startsWith('{"entry":') ? [at] : []));
    for (const at of given) {
      // Somebody without the key takes the entry out, and its header if it was the only one.
      const alone = lines[at - 1].startsWith('{"epoch":') && !lines[at + 1]?.startsWith('{"entry":');
      const less = unsigned(lines.filter((_, line) => line !== at && !(alone && line === at - 1)));
      const { faults, complete } = await verifyBundle(utf8(less), { allowUnsigned: true });
      assert.ok(faults.some(({ code }) => code === "index_mismatch"), `${name} without line ${at}: ${JSON.stringify(faults)}`);
      assert.equal(complete, null);
    }
    const said = lines.findIndex((line) => line.startsWith('{"index":'));
    for (const [what, edit, code] of [
      ["a count", (line) => line.replace(/"entries":(\d+)/, (_, n) => `"entries":${Number(n) + 1}`), "index_invalid"],
      ["a root", (line) => line.replace(/"root":"(.)/g, (_, digit) => `"root":"${digit === "0" ? 1 : 0}`), "index_invalid"],
      ["another place", (line) => line.replace(/"place":"(.)/, (_, digit) => `"place":"${digit === "0" ? 1 : 0}`), "index_invalid"],
      ["the proof of a place", (line) => line.replace(/"placed":"(..)/, (_, digits) => `"placed":"${digits === "00" ? "01" : "00"}`), "index_invalid"],
      ["another term", (line) => line.replace(/"value":"[^"]*"/, '"value":"other"'), "filter_mismatch"],
    ]) {
      const changed = edit(lines[said]);
      if (changed === lines[said]) continue;
      const { faults } = await verifyBundle(utf8(unsigned(lines.toSpliced(said, 1, changed))), { allowUnsigned: true });
      assert.ok(faults.some((fault) => fault.code === code || fault.code === "index_invalid"), `${name}, ${what}: ${JSON.stringify(faults)}`);
    }
  }
});

await test("an entry stands between two times that a quorum signed, and between none without one", async () => {
  const named = (name, type, pair) => {
    const raw = pair.publicKey.export({ type: "spki", format: "der" }).subarray(-32);
    const key = Buffer.concat([Buffer.of(type), raw]);
    const id = createHash("sha256").update(`${name}\n`).update(key).digest().subarray(0, 4);
    return { name, id, vkey: `${name}+${id.toString("hex")}+${key.toString("base64")}`, pair, raw };
  };
  const line = ({ name, id, pair }, message, before = Buffer.alloc(0)) => `\u2014 ${name} ${Buffer.concat([id, before, sign(null, Buffer.from(message), pair.privateKey)]).toString("base64")}\n`;
  const own = named("log.example/x", 1, generateKeyPairSync("ed25519"));
  const witnesses = ["a", "b", "c"].map((name) => named(`${name}.example`, 4, generateKeyPairSync("ed25519")));
  const leaves = Array.from({ length: 30 }, (_, at) => sha256(Uint8Array.of(at)));
  const rootOver = (size) => rootOf(leaves.slice(0, size).map((leaf) => [0, hashLeaf(leaf)]), hashNode);
  const checkpoint = (size, times, root = rootOver(size)) => {
    const text = `${own.name}\n${size}\n${Buffer.from(root).toString("base64")}\n`;
    const cosigned = times.flatMap((time, at) => {
      const seconds = Buffer.alloc(8);
      seconds.writeBigUInt64BE(BigInt(time ?? 0));
      return time === null ? [] : [line(witnesses[at], `cosignature/v1\ntime ${time}\n${text}`, seconds)];
    });
    return `${text}\n${line(own, text)}${cosigned.join("")}`;
  };
  const policy = readPolicy(`log ${own.vkey}\n${witnesses.map(({ vkey }, at) => `witness ${"abc"[at]} ${vkey}\n`).join("")}group two 2 a b c\nquorum two\n`);
  const start = Date.parse("2026-03-01T10:00:00Z") / 1000;
  const spelt = (seconds) => `${new Date(seconds * 1000).toISOString().slice(0, 19)}+00:00`;
  const kept = (seq, note) => ({ seq, ts: spelt(start + seq * 60), payload: new Map([["checkpoint", note]]) });
  const at = (size) => start + size * 60;
  const entries = [
    kept(10, checkpoint(10, [at(10) + 5, at(10) + 9, at(10) + 20])),
    kept(20, checkpoint(20, [at(20) + 1, at(20) + 2, null])),
    // One witness is not a quorum; another root, a time of tomorrow and a false name say nothing.
    kept(22, checkpoint(22, [at(22), null, null])),
    kept(24, checkpoint(24, [at(24), at(24), at(24)], sha256(Uint8Array.of(0)))),
    kept(26, checkpoint(26, [at(26), at(26) + 86_400, null])),
    kept(28, checkpoint(28, [at(28), at(28), null]).replace("b.example", "x.example").replace(/\u2014 a/, "\u2014 a")),
  ];
  const times = await judgeKept(entries, {
    log: toHex(own.raw), policy,
    isOfLog: ({ size, root }) => sameRoot(rootOver(size), root),
    timeOf: (seq) => spelt(at(seq)),
  });
  const said = (seq) => {
    const { notEarlier, notLater } = between(times, seq);
    return [notEarlier && [notEarlier.time - at(notEarlier.size), notEarlier.by.join("")], notLater && [notLater.time - at(notLater.size), notLater.by.join("")]];
  };
  // Upper: the latest of the best quorum; lower: the earliest of the best.
  assert.deepEqual(said(5), [null, [9, "ab"]]);
  assert.deepEqual(said(10), [null, [2, "ab"]]);
  assert.deepEqual(said(11), [[9, "bc"], [2, "ab"]]);
  assert.deepEqual(said(19), [[9, "bc"], [2, "ab"]]);
  assert.deepEqual(said(21), [[1, "ab"], null]);
  assert.deepEqual(said(29), [[1, "ab"], null]);
  assert.deepEqual(times.faults.map(({ seq }) => seq), [24]);
  assert.match(times.faults[0].detail, /not shown to be of this log/);
  assert.equal(times.cosigned.find(({ size }) => size === 26).leftOut[0].why, "after the entry that records it");
  assert.deepEqual(timesText(times, 11), ["not earlier than 2026-03-01 10:10:09 UTC, by b, c", "not later than 2026-03-01 10:20:02 UTC, by a, b"]);
  // A proof of the public log bounds the one entry that it proves.
  const chain = leaves.map((leaf, seq) => ({ seq, leaf, kind: "note", ts: spelt(at(seq)), payload: new Map() }));
  const pathOf = (index, size) => sidesOf(index, size).map((side, level) => {
    const first = side === "right" ? (Math.floor(index / 2 ** level) + 1) * 2 ** level : (Math.floor(index / 2 ** level) - 1) * 2 ** level;
    return rootOf(leaves.slice(first, Math.min(size, first + 2 ** level)).map((leaf) => [0, hashLeaf(leaf)]), hashNode);
  });
  const proof = (index, note) => readTlogProof(`c2sp.org/tlog-proof@v1\nindex ${index}\n${pathOf(index, 16).map((hash) => `${Buffer.from(hash).toString("base64")}\n`).join("")}\n${note}`);
  const held = checkpoint(16, [at(16), at(16) + 7, null]);
  const part = { log: toHex(own.raw), entries: chain.slice(3, 6).map((entry) => ({ entry })) };
  const shown = await timesIn(part, policy, [proof(4, held)]);
  assert.deepEqual([3, 4, 5].map((seq) => timesText(shown, seq).length), [0, 1, 0]);
  assert.equal(between(shown, 4).notLater.time, at(16) + 7);
  for (const wrong of [proof(5, checkpoint(16, [at(16)], sha256(Uint8Array.of(1)))), { ...proof(4, held), index: 5 }, proof(9, held)]) {
    const { cosigned, faults } = await timesIn(part, policy, [wrong]);
    assert.deepEqual([cosigned.length, faults.length], [0, 1]);
  }
  // So do the places that a report carries; what is wrong of them says nothing.
  const place = (seq) => ({ seq, path: pathOf(seq, 16).map(toHex) });
  const carries = { holding: [{ checkpoint: held, entries: [place(4), place(5), { ...place(3), path: [] }] }], kept: ["{}\n"] };
  const carried = await timesIn(part, policy, [], carries);
  assert.deepEqual([3, 4, 5].map((seq) => timesText(carried, seq).length), [0, 1, 1]);
  assert.deepEqual(carried.faults.map(({ seq }) => seq), [3, 0]);
  assert.equal((await timesIn(part, policy, [], { holding: [{}] })).faults.length, 1);
  assert.match(carried.said, /^by 1 checkpoint of log\.example\/x/);
  // A quorum that is not shown is a fault, as for the command line.
  const weight = async (policy, note, ...more) => weighed(await timesIn(part, policy, [proof(4, note)], ...more));
  assert.deepEqual(await weight(policy, held), { faults: [], open: null, notChecked: [] });
  assert.deepEqual((await weight(policy, checkpoint(16, [at(16), null, null]))).faults.map(({ code }) => code), ["quorum_missing"]);
  assert.match((await weight(policy, held, carries)).open, /^2 things that should show times do not hold, the first of entry 3: /);
  assert.deepEqual(weighed(null), { faults: [], open: null, notChecked: [] });
  // Signatures by ML-DSA are not judged here: what hangs on them is never green.
  const key = Buffer.concat([Buffer.of(6), Buffer.alloc(1312, 7)]);
  const id = createHash("sha256").update("q.example\n").update(key).digest().subarray(0, 4);
  const [a] = witnesses;
  const asks = (quorum) => readPolicy(`witness a ${a.vkey}\nwitness q q.example+${id.toString("hex")}+${key.toString("base64")}\ngroup both all a q\nquorum ${quorum}\n`);
  const signed = `${held}\u2014 q.example ${Buffer.concat([id, Buffer.alloc(2428, 1)]).toString("base64")}\n`;
  const hangs = await weight(asks("both"), signed);
  assert.deepEqual(hangs.faults, []);
  assert.match(hangs.open, /hangs on signatures by ML-DSA, which this page does not judge/);
  assert.match(hangs.notChecked[0], /^the ML-DSA signatures of q: /);
  const given = { able: true, faults: [], log: "00".repeat(32), key: "00".repeat(32) };
  assert.equal(judge({ ...given, open: hangs.open }).state, "unconfirmed");
  assert.deepEqual((await weight(asks("both"), held)).faults.map(({ code }) => code), ["quorum_missing"]);
  const beside = await weight(asks("a"), signed);
  assert.deepEqual([beside.faults, beside.open, beside.notChecked.length], [[], null, 1]);
  assert.throws(() => readTlogProof("c2sp.org/tlog-proof@v1\nindex 01\n\nx"), /not a proof/);
  // A false signature under a witness's own name makes the note worthless.
  const forged = checkpoint(10, [at(10), at(10), null]).replace(/(\u2014 a\.example .{20})(.)/, (_, head, letter) => `${head}${letter === "A" ? "B" : "A"}`);
  await assert.rejects(judgeCheckpoint(forged, { log: toHex(own.raw), policy }), /is false|no signature/);
  await assert.rejects(judgeCheckpoint(checkpoint(10, [at(10)]), { log: "00".repeat(32), policy }), /did not sign/);
  for (const text of ["quorum none", "witness a x\nquorum none\n", "quorum a\n", "group g 2 a\nquorum none\n", "log\u0001 x\n", `quorum none\nquorum none\n`, `${"#\n".repeat(2)}`]) {
    assert.throws(() => readPolicy(text), /policy/, text);
  }
});

await test("SHA-256 is that of node, at every length to 200", () => {
  for (let length = 0; length < 200; length += 1) {
    const bytes = Uint8Array.from({ length }, (_, at) => at * 7);
    assert.equal(toHex(sha256(bytes)), createHash("sha256").update(bytes).digest("hex"));
  }
});

await test("a key is read as hex, PEM, fingerprint and what the command prints", () => {
  const spki = Buffer.from(`302a300506032b6570032100${log}`, "hex").toString("base64");
  const pem = `-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----\n`;
  const fingerprint = fingerprintOf(log);
  assert.equal(fingerprint, `sha256:${createHash("sha256").update(Buffer.from(log, "hex")).digest("hex")}`);
  assert.equal(readKey(pem), log);
  assert.equal(readKey(JSON.stringify({ log, fingerprint })), log);
  assert.ok(isKeyOf(readKey(fingerprint), log) && !isKeyOf(readKey(fingerprint), "00".repeat(32)));
  assert.equal(readKey(pem.replace("MCow", "MCox")), undefined);
  assert.equal(readKey(`{"head":{"log":"${log}"}}`), undefined);
  assert.equal(judge({ able: true, faults: [], log, key: fingerprint }).state, "verified");
  assert.equal(judge({ able: true, faults: [], log: "00".repeat(32), key: fingerprint }).state, "failed");
});

console.log(`unit: ${passed} tests passed`);
