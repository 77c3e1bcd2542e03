// The custody of a case at a glance: a lane for each sort of actor, on a scale of time.
// What happened close together is folded into one mark with its number; denials stand out.

import { svg } from "./dom.js";
import { fitted } from "./fitted.js";
import { actorOf, tell } from "./steps.js";
import { visible } from "./text.js";
import { shortTime, toMillis } from "./time.js";

export const ACTORS = ["worker", "gate", "human", "verifier"];
const LANE = 40;
const LEFT = 62;
const RIGHT = 16;
const FOOT = 26;
const FOLD = 18;

// `reveal(item)` shows one in the list below.
export function lanes(items, reveal) {
  const steps = items.filter((item) => item.entry !== null).map((item) => {
    const told = tell(item.entry);
    const tone = item.faults.length > 0 ? "broken" : told.tone;
    return { item, actor: actorOf(item.entry), tone, title: told.title, at: toMillis(item.entry.ts) };
  });
  if (steps.length === 0) {
    return null;
  }
  const denied = steps.filter(({ tone }) => tone === "bad").length;
  const label = `${steps.length} steps from ${shortTime(steps[0].item.entry.ts)} to ${shortTime(steps.at(-1).item.entry.ts)}, ${denied} of them denials or failures`;
  return fitted(label, (width) => drawn(width, steps, reveal), { name: "lanes", role: "group" });
}

function drawn(width, steps, reveal) {
  const times = steps.map((step) => step.at);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const x = (at) => LEFT + FOLD / 2 + (last === first ? 0.5 : (at - first) / (last - first)) * (width - LEFT - RIGHT - FOLD);
  const y = (actor) => LANE / 2 + 4 + ACTORS.indexOf(actor) * LANE;
  const height = ACTORS.length * LANE + FOOT + 8;
  const rows = ACTORS.flatMap((actor) => [
    svg("line.lane", { x1: LEFT, x2: width - RIGHT, y1: y(actor), y2: y(actor) }),
    svg("text", { x: 0, y: y(actor) + 4 }, actor),
  ]);
  const folded = fold(steps, x);
  const way = svg("polyline.way", { points: folded.map(({ at, actor }) => `${at.toFixed(1)},${y(actor)}`).join(" ") });
  const marks = folded.map((group) => mark(group, y(group.actor), reveal));
  return { height, marks: [...rows, way, ...marks, ...scale(width, height, first, last, x)] };
}

// Neighbours of one lane and tone that would lie upon each other.
function fold(steps, x) {
  const groups = [];
  const open = new Map();
  for (const step of steps) {
    const at = x(step.at);
    const key = `${step.actor} ${step.tone}`;
    const group = open.get(key);
    if (group && at - group.at < FOLD) {
      group.steps.push(step);
    } else {
      const fresh = { at, actor: step.actor, tone: step.tone, steps: [step] };
      open.set(key, fresh);
      groups.push(fresh);
    }
  }
  // Denials on top.
  return groups.sort((a, b) => a.at - b.at);
}

function mark({ at, tone, steps }, y, reveal) {
  const [{ item, title }] = steps;
  const many = steps.length > 1;
  const said = visible(many ? `${steps.length} steps from entry ${item.entry.seq}: ${title}` : `entry ${item.entry.seq}: ${title}`);
  const open = (event) => {
    event.preventDefault();
    reveal(item);
  };
  const strong = tone === "bad" || tone === "broken";
  const shape = strong
    ? svg("rect", { x: at - 8, y: y - 8, width: 16, height: 16, transform: `rotate(45 ${at.toFixed(1)} ${y})` })
    : svg("circle", { cx: at, cy: y, r: many ? 10 : 7 });
  return svg(
    `a.mark.${tone}`,
    { href: `#step-${item.entry.seq}`, "aria-label": said, click: open },
    svg("title", {}, said),
    shape,
    many ? svg("text", { x: at, y: y + 4, "text-anchor": "middle" }, steps.length > 99 ? "99+" : String(steps.length)) : null,
  );
}

function scale(width, height, first, last, x) {
  const fitting = Math.max(1, Math.min(6, Math.floor((width - LEFT) / 150)));
  const count = last === first ? 1 : fitting + 1;
  const short = last - first >= 48 * 3_600_000 ? [0, 10] : [11, 19];
  return Array.from({ length: count }, (_, at) => {
    const time = count === 1 ? first : first + ((last - first) * at) / fitting;
    const iso = new Date(time).toISOString();
    const text = at === 0 ? shortTime(iso).replace(" UTC", "") : iso.slice(...short);
    const anchor = at === 0 && count > 1 ? "start" : at === count - 1 && count > 1 ? "end" : "middle";
    const place = at === 0 && count > 1 ? LEFT : x(time);
    return at > 0 && at < 2 && width < 420 && count > 2 ? null : svg("text.tick", { x: place, y: height - 6, "text-anchor": anchor }, text);
  }).filter(Boolean);
}
