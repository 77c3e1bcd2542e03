// Plots, drawn to the width they have. What they show stands in a table too.

import { el, svg } from "./dom.js";
import { shortTime, toMillis } from "./time.js";

const HOUR = 3_600_000;
const LEFT = 44;
const RIGHT = 8;

// Draws now and whenever the width changes.
export function plot(label, draw) {
  const host = el("div.plot");
  let width = 0;
  new ResizeObserver(() => {
    if (Math.abs(host.clientWidth - width) > 1) {
      width = host.clientWidth;
      const { height, marks } = draw(width);
      host.replaceChildren(svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, marks));
    }
  }).observe(host);
  return host;
}

// Entries of each hour, and how many of them were denied. `hours` maps the
// beginning of an hour in milliseconds to `{ entries, denied }`.
export function volume(hours, first, count) {
  const most = Math.max(1, ...Array.from({ length: count }, (_, at) => hours.get(first + at * HOUR)?.entries ?? 0));
  const top = niceAbove(most);
  return (width) => {
    const [height, bottom] = [190, 26];
    const y = (value) => 10 + (height - bottom - 10) * (1 - value / top);
    const step = (width - LEFT - RIGHT) / count;
    const marks = [0, top / 2, top].map((value) => gridLine(width, y(value), value));
    for (let at = 0; at < count; at += 1) {
      const hour = hours.get(first + at * HOUR);
      const x = LEFT + at * step;
      if (hour) {
        const gap = step > 5 ? 1 : 0;
        const bar = (name, value) =>
          svg(`rect.${name}`, { x: x + gap, y: y(value), width: Math.max(1, step - 2 * gap), height: Math.max(value > 0 ? 1 : 0, y(0) - y(value)) });
        marks.push(svg("g", {}, svg("title", {}, told(first + at * HOUR, hour)), bar("volume", hour.entries), bar("denied", hour.denied)));
      }
    }
    return { height, marks: [...marks, ...ticks(width, height, first, count, step)] };
  };
}

// Epochs where they lie in time, as high as they are full; `state` names the
// colour of a header. The open epoch is drawn as an outline.
export function epochs(list, open, first, count) {
  const most = Math.max(2, ...list.map((epoch) => epoch.size), open?.size ?? 0);
  return (width) => {
    const [height, bottom] = [110, 26];
    const room = height - bottom - 12;
    const step = (width - LEFT - RIGHT) / count;
    const base = height - bottom;
    const place = (millis) => LEFT + ((millis - first) / HOUR) * step;
    const high = (size) => 6 + (room - 6) * (Math.log(size) / Math.log(most));
    const marks = [svg("line.axis", { x1: LEFT, x2: width - RIGHT, y1: base, y2: base })];
    for (const epoch of list) {
      const tall = high(epoch.size);
      // Epochs of one hour share it.
      const wide = Math.max(2, step / epoch.ofHour - 1);
      const x = place(epoch.hour) + epoch.inHour * (step / epoch.ofHour);
      const bar = svg(`rect.epoch.${epoch.state}`, { x, y: base - tall, width: wide, height: tall });
      marks.push(svg("a", { href: epoch.href, tabindex: "-1" }, svg("title", {}, epoch.title), bar));
    }
    if (open) {
      const tall = high(open.size);
      marks.push(svg("g", {}, svg("title", {}, open.title), svg("rect.epoch.open", { x: place(open.hour) + 1, y: base - tall, width: Math.max(3, step - 2), height: tall })));
    }
    return { height, marks: [...marks, ...ticks(width, height, first, count, step)] };
  };
}

function told(hour, { entries, denied }) {
  return `${shortTime(new Date(hour).toISOString())}: ${entries} entries, ${denied} denied`;
}

function gridLine(width, y, value) {
  return svg(
    "g",
    {},
    svg("line.grid", { x1: LEFT, x2: width - RIGHT, y1: y, y2: y }),
    svg("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, Number.isInteger(value) ? compact(value) : ""),
  );
}

function ticks(width, height, first, count, step) {
  const fitting = Math.max(2, Math.floor((width - LEFT - RIGHT) / 84));
  const every = [1, 2, 3, 6, 12, 24, 48, 96, 168, 336].find((hours) => count / hours <= fitting) ?? count;
  const marks = [];
  for (let at = 0; at < count; at += 1) {
    const time = new Date(first + at * HOUR);
    const hour = Math.floor(time.getTime() / HOUR);
    if (hour % every === 0) {
      const x = LEFT + at * step;
      const iso = time.toISOString();
      const midnight = time.getUTCHours() === 0;
      marks.push(svg("line.axis", { x1: x, x2: x, y1: height - 26, y2: height - 21 }));
      // The last one has no room for its text.
      if (x < width - 40) {
        marks.push(svg("text", { x, y: height - 7, "text-anchor": at === 0 ? "start" : "middle" }, midnight || every >= 24 ? iso.slice(5, 10) : iso.slice(11, 16)));
      }
    }
  }
  return marks;
}

function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  const steps = [1, 2, 4, 5, 10].map((factor) => factor * power);
  return Math.max(2, steps.find((limit) => limit >= value) ?? value);
}

function compact(value) {
  return value >= 10_000 ? `${Math.round(value / 100) / 10}k` : String(value);
}

export function hourOf(time) {
  return Math.floor(toMillis(time) / HOUR) * HOUR;
}
