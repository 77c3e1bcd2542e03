//! SHA-256, the hash of the foreign formats (WCP, artifact manifests).

/// The digest of `bytes`, 32 bytes.
#[must_use]
#[cfg(feature = "fast-sha256")]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    // The length is the algorithm's; the portable code is there for the type.
    digest.as_ref().try_into().unwrap_or_else(|_| portable(bytes))
}

/// The digest of `bytes`, 32 bytes.
#[must_use]
#[cfg(not(feature = "fast-sha256"))]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    portable(bytes)
}

fn portable(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::hexadecimal::encode;

    #[test]
    fn digest_is_sha_256_whichever_code_computes_it() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(encode(&sha256(b"abc")), abc);
        for length in 0..300 {
            let bytes = vec![0x5a; length];
            assert_eq!(sha256(&bytes), portable(&bytes), "{length}");
        }
    }
}
