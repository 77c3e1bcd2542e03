// The page: which view the address names, the auditor's key, the server's token.

import { Refused } from "./ask.js";
import { banner } from "./banner.js";
import { showCase } from "./case.js";
import { el, foreign, replace } from "./dom.js";
import { onTrustedKey, setTrustedKey, trustedKey, typedKey } from "./keys.js";
import { showEntry } from "./one.js";
import { overview } from "./overview.js";
import { search } from "./search.js";
import { onToken, setToken } from "./token.js";

const view = document.getElementById("view");
let turn = 0;

// `#/case/ID`, `#/entry/ID`, `#/search?…`, and the overview for all else.
function route() {
  const [path, parameters = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, id = ""] = path.split("/");
  const given = () => decodeURIComponent(id);
  switch (name) {
    case "case":
      return ["Case", (place) => showCase(place, given())];
    case "entry":
      return ["Entry", (place) => showEntry(place, given())];
    case "search":
      return ["Search", (place) => search(place, new URLSearchParams(parameters))];
    default:
      return ["Overview", overview];
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
  const text = key === null ? "no trusted key given" : key === undefined ? "not a key: 64 hex digits are needed" : `trusted key ${key.slice(0, 8)}\u2026`;
  document.getElementById("trust-state").textContent = text;
  panel.dataset.state = key ? "given" : "open";
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
onTrustedKey(() => {
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
