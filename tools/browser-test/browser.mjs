// What an auditor does, done in a browser, and what a hostile entry, a lying
// server and a tampered report come to.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

import { api, browser, go, isState, open, settled, shoot, step, trust, unharmed } from "./harness.mjs";
import { lies } from "./lies.mjs";
import { custodySteps, heldSteps, overviewSteps } from "./views.mjs";
import { verifierSteps } from "./verifier.mjs";

const { SEALBOOK, URL: base, TOKEN, KEY, SHOTS } = process.env;

const CASE = "order-7";
const OTHER = "order-8";
const HOSTILE = `"><img src=x onerror="window.hacked=1"><script>window.hacked=2</script>`;
const TURNED = "invoice \u202efdp.exe\u202c \u2066hidden\u2069 \u200bzero";

// The rest of the scene, over HTTP as it comes in practice.
async function fill() {
  const route = (tenant, data_label = "INTERNAL") =>
    api("POST", "/route", {
      capability_id: "cap.doc.summarize", env: "dev", data_label, tenant_risk: "low",
      qos_class: "P2", tenant_id: tenant, correlation_id: CASE,
    });
  await route("acme");
  await route("umbrella");
  const restricted = await route("acme", "RESTRICTED");
  const entry = restricted.receipt.entry_hash;
  const shown = await api("GET", `/v1/entries/${entry}`);
  await api("POST", "/wcp/approvals/resolve", {
    entry, input_hash: shown.entry.payload.input_hash, verdict: "approve",
    why: `looked at it ${HOSTILE}`, supervisor_level: "gatekeeper",
  });
  await route("acme", "RESTRICTED");
  const append = (kind, payload) => api("POST", "/v1/entries", { kind, payload });
  await append("note", { correlation_id: CASE, tenant_id: HOSTILE, text: HOSTILE, name: TURNED, [HOSTILE]: "\\u003c </script>" });
  await append(`<svg onload=window.hacked=3>${TURNED}`, { correlation_id: CASE, x: 1.5, big: 1e22, deep: { a: [1, { b: HOSTILE }] } });
  await append("note", { correlation_id: HOSTILE, denied: true, deep: [[[["x"]]]] });
  await append("note", { correlation_id: `../../${CASE}`, text: "a name that would leave its folder" });
  await api("POST", "/v1/seal", {});
  await append("note", { correlation_id: CASE, text: "not sealed yet" });
}

const verify = (path, ...more) => spawnSync(SEALBOOK, ["--json", "verify", path, "--key", KEY, ...more], { encoding: "utf8" });

await fill();
const page = await open();

await step("without a token the page asks for one", async () => {
  await page.goto(base);
  await settled(page);
  assert.match(await page.locator("main h1").innerText(), /token is needed/i);
  await trust(page, { token: "sbt_wrong" });
  assert.match(await page.locator("#token-state").innerText(), /did not accept/);
});

await step("without a key nothing is green, with another it fails, with the right one it is verified", async () => {
  await trust(page, { token: TOKEN });
  await isState(page, "unconfirmed");
  await trust(page, { key: "00".repeat(32) });
  await isState(page, "failed");
  await trust(page, { key: "no key" });
  await isState(page, "unconfirmed");
  await trust(page, { key: KEY });
  await isState(page, "verified");
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  assert.ok(!kept.includes(TOKEN), "the token was written down");
});

await step("the overview plots epochs and volume", async () => {
  await page.waitForFunction(() => document.querySelectorAll(".plot svg").length === 2);
  assert.ok(await page.locator(".plot .volume").count() > 0);
  assert.ok(await page.locator(".plot .epoch.sealed").count() > 0);
  await shoot(page, "overview");
});

await overviewSteps(page);

await step("search finds the case, by keyboard alone", async () => {
  await go(page, "#/search");
  await page.focus("#f-correlation");
  await page.keyboard.type(CASE);
  await page.evaluate(() => document.getElementById("view").setAttribute("aria-busy", "true"));
  await page.keyboard.press("Enter");
  await settled(page);
  assert.ok(await page.locator(".results tbody tr").count() >= 8);
  await unharmed(page);
  await shoot(page, "search");
  await page.locator(".results a", { hasText: CASE }).first().focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.hash.startsWith("#/case/"));
  await page.waitForSelector(".timeline");
});

