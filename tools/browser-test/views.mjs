// What the page shows beside its verdicts: the log's age, brush, lists, lanes, relations,
// paths, by mouse and by keyboard alone.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { api, go, isState, open, settled, step, trust, unharmed, witness } from "./harness.mjs";

const { URL: base, TOKEN, KEY, REVOKED } = process.env;

export async function overviewSteps(page) {
  await step("the overview names tenants, kinds and reasons, and its time line fits the log", async () => {
    await go(page, "#/search");
    await go(page, "#/");
    await page.waitForSelector(".parts .card");
    const parts = await page.locator(".parts").innerText();
    for (const text of [/Tenants/, /acme/, /Kinds/, /wcp\.decision/, /Reasons of denial/, /DENY_POLICY_GATE/]) {
      assert.match(parts, text);
    }
    const spans = await page.locator("#span option").allInnerTexts();
    assert.match(spans.at(-1), /^all of it, 3\d hours|^all of it, 1 day/);
    assert.ok((await page.locator(".plot text").allInnerTexts()).length >= 6, "both plots have axes");
  });

  await step("drawing over the bars searches there", async () => {
    const plot = page.locator(".plot").nth(1);
    await plot.scrollIntoViewIfNeeded();
    const box = await plot.boundingBox();
    await page.mouse.move(box.x + box.width * 0.4, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 4 });
    await page.mouse.up();
    await page.waitForFunction(() => /since=.*until=/.test(location.hash));
    await settled(page);
    const [since, until] = ["since", "until"].map((name) => new URLSearchParams(new URL(page.url()).hash.split("?")[1]).get(name));
    assert.match(since, /^\d{4}-\d\d-\d\dT\d\d:00:00Z$/);
    assert.ok(since < until);
    const times = await page.locator(".results time").evaluateAll((all) => all.map((one) => one.dateTime));
    assert.ok(times.length > 0 && times.every((time) => time.slice(0, 19) >= since.slice(0, 19) && time.slice(0, 19) <= until.slice(0, 19)));
    assert.match(await page.locator("#f-since").inputValue(), /^\d{4}-\d\d-\d\d \d\d:\d\d/);
  });

  await step("a search has text, pick-lists, totals and a table to keep", async () => {
    await go(page, "#/search?text=looked%20at%20it");
    assert.ok(await page.locator(".results tbody tr").count() >= 1);
    await go(page, "#/search?kind=gate.check");
    await page.waitForFunction(() => /entries, .* denied/.test(document.querySelector(".totals").textContent));
    await page.waitForFunction(() => document.querySelectorAll("#kinds option").length > 2);
    const stats = await api("GET", "/v1/stats?kind=gate.check");
    assert.ok((await page.locator(".totals").innerText()).includes(stats.entries.toLocaleString("en")));
    const [download] = await Promise.all([page.waitForEvent("download"), page.click('button:has-text("Save as CSV")')]);
    const rows = readFileSync(await download.path(), "utf8").split("\r\n").slice(0, -1);
    assert.equal(rows.length, stats.entries + 1);
    assert.equal(rows[0], "entry,time,kind,tenant,case,worker,denied,what,epoch,hash");
  });

  await step("the key is taken as hex, PEM, fingerprint or file, and another is not", async () => {
    const { sha256 } = await page.evaluate(async (key) => {
      const { fingerprintOf } = await import("/page/verdict.js");
      return { sha256: fingerprintOf(key) };
    }, KEY);
    const pem = `-----BEGIN PUBLIC KEY-----\n${Buffer.from(`302a300506032b6570032100${KEY}`, "hex").toString("base64")}\n-----END PUBLIC KEY-----\n`;
    await go(page, "#/");
    for (const text of [sha256, KEY.toUpperCase(), pem.replaceAll("\n", " ")]) {
      await trust(page, { key: text });
      await isState(page, "verified");
    }
    await trust(page, { key: sha256.replace(/.$/, (last) => (last === "0" ? "1" : "0")) });
    await isState(page, "failed");
    await page.evaluate(() => document.getElementById("view").setAttribute("aria-busy", "true"));
    await page.setInputFiles("#held", { name: "log.pem", mimeType: "text/plain", buffer: Buffer.from(pem) });
    await settled(page);
    await isState(page, "verified");
    await trust(page, { key: KEY });
  });

  await step("a head that the reader gives must be in the log", async () => {
    const head = await (await fetch(`${base}/v1/head`, { headers: { Authorization: `Bearer ${TOKEN}` } })).text();
    const reader = await open();
    await reader.goto(base);
    await settled(reader);
    await trust(reader, { key: KEY, token: TOKEN });
    const give = async (text) => {
      await reader.evaluate(() => document.getElementById("view").setAttribute("aria-busy", "true"));
      await reader.setInputFiles("#held", { name: "head.json", mimeType: "application/json", buffer: Buffer.from(text) });
      await settled(reader);
    };
    await give(head);
    await isState(reader, "verified");
    assert.match(await reader.locator("#held-state").textContent(), /head\.json/);
    await give(head.replace(/"seq":(\d+)/, (_, seq) => `"seq":${Number(seq) + 1}`));
    await isState(reader, "failed");
    assert.match(await reader.locator(".verdict").first().innerText(), /head_not_contained/);
    await reader.context().close();
  });
}

