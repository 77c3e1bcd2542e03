// Between which times an entry was made, by the word of a policy's witnesses (format §16).

import { fromHex, utf8 } from "./bytes.js";
import { climb, rootOf } from "./merkle.js";
import { ED25519, hashLeaf, hashNode, keyId, readCheckpoint, readNote, sameRoot, saysOf } from "./note.js";
import { boundOf } from "./policy.js";
import { verifyProof } from "./proof.js";
import { shortTime, toMillis } from "./time.js";

const TOLERANCE = 300;
// The year 10000, in seconds.
const MOST_TIME = 253_402_300_800;

// Judges a checkpoint of the log `log` under a policy; throws where it says nothing. `kept`
// is the entry that keeps it, or null; `lastTime` the time of the last entry that it holds,
// where that is known.
export async function judgeCheckpoint(text, { log, policy, kept = null, lastTime = null }) {
  const note = readNote(text);
  const { origin, size, root } = readCheckpoint(note.text);
  const key = fromHex(log, 32);
  const own = { name: origin, id: keyId(origin, ED25519, key), type: ED25519, key };
  if ((await saysOf(own, note)) !== true) {
    throw new Error("the log's key did not sign it");
  }
  if (policy.logs.length > 0 && !policy.logs.some((known) => known.name === own.name && known.id === own.id)) {
    throw new Error(`the policy does not name the log ${origin}`);
  }
  const judged = { kept, origin, size, root, at: [], leftOut: [], unjudged: [] };
  for (const [witness, known] of policy.witnesses.entries()) {
    const time = await saysOf(known.key, note);
    if (time === undefined) {
      judged.unjudged.push(witness);
    } else if (time !== null && time > 0 && time < MOST_TIME) {
      const seconds = (spelt) => toMillis(spelt) / 1000;
      const early = lastTime !== null && seconds(lastTime) - time > TOLERANCE;
      const late = kept !== null && time - seconds(kept.ts) > TOLERANCE;
      const why = early ? "before the entries that it covers" : late ? "after the entry that records it" : null;
      why === null ? judged.at.push({ witness, time }) : judged.leftOut.push({ witness, time, why });
    }
  }
  return judged;
}

// The checkpoints that entries keep, judged; `isOfLog(checkpoint)` says whether its root is
// that of the log's entries, or null where they are not here. `{ policy, cosigned, faults }`.
export async function judgeKept(entries, { log, policy, isOfLog, timeOf }) {
  const [cosigned, faults] = [[], []];
  for (const entry of entries) {
    try {
      const text = entry.payload.get("checkpoint");
      if (typeof text !== "string" || entry.payload.size !== 1) {
        throw new Error("it keeps no checkpoint");
      }
      const size = readCheckpoint(readNote(text).text).size;
      const judged = await judgeCheckpoint(text, { log, policy, kept: { seq: entry.seq, ts: entry.ts }, lastTime: await timeOf(size - 1) });
      const ofLog = await isOfLog(judged);
      if (ofLog === false) {
        throw new Error("the checkpoint is not shown to be of this log's entries");
      }
      if (ofLog) {
        cosigned.push(judged);
      }
    } catch (error) {
      faults.push({ seq: entry.seq, detail: error.message });
    }
  }
  cosigned.sort((a, b) => a.size - b.size);
  return { policy, cosigned, faults };
}

// The same of a file that holds the log from its first entry on; of any other what proofs
// show, and what a report `carries` for its entries.
export async function timesIn(found, policy, proofs = [], carries = null) {
  const entries = found.entries.map((item) => item.entry);
  const whole = entries.every((entry, at) => entry !== null && entry.seq === at);
  const kept = entries.filter((entry) => entry?.kind === "sealbook:witnessed");
  const leaves = whole ? entries.map((entry) => [0, hashLeaf(entry.leaf)]) : [];
  const times = await judgeKept(kept, {
    log: found.log,
    policy,
    isOfLog: ({ size, root }) => (whole ? size <= leaves.length && sameRoot(rootOf(leaves.slice(0, size), hashNode), root) : null),
    timeOf: (seq) => (whole ? entries[seq]?.ts ?? null : null),
  });
  const take = async (seq, judged) => {
    try {
      times.cosigned.push(...[await judged()].filter(Boolean));
    } catch (error) {
      times.faults.push({ seq, detail: error.message });
    }
  };
  const notes = new Map();
  const by = { log: found.log, policy };
  const { places, kept: before } = carriedIn(carries, times.faults);
  for (const proof of [...proofs, ...places]) {
    await take(proof.index, () => judgeProof(proof, entries, by, notes));
  }
  for (const text of before) {
    await take(0, () => judgeBefore(text, found, policy));
  }
  times.cosigned.sort((a, b) => a.size - b.size);
  const nothing = !whole && proofs.length === 0 && carries === null;
  return { ...times, said: nothing ? "the file does not hold the log from its beginning, and no proof of the public log was given: no time can be shown" : saidOf(times) };
}

// The places that a report carries, as proofs, and the proofs of entries that keep
// cosignatures. Nobody signs them: what cannot be read says nothing.
function carriedIn(carries, faults) {
  try {
    const places = (carries?.holding ?? []).flatMap(({ checkpoint, entries }) => entries.map(({ seq, path }) => ({ index: seq, path: path.map((hash) => fromHex(hash, 32)), note: String(checkpoint) })));
    return { places, kept: (carries?.kept ?? []).map(String) };
  } catch {
    faults.push({ seq: 0, detail: "what the report carries for the times of its entries cannot be read" });
    return { places: [], kept: [] };
  }
}

