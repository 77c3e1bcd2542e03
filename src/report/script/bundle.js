// An evidence bundle of a selection, verified whole (format §6.3): every line
// in its one spelling, every header, signature, path, document and count. Rules
// are named as there.

import { isAnswer } from "./answered.js";
import { blake2b } from "./blake2b.js";
import { fromHex, fromUtf8, toHex } from "./bytes.js";
import { documentFault, referencesOf } from "./documents.js";
import { closes, laterFormat, openingFault, readEntry } from "./entry.js";
import { isHex, isObject, isText, isWhole, membersOf, parseCanonical } from "./json.js";
import { climb } from "./merkle.js";
import { canVerify, verifyStrict } from "./strict.js";
import {
  faultsAfter,
  faultsAlone,
  faultsBeyond,
  isSigned,
  readStatement,
  readUnsignedClosing,
} from "./statement.js";
import { isWithinHour } from "./time.js";

const TOGETHER = 64;
const ZERO = "0".repeat(64);

// What was found: `entries`, each with its own `faults`; `documents` by digest;
// `headers`; `faults` in the order of the lines; what is `notChecked`.
export async function verifyBundle(bytes) {
  const walk = {
    at: 0,
    format: 1,
    opened: false,
    log: null,
    genesis: null,
    entries: [],
    headers: [],
    documents: new Map(),
    wanted: new Map(),
    given: new Set(),
    lastDocument: "",
    closing: null,
    closed: null,
    checks: [],
    faults: [],
    order: 0,
    unsupported: null,
    counts: { document: 0, entry: 0, epoch: 0 },
    notChecked: new Set(["completeness", "chain"]),
  };
  let line = 0;
  let start = 0;
  while (start < bytes.length) {
    line += 1;
    const newline = bytes.indexOf(0x0a, start);
    if (newline < 0 && walk.closing !== null) {
      fault(walk, "bundle_corrupt", { line }, "something stands after the closing record");
      break;
    }
    if (newline < 0) {
      fault(walk, "truncated", { line }, "the last line has no newline: the bundle was cut");
      break;
    }
    takeLine(walk, bytes, start, newline, line);
    start = newline + 1;
  }
  if (walk.closing === null && !walk.faults.some((found) => found.code === "truncated")) {
    fault(walk, "truncated", { line: line + 1 }, "the closing record is missing: the bundle was cut");
  }
  endEpoch(walk);
  checkAnswer(walk);
  checkDocuments(walk);
  await checkSignatures(walk);
  walk.faults.sort((a, b) => a.order - b.order);
  const { log, genesis, entries, headers, documents, closing, faults, unsupported } = walk;
  return { log, genesis, entries, headers, documents, closing, faults, unsupported, notChecked: [...walk.notChecked] };
}

// A fault in its order, which what is judged later has reserved. Of a line, unless
// it says of what else.
function fault(walk, code, place, detail, order = walk.order++) {
  const { at = "document", line = null, seq = null, entry = null, epoch = null } = place;
  const index = { entry, epoch, document: line - 1, file: null }[at];
  const found = { code, at, index, seq, line, detail, order };
  walk.faults.push(found);
  walk.entries[entry]?.faults.push(found);
}

// A signature, which is judged when all lines were read.
function later(walk, code, place, detail, holds) {
  const order = walk.order++;
  walk.checks.push(async () => {
    if (!(await holds())) {
      fault(walk, code, place, detail, order);
    }
  });
}

function takeLine(walk, bytes, start, end, line) {
  const text = textOf(bytes.subarray(start, end));
  if (walk.closing !== null) {
    fault(walk, "bundle_corrupt", { line }, "a line stands after the closing record");
    return;
  }
  count(walk, text ?? "");
  let value = null;
  try {
    value = text === null ? null : parseCanonical(text);
  } catch (error) {
    refuseLine(walk, text, line, error.message);
    return;
  }
  if (!(value instanceof Map)) {
    refuseLine(walk, text ?? "", line, "the line is no JSON object in UTF-8");
    return;
  }
  try {
    takeValue(walk, value, line, bytes, start);
  } catch (error) {
    refuseLine(walk, text, line, error.message);
  }
}

function textOf(bytes) {
  try {
    return fromUtf8(bytes);
  } catch {
    return null;
  }
}

// Lines count as what they begin with.
function count(walk, text) {
  for (const name of ["document", "entry", "epoch"]) {
    walk.counts[name] += text.startsWith(`{"${name}":`) ? 1 : 0;
  }
}

