// What the log's signed index says of a term: that a selection is complete, or that there
// is nothing (format §13.1).

import { factsOf } from "./answered.js";
import { blake2b } from "./blake2b.js";
import { fromHex, join, toHex, utf8 } from "./bytes.js";
import { isHashes, isHex, isObject, isText, isWhole, membersOf } from "./json.js";
import { leavesIn, rootOf, subtrees } from "./merkle.js";
import { faultsAlone, isSigned, readStatement } from "./statement.js";
import { vrfOutput } from "./vrf.js";

const HIDDEN = ["tenant", "tenant_json", "worker"];
const FIELDS = ["kind", "correlation", "denied", ...HIDDEN];

const H = (...parts) => blake2b(join(...parts));

function big(number) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
  return bytes;
}

const listOf = (sort) => (value) => (Array.isArray(value) && value.every((item) => sort(item) !== undefined) ? value.map(sort) : undefined);
const nodes = (value) => isHashes(value)?.map((hash) => fromHex(hash, 32));
const shown = (value) => (isObject(value) ? membersOf(value, { place: isHex(32), hidden: isHex(32) }) : undefined);

function readTree(value) {
  const sorts = { after: nodes, at: isWhole, before: nodes, root: isHex(32), size: isWhole };
  const given = isObject(value)?.has("entries") ? { digest: isHex(32), entries: isWhole } : { between: listOf(shown) };
  return isObject(value) ? membersOf(value, { ...sorts, ...given }) : undefined;
}

// Reads the line; throws if it is none.
export function readTerm(value) {
  const said = membersOf(value, { index: isObject }).index;
  const header = (one) => (isObject(one) ? readStatement("epoch", one) : undefined);
  const field = (one) => (FIELDS.includes(one) ? one : undefined);
  const sorts = { field, header, since: isWhole, trees: listOf(readTree), value: isText };
  const more = { ...(said.has("key") ? { key: isHex(32) } : {}), ...(said.has("placed") ? { placed: isHex(80) } : {}) };
  return membersOf(said, { ...sorts, ...more });
}

// Takes the line: once, in a selection, before all headers.
export function takeTerm(walk, term, line) {
  const { fault, later } = walk.report;
  if (walk.linked || walk.term !== null || walk.headers.length > 0) {
    fault("bundle_corrupt", { line }, "what the index says stands once, in a selection, before all headers");
  }
  walk.term = { ...term, line };
  const header = term.header.content;
  const place = { at: "epoch", epoch: header.epoch, line };
  later("epoch_signature_invalid", place, "the header that the term is proven under: its signature is not the log key's", () => isSigned(term.header));
  if (header.log !== walk.log) {
    fault("log_key_mismatch", place, "it names another log's key");
  }
  if (header.genesis !== walk.genesis) {
    fault("genesis_mismatch", place, "it names another log's genesis");
  }
  for (const [code, detail] of faultsAlone(header)) {
    fault(code, place, detail);
  }
}

// Takes an entry that has the term, and that the rest of the filter leaves out (I.8).
export function takeOmitted(walk, value) {
  if (walk.term === null) {
    throw new Error("an entry is left out only where the index says how many there are");
  }
  const omitted = membersOf(membersOf(value, { omitted: isObject }).omitted, { epoch: isWhole, leaf: isHex(32), seq: isWhole });
  walk.omitted.push({ ...omitted, before: walk.entries.length });
}

// At the end: what the index says must be what the entries say (I.9).
export function endTerm(walk) {
  const { term } = walk;
  if (term === null) {
    if (walk.linked && walk.headers.at(-1)?.statement.content.index !== undefined) {
      walk.notChecked.add("index");
    }
    return;
  }
  // Of epochs before the index nothing is shown.
  if (term.since === 0) {
    walk.notChecked.delete("completeness");
  }
  walk.notChecked.add("index");
  if (walk.omitted.length > 0) {
    walk.notChecked.add("omitted");
  }
  const order = walk.order++;
  walk.checks.push(async () => {
    const before = walk.faults.length;
    const entries = await check(walk, (code, place, detail) => walk.report.fault(code, place, detail, order));
    const { field, value, header } = term;
    walk.complete = walk.faults.length === before ? { field, value, entries, omitted: walk.omitted.length, epoch: header.content.epoch, seq: header.content.last_seq, since: term.since || null } : null;
  });
}

