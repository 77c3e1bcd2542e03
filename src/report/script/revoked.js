// Revocations: from which entry on a key's word is worth nothing (format §8.3).

import { fromHex, fromUtf8, toHex } from "./bytes.js";
import { closes, readEntry } from "./entry.js";
import { isObject, membersOf } from "./json.js";
import { NotGiven } from "./kept.js";
import { parseLoose } from "./loose.js";
import { faultsAfter, holds, readStatement } from "./statement.js";
import { verifyStrict } from "./strict.js";

// Reads a revocation file (V8).
export async function readRevocation(bytes) {
  try {
    const lines = fromUtf8(bytes).trimEnd().split("\n");
    const { content, key, ...statement } = readStatement("revoke", parseLoose(lines[0]));
    const successor = lines.length > 1 ? await successorOf(lines[1], content.log) : null;
    if (lines.length <= 2 && (lines.length === 1 || successor === key) && (await holds({ key, ...statement }))) {
      const sha256 = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", fromHex(key, 32))));
      return { content, key, sha256, successor, here: null, met: false, beyond: null };
    }
  } catch {
    // It cannot be read.
  }
  throw new NotGiven("bad_input", "what is given as revocation is none that somebody signed");
}

async function successorOf(line, log) {
  const closing = membersOf(parseLoose(line), { closing: isObject }).closing;
  const entry = readEntry(closing, { numbered: false, loose: true });
  return (await verifyStrict(fromHex(log, 32), entry.signed, entry.signatureBytes)) ? closes(entry) : null;
}

// What an entry, header or head of the file says of the revoked place.
export function tellRevocations(walk, seq, hash, entry = null) {
  for (const one of walk.given.revoked) {
    if (seq === one.content.seq && (one.here === null || one.here === one.content.hash)) {
      one.here = hash;
    }
    one.met ||= entry !== null && seq === one.content.seq && hash === one.content.hash;
    if (entry !== null && seq > one.content.seq && one.beyond === null) {
      one.beyond = { entry, seq };
    }
  }
}

// V1 to V6.
export function judgeRevocations(walk) {
  const { fault } = walk.report;
  for (const one of walk.given.revoked) {
    judgeOne(walk, one, fault);
  }
}

function judgeOne(walk, { content, key, sha256, successor, here, met, beyond, tied = false }, fault) {
  const file = { at: "file" };
  const notApplicable = () => {
    walk.notChecked.add("revocation_not_applicable");
    if (walk.given.allowRevocationNotApplicable) {
      walk.warnings.push("revocation_ignored");
    } else {
      fault("revocation_not_applicable", file, `nothing here ties to entry ${content.seq}, from which on the key is revoked`);
    }
  };
  if (content.log !== walk.log) {
    walk.warnings.push("revocation_of_another_log");
    return;
  }
  const named = [walk.closed?.successor ?? null, successor].includes(key);
  const recovery = walk.opening !== null && walk.opening.recovery_key_sha256 === sha256;
  const sameLog = content.genesis === walk.genesis;
  if (sameLog && (key === walk.log || (!recovery && !named && walk.opening && walk.closed))) {
    walk.warnings.push("revocation_ignored");
    return;
  }
  if (!sameLog || !(recovery || named)) {
    notApplicable();
    return;
  }
  if (here !== null && here !== content.hash) {
    fault("head_not_contained", file, `entry ${content.seq} is not the one up to which the key is good`);
  }
  if (beyond !== null) {
    const place = { at: "entry", entry: beyond.entry, seq: beyond.seq, line: walk.entries[beyond.entry].line };
    fault("untrusted_key", place, `the key is revoked after entry ${content.seq}: ${content.reason}`);
    return;
  }
  if (here !== null && here !== content.hash) {
    return;
  }
  // What a header says of its own last entry is the word of the key that is revoked.
  const chained = walk.linked !== false || walk.entries.length === 1;
  if (isTied(walk, tied) || (chained && met) || (!walk.gap && leads(walk, content))) {
    walk.warnings.push("revoked");
  } else {
    notApplicable();
  }
}

// The place was shown under a chain of headers of which those of the file are some.
function isTied({ headers, given }, tied) {
  return tied && headers.every(({ statement }) => given.kept.some((one) => one.met && one.epoch === statement.content.epoch));
}

// V5: the last header of the file is one that was kept, or some follow it.
function leads(walk, { seq, hash }) {
  let last = walk.headers.at(-1)?.statement ?? null;
  let known = false;
  const kept = walk.given.kept.filter((one) => one.isHeader && one.signed).sort((a, b) => a.epoch - b.epoch);
  for (const { statement } of last === null ? [] : kept) {
    const follows = statement.content.log === last.content.log && faultsAfter(statement, last).length === 0;
    if (follows || toHex(statement.signed) === toHex(last.signed)) {
      last = statement;
      known = true;
    }
    if (known && last.content.last_seq === seq && last.content.head === hash) {
      return true;
    }
  }
  return false;
}
