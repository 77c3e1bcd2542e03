// Asks the server. What it answers is believed only as far as it verifies.

import { fromUtf8 } from "./bytes.js";
import { parseCanonical } from "./json.js";
import { token, tokenRefused } from "./token.js";

// What a browser can hold and verify without ado; more is for the command line.
const MOST_BYTES = 64 * 1024 * 1024;

export class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function query(parameters) {
  const pairs = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs)}`;
}

async function ask(path) {
  const headers = token() ? { Authorization: `Bearer ${token()}` } : {};
  const answer = await fetch(path, { headers, credentials: "omit", cache: "no-store", redirect: "error" });
  // The server is unwell, and says how.
  const isHealth = path === "/health" && answer.status === 503;
  if (!answer.ok && !isHealth) {
    const said = await answer.json().catch(() => ({}));
    if (answer.status === 401 || said.code === "scope_missing") {
      tokenRefused(answer.status, Boolean(token()));
    }
    throw new Refused(answer.status, String(said.code ?? ""), String(said.error ?? answer.statusText));
  }
  return answer;
}

export async function askJson(path) {
  return (await ask(path)).json();
}

export async function askText(path) {
  return (await ask(path)).text();
}

export async function askBytes(path) {
  const answer = await ask(path);
  const parts = [];
  let length = 0;
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      break;
    }
    length += value.length;
    if (length > MOST_BYTES) {
      await reader.cancel();
      throw new Refused(0, "too_large", "it has more than 64 MiB: use `sealbook export` and `sealbook verify`");
    }
    parts.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

// What is signed comes in its one spelling; anything else is refused.
export async function askCanonical(path) {
  const bytes = await askBytes(path);
  return parseCanonical(fromUtf8(bytes).replace(/\n$/, ""));
}
