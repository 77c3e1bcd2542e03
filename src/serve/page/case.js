// A case: the custody of one correlation id. What is sealed comes as a bundle
// and is verified whole; what is not, and what is related, entry by entry.

import { askBytes, askCanonical, query, Refused } from "./ask.js";
import { banner, chip } from "./banner.js";
import { verifyBundle } from "./bundle.js";
import { fromHex } from "./bytes.js";
import { custody } from "./custody.js";
import { documentOf } from "./document.js";
import { el, foreign, replace } from "./dom.js";
import { coversOf } from "./drop.js";
import { readEntry } from "./entry.js";
import { fetchHead, fetchHeaders, logKey, shorter } from "./headers.js";
import { entryAt, keptFaults, revocationFaults } from "./held.js";
import { keptOf } from "./kept.js";
import { checkProof } from "./one.js";
import { fileName, save } from "./save.js";
import { headerHash } from "./statement.js";
import { redactedText } from "./redacted.js";
import { hasCorrelation, workersOf } from "./steps.js";
import { canVerify, verifyStrict } from "./strict.js";
import { timesText } from "./times.js";
import { heldAgainst, trustedKey } from "./trust.js";
import { judge } from "./verdict.js";
import { timesOf } from "./witness.js";

// Entries of a case that are listed; a bundle has them all.
const MOST = 5000;

// Workers whose attestation is looked up. A report has those of all.
const WORKERS = 200;

export async function showCase(view, correlation) {
  // The list first: what is sealed in between is in the bundle, and listed as not sealed.
  const [able, log, listed] = await Promise.all([canVerify(), logKey(), listEntries(correlation)]);
  const bytes = await bundleOf(correlation);
  const found = bytes ? await verifyBundle(bytes, await besideOf()) : null;
  if (!found && listed.length === 0 && !shown.has(correlation)) {
    replace(view, el("h1", {}, "Case ", foreign(correlation)), el("p", {}, "Nothing was found."));
    return;
  }
  const faults = [...(found?.faults ?? []), ...strangers(found, listed, log, correlation)];
  const tail = await unsealed(listed, found, able, log);
  const related = await attestations(found?.entries ?? [], tail, able, log);
  const items = [...(found?.entries ?? []), ...tail, ...related].sort((a, b) => (a.entry?.seq ?? a.index) - (b.entry?.seq ?? b.index));
  faults.push(...[...tail, ...related].flatMap((item) => item.faults));
  const head = await fetchHead();
  const late = await revocationFaults(tail.concat(related).map((item) => item.entry), head.statement.content);
  faults.push(...shorter(head), ...missing(correlation, items), ...(await keptFaults(head.statement.content)), ...late.faults);
  const times = await timesOf([...items].map((item) => item.entry).filter(Boolean));
  const some = tail.length === 1 ? "one entry is" : `${tail.length} entries are`;
  const open = tail.length > 0 ? `${some} not sealed yet, as the server says: nothing shows their place, nor that they will stay` : null;
  const verdict = judge({ able, faults, log: found?.log ?? log, key: trustedKey(), open, unsupported: found?.unsupported ?? null });
  const about = (item) => [
    related.includes(item) ? chip("plain", "related: attestation of a worker of this case") : null,
    item.entry ? el("a.chip", { href: `#/entry/${item.entry.seq}` }, "open entry") : null,
    item.entry && times ? timesText(times, item.entry.seq).map((text) => chip("plain", text)) : null,
  ];
  replace(
    view,
    el("p.crumb", {}, el("a", { href: `#/search${query({ correlation })}` }, "Search")),
    el("h1", {}, "Case ", foreign(correlation)),
    banner(verdict, { notChecked: (found?.notChecked ?? []).filter((what) => what !== "heads"), faults, covers: found ? coversOf(found) : null, redacted: redactedText(found?.redacted) }),
    downloads(correlation, bytes),
    el("h2", {}, `Custody, in order: ${items.length} entr${items.length === 1 ? "y" : "ies"}`),
    el("div", { "data-state": verdict.state }, custody(items, { checked: able, about, lookup: async (digest) => found?.documents.get(digest)?.entry ?? documentOf(digest) })),
  );
}

// A revocation reaches the bundle by the chain of the log's headers, and by the proof of the
// revoked place under one of them.
async function besideOf() {
  const { revoked } = heldAgainst();
  if (revoked.length === 0) {
    return {};
  }
  const { content } = (await fetchHead()).statement;
  const { headers, faults } = await fetchHeaders(content);
  const kept = await Promise.all(headers.map(({ statement }) => keptOf(statement)));
  for (const one of revoked) {
    const entry = await entryAt(one.content.seq);
    const proof = entry && (await checkProof(entry, content.log, await canVerify()));
    const under = proof?.header && kept.find(({ statement }) => headerHash(statement) === headerHash(proof.header.statement));
    one.here = entry?.hash ?? null;
    one.tied = Boolean(under) && faults.length === 0 && proof.faults.length === 0;
  }
  return { revoked, kept };
}

// Entries of a case that were shown in this visit, by their hashes.
const shown = new Map();

