// The evidence for one entry: what was signed, its hashes, its way to the root.

import { toHex } from "./bytes.js";
import { el, facts, hashText } from "./dom.js";
import { shortHash, visibleLines } from "./text.js";

const DUMPED = 4096;

export function hashFacts(entry) {
  return facts([
    ["hash", hashText(entry.hash)],
    ["previous", hashText(entry.prevHash)],
    ["signature", hashText(entry.signature)],
    ["leaf", hashText(toHex(entry.leaf))],
  ]);
}

// The payload in lines, for reading; what was signed is the one line of it.
export function payloadText(entry) {
  const pretty = [];
  const add = (level, text) => pretty.push(`${"  ".repeat(level)}${text}`);
  layOut(entry.payload, 0, "", "", add);
  return el("pre.payload", { tabindex: "0", "aria-label": "payload" }, visibleLines(pretty.join("\n")));
}

function layOut(value, level, before, after, add) {
  const isArray = Array.isArray(value);
  const members = isArray ? value.map((item) => ["", item]) : value instanceof Map ? [...value] : [];
  if (members.length === 0) {
    const text = isArray ? "[]" : value instanceof Map ? "{}" : scalar(value);
    add(level, `${before}${text}${after}`);
    return;
  }
  add(level, `${before}${isArray ? "[" : "{"}`);
  members.forEach(([name, item], at) => {
    const label = isArray ? "" : `${JSON.stringify(name)}: `;
    layOut(item, level + 1, label, at < members.length - 1 ? "," : "", add);
  });
  add(level, `${isArray ? "]" : "}"}${after}`);
}

function scalar(value) {
  return value !== null && typeof value === "object" ? value.raw : JSON.stringify(value);
}

// The signed bytes: offset, hex, and what of it is plain text.
export function hexDump(bytes) {
  const rows = [];
  for (let at = 0; at < Math.min(bytes.length, DUMPED); at += 16) {
    const row = Array.from(bytes.subarray(at, at + 16));
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) => (byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "\u00b7"));
    rows.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(47)}  ${text.join("")}`);
  }
  const more = bytes.length - DUMPED;
  return el(
    "div",
    {},
    el("pre.dump", { tabindex: "0", "aria-label": "signed bytes" }, rows.join("\n")),
    more > 0 ? el("p.quiet", {}, `and ${more} bytes more`) : null,
  );
}

// From the leaf to the root, step by step; `root` is what the header says.
export function pathTable(entry, steps, root) {
  const arrived = toHex(steps.at(-1)?.node ?? entry.leaf);
  const rows = steps.map((step, at) =>
    el(
      "tr",
      {},
      el("td", {}, String(at + 1)),
      el("td", {}, step.side),
      el("td", {}, el("code", { title: toHex(step.sibling) }, shortHash(toHex(step.sibling)))),
      el("td", {}, el("code", { title: toHex(step.node) }, shortHash(toHex(step.node)))),
    ),
  );
  return el(
    "div",
    {},
    el("p", {}, "Leaf ", el("code", { title: toHex(entry.leaf) }, shortHash(toHex(entry.leaf))),
      steps.length === 0 ? ", which is the whole tree." : ` climbs ${steps.length} step${steps.length === 1 ? "" : "s"}:`),
    steps.length === 0 ? null : el(
      "table.path",
      {},
      el("thead", {}, el("tr", {}, ["step", "sibling stands", "sibling", "node"].map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, rows),
    ),
    el("p", {}, arrived === root ? "It arrives at the sealed root " : "It does not arrive at the sealed root, but at ",
      el("code", { title: arrived }, shortHash(arrived)), "."),
  );
}

export function headerFacts(header) {
  return facts([
    ["epoch", String(header.epoch)],
    ["entries", `${header.first_seq} to ${header.last_seq}`],
    ["hour", header.hour],
    ["sealed", header.sealed_at],
    ["root", hashText(header.root)],
    ["previous header", hashText(header.prev)],
  ]);
}
