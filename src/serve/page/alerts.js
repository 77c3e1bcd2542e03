// What an auditor should not have to look for.

import { askCanonical, askJson } from "./ask.js";
import { readEntry } from "./entry.js";
import { shortTime } from "./time.js";

const HOUR = 3600;
const GRACE = 300;
// Seconds.
const CLOCK_TOLERANCE = 60;
const LOW_BYTES = 1024 ** 3;

// `{ tone, text, href }`, the worst first. `state` has health, lag, faults and
// unsealed as the overview found them.
export async function findAlerts(state) {
  const found = [...fromClosing(state.closed), ...fromHealth(state.health), ...fromFaults(state.faults), ...fromLag(state)];
  const [pending, clock, rollbacks] = await Promise.all([
    askJson("/wcp/approvals/pending?limit=200"),
    newest("sealbook:clock"),
    newest("sealbook:rollback"),
  ]);
  if (rollbacks.length > 0) {
    found.push({
      tone: "bad",
      text: `A rollback was acknowledged on ${shortTime(rollbacks[0].ts)}: entries were lost.`,
      href: `#/entry/${rollbacks[0].seq}`,
    });
  }
  if (clock.length > 0) {
    found.push({
      tone: "warn",
      text: `The clock jumped or went back, last on ${shortTime(clock[0].ts)}.`,
      href: "#/search?kind=sealbook%3Aclock",
    });
  }
  if (pending.count > 0) {
    const word = pending.count === 1 ? "denial waits" : "denials wait";
    found.push({ tone: "warn", text: `${pending.count} ${word} for a human.`, href: "#/search?denied=true&kind=wcp.decision" });
  }
  return found;
}

function fromClosing(closed) {
  return closed === null ? [] : [{ tone: "warn", text: `This book was closed at entry ${closed.seq}; the log goes on under the key ${closed.successor}.`, href: `#/entry/${closed.seq}` }];
}

function fromHealth(health) {
  if (health.status === "write_failed") {
    return [{ tone: "bad", text: "The writer has stopped after a failed write: nothing is recorded.", href: null }];
  }
  if (health.status === "sign_failed") {
    return [{ tone: "bad", text: "The key does not sign: nothing is recorded until it does.", href: null }];
  }
  if (health.status === "disk_low") {
    return [{ tone: "bad", text: "The disk is nearly full: nothing is recorded.", href: null }];
  }
  if (health.status !== "ok") {
    return [{ tone: "bad", text: "The server says that it is not well.", href: null }];
  }
  if (Number(health.clock_behind_seconds) > CLOCK_TOLERANCE) {
    return [{ tone: "bad", text: `The clock is ${health.clock_behind_seconds} s behind the last entry: entries repeat that time. A new book (sealbook rotate) begins with the clock's.`, href: null }];
  }
  const free = Number(health.free_bytes);
  return free < LOW_BYTES ? [{ tone: "warn", text: "Less than 1 GiB is free on the ledger's disk.", href: null }] : [];
}

function fromFaults(faults) {
  return faults.slice(0, 5).map((fault) => ({ tone: "bad", text: `${fault.code}: ${fault.detail}.`, href: null }));
}

function fromLag({ unsealed, lag }) {
  if (unsealed === 0 || lag <= HOUR + GRACE) {
    return [];
  }
  const hours = Math.floor(lag / HOUR);
  return [{ tone: "bad", text: `A seal is overdue: ${unsealed} of the newest entries are not sealed, the oldest for ${hours} h; one is due every hour.`, href: null }];
}

async function newest(kind) {
  const page = await askCanonical(`/v1/entries?kind=${encodeURIComponent(kind)}&reverse=true&limit=1`);
  return page.get("entries").map((item) => readEntry(item.get("entry")));
}
