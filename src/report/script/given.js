// A file that the reader gives: which it is, and its verdict.

import { fromUtf8, join, utf8 } from "./bytes.js";
import { verifyBundle } from "./bundle.js";
import { NotGiven } from "./kept.js";
import { verifyLogbook } from "./logbook.js";
import { parseLoose } from "./loose.js";
import { verifyEquivocation, verifyProof } from "./proof.js";
import { decodeZstd, isZstd } from "./zstd.js";

const LINES = 16;
const MOST_LOOK = 1024 * 1024;
export const MOST_BYTES = 64 * 1024 * 1024;

const VERIFIERS = { bundle: verifyBundle, proof: verifyProof, logbook: verifyLogbook, equivocation: verifyEquivocation };

const NAMES = [
  ["equivocation", ["equivocation"]],
  ["proof", ["entry", "epoch", "path"]],
  ["bundle", ["sealbook"]],
  ["bundle", ["bundle"]],
  ["bundle", ["entry"]],
  ["bundle", ["epoch", "signature"]],
  ["logbook", ["prev_hash", "signature"]],
];

// N1, N4: what the first lines say; null if nothing.
export function recognise(bytes) {
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let at = start;
  for (let line = 0; line < LINES && at < bytes.length; line += 1) {
    const newline = bytes.indexOf(0x0a, at);
    const end = newline < 0 ? bytes.length : newline;
    const found = end - at <= MOST_LOOK ? named(bytes.subarray(at, end)) : null;
    if (found !== null) {
      return found;
    }
    at = end + 1;
  }
  return bytes.subarray(start).every((byte) => [0x20, 0x09, 0x0d, 0x0a, 0x0c].includes(byte)) ? "logbook" : null;
}

function named(row) {
  try {
    const value = parseLoose(fromUtf8(row));
    return value instanceof Map ? NAMES.find(([, names]) => names.every((name) => value.has(name)))?.[0] ?? null : null;
  } catch {
    return null;
  }
}

// The bundle that a report carries, and what it carries beside for the times of its
// entries; null if it is not a report.
function carriedIn(bytes) {
  const head = String.fromCharCode(...bytes.subarray(0, 200)).toLowerCase();
  if (!head.startsWith("<!doctype html>")) {
    return null;
  }
  const text = fromUtf8(bytes);
  const bundle = blockIn(text, "application/x-ndjson", "bundle");
  const { logs, times } = aboutIn(text);
  if (bundle !== null && logs) {
    throw new NotGiven("several_logs", "it is a report over several logs: open it by itself, or use `sealbook verify`");
  }
  return bundle === null ? null : { bundle: utf8(bundle), times: times ?? null };
}

function blockIn(text, type, id) {
  // In two parts: this very text stands in such a block, too.
  const marker = `\n<${"script"} type="${type}" id="${id}">\n`;
  const start = text.indexOf(marker);
  const end = text.indexOf("\n<", start + marker.length - 1);
  return start < 0 || end < 0 ? null : unescaped(text.slice(start + marker.length, end + 1));
}

function aboutIn(text) {
  try {
    return JSON.parse(blockIn(text, "application/json", "about")) ?? {};
  } catch {
    return {};
  }
}

// The bundles of a block, one after another: each ends with its closing record.
export function bundlesIn(text) {
  const closing = '{"bundle":';
  const bundles = [];
  for (let at = 0; at < text.length; at += bundles.at(-1).length) {
    const last = text.startsWith(closing, at) ? at : text.indexOf(`\n${closing}`, at) + 1;
    const end = last === 0 && at > 0 || !text.startsWith(closing, last) ? -1 : text.indexOf("\n", last);
    bundles.push(text.slice(at, end < 0 ? text.length : end + 1));
  }
  return bundles;
}

// `<` is escaped where a bundle stands in a report, so that nothing in it can end the
// block that it stands in.
export function unescaped(text) {
  return text.replace(/\\(u003c|.)/gs, (escape, what) => (what === "u003c" ? "<" : escape));
}

// What a file's name says that it is (N2), or null.
function namedBy(name) {
  return /\.(bundle|proof)(\.zst|\.gz)?$/.exec(name)?.[1] ?? null;
}

// Verifies what a reader gives, compressed or in a report as it may be.
export async function verifyGiven(bytes, given = {}, name = "") {
  const { plain, frames } = await inflated(bytes);
  const carried = carriedIn(plain);
  const found = await verifyFile(carried?.bundle ?? plain, given, carried ? "bundle" : namedBy(name));
  if (frames > 1 && found.format !== "logbook") {
    throw new NotGiven("bundle_corrupt", "only a logbook may be several frames");
  }
  return { ...found, inReport: carried !== null, carries: carried?.times ?? null };
}

// The bytes inside of gzip or zstd, and in how many frames they were.
export async function inflated(bytes) {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    return { plain: await ungzipped(bytes), frames: 1 };
  }
  return isZstd(bytes) ? decodeZstd(bytes, MOST_BYTES) : { plain: bytes, frames: 1 };
}

async function ungzipped(bytes) {
  const parts = [];
  let length = 0;
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      length += next.value.length;
      if (length > MOST_BYTES) {
        break;
      }
      parts.push(next.value);
    }
  } catch {
    throw new NotGiven("bundle_corrupt", "what is compressed with gzip is damaged, cut, or more than one member");
  }
  if (length > MOST_BYTES) {
    await reader.cancel();
    throw new NotGiven("too_large", "it becomes more than 64 MiB: use `sealbook verify`");
  }
  return join(...parts);
}

// Verifies a file, as `as` or what it says of itself. Throws `NotGiven` if it is none.
export async function verifyFile(bytes, given = {}, as = null) {
  const says = recognise(bytes);
  const format = as ?? says;
  if (format === null) {
    throw new NotGiven("not_recognised", "it is no bundle, no proof and no logbook");
  }
  const found = await VERIFIERS[format](bytes, given);
  if (says !== null && says !== format) {
    const detail = `it says that it is a ${says}`;
    found.faults.unshift({ code: "format_mismatch", at: "file", index: null, seq: null, line: null, detail });
  }
  return found;
}
