// The custody of a case, entry by entry.

import { chip } from "./banner.js";
import { el, facts, foreign } from "./dom.js";
import { hashFacts, headerFacts, hexDump, pathTable, payloadText } from "./evidence.js";
import { tell } from "./steps.js";
import { shortTime } from "./time.js";
import { describeFault } from "./verdict.js";

// What of an entry's proof is known: `checked` is false where the browser could
// not judge signatures.
export function proofChips({ header, faults, entry }, checked) {
  if (faults.length > 0) {
    return faults.map((fault) => chip("bad", fault.code));
  }
  if (!checked) {
    return [chip("plain", "not verified")];
  }
  const sealed = header ? chip("proof", `sealed in epoch ${header.statement.content.epoch}`) : chip("warn", "not sealed yet");
  return entry ? [chip("proof", "signature"), sealed] : [];
}

// `items` as `verifyBundle` gives them; `about(item)` may add chips or links.
export function timeline(items, { checked, about = () => [] }) {
  return el("ol.timeline", {}, items.map((item) => step(item, checked, about)));
}

function step(item, checked, about) {
  const { entry, faults } = item;
  if (entry === null) {
    return el("li.step.bad", {}, el("h3", {}, `Entry line ${item.index} cannot be read`), faultLines(faults));
  }
  const told = tell(entry);
  const tone = faults.length > 0 ? "broken" : told.tone;
  return el(
    `li.step.${tone}`,
    { id: `step-${entry.seq}` },
    el("p.when", {}, el("time", { datetime: entry.ts, title: entry.ts }, shortTime(entry.ts)), el("span", {}, `entry ${entry.seq}`), foreign(entry.kind, "code")),
    el("h3", {}, foreign(told.title, "span")),
    el("p.chips", {}, proofChips(item, checked), about(item)),
    faultLines(faults),
    facts(told.rows),
    details(item),
  );
}

function faultLines(faults) {
  return faults.length === 0 ? null : el("ul.faults", {}, faults.map((fault) => el("li", {}, foreign(describeFault(fault), "span"))));
}

function details({ entry, header, steps }) {
  const block = el("details", {}, el("summary", {}, "Evidence"));
  // Made when it is asked for: a case may have thousands.
  block.addEventListener("toggle", () => {
    if (block.open && block.childElementCount === 1) {
      block.append(
        el("h4", {}, "Payload"), payloadText(entry),
        el("h4", {}, "Hashes"), hashFacts(entry),
        el("h4", {}, "Signed bytes"), hexDump(entry.signed),
      );
      if (header) {
        block.append(el("h4", {}, "Sealed under"), headerFacts(header.statement.content));
      }
      if (header && steps) {
        block.append(el("h4", {}, "Path to the root"), pathTable(entry, steps, header.statement.content.root));
      }
    }
  });
  return block;
}
