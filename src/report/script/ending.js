// The end of a walk: what must hold of the whole file, and then every signature.

import { isAnswer } from "./answered.js";
import { endTerm } from "./indexed.js";
import { endKept } from "./kept.js";
import { judgeRevocations } from "./revoked.js";
import { canVerify } from "./strict.js";
import { endEpoch, fault, FILE, ZERO } from "./walk.js";

const TOGETHER = 64;

// What must hold at the end: R6 to R9, S5 to S7, L8 and L9, P8. Then the signatures.
export async function endWalk(walk) {
  const { given, last } = walk;
  endEpoch(walk);
  if (walk.lastSeq !== null && last?.seq !== walk.lastSeq) {
    fault(walk, "truncated", FILE, `it does not reach entry ${walk.lastSeq}, which it promises`);
  }
  if (walk.tail && (walk.tail.content.seq !== last?.seq || walk.tail.content.hash !== last.hash)) {
    fault(walk, "head_mismatch", FILE, "the last entry is not the one that the head names");
  }
  if (given.expectHead !== null && given.expectHead !== (last?.hash ?? ZERO)) {
    fault(walk, "head_mismatch", FILE, "the last entry is not the expected head");
  }
  if (!answers(walk)) {
    fault(walk, "filter_mismatch", FILE, "the log signed it as the answer to another question");
  }
  endHeaders(walk);
  endTerm(walk);
  if (!isAnswered(walk)) {
    fault(walk, "filter_mismatch", FILE, "there is an entry that the selection does not ask for, or what it asks for cannot be read");
  }
  judgeRevocations(walk);
  const newest = endKept(walk);
  const covered = given.expectHead !== null ? last?.seq ?? null : newest;
  if (!walk.numbered && (covered === null || (last && covered < last.seq))) {
    walk.notChecked.add("truncation");
    walk.warnings.push(...(covered === null ? [] : ["not_covered"]));
  }
  endDocuments(walk);
  walk.warnings.push(...(last ? [] : ["empty"]));
  if (!walk.own) {
    walk.notChecked.add("ledger_rules");
  }
  await checkSignatures(walk);
  walk.afterwards.forEach((judge) => judge());
  walk.faults.sort((a, b) => a.order - b.order);
}

// I.1: where entry 0 names the key of an index all headers commit to one, else that of the
// first epoch does not.
function endHeaders(walk) {
  const headers = walk.opening ? walk.headers.map(({ statement }) => statement.content) : [];
  const wrong = headers.find(({ epoch, index }) => (walk.opening.index === undefined ? epoch === 0 && index !== undefined : index === undefined));
  if (wrong) {
    fault(walk, "epoch_invariant", { at: "epoch", epoch: wrong.epoch }, "it commits to an index, or to none, and entry 0 says otherwise");
  }
}

// S8: the entries are those that the log says it was asked for.
function isAnswered({ closing, linked, entries }) {
  const filter = closing?.signed ? closing.content?.filter : null;
  const given = entries.filter((item) => item.entry !== null).map((item) => item.entry);
  return !(filter instanceof Map) || (!linked && isAnswer(filter, given));
}

// S6: the signed closing record says the question.
function answers({ given, closing }) {
  const asked = Object.entries(given.asked);
  const filter = closing?.signed ? closing.content?.filter : null;
  const said = filter instanceof Map ? [...filter].filter(([name]) => name !== "attestations") : [];
  return asked.length === 0 || (said.length === asked.length && asked.every(([name, value]) => filter?.get(name) === value));
}

// D8; then every document that an entry refers to.
function endDocuments(walk) {
  for (const [digest, { line }] of walk.documents) {
    if (!walk.wanted.has(digest) || walk.among.has(digest)) {
      const detail = "no entry refers to this document, or it stands among the entries too";
      fault(walk, "bundle_corrupt", { line }, detail);
    }
  }
  for (const [digest, place] of walk.wanted) {
    const here = walk.documents.has(digest) || walk.among.has(digest);
    if (!here && walk.lone) {
      walk.notChecked.add("documents");
    } else if (!here) {
      fault(walk, "document_missing", place, `the document ${digest} that it refers to is not here`);
    }
  }
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

// What came of it, for anyone who shows it.
export function foundIn(walk, format) {
  const { log, genesis, entries, headers, documents, closing, faults, unsupported, opening, complete } = walk;
  const contents = walk.linked && walk.numbered ? "range" : walk.numbered && !walk.lone ? "selection" : format;
  return {
    format, contents, log, genesis, entries, headers, documents, closing, faults, unsupported, opening,
    complete: faults.length === 0 ? complete : null,
    redacted: walk.redacted,
    closed: walk.closed, tail: walk.tail, warnings: [...new Set(walk.warnings)], notChecked: [...walk.notChecked],
  };
}
