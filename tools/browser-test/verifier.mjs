// The verifier as one file, without a server: every sort of evidence, whole and broken, must
// come to what the command line says.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

import { open, shoot, step, unharmed, witness } from "./harness.mjs";

const { SEALBOOK, KEY, PUBLIC, REVOKED, SHOTS } = process.env;
const out = (name) => `${SHOTS}/../${name}`;
const run = (...args) => execFileSync(SEALBOOK, args, { stdio: ["ignore", "pipe", "ignore"] });
const file = (name, buffer) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(buffer) });

const word = (page) => page.locator(".verdict .word").first().innerText();

// The page afresh, with these files dropped.
async function dropped(page, files, key = KEY) {
  await page.reload();
  await page.fill("#drop-key", key);
  await page.evaluate((given) => {
    const transfer = new DataTransfer();
    for (const { name, base64 } of given) {
      transfer.items.add(new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], name));
    }
    for (const type of ["dragover", "drop"]) {
      document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
    }
  }, files.map(({ name, buffer }) => ({ name, base64: buffer.toString("base64") })));
  await page.waitForSelector(".verdict:not(.busy), .given .chip.bad");
  await page.waitForFunction(() => !document.querySelector(".verdict.busy"));
}

const state = async (page) => (await page.locator(".verdict").first().getAttribute("class")).replace("verdict ", "");