// An entry that cannot be read is still an entry, and has its number.
function refuseLine(walk, text, line, detail) {
  if (walk.opened && !text.startsWith('{"opening":') && !text.startsWith('{"bundle":')) {
    fault(walk, "bundle_corrupt", { line }, detail);
  } else if (text.startsWith('{"entry":')) {
    const entry = walk.entries.length;
    walk.entries.push({ index: entry, line, entry: null, header: null, steps: null, faults: [] });
    fault(walk, "schema_violation", { at: "entry", entry, line }, detail);
  } else if (text.startsWith('{"document":') || (walk.format === 2 && text.startsWith('{"opening":'))) {
    fault(walk, "schema_violation", { line }, detail);
  } else {
    fault(walk, "bundle_corrupt", { line }, detail);
  }
}

function takeValue(walk, value, line, bytes, start) {
  if (line === 1) {
    takeOpening(walk, value);
  } else if (walk.opened && !value.has("bundle")) {
    fault(walk, "bundle_corrupt", { line }, "only the closing record stands after the entry that opened the log");
  } else if (walk.format === 2 && value.has("opening")) {
    takeFirst(walk, value, line);
  } else if (value.has("document")) {
    takeDocument(walk, value, line);
  } else if (value.has("epoch")) {
    takeHeader(walk, readStatement("epoch", value), line);
  } else if (value.has("entry")) {
    takeEntry(walk, value, line);
  } else if (value.has("bundle")) {
    takeClosing(walk, value, line, bytes.subarray(0, start));
  } else if (value.has("before") || value.has("after")) {
    const name = value.has("before") ? "before" : "after";
    membersOf(value, { [name]: (list) => (Array.isArray(list) && list.every(isHex(32)) ? list : undefined) });
    fault(walk, "bundle_corrupt", { at: "file", line }, "subtree hashes stand in a selection");
  } else if (value.has("head")) {
    readStatement("head", value);
    endEpoch(walk);
    fault(walk, "bundle_corrupt", { at: "file", line }, "a head stands in a selection");
  } else {
    throw new Error("no line of a selection looks like this");
  }
}

function takeOpening(walk, value) {
  const sorts = { contents: isText, format: isWhole, genesis: isHex(32), log: isHex(32) };
  const said = membersOf(value, { sealbook: isObject }).sealbook;
  const none = (uses) => (Array.isArray(uses) && uses.length === 0 ? uses : undefined);
  const later = laterFormat(said, 2);
  const uses = isWhole(said.get("format")) === 2 ? said.get("uses") : null;
  const named = Array.isArray(uses) ? uses.find((use) => typeof use === "string") : undefined;
  if (later || named !== undefined) {
    walk.unsupported = later ?? `a kind that uses ${named}`;
  }
  const second = isWhole(said.get("format")) === 2;
  const opening = membersOf(said, second ? { ...sorts, uses: none } : sorts);
  if (opening.contents !== "selection" || ![1, 2].includes(opening.format)) {
    throw new Error("it does not open a selection of a format that is known here");
  }
  walk.format = opening.format;
  walk.log = opening.log;
  walk.genesis = opening.genesis;
}

// The log's entry 0, in a line of its own (format §4.8).
function takeFirst(walk, value, line) {
  walk.opened = true;
  const entry = readEntry(membersOf(value, { opening: isObject }).opening, false);
  if (entry.prevHash !== ZERO) {
    fault(walk, "prev_hash_mismatch", { line }, "the entry that opened the log names one before it");
  }
  checkSignature(walk, entry, { line }, "the signature is not the log key's on the entry that opened the log");
  checkGenesis(walk, entry, { line });
}

// D2 to D7.
function takeDocument(walk, value, line) {
  const entry = readEntry(membersOf(value, { document: isObject }).document, false);
  if (walk.headers.length > 0 || walk.entries.length > 0) {
    fault(walk, "bundle_corrupt", { line }, "documents stand before all else");
  }
  checkSignature(walk, entry, { line }, "the signature is not the log key's on this document");
  if (entry.kind !== "wcp.document") {
    fault(walk, "bundle_corrupt", { line }, "the entry in this line is no document");
    return;
  }
  const wrong = documentFault(entry);
  if (wrong !== null) {
    fault(walk, wrong, { line }, "it is no document, or not the one of its digest");
    return;
  }
  const digest = entry.payload.get("digest");
  if (digest <= walk.lastDocument) {
    fault(walk, "bundle_corrupt", { line }, "documents stand in the order of their digests, each once");
  }
  walk.lastDocument = digest;
  walk.documents.set(digest, { entry, line });
}

