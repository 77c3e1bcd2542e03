// Members that were taken out of entries, and what opens them (format §18): each line
// behind its entry, and what the entry commits to.

import { blake2b } from "./blake2b.js";
import { fromHex, join, toHex, utf8 } from "./bytes.js";
import { isHex, isObject, isText, isWhole, membersOf, rawOf } from "./json.js";
import { fault } from "./walk.js";

const DOMAIN = utf8("sealbook:redact:v1\u001f");
const MEMBER = "sealbook:redacted";
const LONGEST = 4096;

export const beginRedacted = () => ({ members: 0, opened: 0, seq: null, closed: new Map() });

// Where an entry has commitments: pointers, with what stands there.
export function redactedIn(payload) {
  const found = new Map();
  if (payload.raw?.includes(`"${MEMBER}":`)) {
    walkValue(payload, "", found);
  }
  return found;
}

function walkValue(value, at, found) {
  const hash = value instanceof Map && value.size === 1 ? isHex(32)(value.get(MEMBER)) : undefined;
  if (hash !== undefined) {
    found.set(at, hash);
  } else if (value instanceof Map) {
    for (const [name, inner] of value) {
      walkValue(inner, `${at}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`, found);
    }
  } else if (Array.isArray(value)) {
    value.forEach((inner, index) => walkValue(inner, `${at}/${index}`, found));
  }
}

// Notes what an entry that was just taken has.
export function takeRedacted(walk, item) {
  const { redacted } = walk;
  redacted.seq = item.entry.seq;
  redacted.closed = redactedIn(item.entry.payload);
  redacted.members += redacted.closed.size;
  item.closed = redacted.closed;
  item.opened = new Map();
}

const isPointer = (value) => {
  const fits = isText(value) !== undefined && value.startsWith("/") && utf8(value).length <= LONGEST && !/~(?![01])/.test(value);
  return fits ? value : undefined;
};

// A line that opens a member of the entry before.
export function takeOpened(walk, value, line) {
  const said = membersOf(membersOf(value, { opened: isObject }).opened, {
    pointer: isPointer, salt: isHex(32), seq: isWhole, value: (any) => any,
  });
  const { redacted } = walk;
  const commitment = redacted.seq === said.seq ? redacted.closed.get(said.pointer) : undefined;
  if (commitment === undefined || commitment !== commitmentOf(walk.genesis, said)) {
    fault(walk, "opening_mismatch", { line, seq: said.seq }, `the opening of ${said.pointer} of entry ${said.seq} is not that of a member of the entry before it`);
    return;
  }
  redacted.closed.delete(said.pointer);
  redacted.opened += 1;
  walk.entries.at(-1).opened.set(said.pointer, said.value);
}

export function commitmentOf(genesis, { pointer, salt, value }) {
  const text = utf8(pointer);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, text.length);
  return toHex(blake2b(join(DOMAIN, fromHex(genesis, 32), length, text, fromHex(salt, 32), utf8(rawOf(value)))));
}

// What there is to say of it, in words; null if nothing was taken out.
export function redactedText(redacted) {
  if (!redacted || redacted.members === 0) {
    return null;
  }
  const { members, opened } = redacted;
  const many = members === 1 ? "1 value was" : `${members} values were`;
  const shown = opened === 0 ? "none is opened here" : opened === members ? "all are opened here, and are what the entries commit to" : `${opened} are opened here, and are what the entries commit to; the others are withheld or erased`;
  return `${many} taken out of the entries: ${opened === 0 ? "withheld or erased, " : ""}${shown}.`;
}
