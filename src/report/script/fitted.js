// A drawing as wide as its place: drawn now, and again whenever the width changes.

import { el, svg } from "./dom.js";

// `draw(width)` gives `{ height, marks }`. With `role` "group" the marks may be links.
export function fitted(label, draw, { name = "plot", role = "img" } = {}) {
  const host = el(`div.${name}`);
  let width = 0;
  new ResizeObserver(() => {
    if (host.clientWidth > 0 && Math.abs(host.clientWidth - width) > 1) {
      width = host.clientWidth;
      const { height, marks } = draw(width);
      host.replaceChildren(svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role, "aria-label": label }, marks));
    }
  }).observe(host);
  return host;
}
