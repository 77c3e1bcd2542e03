// One entry: its members, the bytes that were signed, its hash.

import { blake2b } from "./blake2b.js";
import { fromHex, join, toHex, utf8 } from "./bytes.js";
import { isHex, isObject, isText, isWhole, membersOf } from "./json.js";
import { leafHash } from "./merkle.js";
import { isTime } from "./time.js";

const SEPARATOR = Uint8Array.of(0x1f);
const MEMBERS = {
  kind: isKind,
  payload: isObject,
  prev_hash: isHex(32),
  signature: isHex(64),
  ts: isTime,
};

// 1 to 256 bytes, not blank, no control characters.
function isKind(value) {
  const fine =
    isText(value) !== undefined &&
    value.trim() !== "" &&
    utf8(value).length <= 256 &&
    // eslint-disable-next-line no-control-regex -- these are what is refused
    !/[\u0000-\u001f\u007f-\u009f]/.test(value);
  return fine ? value : undefined;
}

// Reads the object of an entry, with its number or without (a document).
export function readEntry(value, numbered = true) {
  const sorts = numbered ? { ...MEMBERS, seq: isWhole } : MEMBERS;
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
