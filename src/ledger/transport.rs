//! Compression is transport: a book is what comes out of it. What does not
//! come out is a finding about the file, and not a disk that cannot be read.

use std::io;

use thiserror::Error;

/// That bytes are not what their compression says they are. Readers that
/// decompress answer it inside of an [`io::Error`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the {compression} stream {}: {problem}", if *cut { "was cut" } else { "is damaged, or followed by something else" })]
pub struct TransportError {
    /// Which compression.
    pub compression: &'static str,
    /// What the decompressor says.
    pub problem: String,
    /// Whether it ends too early.
    pub cut: bool,
}

impl TransportError {
    /// Whether this is why reading ended.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<&TransportError> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<TransportError> for io::Error {
    fn from(error: TransportError) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}
