// What a malicious server may answer, for every endpoint that the page uses: true data of
// another place, old data, less data, unsigned data. The key that the reader typed is the
// true one; the page must not be green for any of it.

const script = new URL("../../src/report/script/", import.meta.url);
const { blake2b } = await import(new URL("blake2b.js", script));
const { toHex } = await import(new URL("bytes.js", script));

const utf8 = (text) => new TextEncoder().encode(text);

// The lines closed again by somebody without the key: the counts are right.
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

// Each: where the page is, which endpoint lies, how (`ask` asks the true server), the
// colours that are right, and whether the reader has seen the truth before. (Of a selection
// nothing shows by itself that it is whole, or new: of what was not seen, the page says so.)
export function lies({ CASE, OTHER, early, before }) {
  const bundle = /\/v1\/bundle\?/;
  const list = /\/v1\/entries\?/;
  const head = /\/v1\/head$/;
  const epochs = /\/v1\/epochs/;
  const one = /\/v1\/entries\/\d+$/;
  const proof = /\/v1\/entries\/\d+\/proof$/;
  const refused = (status, code) => async () => ({ status, body: JSON.stringify({ error: { code, detail: "no" } }) });
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
    // Old data, under signatures that hold: what the case was before its last entry.
    ["the bundle of the case as it was", view, [[bundle, async () => before.bundle]], bad],
    ["the case as it was, after it was seen", view, [[bundle, async () => before.bundle], [list, async () => before.list]], bad, true],
    ["the case as it was, and the old head", view, [[bundle, async () => before.bundle], [list, async () => before.list], [head, async () => early]], bad],
    // Less data.
    ["no bundle, and a list that is sealed", view, [[bundle, refused(404, "not_found")]], bad],
    ["no bundle, and a list as if nothing were sealed", view, [[bundle, refused(404, "not_found")], [list, changed((text) => text.replace(/"epoch":\d+/g, '"epoch":null'))]], bad],
    ["no bundle and no list", view, [[bundle, refused(404, "not_found")], [list, json((value) => { value.entries = []; })]], bad],
    ["a bundle that ends in the middle", view, [[bundle, changed((text) => text.slice(0, text.length / 2))]], bad],
    ["a bundle without its closing record", view, [[bundle, changed((text) => `${linesOf(text).slice(0, -1).join("\n")}\n`)]], ["failed"]],
    ["a bundle without its first line", view, [[bundle, changed((text) => `${linesOf(text).slice(1).join("\n")}\n`)]], bad],
    ["a bundle twice", view, [[bundle, changed((text) => text + text)]], ["failed"]],
    ["a bundle and more behind it", view, [[bundle, changed((text) => `${text}{}\n`)]], ["failed"]],
    ["a bundle with other line ends", view, [[bundle, changed((text) => text.replaceAll("\n", "\r\n"))]], bad],
    ["an empty answer for a bundle", view, [[bundle, async () => ""]], bad],
    ["a page for a bundle", view, [[bundle, async () => "<!doctype html><p>fine"]], bad],
    // True data of another place.
    ["the bundle of all entries", view, [[bundle, (url, ask) => ask(url.replace(/\?.*/, ""))]], bad],
    ["the bundle of a kind", view, [[bundle, (url, ask) => ask(url.replace(/\?.*/, "?kind=note"))]], bad],
    ["the bundle of another case under this one's filter", view, [[bundle, async (url, ask) => (await ask(other(url))).replaceAll(OTHER, CASE)]], ["failed"]],
    ["a bundle whose closing record is another's", view, [[bundle, async (url, ask) => `${linesOf(await ask(url)).slice(0, -1).join("\n")}\n${linesOf(await ask(other(url))).at(-1)}\n`]], ["failed"]],
    ["the proof of another entry", "#/entry/2", [[proof, (url, ask) => ask(url.replace(/\d+\/proof/, "1/proof"))]], ["failed"]],
    ["no proof of an entry that is sealed", "#/entry/2", [[proof, refused(404, "not_found")]], bad],
    ["a proof with a step less", "#/entry/2", [[proof, json((value) => { value.path.pop(); })]], ["failed"]],
    ["a proof with a step more", "#/entry/2", [[proof, json((value) => { value.path.push(value.path[0] ?? "00".repeat(32)); })]], ["failed"]],
    ["a proof under another root", "#/entry/2", [[proof, changed((text) => text.replace(/"root":"../, '"root":"00'))]], ["failed"]],
    ["a proof under another number", "#/entry/2", [[proof, changed((text) => text.replace(/"first_seq":(\d+)/, (_, n) => `"first_seq":${Number(n) + 1}`))]], ["failed"]],
    ["a proof whose header nobody signed", "#/entry/2", [[proof, changed((text) => text.replace(/("epoch":\{.*?"signature":")[0-9a-f]{128}/, `$1${"00".repeat(64)}`))]], ["failed"]],
    ["another hash beside an entry", "#/entry/2", [[one, changed((text) => text.replace(/"hash":"../, '"hash":"00'))]], ["failed"]],
    ["an entry for one that is not there", "#/entry/99999", [[one, (url, ask) => ask(url.replace(/\d+$/, "2"))]], bad],
    ["the entry before is another", "#/entry/5", [[/\/v1\/entries\/4$/, (url, ask) => ask(url.replace(/\d+$/, "3"))]], bad],
    ["another head", "#/", [[head, json((value) => { value.head.seq += 1; })]], ["failed"]],
    ["an old head", "#/", [[head, async () => early]], bad],
    ["no epochs", "#/", [[epochs, json((value) => { value.epochs = []; })]], bad],
    ["an old head and no epochs", "#/", [[head, async () => early], [epochs, json((value) => { value.epochs = []; })]], bad],
    ["an old head and an old list of epochs", "#/", [[head, async () => early], [epochs, json((value) => { value.epochs = value.epochs.slice(0, -1); })]], bad],
    ["a head that nobody signed", "#/", [[head, changed((text) => text.replace(/"signature":"[0-9a-f]{128}"/, `"signature":"${"00".repeat(64)}"`))]], ["failed"]],
    ["a head of another log", "#/", [[head, changed((text) => text.replace(/"genesis":"../, '"genesis":"00'))]], ["failed"]],
    ["no head", "#/", [[head, refused(503, "stopping")]], bad],
    ["epochs in another order", "#/", [[epochs, json((value) => { value.epochs.reverse(); })]], bad],
    ["an epoch twice", "#/", [[epochs, json((value) => { value.epochs.push(value.epochs.at(-1)); })]], bad],
    ["an old list of epochs", "#/", [[epochs, json((value) => { value.epochs = value.epochs.slice(0, -1); })]], bad],
    ["another root", "#/", [[epochs, changed((text) => text.replace(/"root":"../, '"root":"zz'.replace("zz", "00")))]], ["failed"]],
  ];
}
