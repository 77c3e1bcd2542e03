// Between which times the entries of a report were made, as the browser's scripts judge it
// under a policy of witnesses: a JSON list.
//
//   node tools/browser-test/times.mjs CASE.html POLICY

import { readFileSync } from "node:fs";

const script = new URL("../../src/report/script/", import.meta.url);
const load = (name) => import(new URL(`${name}.js`, script));
const { verifyGiven } = await load("given");
const { readPolicy } = await load("policy");
const { between, timesIn } = await load("times");

const [, , report, policy] = process.argv;
const found = await verifyGiven(new Uint8Array(readFileSync(report)));
const times = await timesIn(found, readPolicy(String(readFileSync(policy))), [], found.carries);
const spelt = (bound) => bound && { size: bound.size, time: `${new Date(bound.time * 1000).toISOString().slice(0, 19)}+00:00`, witnesses: bound.by };
const each = found.entries.map(({ entry: { seq } }) => {
  const { notEarlier, notLater } = between(times, seq);
  return { not_earlier: spelt(notEarlier), not_later: spelt(notLater), seq };
});
console.log(JSON.stringify({ each, faults: times.faults.length }));
