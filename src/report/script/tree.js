// The path of an entry to its root, as a tree: what is recomputed is lit, what is given
// stands beside it. The same stands in a table.

import { toHex } from "./bytes.js";
import { svg } from "./dom.js";
import { fitted } from "./fitted.js";
import { shortHash } from "./text.js";

const ROW = 46;
const TOP = 22;

// `root` is what the header says.
export function pathTree(entry, steps, root) {
  const lit = [entry.leaf, ...steps.map((step) => step.node)].map(toHex);
  const arrives = lit.at(-1) === root;
  const label = `The leaf climbs ${steps.length} steps to ${arrives ? "the sealed root" : "another root than the sealed one"}`;
  return fitted(label, (width) => drawn(width, steps, lit, arrives), { name: "tree" });
}

function drawn(width, steps, lit, arrives) {
  const levels = steps.length;
  const middle = width / 2;
  const reach = Math.min(150, width / 2 - 52);
  const y = (level) => TOP + (levels - level) * ROW;
  const marks = steps.map((step, level) => {
    const x = step.side === "right" ? middle + reach : middle - reach;
    return [
      svg("line.given", { x1: x, y1: y(level), x2: middle, y2: y(level + 1) }),
      svg("line.lit", { x1: middle, y1: y(level), x2: middle, y2: y(level + 1) }),
      node(x, y(level), toHex(step.sibling), "given"),
    ];
  });
  const name = (level) => (level === levels && !arrives ? "wrong" : "lit");
  const path = lit.map((hash, level) => node(middle, y(level), hash, name(level), level === levels ? "root" : level === 0 ? "leaf" : null));
  return { height: TOP * 2 + levels * ROW, marks: [...marks.flat(), ...path] };
}

function node(x, y, hash, name, said = null) {
  const text = said === null ? shortHash(hash).slice(0, 8) : `${said} ${hash.slice(0, 6)}`;
  return svg(`g.node.${name}`, {}, svg("title", {}, hash), svg("rect", { x: x - 48, y: y - 13, width: 96, height: 26, rx: 5 }), svg("text", { x, y: y + 4, "text-anchor": "middle" }, text));
}
