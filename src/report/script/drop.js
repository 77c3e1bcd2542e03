// Drop it here: evidence, and what it is held against. Files are told by what they say:
// a key, heads and headers, a revocation, a policy of witnesses; anything else is evidence.

import { banner, chip } from "./banner.js";
import { readBeside } from "./beside.js";
import { custody } from "./custody.js";
import { el, facts, foreign, hashText, replace } from "./dom.js";
import { inflated, MOST_BYTES, verifyGiven } from "./given.js";
import { redactedText } from "./redacted.js";
import { idsOf } from "./steps.js";
import { canVerify } from "./strict.js";
import { summary } from "./summary.js";
import { timesIn, timesText, weighed } from "./times.js";
import { judge, readKey } from "./verdict.js";

// `keyText()` is what is typed elsewhere, where there is such a place; `around(found)`
// may give more that is wrong, or open.
export function dropView({ keyText = null } = {}) {
  const given = [];
  const list = el("ul.given");
  const result = el("div", { "aria-live": "polite" });
  const key = keyText === null ? el("input", { id: "drop-key", spellcheck: "false", autocapitalize: "off", autocomplete: "off" }) : null;
  const typed = () => (key === null ? keyText() : key.value);
  let turn = 0;
  const update = async () => {
    turn += 1;
    const mine = turn;
    replace(list, given.map((one, at) => row(one, () => { given.splice(at, 1); update(); })));
    const shown = await shownOf(given, typed());
    if (mine === turn) {
      replace(result, shown);
    }
  };
  const take = async (files) => {
    replace(result, banner({ state: "busy", why: "The files are read and verified." }));
    for (const file of files) {
      given.push(await taken(file));
    }
    await update();
  };
  key?.addEventListener("input", update);
  const input = el("input", { type: "file", id: "drop-files", multiple: true, change: () => take([...input.files]) });
  const zone = el("div.zone", {},
    el("label", { for: "drop-files" }, "Files: evidence, and what you have of the log: key, heads, revocation, policy of witnesses, proofs of the public log"), input,
    el("p.quiet", {}, "Or drop them anywhere on this page. They stay in this browser."));
  catchDrops(zone, take);
  const typedKey = key === null ? null : el("div.wide", {}, el("label", { for: "drop-key" }, "The log's key, as you have it from its owner (hex, PEM or fingerprint)"), key);
  const view = el("div.drop", {}, el("form.card", { submit: (event) => event.preventDefault() }, zone, typedKey, list), result);
  return { view, update };
}

// A file that is dropped anywhere, as long as the view is up, is never opened by the browser.
function catchDrops(zone, take) {
  for (const name of ["dragover", "drop"]) {
    addEventListener(name, (event) => {
      if (!zone.isConnected) {
        return;
      }
      event.preventDefault();
      zone.toggleAttribute("data-over", name === "dragover");
      if (name === "drop" && event.dataTransfer) {
        take([...event.dataTransfer.files]);
      }
    });
  }
}

