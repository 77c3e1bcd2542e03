// Entries as a table for a spreadsheet.

import { idsOf, tell } from "./steps.js";

const COLUMNS = ["entry", "time", "kind", "tenant", "case", "worker", "denied", "what", "epoch", "hash"];

// `items` are `{ entry, epoch }`.
export function asCsv(items) {
  const rows = items.map(({ entry, epoch }) => {
    const { correlation, tenant, worker, denied } = idsOf(entry);
    return [entry.seq, entry.ts, entry.kind, tenant, correlation, worker, denied, tell(entry).title, epoch?.raw, entry.hash];
  });
  return [COLUMNS, ...rows].map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

// What a spreadsheet would take for a formula is text (RFC 4180 has no word for it).
function field(value) {
  const text = String(value ?? "");
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
