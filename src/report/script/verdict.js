// What is said of something that was verified. Green is said only where the
// browser can judge signatures, nothing was wrong, and the key is the one that
// the reader was given by another way.

import { fromHex } from "./bytes.js";

export const WORDS = {
  verified: "Verified",
  unconfirmed: "Internally consistent, key not confirmed",
  failed: "Verification failed",
  unable: "Not verified",
};

// The key that was typed: 64 hex digits, white space around and between them
// passed over. `null` for nothing, `undefined` for what is no key.
export function readKey(text) {
  const digits = text.replace(/\s+/g, "").toLowerCase();
  if (digits === "") {
    return null;
  }
  return fromHex(digits, 32) ? digits : undefined;
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
    return { state: "unconfirmed", why: "What was typed as the key is not 64 hex digits." };
  }
  if (key === null) {
    return {
      state: "unconfirmed",
      why: "Everything fits together under the key that is named here. Whether that is the key you trust is for you to say: type the one you have from its owner.",
    };
  }
  if (key !== log) {
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
