//! Why and where a JSON text was refused.

use std::fmt;

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Bytes before it.
    pub offset: usize,
    /// Line, from 1; lines end in a line feed.
    pub line: usize,
    /// Column, from 1, counted in characters.
    pub column: usize,
}

impl Place {
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

impl fmt::Display for Place {
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
#[non_exhaustive]
pub enum ParseError {
    /// The text is longer than the limit; the place is the first byte beyond.
    #[error("text is larger than {limit} bytes")]
    TooLarge {
        /// The first byte beyond the limit.
        place: Place,
        /// The limit in bytes.
        limit: usize,
    },
    /// The text begins with U+FEFF.
    #[error("byte order mark at {place}")]
    ByteOrderMark {
        /// Its place.
        place: Place,
    },
    /// The bytes are not UTF-8.
    #[error("invalid UTF-8 at {place}")]
    InvalidUtf8 {
        /// The first byte that belongs to no character.
        place: Place,
    },
    /// The grammar wants something else here.
    #[error("found {found:?} where {expected} was expected at {place}")]
    Unexpected {
        /// Where it stands.
        place: Place,
        /// What stands there.
        found: char,
        /// What could stand there.
        expected: &'static str,
    },
    /// The text ends inside a value.
    #[error("text ends where {expected} was expected at {place}")]
    UnexpectedEnd {
        /// The end.
        place: Place,
        /// What could stand there.
        expected: &'static str,
    },
    /// More than white space follows the value.
    #[error("trailing bytes at {place}")]
    TrailingBytes {
        /// The first of them.
        place: Place,
    },
    /// An object has two members of one name.
    #[error("duplicate key {key:?} at {place}")]
    DuplicateKey {
        /// The repeated key.
        place: Place,
        /// The key.
        key: String,
    },
    /// An unknown escape, or `\u` without four hex digits.
    #[error("bad escape at {place}")]
    BadEscape {
        /// Its backslash.
        place: Place,
    },
    /// A surrogate that is not half of a pair.
    #[error("lone surrogate \\u{unit:04x} at {place}")]
    LoneSurrogate {
        /// The backslash of its escape.
        place: Place,
        /// The surrogate.
        unit: u16,
    },
    /// A character below U+0020 stands unescaped in a string.
    #[error("control character 0x{byte:02x} in a string at {place}")]
    ControlCharacter {
        /// Where it stands.
        place: Place,
        /// The character.
        byte: u8,
    },
    /// A number with fraction or exponent is beyond a double.
    #[error("number overflows a double at {place}")]
    Overflow {
        /// Its first character.
        place: Place,
    },
    /// An integer has more digits than the limit.
    #[error("integer of more than {limit} digits at {place}")]
    TooManyDigits {
        /// Its first character.
        place: Place,
        /// The limit.
        limit: usize,
    },
    /// Containers nest deeper than the limit.
    #[error("more than {limit} levels of nesting at {place}")]
    TooDeep {
        /// The bracket that opens the level too many.
        place: Place,
        /// The limit.
        limit: usize,
    },
}

impl ParseError {
    /// Where the text was refused.
    pub fn place(&self) -> Place {
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
