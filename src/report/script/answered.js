// What a selection says that it answers, held against its entries (format rule S8).

import { isHex, isText, isWhole, rawOf } from "./json.js";
import { isTime } from "./time.js";

const WAITING = 10000;
const KINDS = 1000;
const NAMED = [
  ["correlation", "correlation_id"],
  ["decision", "decision_id"],
  ["tenant", "tenant_id"],
  ["worker", "selected_worker_species_id"],
  ["worker", "worker_species_id"],
  ["worker", "worker_id"],
];
const DENIES = {
  "wcp.attestation": ["ok", "false"],
  "hall.enrolment": ["enrolled", "false"],
  "manifest.verify": ["outcome", '"fail"'],
  "vacant.card": ["verdict", '"fail"'],
  "vacant.resident": ["verified", "false"],
};

const isFlag = (value) => (typeof value === "boolean" ? value : undefined);
const isKinds = (value) => (Array.isArray(value) && value.length <= KINDS && value.every((kind) => isText(kind) !== undefined) ? value : undefined);

const FACTS = ["correlation", "decision", "denied", "document", "tenant", "tenant_json", "worker"];
const SORTS = {
  ...Object.fromEntries(FACTS.map((name) => [name, isText])),
  attestations: isFlag,
  denied: isFlag,
  from_seq: isWhole,
  kinds: isKinds,
  limit: isWhole,
  reverse: isFlag,
  since: isTime,
  until: isTime,
  until_seq: isWhole,
};

// What stands for a value that was taken out (format §18.1).
const isRedacted = (value) => value instanceof Map && value.size === 1 && isHex(32)(value.get("sealbook:redacted")) !== undefined;

// The terms of an entry, `field value` (format §13.1, I.3).
export function factsOf({ kind, payload }) {
  const facts = new Set();
  const objects = (all) => all.filter((one) => one instanceof Map);
  const inner = objects(["decision", "input", "body"].map((name) => payload.get(name)));
  const add = (field, value) => (typeof value === "string" ? facts.add(`${field} ${value}`) : facts);
  for (const one of [payload, ...inner, ...objects(inner.map((one) => one.get("deny_reason_if_denied")))]) {
    NAMED.forEach(([field, name]) => add(field, one.get(name)));
    const tenant = one.get("tenant_id");
    if (tenant !== undefined && tenant !== null && typeof tenant !== "string" && !isRedacted(tenant)) {
      add("tenant_json", rawOf(tenant));
    }
    if (typeof one.get("denied") === "boolean") {
      add("denied", String(one.get("denied")));
    }
  }
  const [name, denied] = DENIES[kind] ?? [];
  const said = name === undefined ? null : (payload.get(name) ?? null);
  if (said !== null) {
    add("denied", String(rawOf(said) === denied));
  }
  if (kind === "wcp.decision" && payload.get("receipt") instanceof Map) {
    add("worker", payload.get("receipt").get("worker_id"));
  }
  if (kind === "wcp.document") {
    add("document", payload.get("digest"));
  }
  return facts;
}

function readAsked(filter) {
  const asked = {};
  for (const [name, value] of filter) {
    const read = name in SORTS ? (value === null ? null : SORTS[name](value)) : undefined;
    if (read === undefined) {
      return null;
    }
    if (read !== null) {
      asked[name] = read;
    }
  }
  const names = Object.keys(asked).sort().join(" ");
  return asked.attestations && names !== "attestations correlation" ? null : asked;
}

function wants(asked, entry, facts) {
  return (
    FACTS.every((name) => asked[name] === undefined || facts.has(`${name} ${asked[name]}`)) &&
    (!asked.kinds?.length || asked.kinds.includes(entry.kind)) &&
    (asked.from_seq ?? 0) <= entry.seq &&
    entry.seq <= (asked.until_seq ?? entry.seq) &&
    (asked.since ?? entry.ts) <= entry.ts &&
    entry.ts <= (asked.until ?? entry.ts)
  );
}

// Whether the entries are those that the filter asks for.
export function isAnswer(filter, entries) {
  const asked = readAsked(filter);
  if (asked === null || entries.length > (asked.limit ?? entries.length)) {
    return false;
  }
  let waiting = [];
  for (const entry of entries) {
    const facts = factsOf(entry);
    const itself = wants(asked, entry, facts);
    const workers = [...facts].filter((fact) => fact.startsWith("worker "));
    if (asked.attestations && entry.kind === "wcp.attestation" && waiting.length < WAITING) {
      waiting.push({ itself, workers });
    } else if (!itself) {
      return false;
    } else if (entry.kind === "wcp.decision") {
      waiting = waiting.filter((one) => !one.workers.some((worker) => facts.has(worker)));
    }
  }
  return waiting.every((one) => one.itself);
}