// S5.
function endEpoch(walk) {
  const last = walk.headers.at(-1);
  if (last && !last.ended && walk.entries.at(-1)?.header !== last) {
    const { epoch } = last.statement.content;
    fault(walk, "bundle_corrupt", { at: "epoch", epoch, line: last.line }, "the header of an epoch of which no entry is given");
  }
  if (last) {
    last.ended = true;
  }
}

// H2 to H7.
function takeHeader(walk, statement, line) {
  endEpoch(walk);
  const header = statement.content;
  const place = { at: "epoch", epoch: header.epoch, line };
  const before = walk.headers.at(-1);
  const known = { statement, line, signed: false, ended: false };
  later(walk, "epoch_signature_invalid", place, `epoch ${header.epoch}: the header's signature is not the log key's`, async () => {
    known.signed = await isSigned(statement);
    return known.signed;
  });
  checkNames(walk, header, place);
  const faults = faultsAlone(header);
  if (!before) {
    faults.push(...(header.epoch === 0 || header.first_seq === 0 ? faultsAfter(statement, null) : []));
  } else if (header.epoch > before.statement.content.epoch + 1) {
    faults.push(...faultsBeyond(header, before.statement.content));
  } else {
    faults.push(...faultsAfter(statement, before.statement));
  }
  for (const [code, detail] of faults) {
    fault(walk, code, place, `epoch ${header.epoch}: ${detail}`);
  }
  walk.headers.push(known);
}

function checkNames(walk, named, place) {
  if (named.log !== walk.log) {
    fault(walk, "log_key_mismatch", place, "it names another log's key");
  }
  if (named.genesis !== walk.genesis) {
    fault(walk, "genesis_mismatch", place, "it names another log's genesis");
  }
}

// E2 to E16.
function takeEntry(walk, value, line) {
  const isPath = (path) => (Array.isArray(path) && path.every(isHex(32)) ? path : undefined);
  const members = membersOf(value, value.has("path") ? { entry: isObject, path: isPath } : { entry: isObject });
  const entry = readEntry(members.entry);
  const header = walk.headers.at(-1) ?? null;
  const index = walk.entries.length;
  const before = walk.entries.findLast((one) => one.entry !== null)?.entry;
  const place = { at: "entry", entry: index, line, seq: entry.seq };
  walk.entries.push({ index, line, entry, header, steps: null, faults: [] });
  if (before && entry.seq <= before.seq) {
    fault(walk, "sequence_gap", place, `entry ${entry.seq} stands after entry ${before.seq}`);
  }
  if (entry.seq === 0 && entry.prevHash !== ZERO) {
    fault(walk, "prev_hash_mismatch", place, "entry 0 names one before it");
  }
  checkSignature(walk, entry, place, "the signature is not the log key's on this entry");
  if (entry.seq === 0) {
    checkGenesis(walk, entry, place);
  }
  if (walk.closed !== null && entry.seq === walk.closed + 1) {
    fault(walk, "schema_violation", place, "the entry before it closed the book");
  }
  if (closes(entry)) {
    walk.closed = entry.seq;
  }
  if (before && entry.ts < before.ts) {
    fault(walk, "timestamp_regression", place, `its time lies before that of entry ${before.seq}`);
  }
  if (header === null) {
    fault(walk, "proof_invalid", place, "no epoch header covers it");
  } else {
    checkPlace(walk, entry, header.statement.content, members.path ?? null, place);
  }
  if (entry.kind === "wcp.document") {
    const wrong = documentFault(entry);
    if (wrong !== null) {
      fault(walk, wrong, place, "it is no document, or not the one of its digest");
    } else {
      walk.given.add(entry.payload.get("digest"));
    }
  }
  for (const digest of referencesOf(entry)) {
    walk.wanted.set(digest, walk.wanted.get(digest) ?? place);
  }
}

