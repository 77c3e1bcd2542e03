// Signed notes, and checkpoints as their text (c2sp.org/signed-note, tlog-checkpoint,
// tlog-cosignature; format §15.3).

import { join, sameBytes, toHex, utf8 } from "./bytes.js";
import { sha256 } from "./sha256.js";
import { verifyStrict } from "./strict.js";

export const ED25519 = 0x01;
export const COSIGNATURE = 0x04;
const ML_DSA = [0x06, 0x07];
const MOST_LINES = 64;

// Canonical base64; null for anything else.
export function fromBase64(text) {
  try {
    const binary = atob(text);
    return btoa(binary) === text ? Uint8Array.from(binary, (letter) => letter.charCodeAt(0)) : null;
  } catch {
    return null;
  }
}

// Reads a note: `{ text, signatures: [{ name, id, bytes }] }`; throws if it is none (PL1).
export function readNote(note) {
  const end = note.lastIndexOf("\n\n");
  // eslint-disable-next-line no-control-regex -- these are what is refused
  if (end < 0 || !note.endsWith("\n") || /[\u0000-\u0009\u000b-\u001f]/.test(note)) {
    throw new Error("it is not a signed note");
  }
  const lines = note.slice(end + 2, -1).split("\n");
  const signatures = lines.map((line) => {
    const [, name, base64] = /^\u2014 ([^ +]+) ([A-Za-z0-9+/=]+)$/u.exec(line) ?? [];
    const bytes = base64 ? fromBase64(base64) : null;
    if (bytes === null || bytes.length < 5) {
      throw new Error("a line of the note is not a signature");
    }
    return { name, id: toHex(bytes.subarray(0, 4)), bytes: bytes.subarray(4) };
  });
  if (lines.length > MOST_LINES) {
    throw new Error("the note has more than 64 signatures");
  }
  return { text: note.slice(0, end + 1), signatures };
}

// Reads the text of a checkpoint: `{ origin, size, root }`.
export function readCheckpoint(text) {
  const [origin, size, root, ...more] = text.replace(/\n$/, "").split("\n");
  const hash = root ? fromBase64(root) : null;
  const whole = origin && /^(0|[1-9][0-9]*)$/.test(size ?? "") && Number.isSafeInteger(Number(size));
  if (!text.endsWith("\n") || !whole || hash?.length !== 32 || more.includes("")) {
    throw new Error("the note is not a checkpoint");
  }
  return { origin, size: Number(size), root: hash };
}

const PROOF = "c2sp.org/tlog-proof@v1\n";
const MOST_SIBLINGS = 63;

export function isTlogProof(text) {
  return text.startsWith(PROOF);
}

// Reads a tlog-proof: `{ index, path, note }`; throws if it is none.
export function readTlogProof(text) {
  const end = text.indexOf("\n\n");
  const lines = text.slice(PROOF.length, end).split("\n");
  if (lines[0]?.startsWith("extra ")) {
    lines.shift();
  }
  const [, index] = /^index (0|[1-9][0-9]*)$/.exec(lines.shift() ?? "") ?? [];
  const path = lines.map(fromBase64);
  if (!isTlogProof(text) || end < 0 || !Number.isSafeInteger(Number(index ?? NaN)) || path.length > MOST_SIBLINGS || path.some((hash) => hash?.length !== 32)) {
    throw new Error("it is not a proof of a public log");
  }
  return { index: Number(index), path, note: text.slice(end + 2) };
}

// The id of a key of this name and type.
export function keyId(name, type, key) {
  return toHex(sha256(join(utf8(`${name}\n`), Uint8Array.of(type), key)).subarray(0, 4));
}

// Reads a verifier key, `name+id+base64`: `{ name, id, type, key }`; throws if it is none.
export function readVerifierKey(text) {
  const [, name, id, base64] = /^([^ +]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text) ?? [];
  const bytes = base64 ? fromBase64(base64) : null;
  const type = bytes?.[0];
  const known = type === ED25519 || type === COSIGNATURE ? bytes.length === 33 : ML_DSA.includes(type);
  if (!known || keyId(name, type, bytes.subarray(1)) !== id) {
    throw new Error("it is not a verifier key that is known here");
  }
  return { name, id, type, key: bytes.subarray(1) };
}

// What a key says under a note: null where it has no line; a time in seconds of a
// cosignature, else `true`; throws where its line is false (16.4). `undefined` where it
// cannot be judged here.
export async function saysOf({ name, id, type, key }, { text, signatures }) {
  const lines = signatures.filter((line) => line.name === name && line.id === id);
  if (lines.length === 0) {
    return null;
  }
  if (ML_DSA.includes(type)) {
    return undefined;
  }
  const [{ bytes }] = lines;
  const isCosigned = type === COSIGNATURE;
  const time = isCosigned && bytes.length === 72 ? new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0) : null;
  const message = isCosigned ? `cosignature/v1\ntime ${time}\n${text}` : text;
  const signature = isCosigned ? bytes.subarray(8) : bytes;
  if (lines.length > 1 || signature.length !== 64 || (isCosigned && time === null) || !(await verifyStrict(key, utf8(message), signature))) {
    throw new Error(`the signature under the name ${name} is false`);
  }
  return isCosigned ? Number(time) : true;
}

export const hashLeaf = (data) => sha256(join(Uint8Array.of(0), data));
export const hashNode = (left, right) => sha256(join(Uint8Array.of(1), left, right));
export const sameRoot = (a, b) => a !== null && sameBytes(a, b);
