// What is said of something that was verified. Green is said only where the
// browser can judge signatures, nothing was wrong, and the key is the one that
// the reader was given by another way.

import { fromHex, toHex } from "./bytes.js";
import { sha256 } from "./sha256.js";

export const WORDS = {
  verified: "Verified",
  unconfirmed: "Internally consistent, key not confirmed",
  failed: "Verification failed",
  unable: "Not verified",
};

const SPKI = "302a300506032b6570032100";

// A key as people have it: 64 hex digits with any white space, PEM as `sealbook key --pem`
// prints it, what `sealbook key --json` prints, or the fingerprint `sha256:…`. `null` for
// nothing, `undefined` for what is not a key.
export function readKey(text) {
  const plain = text.replace(/^\ufeff/, "").trim();
  const pem = /^-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----$/.exec(plain);
  if (pem) {
    return keyOfPem(pem[1]);
  }
  const log = /^\{[^]*"fingerprint":/.test(plain) ? /"log":\s*"([0-9a-f]{64})"/.exec(plain)?.[1] : undefined;
  const digits = (log ?? plain).replace(/\s+/g, "").toLowerCase();
  if (digits === "") {
    return null;
  }
  return fromHex(digits, 32) || fromHex(fingerprintDigits(digits), 32) ? digits : undefined;
}

function keyOfPem(base64) {
  try {
    const bytes = toHex(Uint8Array.from(atob(base64.replace(/\s+/g, "")), (letter) => letter.charCodeAt(0)));
    return bytes.startsWith(SPKI) && bytes.length === SPKI.length + 64 ? bytes.slice(SPKI.length) : undefined;
  } catch {
    return undefined;
  }
}

const fingerprintDigits = (text) => (text.startsWith("sha256:") ? text.slice(7) : "");

export function fingerprintOf(log) {
  return `sha256:${toHex(sha256(fromHex(log, 32)))}`;
}

// Whether what `readKey` gave is the key `log`, or its fingerprint.
export function isKeyOf(key, log) {
  return typeof key === "string" && log !== null && (key === log || key === fingerprintOf(log));
}

// What is plainly wrong is wrong whether signatures could be judged or not.
// `able`: whether this browser can verify; `faults` and `log` of what was
// found; `key` as `readKey` gave it; `open`: what of it nothing shows that the
// key signed, in words, or null; `unsupported`: what it is of that is not known
// here, or null. This alone decides the colour, for page and report.
export function judge({ able, faults, log, key, open = null, unsupported = null }) {
  if (unsupported !== null) {
    return { state: "unable", why: `It is of ${unsupported}, which this page does not know: read it with a newer one.` };
  }
  if (faults.length > 0) {
    const more = faults.length > 1 ? `, the first of ${faults.length}` : "";
    return { state: "failed", why: `${describeFault(faults[0])}${more}.` };
  }
  if (!able) {
    const why = globalThis.isSecureContext === false
      ? "browsers give pages their cryptography only over https, from this machine or from a file"
      : "this browser has no Ed25519 of its own";
    return { state: "unable", why: `Signatures were not looked at: ${why}.` };
  }
  if (key === undefined) {
    return { state: "unconfirmed", why: "What was given as the key is none: 64 hex digits, PEM or a fingerprint (sha256:\u2026)." };
  }
  if (key === null) {
    return {
      state: "unconfirmed",
      why: "Everything fits together under the key that is named here. Whether that is the key you trust is for you to say: type the one you have from its owner.",
    };
  }
  if (!isKeyOf(key, log)) {
    return { state: "failed", why: "untrusted_key: the log's key is not the one that you trust." };
  }
  if (open !== null) {
    return { state: "unconfirmed", why: `Signed by the key that you gave, but ${open}.` };
  }
  return { state: "verified", why: "Every signature, path and document holds under the key that you gave." };
}

export function describeFault(fault) {
  const place = fault.seq !== null ? ` at entry ${fault.seq}` : (fault.at ?? "entry") === "entry" && fault.index !== null ? ` at entry line ${fault.index}` : "";
  const line = fault.line !== null ? ` (line ${fault.line} of the bundle)` : "";
  return `${fault.code}${place}${line}: ${fault.detail}`;
}
