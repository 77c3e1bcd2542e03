// Statements that the log signs beside its entries: epoch headers, heads, the
// closing record of a bundle. `{"<what>": {…}, "key": hex, "signature": hex}`.

import { blake2b } from "./blake2b.js";
import { fromHex, toHex, utf8 } from "./bytes.js";
import { isHex, isObject, isText, isWhole, membersOf } from "./json.js";
import { verifyStrict } from "./strict.js";
import { isHourStart, isTime } from "./time.js";

const HEAD = { genesis: isHex(32), hash: isHex(32), log: isHex(32), seq: isWhole, ts: isTime };

const CONTENTS = {
  epoch: {
    epoch: isWhole,
    first_seq: isWhole,
    genesis: isHex(32),
    head: isHex(32),
    hour: isTime,
    last_seq: isWhole,
    log: isHex(32),
    prev: isHex(32),
    root: isHex(32),
    sealed_at: isTime,
    tree_size: isWhole,
  },
  head: HEAD,
  bundle: {
    bytes: isWhole,
    documents: isWhole,
    entries: isWhole,
    epochs: isWhole,
    format: isWhole,
    genesis: isHex(32),
    hash: isHex(32),
    log: isHex(32),
  },
  revoke: { genesis: isHex(32), hash: isHex(32), log: isHex(32), reason: isText, seq: isWhole },
};

const orNull = (sorts) => (value) => (value === null ? null : membersOf(isObject(value) ?? new Map(), sorts));

// What version 2 has beside: a closing record says which selection it answers, a head
// on which header and tree it stands, a header to which index it commits.
const SECOND = {
  epoch: { ...CONTENTS.epoch, format: isWhole, index: isHex(32) },
  head: {
    ...HEAD,
    epoch: orNull({ epoch: isWhole, hash: isHex(32) }),
    format: isWhole,
    tree: orNull({ root: isHex(32), size: isWhole }),
  },
  bundle: { ...CONTENTS.bundle, filter: (value) => (value === null ? null : isObject(value)) },
};

function contentsOf(what, object) {
  const version = isWhole(object.get("format")) === 2 && SECOND[what] ? 2 : 1;
  return { version, content: membersOf(object, version === 2 ? SECOND[what] : CONTENTS[what]) };
}

// Reads a statement; throws if it is none. The key must be the log that the
// content names.
export function readStatement(what, value) {
  const envelope = membersOf(value, { [what]: isObject, key: isHex(32), signature: isHex(64) });
  const { version, content } = contentsOf(what, envelope[what]);
  const signed = utf8(`sealbook:${what}:v${version}\u001f${envelope[what].raw}`);
  return { what, content, key: envelope.key, signature: envelope.signature, signed };
}

// A closing record that nobody signed.
export function readUnsignedClosing(value) {
  return contentsOf("bundle", membersOf(value, { bundle: isObject }).bundle).content;
}

// Whether the key that it names signed it.
export function holds({ key, signed, signature }) {
  return verifyStrict(fromHex(key, 32), signed, fromHex(signature, 64));
}

// Whether the log signed it that it is of.
export async function isSigned(statement) {
  return statement.key === statement.content.log && holds(statement);
}

// What the next header's `prev` must be.
export function headerHash(statement) {
  return toHex(blake2b(statement.signed));
}

// The rules that a header breaks by itself (format rule H5).
export function faultsAlone(header) {
  const faults = [];
  if (header.tree_size < 1 || header.tree_size > 2 ** 24 || header.last_seq - header.first_seq + 1 !== header.tree_size) {
    faults.push(["epoch_invariant", "the size of its tree is not that of its range"]);
  }
  if (!isHourStart(header.hour) || header.sealed_at < header.hour) {
    faults.push(["epoch_invariant", "its hour is none, or it was sealed before it"]);
  }
  return faults;
}

// From where on headers commit to an index, all do.
const lacksIndex = (header, before) => header.index === undefined && before?.index !== undefined;

// The rules that it breaks after the one before; null for the first of the log
// (format rules H6 and H7).
export function faultsAfter(statement, before) {
  const header = statement.content;
  const faults = [];
  const expected = before
    ? { epoch: before.content.epoch + 1, first_seq: before.content.last_seq + 1 }
    : { epoch: 0, first_seq: 0 };
  if (header.epoch !== expected.epoch || header.first_seq !== expected.first_seq) {
    faults.push(["epoch_invariant", `epoch ${expected.epoch} from entry ${expected.first_seq} on must follow`]);
  }
  if (before && (header.hour < before.content.hour || header.sealed_at < before.content.sealed_at)) {
    faults.push(["epoch_invariant", "its time lies before that of the header before"]);
  }
  if (lacksIndex(header, before?.content)) {
    faults.push(["epoch_invariant", "it commits to no index, and the header before does"]);
  }
  if (header.prev !== (before ? headerHash(before) : "0".repeat(64))) {
    faults.push(["epoch_chain_broken", "it does not name the header before it"]);
  }
  return faults;
}

// The rules that it breaks after one that is not next to it (format rule H6).
export function faultsBeyond(header, before) {
  const within = header.first_seq > before.last_seq ? [] : [["epoch_invariant", "it begins within the epoch before it"]];
  return lacksIndex(header, before) ? [...within, ["epoch_invariant", "it commits to no index, and one before it does"]] : within;
}