// `{ name, what, value }`, or `error`.
async function taken(file) {
  const { name, size } = file;
  if (size > MOST_BYTES) {
    return { name, error: "it has more than 64 MiB: use `sealbook verify`" };
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  try {
    return { name, ...((await readBeside((await inflated(bytes)).plain)) ?? { what: "evidence", value: bytes, said: "evidence" }) };
  } catch (error) {
    return { name, error: error.message };
  }
}

function row({ name, said, error }, remove) {
  return el("li", {}, foreign(name, "code"), " ", error ? [chip("bad", "not taken"), " ", foreign(error, "span")] : chip("plain", said), " ",
    el("button.small", { type: "button", click: remove, "aria-label": `Remove ${name}` }, "Remove"));
}

async function shownOf(given, typed) {
  const of = (what) => given.filter((one) => one.what === what).map((one) => one.value);
  const files = given.filter((one) => one.what === "evidence");
  if (files.length === 0) {
    return given.length > 0 ? el("p", {}, "Now the evidence: a bundle, a proof, a logbook or a report.") : null;
  }
  const key = readKey(typed.trim() === "" ? of("key")[0] ?? "" : typed);
  const beside = { key, kept: of("kept").flat(), revoked: of("revoked"), policy: of("policy")[0] ?? null, proofs: of("proof") };
  const shown = [];
  for (const file of files) {
    shown.push(el("section", { "aria-label": file.name }, await verdictOn(file, beside, files.length > 1)));
  }
  return shown;
}

async function verdictOn({ name, value }, { key, kept, revoked, policy, proofs }, several) {
  const heading = el("h2", {}, foreign(name));
  const able = await canVerify();
  let found;
  try {
    // What was met is of this file alone.
    found = await verifyGiven(value, {
      keys: typeof key === "string" && !key.startsWith("sha256:") ? [key] : [],
      kept: kept.map((one) => ({ ...one, met: false })),
      revoked: revoked.map((one) => ({ ...one, here: null, beyond: null })),
    }, name);
  } catch (error) {
    return [heading, banner({ state: "failed", why: `${error.code ?? "not_recognised"}: ${error.message}.` })];
  }
  if (found.log === null && found.format === "logbook" && found.entries.length > 0 && found.faults.length === 0) {
    return [heading, banner({ state: "unable", why: "A book of others does not say under which key it is: give the key." })];
  }
  const times = policy ? await timesIn(found, policy, proofs, found.carries) : null;
  // A single proof or contradiction holds no checkpoints of the log.
  const { open, ...more } = weighed(able && !["proof", "equivocation"].includes(found.contents) ? times : null);
  const faults = [...found.faults, ...more.faults];
  const verdict = judge({ able, faults, log: found.log, key, open, unsupported: found.unsupported });
  return [
    heading,
    banner(verdict, { notChecked: [...found.notChecked, ...more.notChecked], faults, covers: coversOf(found), redacted: redactedText(found.redacted) }),
    found.inReport ? el("p.quiet", {}, "This is the evidence that the report carries. Its script and markup were not run, and are not compared here.") : null,
    warningsOf(found),
    summary(found.entries),
    aboutLog(found, times),
    found.contradiction ? contradiction(found) : null,
    found.entries.length > 0 ? el("div", { "data-state": verdict.state }, el(several ? "h3" : "h2", {}, "Custody, in order"), custody(found.entries, {
      checked: able, documents: found.documents, about: ({ entry }) => aboutEntry(entry, times),
    })) : null,
  ];
}

function aboutEntry(entry, times) {
  const { tenant, correlation } = entry ? idsOf(entry) : {};
  return [
    tenant ? el("span.chip.plain", {}, "tenant ", foreign(tenant)) : null,
    correlation ? el("span.chip.plain", {}, "case ", foreign(correlation)) : null,
    entry && times ? timesText(times, entry.seq).map((text) => chip("plain", text)) : null,
  ];
}

// What a verdict is of, in words.
export function coversOf(found) {
  const entries = found.entries.map((item) => item.entry).filter(Boolean);
  const count = `${entries.length} entr${entries.length === 1 ? "y" : "ies"}`;
  const range = entries.length > 0 ? ` ${entries[0].seq} to ${entries.at(-1).seq}` : "";
  switch (found.contents) {
    case "range":
      return `${count},${range}, every one of them`;
    case "selection":
      return `${count}${questionOf(found)}${completeIn(found)}`;
    case "proof":
      return `entry ${entries[0]?.seq ?? "?"} of the log`;
    case "equivocation":
      return "the key signed two statements that cannot both stand";
    default:
      return `a logbook of ${count}`;
  }
}

function questionOf({ closing }) {
  const filter = closing?.signed ? closing.content.filter : null;
  const names = { correlation: "case", tenant: "tenant", worker: "worker", kinds: "kind" };
  const said = Object.entries(names).filter(([name]) => filter instanceof Map && filter.has(name)).map(([name, word]) => `${word} ${filter.get(name)}`);
  return said.length > 0 ? ` of ${said.join(", ")}` : "";
}

// By the index, if it shows it, or null.
export function completeIn({ complete }) {
  const from = complete?.since ? ` from epoch ${complete.since}` : "";
  const without = complete?.omitted ? `, but for ${complete.omitted} of ${complete.entries} with ${complete.field} "${complete.value}" that are named and left out` : "";
  return complete ? `, complete by the log's signed index${from} up to entry ${complete.seq} (epoch ${complete.epoch})${without}` : "";
}

const WARNINGS = {
  acknowledged_rollback: "The log was rolled back once, and its owner acknowledged that.",
  revoked: "The key is revoked from a later entry on; what is here was signed before.",
  revocation_ignored: "A revocation that was given has no effect here.",
  revocation_of_another_log: "A revocation that was given is of another log.",
  not_covered: "Some heads that were given lie outside of what is here.",
  epoch_gap: "Epochs are left out between the entries given.",
  timestamp_regression: "Times go back.",
  empty: "There is no entry in it.",
};

function warningsOf({ warnings }) {
  const texts = warnings.map((code) => WARNINGS[code]).filter(Boolean);
  return texts.length > 0 ? el("ul.warnings", {}, texts.map((text) => el("li", {}, chip("warn", "notice"), " ", text))) : null;
}

function aboutLog(found, times) {
  return facts([
    ["what it is", { selection: "bundle of a selection", range: "bundle of a range" }[found.contents] ?? found.contents],
    ["sealed epochs", found.headers.length > 0 ? String(found.headers.length) : null],
    ["documents carried", found.documents.size > 0 ? String(found.documents.size) : null],
    ["log key named here", found.log ? hashText(found.log) : null],
    ["genesis", found.genesis ? hashText(found.genesis) : null],
    ...(times ? [["witnessed", times.said]] : []),
  ]);
}

function contradiction({ contradiction: { kind, two } }) {
  return el("section.card", {}, el("h3", {}, kind === "index" ? "An entry, and an index that denies it" : `Two ${kind} that cannot both stand`),
    two.map((one) => facts(one.content ? Object.entries(one.content).map(([name, value]) => [name, String(value)]) : [["kind", one.kind], ["hash", hashText(one.hash)], ["previous", hashText(one.prevHash)]])));
}
