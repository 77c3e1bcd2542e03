// What evidence comes to, before any of it is read: decisions, denials, tenants, the span.

import { el, foreign } from "./dom.js";
import { idsOf, tell } from "./steps.js";
import { shortTime } from "./time.js";

const NAMED = 6;

export function summary(items) {
  const entries = items.map((item) => item.entry).filter(Boolean);
  if (entries.length === 0) {
    return null;
  }
  const decisions = entries.filter((entry) => entry.kind === "wcp.decision");
  const denied = entries.filter((entry) => idsOf(entry).denied);
  const human = entries.filter((entry) => entry.kind === "hall.approval");
  const tenants = [...new Set(entries.map((entry) => idsOf(entry).tenant).filter(Boolean))];
  const codes = [...new Set(denied.map((entry) => tell(entry).title))];
  const [first, last] = [entries[0].ts, entries.at(-1).ts];
  const box = (count, name, more = null) => el("div", {}, el("dt", {}, name), el("dd", {}, el("strong", {}, String(count)), more === null ? null : el("span", {}, more)));
  const list = (texts) => (texts.length === 0 ? null : [...texts.slice(0, NAMED).flatMap((text, at) => [at > 0 ? ", " : "", foreign(text)]), texts.length > NAMED ? `, and ${texts.length - NAMED} more` : ""]);
  return el("dl.summary", { "aria-label": "Summary" },
    box(entries.length, entries.length === 1 ? "entry" : "entries"),
    box(decisions.length, "decisions", human.length > 0 ? `${human.length} answered by a human` : null),
    box(denied.length, "denials", list(codes)),
    box(tenants.length, "tenants", list(tenants)),
    box(spanOf(first, last), "span, UTC", `${shortTime(first)} to ${shortTime(last)}`.replaceAll(" UTC", "")));
}

function spanOf(first, last) {
  const seconds = Math.round((Date.parse(`${last.slice(0, 19)}Z`) - Date.parse(`${first.slice(0, 19)}Z`)) / 1000);
  const [size, name] = [[86_400, "days"], [3600, "hours"], [60, "min"]].find(([least]) => seconds >= 2 * least) ?? [1, "s"];
  return `${Math.round(seconds / size)} ${name}`;
}