export async function custodySteps(page, CASE) {
  await step("the case is drawn as lanes, denials stand out, and a mark opens its step", async () => {
    await go(page, "#/search");
    await go(page, `#/case/${CASE}`);
    await page.waitForSelector(".lanes svg");
    const lanes = await page.locator(".lanes > svg > text:not(.tick)").allTextContents();
    assert.deepEqual(lanes, ["worker", "gate", "human", "verifier"]);
    assert.ok(await page.locator(".lanes .mark.bad rect").count() >= 1);
    const mark = page.locator(".lanes .mark.bad").first();
    await mark.focus();
    await page.keyboard.press("Enter");
    const opened = page.locator(".step.bad details[open]");
    await opened.waitFor();
    assert.ok(await page.evaluate(() => document.activeElement.matches(".step.bad")));
    assert.match(page.url(), /#\/case\//, "the address stays");
    await unharmed(page);
  });

  await step("what a decision rests on is a click away", async () => {
    const step = page.locator(".step.bad").first();
    await step.locator(".graph button").first().waitFor();
    const names = await step.locator(".graph button .name").allInnerTexts();
    for (const name of ["rule set", "policy", "registry"]) {
      assert.ok(names.includes(name), JSON.stringify(names));
    }
    await step.locator('.graph button:has-text("policy")').first().click();
    await page.waitForFunction(() => /package wcp/.test(document.querySelector(".panel:not(:empty)")?.textContent ?? ""));
    await step.locator('.graph button:has-text("registry")').first().click();
    await page.waitForFunction(() => /candidates/.test(document.querySelector(".panel:not(:empty)")?.textContent ?? ""));
    const used = page.locator(".step", { hasText: "Allowed" }).filter({ hasText: "wrk.doc.summarizer" }).last();
    await used.locator("summary").first().click();
    await used.locator(".graph button").first().waitFor();
    const grounds = await used.locator(".graph button .name").allInnerTexts();
    assert.ok(grounds.includes("approval used") && grounds.includes("attestation"), JSON.stringify(grounds));
    await used.locator('.graph button:has-text("approval used")').click();
    await page.waitForFunction(() => /Approved by a human/.test([...document.querySelectorAll(".panel")].map((one) => one.textContent).join()));
    await unharmed(page);
  });

  await step("the path to the root is drawn, and arrives", async () => {
    const step = page.locator(".step", { has: page.locator(".tree svg") }).first();
    assert.ok(await step.locator(".tree .node.lit").count() >= 2);
    assert.equal(await step.locator(".tree .node.wrong").count(), 0);
    assert.match(await step.locator(".tree svg").getAttribute("aria-label"), /to the sealed root/);
  });

  await step("steps are filtered by actor, outcome and text", async () => {
    const shown = () => page.locator(".timeline > .step").count();
    const all = await shown();
    await page.getByLabel("Actor").selectOption("human");
    assert.equal(await shown(), 1);
    await page.getByLabel("Actor").selectOption("");
    await page.getByLabel("Outcome").selectOption("denied");
    assert.ok((await shown()) >= 2 && (await shown()) < all);
    assert.equal(await page.locator(".timeline > .step:not(.bad)").count(), 0);
    await page.getByLabel("Outcome").selectOption("");
    await page.getByLabel("Text in kind or payload").fill("not sealed yet");
    assert.equal(await shown(), 1);
    await page.getByLabel("Text in kind or payload").fill("");
    assert.equal(await shown(), all);
  });

  await step("a case of 500 steps is drawn within 300 ms", async () => {
    const entries = Array.from({ length: 500 }, (_, n) => ({ kind: n % 9 === 4 ? "gate.check" : "note", payload: { correlation_id: "long", n, ...(n % 9 === 4 ? { denied: n % 2 === 0 } : {}) } }));
    for (const entry of entries) {
      await api("POST", "/v1/entries", entry);
    }
    await api("POST", "/v1/seal", {});
    await go(page, "#/case/long");
    const took = await page.evaluate(async () => {
      const { verifyBundle } = await import("/page/bundle.js");
      const { custody } = await import("/page/custody.js");
      const { token } = await import("/page/token.js");
      const answer = await fetch("/v1/bundle?correlation=long", { headers: { Authorization: `Bearer ${token()}` } });
      const found = await verifyBundle(new Uint8Array(await answer.arrayBuffer()));
      const place = document.createElement("div");
      document.getElementById("view").append(place);
      const start = performance.now();
      place.append(custody(found.entries, { checked: true, documents: found.documents }));
      await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
      const end = performance.now();
      const drawn = place.querySelector(".lanes svg") !== null;
      place.remove();
      return { entries: found.entries.length, drawn, ms: Math.round(end - start) };
    });
    console.log(`   ${JSON.stringify(took)}`);
    assert.ok(took.entries === 500 && took.drawn);
    assert.ok(took.ms <= Number(process.env.MOST_MS ?? 300), `${took.ms} ms`);
    assert.ok(await page.locator(".step.run").count() > 5, "runs of the same are folded");
  });
}

export async function heldSteps(page) {
  await step("after a revoked place nothing is green, and what stands before it is", async () => {
    const reader = await open();
    await reader.goto(base);
    await settled(reader);
    await trust(reader, { key: KEY, token: TOKEN });
    await reader.evaluate(() => document.getElementById("view").setAttribute("aria-busy", "true"));
    await reader.setInputFiles("#held", REVOKED);
    await settled(reader);
    await isState(reader, "failed");
    for (const [hash, state] of [["#/entry/5", "verified"], ["#/entry/301", "failed"], ["#/case/order-7", "failed"], ["#/case/run-30", "verified"]]) {
      await go(reader, hash);
      await isState(reader, state);
    }
    await go(reader, "#/entry/301");
    assert.match(await reader.locator(".verdict").first().innerText(), /untrusted_key at entry 301: .*stolen <b>on Sunday<\/b>/);
    await unharmed(reader);
    await reader.context().close();
  });

  await step("the checkpoint, its witnesses and the time that they say are shown by the reader's policy alone", async () => {
    const [a, b, c] = ["a.example/w", "b.example/w", "c.example/w"].map(witness);
    const policy = `${a.line}${b.line}${c.line}group two 2 a b c\nquorum two\n`;
    const now = Math.floor(Date.now() / 1000);
    const reader = await open();
    let lines = (note) => a.cosign(note, now + 60) + b.cosign(note, now + 90);
    await reader.route(/\/log\/checkpoint$/, async (route) => {
      const note = await (await route.fetch()).text();
      await route.fulfill({ body: note + lines(note), contentType: "text/plain" });
    });
    await reader.goto(base);
    await settled(reader);
    await trust(reader, { key: KEY, token: TOKEN });
    const card = () => reader.locator("section", { has: reader.locator("#h-public") }).innerText();
    assert.match(await card(), /browser\.example\/log[^]*a\.example\/w, b\.example\/w[^]*nothing is claimed/);
    await reader.evaluate(() => document.getElementById("view").setAttribute("aria-busy", "true"));
    await reader.setInputFiles("#held", { name: "policy", mimeType: "text/plain", buffer: Buffer.from(policy) });
    await settled(reader);
    const iso = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
    assert.ok((await card()).includes(`a quorum, not later than ${iso(now + 90)} UTC`), await card());
    await go(reader, "#/entry/5");
    const shown = () => reader.locator("main").innerText();
    assert.ok((await shown()).includes(`not later than ${iso(now + 90)} UTC, by a, b`), await shown());
    // One witness is not a quorum, a false cosignature makes the note worthless, another tree is not this log's.
    lines = (note) => a.cosign(note, now);
    await go(reader, "#/");
    assert.match(await card(), /no quorum/);
    lines = (note) => a.cosign(note, now) + b.cosign(note.replace(/\n(\d+)\n/, "\n1$1\n"), now);
    await go(reader, "#/entry/5");
    assert.ok(!(await shown()).includes("not later than"));
    await go(reader, "#/");
    assert.match(await card(), /checkpoint not valid[^]*is false/);
    lines = (note) => a.cosign(note, now) + b.cosign(note, now);
    await reader.route(/\/log\/tile\/0\//, async (route) => {
      const body = await (await route.fetch()).body();
      body[40] ^= 1;
      await route.fulfill({ body, contentType: "application/octet-stream" });
    });
    await go(reader, "#/entry/5");
    assert.ok(!(await shown()).includes("not later than"), "a changed tile shows no time");
    await reader.context().close();
  });
}
