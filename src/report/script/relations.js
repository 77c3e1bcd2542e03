// What a decision rests on, as a graph: its rule set, policy, registry, the attestation of
// its worker, the approval that it used. Each is a click away.

import { el, facts, foreign, hashText, replace, svg } from "./dom.js";
import { payloadText } from "./evidence.js";
import { member, tell, workersOf } from "./steps.js";
import { shortened, shortHash, visibleLines } from "./text.js";

const DIGEST = /^blake2b-256:[0-9a-f]{64}$/;
const ROW = 56;

// The parts of a decision's ground: `{ name, said, show() }`. `items` are the entries at
// hand, `lookup(digest)` gives a document's entry, or null.
function groundsOf(entry, items, lookup) {
  const context = entry.payload.get("context");
  const of = (name) => (context instanceof Map ? context.get(name) : undefined);
  const documents = [["rule set", "rules"], ["policy", "policy"], ["settings", "config"], ["ban list", "ban_list"], ["registry", "registry"]];
  const found = documents.flatMap(([name, at]) => digestsIn(of(at)).map((digest) => ({
    name, said: shortHash(digest.split(":")[1]), show: () => documentPanel(digest, lookup),
  })));
  const registry = of("registry");
  if (registry instanceof Map) {
    const count = registry.get("candidates")?.length ?? 0;
    found.push({ name: "registry", said: `${count} candidate${count === 1 ? "" : "s"}`, show: () => payloadText({ payload: registry }) });
  }
  const workers = workersOf(entry);
  const attested = items.findLast(({ entry: one }) => ["wcp.attestation", "hall.attestation"].includes(one?.kind) && one.seq < entry.seq && [...workersOf(one)].some((worker) => workers.has(worker)));
  if (attested) {
    found.push(step("attestation", attested.entry));
  }
  const used = member(entry.payload, "answers", "approval");
  const approval = used && items.find(({ entry: one }) => one?.hash === used);
  if (used) {
    found.push(approval ? step("approval used", approval.entry) : { name: "approval used", said: shortHash(used), show: () => facts([["approval", hashText(used)]]) });
  }
  for (const { entry: one } of items.filter((item) => item.entry?.kind === "hall.approval" && member(item.entry.payload, "denied") === entry.hash)) {
    found.push(step("answered by", one));
  }
  return found;
}

function digestsIn(value) {
  if (typeof value === "string") {
    return DIGEST.test(value) ? [value] : [];
  }
  return value instanceof Map ? [...value.values()].flatMap(digestsIn) : Array.isArray(value) ? value.flatMap(digestsIn) : [];
}

function step(name, entry) {
  const told = tell(entry);
  const show = () => el("div", {}, el("h4", {}, foreign(`entry ${entry.seq}: ${told.title}`, "span")), facts([["kind", entry.kind], ["time", entry.ts], ...told.rows]));
  return { name, said: `entry ${entry.seq}`, show };
}

async function documentPanel(digest, lookup) {
  const entry = await lookup(digest);
  if (!entry) {
    return el("div", {}, facts([["digest", hashText(digest.split(":")[1])]]), el("p.quiet", {}, "The document itself is not at hand here."));
  }
  const content = entry.payload.get("content");
  const text = typeof content === "string" ? el("pre.payload", { tabindex: "0", "aria-label": "document" }, visibleLines(content)) : payloadText({ payload: content instanceof Map ? content : new Map([["content", content]]) });
  return el("div", {}, facts([["digest", hashText(digest.split(":")[1])], ["media type", member(entry.payload, "media_type")]]), text);
}

// Null where a decision names nothing that it rests on.
export function relations(entry, { items = [], lookup = async () => null } = {}) {
  const grounds = entry.kind === "wcp.decision" ? groundsOf(entry, items, lookup) : [];
  if (grounds.length === 0) {
    return null;
  }
  const panel = el("div.panel", { "aria-live": "polite" });
  const buttons = grounds.map((ground) => {
    const button = el("button", { type: "button", "aria-expanded": "false" }, el("span.name", {}, ground.name), " ", foreign(shortened(ground.said, 40), "code"));
    button.addEventListener("click", async () => {
      const open = button.getAttribute("aria-expanded") !== "true";
      buttons.forEach((one) => one.setAttribute("aria-expanded", "false"));
      button.setAttribute("aria-expanded", String(open));
      replace(panel, open ? await ground.show() : null);
    });
    return button;
  });
  const height = grounds.length * ROW;
  const lines = grounds.map((_, at) => svg("path", { d: `M0 ${at * ROW + ROW / 2} C 30 ${at * ROW + ROW / 2}, 30 ${height / 2}, 60 ${height / 2}` }));
  const told = tell(entry);
  return el(
    "section.relations",
    { "aria-label": "What this decision rests on" },
    el("div.graph", {},
      el("ul", {}, buttons.map((button) => el("li", {}, button))),
      svg("svg", { viewBox: `0 0 60 ${height}`, height, preserveAspectRatio: "none", "aria-hidden": "true" }, lines),
      el(`p.result.${told.tone}`, {}, foreign(shortened(told.title, 80), "span"))),
    panel,
  );
}
