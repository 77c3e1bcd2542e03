// One entry: its bytes, its hashes, its link, its way to the root.

import { askCanonical, Refused } from "./ask.js";
import { banner, chip } from "./banner.js";
import { fromHex, toHex } from "./bytes.js";
import { documentOf } from "./document.js";
import { el, facts, foreign, replace } from "./dom.js";
import { readEntry } from "./entry.js";
import { hashFacts, headerFacts, hexDump, pathTable, payloadText } from "./evidence.js";
import { fetchHead, logGenesis, logKey, shorter } from "./headers.js";
import { keptFaults, revocationFaults } from "./held.js";
import { isHex } from "./json.js";
import { climb } from "./merkle.js";
import { relations } from "./relations.js";
import { faultsAlone, isSigned, readStatement } from "./statement.js";
import { idsOf, tell } from "./steps.js";
import { canVerify, verifyStrict } from "./strict.js";
import { isWithinHour } from "./time.js";
import { timesText } from "./times.js";
import { pathTree } from "./tree.js";
import { trustedKey } from "./trust.js";
import { judge } from "./verdict.js";
import { timesOf } from "./witness.js";

export async function showEntry(view, id) {
  const item = await askCanonical(`/v1/entries/${encodeURIComponent(id)}`);
  const entry = readEntry(item.get("entry"));
  const [able, log] = await Promise.all([canVerify(), logKey()]);
  const faults = [];
  const fault = (code, detail) => faults.push({ code, detail, index: null, seq: entry.seq, line: null });
  if (item.get("hash") !== entry.hash || (isHex(32)(id) && id !== entry.hash)) {
    fault("bundle_corrupt", "its bytes have another hash than the server says");
  }
  if (/^[0-9]+$/.test(id) && Number(id) !== entry.seq) {
    fault("bundle_corrupt", "the server answered with another entry than the one that was asked for");
  }
  if (able && !(await verifyStrict(fromHex(log, 32), entry.signed, entry.signatureBytes))) {
    fault("signature_invalid", "the signature is not the log key's on this entry");
  }
  const linked = await checkLink(entry);
  if (linked === false) {
    fault("prev_hash_mismatch", "it does not name the entry before it");
  }
  const proof = item.get("epoch") === null ? null : await checkProof(entry, log, able);
  const head = await fetchHead();
  const { content } = head.statement;
  const late = await revocationFaults([entry], content);
  faults.push(...(proof?.faults ?? []), ...shorter(head, entry.seq), ...(await keptFaults(content)), ...late.faults);
  const times = await timesOf([entry]);
  const open = proof ? null : "the server says that it is not sealed yet: its number is the server's word, and nothing shows that it will stay";
  const verdict = judge({ able, faults, log, key: trustedKey(), open });
  if (verdict.state === "verified") {
    verdict.why = "The entry is signed by the key that you gave, and its path leads to a root that this key sealed.";
  }
  replace(view, el("div", { "data-state": verdict.state }, page(entry, proof, linked, times, banner(verdict, { faults, covers: `entry ${entry.seq}` }))));
}

function page(entry, proof, linked, times, verdict) {
  const told = tell(entry);
  const { correlation } = idsOf(entry);
  return [
    el("p.crumb", {},
      entry.seq > 0 ? el("a", { href: `#/entry/${entry.seq - 1}`, rel: "prev" }, "\u2190 previous") : null,
      el("a", { href: `#/entry/${entry.seq + 1}`, rel: "next" }, "next \u2192"),
      correlation ? el("a", { href: `#/case/${encodeURIComponent(correlation)}` }, "case ", foreign(correlation)) : null),
    el("h1", {}, `Entry ${entry.seq}`),
    verdict,
    el("section.card", {},
      el("h2", {}, foreign(told.title, "span")),
      facts([["kind", entry.kind], ["time", entry.ts], ...(times ? timesText(times, entry.seq).map((text) => ["witnessed", text]) : []), ...told.rows]),
      relations(entry, { lookup: documentOf }),
      el("p.chips", {}, linkChip(linked), proof ? chip(proof.faults.length > 0 ? "bad" : "plain", `epoch ${proof.header?.statement.content.epoch ?? "?"}`) : chip("warn", "not sealed yet"))),
    el("section.card", {}, el("h2", {}, "Payload"), payloadText(entry)),
    el("section.card", {}, el("h2", {}, "Hashes and signature"), hashFacts(entry)),
    el("section.card", {}, el("h2", {}, "The bytes that were signed"), hexDump(entry.signed)),
    proof ? el("section.card", {}, el("h2", {}, "Path to the root"), ...(proof.steps ? [pathTree(entry, proof.steps, proof.header.statement.content.root), pathTable(entry, proof.steps, proof.header.statement.content.root)] : []), proof.header ? headerFacts(proof.header.statement.content) : null) : null,
  ];
}

function linkChip(linked) {
  return linked === null ? chip("plain", "the first entry") : linked ? chip("proof", "follows the entry before") : chip("bad", "does not follow the entry before");
}

// Null for the first entry.
async function checkLink(entry) {
  if (entry.seq === 0) {
    return entry.prevHash === "0".repeat(64) ? null : false;
  }
  const before = await askCanonical(`/v1/entries/${entry.seq - 1}`);
  return readEntry(before.get("entry")).hash === entry.prevHash;
}

// The proof of an entry under the log's key: `{ header, steps, faults }`.
export async function checkProof(entry, log, able) {
  const faults = [];
  const fault = (code, detail) => faults.push({ code, detail, index: null, seq: entry.seq, line: null });
  let value;
  try {
    value = await askCanonical(`/v1/entries/${entry.seq}/proof`);
  } catch (error) {
    if (!(error instanceof Refused)) {
      throw error;
    }
    fault("proof_invalid", `the server has no proof of it: ${error.message}`);
    return { header: null, steps: null, faults };
  }
  const statement = readStatement("epoch", value.get("epoch"));
  const header = statement.content;
  if (readEntry(value.get("entry")).hash !== entry.hash) {
    fault("proof_invalid", "the proof is of another entry");
  }
  if (header.log !== log) {
    fault("log_key_mismatch", "its header names another log's key");
  }
  if (header.genesis !== (await logGenesis())) {
    fault("genesis_mismatch", "its header names another log of this key than the head");
  }
  for (const [code, detail] of faultsAlone(header)) {
    fault(code, `epoch ${header.epoch}: ${detail}`);
  }
  if (able && !(await isSigned(statement))) {
    fault("epoch_signature_invalid", `epoch ${header.epoch}: the header's signature is not the log key's`);
  }
  if (!isWithinHour(entry.ts, header.hour) || entry.ts > header.sealed_at) {
    fault("epoch_invariant", `its time lies outside of epoch ${header.epoch}`);
  }
  const path = value.get("path").map((hash) => fromHex(hash, 32));
  const steps = path.includes(null) ? null : climb(entry.seq - header.first_seq, header.tree_size, entry.leaf, path);
  if (steps === null || toHex(steps.at(-1)?.node ?? entry.leaf) !== header.root) {
    fault("proof_invalid", `its path does not lead to the root of epoch ${header.epoch}`);
  }
  return { header: { statement }, steps, faults };
}
