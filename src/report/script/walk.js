// The walk through the headers, entries and documents of a file (format §4.4 to §4.8).
// Rules are named as there.

import { fromHex, toHex } from "./bytes.js";
import { documentFault, referencesOf } from "./documents.js";
import { closes, laterFormat, readBegins, readOpening } from "./entry.js";
import { meetEntry, meetHeader, standing } from "./kept.js";
import { climb, leavesIn, rootOf, subtrees } from "./merkle.js";
import { tellRevocations } from "./revoked.js";
import { faultsAfter, faultsAlone, faultsBeyond, headerHash, isSigned } from "./statement.js";
import { verifyStrict } from "./strict.js";
import { isWithinHour } from "./time.js";

// No line is longer (format rule I1, L2).
export const MOST_LINE = 20 * 1024 * 1024;
// How long a page stands still at most, in milliseconds.
const BREATH = 40;
export const ZERO = "0".repeat(64);

// What is given beside the file: `keys` in hex, `kept` heads and headers (kept.js),
// `revoked` (revoked.js), `asked` terms of the filter, `expectHead`, and leave to take
// what is not signed, or a revocation that cannot be applied.
export function beginWalk(given = {}) {
  const walk = {
    given: { keys: [], kept: [], revoked: [], asked: {}, expectHead: null, ...given },
    format: 1,
    uses: false,
    opens: false,
    redacted: null,
    // Entries follow each other; they have numbers; the rules of a ledger hold.
    linked: false,
    numbered: true,
    own: true,
    log: null,
    genesis: null,
    firstSeq: 0,
    lastSeq: null,
    opening: null,
    opened: false,
    entries: [],
    last: null,
    headers: [],
    open: null,
    tail: null,
    gap: false,
    documents: new Map(),
    lastDocument: "",
    wanted: new Map(),
    among: new Set(),
    closing: null,
    closed: null,
    standing: [],
    leafOf: new Map(),
    term: null,
    omitted: [],
    begun: false,
    began: null,
    complete: null,
    lone: false,
    checks: [],
    afterwards: [],
    faults: [],
    warnings: [],
    order: 0,
    unsupported: null,
    notChecked: new Set(),
  };
  walk.report = {
    fault: (code, place, detail, order) => fault(walk, code, place, detail, order),
    later: (code, place, detail, holds) => later(walk, code, place, detail, holds),
  };
  return walk;
}

// What is called between lines lets the page go on.
export function breather() {
  let since = Date.now();
  return async () => {
    if (Date.now() - since > BREATH) {
      await new Promise((go) => setTimeout(go, 0));
      since = Date.now();
    }
  };
}

// A fault in its order, which what is judged later has reserved. Of a line, unless
// it says of what else.
export function fault(walk, code, place, detail, order = walk.order++) {
  const { at = "document", line = null, seq = null, entry = null, epoch = null } = place;
  const index = { entry, epoch, document: line - 1, file: null }[at];
  const found = { code, at, index, seq, line, detail, order };
  walk.faults.push(found);
  walk.entries[entry]?.faults.push(found);
}

export const FILE = { at: "file" };

// A signature, which is judged when all lines were read.
export function later(walk, code, place, detail, holds) {
  const order = walk.order++;
  walk.checks.push(async () => {
    if (!(await holds())) {
      fault(walk, code, place, detail, order);
    }
  });
}

// F3, P3, L3: from here on the log is known. Whether its key is trusted is not said here.
export function isOf(walk, log) {
  walk.log = log;
  walk.standing = standing(walk.given.kept, walk.report.fault);
}

// An entry that cannot be read is still an entry, and has its number.
export function lostEntry(walk, code, line, detail) {
  const entry = walk.entries.length;
  walk.entries.push({ index: entry, line, entry: null, header: null, steps: null, faults: [], signed: null });
  fault(walk, code, { at: "entry", entry, line }, detail);
}

function signedBy(walk, entry) {
  const key = fromHex(walk.log, 32);
  return key !== null && verifyStrict(key, entry.signed, entry.signatureBytes);
}

