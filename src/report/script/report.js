// The report: takes the bundle out of this file, verifies it and shows it; or the bundles
// of several logs, each by itself, and what they say as one custody.

import { banner, chip } from "./banner.js";
import { readBeside } from "./beside.js";
import { utf8 } from "./bytes.js";
import { verifyBundle } from "./bundle.js";
import { custody } from "./custody.js";
import { el, facts, foreign, hashText, replace } from "./dom.js";
import { coversOf } from "./drop.js";
import { bundlesIn, unescaped } from "./given.js";
import { redactedText } from "./redacted.js";
import { hasCorrelation, idsOf, workersOf } from "./steps.js";
import { canVerify } from "./strict.js";
import { summary } from "./summary.js";
import { timesIn, timesText, weighed } from "./times.js";
import { isKeyOf, judge, readKey } from "./verdict.js";

const place = (id) => document.getElementById(id);

function carried(id) {
  // The block begins with a line of its own.
  return unescaped(place(id).textContent.replace(/^\n/, ""));
}

function claims() {
  try {
    const about = JSON.parse(carried("about"));
    return { correlation: String(about.correlation), leftOut: Number(about.left_out), carries: about.times ?? null, logs: about.logs ?? null };
  } catch {
    return { correlation: "", leftOut: NaN, carries: null, logs: null };
  }
}

// That every entry is of the case which the report names, or attests a worker
// that a decision of the case names further on. Gives those that do.
function checkCase(found, correlation) {
  const strangers = new Set();
  const attestations = new Set();
  for (const item of found.entries) {
    const { entry } = item;
    if (entry === null) {
      continue;
    }
    if (!hasCorrelation(entry, correlation)) {
      (entry.kind === "wcp.attestation" ? attestations : strangers).add(item);
    } else if (entry.kind === "wcp.decision") {
      const workers = workersOf(entry);
      for (const waiting of attestations) {
        waiting.related ||= [...workersOf(waiting.entry)].some((worker) => workers.has(worker));
      }
    }
  }
  for (const item of [...strangers, ...attestations]) {
    if (!item.related) {
      const detail = "it is not of the case that this report names";
      const fault = { code: "format_mismatch", detail, index: item.index, seq: item.entry.seq, line: item.line };
      item.faults.push(fault);
      found.faults.push(fault);
    }
  }
}

// What is said of several logs is the worst that is said of one.
const STATES = ["failed", "unable", "unconfirmed", "verified"];

function show(all, able, keys, times) {
  const { open, ...more } = weighed(able ? times : null);
  const shown = all.map((found, at) => {
    const faults = [...found.faults, ...more.faults];
    const verdict = judge({ able, faults, log: found.log, key: keys[at], open, unsupported: found.unsupported });
    const covers = all.length > 1 ? `${nameOf(found, at)}: ${coversOf(found)}` : coversOf(found);
    return [verdict.state, banner(verdict, { notChecked: [...found.notChecked, ...more.notChecked], faults, covers, redacted: redactedText(found.redacted) })];
  });
  replace(place("verdict"), shown.map(([, said]) => said));
  document.documentElement.dataset.state = STATES.find((state) => shown.some(([one]) => one === state));
}

// A log of several, as the command names it.
function nameOf({ opening }, at) {
  return `log ${at}, ${opening?.origin || "without a name"}`;
}

function showLogs(all, about, times) {
  const { logs } = about;
  replace(
    place("log"),
    all.map((found, at) => [logs ? el("h3", {}, foreign(nameOf(found, at), "span")) : null, aboutLog(found, about, times)]),
    logs ? el("p.quiet", {}, `${logs.asked} logs were asked for the case, and ${logs.carried} have something of it. ${logs.faulty} of those asked had faults. ${logs.unsealed} entries of them were not sealed yet, and not looked through. Nobody signed these numbers.`) : null,
    logs ? el("pre", {}, `sealbook verify FILE.html --as report --allow-unsigned${" --key KEY".repeat(all.length)}`) : null,
  );
}

function aboutLog(found, { leftOut, carries }, times) {
  return [
    facts([
      ["sealed epochs", String(found.headers.length)],
      ["documents carried", String(found.documents.size)],
      ["log key named here", found.log ? hashText(found.log) : null],
      ["genesis", found.genesis ? hashText(found.genesis) : null],
      ["witnessed", times?.said ?? (carries ? "what shows when its entries were made is in here: give the policy of the witnesses whose word you take" : null)],
    ]),
    leftOut > 0 ? el("p.quiet", {}, `When this was written, ${leftOut === 1 ? "one more entry of the case was" : `${leftOut} more entries of the case were`} not sealed yet and left out. Nobody signed this number.`) : null,
  ];
}

// What the reader holds the report against, beside the key.
const held = { kept: [], revoked: [], policy: [], proof: [] };

// Verified again with all that the reader gave: what was met is of one verdict alone. Each
// log by itself; those of several have closing records that nobody signed.
async function judged({ correlation, logs }) {
  const text = carried("bundle");
  const all = [];
  for (const bundle of logs ? bundlesIn(text) : [text]) {
    const found = await verifyBundle(utf8(bundle), {
      kept: held.kept.map((one) => ({ ...one, met: false })),
      revoked: held.revoked.map((one) => ({ ...one, here: null, beyond: null })),
      ...(logs ? { allowUnsigned: true } : {}),
    });
    checkCase(found, correlation);
    all.push(found);
  }
  return logs ? checkLogs(all, logs) : all;
}