// Entry 0 says which log this is (E5 to E7, O4 to O6).
function checkGenesis(walk, entry, place) {
  const later = entry.kind === "sealbook:open" ? laterFormat(entry.payload, 1) : null;
  if (later !== null) {
    walk.checks.push(async () => {
      if (await verifyStrict(fromHex(walk.log, 32), entry.signed, entry.signatureBytes)) {
        walk.unsupported = later;
      }
    });
  }
  const wrong = openingFault(entry);
  if (wrong !== null) {
    fault(walk, "schema_violation", place, wrong);
    return;
  }
  if (entry.payload.get("log") !== walk.log) {
    fault(walk, "log_key_mismatch", place, "entry 0 names another log's key");
  }
  if (entry.hash !== walk.genesis) {
    fault(walk, "genesis_mismatch", place, "entry 0 is not the genesis that is named");
  }
}

// E12 to E14.
function checkPlace(walk, entry, header, path, place) {
  if (!isWithinHour(entry.ts, header.hour) || entry.ts > header.sealed_at) {
    fault(walk, "epoch_invariant", place, `its time lies outside of epoch ${header.epoch}`);
  }
  if (entry.seq === header.last_seq && entry.hash !== header.head) {
    fault(walk, "head_mismatch", { ...place, at: "epoch", epoch: header.epoch }, "it is not the head that was sealed");
  }
  const siblings = path?.map((hash) => fromHex(hash, 32)) ?? null;
  const within = siblings !== null && entry.seq >= header.first_seq;
  const steps = within ? climb(entry.seq - header.first_seq, header.tree_size, entry.leaf, siblings) : null;
  walk.entries[place.entry].steps = steps;
  if (steps === null) {
    fault(walk, "proof_invalid", place, `it has no path of the right length into epoch ${header.epoch}`);
  } else if (toHex(steps.at(-1)?.node ?? entry.leaf) !== header.root) {
    fault(walk, "proof_invalid", place, `its path does not lead to the root of epoch ${header.epoch}`);
  }
}

// Z1 to Z5.
function takeClosing(walk, value, line, before) {
  walk.closing = { content: null, signed: false };
  if (walk.format === 2 && !walk.opened) {
    fault(walk, "bundle_corrupt", { line }, "the entry that opened the log does not stand before the closing record");
  }
  const signed = value.has("signature");
  const statement = signed ? readStatement("bundle", value) : null;
  const closing = signed ? statement.content : readUnsignedClosing(value);
  walk.closing = { content: closing, signed };
  const right =
    closing.format === walk.format &&
    closing.log === walk.log &&
    closing.genesis === walk.genesis &&
    closing.bytes === before.length &&
    closing.entries === walk.counts.entry &&
    closing.epochs === walk.counts.epoch &&
    closing.documents === walk.counts.document &&
    closing.hash === toHex(blake2b(before));
  if (!right) {
    fault(walk, "bundle_corrupt", { line }, "the closing record is not that of the lines before it");
  }
  if (!signed) {
    const detail = "the closing record is not signed: anybody can have taken entries out";
    fault(walk, "bundle_unsigned", { line }, detail);
    return;
  }
  later(walk, "signature_invalid", { line }, "the closing record's signature is not the log key's", () => isSigned(statement));
}

function checkSignature(walk, entry, place, detail) {
  later(walk, "signature_invalid", place, detail, async () => {
    const key = fromHex(walk.log, 32);
    return key !== null && verifyStrict(key, entry.signed, entry.signatureBytes);
  });
}

async function checkSignatures(walk) {
  // What cannot be judged is not called wrong; the verdict says so.
  if (!(await canVerify())) {
    walk.notChecked.add("signatures");
    return;
  }
  for (let at = 0; at < walk.checks.length; at += TOGETHER) {
    await Promise.all(walk.checks.slice(at, at + TOGETHER).map((check) => check()));
  }
}

// S8.
function checkAnswer(walk) {
  const filter = walk.closing?.signed ? walk.closing.content?.filter : null;
  const given = walk.entries.filter((one) => one.entry !== null).map((one) => one.entry);
  if (filter instanceof Map && !isAnswer(filter, given)) {
    const detail = "there is an entry that the selection does not ask for, or what it asks for cannot be read";
    fault(walk, "filter_mismatch", { at: "file" }, detail);
  }
}

// D8, and S7.
function checkDocuments(walk) {
  for (const [digest, { line }] of walk.documents) {
    if (!walk.wanted.has(digest) || walk.given.has(digest)) {
      const detail = "no entry refers to this document, or it stands among the entries too";
      fault(walk, "bundle_corrupt", { line }, detail);
    }
  }
  for (const [digest, place] of walk.wanted) {
    if (!walk.documents.has(digest) && !walk.given.has(digest)) {
      fault(walk, "document_missing", place, `the document ${digest} that it refers to is not here`);
    }
  }
}
