// Canonical JSON, the one spelling in which signed things travel. What is
// spelt otherwise is refused, so that what was read is exactly what was signed.
// Objects become Maps with their text in `raw`; numbers keep their digits.

const DEPTH = 131; // a payload of 128 levels, inside of an entry in a page
const INTEGER_DIGITS = 4300;
const ESCAPES = { '"': '"', "\\": "\\", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

export class JsonNumber {
  constructor(raw) {
    this.raw = raw;
  }
}

export class NotCanonical extends Error {}

export function parseCanonical(text) {
  const reader = { text, at: 0 };
  const value = readValue(reader, 1);
  if (reader.at !== text.length) {
    refuse(reader, "something follows the value");
  }
  return value;
}

function refuse(reader, why) {
  throw new NotCanonical(`not canonical JSON at character ${reader.at}: ${why}`);
}

function expect(reader, word) {
  if (!reader.text.startsWith(word, reader.at)) {
    refuse(reader, `${word} must stand here`);
  }
  reader.at += word.length;
}

function readValue(reader, depth) {
  if (depth > DEPTH) {
    refuse(reader, "nested too deep");
  }
  switch (reader.text[reader.at]) {
    case "{":
      return readObject(reader, depth);
    case "[":
      return readArray(reader, depth);
    case '"':
      return readString(reader);
    case "t":
      expect(reader, "true");
      return true;
    case "f":
      expect(reader, "false");
      return false;
    case "n":
      expect(reader, "null");
      return null;
    default:
      return readNumber(reader);
  }
}

function readObject(reader, depth) {
  const start = reader.at;
  const members = new Map();
  let before = null;
  expect(reader, "{");
  while (reader.text[reader.at] !== "}") {
    if (before !== null) {
      expect(reader, ",");
    }
    const name = readString(reader);
    if (before !== null && compareCodePoints(before, name) >= 0) {
      refuse(reader, "the members are not in order, or one stands twice");
    }
    expect(reader, ":");
    members.set(name, readValue(reader, depth + 1));
    before = name;
  }
  expect(reader, "}");
  members.raw = reader.text.slice(start, reader.at);
  return members;
}

function readArray(reader, depth) {
  const items = [];
  expect(reader, "[");
  while (reader.text[reader.at] !== "]") {
    if (items.length > 0) {
      expect(reader, ",");
    }
    items.push(readValue(reader, depth + 1));
  }
  expect(reader, "]");
  return items;
}

// Escaped is what must be and nothing else, in its one way.
function readString(reader) {
  expect(reader, '"');
  const { text } = reader;
  let value = "";
  for (;;) {
    const start = reader.at;
    while (reader.at < text.length && text[reader.at] !== '"' && text[reader.at] !== "\\") {
      if (text.charCodeAt(reader.at) < 0x20) {
        refuse(reader, "a control character");
      }
      reader.at += 1;
    }
    value += text.slice(start, reader.at);
    if (text[reader.at] !== "\\") {
      expect(reader, '"');
      return value;
    }
    value += readEscape(reader);
  }
}

function readEscape(reader) {
  const letter = reader.text[reader.at + 1];
  if (letter in ESCAPES) {
    reader.at += 2;
    return ESCAPES[letter];
  }
  const escape = /^\\u00[01][0-9a-f]/.exec(reader.text.slice(reader.at, reader.at + 6));
  const character = escape && String.fromCharCode(parseInt(escape[0].slice(2), 16));
  if (!character || "\b\f\n\r\t".includes(character)) {
    refuse(reader, "an escape that need not be");
  }
  reader.at += 6;
  return character;
}

function readNumber(reader) {
  const raw = /^[-0-9.eE+]*/.exec(reader.text.slice(reader.at, reader.at + INTEGER_DIGITS + 2))[0];
  const integer = /^(0|-?[1-9][0-9]*)$/.test(raw) && raw.replace("-", "").length <= INTEGER_DIGITS;
  if (!integer && !isCanonicalFloat(raw)) {
    refuse(reader, "no number in its one spelling");
  }
  reader.at += raw.length;
  return new JsonNumber(raw);
}

function isCanonicalFloat(raw) {
  if (!/^-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[-+][0-9]{2,3})?$/.test(raw) || !/[.e]/.test(raw)) {
    return false;
  }
  const value = Number(raw);
  return Number.isFinite(value) && floatText(value) === raw;
}

// The shortest digits that read back to the same double: positional from 1e-4
// to 1e16, else scientific with two digits of exponent at least.
export function floatText(value) {
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const [mantissa, power] = Math.abs(value).toExponential().split("e");
  const digits = mantissa.replace(".", "");
  const exponent = Number(power);
  const point = (before) =>
    before >= digits.length
      ? `${digits.padEnd(before, "0")}.0`
      : `${digits.slice(0, before)}.${digits.slice(before)}`;
  if (exponent >= 0 && exponent < 16) {
    return sign + point(exponent + 1);
  }
  if (exponent < 0 && exponent >= -4) {
    return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  }
  const tail = digits.length > 1 ? `.${digits.slice(1)}` : "";
  const places = String(Math.abs(exponent)).padStart(2, "0");
  return `${sign}${digits[0]}${tail}e${exponent < 0 ? "-" : "+"}${places}`;
}

// The canonical text of a value that was read from canonical text.
export function rawOf(value) {
  if (Array.isArray(value)) {
    return `[${value.map(rawOf).join(",")}]`;
  }
  if (value !== null && typeof value === "object") {
    return value.raw;
  }
  return typeof value === "string" ? quoted(value) : String(value);
}

// JSON.stringify escapes as we do, but for lone surrogates, which cannot be
// here: the text was UTF-8.
function quoted(text) {
  return JSON.stringify(text);
}

// By code points, which is by UTF-8 bytes; JavaScript compares UTF-16 units.
export function compareCodePoints(a, b) {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const difference = left[at].codePointAt(0) - right[at].codePointAt(0);
    if (difference !== 0) {
      return difference;
    }
  }
  return left.length - right.length;
}

// The members of an object that has exactly these, each of its sort; or an
// error that names the first that has not.
export function membersOf(value, sorts) {
  if (!(value instanceof Map)) {
    throw new NotCanonical("an object must stand here");
  }
  const found = {};
  for (const [name, sort] of Object.entries(sorts)) {
    found[name] = sort(value.get(name));
    if (found[name] === undefined) {
      throw new NotCanonical(`\`${name}\` is missing or of another sort`);
    }
  }
  const unknown = [...value.keys()].find((name) => !Object.hasOwn(sorts, name));
  if (unknown !== undefined) {
    throw new NotCanonical(`\`${unknown}\` is not a member of it`);
  }
  return found;
}

// Sorts: each gives the value, or undefined.
export const isText = (value) => (typeof value === "string" ? value : undefined);
export const isObject = (value) => (value instanceof Map ? value : undefined);
export const isWhole = (value) => {
  const number = value instanceof JsonNumber && /^[0-9]+$/.test(value.raw) ? Number(value.raw) : NaN;
  return Number.isSafeInteger(number) ? number : undefined;
};
export const isHashes = (value) => (Array.isArray(value) && value.every(isHex(32)) ? value : undefined);
export const isHex = (length) => (value) =>
  typeof value === "string" && value.length === 2 * length && /^[0-9a-f]*$/.test(value)
    ? value
    : undefined;
