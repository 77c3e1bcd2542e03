// The browser's scripts as a runner of `sealbook conformance`: they verify selections.
//
//   sealbook conformance node tools/browser-test/conformance.mjs

import { createInterface } from "node:readline";

const script = new URL("../../src/report/script/", import.meta.url);
const { verifyBundle } = await import(new URL("bundle.js", script));

const supports = ["selection"];

if (process.argv[2] === "--profile") {
  console.log(JSON.stringify({ name: "the browser's scripts", supports, lines: true, warnings: false }));
} else if (process.argv[2] === "--lines") {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await answer(JSON.parse(line))));
  }
} else {
  console.error("conformance.mjs: --profile or --lines");
  process.exitCode = 2;
}

async function answer({ file, key }) {
  const found = await verifyBundle(new Uint8Array(Buffer.from(file, "base64")));
  const keys = [key ?? []].flat();
  if (found.unsupported !== null) {
    return { error: { code: "format_unsupported" } };
  }
  const faults = found.faults.map(({ code, at, index }) => ({ code, at, index }));
  if (found.log !== null && !keys.includes(found.log)) {
    faults.unshift({ code: "untrusted_key", at: "file", index: null });
  }
  return { verdict: faults.length > 0 ? "fail" : "pass", faults, warnings: [], not_checked: found.notChecked };
}