// E2 to E16; `path` is undefined where there is no such member.
export function takeEntry(walk, entry, line, path) {
  const index = walk.entries.length;
  const before = walk.last;
  entry.seq ??= index;
  const place = { at: "entry", entry: index, line, seq: entry.seq };
  const item = { index, line, entry, header: null, steps: null, faults: [], signed: null };
  const neighbour = walk.entries.at(-1) ?? null;
  walk.entries.push(item);
  const due = before ? before.seq + 1 : walk.firstSeq;
  if (walk.numbered && (walk.linked ? entry.seq !== due : before && entry.seq <= before.seq)) {
    fault(walk, "sequence_gap", place, walk.linked ? `entry ${entry.seq} stands where ${due} must` : `entry ${entry.seq} stands after entry ${before.seq}`);
  }
  checkLink(walk, item, before, neighbour, place);
  later(walk, "signature_invalid", place, "the signature is not the log key's on this entry", async () => {
    item.signed = await signedBy(walk, entry);
    return item.signed;
  });
  if (walk.own) {
    keepsRules(walk, entry, before, place);
  } else if (before && entry.ts < before.ts) {
    walk.warnings.push("timestamp_regression");
  }
  if (index === 0 && !walk.own) {
    walk.genesis = entry.hash;
  }
  const successor = closes(entry);
  walk.closed = successor === null ? walk.closed : { seq: entry.seq, successor };
  if (walk.numbered) {
    underHeader(walk, item, path, place);
  }
  if (walk.own) {
    takeBegins(walk, item, place);
    takeReferences(walk, entry, place);
  }
  walk.last = entry;
  tellRevocations(walk, entry.seq, entry.hash, index);
  meetEntry(walk, entry);
}

// E3: not judged after what could not be read, or was signed by somebody else.
function checkLink(walk, item, before, neighbour, place) {
  const { entry } = item;
  const wanted = entry.seq === 0 ? ZERO : walk.linked && before ? before.hash : null;
  const order = walk.order++;
  if (wanted === null || entry.prevHash === wanted) {
    return;
  }
  walk.afterwards.push(() => {
    const believed = entry.seq === 0 || walk.numbered || neighbour === null || (neighbour.entry !== null && neighbour.signed !== false);
    if (believed) {
      const detail = entry.seq === 0 ? "entry 0 names one before it" : "it does not name the entry before it";
      fault(walk, "prev_hash_mismatch", place, detail, order);
    }
  });
}

// E5 to E9, L7.
function keepsRules(walk, entry, before, place) {
  if (entry.kind === "sealbook:rollback") {
    walk.warnings.push("acknowledged_rollback");
  }
  if (entry.seq === 0) {
    checkOpening(walk, entry, place);
  }
  if (walk.closed !== null && entry.seq === walk.closed.seq + 1) {
    fault(walk, "schema_violation", place, "the entry before it closed the book");
  }
  if (before && entry.ts < before.ts) {
    fault(walk, "timestamp_regression", place, `its time lies before that of entry ${before.seq}`);
  }
}

// E10 to E14.
function underHeader(walk, item, path, place) {
  const { entry } = item;
  if (walk.linked) {
    if (walk.open && entry.seq > walk.open.statement.content.last_seq) {
      endEpoch(walk);
    }
    if (path !== undefined) {
      fault(walk, "bundle_corrupt", place, "an entry of a range has no path");
    }
  }
  const known = walk.open;
  if (!known) {
    if (!walk.tail) {
      fault(walk, "proof_invalid", place, "no epoch header covers it");
    }
    return;
  }
  const header = known.statement.content;
  item.header = known;
  known.used = true;
  if (!isWithinHour(entry.ts, header.hour) || entry.ts > header.sealed_at) {
    fault(walk, "epoch_invariant", place, `its time lies outside of epoch ${header.epoch}`);
  }
  if (entry.seq === header.last_seq && entry.hash !== header.head) {
    fault(walk, "head_mismatch", { ...place, at: "epoch", epoch: header.epoch }, "it is not the head that was sealed");
  }
  if (walk.linked) {
    known.tree.push([0, entry.leaf]);
    return;
  }
  const siblings = path?.map((hash) => fromHex(hash, 32)) ?? null;
  const within = siblings !== null && entry.seq >= header.first_seq;
  item.steps = within ? climb(entry.seq - header.first_seq, header.tree_size, entry.leaf, siblings) : null;
  if (item.steps === null) {
    fault(walk, "proof_invalid", place, `it has no path of the right length into epoch ${header.epoch}`);
  } else if (toHex(item.steps.at(-1)?.node ?? entry.leaf) !== header.root) {
    fault(walk, "proof_invalid", place, `its path does not lead to the root of epoch ${header.epoch}`);
  }
}

