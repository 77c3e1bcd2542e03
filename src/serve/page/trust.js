// What the reader holds the log against: its key, kept for this tab; heads that were kept, a
// revocation, a policy of witnesses, kept until the page is left.

import { readKept } from "./kept.js";
import { readPolicy } from "./policy.js";
import { readRevocation } from "./revoked.js";
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
  const bytes = new Uint8Array(await file.arrayBuffer());
  const text = new TextDecoder("utf-8").decode(bytes);
  if (text.includes("PRIVATE KEY")) {
    throw new Error("it is a private key, which nobody should be given");
  }
  if (typeof readKey(text) === "string") {
    setTrustedKey(text.trim());
    return;
  }
  if (/^\{"revoke":/.test(text)) {
    beside.revoked.push(await readRevocation(bytes));
  } else if (/^\s*\{\s*"(head|epoch)":/.test(text)) {
    beside.kept.push(...(await readKept(bytes)).kept);
  } else {
    beside.policy = readPolicy(text);
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