// An entry that keeps cosignatures, by its proof: what stands behind it came later. One that
// binds a second key says nothing here, where no signature of such a key is judged: null.
async function judgeBefore(text, found, policy) {
  const proven = await verifyProof(utf8(text));
  const [{ entry } = {}] = proven.entries;
  if (!entry || proven.faults.length > 0 || proven.log !== found.log || proven.genesis !== found.genesis) {
    throw new Error(`a proof that is carried does not hold: ${proven.faults[0]?.detail ?? "it is of another log"}`);
  }
  if (["sealbook:key", "sealbook:open"].includes(entry.kind)) {
    return null;
  }
  const checkpoint = entry.payload.get("checkpoint");
  if (entry.kind !== "sealbook:witnessed" || typeof checkpoint !== "string" || entry.payload.size !== 1) {
    throw new Error("a proof that is carried is of an entry that keeps no cosignatures");
  }
  const judged = await judgeCheckpoint(checkpoint, { log: found.log, policy, kept: { seq: entry.seq, ts: entry.ts } });
  return { ...judged, only: null };
}

// The checkpoint of a proof of the public log, for the one entry that it proves. A note
// that several have is judged once.
async function judgeProof({ index, path, note }, entries, by, notes) {
  const entry = entries.find((one) => one?.seq === index);
  if (!entry) {
    throw new Error(`the proof is of entry ${index}, which is not here`);
  }
  if (!notes.has(note)) {
    notes.set(note, judgeCheckpoint(note, by));
  }
  const judged = await notes.get(note);
  const leaf = hashLeaf(entry.leaf);
  const steps = climb(index, judged.size, leaf, path, hashNode);
  if (steps === null || !sameRoot(steps.at(-1)?.node ?? leaf, judged.root)) {
    throw new Error(`the proof does not lead from entry ${index} to the checkpoint's root`);
  }
  const late = ({ time }) => toMillis(entry.ts) / 1000 - time <= TOLERANCE;
  return { ...judged, at: judged.at.filter(late), only: index };
}

// Who signs by ML-DSA under these checkpoints, as the policy calls them.
function unjudgedIn({ cosigned, policy }) {
  return [...new Set(cosigned.flatMap(({ unjudged }) => unjudged))].map((witness) => policy.witnesses[witness].name);
}

// What follows for the verdict, where a policy was given: `{ faults, open, notChecked }`. A
// quorum that is not shown is a fault, as for `verify`; where it hangs on signatures that
// are not judged here, or where something carried for times is wrong, nothing is green.
export function weighed(times) {
  if (times === null) {
    return { faults: [], open: null, notChecked: [] };
  }
  const { cosigned, faults, policy } = times;
  const unjudged = unjudgedIn(times);
  const notChecked = unjudged.map((name) => `the ML-DSA signatures of ${name}: \`sealbook verify --policy\` judges them`);
  const meets = (also) => policy.quorum === null || cosigned.some(({ at, unjudged: more }) => boundOf(policy, [...at, ...(also ? more.map((witness) => ({ witness, time: 0 })) : [])], true) !== null);
  if (!meets(true)) {
    const detail = "no checkpoint here has the quorum that the policy asks for";
    return { faults: [{ code: "quorum_missing", at: "file", index: null, seq: null, line: null, detail }], open: null, notChecked };
  }
  const wrong = faults.length > 0 ? `${faults.length === 1 ? "one thing" : `${faults.length} things`} that should show times ${faults.length === 1 ? "does" : "do"} not hold, the first of entry ${faults[0].seq}: ${faults[0].detail}` : null;
  const unshown = meets(false) ? null : "the quorum of the policy hangs on signatures by ML-DSA, which this page does not judge: use `sealbook verify --policy`";
  return { faults: [], open: unshown ?? wrong, notChecked };
}

export function saidOf({ cosigned, faults, policy }) {
  const cosignedBy = cosigned.filter(({ at }) => boundOf(policy, at, true) !== null);
  const quorum = [...new Map(cosignedBy.map((one) => [one.size, one])).values()];
  const besides = unjudgedIn({ cosigned, policy }).map((name) => `; ${name} signs by ML-DSA, which this page does not judge`);
  const more = `${faults.length > 0 ? `; ${faults.length} say nothing, the first: ${faults[0].detail}` : ""}${besides.join("")}`;
  return quorum.length === 0 ? `no quorum of the policy cosigned a checkpoint of it${more}` : `by ${quorum.length} checkpoint${quorum.length === 1 ? "" : "s"} of ${quorum.at(-1).origin} that a quorum cosigned, the last of ${quorum.at(-1).size.toLocaleString("en")} entries${more}`;
}

// `{ notEarlier, notLater }`, each `{ time, by, size }` or null; of entries that are
// `refused`, as their place under a checkpoint is not shown, none.
export function between({ cosigned, policy, refused = new Set() }, seq) {
  const bound = (one, later) => {
    const found = boundOf(policy, one.at, later);
    return found && { time: found.time, by: found.witnesses.map((at) => policy.witnesses[at].name), size: one.size };
  };
  if (refused.has(seq)) {
    return { notEarlier: null, notLater: null };
  }
  const before = cosigned.filter(({ kept }) => kept !== null && kept.seq < seq).reverse();
  const holding = cosigned.filter(({ size, only = seq }) => size > seq && only === seq);
  const first = (list, later) => list.reduce((found, one) => found ?? bound(one, later), null);
  return { notEarlier: first(before, false), notLater: first(holding, true) };
}

// The same in words: one text for each bound that there is.
export function timesText(times, seq) {
  const { notEarlier, notLater } = between(times, seq);
  const said = (word, bound) => bound && `${word} than ${shortTime(new Date(bound.time * 1000).toISOString())}, by ${bound.by.join(", ")}`;
  return [said("not earlier", notEarlier), said("not later", notLater)].filter(Boolean);
}
