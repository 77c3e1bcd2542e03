// What the reader holds the log against, asked of the server: heads that were kept must be
// in the log, and what comes after a revoked place counts for nothing.

import { askCanonical, Refused } from "./ask.js";
import { readEntry, readOpening } from "./entry.js";
import { judgeRevocations, tellRevocations } from "./revoked.js";
import { headerHash, isSigned, readStatement } from "./statement.js";
import { heldAgainst } from "./trust.js";

// An entry by its number, or null.
export async function entryAt(seq) {
  try {
    return readEntry((await askCanonical(`/v1/entries/${seq}`)).get("entry"));
  } catch (error) {
    if (error instanceof Refused && error.status === 404) {
      return null;
    }
    throw error;
  }
}

const faultOf = (code, detail, seq = null) => ({ code, detail, index: null, seq, line: null });

// What is wrong with the log by the heads and headers that the reader gave; `head` is the
// content of the log's own.
export async function keptFaults(head) {
  const faults = await Promise.all(heldAgainst().kept.map((one) => keptFault(one, head)));
  return faults.filter(Boolean);
}

async function keptFault(one, head) {
  if (!one.signed || one.log !== head.log || one.genesis !== head.genesis) {
    return faultOf("head_not_contained", "a head that you gave is not this log's, or nobody signed it");
  }
  if (one.seq > head.seq) {
    return faultOf("truncated", `the head that you gave has entry ${one.seq}, and the log ends before it`, head.seq);
  }
  const entry = await entryAt(one.seq);
  if (entry?.hash !== one.hash) {
    return faultOf("equivocation", `the log signed another entry ${one.seq} in the head that you gave`, one.seq);
  }
  return one.isHeader ? otherHeader(one) : null;
}

async function otherHeader({ statement, epoch }) {
  const answer = await askCanonical(`/v1/epochs?from=${epoch}&limit=1`);
  const [value] = answer.get("epochs");
  const now = value ? readStatement("epoch", value) : null;
  const same = now !== null && (await isSigned(now)) && headerHash(now) === headerHash(statement);
  return same ? null : faultOf("equivocation", `epoch ${epoch} has another header than the one that you gave`);
}

// What is wrong by the revocations that the reader gave, of these entries: judged as
// `verify` does. `warnings` says what was passed over.
export async function revocationFaults(entries, { log, genesis }) {
  const { revoked } = heldAgainst();
  const [faults, warnings] = [[], []];
  if (revoked.length === 0) {
    return { faults, warnings };
  }
  const first = await entryAt(0);
  const opening = first !== null && first.hash === genesis ? readOpening(first) : null;
  const walk = {
    given: { revoked }, log, genesis, opening, closed: await closingOf(log), headers: [], gap: false, warnings,
    entries: entries.map(() => ({ line: null })), notChecked: new Set(),
    report: { fault: (code, { seq = null }, detail) => faults.push(faultOf(code, detail, seq)) },
  };
  for (const { content } of revoked.filter((one) => one.content.log === log)) {
    const there = await entryAt(content.seq);
    tellRevocations(walk, content.seq, there?.hash ?? null, 0);
  }
  entries.forEach(({ seq, hash }, at) => tellRevocations(walk, seq, hash, at));
  judgeRevocations(walk);
  return { faults, warnings };
}

// For which key the log itself says that its book was closed, or null.
export async function closingOf(log) {
  const page = await askCanonical("/v1/entries?kind=sealbook%3Aclose&reverse=true&limit=1");
  const [item] = page.get("entries");
  const entry = item ? readEntry(item.get("entry")) : null;
  const successor = entry?.payload.get("successor");
  return typeof successor === "string" && successor !== log ? { seq: entry.seq, successor } : null;
}