async function check(walk, fault) {
  const { term } = walk;
  const { line, field, value } = term;
  const header = term.header.content;
  const own = countEntries(walk, fault);
  const filter = askedOf(walk);
  if (filter !== null && !asks(filter, field, value)) {
    fault("filter_mismatch", { line }, "the index is asked for another term than the selection is of");
  }
  const trees = isLogs(walk) ? await countsUnder(walk) : "the index began in another epoch, or under another key";
  if (!Array.isArray(trees)) {
    fault("index_invalid", { line }, trees);
    return 0;
  }
  let entries = 0;
  for (const { first, level, said } of trees) {
    const given = joined(own, first, level);
    entries += said?.entries ?? 0;
    if (said?.entries !== given?.entries || (said && toHex(said.digest) !== toHex(given.digest))) {
      const epochs = `epochs ${first} to ${first + 2 ** level - 1}`;
      fault("index_mismatch", { line }, `${epochs}: the log's signed index counts ${said?.entries ?? 0} entries, and ${given?.entries ?? 0} are given, or others`);
    }
  }
  return entries;
}

// What each tree under the header says of the term (I.9), or in words what is wrong.
export async function countsUnder({ term, genesis, opening }) {
  const header = term.header.content;
  const key = keyOf(term, opening);
  const place = key === null ? null : await placeOf({ term, genesis, key });
  const blocks = blocksUnder(term.since, header.epoch);
  if (place === null || blocks.length !== term.trees.length) {
    return "the place of the term is not shown, or not in every tree";
  }
  const committed = term.trees.flatMap(({ size, root }) => [big(size), fromHex(root, 32)]);
  if (toHex(H(utf8("sealbook:index:v1\u001f"), big(term.since), fromHex(term.key ?? "", term.key ? 32 : 0), ...committed)) !== header.index) {
    return "the trees are not those that the header commits to";
  }
  const counts = term.trees.map((tree) => countIn(tree, place));
  return counts.includes(undefined) ? "what a tree shows does not lead to its root" : blocks.map(([first, level], at) => ({ first, level, said: counts[at] }));
}

// Whether an entry has a term.
export const hasTerm = (entry, { field, value }) => (field === "kind" ? entry.kind === value : factsOf(entry).has(`${field} ${value}`));

// A count with the next entry of its epoch (I.5).
export function countOf(count, seq, leaf) {
  const { entries, digest } = count ?? { entries: 0, digest: new Uint8Array(32) };
  return { entries: entries + 1, digest: H(Uint8Array.of(4), digest, big(seq), leaf) };
}

// The count of each epoch, by the entries that are given (I.5).
function countEntries(walk, fault) {
  const { term } = walk;
  const { epoch: last } = term.header.content;
  const filter = askedOf(walk);
  const own = new Map();
  let [latest, next, misplaced] = [0, 0, false];
  const add = (epoch, seq, leaf) => {
    own.set(epoch, countOf(own.get(epoch), seq, leaf));
    misplaced ||= epoch < latest;
    latest = epoch;
  };
  const leaveOut = (end) => {
    for (; walk.omitted[next]?.before <= end; next += 1) {
      const { epoch, seq, leaf } = walk.omitted[next];
      misplaced ||= epoch < term.since || epoch > last;
      add(epoch, seq, fromHex(leaf, 32));
    }
  };
  for (const { statement } of walk.headers) {
    if (statement.content.epoch === last && toHex(statement.signed) !== toHex(term.header.signed)) {
      fault("epoch_invariant", { at: "epoch", epoch: last }, "it is not the header under which the term is proven");
    }
  }
  for (const [at, { entry, header, index, line }] of walk.entries.entries()) {
    leaveOut(at);
    if (entry === null || header === null) {
      continue;
    }
    const { epoch } = header.statement.content;
    if (epoch > last) {
      fault("index_mismatch", { at: "entry", entry: index, seq: entry.seq, line }, `it lies in epoch ${epoch}, and what the index says ends with epoch ${last}`);
    } else if (hasTerm(entry, term)) {
      add(epoch, entry.seq, entry.leaf);
    } else if (!filter?.has("attestations")) {
      fault("index_mismatch", { line: term.line }, `entry ${entry.seq} does not have the term`);
    }
  }
  leaveOut(walk.entries.length);
  if (misplaced) {
    fault("index_mismatch", { line: term.line }, "an entry that is left out stands in an epoch that the index does not cover, or behind those of a later one");
  }
  return own;
}

