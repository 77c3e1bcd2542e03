//! A verifiable random function: ECVRF-EDWARDS25519-SHA512-TAI of RFC 9381.
//!
//! Who has the secret key computes of every message one value that looks random
//! to all others, and a proof that it is the only one. So a term of which there
//! are few, as tenants, has a place in the index that nobody can guess, and that
//! the log cannot choose.
//!
//! No crate for curve25519-dalek 5 is kept, so the steps of the RFC stand here, on
//! dalek's arithmetic. Multiplication by the secret is in constant time; hashing to
//! the curve is not, as the RFC's 5.4.1.1 has it: a message takes longer to hash
//! than another, which says a bit or two of a message, and nothing of the key.

use std::fmt;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use curve25519_dalek::traits::{IsIdentity as _, VartimeMultiscalarMul as _};
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use super::super::hexadecimal::hex_text;

/// The `suite_string` of 5.5.
const SUITE: u8 = 0x03;

/// The secret key `SK` of 5.1: 32 random bytes, wiped when they are dropped.
pub struct VrfSecret(Zeroizing<[u8; VrfSecret::BYTES]>);

/// The public key `Y`, as its 32 bytes claim.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VrfKey([u8; VrfKey::BYTES]);

/// The proof `pi`: `Gamma ‖ c ‖ s`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VrfProof([u8; VrfProof::BYTES]);

/// The output `beta`.
pub type VrfOutput = [u8; 64];

impl VrfSecret {
    /// Length in bytes.
    pub const BYTES: usize = 32;

    /// Takes 32 random bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; VrfSecret::BYTES]) -> VrfSecret {
        VrfSecret(Zeroizing::new(*bytes))
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> VrfKey {
        let (x, _) = self.expanded();
        VrfKey(EdwardsPoint::mul_base(&x).compress().to_bytes())
    }

    /// `ECVRF_prove` of 5.1, with the output that goes with it.
    #[must_use]
    pub fn prove(&self, alpha: &[u8]) -> (VrfOutput, VrfProof) {
        let (x, prefix) = self.expanded();
        let key = VrfKey(EdwardsPoint::mul_base(&x).compress().to_bytes());
        let h = encode_to_curve(&key, alpha);
        let gamma = h * *x;
        // Step 5, by 5.4.2.2.
        let hashed = Sha512::new()
            .chain_update(*prefix)
            .chain_update(h.compress().as_bytes());
        let k = Zeroizing::new(Scalar::from_bytes_mod_order_wide(&hashed.finalize().into()));
        let c = challenge(&key, [h, gamma, EdwardsPoint::mul_base(&k), h * *k]);
        let s = *k + scalar_of(&c) * *x;
        let mut proof = [0; VrfProof::BYTES];
        let parts = gamma.compress().to_bytes().into_iter().chain(c);
        let parts = parts.chain(s.to_bytes());
        for (to, from) in proof.iter_mut().zip(parts) {
            *to = from;
        }
        (output(&gamma), VrfProof(proof))
    }

    /// The scalar `x`, and the half of the hash that nonces are made with
    /// (RFC 8032 5.1.5).
    fn expanded(&self) -> (Zeroizing<Scalar>, Zeroizing<[u8; 32]>) {
        let hashed: Zeroizing<[u8; 64]> = Zeroizing::new(Sha512::digest(*self.0).into());
        let (halves, _) = hashed.as_chunks::<32>();
        let half = |at: usize| Zeroizing::new(halves.get(at).copied().unwrap_or_default());
        let x = Scalar::from_bytes_mod_order(clamp_integer(*half(0)));
        (Zeroizing::new(x), half(1))
    }
}

impl fmt::Debug for VrfSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VrfSecret")
    }
}

impl VrfKey {
    /// Length in bytes.
    pub const BYTES: usize = 32;

    /// Takes the 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; VrfKey::BYTES]) -> VrfKey {
        VrfKey(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; VrfKey::BYTES] {
        &self.0
    }

    /// `ECVRF_verify` of 5.3, with the key validated: the output of `alpha`, or
    /// `None` if the proof does not show it.
    #[must_use]
    pub fn verify(&self, alpha: &[u8], proof: &VrfProof) -> Option<VrfOutput> {
        let y = point(&self.0)?;
        if y.mul_by_cofactor().is_identity() {
            return None;
        }
        let (gamma, c, s) = proof.parts()?;
        let h = encode_to_curve(self, alpha);
        // The points are negated, and not `c`: `-c` is `L - c`, and `L` times a point with a
        // part of small order is not the identity.
        let c_scalar = scalar_of(&c);
        let u = EdwardsPoint::vartime_double_scalar_mul_basepoint(&c_scalar, &-y, &s);
        let v = EdwardsPoint::vartime_multiscalar_mul([s, c_scalar], [h, -gamma]);
        let shown = challenge(self, [h, gamma, u, v]) == c;
        shown.then(|| output(&gamma))
    }
}

impl VrfProof {
    /// Length in bytes.
    pub const BYTES: usize = 80;

    /// Takes the 80 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; VrfProof::BYTES]) -> VrfProof {
        VrfProof(bytes)
    }

    /// The 80 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; VrfProof::BYTES] {
        &self.0
    }

    /// `ECVRF_decode_proof` of 5.4.4.
    fn parts(&self) -> Option<(EdwardsPoint, [u8; 16], Scalar)> {
        let (gamma, rest) = self.0.split_first_chunk::<32>()?;
        let (c, s) = rest.split_first_chunk::<16>()?;
        let s: Option<Scalar> = Scalar::from_canonical_bytes(*s.first_chunk()?).into();
        Some((point(gamma)?, *c, s?))
    }
}

