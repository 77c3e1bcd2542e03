// An entry of a sealed epoch, and the index of the same log that denies it (format §9).

import { fromHex, toHex } from "./bytes.js";
import { readOpening } from "./entry.js";
import { countOf, countsUnder, hasTerm, joinedOf } from "./indexed.js";
import { isHex, isObject, isWhole, membersOf } from "./json.js";
import { climb } from "./merkle.js";
import { faultsAlone, isSigned } from "./statement.js";
import { verifyStrict } from "./strict.js";

// The entries that the index counts, by epochs, as their digests are joined; throws if the
// line says something else.
export function readCounted(value) {
  const counted = membersOf(value, { counted: listIn }).counted;
  return { count: countIn(counted), entries: counted.flat(Infinity) };
}

function listIn(value) {
  if (!Array.isArray(value) || value.length === 0) {
    return undefined;
  }
  return Array.isArray(value[0]) ? pairIn(value) : value.map((one) => membersOf(isObject(one) ?? new Map(), { leaf: isHex(32), seq: isWhole }));
}

function pairIn(value) {
  const halves = value.map(listIn);
  return halves.length === 2 && !halves.includes(undefined) ? halves : undefined;
}

function countIn(counted) {
  return Array.isArray(counted[0]) ? joinedOf(...counted.map(countIn)) : counted.reduce((count, { seq, leaf }) => countOf(count, seq, fromHex(leaf, 32)), undefined);
}

// Whether `log` signed the proof of the entry and the index that denies it.
export async function isDenied(log, { entry, header, path, opening }, term, counted) {
  const [inside, under] = [header.content, term.header.content];
  const together = inside.log === log && under.log === log && inside.genesis === under.genesis && opening.hash === inside.genesis;
  if (!together || inside.epoch > under.epoch || inside.epoch < term.since || !isInside(entry, inside, path)) {
    return false;
  }
  const byLog = (one) => verifyStrict(fromHex(log, 32), one.signed, one.signatureBytes);
  for (const signed of [isSigned(header), isSigned(term.header), byLog(entry), byLog(opening)]) {
    if (!(await signed)) {
      return false;
    }
  }
  const trees = await countsUnder({ term, genesis: inside.genesis, opening: readOpening(opening) });
  const tree = Array.isArray(trees) ? trees.find(({ first, level }) => first <= inside.epoch && inside.epoch < first + 2 ** level) : undefined;
  if (tree === undefined || !isSame(tree.said, counted?.count ?? null)) {
    return false;
  }
  const leaf = toHex(entry.leaf);
  const listed = counted !== null && counted.entries.some((one) => one.seq === entry.seq && one.leaf === leaf);
  return hasTerm(entry, term) !== listed;
}

function isInside(entry, header, path) {
  const siblings = path.map((hash) => fromHex(hash, 32));
  const within = faultsAlone(header).length === 0 && entry.seq >= header.first_seq && entry.seq <= header.last_seq;
  const steps = within ? climb(entry.seq - header.first_seq, header.tree_size, entry.leaf, siblings) : null;
  return steps !== null && toHex(steps.at(-1)?.node ?? entry.leaf) === header.root;
}

const isSame = (one, other) => one?.entries === other?.entries && (one === null || toHex(one.digest) === toHex(other.digest));
