// Search: entries by what they can be found by, a page at a time; how many there are, and
// what was found as a table for a spreadsheet.

import { askCanonical, askJson, query } from "./ask.js";
import { chip } from "./banner.js";
import { fromHex } from "./bytes.js";
import { asCsv } from "./csv.js";
import { cell, el, foreign, replace } from "./dom.js";
import { readEntry } from "./entry.js";
import { logKey } from "./headers.js";
import { save } from "./save.js";
import { idsOf, tell } from "./steps.js";
import { canVerify, verifyStrict } from "./strict.js";
import { shortened } from "./text.js";
import { shortTime } from "./time.js";
import { signedChip } from "./trust.js";

const PAGE = 50;
// Entries that are looked through for a text before the reader is asked, and rows of a CSV.
const LOOKED_AT = 10_000;
const ROWS = 50_000;
const AT_ONCE = 1000;

const TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}(:[0-9]{2}(:[0-9]{2})?)?)?";
const FIELDS = [
  ["text", "Text anywhere in kind or payload", {}],
  ["correlation", "Case (correlation id)", {}],
  ["tenant", "Tenant", { list: "tenants" }],
  ["worker", "Worker or species", {}],
  ["kind", "Kind", { list: "kinds" }],
  ["decision", "Decision id", {}],
  ["since", "Not before (UTC, as 2026-03-01 10:00)", { pattern: TIME, placeholder: "YYYY-MM-DD hh:mm" }],
  ["until", "Not after (UTC)", { pattern: TIME, placeholder: "YYYY-MM-DD hh:mm" }],
  ["from_seq", "From entry", { type: "number", min: 0 }],
  ["until_seq", "To entry", { type: "number", min: 0 }],
];

export async function search(view, parameters) {
  const results = el("div", { "aria-live": "polite" });
  const totals = el("p.totals", { role: "status" });
  const lists = el("div");
  const { text = "", ...filters } = Object.fromEntries([...parameters].filter(([, value]) => value !== ""));
  const body = el("tbody");
  const look = { filters: { ...filters, reverse: "true" }, text: text.toLowerCase(), body, results, more: el("div") };
  replace(view, el("h1", {}, "Search"), form(parameters), lists, el("div.row", {}, totals, csvButton(look)), results);
  await addPage(look, null);
  // What takes longer comes when it is there.
  pickLists(lists);
  sayTotals(totals, filters, text);
}

function form(parameters) {
  const inputs = FIELDS.map(([name, label, attributes]) => {
    const given = parameters.get(name) ?? "";
    const value = name === "since" || name === "until" ? given.replace("T", " ").replace(/Z$/, "") : given;
    return el("div", {}, el("label", { for: `f-${name}` }, label), el("input", { id: `f-${name}`, name, type: "text", value, autocomplete: "off", spellcheck: "false", ...attributes }));
  });
  const denied = el("select", { id: "f-denied", name: "denied" },
    [["", "either"], ["true", "denied"], ["false", "allowed"]].map(([value, name]) => el("option", { value, selected: (parameters.get("denied") ?? "") === value }, name)));
  const submit = (event) => {
    event.preventDefault();
    const given = [...new FormData(event.currentTarget)].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value !== "");
    const wanted = given.map(([name, value]) => [name, name === "since" || name === "until" ? utcTime(value) : value]);
    location.hash = `#/search${query(Object.fromEntries(wanted))}`;
  };
  return el("form.card.search", { role: "search", submit }, inputs, el("div", {}, el("label", { for: "f-denied" }, "Decision"), denied), el("div.submit", {}, el("button", { type: "submit" }, "Search")));
}

// A day stays one: the server counts it to its end.
function utcTime(text) {
  const [day, clock] = text.split(/[ T]/);
  return clock === undefined ? day : `${day}T${clock}${":00".repeat(Math.max(0, 3 - clock.split(":").length))}Z`;
}

async function pickLists(host) {
  const { kinds, tenants } = await askJson("/v1/stats?limit=20000");
  const list = (id, values) => el("datalist", { id }, values.slice(0, 100).map((value) => el("option", { value })));
  replace(host, list("kinds", kinds.map((one) => one.kind)), list("tenants", (tenants ?? []).map((one) => one.tenant)));
}

async function sayTotals(host, filters, text) {
  const { entries, denied, complete } = await askJson(`/v1/stats${query(filters)}`);
  const count = `${complete ? "" : "more than "}${entries.toLocaleString("en")} ${entries === 1 ? "entry" : "entries"}, ${denied.toLocaleString("en")} denied`;
  replace(host, text === "" ? `${count}, as the server counts.` : `${count} to look through for the text.`);
}

// Pages of entries that have the text; `all` of them, or as many as one page shows.
async function* found({ filters, text }, cursor, most) {
  let [next, seen] = [cursor, 0];
  do {
    const page = await askCanonical(`/v1/entries${query({ ...filters, limit: text === "" ? Math.min(most, AT_ONCE) : AT_ONCE, cursor: next })}`);
    const items = page.get("entries").map((item) => ({ entry: readEntry(item.get("entry")), epoch: item.get("epoch"), said: item.get("hash") }));
    seen += items.length;
    next = page.get("next_cursor");
    yield { items: items.filter(({ entry }) => text === "" || `${entry.kind} ${entry.payloadText}`.toLowerCase().includes(text)), next, seen };
  } while (next !== null);
}

async function addPage(look, cursor) {
  const { body, results, more, text } = look;
  const [able, log] = await Promise.all([canVerify(), logKey()]);
  let [items, next, seen] = [[], null, 0];
  for await (const page of found(look, cursor, PAGE)) {
    items.push(...page.items);
    ({ next, seen } = page);
    if (items.length >= PAGE || seen >= LOOKED_AT) {
      break;
    }
  }
  body.append(...(await Promise.all(items.map((item) => row(item, able, log)))));
  const older = next && el("button", { type: "button", click: () => addPage(look, next) }, text === "" ? "Older entries" : "Look further");
  const looked = text === "" ? null : el("p.quiet", {}, `${seen.toLocaleString("en")} entries were looked through.`);
  replace(more, older, looked);
  replace(results, body.childElementCount === 0 ? el("p", {}, "Nothing was found.") : table(body), more);
}

function csvButton(look) {
  const said = el("span.quiet", { role: "status" });
  const click = async () => {
    replace(said, "The entries are fetched.");
    try {
      const rows = [];
      let whole = true;
      for await (const { items, next } of found(look, null, AT_ONCE)) {
        rows.push(...items);
        whole = next === null;
        if (rows.length >= ROWS) {
          break;
        }
      }
      save(asCsv(rows.slice(0, ROWS)), "entries.csv", "text/csv");
      replace(said, `${Math.min(rows.length, ROWS)} rows${whole ? "" : ", the newest"} were saved. Nobody signs a CSV.`);
    } catch (error) {
      replace(said, `The entries could not be had: ${error.message}.`);
    }
  };
  return el("span", {}, said, " ", el("button.small", { type: "button", click }, "Save as CSV"));
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
