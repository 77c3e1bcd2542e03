// The proof of one entry (format §7), and two statements that cannot both stand (§9).

import { fromHex, fromUtf8, toHex, utf8 } from "./bytes.js";
import { isDenied, readCounted } from "./denied.js";
import { endWalk, foundIn } from "./ending.js";
import { laterFormat, readEntry } from "./entry.js";
import { isUses, unknownUse } from "./bundle.js";
import { readTerm } from "./indexed.js";
import { isHashes, isHex, isObject, isText, isWhole, membersOf, parseCanonical } from "./json.js";
import { isSigned, readStatement } from "./statement.js";
import { verifyStrict } from "./strict.js";
import { beginWalk, fault, FILE, isOf, takeEntry, takeFirst, takeHeader } from "./walk.js";

export async function verifyProof(bytes, given = {}) {
  const walk = beginWalk(given);
  walk.lone = true;
  walk.notChecked.add("chain");
  const parts = readProof(walk, bytes);
  if (parts === null) {
    fault(walk, "proof_invalid", FILE, "it cannot be read as a proof");
    return foundIn(walk, "proof");
  }
  const { content } = parts.header;
  walk.genesis = content.genesis;
  isOf(walk, content.log);
  if (parts.opening) {
    takeFirst(walk, parts.opening, 1);
  }
  takeHeader(walk, parts.header, 1);
  takeEntry(walk, parts.entry, 1, parts.path);
  await endWalk(walk);
  return foundIn(walk, "proof");
}

// P1; null if it cannot be read.
function readProof(walk, bytes) {
  try {
    const text = fromUtf8(bytes);
    const value = text.endsWith("\n") ? parseCanonical(text.slice(0, -1)) : null;
    const second = isWhole(isObject(value)?.get("format")) === 2;
    walk.unsupported = laterFormat(isObject(value) ?? new Map(), 2) ?? (second ? unknownUse(value.get("uses")) : null);
    const sorts = { entry: isObject, epoch: isObject, path: isHashes };
    const more = { format: isWhole, opening: isObject, uses: isUses };
    const { entry, epoch, path, opening, uses } = membersOf(value, second ? { ...sorts, ...more } : sorts);
    const header = readStatement("epoch", epoch);
    if ((header.content.index !== undefined) !== (uses?.length === 1)) {
      return null;
    }
    return { entry: readEntry(entry), header, path, opening: opening ? readEntry(opening, { numbered: false }) : null };
  } catch {
    return null;
  }
}

const KINDS = {
  entries: (a, b) => a.prevHash === b.prevHash && !/^0+$/.test(a.prevHash) && a.hash !== b.hash,
  openings: (a, b) => sameEnd(a.payload.get("predecessor"), b.payload.get("predecessor")) && a.hash !== b.hash,
  epochs: (a, b) => sameIn(a, b, ["log", "genesis", "epoch"]) && toHex(a.signed) !== toHex(b.signed),
  heads: (a, b) => sameIn(a, b, ["log", "genesis", "seq"]) && a.content.hash !== b.content.hash,
};

const sameEnd = (a, b) => a instanceof Map && a.raw === b?.raw;
const sameIn = (a, b, names) => names.every((name) => a.content[name] === b.content[name]);

// Three lines, or four: a pass speaks against the key that is named.
export async function verifyEquivocation(bytes, given = {}) {
  const walk = beginWalk(given);
  const two = await readTwo(walk, bytes).catch(() => null);
  if (two === null) {
    fault(walk, "proof_invalid", FILE, "it does not show two statements of one key that cannot both stand");
  } else {
    walk.warnings.push("equivocation_proven");
    // The key signed both statements: a revocation has no effect (format §9, Q3).
    if (walk.given.revoked.some((one) => one.content.log === walk.log)) {
      walk.warnings.push("revocation_ignored");
    }
  }
  return { ...foundIn(walk, "equivocation"), contents: "equivocation", contradiction: two };
}

async function readTwo(walk, bytes) {
  const text = fromUtf8(bytes);
  const lines = text.endsWith("\n") ? text.slice(0, -1).split("\n") : [];
  const [first, ...values] = lines.map(parseCanonical);
  const opening = membersOf(first, { equivocation: isObject }).equivocation;
  walk.unsupported = laterFormat(opening, 2);
  const said = membersOf(opening, { format: isWhole, kind: isText, log: isHex(32) });
  walk.log = said.log;
  if (walk.unsupported === null && said.kind === "index") {
    return readDenied(walk, said, lines, values);
  }
  const isEntry = ["entries", "openings"].includes(said.kind);
  const what = { epochs: "epoch", heads: "head" }[said.kind];
  const two = values.map((value) => (isEntry ? readEntry(membersOf(value, { entry: isObject }).entry, { numbered: false }) : readStatement(what, value)));
  const bySigner = (one) => (isEntry ? verifyStrict(fromHex(said.log, 32), one.signed, one.signatureBytes) : one.key === said.log && isSigned(one));
  const opens = said.kind !== "openings" || two.every((one) => one.kind === "sealbook:open" && /^0+$/.test(one.prevHash));
  const right = said.format === 1 && two.length === 2 && lines[1] < lines[2] && opens && KINDS[said.kind](...two);
  return right && (await bySigner(two[0])) && (await bySigner(two[1])) ? { kind: said.kind, two } : null;
}

// A whole proof of an entry, what the index says, and the entries that it counts.
async function readDenied(walk, { format, log }, lines, values) {
  const parts = readProof(walk, utf8(`${lines[1]}\n`));
  const term = readTerm(values[1]);
  const counted = values.length === 3 ? readCounted(values[2]) : null;
  walk.unsupported = null;
  const right = format === 2 && values.length <= 3 && parts?.opening && (await isDenied(log, parts, term, counted));
  return right ? { kind: "index", two: [parts.entry, term.header] } : null;
}