export async function verifierSteps({ bundlePath, reportPath, CASE }) {
  run("page", "-o", out("verify.html"), "--force");
  run("export", "-o", out("whole.bundle.zst"), "--force");
  run("export", "-o", out("whole.bundle"), "--force");
  run("export", "--format", "logbook", "-o", out("book.jsonl"), "--force");
  run("prove", "5", "-o", out("five.proof"), "--force");
  const bytes = (path) => readFileSync(path);
  const page = await open({ offline: true });
  await page.goto(pathToFileURL(out("verify.html")).href);

  await step("one file verifies bundles, proofs, logbooks and reports without a server", async () => {
    for (const [path, covers] of [
      [bundlePath, new RegExp(`of case ${CASE}`)], [out("whole.bundle"), /every one of them/], [out("whole.bundle.zst"), /every one of them/],
      [out("five.proof"), /entry 5 of the log/], [out("book.jsonl"), /a logbook of/], [reportPath, /entries/],
    ]) {
      await dropped(page, [file(path.split("/").at(-1), bytes(path))]);
      assert.equal(await state(page), "verified", `${path}: ${await page.locator(".verdict").first().innerText()}`);
      assert.match(await word(page), covers, path);
      await unharmed(page);
    }
  });

  await step("what is dropped and broken says what the command line says", async () => {
    for (const path of [bundlePath, out("whole.bundle"), out("five.proof"), out("book.jsonl")]) {
      const text = String(bytes(path));
      for (const change of [(one) => one.replace('"tenant_id":"acme"', '"tenant_id":"acmf"'), (one) => one.slice(0, -200), (one) => one.replace(/"signature":"(.)/, (_, digit) => `"signature":"${digit === "0" ? 1 : 0}`)]) {
        const changed = change(text);
        if (changed === text) continue;
        const name = `changed.${path.split(".").at(-1)}`;
        writeFileSync(out(name), changed);
        const said = JSON.parse(spawnSync(SEALBOOK, ["--json", "verify", out(name), "--key", KEY], { encoding: "utf8" }).stdout);
        assert.equal(said.verdict, "fail");
        await dropped(page, [file(name, changed)]);
        assert.equal(await state(page), "failed");
        const codes = said.faults.map((fault) => fault.code);
        const shown = await page.locator(".verdict").first().innerText();
        assert.ok(codes.some((code) => shown.includes(code)), `${name}: ${codes} in ${shown}`);
      }
    }
  });

  await step("without a key nothing dropped is green, and another key fails it", async () => {
    const book = file("a.bundle", bytes(bundlePath));
    await dropped(page, [book], "");
    assert.equal(await state(page), "unconfirmed");
    await dropped(page, [book], "00".repeat(32));
    assert.equal(await state(page), "failed");
    await dropped(page, [book, file("key.txt", `${KEY}\n`)], "");
    assert.equal(await state(page), "verified");
    await dropped(page, [file("cat.png", "\u0089PNG no evidence")]);
    assert.equal(await state(page), "failed");
    assert.match(await page.locator(".verdict").first().innerText(), /not_recognised/);
  });

  await step("heads are held against what is dropped", async () => {
    run("head", "-o", out("head.json"), "--force");
    const head = bytes(out("head.json"));
    await dropped(page, [file("book.jsonl", bytes(out("book.jsonl"))), file("head.json", head)]);
    assert.equal(await state(page), "verified");
    assert.ok(!(await page.locator(".verdict").first().innerText()).includes("whether entries after the last one"));
    const cut = String(bytes(out("book.jsonl"))).trimEnd().split("\n").slice(0, -1).map((line) => `${line}\n`).join("");
    await dropped(page, [file("book.jsonl", cut), file("head.json", head)]);
    assert.equal(await state(page), "failed");
    assert.match(await page.locator(".verdict").first().innerText(), /head_not_contained/);
  });

  await step("a revocation is judged as the command line judges it", async () => {
    const revoked = file("revoked.json", bytes(REVOKED));
    for (const path of [bundlePath, out("whole.bundle"), out("five.proof"), out("book.jsonl")]) {
      const said = JSON.parse(spawnSync(SEALBOOK, ["--json", "verify", path, "--key", KEY, "--revoked", REVOKED], { encoding: "utf8" }).stdout);
      await dropped(page, [file(path.split("/").at(-1), bytes(path)), revoked]);
      assert.equal(await state(page), said.verdict === "pass" ? "verified" : "failed", path);
      const shown = await page.locator(".verdict").first().innerText();
      assert.ok(said.verdict === "pass" || shown.includes(said.faults[0].code), `${path}: ${JSON.stringify(said.faults[0])} in ${shown}`);
      await unharmed(page);
    }
    const report = await open({ offline: true });
    await report.goto(pathToFileURL(reportPath).href);
    await report.fill("#key", KEY);
    await report.waitForSelector(".verdict.verified");
    await report.setInputFiles("#held", REVOKED);
    await report.waitForSelector(".verdict.failed");
    assert.match(await report.locator(".verdict").first().innerText(), /untrusted_key: .*stolen|untrusted_key at entry/);
    await report.context().close();
  });

  await step("a proof of the public log and a policy bound the time of an entry, in verifier and report", async () => {
    const [a, b] = ["a.example/w", "b.example/w"].map(witness);
    const policy = file("policy", `${a.line}${b.line}group two all a b\nquorum two\n`);
    const seq = /"entry":\{"kind":"wcp\.decision".*?"seq":(\d+),"signature"/.exec(String(bytes(bundlePath)))[1];
    run("prove", seq, "--tlog", PUBLIC, "-o", out("one.tlog-proof"), "--force");
    const text = String(bytes(out("one.tlog-proof")));
    const note = text.slice(text.indexOf("\n\n") + 2);
    const now = Math.floor(Date.now() / 1000);
    const said = `not later than ${new Date((now + 20) * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC, by a, b`;
    const proof = file("one.tlog-proof", text + a.cosign(note, now + 10) + b.cosign(note, now + 20));
    const evidence = file("case.bundle", bytes(bundlePath));
    await dropped(page, [evidence, policy, proof]);
    assert.ok((await page.locator(`#step-${seq}`).innerText()).includes(said));
    assert.equal(await state(page), "verified");
    assert.equal(await page.locator(".step .chip", { hasText: "not later than" }).count(), 1, "of the others nothing is claimed");
    await dropped(page, [evidence, proof]);
    assert.equal(await page.locator(".step .chip", { hasText: "not later than" }).count(), 0, "without a policy nothing is claimed");
    await dropped(page, [evidence, policy, file("one.tlog-proof", text + a.cosign(note, now + 10))]);
    assert.match(await page.locator("main").innerText(), /no quorum of the policy/);
    assert.equal(await state(page), "failed");
    assert.match(await page.locator(".verdict").first().innerText(), /quorum_missing: no checkpoint here has the quorum/);
    // Signatures by ML-DSA are not judged here: what hangs on them is never green.
    const ml = Buffer.concat([Buffer.of(6), Buffer.alloc(1312, 7)]);
    const id = createHash("sha256").update("q.example/w\n").update(ml).digest().subarray(0, 4);
    const asks = (quorum) => file("policy", `${a.line}witness q q.example/w+${id.toString("hex")}+${ml.toString("base64")}\ngroup both all a q\nquorum ${quorum}\n`);
    const signed = file("one.tlog-proof", `${text}${a.cosign(note, now + 10)}\u2014 q.example/w ${Buffer.concat([id, Buffer.alloc(2428, 1)]).toString("base64")}\n`);
    await dropped(page, [evidence, asks("both"), signed]);
    assert.equal(await state(page), "unconfirmed");
    assert.match(await page.locator(".verdict").first().innerText(), /hangs on signatures by ML-DSA, which this page does not judge/);
    await dropped(page, [evidence, asks("a"), signed]);
    assert.equal(await state(page), "verified");
    assert.match(await page.locator(".verdict").first().innerText(), /Not shown by this: [^]*the ML-DSA signatures of q/);
    const report = await open({ offline: true });
    await report.goto(pathToFileURL(reportPath).href);
    await report.fill("#key", KEY);
    await report.setInputFiles("#held", [policy, proof]);
    await report.waitForFunction((wanted) => document.querySelector("#steps").textContent.includes(wanted), said);
    await report.waitForSelector(".verdict.verified");
    await report.context().close();
  });

  await step("what the index shows to be complete is said to be, and what is not is not", async () => {
    for (const [name, said] of [["order-1", /complete by the log's signed index up to entry \d+ \(epoch \d+\)/], ["no-zeta", /0 entries of tenant zeta, complete/]]) {
      const root = new URL("../../fixtures/ledgers/v2/", import.meta.url);
      const key = String(readFileSync(new URL("key.txt", root))).trim();
      await dropped(page, [file(`${name}.bundle`, readFileSync(new URL(`${name}.bundle`, root)))], key);
      assert.equal(await state(page), "verified");
      assert.match(await word(page), said);
    }
    // Of a log without an index.
    const plain = new URL("../../fixtures/format/", import.meta.url);
    const key = String(readFileSync(new URL("key.txt", plain))).trim();
    await dropped(page, [file("plain.bundle", readFileSync(new URL("selection.v2.bundle", plain)))], key);
    assert.ok(!(await word(page)).includes("complete"));
    assert.match(await page.locator(".verdict").first().innerText(), /Not shown by this: .*whether entries that belong to the case were left out/);
  });

  await step("the verifier is shown well, and for everybody", async () => {
    await dropped(page, [file("case.bundle", bytes(bundlePath))]);
    await page.locator(".step > details > summary").first().click();
    await shoot(page, "verifier");
  });
  await page.context().close();
}
