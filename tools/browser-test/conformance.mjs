// The browser's scripts as a runner of `sealbook conformance`.
//
//   sealbook conformance node tools/browser-test/conformance.mjs

import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const script = new URL("../../src/report/script/", import.meta.url);
const load = (name) => import(new URL(`${name}.js`, script));
const { verifyFile } = await load("given");
const { readKept } = await load("kept");
const { readRevocation } = await load("revoked");

export const supports = [
  "selection", "range", "openings", "terms", "proof", "logbook", "equivocation", "as", "contains", "revoked", "expect_head", "correlation",
  "tenant", "worker", "allow_unsigned", "allow_revocation_not_applicable", "ledger_rules",
];

const bytesOf = (text) => new Uint8Array(Buffer.from(text, "base64"));
const listOf = (value) => [value ?? []].flat();

async function given(options, keys) {
  const read = await Promise.all(listOf(options.contains).map((file) => readKept(bytesOf(file))));
  const kept = read.flatMap((one) => one.kept);
  const revoked = await Promise.all(listOf(options.revoked).map((file) => readRevocation(bytesOf(file))));
  const asked = Object.fromEntries(["correlation", "tenant", "worker"].filter((name) => options[name]).map((name) => [name, options[name]]));
  return {
    keys, kept, torn: read.some((one) => one.torn), revoked, asked, expectHead: options.expect_head ?? null, allowUnsigned: options.allow_unsigned,
    allowRevocationNotApplicable: options.allow_revocation_not_applicable, ledgerRules: options.ledger_rules,
  };
}

export async function answer({ file, key, options }) {
  const keys = listOf(key);
  let [found, beside] = [];
  try {
    beside = await given(options, keys);
    found = await verifyFile(bytesOf(file), beside, options.as ?? null);
  } catch (error) {
    return { error: { code: error.code ?? `broke off: ${error.stack}` } };
  }
  if (found.unsupported !== null) {
    return { error: { code: "format_unsupported" } };
  }
  const faults = found.faults.map(({ code, at, index }) => ({ code, at, index }));
  const trusted = found.log === null ? found.format !== "logbook" : keys.includes(found.log);
  const mismatch = faults[0]?.code === "format_mismatch";
  if (!trusted && !mismatch && (found.format !== "equivocation" || faults.length === 0)) {
    faults.unshift({ code: "untrusted_key", at: "file", index: null });
  }
  const warnings = [...found.warnings, ...(beside.torn ? ["torn_last_line"] : [])];
  return { verdict: faults.length > 0 ? "fail" : "pass", faults, warnings: warnings.map((code) => ({ code })), not_checked: found.notChecked };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(process.argv[2]);
}

async function main(mode) {
  if (mode === "--profile") {
    console.log(JSON.stringify({ name: "the browser's scripts", supports, lines: true, warnings: true }));
  } else if (mode === "--lines") {
    for await (const line of createInterface({ input: process.stdin })) {
      console.log(JSON.stringify(await answer(JSON.parse(line))));
    }
  } else {
    console.error("conformance.mjs: --profile or --lines");
    process.exitCode = 2;
  }
}
