// Documents: what decisions were taken under, named by digest (format §3.4).

import { blake2b } from "./blake2b.js";
import { toHex, utf8 } from "./bytes.js";
import { rawOf } from "./json.js";

const DIGEST = /^blake2b-256:[0-9a-f]{64}$/;
const RESERVED = ["wcp.", "manifest.", "vacant.", "hall."];

// What is wrong with a `wcp.document`, as the code of the fault, or null (E15, E16).
export function documentFault(entry) {
  const claimed = entry.payload.get("digest");
  const content = entry.payload.get("content");
  const known = new Set(["_actor", "content", "digest", "media_type"]);
  const shaped =
    typeof claimed === "string" &&
    typeof entry.payload.get("media_type") === "string" &&
    content !== undefined &&
    [...entry.payload.keys()].every((name) => known.has(name));
  if (!shaped) {
    return "schema_violation";
  }
  const text = typeof content === "string" ? content : rawOf(content);
  return claimed === `blake2b-256:${toHex(blake2b(utf8(text)))}` ? null : "document_mismatch";
}

// The documents that an entry refers to.
export function referencesOf(entry) {
  const found = new Set();
  if (entry.kind !== "wcp.document" && RESERVED.some((prefix) => entry.kind.startsWith(prefix))) {
    collect(entry.payload.get("context"), found);
  }
  return found;
}

function collect(value, found) {
  if (typeof value === "string") {
    if (DIGEST.test(value)) {
      found.add(value);
    }
  } else if (Array.isArray(value)) {
    value.forEach((item) => collect(item, found));
  } else if (value instanceof Map) {
    value.forEach((item) => collect(item, found));
  }
}
