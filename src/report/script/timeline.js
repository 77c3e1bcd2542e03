// The custody of a case, entry by entry: each folded, and runs of the same folded into one.

import { chip } from "./banner.js";
import { el, facts, foreign } from "./dom.js";
import { hashFacts, headerFacts, hexDump, pathTable, payloadText } from "./evidence.js";
import { rawOf } from "./json.js";
import { relations } from "./relations.js";
import { stepOf, tell } from "./steps.js";
import { shortTime } from "./time.js";
import { pathTree } from "./tree.js";
import { describeFault } from "./verdict.js";

// So many of the same in a row are a run.
const RUN = 6;

// What of an entry's proof is known: `checked` is false where the browser could
// not judge signatures.
export function proofChips({ header, tail, faults, entry }, checked) {
  if (faults.length > 0) {
    return faults.map((fault) => chip("bad", fault.code));
  }
  if (!checked) {
    return [chip("plain", "not verified")];
  }
  const sealed = header ? chip("proof", `sealed in epoch ${header.statement.content.epoch}`) : chip("warn", "not sealed yet");
  return entry ? [chip("proof", "signature"), sealed] : [];
}

// `items` as the verifiers give them; `about(item)` may add chips or links, `among` are
// all entries at hand, `lookup` finds a document.
export function timeline(items, options) {
  const told = items.map((item) => ({ item, told: item.entry === null ? null : tell(item.entry) }));
  const runs = [];
  for (const one of told) {
    const last = runs.at(-1);
    const same = last && isQuiet(one) && isQuiet(last[0]) && last[0].told.title === one.told.title && last[0].item.entry.kind === one.item.entry.kind && last[0].item.log === one.item.log;
    same ? last.push(one) : runs.push([one]);
  }
  return el("ol.timeline", {}, runs.flatMap((run) => (run.length < RUN ? run.map((one) => step(one, options)) : [folded(run, options)])));
}

const isQuiet = ({ item, told }) => told !== null && item.faults.length === 0 && told.tone === "plain";

function folded(run, options) {
  const [first, last] = [run[0].item.entry, run.at(-1).item.entry];
  const list = el("ol.timeline.inner");
  const block = el("details", { "data-first": first.seq, "data-last": last.seq, "data-log": run[0].item.log },
    el("summary", {}, `${run.length} steps alike: `, foreign(run[0].told.title, "span"), `, entries ${first.seq} to ${last.seq}, ${shortTime(first.ts)} to ${shortTime(last.ts)}`), list);
  block.fill = () => list.childElementCount === 0 && list.append(...run.map((one) => step(one, options)));
  block.addEventListener("toggle", () => block.open && block.fill());
  return el("li.step.run.plain", {}, block);
}

function step({ item, told }, options) {
  const { entry, faults } = item;
  if (entry === null) {
    return el("li.step.bad", {}, el("h3", {}, `Entry line ${item.index} cannot be read`), faultLines(faults));
  }
  const { checked, about = () => [] } = options;
  const reason = told.tone === "bad" ? told.rows.find(([name, text]) => name === "why" && text)?.[1] : null;
  return el(
    `li.step.${faults.length > 0 ? "broken" : told.tone}`,
    { id: stepOf(item), tabindex: "-1" },
    el("p.when", {}, el("time", { datetime: entry.ts, title: entry.ts }, shortTime(entry.ts)), el("span", {}, `entry ${entry.seq}`), foreign(entry.kind, "code")),
    el("h3", {}, foreign(told.title, "span")),
    reason ? el("p.reason", {}, foreign(reason, "span")) : null,
    el("p.chips", {}, proofChips(item, checked), about(item)),
    faultLines(faults),
    takenOut(item),
    details(item, told, options),
  );
}

function faultLines(faults) {
  return faults.length === 0 ? null : el("ul.faults", {}, faults.map((fault) => el("li", {}, foreign(describeFault(fault), "span"))));
}

// What was taken out of an entry: opened here, and proven, or withheld or erased.
function takenOut({ opened = new Map(), closed = new Map() }) {
  const shown = [...opened].map(([pointer, value]) => el("li", {}, foreign(`${pointer}: ${rawOf(value)}`, "span"), ", opened here"));
  const gone = [...closed.keys()].map((pointer) => el("li", {}, foreign(pointer, "span"), ": withheld or erased"));
  return shown.length + gone.length === 0 ? null : el("ul.taken-out", {}, shown, gone);
}

// Made when it is asked for: a case may have thousands.
function details({ entry, header, steps, log }, told, { among = [], lookup }) {
  const block = el("details", {}, el("summary", {}, "Facts and evidence"));
  block.fill = () => {
    if (block.childElementCount > 1) {
      return;
    }
    const { content } = header?.statement ?? {};
    block.append(...[
      facts(told.rows),
      relations(entry, { items: among.filter((one) => one.log === log), lookup }),
      el("h4", {}, "Payload"), payloadText(entry),
      el("h4", {}, "Hashes"), hashFacts(entry),
      el("h4", {}, "Signed bytes"), hexDump(entry.signed),
      ...(content ? [el("h4", {}, "Sealed under"), headerFacts(content)] : []),
      ...(content && steps ? [el("h4", {}, "Path to the root"), pathTree(entry, steps, content.root), pathTable(entry, steps, content.root)] : []),
    ].filter(Boolean));
  };
  block.addEventListener("toggle", () => block.open && block.fill());
  return block;
}
