// The public log's checkpoint and its witnesses, and between which times entries were made,
// by the policy that the reader gave.

import { askCanonical, query } from "./ask.js";
import { chip } from "./banner.js";
import { el, facts, foreign } from "./dom.js";
import { readEntry } from "./entry.js";
import { logKey } from "./headers.js";
import { readCheckpoint, readNote, sameRoot } from "./note.js";
import { boundOf } from "./policy.js";
import { canVerify } from "./strict.js";
import { shortTime } from "./time.js";
import { fetchCheckpoint, rootWith, tilesOf } from "./tiles.js";
import { judgeCheckpoint } from "./times.js";
import { heldAgainst } from "./trust.js";

// Checkpoints before and after that are tried, and entries that are held against them.
const TRIED = 8;
const WITHIN = 1000;
const ENTRIES = 200;

async function keptBy(filter) {
  const page = await askCanonical(`/v1/entries${query({ kind: "sealbook:witnessed", ...filter })}`);
  return page.get("entries").map((item) => readEntry(item.get("entry")));
}

// Of these entries the times that a quorum says; null where nothing is published, no policy
// was given, or this browser cannot judge.
export async function timesOf(entries) {
  const { policy } = heldAgainst();
  const note = policy === null || entries.length === 0 || !(await canVerify()) ? null : await fetchCheckpoint();
  if (note === null) {
    return null;
  }
  const log = await logKey();
  const tree = tilesOf(readCheckpoint(readNote(note).text).size);
  const seqs = entries.map((entry) => entry.seq);
  const [first, last] = [Math.min(...seqs), Math.max(...seqs)];
  const kept = (await Promise.all([
    first > 0 ? keptBy({ until_seq: first - 1, reverse: "true", limit: TRIED }) : [],
    keptBy({ from_seq: first, until_seq: last, limit: WITHIN }),
    keptBy({ from_seq: last + 1, limit: TRIED }),
  ])).flat();
  const notes = [...kept.map((entry) => [entry.payload.get("checkpoint"), { seq: entry.seq, ts: entry.ts }]), [note, null]];
  const judged = await Promise.all(notes.map(([text, by]) => ofLog(text, { log, policy, kept: by }, tree)));
  const times = { policy, cosigned: judged.filter(Boolean).sort((a, b) => a.size - b.size), faults: [], refused: new Set(seqs.slice(ENTRIES)) };
  for (const entry of entries.slice(0, ENTRIES)) {
    if (!(await isHeld(times, entry, tree))) {
      times.refused.add(entry.seq);
    }
  }
  return times;
}

// A checkpoint whose root is that of the log's tiles; null for one that says nothing.
async function ofLog(text, by, tree) {
  try {
    const judged = await judgeCheckpoint(text, by);
    return sameRoot(await rootWith(tree, judged.size, -1, null), judged.root) ? judged : null;
  } catch {
    return null;
  }
}

// Whether the entry stands under the root of the checkpoint that bounds its time.
async function isHeld({ cosigned, policy }, entry, tree) {
  const holding = cosigned.find(({ size, at }) => size > entry.seq && boundOf(policy, at, true) !== null);
  try {
    return holding === undefined || sameRoot(await rootWith(tree, holding.size, entry.seq, entry.leaf), holding.root);
  } catch {
    return false;
  }
}

// The published checkpoint and who cosigned it, for the overview; null where there is none.
export async function checkpointCard(head) {
  const note = await fetchCheckpoint();
  if (note === null) {
    return null;
  }
  const { policy } = heldAgainst();
  const none = { logs: [], witnesses: [], groups: [], quorum: null };
  const heading = el("h2", { id: "h-public" }, "The public log");
  try {
    const able = await canVerify();
    const judged = able ? await judgeCheckpoint(note, { log: head.log, policy: policy ?? none }) : null;
    const { origin, size } = readCheckpoint(readNote(note).text);
    const names = readNote(note).signatures.filter(({ name }) => name !== origin).map(({ name }) => name);
    const rows = [
      ["name", origin],
      ["checkpoint", `${size.toLocaleString("en")} entries${size <= head.seq ? `, ${(head.seq + 1 - size).toLocaleString("en")} less than the log` : ""}`],
      ["signed", judged ? chip("proof", "by the log's key") : chip("plain", "not verified")],
      ["cosigned by", names.join(", ") || "nobody"],
      ...(judged && policy ? [["by your policy", saidByPolicy(judged, policy)]] : [["by your policy", "none was given: nothing is claimed of its witnesses"]]),
    ];
    return el("section.card", { "aria-labelledby": "h-public" }, heading, facts(rows));
  } catch (error) {
    return el("section.card", { "aria-labelledby": "h-public" }, heading, el("p", {}, chip("bad", "checkpoint not valid"), " ", foreign(error.message, "span")));
  }
}

function saidByPolicy({ at, leftOut, unjudged }, policy) {
  const bound = boundOf(policy, at, true);
  const when = (seconds) => shortTime(new Date(seconds * 1000).toISOString());
  const who = at.map(({ witness, time }) => `${policy.witnesses[witness].name} on ${when(time)}`);
  const more = [...leftOut.map(({ witness, why }) => `${policy.witnesses[witness].name} left out, ${why}`), ...unjudged.map((witness) => `${policy.witnesses[witness].name} signs by ML-DSA, which this browser cannot judge`)];
  return [bound ? `a quorum, not later than ${when(bound.time)}` : "no quorum", ...who, ...more].join("; ");
}