// What the log signed that was asked for.
function askedOf({ closing }) {
  const filter = closing?.signed ? closing.content?.filter : null;
  return filter instanceof Map ? filter : null;
}

// Whether `since` and `key` are the log's, as far as its headers and entries say (I.13).
function isLogs({ term: { since, key }, headers, began }) {
  const fits = ({ statement: { content } }) => (content.index !== undefined) === (content.epoch >= since);
  return headers.every(fits) && (began === null || (began.since === since && began.key === key));
}

function asks(filter, field, value) {
  const said = filter.get({ kind: "kinds" }[field] ?? field);
  if (field === "kind") {
    return Array.isArray(said) && said.length === 1 && said[0] === value;
  }
  return field === "denied" ? String(said) === value : said === value;
}

// Under which key the index stands: the one that entry 0 names, or, of an index that began
// later, the one that the headers commit to (I.13); null if that is not shown.
function keyOf({ since, key }, opening) {
  const first = opening?.index;
  return (since === 0 ? key === undefined && first : first === undefined && opening && key) || null;
}

// Where the term stands (I.4); null if that is not shown.
async function placeOf({ term, genesis, key }) {
  const { field, value, placed } = term;
  const isHidden = HIDDEN.includes(field);
  if (isHidden !== (placed !== undefined)) {
    return null;
  }
  const said = (name, what) => join(utf8(`${name}\u001f`), fromHex(genesis, 32), utf8(`${field}\u001f`), what);
  const text = utf8(value);
  const what = isHidden ? await vrfOutput(fromHex(key, 32), said("sealbook:vrf:v1", text), fromHex(placed, 80)) : text;
  return what === null ? null : H(said("sealbook:term:v1", what));
}

// Of each tree under a header its first epoch and its level (I.7).
function blocksUnder(since, epoch) {
  const end = Math.max(since, epoch - 1);
  const blocks = [];
  let at = since;
  for (const level of subtrees(since, end)) {
    blocks.push([at, level]);
    at += 2 ** level;
  }
  for (let alone = end; alone <= epoch; alone += 1) {
    blocks.push([alone, 0]);
  }
  return blocks;
}

export const joinedOf = (left, right) => ({ entries: left.entries + right.entries, digest: H(Uint8Array.of(5), left.digest, right.digest) });

// The count in a block, by those in its epochs (I.5).
function joined(own, first, level) {
  if (level === 0) {
    return own.get(first);
  }
  if (![...own.keys()].some((epoch) => epoch >= first && epoch < first + 2 ** level)) {
    return undefined;
  }
  const left = joined(own, first, level - 1);
  const right = joined(own, first + 2 ** (level - 1), level - 1);
  return left && right ? joinedOf(left, right) : left ?? right;
}

// The count that a tree says; null for none, undefined if it does not lead to its root.
function countIn(tree, place) {
  const { after, at, before, root, size, entries, digest, between } = tree;
  const count = between === undefined ? { entries, digest: fromHex(digest, 32) } : null;
  const leaves = count
    ? [[place, H(Uint8Array.of(3), big(entries), count.digest)]]
    : between.map((leaf) => [fromHex(leaf.place, 32), fromHex(leaf.hidden, 32)]);
  const end = at + leaves.length;
  const [first, last] = [subtrees(0, at), subtrees(end, size)];
  const fits = leaves.length >= 1 && leaves.length <= 2 && end <= size && first.length === before.length && last.length === after.length;
  if (!fits || (count ? entries < 1 : !isBetween(leaves.map(([leaf]) => toHex(leaf)), toHex(place), at === 0, end === size))) {
    return undefined;
  }
  const all = [
    ...first.map((level, nth) => [level, before[nth]]),
    ...leaves.map(([where, hidden]) => [0, H(Uint8Array.of(2), where, hidden)]),
    ...last.map((level, nth) => [level, after[nth]]),
  ];
  return leavesIn(all) === size && toHex(rootOf(all)) === root ? count : undefined;
}

function isBetween(places, place, atFirst, atLast) {
  const [one, two] = places;
  return two === undefined ? (atFirst && place < one) || (atLast && one < place) : one < place && place < two;
}