// I.13: an index begins with the first entry of an epoch, once.
function takeBegins(walk, { entry, header }, place) {
  if (entry.kind !== "sealbook:format") {
    isBegun(walk, entry, header);
    return;
  }
  const newer = laterFormat(entry.payload, 2);
  if (newer !== null) {
    walk.checks.push(async () => {
      walk.unsupported = (await signedBy(walk, entry)) ? newer : walk.unsupported;
    });
  }
  const { first_seq: first, index } = header?.statement.content ?? { first_seq: entry.seq, index: "" };
  const fits = !walk.begun && walk.opening?.index === undefined && first === entry.seq && index !== undefined;
  walk.begun = true;
  try {
    const { index: key } = readBegins(entry);
    walk.began ??= header && { since: header.statement.content.epoch, key };
    if (fits) {
      return;
    }
  } catch {
    // Said below.
  }
  fault(walk, "schema_violation", place, "it begins no index: it is not the first entry of an epoch whose header commits to one, or there was one before");
}

// I.1: the first entry of the first epoch whose header commits to an index begins it.
function isBegun(walk, entry, header) {
  const [before, own] = walk.headers.slice(-2).map(({ statement }) => statement.content);
  if (header && own && own.epoch === before.epoch + 1 && own.first_seq === entry.seq && before.index === undefined && own.index !== undefined) {
    fault(walk, "epoch_invariant", { at: "epoch", epoch: own.epoch }, "it commits to an index, and no entry begins it");
  }
}

function takeReferences(walk, entry, place) {
  if (entry.kind === "wcp.document") {
    const wrong = documentFault(entry);
    if (wrong !== null) {
      fault(walk, wrong, place, "it is not a document, or not the one of its digest");
    } else {
      walk.among.add(entry.payload.get("digest"));
    }
  }
  for (const digest of referencesOf(entry)) {
    walk.wanted.set(digest, walk.wanted.get(digest) ?? place);
  }
}

// Entry 0 says which log this is (E5 to E7, O4 to O6, U4).
function checkOpening(walk, entry, place) {
  try {
    walk.opening = readOpening(entry);
  } catch (error) {
    const newer = entry.kind === "sealbook:open" ? laterFormat(entry.payload, 1) : null;
    if (newer !== null) {
      walk.checks.push(async () => {
        walk.unsupported = (await signedBy(walk, entry)) ? newer : walk.unsupported;
      });
    }
    fault(walk, "schema_violation", place, error.message);
    return;
  }
  if (walk.opening.log !== walk.log) {
    fault(walk, "log_key_mismatch", place, "entry 0 names another log's key");
  }
  if (walk.genesis !== null && entry.hash !== walk.genesis) {
    fault(walk, "genesis_mismatch", place, "entry 0 is not the genesis that is named");
  }
  walk.genesis ??= entry.hash;
}

// The log's entry 0, beside the entries (O2 to O6).
export function takeFirst(walk, entry, line) {
  walk.opened = true;
  if (entry.prevHash !== ZERO) {
    fault(walk, "prev_hash_mismatch", { line }, "the entry that opened the log names one before it");
  }
  later(walk, "signature_invalid", { line }, "the signature is not the log key's on the entry that opened the log", () => signedBy(walk, entry));
  checkOpening(walk, entry, { line });
}

// D2 to D7.
export function takeDocument(walk, entry, line) {
  if (walk.headers.length > 0 || walk.entries.length > 0 || walk.tail || walk.term) {
    fault(walk, "bundle_corrupt", { line }, "documents stand before all else");
  }
  later(walk, "signature_invalid", { line }, "the signature is not the log key's on this document", () => signedBy(walk, entry));
  if (entry.kind !== "wcp.document") {
    fault(walk, "bundle_corrupt", { line }, "the entry in this line is not a document");
    return;
  }
  const wrong = documentFault(entry);
  if (wrong !== null) {
    fault(walk, wrong, { line }, "it is not a document, or not the one of its digest");
    return;
  }
  const digest = entry.payload.get("digest");
  if (digest <= walk.lastDocument) {
    fault(walk, "bundle_corrupt", { line }, "documents stand in the order of their digests, each once");
  }
  walk.lastDocument = digest;
  walk.documents.set(digest, { entry, line });
}

