//! How a bundle stands in a block of HTML: with every `<` written as `\u003c`,
//! an escape that canonical JSON never has. A block without `<` cannot be ended
//! from within.

pub(super) const LESS_THAN: &[u8] = b"\\u003c";

pub(super) fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        match byte {
            b'<' => out.extend_from_slice(LESS_THAN),
            other => out.push(other),
        }
    }
}

/// The way back, byte by byte. An escaped backslash is an escape of its own, so
/// what follows it is text and stays: `\\u003c` is not `<`.
#[derive(Debug, Default)]
pub(super) struct Unescape {
    /// The beginning of what may be an escaped `<`.
    held: Vec<u8>,
}

impl Unescape {
    /// Takes a byte, and appends to `out` what is certain by now.
    pub(super) fn take(&mut self, byte: u8, out: &mut Vec<u8>) {
        if self.held.is_empty() && byte != b'\\' {
            out.push(byte);
            return;
        }
        self.held.push(byte);
        if self.held == LESS_THAN {
            out.push(b'<');
            self.held.clear();
        } else if !LESS_THAN.starts_with(&self.held) {
            self.give_up(out);
        }
    }

    /// What was held back is text. A backslash after `\u00` begins again; one
    /// right after a backslash does not.
    fn give_up(&mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        match held.as_slice() {
            [before @ .., b'\\'] if before.len() > 1 => {
                out.extend_from_slice(before);
                self.held.push(b'\\');
            }
            all => out.extend_from_slice(all),
        }
    }

    /// The end: what was held back is text.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unescape(bytes: &[u8]) -> Vec<u8> {
        let (mut state, mut out) = (Unescape::default(), Vec::new());
        for &byte in bytes {
            state.take(byte, &mut out);
        }
        state.finish(&mut out);
        out
    }

    #[test]
    fn the_way_back_is_the_only_one() {
        for text in [
            r#"{"a":"</script><!--"}"#,
            r#""\\u003c""#,
            r#""\\\\u003c<""#,
            r#""\\<\\""#,
            r#""\u001f<\"<\\""#,
            "<",
            "",
            "\\",
            r"\u00",
        ] {
            let mut escaped = Vec::new();
            escape(text.as_bytes(), &mut escaped);
            assert!(!escaped.contains(&b'<'));
            assert_eq!(unescape(&escaped), text.as_bytes(), "{text}");
        }
        assert_eq!(unescape(br"\u00\u003c\u003"), br"\u00<\u003");
        assert_eq!(unescape(br"\u003C"), br"\u003C");
    }
}
