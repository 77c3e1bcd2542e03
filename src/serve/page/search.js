// Search: entries by what they can be found by, a page at a time.

import { askCanonical, query } from "./ask.js";
import { chip } from "./banner.js";
import { cell, el, foreign, replace } from "./dom.js";
import { readEntry } from "./entry.js";
import { fromHex } from "./bytes.js";
import { logKey } from "./headers.js";
import { signedChip } from "./keys.js";
import { idsOf, tell } from "./steps.js";
import { canVerify, verifyStrict } from "./strict.js";
import { shortened } from "./text.js";
import { shortTime } from "./time.js";

const PAGE = 50;

const FIELDS = [
  ["correlation", "Case (correlation id)", "text"],
  ["tenant", "Tenant", "text"],
  ["worker", "Worker or species", "text"],
  ["kind", "Kind", "text"],
  ["since", "Not before (UTC)", "datetime-local"],
  ["until", "Not after (UTC)", "datetime-local"],
  ["from_seq", "From entry", "number"],
  ["until_seq", "To entry", "number"],
];

export async function search(view, parameters) {
  const results = el("div", { "aria-live": "polite" });
  replace(view, el("h1", {}, "Search"), form(parameters), results);
  const filters = Object.fromEntries([...parameters].filter(([, value]) => value !== ""));
  const more = el("div");
  const body = el("tbody");
  await addPage(results, more, body, { ...filters, reverse: "true", limit: PAGE }, null);
}

function form(parameters) {
  const inputs = FIELDS.map(([name, label, type]) => {
    const value = type === "datetime-local" ? (parameters.get(name) ?? "").slice(0, 19) : parameters.get(name) ?? "";
    const attributes = { id: `f-${name}`, name, type, value, autocomplete: "off", spellcheck: "false" };
    return el("div", {}, el("label", { for: `f-${name}` }, label), el("input", type === "number" ? { ...attributes, min: 0 } : type === "text" ? attributes : { ...attributes, step: 1 }));
  });
  const denied = el("select", { id: "f-denied", name: "denied" },
    [["", "either"], ["true", "denied"], ["false", "allowed"]].map(([value, name]) => el("option", { value, selected: (parameters.get("denied") ?? "") === value }, name)));
  const submit = (event) => {
    event.preventDefault();
    const given = [...new FormData(event.currentTarget)].filter(([, value]) => value !== "");
    const wanted = given.map(([name, value]) => [name, name === "since" || name === "until" ? utcTime(value) : value.trim()]);
    location.hash = `#/search${query(Object.fromEntries(wanted))}`;
  };
  return el("form.card.search", { role: "search", submit }, inputs, el("div", {}, el("label", { for: "f-denied" }, "Decision"), denied), el("div.submit", {}, el("button", { type: "submit" }, "Search")));
}

// What a browser's field gives has neither a zone nor, sometimes, seconds.
function utcTime(text) {
  return `${text.length === 16 ? `${text}:00` : text.slice(0, 19)}Z`;
}

async function addPage(results, more, body, filters, cursor) {
  const page = await askCanonical(`/v1/entries${query({ ...filters, cursor })}`);
  const entries = page.get("entries").map((item) => ({ entry: readEntry(item.get("entry")), epoch: item.get("epoch"), said: item.get("hash") }));
  if (body.childElementCount === 0) {
    replace(results, entries.length === 0 ? el("p", {}, "Nothing was found.") : [table(body), more]);
  }
  const [able, log] = await Promise.all([canVerify(), logKey()]);
  body.append(...(await Promise.all(entries.map((item) => row(item, able, log)))));
  const next = page.get("next_cursor");
  replace(more, next ? el("button", { type: "button", click: () => addPage(results, more, body, filters, next) }, "Older entries") : null);
}

const HEADS = ["entry", "time", "what", "tenant", "case", "proof"];

function table(body) {
  return el("table.cards.results", {}, el("thead", {}, el("tr", {}, HEADS.map((name) => el("th", { scope: "col" }, name)))), body);
}

async function row({ entry, epoch, said }, able, log) {
  const told = tell(entry);
  const { correlation, tenant } = idsOf(entry);
  const title = el(`span.told.${told.tone}`, {}, foreign(shortened(told.title, 120)));
  const isKind = told.title === entry.kind;
  const cells = [
    el("a", { href: `#/entry/${entry.seq}` }, String(entry.seq)),
    el("time", { datetime: entry.ts, title: entry.ts }, shortTime(entry.ts)),
    [title, isKind ? null : el("span.quiet", {}, " ", foreign(entry.kind, "code"))],
    tenant ? foreign(shortened(tenant, 60)) : "",
    correlation ? el("a", { href: `#/case/${encodeURIComponent(correlation)}` }, foreign(shortened(correlation, 60))) : "",
    await proofOf(entry, epoch, said, able, log),
  ];
  return el("tr", {}, cells.map((content, at) => cell(HEADS[at], content)));
}

async function proofOf(entry, epoch, said, able, log) {
  if (said !== entry.hash) {
    return chip("bad", "hash differs");
  }
  if (!able) {
    return chip("plain", "not verified");
  }
  if (!(await verifyStrict(fromHex(log, 32), entry.signed, entry.signatureBytes))) {
    return chip("bad", "signature invalid");
  }
  const [tone, text] = signedChip(log);
  return [chip(tone, text), " ", epoch === null ? chip("warn", "not sealed yet") : chip("plain", `epoch ${epoch.raw}`)];
}
