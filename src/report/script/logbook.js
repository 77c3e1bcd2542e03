// A logbook: entries in the order of their lines, under a key that is given (format §5).

import { fromHex, fromUtf8 } from "./bytes.js";
import { endWalk, foundIn } from "./ending.js";
import { readEntry } from "./entry.js";
import { parseLoose } from "./loose.js";
import { verifyStrict } from "./strict.js";
import { beginWalk, breather, fault, FILE, isOf, lostEntry, MOST_LINE, takeEntry } from "./walk.js";

const MOST_BLANK = 2 ** 20;

export async function verifyLogbook(bytes, given = {}) {
  const walk = beginWalk(given);
  walk.linked = true;
  walk.numbered = false;
  walk.own = given.ledgerRules === true;
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const rows = rowsOf(marked ? bytes.subarray(3) : bytes);
  walk.warnings.push(...(marked ? ["byte_order_mark"] : []), ...rows.warnings);
  const first = rows.lines.length > 0 ? readLine(rows.lines[0].bytes) : null;
  walk.own ||= first?.kind === "sealbook:open";
  isOf(walk, await signerOf(first, walk.given.keys));
  const breathe = breather();
  for (const { bytes: row, line } of rows.lines) {
    const entry = readLine(row);
    if (entry === null) {
      lostEntry(walk, "schema_violation", line, "the line is not an entry");
    } else {
      takeEntry(walk, entry, line);
    }
    await breathe();
  }
  if (rows.tooBlank) {
    fault(walk, "schema_violation", FILE, "it has more than 1 048 576 blank lines");
  }
  await endWalk(walk);
  return foundIn(walk, "logbook");
}

// L1 and L2: the lines that say something.
function rowsOf(bytes) {
  const found = { lines: [], warnings: [], tooBlank: false };
  let [start, line, blank] = [0, 0, 0];
  while (start < bytes.length && !found.tooBlank) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    const row = bytes.subarray(start, end);
    line += 1;
    if (newline >= 0 && row.at(-1) === 0x0d) {
      found.warnings.push("line_ends");
    }
    if (row.length <= MOST_LINE && row.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0c)) {
      blank += 1;
      found.tooBlank = blank > MOST_BLANK;
    } else {
      found.lines.push({ bytes: row, line });
      found.warnings.push(...(newline < 0 ? ["missing_final_newline"] : []));
    }
    start = end + 1;
  }
  return found;
}

function readLine(row) {
  try {
    return row.length > MOST_LINE ? null : readEntry(parseLoose(fromUtf8(row)), { numbered: false, loose: true });
  } catch {
    return null;
  }
}

// L3: of the keys given the first that signed the first entry, or else the first. Where none
// is given, the one that a ledger's own names: whether to trust it is for the reader.
async function signerOf(first, keys) {
  for (const key of first ? keys : []) {
    if (await verifyStrict(fromHex(key, 32), first.signed, first.signatureBytes).catch(() => false)) {
      return key;
    }
  }
  const named = first?.kind === "sealbook:open" ? first.payload.get("log") : null;
  return keys[0] ?? (typeof named === "string" && fromHex(named, 32) ? named : null);
}
