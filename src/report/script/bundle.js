// An evidence bundle of a selection, verified whole (format §6.3): every line
// in its one spelling, every header, signature, path, document and count.

import { blake2b } from "./blake2b.js";
import { fromHex, fromUtf8, toHex } from "./bytes.js";
import { digestOf, referencesOf } from "./documents.js";
import { readEntry } from "./entry.js";
import { isHex, isObject, isText, isWhole, membersOf, parseCanonical } from "./json.js";
import { climb } from "./merkle.js";
import { canVerify, verifyStrict } from "./strict.js";
import {
  faultsAfter,
  faultsAlone,
  isSigned,
  readStatement,
  readUnsignedClosing,
} from "./statement.js";
import { isWithinHour } from "./time.js";

const TOGETHER = 64;

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
    checks: [],
    faults: [],
    notChecked: new Set(["completeness", "chain"]),
  };
  let line = 0;
  let start = 0;
  while (start < bytes.length) {
    line += 1;
    const newline = bytes.indexOf(0x0a, start);
    if (newline < 0) {
      fault(walk, "truncated", { line }, "the last line has no newline: the bundle was cut");
      break;
    }
    takeLine(walk, bytes, start, newline, line);
    start = newline + 1;
  }
  if (walk.closing === null && !walk.faults.some((found) => found.code === "truncated")) {
    fault(walk, "truncated", { line }, "the closing record is missing: the bundle was cut");
  }
  await checkSignatures(walk);
  checkDocuments(walk);
  // Signatures are judged last and named first, as they are by `sealbook verify`.
  const late = (found) => (found.code.endsWith("signature_invalid") ? 0 : 1);
  walk.faults.sort((a, b) => a.line - b.line || late(a) - late(b));
  const { log, genesis, entries, headers, documents, closing, faults } = walk;
  return { log, genesis, entries, headers, documents, closing, faults, notChecked: [...walk.notChecked] };
}

function fault(walk, code, place, detail) {
  const found = { code, detail, index: null, seq: null, line: null, ...place };
  walk.faults.push(found);
  walk.entries[place.index]?.faults.push(found);
}

