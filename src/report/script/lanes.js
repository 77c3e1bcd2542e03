// The custody of a case at a glance: a lane for each sort of actor, on a scale of time.
// What happened close together is folded into one mark with its number; denials stand out.

import { svg } from "./dom.js";
import { fitted } from "./fitted.js";
import { actorOf, stepOf, tell } from "./steps.js";
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
  const { place, breaks } = axisOf(steps.map((step) => step.at));
  const x = (at) => LEFT + FOLD / 2 + place(at) * (width - LEFT - RIGHT - FOLD);
  const y = (actor) => LANE / 2 + 4 + ACTORS.indexOf(actor) * LANE;
  const height = ACTORS.length * LANE + FOOT + 8;
  const rows = ACTORS.flatMap((actor) => [
    svg("line.lane", { x1: LEFT, x2: width - RIGHT, y1: y(actor), y2: y(actor) }),
    svg("text", { x: 0, y: y(actor) + 4 }, actor),
  ]);
  const folded = fold(steps, x);
  const way = svg("polyline.way", { points: folded.map(({ at, actor }) => `${at.toFixed(1)},${y(actor)}`).join(" ") });
  const pauses = breaks.map(({ from, to }) => svg("g", {}, svg("line.pause", { x1: (x(from) + x(to)) / 2, x2: (x(from) + x(to)) / 2, y1: 4, y2: height - FOOT }), svg("title", {}, `${spanText(to - from)} without a step`)));
  const marks = folded.map((group) => mark(group, y(group.actor), reveal));
  return { height, marks: [...rows, ...pauses, way, ...marks, ...scale(width, height, steps, breaks, x)] };
}

// Where times lie, from 0 to 1: in their proportion, but for a pause that is longer than a
// third of all, which is cut short and marked.
function axisOf(times) {
  const ordered = [...new Set(times)].sort((a, b) => a - b);
  const gaps = ordered.slice(1).map((time, at) => ({ from: ordered[at], to: time }));
  const span = ordered.at(-1) - ordered[0];
  const breaks = gaps.length > 2 ? gaps.filter(({ from, to }) => to - from > span / 3) : [];
  const rest = span - breaks.reduce((sum, { from, to }) => sum + to - from, 0);
  const length = (gap) => (breaks.includes(gap) ? rest / 5 : gap.to - gap.from);
  const total = gaps.reduce((sum, gap) => sum + length(gap), 0);
  const places = new Map([[ordered[0], total === 0 ? 0.5 : 0]]);
  let sum = 0;
  for (const gap of gaps) {
    sum += length(gap);
    places.set(gap.to, sum / total);
  }
  return { place: (at) => places.get(at), breaks };
}

function spanText(millis) {
  const [size, name] = [[86_400_000, "days"], [3_600_000, "hours"], [60_000, "minutes"]].find(([least]) => millis >= 2 * least) ?? [1000, "seconds"];
  return `${Math.round(millis / size)} ${name}`;
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
    { href: `#${stepOf(item)}`, "aria-label": said, click: open },
    svg("title", {}, said),
    shape,
    many ? svg("text", { x: at, y: y + 4, "text-anchor": "middle" }, steps.length > 99 ? "99+" : String(steps.length)) : null,
  );
}

// The times of some steps: the first, the last, those around a pause, and what fits between.
function scale(width, height, steps, breaks, x) {
  const [first, last] = [steps[0].item.entry.ts, steps.at(-1).item.entry.ts];
  const byTime = new Map(steps.map((step) => [step.at, step.item.entry.ts]));
  const wanted = [last, ...breaks.map(({ to }) => byTime.get(to)), ...steps.map((step) => step.item.entry.ts)];
  const taken = [[LEFT, LEFT + 126]];
  const span = toMillis(last) - toMillis(first);
  // Days, the clock, or parts of a second.
  const part = span >= 48 * 3_600_000 ? [0, 10] : span >= 20_000 ? [11, 19] : [14, 23];
  const texts = [svg("text.tick", { x: LEFT, y: height - 6 }, shortTime(first).replace(" UTC", ""))];
  for (const time of wanted) {
    const at = Math.min(x(toMillis(time)), width - 34);
    if (taken.every(([from, to]) => at + 34 < from || at - 34 > to)) {
      taken.push([at - 34, at + 34]);
      texts.push(svg("text.tick", { x: at, y: height - 6, "text-anchor": "middle" }, time.slice(...part).replace(/\+.*/, "")));
    }
  }
  return texts;
}