hex_text!(VrfKey);
hex_text!(VrfProof);

impl fmt::Debug for VrfKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VrfKey({})", super::super::hexadecimal::encode(&self.0))
    }
}

impl fmt::Debug for VrfProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "VrfProof({})",
            super::super::hexadecimal::encode(&self.0)
        )
    }
}

/// `string_to_point`: the one spelling of a point.
fn point(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    let point = CompressedEdwardsY(*bytes).decompress()?;
    (point.compress().as_bytes() == bytes).then_some(point)
}

/// `ECVRF_encode_to_curve_try_and_increment` of 5.4.1.1, salted with the key. Half
/// of all strings are points: that none of 256 is one, and the identity stands for
/// it, has a chance of 2⁻²⁵⁶.
fn encode_to_curve(key: &VrfKey, alpha: &[u8]) -> EdwardsPoint {
    let mut tries = (0..=u8::MAX).filter_map(|counter| {
        let hashed = Sha512::new()
            .chain_update([SUITE, 0x01])
            .chain_update(key.0)
            .chain_update(alpha)
            .chain_update([counter, 0x00])
            .finalize();
        let found = point(hashed.first_chunk()?)?.mul_by_cofactor();
        (!found.is_identity()).then_some(found)
    });
    tries.next().unwrap_or_default()
}

/// `ECVRF_challenge_generation` of 5.4.3.
fn challenge(key: &VrfKey, points: [EdwardsPoint; 4]) -> [u8; 16] {
    let mut hasher = Sha512::new()
        .chain_update([SUITE, 0x02])
        .chain_update(key.0);
    for point in points {
        hasher.update(point.compress().as_bytes());
    }
    let hashed = hasher.chain_update([0x00]).finalize();
    hashed.first_chunk().copied().unwrap_or_default()
}

/// A challenge is an integer, least byte first.
fn scalar_of(challenge: &[u8; 16]) -> Scalar {
    Scalar::from(u128::from_le_bytes(*challenge))
}

/// `ECVRF_proof_to_hash` of 5.2.
fn output(gamma: &EdwardsPoint) -> VrfOutput {
    let hasher = Sha512::new()
        .chain_update([SUITE, 0x03])
        .chain_update(gamma.mul_by_cofactor().compress().as_bytes());
    hasher.chain_update([0x00]).finalize().into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::super::super::hexadecimal::decode;
    use super::*;

    /// RFC 9381, appendix B.3, examples 16 to 18: `SK`, `PK`, `alpha`, `pi`, `beta`.
    const EXAMPLES: [[&str; 5]; 3] = [
        [
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f26f8a57ccaed74ee1b190bed1f479d9727d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805",
            "90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff66b71dda49d2de59d03450451af026798e8f81cd2e333de5cdf4f3e140fdd8ae",
        ],
        [
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed5933bf0864a62558b3ed7f2fea45c92a465301b3bbf5e3e54ddf2d935be3b67926da3ef39226bbc355bdc9850112c8f4b02",
            "eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb5e33821bc613efb94db5e5b54c70a848a0bef4553a41befc57663b56373a5031",
        ],
        [
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf8096bb474e53895c362d8628ee9f9ea3c0e52c7a5c691b6c18c9979866568add7a2d41b00b05081ed0f58ee5e31b3a970e",
            "645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c452118fec1219202a0edcf038bb6373241578be7217ba85a2687f7a0310b2df19f",
        ],
    ];

    #[test]
    fn the_examples_of_the_rfc_come_out_byte_for_byte() {
        for [secret, key, alpha, pi, beta] in EXAMPLES {
            let secret = VrfSecret::from_bytes(&decode(secret).unwrap());
            let key = VrfKey(decode(key).unwrap());
            let (alpha, pi) = (hex::decode(alpha).unwrap(), VrfProof(decode(pi).unwrap()));
            let beta: VrfOutput = decode(beta).unwrap();
            assert_eq!(secret.public_key(), key);
            assert_eq!(secret.prove(&alpha), (beta, pi));
            assert_eq!(key.verify(&alpha, &pi), Some(beta));
        }
    }

    #[test]
    fn a_bit_of_proof_key_or_message_that_is_another_shows_nothing() {
        let secret = VrfSecret::from_bytes(&[7; 32]);
        let (key, (_, proof)) = (secret.public_key(), secret.prove(b"alpha"));
        for bit in 0..8 * VrfProof::BYTES {
            let mut changed = proof.0;
            *changed.get_mut(bit / 8).unwrap() ^= 1 << (bit % 8);
            assert_eq!(key.verify(b"alpha", &VrfProof(changed)), None, "{bit}");
        }
        for bit in 0..8 * VrfKey::BYTES {
            let mut changed = key.0;
            *changed.get_mut(bit / 8).unwrap() ^= 1 << (bit % 8);
            assert_eq!(VrfKey(changed).verify(b"alpha", &proof), None, "{bit}");
        }
        assert_eq!(key.verify(b"alphb", &proof), None);
        assert_eq!(key.verify(b"", &proof), None);
    }

    #[test]
    fn a_key_of_small_order_is_no_key() {
        // The identity, and the point of order 4.
        for key in [[&[1][..], &[0; 31]].concat(), vec![0; 32]] {
            let key = VrfKey(*key.first_chunk().unwrap());
            let (_, proof) = VrfSecret::from_bytes(&[7; 32]).prove(b"a");
            assert_eq!(key.verify(b"a", &proof), None);
            // With nothing in it, the equations hold for any such key.
            assert_eq!(key.verify(b"a", &VrfProof([0; 80])), None);
        }
    }
}
