// The overview: how the log stands, what was sealed, what wants attention.

import { askCanonical, askJson, askText, query } from "./ask.js";
import { findAlerts } from "./alerts.js";
import { banner, chip } from "./banner.js";
import { cell, el, facts, foreign, hashText, replace, svg } from "./dom.js";
import { readEntry } from "./entry.js";
import { fetchHead, fetchHeaders, shorter } from "./headers.js";
import { closingOf, keptFaults, revocationFaults } from "./held.js";
import { brushed, epochs, hourOf, plot, volume } from "./plot.js";
import { canVerify } from "./strict.js";
import { shortened, shortHash } from "./text.js";
import { shortTime } from "./time.js";
import { trustedKey } from "./trust.js";
import { judge } from "./verdict.js";
import { checkpointCard } from "./witness.js";

const HOUR = 3_600_000;
const SPANS = [[24, "24 hours"], [72, "3 days"], [168, "7 days"], [504, "3 weeks"], [2184, "3 months"]];
// Bars of a plot at most, and how many hours one may stand for.
const BARS = 180;
const WIDTHS = [1, 2, 3, 6, 12, 24, 48, 168, 336, 720, 2160, 8760];
const LISTED = 8;
const HEADS = ["epoch", "hour", "entries", "sealed", "root", "header"];

export async function overview(view) {
  const [able, health, head, figures] = await Promise.all([canVerify(), askJson("/health"), fetchHead(), askText("/metrics")]);
  const content = head.statement.content;
  const [{ headers, faults }, held, closed, born, card] = await Promise.all([
    fetchHeaders(content), keptFaults(content), closingOf(content.log), birthOf(content), checkpointCard(content),
  ]);
  if (head.signed === false) {
    faults.unshift({ code: "signature_invalid", detail: "the head's signature is not the log key's", index: null, seq: content.seq, line: null });
  }
  const late = await revocationFaults([content], content);
  faults.unshift(...shorter(head, content.seq), ...held, ...late.faults);
  const state = { health, faults, closed, unsealed: figure(figures, "unsealed_entries"), lag: figure(figures, "epoch_lag_seconds") };
  const alerts = await findAlerts(state);
  const verdict = judge({ able, faults, log: content.log, key: trustedKey() });
  if (verdict.state === "verified") {
    verdict.why = `They are signed by the key that you gave, and follow each other. Entries are verified where you open them.`;
  }
  const age = Math.max(1, Math.ceil((hourOf(content.ts) - born) / HOUR) + 1);
  const spans = [...SPANS.filter(([hours]) => hours < age), [age, `all of it, ${duration(age * 3600)}`]];
  const plots = el("div", { "aria-live": "polite" }, el("p.quiet", {}, "The entries are counted."));
  const parts = el("div.parts");
  const update = () => draw({ plots, parts, headers, head: content, state, hours: Number(choice.value) });
  const choice = el("select", { id: "span", change: update }, spans.map(([hours, name]) => el("option", { value: hours, selected: hours === age }, name)));
  replace(
    view,
    el("h1", {}, "Overview"),
    banner(verdict, { faults, covers: `the head, entry ${content.seq.toLocaleString("en")}, and the last ${headers.length} epochs` }),
    alertList(alerts),
    el("section.card", { "aria-labelledby": "h-log" }, el("h2", { id: "h-log" }, "The log"), standing(content, headers, state)),
    card && el("div", { "data-state": verdict.state }, card),
    el("section.card", { "aria-labelledby": "h-time" }, el("div.row", {}, el("h2", { id: "h-time" }, "Epochs and volume"), el("div", {}, el("label.inline", { for: "span" }, "Show "), choice)), plots),
    parts,
    el("section.card", { "aria-labelledby": "h-epochs", "data-state": verdict.state }, el("h2", { id: "h-epochs" }, "Last epochs"), epochTable(headers, able)),
  );
  // What is counted comes when it is there: a log may have millions.
  update().catch((error) => replace(plots, el("p", {}, `The entries could not be counted: ${error.message}.`)));
}

// The hour of the first entry, in milliseconds.
async function birthOf(head) {
  const first = head.seq === 0 ? head.ts : readEntry((await askCanonical("/v1/entries/0")).get("entry")).ts;
  return hourOf(first);
}

function figure(text, name) {
  const found = new RegExp(`^sealbook_${name} ([0-9.]+)$`, "m").exec(text);
  return found ? Number(found[1]) : 0;
}

