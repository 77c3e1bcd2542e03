// The overview: how the log stands, what was sealed, what wants attention.

import { askJson, askText, query } from "./ask.js";
import { findAlerts } from "./alerts.js";
import { banner, chip } from "./banner.js";
import { cell, el, facts, hashText, replace } from "./dom.js";
import { fetchHead, fetchHeaders, shorter } from "./headers.js";
import { trustedKey } from "./keys.js";
import { epochs, hourOf, plot, volume } from "./plot.js";
import { canVerify } from "./strict.js";
import { shortHash } from "./text.js";
import { shortTime } from "./time.js";
import { judge } from "./verdict.js";

const HOUR = 3_600_000;
const SPANS = [[24, "24 hours"], [72, "3 days"], [168, "7 days"], [504, "3 weeks"]];
const LISTED = 8;
const HEADS = ["epoch", "hour", "entries", "sealed", "root", "header"];

export async function overview(view) {
  const [able, health, head, figures] = await Promise.all([canVerify(), askJson("/health"), fetchHead(), askText("/metrics")]);
  const content = head.statement.content;
  const { headers, faults } = await fetchHeaders(content);
  if (head.signed === false) {
    faults.unshift({ code: "signature_invalid", detail: "the head's signature is not the log key's", index: null, seq: content.seq, line: null });
  }
  faults.unshift(...shorter(head, content.seq));
  const state = { health, faults, unsealed: figure(figures, "unsealed_entries"), lag: figure(figures, "epoch_lag_seconds") };
  const alerts = await findAlerts(state);
  const verdict = judge({ able, faults, log: content.log, key: trustedKey() });
  if (verdict.state === "verified") {
    verdict.why = `The head and the last ${headers.length} epoch headers are signed by the key that you gave, and follow each other. Entries are verified where you open them.`;
  }
  const plots = el("div");
  const choice = el("select", { id: "span", change: () => draw(plots, headers, content, state, Number(choice.value)) },
    SPANS.map(([hours, name]) => el("option", { value: hours, selected: hours === 72 }, name)));
  replace(
    view,
    el("h1", {}, "Overview"),
    banner(verdict, [], faults),
    alertList(alerts),
    el("section.card", { "aria-labelledby": "h-log" }, el("h2", { id: "h-log" }, "The log"), standing(content, headers, state)),
    el("section.card", { "aria-labelledby": "h-time" }, el("div.row", {}, el("h2", { id: "h-time" }, "Epochs and volume"), el("div", {}, el("label.inline", { for: "span" }, "Last "), choice)), plots),
    el("section.card", { "aria-labelledby": "h-epochs", "data-state": verdict.state }, el("h2", { id: "h-epochs" }, "Last epochs"), epochTable(headers, able)),
  );
  await draw(plots, headers, content, state, 72);
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
  return seconds < 120 ? `${seconds} s` : seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function gibibytes(bytes) {
  return `${(Number(bytes) / 1024 ** 3).toFixed(1)} GiB`;
}

// Hours end with that of the head: a log at rest still shows its last ones.
async function draw(host, headers, head, state, count) {
  const first = hourOf(head.ts) - (count - 1) * HOUR;
  const since = new Date(first).toISOString();
  const stats = await askJson(`/v1/stats${query({ since })}`);
  const hours = new Map(stats.hours.map((hour) => [hourOf(hour.hour), hour]));
  const shown = drawn(headers).filter((epoch) => epoch.hour >= first);
  const open = state.unsealed > 0
    ? { size: state.unsealed, hour: Math.max(first, hourOf(head.ts)), title: `${state.unsealed} entries that are not sealed yet` }
    : null;
  const label = `${stats.entries} entries, ${stats.denied} denied, ${shown.length} epochs`;
  replace(
    host,
    el("p.quiet", {}, el("span.key.epoch-key"), "epochs: the height is the number of entries", open ? [el("span.key.open-key"), "not sealed yet"] : []),
    plot(`Epochs on a time line: ${label}`, epochs(shown, open, first, count)),
    el("p.quiet", {}, el("span.key.volume-key"), "entries an hour", el("span.key.denied-key"), `denied: ${stats.denied} of ${stats.entries}`),
    plot(`Entries an hour: ${label}`, volume(hours, first, count)),
    stats.complete ? null : el("p.quiet", {}, "Only the newest entries were counted; earlier hours may show too few."),
    hourTable(stats.hours),
  );
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

function hourTable(hours) {
  const rows = hours.slice().reverse().map((hour) => el("tr", {}, el("td", {}, shortTime(hour.hour)), el("td", {}, String(hour.entries)), el("td", {}, String(hour.denied))));
  const heads = ["hour", "entries", "denied"].map((name) => el("th", { scope: "col" }, name));
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
