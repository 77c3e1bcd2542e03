// What a reader kept of a log: heads and headers, each judged by itself first, then held
// against the file (format §8.1).

import { fromUtf8, toHex } from "./bytes.js";
import { parseCanonical } from "./json.js";
import { parseLoose } from "./loose.js";
import { rootOf } from "./merkle.js";
import { faultsAfter, faultsAlone, faultsBeyond, isSigned, readStatement } from "./statement.js";

const MOST = 2 ** 20;

// No verdict can be given with it: `code` says why.
export class NotGiven extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// Reads a file of heads and headers (K8): one a line, or one alone in any spelling. A last
// line that was not finished is passed over: `torn`.
export async function readKept(bytes) {
  const text = textOf(bytes);
  const alone = jsonOf(text);
  const values = alone !== undefined ? [alone] : linesOf(text);
  const kept = [];
  for (const value of values) {
    kept.push(await readOne(value));
  }
  const torn = alone === undefined && text.slice(text.lastIndexOf("\n") + 1).trim() !== "";
  return { kept, torn };
}

function textOf(bytes) {
  try {
    return fromUtf8(bytes);
  } catch {
    throw new NotGiven("bad_json", "what is given as head is not text in UTF-8");
  }
}

function jsonOf(text) {
  try {
    return parseLoose(text);
  } catch {
    return undefined;
  }
}

function linesOf(text) {
  const lines = text.split("\n").slice(0, -1).filter((line) => line.trim() !== "");
  if (lines.length > MOST) {
    throw new NotGiven("bad_input", "it has more than 1 048 576 heads and headers");
  }
  const values = lines.map(jsonOf);
  if (values.includes(undefined)) {
    throw new NotGiven("bad_json", "a line of what is given as head is not JSON");
  }
  values.forEach(contentOf);
  for (const line of lines) {
    try {
      parseCanonical(line);
    } catch (error) {
      throw new NotGiven("bad_input", error.message);
    }
  }
  return values;
}

function contentOf(value) {
  const what = ["epoch", "head"].find((name) => value instanceof Map && value.has(name));
  try {
    return readStatement(what, value);
  } catch {
    throw new NotGiven("not_recognised", "what is given as head is no head and no epoch header of a log");
  }
}

const readOne = (value) => keptOf(contentOf(value));

// A head or header as one that was kept.
export async function keptOf(statement) {
  const { content, what } = statement;
  const isHeader = what === "epoch";
  return {
    statement,
    isHeader,
    epoch: isHeader ? content.epoch : null,
    log: content.log,
    genesis: content.genesis,
    seq: isHeader ? content.last_seq : content.seq,
    hash: isHeader ? content.head : content.hash,
    signed: await isSigned(statement),
    met: false,
  };
}

const same = (a, b) => toHex(a.statement.signed) === toHex(b.statement.signed);

// K1 to K3: the headers that can stand; contradictions speak against the log's key.
export function standing(kept, fault) {
  const found = [];
  const signed = kept.filter((one) => one.signed);
  let before = null;
  for (const one of signed.filter((each) => each.isHeader).sort((a, b) => a.epoch - b.epoch)) {
    const last = before?.log === one.log ? before : null;
    if (last && same(last, one)) {
      continue;
    }
    const place = { at: "epoch", epoch: one.epoch };
    for (const [code, detail] of faultsAlone(one.statement.content)) {
      fault(code, place, `a header that was kept: ${detail}`);
    }
    if (contradicts(last, one)) {
      fault("equivocation", place, `two headers that were kept cannot both stand, the later of epoch ${one.epoch}`);
    }
    found.push(one);
    before = one;
  }
  before = null;
  for (const one of [...signed].sort((a, b) => a.seq - b.seq)) {
    if (before?.seq === one.seq && before.log === one.log && before.hash !== one.hash) {
      fault("equivocation", { at: "file" }, `two that were kept name different entries ${one.seq}`);
    }
    before = one;
  }
  return found;
}

function contradicts(last, { statement, epoch }) {
  if (last === null) {
    const { first_seq } = statement.content;
    return (epoch === 0 || first_seq === 0) && faultsAfter(statement, null).length > 0;
  }
  const faults = epoch <= last.epoch + 1 ? faultsAfter(statement, last.statement) : faultsBeyond(statement.content, last.statement.content);
  return faults.length > 0;
}

// K4: at a header of the file.
export function meetHeader(walk, statement) {
  const { fault } = walk.report;
  const { epoch, log, genesis } = statement.content;
  walk.standing = walk.standing.filter((one) => one.epoch !== epoch);
  for (const one of walk.given.kept) {
    if (one.epoch === epoch && one.signed && one.log === log && one.genesis === genesis) {
      one.met = true;
      if (!same(one, { statement })) {
        fault("equivocation", { at: "file" }, `the log signed another header of epoch ${epoch} than the one that was kept`);
      }
    }
  }
}

// K6 and K7: at an entry of the file.
export function meetEntry(walk, entry) {
  const { fault } = walk.report;
  for (const one of walk.given.kept) {
    one.met ||= one.seq === entry.seq && one.hash === entry.hash;
  }
  if (walk.standing.length > 0) {
    walk.leafOf.set(entry.seq, entry.leaf);
  }
  for (const { statement, epoch } of walk.standing.filter((one) => one.seq === entry.seq)) {
    const { first_seq, last_seq, root } = statement.content;
    const leaves = Array.from({ length: Math.max(0, last_seq - first_seq + 1) }, (_, at) => walk.leafOf.get(first_seq + at));
    if (leaves.every(Boolean) && toHex(rootOf(leaves.map((leaf) => [0, leaf])) ?? []) !== root) {
      fault("epoch_root_mismatch", { at: "epoch", epoch }, `the entries of epoch ${epoch} are not those of the root that was kept`);
    }
  }
}

// K5 and K6, at the end: the newest that was met, or null.
export function endKept(walk) {
  const { fault } = walk.report;
  const ordered = [...walk.given.kept].sort((a, b) => a.seq - b.seq);
  const met = ordered.filter((one) => one.met);
  const newest = met.at(-1)?.seq ?? null;
  const holds = (seq) => !walk.numbered || (walk.linked && walk.firstSeq <= seq && seq <= walk.lastSeq);
  const outside = ordered.filter((one) => !one.met && newest !== null && !holds(one.seq));
  for (const one of ordered) {
    const ours = one.signed && one.log === walk.log && (walk.genesis === null || one.genesis === walk.genesis);
    if (!ours) {
      fault("head_not_contained", { at: "file" }, "a head that was kept is not this log's, or nobody signed it");
    } else if (!one.met && !outside.includes(one)) {
      fault("head_not_contained", { at: "file" }, `entry ${one.seq} is not the one of the head that was kept`);
    }
  }
  if (outside.length > 0) {
    walk.notChecked.add("heads");
    walk.warnings.push("not_covered");
  }
  return newest;
}
