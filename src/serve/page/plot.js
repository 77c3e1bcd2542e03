// Plots, drawn to the width they have. What they show stands in a table too.

import { svg } from "./dom.js";
import { fitted } from "./fitted.js";
import { shortTime, toMillis } from "./time.js";

const HOUR = 3_600_000;
const LEFT = 44;
const RIGHT = 8;

export const plot = (label, draw) => fitted(label, draw);

// A plot that is drawn over to choose from one time to another; the table beside it has the
// same as links.
export function brushed(host, axis, chosen) {
  let from = null;
  const at = (event) => {
    const step = (host.clientWidth - LEFT - RIGHT) / axis.count;
    const bar = Math.floor((event.clientX - host.getBoundingClientRect().left - LEFT) / step);
    return Math.min(axis.count - 1, Math.max(0, bar));
  };
  const shade = (event) => {
    const [low, high] = [Math.min(from, at(event)), Math.max(from, at(event))];
    const step = (host.clientWidth - LEFT - RIGHT) / axis.count;
    const mark = svg("rect.brush", { x: LEFT + low * step, y: 4, width: (high - low + 1) * step, height: 160 });
    host.querySelector(".brush")?.remove();
    host.querySelector("svg")?.append(mark);
    return [low, high + 1].map((bar) => axis.first + bar * axis.every * HOUR);
  };
  host.addEventListener("pointerdown", (event) => {
    from = at(event);
    host.setPointerCapture(event.pointerId);
    shade(event);
  });
  host.addEventListener("pointermove", (event) => from !== null && shade(event));
  host.addEventListener("pointerup", (event) => {
    if (from !== null) {
      const range = shade(event);
      from = null;
      chosen(range);
    }
  });
  return host;
}

// Entries by bar, and how many of them were denied: `bars` maps its place to `{ entries,
// denied }`. The axis has `first` in milliseconds, and bars of `every` hours.
export function volume(bars, { first, count, every }) {
  const most = Math.max(1, ...Array.from(bars.values(), (bar) => bar.entries));
  const top = niceAbove(most);
  return (width) => {
    const [height, bottom] = [190, 26];
    const y = (value) => 10 + (height - bottom - 10) * (1 - value / top);
    const step = (width - LEFT - RIGHT) / count;
    const marks = [0, top / 2, top].map((value) => gridLine(width, y(value), value));
    for (let at = 0; at < count; at += 1) {
      const hour = bars.get(at);
      const x = LEFT + at * step;
      if (hour) {
        const gap = step > 5 ? 1 : 0;
        const bar = (name, value) =>
          svg(`rect.${name}`, { x: x + gap, y: y(value), width: Math.max(1, step - 2 * gap), height: Math.max(value > 0 ? 1 : 0, y(0) - y(value)) });
        marks.push(svg("g", {}, svg("title", {}, told(first + at * every * HOUR, hour)), bar("volume", hour.entries), bar("denied", hour.denied)));
      }
    }
    return { height, marks: [...marks, ...ticks(width, height, first, count * every, step / every)] };
  };
}

// Epochs where they lie in time, as high as they are full; `state` names the
// colour of a header. The open epoch is drawn as an outline.
export function epochs(list, open, { first, count, every }) {
  const most = Math.max(2, ...list.map((epoch) => epoch.size), open?.size ?? 0);
  return (width) => {
    const [height, bottom] = [110, 26];
    const room = height - bottom - 12;
    const step = (width - LEFT - RIGHT) / (count * every);
    const base = height - bottom;
    const place = (millis) => LEFT + ((millis - first) / HOUR) * step;
    const high = (size) => 6 + (room - 6) * (Math.log(size) / Math.log(most));
    const powers = Array.from({ length: Math.floor(Math.log10(most)) + 1 }, (_, power) => 10 ** power);
    const lines = powers.filter((_, at) => (powers.length - 1 - at) % Math.ceil(powers.length / 4) === 0);
    const marks = [svg("line.axis", { x1: LEFT, x2: width - RIGHT, y1: base, y2: base }), ...lines.map((size) => gridLine(width, base - high(size), size))];
    for (const epoch of list) {
      const tall = high(epoch.size);
      // Epochs of one hour share it.
      const wide = Math.max(2, step / epoch.ofHour - 1);
      const x = place(epoch.hour) + epoch.inHour * (step / epoch.ofHour);
      const bar = svg(`rect.epoch.${epoch.state}`, { x, y: base - tall, width: wide, height: tall });
      // By mouse only: the tables have the same as links.
      marks.push(svg("g", { click: () => { location.hash = epoch.href; } }, svg("title", {}, epoch.title), bar));
    }
    if (open) {
      const tall = high(open.size);
      marks.push(svg("g", {}, svg("title", {}, open.title), svg("rect.epoch.open", { x: place(open.hour) + 1, y: base - tall, width: Math.max(3, step - 2), height: tall })));
    }
    return { height, marks: [...marks, ...ticks(width, height, first, count * every, step)] };
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
  const every = [1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 720, 2160, 8760].find((hours) => count / hours <= fitting) ?? count;
  const year = every >= 336;
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
        marks.push(svg("text", { x, y: height - 7, "text-anchor": at === 0 ? "start" : "middle" }, year ? iso.slice(0, 10) : midnight || every >= 24 ? iso.slice(5, 10) : iso.slice(11, 16)));
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
