//! SHA-512, of which every verdict on a signature takes one.

#[cfg(feature = "fast-sha2")]
pub(super) fn sha512(parts: [&[u8]; 3]) -> [u8; 64] {
    use aws_lc_rs::digest::{Context, SHA512};
    let mut context = Context::new(&SHA512);
    for part in parts {
        context.update(part);
    }
    // The length is the algorithm's; the portable code is there for the type.
    let digest = context.finish();
    let bytes = digest.as_ref().try_into();
    bytes.unwrap_or_else(|_| portable(parts))
}

#[cfg(not(feature = "fast-sha2"))]
pub(super) fn sha512(parts: [&[u8]; 3]) -> [u8; 64] {
    portable(parts)
}

fn portable(parts: [&[u8]; 3]) -> [u8; 64] {
    use sha2::{Digest, Sha512};
    let [first, second, third] = parts;
    let digest = Sha512::new().chain_update(first).chain_update(second);
    digest.chain_update(third).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_same_whichever_code_computes_it() {
        for length in 0..300 {
            let bytes = vec![0x5a; length];
            let (first, second) = bytes.split_at(length / 3);
            let parts = [first, second, b"abc"];
            assert_eq!(sha512(parts), portable(parts), "{length}");
        }
    }
}