function alertList(alerts) {
  const lines = alerts.map(({ tone, text, href }) => el(`li.${tone}`, {}, chip(tone, tone === "bad" ? "alert" : "notice"), " ", href ? el("a", { href }, text) : text));
  return el("section.card", { "aria-labelledby": "h-alerts" }, el("h2", { id: "h-alerts" }, "Alerts"),
    lines.length > 0 ? el("ul.alerts", {}, lines) : el("p.quiet", {}, "None."));
}

function standing(head, headers, state) {
  const last = headers.at(-1)?.statement.content;
  return facts([
    ["entries", el("a", { href: `#/entry/${head.seq}` }, (head.seq + 1).toLocaleString("en"))],
    ["as of", shortTime(head.ts)],
    ["head", hashText(head.hash)],
    ["last seal", last ? `epoch ${last.epoch}, ${shortTime(last.sealed_at)}` : "none yet"],
    ["not sealed", state.unsealed > 0 ? `${entryCount(state.unsealed)}, the oldest for ${duration(state.lag)}` : "nothing"],
    ["server", `${state.health.status}, sealbook ${state.health.version}, ${gibibytes(state.health.free_bytes)} free`],
    ["log key", hashText(head.log)],
    ["genesis", hashText(head.genesis)],
  ]);
}

function entryCount(count) {
  return `${count.toLocaleString("en")} ${count === 1 ? "entry" : "entries"}`;
}

function duration(seconds) {
  const sizes = [[86_400, "days"], [3600, "hours"], [60, "min"]];
  const [size, name] = sizes.find(([least]) => seconds >= 2 * least) ?? [1, "s"];
  return `${Math.round(seconds / size).toLocaleString("en")} ${name}`;
}

function gibibytes(bytes) {
  return `${(Number(bytes) / 1024 ** 3).toFixed(1)} GiB`;
}

// Bars end with the hour of the head: a log at rest still shows its last ones.
async function draw({ plots, parts, headers, head, state, hours }) {
  const every = WIDTHS.find((width) => hours / width <= BARS) ?? Math.ceil(hours / BARS);
  const end = hourOf(head.ts) + HOUR;
  const count = Math.ceil(hours / every);
  const axis = { first: end - count * every * HOUR, count, every };
  const stats = await askJson(`/v1/stats${query({ since: new Date(axis.first).toISOString() })}`);
  const bars = barsOf(stats, headers, axis);
  const shown = drawn(headers).filter((epoch) => epoch.hour >= axis.first);
  const open = state.unsealed > 0
    ? { size: state.unsealed, hour: Math.max(axis.first, hourOf(head.ts)), title: `${state.unsealed} entries that are not sealed yet` }
    : null;
  const label = `${stats.entries} entries, ${stats.denied} denied, ${shown.length} epochs`;
  const seek = ([since, until]) => { location.hash = `#/search${query({ since: timeText(since), until: timeText(until - 1000) })}`; };
  const a = every === 1 ? "an hour" : every % 24 === 0 ? `every ${every / 24 === 1 ? "day" : `${every / 24} days`}` : `every ${every} hours`;
  replace(
    plots,
    el("p.quiet", {}, el("span.key.epoch-key"), "epochs: the height is the number of entries", open ? [el("span.key.open-key"), "not sealed yet"] : []),
    plot(`Epochs on a time line: ${label}`, epochs(shown, open, axis)),
    el("p.quiet", {}, el("span.key.volume-key"), `entries ${a}`, el("span.key.denied-key"), `denied: ${stats.denied} of ${stats.entries}. Draw over the bars to search there.`),
    brushed(plot(`Entries ${a}: ${label}`, volume(bars, axis)), axis, seek),
    stats.complete ? null : el("p.quiet", {}, `Only the newest ${stats.entries.toLocaleString("en")} entries were counted; denials before them are not shown.`),
    barTable(bars, axis),
  );
  const all = (name, list, value, href) => partOf(name, list.map((one) => [one[value], one.entries, href(one[value])]));
  replace(
    parts,
    all("Tenants", stats.tenants ?? [], "tenant", (tenant) => `#/search${query({ tenant })}`),
    all("Kinds", stats.kinds, "kind", (kind) => `#/search${query({ kind })}`),
    all("Reasons of denial", stats.reasons ?? [], "reason", (text) => `#/search${query({ denied: "true", text })}`),
  );
}

