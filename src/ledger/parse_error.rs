//! Why and where a JSON text was refused.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextPosition {
    /// Bytes before it.
    pub offset: usize,
    /// Line, from 1; lines end in a line feed.
    pub line: usize,
    /// Column, from 1, counted in characters.
    pub column: usize,
}

impl TextPosition {
    /// The place `offset` bytes into `text`.
    pub(super) fn locate(text: &[u8], offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |at| at + 1);
        // Every byte but a continuation byte begins a character.
        let starts = |&&byte: &&u8| byte & 0xc0 != 0x80;
        Self {
            offset,
            line: 1 + before.iter().filter(|&&byte| byte == b'\n').count(),
            column: 1 + before.iter().skip(line_start).filter(starts).count(),
        }
    }
}

impl fmt::Display for TextPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {} column {} (byte {})",
            self.line, self.column, self.offset
        )
    }
}

/// Why a JSON text was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error("text is larger than {limit} bytes")]
    TooLarge { place: TextPosition, limit: usize },
    #[error("byte order mark at {place}")]
    ByteOrderMark { place: TextPosition },
    #[error("invalid UTF-8 at {place}")]
    InvalidUtf8 { place: TextPosition },
    #[error("found '{found}' where {expected} was expected at {place}")]
    Unexpected {
        place: TextPosition,
        found: char,
        expected: &'static str,
    },
    #[error("text ends where {expected} was expected at {place}")]
    UnexpectedEnd {
        place: TextPosition,
        expected: &'static str,
    },
    #[error("trailing bytes at {place}")]
    TrailingBytes { place: TextPosition },
    #[error("duplicate key \"{key}\" at {place}")]
    DuplicateKey { place: TextPosition, key: String },
    #[error("bad escape at {place}")]
    BadEscape { place: TextPosition },
    #[error("lone surrogate \\u{unit:04x} at {place}")]
    LoneSurrogate { place: TextPosition, unit: u16 },
    #[error("control character 0x{byte:02x} in a string at {place}")]
    ControlCharacter { place: TextPosition, byte: u8 },
    #[error("number overflows a double at {place}")]
    Overflow { place: TextPosition },
    #[error("integer of more than {limit} digits at {place}")]
    TooManyDigits { place: TextPosition, limit: usize },
    #[error("more than {limit} levels of nesting at {place}")]
    TooDeep { place: TextPosition, limit: usize },
}

impl ParseError {
    /// Where the text was refused.
    pub fn place(&self) -> TextPosition {
        match self {
            Self::TooLarge { place, .. }
            | Self::ByteOrderMark { place }
            | Self::InvalidUtf8 { place }
            | Self::Unexpected { place, .. }
            | Self::UnexpectedEnd { place, .. }
            | Self::TrailingBytes { place }
            | Self::DuplicateKey { place, .. }
            | Self::BadEscape { place }
            | Self::LoneSurrogate { place, .. }
            | Self::ControlCharacter { place, .. }
            | Self::Overflow { place }
            | Self::TooManyDigits { place, .. }
            | Self::TooDeep { place, .. } => *place,
        }
    }
}
