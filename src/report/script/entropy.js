// The entropy coding of zstd: streams of bits, finite state tables, Huffman trees, and the
// checksum XXH64 (RFC 8878 §4, and the reference's own description of XXH64).

function broken(why) {
  throw new Error(`damaged: ${why}`);
}

// Bits from the beginning, the lowest first.
export function forward(bytes) {
  let at = 0;
  return {
    read(count) {
      let value = 0;
      for (let n = 0; n < count; n += 1, at += 1) {
        const byte = at >> 3 < bytes.length ? bytes[at >> 3] : broken("it was cut");
        value |= ((byte >> (at & 7)) & 1) << n;
      }
      return value;
    },
    used: () => (at + 7) >> 3,
  };
}

// Bits from the end, the highest first; the last byte's highest bit marks where they begin.
export function backward(bytes) {
  const last = bytes.at(-1) ?? 0;
  let left = last === 0 ? broken("no bits") : bytes.length * 8 - 8 + (31 - Math.clz32(last));
  return {
    read(count) {
      let value = 0;
      for (let wanted = count; wanted > 0; ) {
        if (left <= 0) {
          left -= wanted;
          return value * 2 ** wanted;
        }
        const within = ((left - 1) & 7) + 1;
        const take = Math.min(wanted, within);
        const byte = bytes[(left - 1) >> 3];
        value = value * 2 ** take + ((byte >> (within - take)) & (2 ** take - 1));
        left -= take;
        wanted -= take;
      }
      return value;
    },
    left: () => left,
    isAtEnd: () => left === 0,
  };
}

// 4.1.1
export function readDistribution(reader, most) {
  const log = reader.read(4) + 5;
  if (log > most) {
    broken("a table is too large");
  }
  const counts = [];
  let [remaining, threshold, bits] = [2 ** log + 1, 2 ** log, log + 1];
  while (remaining > 1) {
    const fewer = 2 * threshold - 1 - remaining;
    let count = reader.read(bits - 1);
    if (count >= fewer) {
      count += reader.read(1) * threshold;
      count -= count >= threshold ? fewer : 0;
    }
    count -= 1;
    remaining -= Math.abs(count);
    counts.push(count);
    for (let zeros = count === 0 ? 3 : 0; zeros === 3; ) {
      zeros = reader.read(2);
      counts.push(...Array(zeros).fill(0));
    }
    while (remaining < threshold && remaining > 1) {
      bits -= 1;
      threshold >>= 1;
    }
    if (counts.length > 256 || remaining < 1) {
      broken("a table of too many");
    }
  }
  return { counts, log };
}

// 4.1.1, from a distribution to a table.
export function fseTable(counts, log) {
  const size = 2 ** log;
  const symbol = new Uint8Array(size);
  let high = size - 1;
  const next = counts.map((count, code) => {
    if (count === -1) {
      symbol[high] = code;
      high -= 1;
    }
    return Math.abs(count);
  });
  const step = (size >> 1) + (size >> 3) + 3;
  let place = 0;
  counts.forEach((count, code) => {
    for (let n = 0; n < count; n += 1) {
      symbol[place] = code;
      do {
        place = (place + step) & (size - 1);
      } while (place > high);
    }
  });
  if (place !== 0) {
    broken("a table that is not full");
  }
  const [bits, base] = [new Uint8Array(size), new Uint16Array(size)];
  for (let state = 0; state < size; state += 1) {
    const code = symbol[state];
    const at = next[code];
    next[code] += 1;
    bits[state] = log - (31 - Math.clz32(at));
    base[state] = (at << bits[state]) - size;
  }
  return { log, symbol, bits, base };
}

// 4.2.1: `table(bytes, length)` decodes a stream; `used` bytes describe it.
export function huffmanTable(bytes) {
  const head = bytes[0] ?? broken("no tree");
  const used = 1 + (head < 128 ? head : (head - 126) >> 1);
  if (used > bytes.length) {
    broken("a tree was cut");
  }
  const body = bytes.subarray(1, used);
  const weights = head < 128 ? weightsOf(body) : Array.from({ length: head - 127 }, (_, at) => (body[at >> 1] >> (at % 2 === 0 ? 4 : 0)) & 15);
  return { table: decoderOf(weights), used };
}

