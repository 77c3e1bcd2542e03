//! Why a server did not begin, or did not end in order.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;

use super::hall::LoadError;
use super::token_file::TokenFileError;
use crate::logbook::error::{LogbookError, OpenError};
use crate::record::RecordError;
use crate::store::query::QueryError;

/// Why a server did not begin, or did not end in order.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be had.
    #[error("cannot listen: {0}")]
    Listener(io::Error),
    /// Without tokens nobody but this machine is let in.
    #[error("{address} is not a loopback address, and there is no token file")]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// The tokens cannot be read.
    #[error(transparent)]
    Tokens(#[from] TokenFileError),
    /// An origin that is none.
    #[error("{origin:?} is not an origin such as https://audit.example")]
    Origin {
        /// What was given.
        origin: String,
    },
    /// The Hall's files cannot be read.
    #[error("{0}")]
    Hall(LoadError),
    /// That the Hall began could not be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The ledger could not be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The ledger could not be read, or is not open for writing.
    #[error(transparent)]
    Ledger(#[from] OpenError),
    /// The ledger did not do what it was asked.
    #[error(transparent)]
    Api(#[from] crate::api::Error),
    /// The ledger was not closed in order.
    #[error(transparent)]
    Close(#[from] LogbookError),
    /// A task of the server ended before its time.
    #[error("a part of the server was given up")]
    Abandoned,
}