// The entries of a time line, but for those that are not sealed yet.
const sealedSteps = (page) => page.locator(".step").evaluateAll((steps) =>
  steps.filter((step) => !step.textContent.includes("not sealed yet")).map((step) => step.id));

let custody;
await step("the case tells custody in order, and is not green while an entry is not sealed", async () => {
  await isState(page, "unconfirmed");
  assert.match(await page.locator(".verdict").first().innerText(), /one entry is not sealed yet/);
  const steps = await page.locator(".step h3").allInnerTexts();
  const wanted = [/Package attested/, /Allowed: wrk.doc.summarizer/, /Denied: DENY_/, /Denied: DENY_REQUIRES_HUMAN/, /Approved by a human/, /Allowed/];
  let at = -1;
  for (const pattern of wanted) {
    at = steps.findIndex((text, place) => place > at && pattern.test(text));
    assert.ok(at >= 0, `${pattern} in ${JSON.stringify(steps)}`);
  }
  assert.match(await page.locator(".timeline").innerText(), /not sealed yet/);
  custody = await sealedSteps(page);
  for (const summary of await page.locator(".step details > summary").all()) {
    await summary.click();
  }
  await unharmed(page);
  const text = await page.locator("main").innerText();
  assert.ok(text.includes("⟨U+202E⟩") && !/[\u202a-\u202e\u2066-\u2069\u200b]/.test(text), "turning characters are shown");
  assert.ok(text.includes(HOSTILE), "markup is shown as text");
  for (const summary of await page.locator(".step details > summary").all()) {
    await summary.click();
  }
  await shoot(page, "case");
});

let bundlePath;
let reportPath;
await step("bundle and report are saved, and the command line verifies both", async () => {
  const saved = async (name) => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.click(`button:has-text("${name}")`)]);
    const path = `${SHOTS}/../${download.suggestedFilename()}`;
    await download.saveAs(path);
    return path;
  };
  bundlePath = await saved("Save as bundle");
  reportPath = await saved("Save as report");
  for (const [path, format] of [[bundlePath, "bundle"], [reportPath, "report"]]) {
    const run = verify(path, "--as", format);
    assert.equal(run.status, 0, run.stdout + run.stderr);
    assert.equal(JSON.parse(run.stdout).format, format);
  }
  execFileSync(SEALBOOK, ["report", "--extract", reportPath, "-o", `${reportPath}.bundle`, "--force"], { stdio: "ignore" });
  const entries = (path) => readFileSync(path, "utf8").split("\n").filter((line) => line.startsWith('{"entry":'));
  const [ofCase, ofReport] = [entries(bundlePath), entries(`${reportPath}.bundle`)];
  assert.ok(ofCase.length > 0);
  assert.deepEqual(ofReport.filter((line) => ofCase.includes(line)), ofCase, "the report carries what the bundle does");
  const more = ofReport.filter((line) => !ofCase.includes(line)).map((line) => JSON.parse(line).entry.kind);
  assert.deepEqual(more, ["wcp.attestation"], "and the attestation of the worker that was chosen");
});

await custodySteps(page, CASE);

await heldSteps(page);

await step("an entry shows its bytes, hashes and way to the root", async () => {
  const listed = await api("GET", `/v1/entries?correlation=${CASE}&kind=note&limit=1`);
  const { hash, entry } = listed.entries[0];
  await go(page, `#/entry/${entry.seq}`);
  await isState(page, "verified");
  const text = await page.locator("main").innerText();
  assert.match(text, /arrives at the sealed root/);
  assert.ok((await page.locator(`code.hash[title="${hash}"]`).count()) > 0);
  assert.match(text, /follows the entry before/);
  await unharmed(page);
  await shoot(page, "entry");
});

