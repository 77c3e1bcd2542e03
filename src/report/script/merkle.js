// The epoch tree: the shape of RFC 6962 over BLAKE2b-256.

import { blake2b } from "./blake2b.js";
import { join } from "./bytes.js";

export function leafHash(entryHash, signature) {
  return blake2b(join(Uint8Array.of(0), entryHash, signature));
}

export function nodeHash(left, right) {
  return blake2b(join(Uint8Array.of(1), left, right));
}

// On which side each sibling stands on the way from leaf `index` up to the root
// of `size` leaves; null if there is no such leaf. RFC 6962 §2.1.1, from the
// root down: split at the largest power of two below the size. Plain division,
// since bitwise operators end at 2^31.
export function sidesOf(index, size) {
  if (!(index >= 0 && index < size)) {
    return null;
  }
  const sides = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    let half = 1;
    while (half * 2 < end - start) {
      half *= 2;
    }
    if (index < start + half) {
      sides.push("right");
      end = start + half;
    } else {
      sides.push("left");
      start += half;
    }
  }
  return sides.reverse();
}

// Every step from a leaf to the root; null if the path has not the length that
// index and size demand, which is looked at before anything is hashed.
export function climb(index, size, leaf, path, combine = nodeHash) {
  const sides = sidesOf(index, size);
  if (sides === null || sides.length !== path.length) {
    return null;
  }
  let node = leaf;
  return sides.map((side, at) => {
    const sibling = path[at];
    node = side === "right" ? combine(node, sibling) : combine(sibling, node);
    return { side, sibling, node };
  });
}

// The levels of the complete subtrees of the leaves [at, end), from the left (format
// §2.5).
export function subtrees(at, end) {
  const levels = [];
  let [from, left] = [at, end - at];
  while (left > 0) {
    let level = 0;
    while (2 ** (level + 1) <= left && from % 2 ** (level + 1) === 0) {
      level += 1;
    }
    levels.push(level);
    from += 2 ** level;
    left -= 2 ** level;
  }
  return levels;
}

export function leavesIn(nodes) {
  return nodes.reduce((sum, [level]) => sum + 2 ** level, 0);
}

// The root of a tree of such subtrees, `[level, node]` from the left; null of none.
export function rootOf(nodes, combine = nodeHash) {
  const stack = [];
  for (let [level, node] of nodes) {
    while (stack.at(-1)?.[0] === level) {
      [level, node] = [level + 1, combine(stack.pop()[1], node)];
    }
    stack.push([level, node]);
  }
  return stack.length === 0 ? null : stack.map(([, node]) => node).reduceRight((right, left) => combine(left, right));
}
