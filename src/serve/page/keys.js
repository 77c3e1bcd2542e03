// The key that the auditor trusts. It is no secret, and is kept for this tab.

import { readKey } from "./verdict.js";

const NAME = "sealbook-trusted-key";
const listeners = new Set();
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

// As `readKey` gives it: the key, null for none, undefined for what is none.
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
  listeners.forEach((tell) => tell());
}

export function onTrustedKey(listener) {
  listeners.add(listener);
}

// How far a good signature under `log` may be believed.
export function signedChip(log) {
  const key = trustedKey();
  return key === log ? ["good", "signed"] : key ? ["bad", "signed by another key"] : ["warn", "signed, key not confirmed"];
}