// What was shown of a case and is not there any more. Nothing shows that a
// selection is whole, but this visit knows what it has seen.
function missing(correlation, items) {
  const now = new Map(items.filter((item) => item.entry).map((item) => [item.entry.hash, item.entry.seq]));
  const before = shown.get(correlation) ?? new Map();
  shown.set(correlation, new Map([...before, ...now]));
  return [...before].filter(([hash]) => !now.has(hash)).map(([, seq]) => ({
    code: "truncated", detail: "this entry of the case was there before, in this visit", index: null, seq, line: null,
  }));
}

// Null where nothing of it is sealed.
async function bundleOf(correlation) {
  try {
    return await askBytes(`/v1/bundle${query({ correlation })}`);
  } catch (error) {
    if (error instanceof Refused && (error.status === 404 || error.status === 409)) {
      return null;
    }
    throw error;
  }
}

async function listEntries(correlation) {
  const found = [];
  let cursor = null;
  do {
    const page = await askCanonical(`/v1/entries${query({ correlation, limit: 1000, cursor })}`);
    found.push(...page.get("entries").map((item) => ({ entry: readEntry(item.get("entry")), epoch: item.get("epoch") })));
    cursor = page.get("next_cursor");
  } while (cursor !== null && found.length < MOST);
  return found;
}

// The list and the bundle are two answers to one question, and must agree. Without a bundle
// nothing of the case is sealed.
function strangers(found, listed, log, correlation) {
  const faults = [];
  const fault = (detail, entry = null) => faults.push({ code: "bundle_corrupt", detail, index: null, seq: entry?.seq ?? null, line: null });
  if (found && found.log !== log) {
    fault("the bundle is of another log than the head");
  }
  // What the key signed must be the answer to what was asked.
  if (found && found.closing?.content.filter?.get("correlation") !== correlation) {
    fault("the log signed this bundle as the answer to another question");
  }
  const sealed = (found?.entries ?? []).filter((item) => item.entry);
  for (const { entry } of [...sealed, ...listed]) {
    if (!hasCorrelation(entry, correlation)) {
      fault("the server gives this entry as one of the case, and it is not", entry);
    }
  }
  const given = new Map(sealed.map((item) => [item.entry.seq, item.entry]));
  for (const { entry, epoch } of listed) {
    if (epoch !== null && given.get(entry.seq)?.hash !== entry.hash) {
      fault("the server lists this entry of the case as sealed, and its bundle has not the same", entry);
    }
  }
  return faults;
}

// Entries that were sealed meanwhile are in the bundle, or will be next time.
async function unsealed(listed, found, able, log) {
  const given = new Set((found?.entries ?? []).map((item) => item.entry?.seq));
  const tail = listed.filter(({ entry, epoch }) => epoch === null && !given.has(entry.seq));
  return Promise.all(tail.map(({ entry }) => alone(entry, able, log)));
}

async function alone(entry, able, log) {
  const item = { index: null, line: null, entry, header: null, steps: null, faults: [] };
  if (able && !(await verifyStrict(fromHex(log, 32), entry.signed, entry.signatureBytes))) {
    const detail = "the signature is not the log key's on this entry";
    item.faults.push({ code: "signature_invalid", detail, index: null, seq: entry.seq, line: null });
  }
  return item;
}

// The last attestation of each worker before its first decision here. It bears
// no correlation id: the report carries it all the same, the bundle does not.
async function attestations(sealed, tail, able, log) {
  const firstOf = new Map();
  const here = new Set();
  for (const { entry } of [...sealed, ...tail]) {
    here.add(entry?.seq);
    for (const worker of entry?.kind === "wcp.decision" ? workersOf(entry) : []) {
      if (!firstOf.has(worker)) {
        firstOf.set(worker, entry.seq);
      }
    }
  }
  const found = await Promise.all([...firstOf].slice(0, WORKERS).map(async ([worker, before]) => {
    const filter = { kind: "wcp.attestation", worker, until_seq: before, reverse: "true", limit: 1 };
    const [item] = (await askCanonical(`/v1/entries${query(filter)}`)).get("entries");
    const entry = item ? readEntry(item.get("entry")) : null;
    return entry === null || here.has(entry.seq) ? null : proven(entry, item.get("epoch"), able, log);
  }));
  // One attestation may be that of several: of a worker, and of its species.
  const once = new Map(found.filter((item) => item !== null).map((item) => [item.entry.seq, item]));
  return [...once.values()];
}

async function proven(entry, epoch, able, log) {
  const item = await alone(entry, able, log);
  if (epoch !== null) {
    const proof = await checkProof(entry, log, able);
    Object.assign(item, { header: proof.header, steps: proof.steps });
    item.faults.push(...proof.faults);
  }
  return item;
}

function downloads(correlation, bytes) {
  const said = el("span.quiet", { role: "status" });
  const saveReport = async () => {
    try {
      const report = await askBytes(`/v1/report${query({ correlation })}`);
      save(report, fileName(correlation, "html"), "text/html");
      replace(said, "The report was saved.");
    } catch (error) {
      replace(said, `The report could not be had: ${error.message}.`);
    }
  };
  const saveBundle = () => {
    save(bytes, fileName(correlation, "bundle"), "application/x-ndjson");
    replace(said, "The bundle was saved, as it was verified here.");
  };
  const none = bytes === null;
  return el(
    "div.actions",
    {},
    el("button", { type: "button", click: saveBundle, disabled: none }, "Save as bundle"),
    el("button", { type: "button", click: saveReport, disabled: none }, "Save as report"),
    none ? el("span.quiet", {}, "Nothing of it is sealed yet.") : said,
  );
}
