// JSON in any spelling, as a logbook may have it: what is read has its one spelling
// beside it, which is what was signed (format rules J1 to J10).

import { compareCodePoints, floatText, JsonNumber, NotCanonical, rawOf } from "./json.js";

const LEVELS = 131;
const DIGITS = 4300;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;

export function parseLoose(text) {
  const reader = { text, at: 0 };
  const value = anyValue(reader, 1);
  blank(reader);
  return reader.at === text.length ? value : broken(reader, "something follows the value");
}

function broken(reader, why) {
  throw new NotCanonical(`no JSON at character ${reader.at}: ${why}`);
}

function blank(reader) {
  while (" \t\r\n".includes(reader.text[reader.at] ?? "x")) {
    reader.at += 1;
  }
}

// Whether `sign` stands here, which is passed over then.
function takes(reader, sign) {
  blank(reader);
  const here = reader.text.startsWith(sign, reader.at);
  reader.at += here ? sign.length : 0;
  return here;
}

function anyValue(reader, level) {
  if (level > LEVELS) {
    broken(reader, "nested too deep");
  }
  if (takes(reader, "{")) {
    return anyObject(reader, level);
  }
  if (takes(reader, "[")) {
    return anyList(reader, "]", () => anyValue(reader, level + 1));
  }
  if (reader.text[reader.at] === '"') {
    return anyString(reader);
  }
  for (const [word, value] of [["true", true], ["false", false], ["null", null]]) {
    if (takes(reader, word)) {
      return value;
    }
  }
  return anyNumber(reader);
}

function anyList(reader, end, item) {
  const items = [];
  if (takes(reader, end)) {
    return items;
  }
  do {
    items.push(item());
  } while (takes(reader, ","));
  return takes(reader, end) ? items : broken(reader, `${end} must stand here`);
}

function anyObject(reader, level) {
  const pairs = anyList(reader, "}", () => {
    blank(reader);
    const name = anyString(reader);
    return takes(reader, ":") ? [name, anyValue(reader, level + 1)] : broken(reader, ": must stand here");
  });
  const members = new Map(pairs.sort(([a], [b]) => compareCodePoints(a, b)));
  if (members.size < pairs.length) {
    broken(reader, "a name stands twice");
  }
  members.raw = `{${pairs.map(([name, value]) => `${rawOf(name)}:${rawOf(value)}`).join(",")}}`;
  return members;
}

function anyString(reader) {
  const { text, at } = reader;
  let end = at + 1;
  while (end < text.length && text[end] !== '"') {
    end += text[end] === "\\" ? 2 : 1;
  }
  reader.at = end + 1;
  try {
    const value = JSON.parse(text.slice(at, end + 1));
    if (typeof value === "string" && value.isWellFormed()) {
      return value;
    }
  } catch {
    // It is not a string.
  }
  return broken(reader, "no string, or half of a character");
}

function anyNumber(reader) {
  NUMBER.lastIndex = reader.at;
  const found = NUMBER.exec(reader.text);
  const [raw, fraction, power] = found ?? broken(reader, "no value");
  reader.at += raw.length;
  if (fraction === undefined && power === undefined) {
    return raw.replace("-", "").length <= DIGITS ? new JsonNumber(raw === "-0" ? "0" : raw) : broken(reader, "too many digits");
  }
  const double = Number(raw);
  return Number.isFinite(double) ? new JsonNumber(floatText(double)) : broken(reader, "no double is that large");
}
