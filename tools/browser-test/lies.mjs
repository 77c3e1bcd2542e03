// What a malicious server may answer, for every endpoint that the page uses: true data of
// another place, old data, less data, unsigned data. The key that the reader typed is the
// true one; the page must not be green for any of it.

const script = new URL("../../src/report/script/", import.meta.url);
const { blake2b } = await import(new URL("blake2b.js", script));
const { toHex } = await import(new URL("bytes.js", script));

const utf8 = (text) => new TextEncoder().encode(text);

// The lines closed anew by somebody without the key: the counts are right.
export function unsigned(lines) {
  const opening = JSON.parse(lines[0]).sealbook;
  const body = lines.map((line) => `${line}\n`).join("");
  const count = (name) => lines.filter((line) => line.startsWith(`{"${name}":`)).length;
  const closing = {
    bytes: utf8(body).length,
    documents: count("document"),
    entries: count("entry"),
    epochs: count("epoch"),
    filter: null,
    format: opening.format,
    genesis: opening.genesis,
    hash: toHex(blake2b(utf8(body))),
    log: opening.log,
  };
  return `${body}${JSON.stringify({ bundle: closing })}\n`;
}

const linesOf = (text) => text.trimEnd().split("\n");
const withoutEntries = (text) => {
  const lines = linesOf(text).slice(0, -1);
  return unsigned(lines.filter((line) => !/^\{"(entry|epoch|document)":/.test(line)));
};
const withoutOne = (text) => {
  const lines = linesOf(text).slice(0, -1);
  const at = lines.findLastIndex((line) => line.startsWith('{"entry":'));
  return unsigned(lines.toSpliced(at, 1));
};

// Each: where the page is, which endpoint lies, how (`ask` asks the true server), and the
// colours that are right.
export function lies({ CASE, OTHER, early }) {
  const bundle = /\/v1\/bundle\?/;
  const list = /\/v1\/entries\?/;
  const head = /\/v1\/head$/;
  const epochs = /\/v1\/epochs/;
  const one = /\/v1\/entries\/\d+$/;
  const view = `#/case/${CASE}`;
  const other = (url) => url.replace(encodeURIComponent(CASE), encodeURIComponent(OTHER));
  const changed = (edit) => async (url, ask) => edit(await ask(url));
  const json = (edit) => changed((text) => {
    const value = JSON.parse(text);
    edit(value);
    return JSON.stringify(value);
  });
  const bad = ["failed", "unconfirmed", "unable"];
  return [
    ["the bundle of another case", view, [[bundle, (url, ask) => ask(other(url))]], ["failed"]],
    ["another case in bundle and list", view, [[bundle, (url, ask) => ask(other(url))], [list, (url, ask) => ask(other(url))]], ["failed"]],
    ["a bundle that nobody signed", view, [[bundle, changed((text) => unsigned(linesOf(text).slice(0, -1)))]], ["failed"]],
    ["an empty bundle that nobody signed, and an empty list", view, [[bundle, changed(withoutEntries)], [list, json((value) => { value.entries = []; })]], ["failed"]],
    ["an entry less, and nobody's closing record", view, [[bundle, changed(withoutOne)], [list, json((value) => { value.entries.pop(); })]], ["failed"]],
    ["an entry of another case in the list", view, [[list, async (url, ask) => {
      const value = JSON.parse(await ask(url));
      value.entries.push(...JSON.parse(await ask(other(url))).entries);
      return JSON.stringify(value);
    }]], ["failed"]],
    ["the list of another case", view, [[list, (url, ask) => ask(other(url))]], ["failed"]],
    ["one entry under another's number", "#/entry/5", [[one, (url, ask) => ask(url.replace(/\d+$/, (n) => String(Number(n) - 1)))]], ["failed"]],
    ["one entry renumbered, as if not sealed", "#/entry/5", [[one, async (url, ask) => {
      const n = Number(/\d+$/.exec(url)[0]);
      const value = JSON.parse(await ask(url.replace(/\d+$/, String(n - 3))));
      value.entry.seq = n;
      value.epoch = null;
      return JSON.stringify(value);
    }]], bad],
    ["one entry as if not sealed", "#/entry/2", [[one, json((value) => { value.epoch = null; })]], bad],
    ["a changed payload", "#/entry/2", [[one, changed((text) => text.replace(/"payload":\{/, '"payload":{"x":1,'))]], ["failed"]],
    ["another head", "#/", [[head, json((value) => { value.head.seq += 1; })]], ["failed"]],
    ["an old head", "#/", [[head, async () => early]], bad],
    ["no epochs", "#/", [[epochs, json((value) => { value.epochs = []; })]], bad],
    ["an old list of epochs", "#/", [[epochs, json((value) => { value.epochs = value.epochs.slice(0, -1); })]], bad],
    ["another root", "#/", [[epochs, changed((text) => text.replace(/"root":"../, '"root":"zz'.replace("zz", "00")))]], ["failed"]],
  ];
}