function takeLine(walk, bytes, start, end, line) {
  const text = textOf(bytes.subarray(start, end));
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
  if (walk.closing !== null) {
    fault(walk, "bundle_corrupt", { line }, "a line stands after the closing record");
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

// An entry that cannot be read is still an entry, and has its number.
function refuseLine(walk, text, line, detail) {
  if (text.startsWith('{"entry":')) {
    const index = walk.entries.length;
    walk.entries.push({ index, line, entry: null, header: null, steps: null, faults: [] });
    fault(walk, "schema_violation", { line, index }, detail);
  } else if (text.startsWith('{"document":')) {
    fault(walk, "schema_violation", { line }, detail);
  } else {
    fault(walk, "bundle_corrupt", { line }, detail);
  }
}

function takeValue(walk, value, line, bytes, start) {
  if (line === 1) {
    takeOpening(walk, value);
  } else if (walk.opened && !value.has("bundle")) {
    throw new Error("only the closing record stands after the entry that opened the log");
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
  } else {
    throw new Error("no line of a selection looks like this");
  }
}

function takeOpening(walk, value) {
  const sorts = { contents: isText, format: isWhole, genesis: isHex(32), log: isHex(32) };
  const said = membersOf(value, { sealbook: isObject }).sealbook;
  const none = (uses) => (Array.isArray(uses) && uses.length === 0 ? uses : undefined);
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
  checkSignature(walk, entry, { line }, "the signature is not the log key's on the entry that opened the log");
  checkGenesis(walk, entry, { line });
}

function takeDocument(walk, value, line) {
  const entry = readEntry(membersOf(value, { document: isObject }).document, false);
  const digest = entry.kind === "wcp.document" ? digestOf(entry) : null;
  if (digest === null) {
    fault(walk, "document_mismatch", { line }, "it is no document, or not the one of its digest");
    return;
  }
  if (walk.headers.length > 0 || digest <= walk.lastDocument) {
    const detail = "documents stand before all else, in the order of their digests, each once";
    fault(walk, "bundle_corrupt", { line }, detail);
  }
  walk.lastDocument = digest;
  walk.documents.set(digest, { entry, line });
  checkSignature(walk, entry, { line }, "the signature is not the log key's on this document");
}

function takeHeader(walk, statement, line) {
  const header = statement.content;
  const before = walk.headers.at(-1);
  if (before && walk.entries.at(-1)?.header !== before) {
    fault(walk, "bundle_corrupt", { line: before.line }, "the header of an epoch of which no entry is given");
  }
  checkNames(walk, header, line);
  const faults = faultsAlone(header);
  const first = !before && (header.epoch === 0 || header.first_seq === 0);
  const follows = before && header.epoch <= before.statement.content.epoch + 1;
  if (first || follows) {
    faults.push(...faultsAfter(statement, before?.statement ?? null));
  }
  for (const [code, detail] of faults) {
    fault(walk, code, { line }, `epoch ${header.epoch}: ${detail}`);
  }
  const known = { statement, line, signed: false };
  walk.headers.push(known);
  walk.checks.push(async () => {
    known.signed = await isSigned(statement);
    if (!known.signed) {
      const detail = `epoch ${header.epoch}: the header's signature is not the log key's`;
      fault(walk, "epoch_signature_invalid", { line }, detail);
    }
  });
}

function checkNames(walk, named, line) {
  if (named.log !== walk.log) {
    fault(walk, "log_key_mismatch", { line }, "it names another log's key");
  }
  if (named.genesis !== walk.genesis) {
    fault(walk, "genesis_mismatch", { line }, "it names another log's genesis");
  }
}

function takeEntry(walk, value, line) {
  const isPath = (path) => (Array.isArray(path) && path.every(isHex(32)) ? path : undefined);
  const members = membersOf(value, { entry: isObject, path: isPath });
  const entry = readEntry(members.entry);
  const header = walk.headers.at(-1) ?? null;
  const index = walk.entries.length;
  const before = walk.entries.findLast((one) => one.entry !== null)?.entry;
  const place = { line, index, seq: entry.seq };
  walk.entries.push({ index, line, entry, header, steps: null, faults: [] });
  if (before && entry.seq <= before.seq) {
    fault(walk, "sequence_gap", place, `entry ${entry.seq} stands after entry ${before.seq}`);
  }
  if (before && entry.ts < before.ts) {
    fault(walk, "timestamp_regression", place, `its time lies before that of entry ${before.seq}`);
  }
  checkSignature(walk, entry, place, "the signature is not the log key's on this entry");
  if (entry.seq === 0) {
    checkGenesis(walk, entry, place);
  }
  if (header === null) {
    fault(walk, "proof_invalid", place, "no epoch header covers it");
  } else {
    checkPlace(walk, entry, header.statement.content, members.path, place);
  }
  if (entry.kind === "wcp.document") {
    const digest = digestOf(entry);
    if (digest === null) {
      fault(walk, "document_mismatch", place, "it is not the document of its digest");
    } else {
      walk.given.add(digest);
    }
  }
  for (const digest of referencesOf(entry)) {
    walk.wanted.set(digest, walk.wanted.get(digest) ?? place);
  }
}

// Entry 0 says which log this is (format §3.2).
function checkGenesis(walk, entry, place) {
  if (entry.kind !== "sealbook:open") {
    fault(walk, "schema_violation", place, "entry 0 does not open a ledger");
  } else if (entry.payload.get("log") !== walk.log) {
    fault(walk, "log_key_mismatch", place, "entry 0 names another log's key");
  } else if (entry.hash !== walk.genesis) {
    fault(walk, "genesis_mismatch", place, "entry 0 is not the genesis that is named");
  }
}

function checkPlace(walk, entry, header, path, place) {
  if (!isWithinHour(entry.ts, header.hour) || entry.ts > header.sealed_at) {
    fault(walk, "epoch_invariant", place, `its time lies outside of epoch ${header.epoch}`);
  }
  const siblings = path.map((hash) => fromHex(hash, 32));
  const steps = climb(entry.seq - header.first_seq, header.tree_size, entry.leaf, siblings);
  walk.entries[place.index].steps = steps;
  if (steps === null) {
    fault(walk, "proof_invalid", place, `it has no path of the right length into epoch ${header.epoch}`);
  } else if (toHex(steps.at(-1)?.node ?? entry.leaf) !== header.root) {
    fault(walk, "proof_invalid", place, `its path does not lead to the root of epoch ${header.epoch}`);
  }
  if (entry.seq === header.last_seq && entry.hash !== header.head) {
    fault(walk, "head_mismatch", place, "it is not the head that was sealed");
  }
}

function takeClosing(walk, value, line, before) {
  const signed = value.has("signature");
  const statement = signed ? readStatement("bundle", value) : null;
  const closing = signed ? statement.content : readUnsignedClosing(value);
  walk.closing = { content: closing, signed };
  checkNames(walk, closing, line);
  const right =
    closing.format === walk.format &&
    (walk.format === 1 || walk.opened) &&
    closing.bytes === before.length &&
    closing.entries === walk.entries.length &&
    closing.epochs === walk.headers.length &&
    closing.documents === walk.documents.size &&
    closing.hash === toHex(blake2b(before));
  if (!right) {
    fault(walk, "bundle_corrupt", { line }, "the closing record is not that of the lines before it");
  }
  if (!signed) {
    const detail = "the closing record is not signed: anybody can have taken entries out";
    fault(walk, "bundle_unsigned", { line }, detail);
    return;
  }
  walk.checks.push(async () => {
    if (!(await isSigned(statement))) {
      const detail = "the closing record's signature is not the log key's";
      fault(walk, "signature_invalid", { line }, detail);
    }
  });
}

function checkSignature(walk, entry, place, detail) {
  walk.checks.push(async () => {
    const key = fromHex(walk.log, 32);
    if (key === null || !(await verifyStrict(key, entry.signed, entry.signatureBytes))) {
      fault(walk, "signature_invalid", place, detail);
    }
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

function checkDocuments(walk) {
  const last = walk.headers.at(-1);
  if (last && walk.entries.at(-1)?.header !== last) {
    fault(walk, "bundle_corrupt", { line: last.line }, "the header of an epoch of which no entry is given");
  }
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
