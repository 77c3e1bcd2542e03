// The report: takes the bundle out of this file, verifies it and shows it.

import { banner, chip } from "./banner.js";
import { readBeside } from "./beside.js";
import { utf8 } from "./bytes.js";
import { verifyBundle } from "./bundle.js";
import { custody } from "./custody.js";
import { el, facts, foreign, hashText, replace } from "./dom.js";
import { coversOf } from "./drop.js";
import { unescaped } from "./given.js";
import { redactedText } from "./redacted.js";
import { hasCorrelation, idsOf, workersOf } from "./steps.js";
import { canVerify } from "./strict.js";
import { summary } from "./summary.js";
import { timesIn, timesText, weighed } from "./times.js";
import { judge, readKey } from "./verdict.js";

const place = (id) => document.getElementById(id);

function carried(id) {
  // The block begins with a line of its own.
  return unescaped(place(id).textContent.replace(/^\n/, ""));
}

function claims() {
  try {
    const about = JSON.parse(carried("about"));
    return { correlation: String(about.correlation), leftOut: Number(about.left_out), carries: about.times ?? null };
  } catch {
    return { correlation: "", leftOut: NaN, carries: null };
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

function show(found, able, key, times) {
  const { open, ...more } = weighed(able ? times : null);
  const faults = [...found.faults, ...more.faults];
  const verdict = judge({ able, faults, log: found.log, key, open, unsupported: found.unsupported });
  replace(place("verdict"), banner(verdict, { notChecked: [...found.notChecked, ...more.notChecked], faults, covers: coversOf(found), redacted: redactedText(found.redacted) }));
  document.documentElement.dataset.state = verdict.state;
}

function showLog(found, { leftOut, carries }, times) {
  replace(
    place("log"),
    facts([
      ["sealed epochs", String(found.headers.length)],
      ["documents carried", String(found.documents.size)],
      ["log key named here", found.log ? hashText(found.log) : null],
      ["genesis", found.genesis ? hashText(found.genesis) : null],
      ["witnessed", times?.said ?? (carries ? "what shows when its entries were made is in here: give the policy of the witnesses whose word you take" : null)],
    ]),
    leftOut > 0 ? el("p.quiet", {}, `When this was written, ${leftOut === 1 ? "one more entry of the case was" : `${leftOut} more entries of the case were`} not sealed yet and left out. Nobody signed this number.`) : null,
  );
}

// What the reader holds the report against, beside the key.
const held = { kept: [], revoked: [], policy: [], proof: [] };

// Verified again with all that the reader gave: what was met is of one verdict alone.
async function judged(correlation) {
  const found = await verifyBundle(utf8(carried("bundle")), {
    kept: held.kept.map((one) => ({ ...one, met: false })),
    revoked: held.revoked.map((one) => ({ ...one, here: null, beyond: null })),
  });
  checkCase(found, correlation);
  return found;
}

async function takeHeld(files) {
  const said = [];
  for (const file of files) {
    try {
      const { what, value, said: name } = (await readBeside(new Uint8Array(await file.arrayBuffer()))) ?? {};
      if (what === "key") {
        place("key").value = value;
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
  let found = await judged(correlation);
  const input = place("key");
  let times = null;
  const update = () => show(found, able, readKey(input.value), times);
  input.addEventListener("input", update);
  place("held").addEventListener("change", async (event) => {
    await takeHeld([...event.target.files]);
    found = await judged(correlation);
    times = held.policy.length > 0 ? await timesIn(found, held.policy.at(-1), held.proof, carries) : null;
    draw();
    update();
  });
  place("key-form").addEventListener("submit", (event) => event.preventDefault());
  place("print").addEventListener("click", () => window.print());
  replace(place("summary"), summary(found.entries));
  const checked = able && found.headers.length > 0;
  const beside = ({ entry, related }) => {
    const { tenant } = idsOf(entry);
    return [
      related ? chip("plain", "related: attestation of a worker of this case") : null,
      tenant ? el("span.chip.plain", {}, "tenant ", foreign(tenant)) : null,
      times ? timesText(times, entry.seq).map((text) => chip("plain", text)) : null,
    ];
  };
  const draw = () => {
    showLog(found, about, times);
    replace(place("steps"), custody(found.entries, { checked, about: beside, documents: found.documents }));
  };
  draw();
  update();
}

run().catch((error) => {
  const why = `The script of this report broke off: ${error.message}`;
  replace(place("verdict"), banner({ state: "failed", why }));
});