// R6, S5.
export function endEpoch(walk) {
  const known = walk.open;
  walk.open = null;
  if (!known) {
    return;
  }
  const { epoch, tree_size, root } = known.statement.content;
  const place = { at: "epoch", epoch, line: known.line };
  const whole = walk.linked && leavesIn(known.tree) === tree_size ? rootOf(known.tree) : null;
  if (walk.linked && (whole === null || toHex(whole) !== root)) {
    fault(walk, "epoch_root_mismatch", place, `the entries given are not those of the root of epoch ${epoch}`);
  } else if (!walk.linked && !known.used) {
    fault(walk, "bundle_corrupt", place, "the header of an epoch of which no entry is given");
  }
}

// H2 to H8, K4.
export function takeHeader(walk, statement, line) {
  endEpoch(walk);
  const header = statement.content;
  const place = { at: "epoch", epoch: header.epoch, line };
  const before = walk.headers.at(-1);
  const known = { statement, line, signed: false, used: false, tree: [] };
  later(walk, "epoch_signature_invalid", place, `epoch ${header.epoch}: the header's signature is not the log key's`, async () => {
    known.signed = await isSigned(statement);
    return known.signed;
  });
  namesLog(walk, header, place);
  const faults = faultsAlone(header);
  if (!before) {
    faults.push(...(header.epoch === 0 || header.first_seq === 0 ? faultsAfter(statement, null) : []));
  } else if (!walk.linked && header.epoch > before.statement.content.epoch + 1) {
    walk.gap = true;
    walk.warnings.push("epoch_gap");
    faults.push(...faultsBeyond(header, before.statement.content));
  } else {
    faults.push(...faultsAfter(statement, before.statement));
  }
  for (const [code, detail] of faults) {
    fault(walk, code, place, `epoch ${header.epoch}: ${detail}`);
  }
  if (walk.tail) {
    fault(walk, "bundle_corrupt", place, "a header stands behind the head");
  }
  walk.headers.push(known);
  walk.open = known;
  meetHeader(walk, statement);
  tellRevocations(walk, header.last_seq, header.head);
}

function namesLog(walk, named, place) {
  if (named.log !== walk.log) {
    fault(walk, "log_key_mismatch", place, "it names another log's key");
  }
  if (named.genesis !== walk.genesis) {
    fault(walk, "genesis_mismatch", place, "it names another log's genesis");
  }
}

// A2 to A6: a head over entries that no epoch seals.
export function takeHead(walk, statement, line) {
  endEpoch(walk);
  const head = statement.content;
  const due = walk.last ? walk.last.seq + 1 : walk.firstSeq;
  if (!walk.linked || walk.tail || due > walk.lastSeq) {
    fault(walk, "bundle_corrupt", { ...FILE, line }, "a head stands in a range, once, before its last entry");
  }
  later(walk, "signature_invalid", { ...FILE, line }, "the head's signature is not the log key's", () => isSigned(statement));
  namesLog(walk, head, { ...FILE, line });
  const last = walk.headers.at(-1)?.statement;
  if (last && head.format === 2 && !(head.epoch?.epoch === last.content.epoch && head.epoch.hash === headerHash(last))) {
    fault(walk, "epoch_chain_broken", { ...FILE, line }, "the head does not stand on the header before it");
  }
  walk.tail = statement;
  tellRevocations(walk, head.seq, head.hash);
}

// B2 and B3: subtrees of an epoch of which a part is given.
export function takeSubtrees(walk, name, nodes, line) {
  if (!walk.linked || !walk.open) {
    fault(walk, "bundle_corrupt", { ...FILE, line }, "subtree hashes stand in a range, under a header whose epoch goes on");
    return;
  }
  const { epoch, first_seq, tree_size } = walk.open.statement.content;
  const { tree } = walk.open;
  const due = walk.last ? walk.last.seq + 1 : walk.firstSeq;
  const levels = name === "before" ? subtrees(0, tree.length > 0 ? 0 : due - first_seq) : subtrees(leavesIn(tree), tree_size);
  if (nodes.length === 0 || nodes.length !== levels.length) {
    fault(walk, "bundle_corrupt", { at: "epoch", epoch, line }, `\`${name}\` has not as many hashes as there are subtrees`);
    return;
  }
  tree.push(...levels.map((level, at) => [level, fromHex(nodes[at], 32)]));
}
