// ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381, suite 3): by which the hidden terms of an
// index are placed. Only checked here, and of public things: nothing is secret, so time
// may tell.

import { join, sameBytes } from "./bytes.js";

const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const mod = (value) => ((value % P) + P) % P;
const D = mod(-121665n * power(121666n, P - 2n));

function power(base, exponent) {
  let [result, square] = [1n, mod(base)];
  for (let left = exponent; left > 0n; left >>= 1n) {
    result = left & 1n ? mod(result * square) : result;
    square = mod(square * square);
  }
  return result;
}

function numberOf(bytes) {
  return bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
}

function bytesOf(number) {
  return Uint8Array.from({ length: 32 }, (_, at) => Number((number >> BigInt(8 * at)) & 255n));
}

// Points in extended coordinates, X Y Z T with T = XY / Z.
const NEUTRAL = [0n, 1n, 1n, 0n];

function decode(bytes) {
  const number = numberOf(bytes);
  const y = number & (2n ** 255n - 1n);
  const square = mod((y * y - 1n) * power(D * y * y + 1n, P - 2n));
  let x = power(square, (P + 3n) / 8n);
  x = mod(x * x) === square ? x : mod(x * power(2n, (P - 1n) / 4n));
  const odd = number >> 255n;
  if (y >= P || mod(x * x) !== square || (x === 0n && odd === 1n)) {
    return null;
  }
  x = (x & 1n) === odd ? x : P - x;
  return [x, y, 1n, mod(x * y)];
}

function encode([x, y, z]) {
  const inverse = power(z, P - 2n);
  return bytesOf(mod(y * inverse) | ((mod(x * inverse) & 1n) << 255n));
}

function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2));
  const b = mod((y1 + x1) * (y2 + x2));
  const c = mod(2n * D * t1 * t2);
  const d = mod(2n * z1 * z2);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function times(number, point) {
  let [result, double] = [NEUTRAL, point];
  for (let left = number; left > 0n; left >>= 1n) {
    result = left & 1n ? add(result, double) : result;
    double = add(double, double);
  }
  return result;
}

const negative = ([x, y, z, t]) => [mod(-x), y, z, mod(-t)];
const isNeutral = ([x, y, z]) => x === 0n && y === z;
const BASE = decode(bytesOf(mod(4n * power(5n, P - 2n))));

async function sha512(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-512", join(...parts)));
}

// 5.4.1.1
async function toCurve(key, alpha) {
  for (let counter = 0; counter < 256; counter += 1) {
    const hash = await sha512(Uint8Array.of(3, 1), key, alpha, Uint8Array.of(counter, 0));
    const point = decode(hash.subarray(0, 32));
    const cleared = point && times(8n, point);
    if (cleared && !isNeutral(cleared)) {
      return cleared;
    }
  }
  return null;
}

// 5.3: the output that `proof` shows for `alpha` under `key`, or null.
export async function vrfOutput(key, alpha, proof) {
  if (proof.length !== 80) {
    return null;
  }
  const [point, gamma] = [decode(key), decode(proof.subarray(0, 32))];
  const [c, s] = [numberOf(proof.subarray(32, 48)), numberOf(proof.subarray(48))];
  const h = await toCurve(key, alpha);
  if (!point || !gamma || !h || s >= ORDER || isNeutral(times(8n, point))) {
    return null;
  }
  const u = add(times(s, BASE), negative(times(c, point)));
  const v = add(times(s, h), negative(times(c, gamma)));
  const hash = await sha512(Uint8Array.of(3, 2), key, ...[h, gamma, u, v].map(encode), Uint8Array.of(0));
  if (!sameBytes(hash.subarray(0, 16), proof.subarray(32, 48))) {
    return null;
  }
  return sha512(Uint8Array.of(3, 3), encode(times(8n, gamma)), Uint8Array.of(0));
}
