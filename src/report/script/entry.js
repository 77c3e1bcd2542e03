// One entry: its members, the bytes that were signed, its hash.

import { blake2b } from "./blake2b.js";
import { fromHex, join, toHex, utf8 } from "./bytes.js";
import { isHex, isObject, isText, isWhole, membersOf, NotCanonical } from "./json.js";
import { leafHash } from "./merkle.js";
import { anyTime, isTime } from "./time.js";

const SEPARATOR = Uint8Array.of(0x1f);
const LEVELS = 128;
const MOST_BYTES = 16 * 1024 * 1024;
const MEMBERS = {
  kind: isKind,
  payload: (value) => (levels(value) <= LEVELS ? isObject(value) : undefined),
  prev_hash: isHex(32),
  signature: isHex(64),
  ts: isTime,
};

// 1 to 256 bytes, not blank, no control characters.
function isKind(value) {
  const fine =
    isText(value) !== undefined &&
    /\P{White_Space}/u.test(value) &&
    utf8(value).length <= 256 &&
    // eslint-disable-next-line no-control-regex -- these are what is refused
    !/[\u0000-\u001f\u007f-\u009f]/.test(value);
  return fine ? value : undefined;
}

// Arrays and objects within each other.
function levels(value) {
  const inside = Array.isArray(value) ? value : value instanceof Map ? [...value.values()] : null;
  return inside === null ? 0 : 1 + inside.reduce((most, item) => Math.max(most, levels(item)), 0);
}

// Reads the object of an entry, with its number or without (a document); `loose` as a
// logbook spells it.
export function readEntry(value, { numbered = true, loose = false } = {}) {
  const sorts = { ...MEMBERS, ...(numbered ? { seq: isWhole } : {}), ...(loose ? { ts: anyTime } : {}) };
  const { kind, payload, prev_hash, signature, ts, seq } = membersOf(value, sorts);
  const payloadText = payload.raw;
  const signed = join(
    utf8(kind),
    SEPARATOR,
    utf8(ts),
    SEPARATOR,
    utf8(payloadText),
    SEPARATOR,
    fromHex(prev_hash, 32),
  );
  if (signed.length > MOST_BYTES) {
    throw new NotCanonical("its signed bytes are more than 16 MiB");
  }
  const hashBytes = blake2b(signed);
  const signatureBytes = fromHex(signature, 64);
  return {
    seq,
    kind,
    ts,
    payload,
    payloadText,
    prevHash: prev_hash,
    signature,
    signatureBytes,
    signed,
    hash: toHex(hashBytes),
    hashBytes,
    leaf: leafHash(hashBytes, signatureBytes),
  };
}

// The payload of entry 0 (format §3.2, §13.1); throws if it opens no ledger.
export function readOpening({ kind, payload }) {
  if (kind !== "sealbook:open") {
    throw new NotCanonical("it does not open a ledger");
  }
  const orNull = (sort) => (value) => (value === null ? null : sort(value));
  const end = (value) => membersOf(isObject(value) ?? new Map(), { hash: isHex(32), log: isHex(32), seq: isWhole });
  // The members of version 2 (format §13.1, §15.3): the keys of an index and of ML-DSA-44.
  const second = Object.entries({ index: isHex(32), post_quantum: isHex(1312) }).filter(([name]) => payload.has(name));
  return membersOf(payload, {
    format: (value) => (isWhole(value) === (second.length > 0 ? 2 : 1) ? value : undefined),
    log: isHex(32),
    nonce: isHex(16),
    origin: isText,
    predecessor: orNull(end),
    recovery_key_sha256: orNull(isHex(32)),
    ...Object.fromEntries(second),
  });
}

// What a `sealbook:format` says: from its epoch on, headers commit to an index under a key.
export function readBegins({ payload }) {
  return membersOf(payload, { format: (value) => (isWhole(value) === 2 ? value : undefined), index: isHex(32) });
}

// A format later than `known`, in words, or null.
export function laterFormat(object, known) {
  const format = object.get("format");
  const digits = format !== null && typeof format === "object" ? format.raw : undefined;
  const later = /^[0-9]+$/.test(digits ?? "") && BigInt(digits) > BigInt(known) && BigInt(digits) < 2n ** 64n;
  return later ? `format ${digits}` : null;
}

// The key for which an entry closes the book (format §3.3), or null.
export function closes({ kind, payload }) {
  return kind === "sealbook:close" && payload.size === 1 ? isHex(32)(payload.get("successor")) ?? null : null;
}
