// BLAKE2b (RFC 7693), which browsers do not have. A 64-bit word is two 32-bit
// halves, low half first: JavaScript has no fast 64-bit integers.

const IV = Uint32Array.of(
  0xf3bcc908, 0x6a09e667, 0x84caa73b, 0xbb67ae85, 0xfe94f82b, 0x3c6ef372, 0x5f1d36f1, 0xa54ff53a,
  0xade682d1, 0x510e527f, 0x2b3e6c1f, 0x9b05688c, 0xfb41bd6b, 0x1f83d9ab, 0x137e2179, 0x5be0cd19,
);

// RFC 7693 §2.7; rounds 10 and 11 are those of 0 and 1.
const SIGMA = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

const BLOCK = 128;
const v = new Uint32Array(32);
const m = new Uint32Array(32);

// v[a] += v[b] + word
function add(a, b, lowWord, highWord) {
  const low = v[a] + v[b] + lowWord;
  v[a + 1] = v[a + 1] + v[b + 1] + highWord + Math.floor(low / 0x100000000);
  v[a] = low;
}

// v[d] = (v[d] ^ v[a]) >>> bits, for the four rotations that there are
function mix(d, a, bits) {
  const low = v[d] ^ v[a];
  const high = v[d + 1] ^ v[a + 1];
  switch (bits) {
    case 32:
      v[d] = high;
      v[d + 1] = low;
      break;
    case 63:
      v[d] = (low << 1) | (high >>> 31);
      v[d + 1] = (high << 1) | (low >>> 31);
      break;
    default:
      v[d] = (low >>> bits) | (high << (32 - bits));
      v[d + 1] = (high >>> bits) | (low << (32 - bits));
  }
}

// RFC 7693 §3.1; a, b, c, d are places in v, x and y words of the message.
function mixing(a, b, c, d, x, y) {
  add(a, b, m[2 * x], m[2 * x + 1]);
  mix(d, a, 32);
  add(c, d, 0, 0);
  mix(b, c, 24);
  add(a, b, m[2 * y], m[2 * y + 1]);
  mix(d, a, 16);
  add(c, d, 0, 0);
  mix(b, c, 63);
}

// RFC 7693 §3.2. Offsets stay below 2^53, far beyond any file.
function compress(h, block, at, offset, last) {
  const view = new DataView(block.buffer, block.byteOffset + at, BLOCK);
  for (let word = 0; word < 32; word += 1) {
    m[word] = view.getUint32(4 * word, true);
  }
  v.set(h);
  v.set(IV, 16);
  v[24] ^= offset;
  v[25] ^= Math.floor(offset / 0x100000000);
  if (last) {
    v[28] = ~v[28];
    v[29] = ~v[29];
  }
  for (let round = 0; round < 12; round += 1) {
    const s = SIGMA[round % 10];
    mixing(0, 8, 16, 24, s[0], s[1]);
    mixing(2, 10, 18, 26, s[2], s[3]);
    mixing(4, 12, 20, 28, s[4], s[5]);
    mixing(6, 14, 22, 30, s[6], s[7]);
    mixing(0, 10, 20, 30, s[8], s[9]);
    mixing(2, 12, 22, 24, s[10], s[11]);
    mixing(4, 14, 16, 26, s[12], s[13]);
    mixing(6, 8, 18, 28, s[14], s[15]);
  }
  for (let half = 0; half < 16; half += 1) {
    h[half] ^= v[half] ^ v[half + 16];
  }
}

// The digest of `bytes`, of 1 to 64 bytes, with a key of at most 64 (RFC 7693
// §3.3). Everything of ours has 32 and no key; the RFC's own test needs more.
export function blake2b(bytes, length = 32, key = new Uint8Array(0)) {
  const h = IV.slice();
  h[0] ^= 0x01010000 ^ (key.length << 8) ^ length;
  let text = bytes;
  if (key.length > 0) {
    text = new Uint8Array(BLOCK + bytes.length);
    text.set(key);
    text.set(bytes, BLOCK);
  }
  let at = 0;
  while (text.length - at > BLOCK) {
    compress(h, text, at, at + BLOCK, false);
    at += BLOCK;
  }
  const rest = new Uint8Array(BLOCK);
  rest.set(text.subarray(at));
  compress(h, rest, 0, text.length, true);
  const digest = new Uint8Array(64);
  const view = new DataView(digest.buffer);
  h.forEach((half, place) => view.setUint32(4 * place, half, true));
  return digest.slice(0, length);
}
