// An evidence bundle, a range or a selection, verified whole (format §6): every line in
// its one spelling, every header, signature, path, document and count.

import { blake2b } from "./blake2b.js";
import { fromUtf8, toHex } from "./bytes.js";
import { endWalk, foundIn } from "./ending.js";
import { laterFormat, readEntry } from "./entry.js";
import { readTerm, takeOmitted, takeTerm } from "./indexed.js";
import { isHashes, isHex, isObject, isText, isWhole, membersOf, parseCanonical } from "./json.js";
import { beginRedacted, takeOpened, takeRedacted } from "./redacted.js";
import { isSigned, readStatement, readUnsignedClosing } from "./statement.js";
import {
  beginWalk, breather, fault, isOf, later, lostEntry, MOST_LINE, takeDocument, takeEntry, takeFirst, takeHead,
  takeHeader, takeSubtrees,
} from "./walk.js";

// What was found: `entries`, each with its own `faults`; `documents` by digest;
// `headers`; `faults` in the order of the lines; what is `notChecked`.
export async function verifyBundle(bytes, given = {}) {
  const walk = beginWalk(given);
  walk.counts = { document: 0, entry: 0, epoch: 0 };
  walk.redacted = beginRedacted();
  const breathe = breather();
  let [line, start] = [0, 0];
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
    await breathe();
  }
  if (walk.closing === null && !walk.faults.some((found) => found.code === "truncated")) {
    fault(walk, "truncated", { line: line + 1 }, "the closing record is missing: the bundle was cut");
  }
  for (const open of walk.linked ? [] : ["chain", "completeness"]) {
    walk.notChecked.add(open);
  }
  await endWalk(walk);
  return foundIn(walk, "bundle");
}

function takeLine(walk, bytes, start, end, line) {
  const text = end - start > MOST_LINE ? null : textOf(bytes.subarray(start, end));
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
    refuseLine(walk, text ?? "", line, "the line is not a JSON object in UTF-8, or too long");
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

function refuseLine(walk, text, line, detail) {
  if (walk.opened && !text.startsWith('{"opening":') && !text.startsWith('{"bundle":')) {
    fault(walk, "bundle_corrupt", { line }, detail);
  } else if (text.startsWith('{"entry":')) {
    lostEntry(walk, "schema_violation", line, detail);
  } else if (text.startsWith('{"document":') || (walk.format === 2 && text.startsWith('{"opening":'))) {
    fault(walk, "schema_violation", { line }, detail);
  } else {
    fault(walk, "bundle_corrupt", { line }, detail);
  }
}

function takeValue(walk, value, line, bytes, start) {
  if (line === 1) {
    takeContents(walk, value);
  } else if (walk.opened && !value.has("bundle")) {
    fault(walk, "bundle_corrupt", { line }, "only the closing record stands after the entry that opened the log");
  } else if (walk.format === 2 && value.has("opening")) {
    takeFirst(walk, readEntry(membersOf(value, { opening: isObject }).opening, { numbered: false }), line);
  } else if (value.has("document")) {
    takeDocument(walk, readEntry(membersOf(value, { document: isObject }).document, { numbered: false }), line);
  } else if (walk.uses && value.has("index")) {
    takeTerm(walk, readTerm(value), line);
  } else if (walk.uses && value.has("omitted")) {
    takeOmitted(walk, value);
  } else if (walk.opens && walk.counts.entry > 0 && value.has("opened")) {
    takeOpened(walk, value, line);
  } else if (value.has("epoch")) {
    takeHeader(walk, knownHeader(walk, readStatement("epoch", value)), line);
  } else if (value.has("entry")) {
    const members = membersOf(value, value.has("path") ? { entry: isObject, path: isHashes } : { entry: isObject });
    takeEntry(walk, readEntry(members.entry), line, members.path);
    takeRedacted(walk, walk.entries.at(-1));
  } else if (value.has("bundle")) {
    takeClosing(walk, value, line, bytes.subarray(0, start));
  } else if (value.has("before") || value.has("after")) {
    const name = value.has("before") ? "before" : "after";
    takeSubtrees(walk, name, membersOf(value, { [name]: isHashes })[name], line);
  } else if (value.has("head")) {
    takeHead(walk, readStatement("head", value), line);
  } else {
    throw new Error("no line of a bundle looks like this");
  }
}

function knownHeader(walk, statement) {
  if (statement.content.index !== undefined && !walk.uses) {
    throw new Error("the header commits to an index, and `uses` does not say so");
  }
  return statement;
}

// What `uses` names that is not known here, in words, or null (U3).
export function unknownUse(uses, known = USES) {
  const named = Array.isArray(uses) ? uses.find((use) => typeof use === "string" && !known.includes(use)) : undefined;
  return named === undefined ? null : `a kind that uses ${named}`;
}

// A list that says whether the index is used.
export const isUses = (uses) => (Array.isArray(uses) && (uses.length === 0 || (uses.length === 1 && uses[0] === "terms")) ? uses : undefined);

// What a bundle may use, in the order in which it names them.
const USES = ["openings", "terms"];
const usesOf = (uses) => {
  const named = Array.isArray(uses) ? USES.filter((use) => uses.includes(use)) : [];
  return Array.isArray(uses) && named.length === uses.length && named.every((use, at) => use === uses[at]) ? uses : undefined;
};

function takeContents(walk, value) {
  const said = membersOf(value, { sealbook: isObject }).sealbook;
  const second = isWhole(said.get("format")) === 2;
  walk.unsupported = laterFormat(said, 2) ?? (second ? unknownUse(said.get("uses")) : null);
  const linked = said.get("contents") === "range";
  const opening = membersOf(said, {
    contents: isText, format: isWhole, genesis: isHex(32), log: isHex(32),
    ...(second ? { uses: usesOf } : {}), ...(linked ? { first_seq: isWhole, last_seq: isWhole } : {}),
  });
  if (!["range", "selection"].includes(opening.contents) || ![1, 2].includes(opening.format)) {
    throw new Error("it does not open a bundle of a format that is known here");
  }
  walk.linked = linked;
  walk.format = opening.format;
  walk.uses = opening.uses?.includes("terms") ?? false;
  walk.opens = opening.uses?.includes("openings") ?? false;
  walk.genesis = opening.genesis;
  walk.firstSeq = opening.first_seq ?? 0;
  walk.lastSeq = opening.last_seq ?? null;
  isOf(walk, opening.log);
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
  if (signed) {
    later(walk, "signature_invalid", { line }, "the closing record's signature is not the log key's", () => isSigned(statement));
    return;
  }
  walk.notChecked.add("bundle_unsigned");
  if (!walk.given.allowUnsigned) {
    fault(walk, "bundle_unsigned", { line }, "the closing record is not signed: anybody can have taken entries out");
  }
}
