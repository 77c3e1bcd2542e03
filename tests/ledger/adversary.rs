//! Signatures that someone made to find two verifiers of different opinions:
//! keys and nonces with a part of small order, encodings that are not canonical,
//! `S ± L`, single flipped bits, and honest ones between them.
//!
//! Everything follows from a number, so that a case that is found can be made
//! again. Also used by `tools/strict-agreement`.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::{EdwardsPoint, Scalar};
use sha2::{Digest, Sha512};

/// Numbers that follow from a seed.
pub(crate) struct Choices {
    seed: u64,
    drawn: u64,
}

impl Choices {
    pub(crate) fn new(seed: u64) -> Choices {
        Choices { seed, drawn: 0 }
    }

    fn wide(&mut self) -> [u8; 64] {
        self.drawn += 1;
        let digest = Sha512::new()
            .chain_update(self.seed.to_le_bytes())
            .chain_update(self.drawn.to_le_bytes());
        digest.finalize().into()
    }

    fn below(&mut self, end: usize) -> usize {
        usize::from(self.wide()[0]) % end
    }

    fn scalar(&mut self) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&self.wide())
    }
}

/// The group order, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// A key whose owner chose it to make trouble.
pub(crate) struct Key {
    pub(crate) bytes: [u8; 32],
    secret: Scalar,
    torsion: EdwardsPoint,
}

impl Key {
    pub(crate) fn draw(choices: &mut Choices) -> Key {
        let sort = choices.below(16);
        let secret = if sort == 0 {
            Scalar::ZERO
        } else {
            choices.scalar()
        };
        // Half of them honest.
        let torsion = EIGHT_TORSION[if sort < 8 { choices.below(8) } else { 0 }];
        let point = ED25519_BASEPOINT_POINT * secret + torsion;
        let mut bytes = point.compress().to_bytes();
        match sort {
            // The same point in other bytes, where it has any.
            0 | 1 if choices.below(2) == 0 => bytes = other_spelling(bytes),
            2 => bytes = choices.wide()[..32].try_into().unwrap(),
            _ => {}
        }
        Key {
            bytes,
            secret,
            torsion,
        }
    }
}

/// A non-canonical encoding of the same point, if there is one; else bytes that
/// no verifier may take for it.
fn other_spelling(bytes: [u8; 32]) -> [u8; 32] {
    let mut other = bytes;
    if bytes[1..31].iter().all(|b| *b == 0) && bytes[31] & 0x7f == 0 && bytes[0] < 19 {
        // y + p for y < 19.
        other = [0xff; 32];
        other[0] = 0xed + bytes[0];
        other[31] = 0x7f | bytes[31];
    } else {
        // The sign of x = 0 does not matter, so it has two spellings.
        other[31] ^= 0x80;
    }
    other
}

/// A signature to be judged.
pub(crate) struct Signed {
    pub(crate) message: Vec<u8>,
    pub(crate) signature: [u8; 64],
}

impl Signed {
    pub(crate) fn draw(key: &Key, choices: &mut Choices) -> Signed {
        let mut message = choices.wide().to_vec();
        message.truncate(choices.below(64));
        let (mut r, mut s) = solve(key, &message, choices);
        match choices.below(16) {
            0 => s = plus_order(s),
            1 => s[31] |= [0x20, 0x40, 0x80][choices.below(3)],
            2 => s = choices.wide()[..32].try_into().unwrap(),
            3 => r = other_spelling(r),
            4 => r = EIGHT_TORSION[choices.below(8)].compress().to_bytes(),
            5 => r = other_spelling(EIGHT_TORSION[choices.below(8)].compress().to_bytes()),
            6 => r[choices.below(32)] ^= 1 << choices.below(8),
            7 => s[choices.below(32)] ^= 1 << choices.below(8),
            8 => message.push(0),
            9 => r = choices.wide()[..32].try_into().unwrap(),
            10 => s = ORDER,
            _ => {}
        }
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&r);
        signature[32..].copy_from_slice(&s);
        Signed { message, signature }
    }
}

/// `R` and `S` that satisfy the equation without the cofactor, or (for keys of
/// mixed order, by bad luck) only the one with it. A nonce in four is of small
/// order.
fn solve(key: &Key, message: &[u8], choices: &mut Choices) -> ([u8; 32], [u8; 32]) {
    let nonce = match choices.below(4) {
        0 => Scalar::ZERO,
        _ => choices.scalar(),
    };
    let alone = ED25519_BASEPOINT_POINT * nonce;
    let spoil = choices.below(8) == 0;
    let mut found = ([0; 32], [0; 32]);
    for torsion in EIGHT_TORSION {
        let r = (alone + torsion).compress().to_bytes();
        let digest = Sha512::new()
            .chain_update(r)
            .chain_update(key.bytes)
            .chain_update(message);
        let k = Scalar::from_bytes_mod_order_wide(&digest.finalize().into());
        found = (r, (nonce + k * key.secret).to_bytes());
        // S·B − k·A = nonce·B − k·T, so R needs just that part of small order.
        if (key.torsion * k + torsion == EIGHT_TORSION[0]) != spoil {
            break;
        }
    }
    found
}

/// The same residue, not canonical.
fn plus_order(s: [u8; 32]) -> [u8; 32] {
    let mut carry = 0;
    let mut sum = [0; 32];
    for (at, place) in sum.iter_mut().enumerate() {
        let digit = u16::from(s[at]) + u16::from(ORDER[at]) + carry;
        *place = digit as u8;
        carry = digit >> 8;
    }
    sum
}