const timeText = (millis) => `${new Date(millis).toISOString().slice(0, 19)}Z`;

// By bar: what was counted, and before that what headers say.
function barsOf(stats, headers, { first, every }) {
  const bars = new Map();
  const add = (hour, entries, denied) => {
    const at = Math.floor((hour - first) / (every * HOUR));
    const bar = bars.get(at) ?? { entries: 0, denied: 0 };
    bars.set(at, { entries: bar.entries + entries, denied: bar.denied + denied });
  };
  const counted = stats.complete || stats.hours.length === 0 ? -Infinity : hourOf(stats.hours[0].hour);
  stats.hours.forEach((hour) => hourOf(hour.hour) !== counted && add(hourOf(hour.hour), hour.entries, hour.denied));
  for (const { statement } of headers) {
    const { hour, tree_size } = statement.content;
    if (hourOf(hour) >= first && hourOf(hour) <= counted) {
      add(hourOf(hour), tree_size, 0);
    }
  }
  return bars;
}

// The most frequent, each a search away.
function partOf(name, rows) {
  const most = Math.max(1, ...rows.map(([, count]) => count));
  const id = `h-${name.split(" ")[0].toLowerCase()}`;
  const line = ([value, count, href]) => el("li", {},
    el("a", { href }, foreign(shortened(value, 60))), el("span.count", {}, count.toLocaleString("en")),
    svg("svg", { viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { width: (100 * count) / most, height: 4 })));
  return el("section.card", { "aria-labelledby": id }, el("h2", { id }, name), rows.length > 0 ? el("ol", {}, rows.slice(0, LISTED).map(line)) : el("p.quiet", {}, "None."),
    rows.length > LISTED ? el("p.quiet", {}, `and ${rows.length - LISTED} more`) : null);
}

function drawn(headers) {
  const perHour = new Map();
  const list = headers.map(({ statement, faults }) => {
    const { epoch, hour, tree_size, first_seq, last_seq, sealed_at } = statement.content;
    const inHour = perHour.get(hour) ?? 0;
    perHour.set(hour, inHour + 1);
    return {
      hour: hourOf(hour),
      hourText: hour,
      inHour,
      size: tree_size,
      state: faults.length > 0 ? "broken" : "sealed",
      href: `#/search${query({ from_seq: first_seq, until_seq: last_seq })}`,
      title: `Epoch ${epoch}: ${tree_size} entries of ${shortTime(hour)}, sealed ${shortTime(sealed_at)}`,
    };
  });
  return list.map((epoch) => ({ ...epoch, ofHour: perHour.get(epoch.hourText) }));
}

function barTable(bars, { first, every }) {
  const rows = [...bars].sort(([a], [b]) => b - a).map(([at, { entries, denied }]) => {
    const since = first + at * every * HOUR;
    const href = `#/search${query({ since: timeText(since), until: timeText(since + every * HOUR - 1000) })}`;
    return el("tr", {}, el("td", {}, el("a", { href }, shortTime(new Date(since).toISOString()))), el("td", {}, String(entries)), el("td", {}, String(denied)));
  });
  const heads = ["from", "entries", "denied"].map((name) => el("th", { scope: "col" }, name));
  return el("details", {}, el("summary", {}, "The same as a table"), el("table", {}, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows)));
}

function epochTable(headers, able) {
  if (headers.length === 0) {
    return el("p.quiet", {}, "Nothing is sealed yet.");
  }
  const heads = HEADS.map((name) => el("th", { scope: "col" }, name));
  const rows = headers.slice(-LISTED).reverse().map(({ statement, faults }) => {
    const { epoch, hour, first_seq, last_seq, tree_size, sealed_at, root } = statement.content;
    const state = faults.length > 0 ? chip("bad", faults[0][0]) : able ? chip("proof", "signed, chained") : chip("plain", "not verified");
    const entries = el("a", { href: `#/search${query({ from_seq: first_seq, until_seq: last_seq })}` }, `${tree_size.toLocaleString("en")}`);
    const cells = [String(epoch), shortTime(hour), entries, shortTime(sealed_at), el("code", { title: root }, shortHash(root)), state];
    return el("tr", {}, cells.map((content, at) => cell(HEADS[at], content)));
  });
  return el("table.cards", {}, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows));
}
