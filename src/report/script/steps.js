// What an entry says, in the words of custody: for each kind a heading, a tone
// and the facts worth a line. All of it is somebody else's text.

import { JsonNumber } from "./json.js";

// What a step is found by on the page. Where the steps are of several logs, each says its own.
export const stepOf = ({ log, entry }) => `step-${log === undefined ? "" : `${log}-`}${entry.seq}`;

// A member somewhere inside, as text; null where there is none.
export function member(value, ...names) {
  let found = value;
  for (const name of names) {
    found = found instanceof Map ? found.get(name) : undefined;
  }
  return plain(found);
}

function plain(value) {
  if (value === undefined || value === null) {
    return null;
  }
  if (value instanceof JsonNumber || value instanceof Map) {
    return value.raw;
  }
  return Array.isArray(value) ? value.map((item) => plain(item) ?? "null").join(", ") : String(value);
}

// Where producers put the names that an entry is found by.
function named(entry) {
  const { payload } = entry;
  const inner = ["decision", "input", "body"].map((name) => payload.get(name)).filter((one) => one instanceof Map);
  return [payload, ...inner, ...inner.map((one) => one.get("deny_reason_if_denied"))].filter((one) => one instanceof Map);
}

// A worker that was found to be tampered with is named in the reason alone.
export function workersOf(entry) {
  const names = ["selected_worker_species_id", "worker_species_id", "worker_id"];
  return new Set(named(entry).flatMap((one) => names.map((name) => one.get(name))).filter((name) => typeof name === "string"));
}

export function hasCorrelation(entry, correlation) {
  return named(entry).some((one) => one.get("correlation_id") === correlation);
}

const TELLERS = {
  "wcp.decision": decided,
  "wcp.ingested": claimed,
  "wcp.attestation": attested,
  "wcp.document": documented,
  "manifest.verify": manifest,
  "vacant.card": card,
  "hall.approval": approved,
  "hall.reload": reloaded,
  "sealbook:open": opened,
};

const HUMAN = ["hall.approval", "hall.reload", "hall.ban", "hall.confirmation", "hall.revocation", "sealbook:rollback"];
const VERIFIER = ["wcp.attestation", "manifest.verify", "vacant.card", "vacant.resident", "hall.attestation", "hall.enrolment"];

// Whose step it is: a worker's, a gate's, a human's or a verifier's.
export function actorOf({ kind, payload }) {
  if (HUMAN.includes(kind)) {
    return "human";
  }
  if (VERIFIER.includes(kind) || kind.startsWith("sealbook:")) {
    return "verifier";
  }
  const gates = kind.startsWith("wcp.") || kind.startsWith("hall.") || /(^|[._-])(gate|policy|check)([._-]|$)/.test(kind) || typeof payload.get("denied") === "boolean";
  return gates ? "gate" : "worker";
}

// `{ tone: "good" | "bad" | "warn" | "plain", title, rows: [[label, text]] }`.
export function tell(entry) {
  return Object.hasOwn(TELLERS, entry.kind) ? TELLERS[entry.kind](entry.payload) : other(entry);
}

function decided(payload) {
  const of = (...names) => member(payload, "decision", ...names);
  const denied = of("denied") === "true";
  const code = of("deny_reason_if_denied", "code");
  const asked = (name) => member(payload, "input", name) ?? of(name);
  return {
    tone: denied ? "bad" : "good",
    title: denied ? `Denied: ${code ?? "no code"}` : `Allowed: ${of("selected_worker_species_id") ?? "no worker"}`,
    rows: [
      ["why", of("deny_reason_if_denied", "message")],
      ["asked for", asked("capability_id")],
      ["environment", [asked("env"), asked("data_label"), asked("qos_class")].filter(Boolean).join(" \u00b7 ")],
      ["tenant", asked("tenant_id")],
      ["rule", of("matched_rule_id")],
      ["policy gate", member(payload, "answers", "gate", "decision")],
      ["policy said", member(payload, "answers", "gate", "reason")],
      ["approval used", member(payload, "answers", "approval")],
      ["dry run", of("dry_run") === "true" ? "yes" : null],
      ["rule set", member(payload, "context", "rules")],
      ["policy", member(payload, "context", "policy")],
      ["input SHA-256", member(payload, "input_hash")],
      ["sent by", actor(payload)],
    ],
  };
}

