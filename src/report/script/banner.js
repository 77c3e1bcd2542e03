// The verdict as people see it: a word, why, and what it leaves open. Colour
// never says anything that the words do not.

import { el, foreign } from "./dom.js";
import { describeFault, WORDS } from "./verdict.js";

const SIGNS = { verified: "\u2713", unconfirmed: "?", failed: "\u2717", unable: "\u2013", busy: "\u2026" };

const OPEN = {
  index: "whether the index is that of the log's entries, which a full audit shows",
  omitted: "whether the entries that are named and left out are those that the filter leaves out",
  truncation: "whether entries after the last one were left out",
  documents: "the documents that it refers to",
  heads: "heads that were given and lie outside of it",
  ledger_rules: "the rules of a ledger: it is the book of another program",
  bundle_unsigned: "whether entries were taken out: its closing record is not signed",
  revocation_not_applicable: "whether the revocation that was given reaches it",
  completeness: "whether entries that belong to the case were left out",
  chain: "how the entries tie to their neighbours in the log",
  signatures: "signatures, which this browser cannot judge",
};

const LISTED = 50;

// `covers` is what the verdict is of, in words: it stands beside the word.
export function banner({ state, why }, { notChecked = [], faults = [], covers = null, redacted = null } = {}) {
  const open = notChecked.map((what) => OPEN[what] ?? what);
  return el(
    `section.verdict.${state}`,
    { role: "status" },
    el("p.word", {}, el("span.sign", { "aria-hidden": "true" }, SIGNS[state]), WORDS[state] ?? "Verifying",
      covers === null ? null : [": ", foreign(covers, "span.covers")]),
    el("p", {}, foreign(why, "span")),
    faults.length > 1 || (faults.length === 1 && state !== "failed") ? faultList(faults) : null,
    redacted === null ? null : el("p.quiet", {}, redacted),
    open.length > 0 ? el("p.quiet", {}, `Not shown by this: ${open.join("; ")}.`) : null,
  );
}

function faultList(faults) {
  const more = faults.length - LISTED;
  return el(
    "details",
    {},
    el("summary", {}, `${faults.length} fault${faults.length === 1 ? "" : "s"}`),
    el(
      "ul.faults",
      {},
      faults.slice(0, LISTED).map((fault) => el("li", {}, foreign(describeFault(fault), "span"))),
      more > 0 ? el("li", {}, `and ${more} more`) : null,
    ),
  );
}

// A chip of the tone `proof` says that something holds under the log's key. It
// is green only within what has the state `verified`.
export function chip(tone, text) {
  return el(`span.chip.${tone}`, {}, text);
}
