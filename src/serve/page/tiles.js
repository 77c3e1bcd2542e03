// Tiles of the public log, as far as one entry needs them (c2sp.org/tlog-tiles). Nothing in
// them is believed: what they give must lead to a root that was signed.

import { askBytes, askText, Refused } from "./ask.js";
import { rootOf, subtrees } from "./merkle.js";
import { hashLeaf, hashNode } from "./note.js";

const HEIGHT = 8;
const WIDTH = 2 ** HEIGHT;

// The published checkpoint, or null where nothing is published.
export async function fetchCheckpoint() {
  try {
    return await askText("/log/checkpoint");
  } catch (error) {
    if (error instanceof Refused && error.status === 404) {
      return null;
    }
    throw error;
  }
}

// The hashes of a tree that has `size` entries.
export function tilesOf(size) {
  const tiles = new Map();
  const tile = (level, index) => {
    const key = `${level}/${index}`;
    if (!tiles.has(key)) {
      const width = Math.min(WIDTH, Math.floor(size / 2 ** (HEIGHT * level)) - index * WIDTH);
      const path = `/log/tile/${level}/${nameOf(index)}`;
      tiles.set(key, askBytes(width < WIDTH ? `${path}.p/${width}` : path));
    }
    return tiles.get(key);
  };
  // The hash of the complete subtree of 2^level leaves that is the `index`th.
  const node = async (level, index) => {
    const height = Math.floor(level / HEIGHT);
    const first = index * 2 ** (level - HEIGHT * height);
    const bytes = await tile(height, Math.floor(first / WIDTH));
    const count = 2 ** (level - HEIGHT * height);
    const from = first % WIDTH;
    const hashes = Array.from({ length: count }, (_, at) => [0, bytes.slice(32 * (from + at), 32 * (from + at + 1))]);
    return rootOf(hashes, hashNode);
  };
  return { node };
}

// Three digits a part, all but the last after an x.
function nameOf(index) {
  const parts = [String(index % 1000).padStart(3, "0")];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    parts.unshift(`x${String(rest % 1000).padStart(3, "0")}`);
  }
  return parts.join("/");
}

// The root over the first `size` entries, out of tiles and, where `seq` is one of them, of
// the leaf of that entry.
export async function rootWith({ node }, size, seq, leaf) {
  let first = 0;
  const nodes = [];
  for (const level of subtrees(0, size)) {
    const end = first + 2 ** level;
    const within = seq >= first && seq < end;
    nodes.push([level, within ? await climbed(node, level, seq, leaf) : await node(level, first / 2 ** level)]);
    first = end;
  }
  return rootOf(nodes, hashNode);
}

async function climbed(node, top, seq, leaf) {
  let hash = hashLeaf(leaf);
  for (let level = 0; level < top; level += 1) {
    const index = Math.floor(seq / 2 ** level);
    const sibling = await node(level, index % 2 === 0 ? index + 1 : index - 1);
    hash = index % 2 === 0 ? hashNode(hash, sibling) : hashNode(sibling, hash);
  }
  return hash;
}
