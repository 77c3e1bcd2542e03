// A browser, the page in it, and what is asked of it again and again.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { MODULES, URL: base, TOKEN, SHOTS } = process.env;
const require = createRequire(`${MODULES}/x.js`);
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
mkdirSync(SHOTS, { recursive: true });

export const api = async (method, path, body) => {
  const answer = await fetch(base + path, {
    method,
    headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
};

export const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

export const noise = [];

export async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.on("pageerror", (error) => noise.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // A refused token is answered 401, and an entry without a seal 409.
    if (message.type() === "error" && !/status of (401|404|409|503)/.test(message.text())) {
      noise.push(`console: ${message.text()}`);
    }
  });
  page.on("dialog", (dialog) => noise.push(`dialog: ${dialog.message()}`));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(base) && !url.startsWith("file:") && !url.startsWith("blob:") && !url.startsWith("data:")) {
      noise.push(`request: ${url}`);
    }
  });
  if (process.env.PAGE_FROM) {
    await fromDisk(page);
  }
  return page;
}

// While the page is worked on: its files from the source and not from the binary.
async function fromDisk(page) {
  const types = { js: "text/javascript", css: "text/css", svg: "image/svg+xml", html: "text/html" };
  const read = (path) => readFileSync(`${process.env.PAGE_FROM}/src/${path}`);
  await page.route(/\/(page\/[a-z0-9]+\.\w+)?$/, async (route) => {
    const name = new URL(route.request().url()).pathname.split("/").at(-1) || "page.html";
    const contentType = types[name.split(".").at(-1)];
    if (name === "look.css") {
      return route.fulfill({ body: Buffer.concat([read("report/look.css"), read("report/drawn.css")]), contentType });
    }
    if (name === "page.html") {
      return route.fulfill({ body: String(read("serve/page/page.html")).replace("{{scripts}}\n", ""), contentType });
    }
    for (const folder of ["serve/page", "report/script"]) {
      try {
        return await route.fulfill({ body: read(`${folder}/${name}`), contentType });
      } catch { /* the next folder */ }
    }
    return route.continue();
  });
}

export async function settled(page, hash) {
  if (hash !== undefined) {
    await page.evaluate((to) => { location.hash = to; }, hash);
  }
  await page.waitForFunction(() => !document.getElementById("view").hasAttribute("aria-busy"));
  await page.waitForTimeout(150);
}

export async function go(page, hash) {
  await page.evaluate((to) => {
    document.getElementById("view").setAttribute("aria-busy", "true");
    location.hash = to;
  }, hash);
  await settled(page);
}

export async function trust(page, { key, token }) {
  if (!(await page.locator("#trust").evaluate((panel) => panel.open))) {
    await page.locator("#trust > summary").click();
  }
  if (key !== undefined) await page.fill("#key", key);
  if (token !== undefined) await page.fill("#token", token);
  await page.evaluate(() => document.getElementById("view").setAttribute("aria-busy", "true"));
  await page.click("#trust-form button");
  await settled(page);
}

export const word = (page) => page.locator(".verdict .word").first().innerText();
export const isState = async (page, state) => assert.ok(await page.locator(`.verdict.${state}`).count() > 0, `${state} wanted: ${await word(page)}: ${await page.locator(".verdict").first().innerText()}`);

// Nothing of what entries say became an element, ran, or was asked for.
export async function unharmed(page) {
  const found = await page.evaluate(() => ({
    hacked: window.hacked,
    elements: document.querySelectorAll("main img, main script, main iframe, main object, main [onerror], main [onload], main svg[onload]").length,
  }));
  assert.deepEqual(found, { hacked: undefined, elements: 0 });
}

export async function shoot(page, name) {
  for (const [size, width, height] of [["desktop", 1280, 900], ["phone", 390, 844]]) {
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(200);
      await accessible(page, `${name} at ${width}, ${colorScheme}`);
      await page.screenshot({ path: `${SHOTS}/${name}-${size}-${colorScheme}.png`, fullPage: true });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 1, `${name} is ${wide} pixels too wide at ${width}`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
}

// What axe-core finds wrong for people who use other senses, or a keyboard.
export async function accessible(page, name) {
  if (!(await page.evaluate(() => "axe" in globalThis))) {
    await page.evaluate(AXE);
  }
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.length} such, ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary}`);
  assert.deepEqual(found, [], name);
}

export async function step(name, work) {
  await work();
  assert.deepEqual(noise, [], `after: ${name}`);
  console.log(`ok ${name}`);
}

// A witness of this test's own: its line of a policy, and its cosignature under a note.
export function witness(name) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = Buffer.concat([Buffer.of(4), publicKey.export({ type: "spki", format: "der" }).subarray(-32)]);
  const id = createHash("sha256").update(`${name}\n`).update(key).digest().subarray(0, 4);
  const cosign = (note, seconds) => {
    const text = note.slice(0, note.lastIndexOf("\n\n") + 1);
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(seconds));
    const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`), privateKey);
    return `\u2014 ${name} ${Buffer.concat([id, time, signature]).toString("base64")}\n`;
  };
  return { line: `witness ${name.split(".")[0]} ${name}+${id.toString("hex")}+${key.toString("base64")}\n`, cosign };
}
