// What a reader gives beside evidence, told by what it says: a key, heads and headers, a
// revocation, a policy of witnesses, a proof of the public log.

import { readKept } from "./kept.js";
import { isTlogProof, readTlogProof } from "./note.js";
import { readPolicy } from "./policy.js";
import { readRevocation } from "./revoked.js";
import { readKey } from "./verdict.js";

// No key and no policy is longer.
const SMALL = 2 ** 20;

// `{ what, value, said }`, or null for what is none of these; throws what is wrong with it.
export async function readBeside(bytes) {
  const text = new TextDecoder("utf-8").decode(bytes.subarray(0, SMALL));
  if (text.slice(0, 4096).includes("PRIVATE KEY")) {
    throw new Error("it is a private key, which nobody should be given");
  }
  if (text.length < 4096 && typeof readKey(text) === "string") {
    return { what: "key", value: text.trim(), said: "key" };
  }
  if (/^\{("key":"[0-9a-f]{64}",)?"revoke":/.test(text)) {
    return { what: "revoked", value: await readRevocation(bytes), said: "revocation" };
  }
  // A proof begins with an entry, a bundle with what it is.
  if (/^\s*\{\s*"(head|epoch)":/.test(text)) {
    const { kept, torn } = await readKept(bytes);
    return { what: "kept", value: kept, said: `${kept.length} head${kept.length === 1 ? "" : "s"} or headers${torn ? ", and a last line that was not finished" : ""}` };
  }
  if (isTlogProof(text)) {
    return { what: "proof", value: readTlogProof(text), said: "proof of the public log" };
  }
  if (/^[ \t]*(log|witness|group|quorum)[ \t]/m.test(text) && !text.includes("{")) {
    return { what: "policy", value: readPolicy(text), said: "policy of witnesses" };
  }
  return null;
}
