// The custody of a case: at a glance, and step by step, by the reader's choice.

import { el, replace } from "./dom.js";
import { ACTORS, lanes } from "./lanes.js";
import { actorOf, stepOf, tell } from "./steps.js";
import { timeline } from "./timeline.js";

// More are for the command line.
const MOST = 5000;
let views = 0;

// `documents` by digest, as a bundle carries them, unless `options` has a `lookup`.
export function custody(all, { documents = new Map(), ...options }) {
  const items = all.slice(0, MOST);
  const lookup = options.lookup ?? (async (digest) => documents.get(digest)?.entry ?? documentAmong(all, digest));
  const list = el("div");
  const count = el("p.quiet", { role: "status" });
  const wanted = { actor: "", what: "", text: "" };
  const draw = () => {
    const chosen = items.filter((item) => isWanted(item, wanted));
    replace(count, chosen.length === all.length ? null : `${chosen.length} of ${all.length} steps`);
    replace(list, chosen.length > 0 ? timeline(chosen, { ...options, among: all, lookup }) : el("p", {}, "No step is so."));
  };
  draw();
  const reveal = (item) => {
    if (!isWanted(item, wanted)) {
      form.reset();
      Object.assign(wanted, { actor: "", what: "", text: "" });
      draw();
    }
    show(list, item);
  };
  const form = filterForm(wanted, draw);
  // What is printed is whole.
  addEventListener("beforeprint", () => list.isConnected && unfold(list));
  return el("div.custody", {}, items.length > 1 ? [lanes(items, reveal), form] : null, count, list);
}

function documentAmong(items, digest) {
  return items.find(({ entry }) => entry?.kind === "wcp.document" && entry.payload.get("digest") === digest)?.entry ?? null;
}

function isWanted({ entry, faults }, { actor, what, text }) {
  if (entry === null) {
    return actor === "" && text === "";
  }
  const tone = what === "" ? null : faults.length > 0 ? "broken" : tell(entry).tone;
  const rightTone = tone === null || tone === "broken" || (what === "denied" && tone === "bad");
  return rightTone && (actor === "" || actorOf(entry) === actor) && (text === "" || `${entry.kind} ${entry.payloadText}`.toLowerCase().includes(text));
}

function filterForm(wanted, draw) {
  views += 1;
  const choice = (name, label, options) => {
    const id = `custody-${name}-${views}`;
    const select = el("select", { id, change: () => { wanted[name] = select.value; draw(); } }, options.map(([value, text]) => el("option", { value }, text)));
    return el("div", {}, el("label", { for: id }, label), select);
  };
  const id = `custody-text-${views}`;
  const text = el("input", { id, type: "search", autocomplete: "off", spellcheck: "false", input: () => { wanted.text = text.value.trim().toLowerCase(); draw(); } });
  return el("form.filter", { "aria-label": "Which steps are shown", submit: (event) => event.preventDefault() },
    choice("actor", "Actor", [["", "all"], ...ACTORS.map((actor) => [actor, actor])]),
    choice("what", "Outcome", [["", "all"], ["denied", "denials and faults"], ["faults", "faults"]]),
    el("div", {}, el("label", { for: id }, "Text in kind or payload"), text));
}

// A step, wherever it is folded away.
function show(list, item) {
  const { log, entry: { seq } } = item;
  for (const run of list.querySelectorAll("details[data-first]")) {
    const isLog = run.dataset.log === (log === undefined ? undefined : String(log));
    if (isLog && Number(run.dataset.first) <= seq && seq <= Number(run.dataset.last)) {
      run.open = true;
      run.fill();
    }
  }
  const step = list.querySelector(`#${stepOf(item)}`);
  const details = step?.querySelector("details");
  if (details) {
    details.fill();
    details.open = true;
    step.scrollIntoView({ block: "center" });
    step.focus({ preventScroll: true });
  }
}

function unfold(list) {
  for (const run of list.querySelectorAll("details[data-first]")) {
    run.fill();
    run.open = true;
  }
  for (const details of list.querySelectorAll(".step > details:not([data-first])")) {
    details.fill();
    details.open = true;
  }
}
