//! Base64 (RFC 4648 §4) of a digest, as content security policies spell it.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text of `bytes`, padded.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut bits = 0_u32;
        for at in 0..3 {
            bits = bits << 8 | u32::from(group.get(at).copied().unwrap_or(0));
        }
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit)) & 63;
            let letter = usize::try_from(index).ok().and_then(|at| ALPHABET.get(at));
            text.push(match letter {
                Some(letter) if digit <= group.len() => char::from(*letter),
                _ => '=',
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn texts_are_those_of_rfc_4648() {
        let texts = [
            "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy",
        ];
        for (length, text) in texts.into_iter().enumerate() {
            assert_eq!(encode(b"foobar".get(..length).unwrap_or_default()), text);
        }
        assert_eq!(encode(&[0xfb, 0xff]), "+/8=");
    }
}
