// Head and headers, fetched and verified in the browser.

import { askCanonical } from "./ask.js";
import { faultsAfter, faultsAlone, headerHash, isSigned, readStatement } from "./statement.js";
import { canVerify } from "./strict.js";

// Headers that are looked at: three weeks of hours.
const LAST = 500;

let known = null;

// The newest head of this visit.
let newest = null;

// `{ statement, signed, newer }`; `signed` is null where it could not be judged,
// `newer` the number of an entry that the same log had before, in this visit, if
// this head is older.
export async function fetchHead() {
  const statement = readStatement("head", await askCanonical("/v1/head"));
  const signed = (await canVerify()) ? await isSigned(statement) : null;
  known = statement.content;
  const same = newest !== null && newest.log === known.log && newest.genesis === known.genesis;
  const newer = same && known.seq < newest.seq ? newest.seq : null;
  newest = newer === null ? known : newest;
  return { statement, signed, newer };
}

// That the log is shorter than it was in this visit, as a fault; none if it is not.
export function shorter({ newer }, seq = null) {
  const detail = `the log had entry ${newer} before, in this visit`;
  return newer === null ? [] : [{ code: "truncated", detail, index: null, seq, line: null }];
}

// The log's key as the server names it. What it is worth is for the auditor's
// own key to say.
export async function logKey() {
  known ??= (await fetchHead()).statement.content;
  return known.log;
}

export async function logGenesis() {
  await logKey();
  return known.genesis;
}

// The last headers, each with the faults that were found in it, and all faults.
export async function fetchHeaders(head) {
  const page = await askCanonical(`/v1/epochs?last=${LAST}`);
  const able = await canVerify();
  const headers = [];
  const faults = [];
  for (const value of page.get("epochs")) {
    const statement = readStatement("epoch", value);
    const own = faultsOf(statement, headers.at(-1)?.statement ?? null, head);
    if (able && !(await isSigned(statement))) {
      own.push(["epoch_signature_invalid", "the header's signature is not the log key's"]);
    }
    headers.push({ statement, faults: own });
    const epoch = statement.content.epoch;
    faults.push(...own.map(([code, detail]) => ({ code, detail: `epoch ${epoch}: ${detail}`, index: null, seq: null, line: null })));
  }
  faults.push(...lost(headers, head));
  return { headers, faults };
}

// The newest header of this visit.
let sealed = null;

// That a header which was there in this visit is not, or is another one, as a fault.
function lost(headers, head) {
  const before = sealed?.content.log === head.log && sealed.content.genesis === head.genesis ? sealed : null;
  const last = headers.at(-1)?.statement ?? null;
  if (before === null || (last !== null && last.content.epoch > before.content.epoch)) {
    sealed = last ?? before;
  }
  if (before === null || headers[0]?.statement.content.epoch > before.content.epoch) {
    return [];
  }
  const { epoch } = before.content;
  const now = headers.find(({ statement }) => statement.content.epoch === epoch);
  if (now === undefined) {
    return [{ code: "truncated", detail: `epoch ${epoch} was there before, in this visit`, index: null, seq: null, line: null }];
  }
  const same = headerHash(now.statement) === headerHash(before);
  return same ? [] : [{ code: "equivocation", detail: `epoch ${epoch} had another header before, in this visit`, index: null, seq: null, line: null }];
}

function faultsOf(statement, before, head) {
  const header = statement.content;
  const faults = faultsAlone(header);
  if (before !== null || header.epoch === 0 || header.first_seq === 0) {
    faults.push(...faultsAfter(statement, before));
  }
  if (header.log !== head.log) {
    faults.push(["log_key_mismatch", "it names another key than the head"]);
  }
  if (header.genesis !== head.genesis) {
    faults.push(["genesis_mismatch", "it names another genesis than the head"]);
  }
  if (header.last_seq === head.seq && header.head !== head.hash) {
    faults.push(["head_mismatch", "its last entry is not the head"]);
  }
  return faults;
}