await step("a case whose name is markup is a case like any other", async () => {
  await go(page, `#/case/${encodeURIComponent(HOSTILE)}`);
  await isState(page, "verified");
  await unharmed(page);
  await go(page, "#/search?tenant=" + encodeURIComponent(HOSTILE));
  assert.equal(await page.locator(".results tbody tr").count(), 1);
  await unharmed(page);
});

await step("nothing there is said to be nothing", async () => {
  await go(page, "#/case/nobody");
  assert.match(await page.locator("main").innerText(), /Nothing was found/);
  await go(page, "#/entry/99999999");
  assert.match(await page.locator("main").innerText(), /Nothing was found/);
  await go(page, "#/nowhere/at/all");
  assert.match(await page.locator("main h1").innerText(), /no such page/);
  await go(page, "#/case/%ff");
  assert.match(await page.locator("main").innerText(), /Nothing was found/);
});

await step("a server that lies is found out", async () => {
  const lying = await open();
  let edit = (text) => text;
  await lying.route(/\/v1\//, async (route) => {
    const answer = await route.fetch();
    const text = await answer.text();
    await route.fulfill({ response: answer, body: edit(text) });
  });
  await lying.goto(base);
  await settled(lying);
  await trust(lying, { key: KEY, token: TOKEN });
  await isState(lying, "verified");
  edit = (text) => text.replaceAll('"umbrella"', '"acme"');
  await go(lying, `#/case/${CASE}`);
  await isState(lying, "failed");
  assert.ok(await lying.locator(".step.broken").count() >= 1);
  // An entry that is left out of the bundle and not of the list, a head of
  // another time, a header with another root.
  edit = (text) => text.replace(/\{"entry":\{"kind":"hall.approval"[^\n]*\n/, "");
  await go(lying, "#/");
  await go(lying, `#/case/${CASE}`);
  await isState(lying, "failed");
  edit = (text) => text.replace(/"seq":(\d+),"ts":"20/, (_, seq) => `"seq":${Number(seq) + 1},"ts":"20`);
  await go(lying, "#/");
  await isState(lying, "failed");
  edit = (text) => text.replace(/"root":"../, '"root":"00');
  await go(lying, "#/search");
  await go(lying, "#/");
  await isState(lying, "failed");
  await lying.context().close();
});

await step("a malicious server is never green, whatever it answers", async () => {
  // Another case, sealed, and a head from before it.
  const early = await (await fetch(`${base}/v1/head`, { headers: { Authorization: `Bearer ${TOKEN}` } })).text();
  const raw = async (path) => (await fetch(base + path, { headers: { Authorization: `Bearer ${TOKEN}` } })).text();
  await api("POST", "/v1/entries", { kind: "note", payload: { text: "of no case, so that there is something to seal" } });
  await api("POST", "/v1/seal", {});
  const before = { bundle: await raw(`/v1/bundle?correlation=${CASE}`), list: await raw(`/v1/entries?correlation=${CASE}&limit=1000`) };
  await api("POST", "/v1/entries", { kind: "note", payload: { correlation_id: CASE, text: "the last of the case" } });
  await api("POST", "/v1/entries", { kind: "note", payload: { correlation_id: OTHER, text: "another case" } });
  await api("POST", "/v1/seal", {});
  const colours = [];
  for (const [name, hash, answers, states, seen] of lies({ CASE, OTHER, early, before })) {
    const lying = await open();
    let lie = false;
    await lying.route(/\/v1\//, async (route) => {
      const url = route.request().url();
      const answer = await route.fetch();
      const found = lie && answers.find(([pattern]) => pattern.test(url));
      if (!found) {
        return route.fulfill({ response: answer });
      }
      const ask = async (other) => (await route.fetch({ url: other })).text();
      const told = await found[1](url, ask);
      const body = typeof told === "string" ? told : told.body;
      return route.fulfill({ response: answer, status: told.status ?? answer.status(), body });
    });
    await lying.goto(base);
    await settled(lying);
    await trust(lying, { key: KEY, token: TOKEN });
    await isState(lying, "verified");
    if (seen) await go(lying, hash);
    lie = true;
    await go(lying, "#/search");
    await go(lying, hash);
    // What is no answer at all has no verdict either.
    const said = lying.locator(".verdict");
    const state = (await said.count()) > 0 ? await said.first().getAttribute("class") : "verdict none";
    const green = await lying.locator(".verdict.verified").count();
    assert.ok(green === 0 && [...states, "none"].some((wanted) => state.includes(wanted)), `${name}: ${state}`);
    colours.push(`${name}: ${state.replace(/.*verdict ?/, "")}`);
    await lying.context().close();
  }
  console.log(colours.map((line) => `   ${line}`).join("\n"));
});

await step("where the browser has no Ed25519 nothing is green", async () => {
  const unable = await open();
  await unable.addInitScript(() => Object.defineProperty(globalThis.crypto, "subtle", { value: undefined }));
  await unable.goto(base);
  await settled(unable);
  await trust(unable, { key: KEY, token: TOKEN });
  for (const hash of ["#/", `#/case/${CASE}`, "#/entry/1"]) {
    await go(unable, "#/search");
    await go(unable, hash);
    await isState(unable, "unable");
    assert.equal(await unable.locator(".verdict.verified").count(), 0);
    assert.equal(await unable.locator(".chip.good", { hasText: "signature" }).count(), 0);
  }
  await unable.context().close();
});

await step("BLAKE2b gives the RFC's digest in the browser, too", async () => {
  const digest = await page.evaluate(async () => {
    const { blake2b } = await import("/page/blake2b.js");
    return Array.from(blake2b(new TextEncoder().encode("abc")), (byte) => byte.toString(16).padStart(2, "0")).join("");
  });
  assert.equal(digest, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
});

const offline = { offline: true };
const file = (path) => pathToFileURL(path).href;
const typeKey = async (report, key) => {
  await report.fill("#key", key);
  await report.waitForTimeout(100);
};

await step("the report opens without any network, and believes no key but the reader's", async () => {
  const report = await open(offline);
  await report.goto(file(reportPath));
  await report.waitForSelector(".timeline");
  await isState(report, "unconfirmed");
  await typeKey(report, "11".repeat(32));
  await isState(report, "failed");
  await typeKey(report, KEY.toUpperCase());
  await isState(report, "verified");
  assert.ok((await report.locator("main").innerText()).includes("--as report"));
  assert.deepEqual(await sealedSteps(report), custody, "page and report tell the same custody");
  assert.equal(await report.locator(".step .chip", { hasText: "related: attestation" }).count(), 1);
  await unharmed(report);
  await shoot(report, "report");
  await report.pdf({ path: `${SHOTS}/report.pdf`, format: "A4" });
  await report.context().close();
});

await step("a tampered report shows which entry is wrong", async () => {
  const text = readFileSync(reportPath, "utf8");
  const forged = text.replace('"tenant_id":"umbrella"', '"tenant_id":"acme"');
  assert.notEqual(forged, text);
  const path = `${SHOTS}/../forged.html`;
  writeFileSync(path, forged);
  const report = await open(offline);
  await report.goto(file(path));
  await report.waitForSelector(".timeline");
  await typeKey(report, KEY);
  await isState(report, "failed");
  const broken = await report.locator(".step.broken").all();
  assert.equal(broken.length, 1);
  const judged = JSON.parse(verify(path, "--as", "report").stdout);
  const { code, seq } = judged.faults[0];
  assert.equal(await broken[0].getAttribute("id"), `step-${seq}`);
  assert.ok((await broken[0].innerText()).includes(code));
  await shoot(report, "tampered");
  await report.context().close();
});

await step("without scripts the report says that it is not verified", async () => {
  const report = await open({ ...offline, javaScriptEnabled: false });
  await report.goto(file(reportPath));
  assert.match(await report.locator("main").innerText(), /Not verified/);
  await report.context().close();
});

await verifierSteps({ bundlePath, reportPath, CASE });

await browser.close();
console.log("browser-test: everything held");
