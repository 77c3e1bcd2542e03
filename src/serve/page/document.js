// One document, found by its digest: what decisions were taken under.

import { askCanonical, query } from "./ask.js";
import { banner } from "./banner.js";
import { fromHex } from "./bytes.js";
import { documentFault } from "./documents.js";
import { el, facts, foreign, hashText, replace } from "./dom.js";
import { readEntry } from "./entry.js";
import { payloadText } from "./evidence.js";
import { logKey } from "./headers.js";
import { member } from "./steps.js";
import { canVerify, verifyStrict } from "./strict.js";
import { visibleLines } from "./text.js";
import { trustedKey } from "./trust.js";
import { judge } from "./verdict.js";

// Documents that are looked through, the newest first.
const MOST = 5000;
const found = new Map();

// The entry of the document with this digest, or null.
export async function documentOf(digest) {
  if (!found.has(digest)) {
    found.set(digest, await lookFor(digest));
  }
  return found.get(digest);
}

async function lookFor(digest) {
  let [cursor, seen] = [null, 0];
  do {
    const page = await askCanonical(`/v1/entries${query({ kind: "wcp.document", reverse: "true", limit: 500, cursor })}`);
    const entries = page.get("entries").map((item) => readEntry(item.get("entry")));
    const right = entries.find((entry) => entry.payload.get("digest") === digest && documentFault(entry) === null);
    if (right) {
      return right;
    }
    seen += entries.length;
    cursor = page.get("next_cursor");
  } while (cursor !== null && seen < MOST);
  return null;
}

export async function showDocument(view, digest) {
  const [entry, log, able] = await Promise.all([documentOf(digest), logKey(), canVerify()]);
  if (entry === null) {
    replace(view, el("h1", {}, "Document"), el("p", {}, "Nothing was found: no document of this log has the digest ", foreign(digest, "code"), "."));
    return;
  }
  const signed = !able || (await verifyStrict(fromHex(log, 32), entry.signed, entry.signatureBytes));
  const faults = signed ? [] : [{ code: "signature_invalid", detail: "the signature is not the log key's on this document", index: null, seq: entry.seq, line: null }];
  const verdict = judge({ able, faults, log, key: trustedKey() });
  const content = entry.payload.get("content");
  replace(
    view,
    el("h1", {}, "Document"),
    banner(verdict, { faults, covers: "this document and its digest" }),
    facts([["digest", hashText(digest.split(":")[1] ?? digest)], ["media type", member(entry.payload, "media_type")], ["recorded", el("a", { href: `#/entry/${entry.seq}` }, `entry ${entry.seq}`)]]),
    typeof content === "string" ? el("pre.payload", { tabindex: "0", "aria-label": "document" }, visibleLines(content)) : payloadText({ payload: content }),
  );
}
