// zstd (RFC 8878), decoded strictly: frames with data and nothing between or behind them,
// each checksum compared (format §2.6). Sections are those of the RFC.

import { backward, forward, fseTable, huffmanTable, readDistribution, xxh64 } from "./entropy.js";
import { NotGiven } from "./kept.js";

const MAGIC = 0xfd2fb528;
const MOST_WINDOW = 2 ** 27;
const MOST_BLOCK = 128 * 1024;

const LITERALS = lengths(16, 0, [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const MATCHES = lengths(32, 3, [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const OFFSETS = Array.from({ length: 32 }, (_, code) => [2 ** code, code]);

// 3.1.1.3.2.1.1: what a code stands for, as base and further bits. The first stand for
// themselves; the base of each after that follows from the one before.
function lengths(plain, least, bits) {
  const table = Array.from({ length: plain }, (_, code) => [code + least, 0]);
  let base = plain + least;
  for (const more of bits) {
    table.push([base, more]);
    base += 2 ** more;
  }
  return table;
}

const DEFAULTS = {
  literals: fseTable([4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1], 6),
  offsets: fseTable([1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1], 5),
  matches: fseTable([1, 4, 3, 2, 2, 2, 2, 2, 2, ...Array(37).fill(1), ...Array(7).fill(-1)], 6),
};
const SORTS = [["literals", LITERALS, 9], ["offsets", OFFSETS, 8], ["matches", MATCHES, 9]];

export function isZstd(bytes) {
  return bytes.length >= 4 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) === MAGIC;
}

function damaged(why) {
  throw new NotGiven("bundle_corrupt", `what is compressed with zstd is damaged: ${why}`);
}

// `{ plain, frames }`, of no more than `most` bytes.
export function decodeZstd(bytes, most) {
  const out = { bytes: new Uint8Array(Math.min(most, Math.max(1024, bytes.length * 8))), length: 0, most };
  let [at, frames] = [0, 0];
  try {
    while (at < bytes.length) {
      at = frame(bytes, at, out);
      frames += 1;
    }
  } catch (error) {
    throw error instanceof NotGiven ? error : new NotGiven("bundle_corrupt", "what is compressed with zstd is damaged or cut");
  }
  return { plain: out.bytes.subarray(0, out.length), frames };
}

function room(out, more) {
  const needed = out.length + more;
  if (needed > out.most) {
    throw new NotGiven("too_large", "it becomes more than 64 MiB: use `sealbook verify`");
  }
  if (needed > out.bytes.length) {
    const larger = new Uint8Array(Math.min(out.most, Math.max(needed, out.bytes.length * 2)));
    larger.set(out.bytes.subarray(0, out.length));
    out.bytes = larger;
  }
}

// Little-endian, of up to six bytes.
function little(bytes, at, count) {
  if (at + count > bytes.length) {
    damaged("it was cut");
  }
  let value = 0;
  for (let n = count - 1; n >= 0; n -= 1) {
    value = value * 256 + bytes[at + n];
  }
  return value;
}

// 3.1.1: gives where the next frame begins.
function frame(bytes, start, out) {
  if (little(bytes, start, 4) !== MAGIC) {
    damaged("something stands behind a frame, or a frame that is to be skipped");
  }
  const said = little(bytes, start + 4, 1);
  const single = (said & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][said & 3];
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][said >> 6];
  let at = start + 5;
  if ((said & 0x08) !== 0) {
    damaged("a bit that is reserved");
  }
  let window = 0;
  if (!single) {
    const byte = little(bytes, at, 1);
    window = 2 ** (10 + (byte >> 3)) * (1 + (byte & 7) / 8);
    at += 1;
  }
  if (dictionary > 0 && little(bytes, at, dictionary) !== 0) {
    damaged("it needs a dictionary");
  }
  at += dictionary;
  const size = sizeBytes === 0 ? null : little(bytes, at, Math.min(sizeBytes, 6)) + (sizeBytes === 2 ? 256 : 0);
  at += sizeBytes;
  if ((single ? size : window) > MOST_WINDOW) {
    damaged("its window has more than 128 MiB");
  }
  const first = out.length;
  const state = { first, repeat: [1, 4, 8], huffman: null, tables: {}, most: Math.min(MOST_BLOCK, single ? MOST_BLOCK : Math.max(1024, window)) };
  at = blocks(bytes, at, out, state);
  const plain = out.bytes.subarray(first, out.length);
  if (plain.length === 0 || (size !== null && size !== plain.length)) {
    damaged("a frame is empty, or not as long as it says");
  }
  if ((said & 0x04) === 0) {
    return at;
  }
  if (little(bytes, at, 4) !== Number(xxh64(plain) & 0xffffffffn)) {
    damaged("the checksum is another");
  }
  return at + 4;
}

// 3.1.1.2
function blocks(bytes, start, out, state) {
  let at = start;
  for (let last = false; !last; ) {
    const header = little(bytes, at, 3);
    at += 3;
    last = (header & 1) === 1;
    const [type, size] = [(header >> 1) & 3, header >> 3];
    if (size > state.most || type === 3) {
      damaged("a block is too large, or of no type that there is");
    }
    const held = type === 1 ? 1 : size;
    little(bytes, at + held, 0);
    const block = bytes.subarray(at, at + held);
    if (type === 2) {
      compressed(block, out, state);
    } else {
      room(out, size);
      type === 0 ? out.bytes.set(block, out.length) : out.bytes.fill(block[0], out.length, out.length + size);
      out.length += size;
    }
    at += held;
  }
  return at;
}

// 3.1.1.3
function compressed(block, out, state) {
  const { literals, end } = literalsOf(block, state);
  let at = end;
  let count = little(block, at, 1);
  at += 1;
  if (count >= 128) {
    count = count === 255 ? little(block, at, 2) + 0x7f00 : ((count - 128) << 8) + block[at];
    at += count >= 0x7f00 ? 2 : 1;
  }
  const start = out.length;
  if (count === 0) {
    append(out, literals);
    return;
  }
  const modes = little(block, at, 1);
  at += 1;
  if ((modes & 3) !== 0) {
    damaged("a bit that is reserved");
  }
  SORTS.forEach(([name, values, most], nth) => {
    at = chooseTable(block, at, (modes >> (6 - 2 * nth)) & 3, state, name, values.length, most);
  });
  sequences(backward(block.subarray(at)), count, literals, out, state);
  if (out.length - start > MOST_BLOCK) {
    damaged("a block becomes too large");
  }
}

function append(out, bytes) {
  room(out, bytes.length);
  out.bytes.set(bytes, out.length);
  out.length += bytes.length;
}

// 3.1.1.3.1
function literalsOf(block, state) {
  const first = little(block, 0, 1);
  const [type, form] = [first & 3, (first >> 2) & 3];
  if (type < 2) {
    const head = [1, 2, 1, 3][form];
    const size = Math.floor(little(block, 0, head) / (head === 1 ? 8 : 16));
    const held = type === 0 ? size : 1;
    little(block, head + held, 0);
    const part = block.subarray(head, head + held);
    return { literals: type === 0 ? part : new Uint8Array(size).fill(part[0]), end: head + held };
  }
  const [head, bits] = [[3, 10], [3, 10], [4, 14], [5, 18]][form];
  const said = Math.floor(little(block, 0, head) / 16);
  const [size, held] = [said % 2 ** bits, Math.floor(said / 2 ** bits)];
  if (size > MOST_BLOCK) {
    damaged("too many literals");
  }
  little(block, head + held, 0);
  let body = block.subarray(head, head + held);
  if (type === 2) {
    const { table, used } = huffmanTable(body);
    state.huffman = table;
    body = body.subarray(used);
  }
  if (state.huffman === null) {
    damaged("no tree that it could repeat");
  }
  return { literals: form === 0 ? state.huffman(body, size) : fourStreams(body, size, state.huffman), end: head + held };
}

function fourStreams(body, size, decode) {
  const each = Math.floor((size + 3) / 4);
  const ends = [0, 2, 4].map((at) => little(body, at, 2));
  const literals = new Uint8Array(size);
  let at = 6;
  for (let n = 0; n < 4; n += 1) {
    const end = n < 3 ? at + ends[n] : body.length;
    const length = n < 3 ? each : size - 3 * each;
    if (end > body.length || length < 0) {
      damaged("its streams are longer than it");
    }
    literals.set(decode(body.subarray(at, end), length), n * each);
    at = end;
  }
  return literals;
}

// 3.1.1.3.2.1: gives where the next table begins.
function chooseTable(block, at, mode, state, name, symbols, most) {
  if (mode === 0) {
    state.tables[name] = DEFAULTS[name];
  } else if (mode === 1) {
    const symbol = little(block, at, 1);
    state.tables[name] = symbol < symbols ? { log: 0, symbol: [symbol], bits: [0], base: [0] } : damaged("a code that there is not");
    return at + 1;
  } else if (mode === 2) {
    const reader = forward(block.subarray(at));
    const { counts, log } = readDistribution(reader, most);
    state.tables[name] = counts.length <= symbols ? fseTable(counts, log) : damaged("a code that there is not");
    return at + reader.used();
  } else if (!state.tables[name]) {
    damaged("no table that it could repeat");
  }
  return at;
}

// 3.1.1.4
function sequences(reader, count, literals, out, state) {
  const tables = SORTS.map(([name]) => state.tables[name]);
  const states = tables.map((table) => reader.read(table.log));
  const value = (nth) => {
    const [base, more] = SORTS[nth][1][tables[nth].symbol[states[nth]]];
    return base + reader.read(more);
  };
  let taken = 0;
  for (let left = count; left > 0; left -= 1) {
    const offset = value(1);
    const match = value(2);
    const length = value(0);
    if (taken + length > literals.length) {
      damaged("more literals than there are");
    }
    append(out, literals.subarray(taken, taken + length));
    taken += length;
    copy(out, distanceOf(offset, length, state.repeat), match, state.first);
    if (left > 1) {
      for (const nth of [0, 2, 1]) {
        const { base, bits } = tables[nth];
        states[nth] = base[states[nth]] + reader.read(bits[states[nth]]);
      }
    }
  }
  if (!reader.isAtEnd()) {
    damaged("its bits are not all used");
  }
  append(out, literals.subarray(taken));
}

// 3.1.1.5
function distanceOf(offset, length, repeat) {
  if (offset > 3) {
    repeat.unshift(offset - 3);
    repeat.pop();
    return repeat[0];
  }
  const which = offset - 1 + (length === 0 ? 1 : 0);
  const distance = which === 3 ? repeat[0] - 1 : repeat[which];
  if (which > 0) {
    repeat.splice(Math.min(which, 2), 1);
    repeat.unshift(distance);
  }
  return distance;
}

function copy(out, distance, length, first) {
  if (distance < 1 || distance > out.length - first) {
    damaged("it copies from before its beginning");
  }
  room(out, length);
  const { bytes } = out;
  if (distance >= length) {
    bytes.copyWithin(out.length, out.length - distance, out.length - distance + length);
  } else {
    for (let n = 0; n < length; n += 1) {
      bytes[out.length + n] = bytes[out.length + n - distance];
    }
  }
  out.length += length;
}