function claimed(payload) {
  return {
    tone: "warn",
    title: "Claimed by someone else, not looked at",
    rows: [
      ["submitter", member(payload, "submitter")],
      ["decision", member(payload, "body", "decision_id")],
      ["denied", member(payload, "body", "denied")],
      ["sent by", actor(payload)],
    ],
  };
}

function attested(payload) {
  const passed = member(payload, "ok") === "true";
  return {
    tone: passed ? "good" : "bad",
    title: passed ? "Package attested" : `Package not attested: ${member(payload, "deny_code") ?? "no code"}`,
    rows: [
      ["worker", member(payload, "worker_id")],
      ["species", member(payload, "worker_species_id")],
      ["package SHA-256", member(payload, "package_hash")],
      ["manifest SHA-256", member(payload, "manifest_sha256")],
    ],
  };
}

function documented(payload) {
  return {
    tone: "plain",
    title: "A document that decisions refer to",
    rows: [["digest", member(payload, "digest")], ["media type", member(payload, "media_type")]],
  };
}

function manifest(payload) {
  const passed = member(payload, "outcome") === "pass";
  return {
    tone: passed ? "good" : "bad",
    title: passed ? "Artifacts verified" : "Artifacts failed verification",
    rows: [
      ["reasons", member(payload, "fail_reasons")],
      ["signed by", member(payload, "signing_public_key_fingerprint")],
      ["manifest SHA-256", member(payload, "manifest_sha256")],
    ],
  };
}

function card(payload) {
  const passed = member(payload, "verdict") === "pass";
  return {
    tone: passed ? "good" : "bad",
    title: passed ? "Capability card verified" : "Capability card failed",
    rows: [],
  };
}

function approved(payload) {
  const verdict = member(payload, "verdict");
  const titles = { approve: "Approved by a human", deny: "Refused by a human", escalate: "Escalated" };
  const tones = { approve: "good", deny: "bad", escalate: "warn" };
  return {
    tone: tones[verdict] ?? "plain",
    title: titles[verdict] ?? "An approval of an unknown verdict",
    rows: [
      ["who", member(payload, "who")],
      ["why", member(payload, "why")],
      ["holds until", member(payload, "expires")],
      ["the denial", member(payload, "denied")],
      ["input SHA-256", member(payload, "input_hash")],
    ],
  };
}

function reloaded(payload) {
  return {
    tone: "plain",
    title: "The Hall's premises changed",
    rows: [["before", member(payload, "before")], ["after", member(payload, "after")]],
  };
}

function opened(payload) {
  return {
    tone: "plain",
    title: "The log begins",
    rows: [["origin", member(payload, "origin")], ["key", member(payload, "log")]],
  };
}

// An entry of anyone's: its flat members, as many as a glance takes in.
function other(entry) {
  const rows = [];
  for (const [name, value] of entry.payload) {
    if (rows.length < 8 && !(value instanceof Map) && !Array.isArray(value)) {
      rows.push([name, plain(value) ?? "null"]);
    }
  }
  const denied = member(entry.payload, "denied");
  const tone = denied === "true" ? "bad" : "plain";
  return { tone, title: entry.kind, rows };
}

function actor(payload) {
  const of = (name) => member(payload, "_actor", name);
  return of("name") || of("token") || of("address");
}

// What an entry can be found by, where the producers put it.
export function idsOf(entry) {
  const find = (...names) => {
    for (const inner of [[], ["decision"], ["input"], ["body"]]) {
      for (const name of names) {
        const text = member(entry.payload, ...inner, name);
        if (text) {
          return text;
        }
      }
    }
    return null;
  };
  return {
    correlation: find("correlation_id"),
    tenant: find("tenant_id"),
    worker: find("selected_worker_species_id", "worker_species_id", "worker_id"),
    denied: find("denied") === "true",
  };
}
