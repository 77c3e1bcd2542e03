//! A secret that says who asks.

use std::fmt;

use zeroize::Zeroizing;

/// A session or bearer token. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct SessionToken(Zeroizing<String>);

impl SessionToken {
    /// A token; none if it is empty or has a character that could end a header
    /// or a cookie.
    pub fn new(text: impl Into<String>) -> Option<SessionToken> {
        let text = Zeroizing::new(text.into());
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b';' | b',' | b'"');
        (!text.is_empty() && text.bytes().all(plain)).then_some(SessionToken(text))
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(…)")
    }
}
