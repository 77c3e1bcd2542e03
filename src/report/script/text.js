// Text that somebody else wrote, made safe to look at: what would be invisible
// or turn the direction of what stands beside it is shown as its code point.

// Controls, joiners and marks of width zero, bidirectional controls, separators
// of lines, variation selectors, tags, private use, what is not a character.
const HIDDEN =
  /[\u0000-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff]|[\u{e0000}-\u{e0fff}\u{f0000}-\u{10ffff}]/gu;

export function visible(text) {
  return text.replace(HIDDEN, (character) => {
    const code = character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    return `\u27e8U+${code}\u27e9`;
  });
}

// The same for text of several lines, which keeps its line ends and tabs.
export function visibleLines(text) {
  return text.split("\n").map((line) => line.split("\t").map(visible).join("\t")).join("\n");
}

// Cut to `length` characters, none of them in half.
export function shortened(text, length) {
  const characters = Array.from(text);
  return characters.length > length ? `${characters.slice(0, length).join("")}\u2026` : text;
}

// A hash as it fits into a line; the whole one stands in the title.
export function shortHash(hash) {
  return `${hash.slice(0, 8)}\u2026${hash.slice(-8)}`;
}
