// Ed25519 signatures by the browser's own cryptography, with the checks that
// make its verdict the strict one (RFC 8032 leaves room for others): S below
// the group order, A and R canonical encodings of points not of small order.
// WebCrypto then judges the cofactorless equation.

import { fromHex, toHex } from "./bytes.js";

// 2^252 + 27742317777372353535851937790883648493, the group order, low byte first.
const ORDER = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

// p = 2^255 - 19, low byte first.
const PRIME = "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";

// The points of small order by their y, with the sign of x left out: 1, -1 and
// 0, and the two of order eight. Either sign is refused: where x is 0 the
// other sign is not a canonical encoding.
const SMALL_ORDER = new Set([
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]);

// Whether the number in `bytes`, low byte first, is below the one in `limit`.
function isBelow(bytes, limit) {
  const other = fromHex(limit, bytes.length);
  for (let at = bytes.length - 1; at >= 0; at -= 1) {
    if (bytes[at] !== other[at]) {
      return bytes[at] < other[at];
    }
  }
  return false;
}

function isGoodPoint(encoding) {
  const y = encoding.slice();
  y[31] &= 0x7f;
  return isBelow(y, PRIME) && !SMALL_ORDER.has(toHex(y));
}

// What of the strict verdict can be told from the bytes alone.
export function hasStrictForm(key, signature) {
  return (
    key.length === 32 &&
    signature.length === 64 &&
    isGoodPoint(key) &&
    isGoodPoint(signature.subarray(0, 32)) &&
    isBelow(signature.subarray(32), ORDER)
  );
}

const imported = new Map();

function importKey(key) {
  const name = toHex(key);
  if (!imported.has(name)) {
    const importing = crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    imported.set(name, importing.catch(() => null));
  }
  return imported.get(name);
}

// Whether `signature` is `key`'s on `message`, strictly. Only to be asked where
// `canVerify` says yes.
export async function verifyStrict(key, message, signature) {
  if (!hasStrictForm(key, signature)) {
    return false;
  }
  const handle = await importKey(key);
  return handle !== null && crypto.subtle.verify({ name: "Ed25519" }, handle, signature, message);
}

// RFC 8032 §7.1, test 2.
const TEST = {
  key: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
  signature:
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
};

async function tryOut() {
  try {
    const key = fromHex(TEST.key, 32);
    const signature = fromHex(TEST.signature, 64);
    const yes = await verifyStrict(key, Uint8Array.of(0x72), signature);
    const no = await verifyStrict(key, Uint8Array.of(0x73), signature);
    return yes === true && no === false;
  } catch {
    return false;
  }
}

let able;

// Whether this browser has Ed25519 and gets a known signature right. It has
// none at all where the page came over plain HTTP from another machine.
export function canVerify() {
  able ??= globalThis.crypto?.subtle ? tryOut() : Promise.resolve(false);
  return able;
}
