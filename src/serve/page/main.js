// The page: which view the address names, the auditor's key, the server's token.

import { Refused } from "./ask.js";
import { banner } from "./banner.js";
import { showCase } from "./case.js";
import { el, foreign, replace } from "./dom.js";
import { showDocument } from "./document.js";
import { dropView } from "./drop.js";
import { showEntry } from "./one.js";
import { overview } from "./overview.js";
import { search } from "./search.js";
import { onToken, setToken } from "./token.js";
import { forgetFiles, heldAgainst, onTrust, setTrustedKey, takeFile, trustedKey, typedKey } from "./trust.js";

const view = document.getElementById("view");
let turn = 0;

// `#/case/ID`, `#/entry/ID`, `#/document/DIGEST`, `#/search?…`, `#/verify`, and `#/`.
function route() {
  const [path, parameters = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, id = ""] = path.split("/");
  const given = () => decoded(id);
  switch (name) {
    case "case":
      return ["Case", (place) => showCase(place, given())];
    case "entry":
      return ["Entry", (place) => showEntry(place, given())];
    case "search":
      return ["Search", (place) => search(place, new URLSearchParams(parameters))];
    case "document":
      return ["Document", (place) => showDocument(place, given())];
    case "verify":
      return ["Verify a file", showDrop];
    case "":
      return ["Overview", overview];
    default:
      return ["Not found", (place) => showUnknown(place, name)];
  }
}

function showUnknown(place, name) {
  replace(place, el("h1", {}, "There is no such page"), el("p", {}, "This address names ", foreign(name, "code"), ", which is not a view of this page. There are the ",
    el("a", { href: "#/" }, "overview"), ", the ", el("a", { href: "#/search" }, "search"), " and the ", el("a", { href: "#/verify" }, "verifier of files"), "."));
}

// What was dropped stays until the page is left.
const dropped = dropView({ keyText: typedKey });

async function showDrop(place) {
  replace(place, el("h1", {}, "Verify a file"), el("p.subject", {}, "Drop a bundle, a proof, a logbook or a report here. It is verified in this browser, under the key above, and is not sent to the server."), dropped.view);
  await dropped.update();
}

// What is not a spelling of a text is nobody's name.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// Builds the view aside and puts it up when it is there, unless the reader has
// gone on meanwhile.
async function show() {
  turn += 1;
  const mine = turn;
  const [title, draw] = route();
  const next = el("div");
  view.setAttribute("aria-busy", "true");
  try {
    await draw(next);
  } catch (error) {
    replace(next, ...broken(error));
  }
  if (mine === turn) {
    replace(view, next);
    view.removeAttribute("aria-busy");
    document.title = `${title} \u2013 sealbook`;
    markCurrent(title);
  }
}

function broken(error) {
  const said = error instanceof Refused;
  const why = said && error.status === 404 ? "Nothing was found here." : said ? `The server answered: ${error.message}.` : `This could not be shown: ${error.message}.`;
  if (said && (error.status === 401 || error.code === "scope_missing")) {
    return [el("h1", {}, "A token is needed"), el("p", {}, "This server wants a bearer token with the scope ", el("code", {}, "read"), ". Enter it above under \u201cKey and token\u201d.")];
  }
  return [el("h1", {}, "Not shown"), banner({ state: "failed", why }), said ? null : el("p", {}, foreign(String(error.name)))];
}

function markCurrent(title) {
  for (const link of document.querySelectorAll("nav a")) {
    const current = link.textContent === title;
    link.toggleAttribute("data-current", current);
    current ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
}

const panel = document.getElementById("trust");
const keyInput = document.getElementById("key");
const tokenInput = document.getElementById("token");

function sayTrust() {
  const key = trustedKey();
  const text = key === null ? "no trusted key given" : key === undefined ? "not a key: hex, PEM or a fingerprint is needed" : `trusted key ${key.slice(0, key.startsWith("sha256:") ? 15 : 8)}\u2026`;
  document.getElementById("trust-state").textContent = text;
  panel.dataset.state = key ? "given" : "open";
  const { names } = heldAgainst();
  const forget = el("button.small", { type: "button", click: forgetFiles }, "Forget them");
  replace(document.getElementById("held-state"), names.length > 0 ? ["Held against the log: ", foreign(names.join(", ")), " ", forget] : null);
}

async function takeHeld(files) {
  for (const file of files) {
    try {
      await takeFile(file);
    } catch (error) {
      replace(document.getElementById("held-state"), foreign(`${file.name} was not taken: ${error.message}`, "span"));
    }
  }
}

keyInput.value = typedKey();
document.getElementById("trust-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (tokenInput.value !== "") {
    setToken(tokenInput.value);
    tokenInput.value = "";
  }
  setTrustedKey(keyInput.value);
  panel.open = false;
});
document.getElementById("held").addEventListener("change", (event) => takeHeld([...event.target.files]));
onTrust(() => {
  keyInput.value = typedKey();
  sayTrust();
  show();
});
onToken(({ refused, given }) => {
  document.getElementById("token-state").textContent = refused ? (given ? "The server did not accept this token." : "The server wants a token.") : "A token is kept until this page is left.";
  if (refused) {
    panel.open = true;
  }
});
document.getElementById("again").addEventListener("click", show);
addEventListener("hashchange", () => {
  if (location.hash === "" || location.hash.startsWith("#/")) {
    show().then(() => view.focus({ preventScroll: true }));
    scrollTo(0, 0);
  }
});
sayTrust();
show();