function weightsOf(body) {
  const reader = forward(body);
  const { counts, log } = readDistribution(reader, 6);
  const { symbol, bits, base } = fseTable(counts, log);
  const stream = backward(body.subarray(reader.used()));
  const weights = [];
  const states = [stream.read(log), stream.read(log)];
  for (let turn = 0; weights.length < 255; turn = 1 - turn) {
    weights.push(symbol[states[turn]]);
    states[turn] = base[states[turn]] + stream.read(bits[states[turn]]);
    if (stream.left() < 0) {
      weights.push(symbol[states[1 - turn]]);
      return weights;
    }
  }
  return broken("too many weights");
}

function decoderOf(weights) {
  const sum = weights.reduce((all, weight) => all + (weight > 0 ? 2 ** (weight - 1) : 0), 0);
  const log = sum > 0 ? 32 - Math.clz32(sum) : broken("no weights");
  const rest = 2 ** log - sum;
  const last = 31 - Math.clz32(rest);
  if (log > 11 || 2 ** last !== rest) {
    broken("its weights are no tree");
  }
  const all = [...weights, last + 1];
  const [symbols, lengths] = [new Uint8Array(2 ** log), new Uint8Array(2 ** log)];
  let at = 0;
  for (let weight = 1; weight <= log; weight += 1) {
    all.forEach((own, symbol) => {
      if (own === weight) {
        const end = at + 2 ** (weight - 1);
        symbols.fill(symbol, at, end);
        lengths.fill(log + 1 - weight, at, end);
        at = end;
      }
    });
  }
  return (bytes, length) => {
    const reader = backward(bytes);
    const out = new Uint8Array(length);
    let state = reader.read(log);
    for (let n = 0; n < length; n += 1) {
      out[n] = symbols[state];
      const bits = lengths[state];
      state = ((state << bits) & (2 ** log - 1)) + reader.read(bits);
    }
    return reader.left() === -log ? out : broken("its bits are not all used");
  };
}

const PRIMES = [11400714785074694791n, 14029467366897019727n, 1609587929392839161n, 9650029242287828579n, 2870177450012600261n];
const wrap = (value) => BigInt.asUintN(64, value);
const turn = (value, by) => wrap((value << by) | (value >> (64n - by)));
const round = (sum, lane) => wrap(turn(wrap(sum + lane * PRIMES[1]), 31n) * PRIMES[0]);

export function xxh64(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  let hash = PRIMES[4];
  if (bytes.length >= 32) {
    const sums = [wrap(PRIMES[0] + PRIMES[1]), PRIMES[1], 0n, wrap(-PRIMES[0])];
    for (; at + 32 <= bytes.length; at += 32) {
      for (let lane = 0; lane < 4; lane += 1) {
        sums[lane] = round(sums[lane], view.getBigUint64(at + 8 * lane, true));
      }
    }
    hash = wrap(turn(sums[0], 1n) + turn(sums[1], 7n) + turn(sums[2], 12n) + turn(sums[3], 18n));
    for (const sum of sums) {
      hash = wrap((hash ^ round(0n, sum)) * PRIMES[0] + PRIMES[3]);
    }
  }
  hash = wrap(hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) {
    hash = wrap(turn(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * PRIMES[0] + PRIMES[3]);
  }
  if (at + 4 <= bytes.length) {
    hash = wrap(turn(wrap(hash ^ (BigInt(view.getUint32(at, true)) * PRIMES[0])), 23n) * PRIMES[1] + PRIMES[2]);
    at += 4;
  }
  for (; at < bytes.length; at += 1) {
    hash = wrap(turn(wrap(hash ^ (BigInt(bytes[at]) * PRIMES[4])), 11n) * PRIMES[0]);
  }
  hash = wrap((hash ^ (hash >> 33n)) * PRIMES[1]);
  hash = wrap((hash ^ (hash >> 29n)) * PRIMES[2]);
  return hash ^ (hash >> 32n);
}
