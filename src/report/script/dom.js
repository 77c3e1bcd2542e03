// Elements, made one by one: text is only ever a text node.

import { visible } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";

// `el("a.quiet", { href }, "text", child)`; children that are null are left out.
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name.split(".")[0]), name, attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name.split(".")[0]), name, attributes, children);
}

function fill(element, name, attributes, children) {
  const classes = name.split(".").slice(1);
  if (classes.length > 0) {
    element.setAttribute("class", classes.join(" "));
  }
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      element.addEventListener(key, value);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(key, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

// Text of somebody else's: isolated, so that it cannot turn its neighbours, and
// with everything hidden in it shown.
export function foreign(text, name = "bdi") {
  return el(name, { dir: "auto" }, visible(String(text)));
}

export function replace(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
}

// Rows of a definition list; those without a value are left out.
export function facts(rows) {
  const shown = rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el(
    "dl.facts",
    {},
    shown.map(([label, value]) =>
      el("div", {}, el("dt", {}, foreign(label)), el("dd", {}, value instanceof Node ? value : worded(value))),
    ),
  );
}

// Digests in the letters of digests.
function worded(value) {
  return foreign(value, /^([a-z0-9-]+:)?[0-9a-f]{64}$/.test(value) ? "code" : "bdi");
}

// A cell that on a narrow screen stands behind its own name.
export function cell(name, content) {
  const shown = content === "" || content === null ? null : el("span", {}, content);
  return el("td", { "data-name": name }, shown);
}

// A hash in full, in groups that the eye can follow and a copy leaves out.
export function hashText(hash) {
  const groups = hash.match(/.{1,8}/g) ?? [];
  return el("code.hash", { title: hash }, groups.map((group) => el("span", {}, group)));
}
