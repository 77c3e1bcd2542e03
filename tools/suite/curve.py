"""Ed25519's curve in extended coordinates, for signatures that no library makes."""
import hashlib

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
IDENTITY = (0, 1, 1, 0)


def add(a, b):
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    m, n = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def scalar_mult(n, point):
    total = IDENTITY
    while n:
        if n & 1:
            total = add(total, point)
        point, n = add(point, point), n >> 1
    return total


def encode(point):
    x, y, z, _ = point
    inverse = pow(z, P - 2, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def recover(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


B = recover(4 * pow(5, P - 2, P) % P, 0)
ORDER_8 = recover(0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826, 0)


def number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % L


def mixed_key(seed, message, order):
    """A key with a part of that order, and a signature for which [8][S]B = [8]R + [8][k]A
    holds and [S]B = R + [k]A does not."""
    a, torsion = number(b"key", seed), scalar_mult(8 // order, ORDER_8)
    key = encode(add(scalar_mult(a, B), torsion))
    for attempt in range(100):
        r = number(b"nonce", seed, message, bytes([attempt]))
        R = encode(scalar_mult(r, B))
        k = number(R, key, message)
        if k % order:
            return key, R + ((r + k * a) % L).to_bytes(32, "little")
    raise RuntimeError("no nonce will do")