// That no log stands here twice, and that there are as many as the report says.
function checkLogs(all, { carried: said }) {
  const whole = (found, detail) => found.faults.push({ code: "format_mismatch", at: "file", index: null, seq: null, line: null, detail });
  const seen = new Set();
  for (const found of all) {
    if (seen.has(found.genesis)) {
      whole(found, "the log stands in it twice");
    }
    seen.add(found.genesis);
    if (all.length !== said) {
      whole(found, `the report says that it has evidence of ${said} logs, and has that of ${all.length}`);
    }
  }
  if (all.length === 0) {
    throw new Error("it has evidence of no log");
  }
  return all;
}

// All entries in the order of time; of several logs each says of which it is.
function stepsOf(all) {
  if (all.length === 1) {
    return all[0].entries;
  }
  const items = all.flatMap((found, log) => found.entries.map((item) => Object.assign(item, { log })));
  const time = (item) => item.entry?.ts ?? "~";
  return items.sort((a, b) => (time(a) < time(b) ? -1 : Number(time(a) > time(b))));
}

// A place for the key of each log.
function keyInputs(all) {
  const first = place("key");
  if (all.length === 1) {
    return [first];
  }
  const label = (found, at) => foreign(`The key of ${nameOf(found, at)}, as you have it from its owner`, "span");
  replace(document.querySelector("label[for=key]"), label(all[0], 0));
  const more = all.slice(1).map((found, at) => {
    const id = `key-${at + 1}`;
    const input = el("input.key", { id, spellcheck: "false", autocapitalize: "off", inputmode: "text", "aria-describedby": "key-note" });
    return { input, field: el("div", {}, el("label", { for: id }, label(found, at + 1)), input) };
  });
  first.parentElement.after(...more.map(({ field }) => field));
  return [first, ...more.map(({ input }) => input)];
}

// A key that is given as a file is that of the log which names it, or else of the first
// without one.
function takeKey(text, all, inputs) {
  const named = all.findIndex(({ log }) => isKeyOf(readKey(text), log));
  const input = named < 0 ? inputs.find(({ value }) => value.trim() === "") ?? inputs[0] : inputs[named];
  input.value = text;
}

async function takeHeld(files, all, inputs) {
  const said = [];
  for (const file of files) {
    try {
      const { what, value, said: name } = (await readBeside(new Uint8Array(await file.arrayBuffer()))) ?? {};
      if (what === "key") {
        takeKey(value, all, inputs);
      } else if (all.length > 1 && ["policy", "proof"].includes(what)) {
        throw new Error("times are shown of one log: take its bundle out with `sealbook report --extract`");
      } else if (Object.hasOwn(held, what)) {
        held[what].push(...[value].flat());
      } else {
        throw new Error("it is no key, no head, no revocation, no policy of witnesses and no proof of the public log");
      }
      said.push(el("li", {}, foreign(file.name), `: ${name}`));
    } catch (error) {
      said.push(el("li", {}, foreign(`${file.name} was not taken: ${error.message}`)));
    }
  }
  replace(place("held-state"), el("ul.given", {}, said));
}

async function run() {
  const about = claims();
  const { correlation, carries } = about;
  replace(place("case"), foreign(correlation));
  const able = await canVerify();
  let all = await judged(about);
  const inputs = keyInputs(all);
  let times = null;
  const update = () => show(all, able, inputs.map((input) => readKey(input.value)), times);
  inputs.forEach((input) => input.addEventListener("input", update));
  place("held").addEventListener("change", async (event) => {
    await takeHeld([...event.target.files], all, inputs);
    all = await judged(about);
    times = held.policy.length > 0 ? await timesIn(all[0], held.policy.at(-1), held.proof, carries) : null;
    draw();
    update();
  });
  place("key-form").addEventListener("submit", (event) => event.preventDefault());
  place("print").addEventListener("click", () => window.print());
  replace(place("summary"), summary(stepsOf(all)));
  const checked = able && all.every((found) => found.headers.length > 0);
  const beside = ({ entry, related, log }) => {
    const { tenant } = idsOf(entry);
    return [
      log === undefined ? null : el("span.chip.plain", {}, foreign(nameOf(all[log], log))),
      related ? chip("plain", "related: attestation of a worker of this case") : null,
      tenant ? el("span.chip.plain", {}, "tenant ", foreign(tenant)) : null,
      times ? timesText(times, entry.seq).map((text) => chip("plain", text)) : null,
    ];
  };
  const draw = () => {
    showLogs(all, about, times);
    const documents = new Map(all.flatMap((found) => [...found.documents]));
    replace(place("steps"), custody(stepsOf(all), { checked, about: beside, documents }));
  };
  draw();
  update();
}

run().catch((error) => {
  const why = `The script of this report broke off: ${error.message}`;
  replace(place("verdict"), banner({ state: "failed", why }));
});
