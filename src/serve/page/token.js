// The token that the server may want. It is kept in memory and nowhere else:
// with the page it is gone.

let current = "";
const listeners = new Set();

export function token() {
  return current;
}

export function setToken(text) {
  current = text.trim();
  listeners.forEach((tell) => tell({ refused: false, given: current !== "" }));
}

// The server wanted one, or another.
export function tokenRefused(status, given) {
  listeners.forEach((tell) => tell({ refused: true, status, given }));
}

export function onToken(listener) {
  listeners.add(listener);
}
