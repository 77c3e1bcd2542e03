// What the reader holds the log against: its key, kept for this tab; heads that were kept, a
// revocation, a policy of witnesses, kept until the page is left.

import { readBeside } from "./beside.js";
import { isKeyOf, readKey } from "./verdict.js";

const NAME = "sealbook-trusted-key";
const listeners = new Set();
const beside = { kept: [], revoked: [], policy: null, names: [] };
let typed = restored();

function restored() {
  try {
    return sessionStorage.getItem(NAME) ?? "";
  } catch {
    return "";
  }
}

export function typedKey() {
  return typed;
}

// As `readKey` gives it: the key or its fingerprint, null for none, undefined for what is none.
export function trustedKey() {
  return readKey(typed);
}

export function setTrustedKey(text) {
  typed = text;
  try {
    sessionStorage.setItem(NAME, text);
  } catch {
    // Without storage it holds until the page is left.
  }
  tell();
}

export function onTrust(listener) {
  listeners.add(listener);
}

function tell() {
  listeners.forEach((listener) => listener());
}

// What lies beside the key: `{ kept, revoked, policy, names }`. What was met is of one
// verdict alone, so each has its own.
export function heldAgainst() {
  return {
    ...beside,
    kept: beside.kept.map((one) => ({ ...one, met: false })),
    revoked: beside.revoked.map((one) => ({ ...one, here: null, beyond: null })),
  };
}

// Takes a file by what it says; throws what is wrong with it.
export async function takeFile(file) {
  const { what, value } = (await readBeside(new Uint8Array(await file.arrayBuffer()))) ?? {};
  switch (what) {
    case "key":
      setTrustedKey(value);
      return;
    case "revoked":
      beside.revoked.push(value);
      break;
    case "kept":
      beside.kept.push(...value);
      break;
    case "policy":
      beside.policy = value;
      break;
    default:
      throw new Error("it is no key, no head, no revocation and no policy of witnesses");
  }
  beside.names.push(file.name);
  tell();
}

export function forgetFiles() {
  Object.assign(beside, { kept: [], revoked: [], policy: null, names: [] });
  tell();
}

// How far a good signature under `log` may be believed.
export function signedChip(log) {
  const key = trustedKey();
  return isKeyOf(key, log) ? ["good", "signed"] : key ? ["bad", "signed by another key"] : ["warn", "signed, key not confirmed"];
}
