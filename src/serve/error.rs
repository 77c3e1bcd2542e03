//! Why a server did not begin, or did not end in order.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

use super::config::LoadError;
use super::token_file::TokenFileError;
use crate::logbook::error::{LogbookError, OpenError};
use crate::record::RecordError;
use crate::store::query::QueryError;

/// Why a server did not begin, or did not end in order.
#[derive(Debug, Error)]
pub enum ServeError {
    #[error("cannot listen: {0}")]
    Listener(io::Error),
    #[error("cannot listen on {}: {source}", path.display())]
    Socket { path: PathBuf, source: io::Error },
    #[error("{address} is not a loopback address, and there is no token file")]
    NotLoopback { address: SocketAddr },
    #[error(transparent)]
    Tokens(#[from] TokenFileError),
    #[error("\"{origin}\" is not an origin such as https://audit.example")]
    Origin { origin: String },
    #[error("{0}")]
    Hall(LoadError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Ledger(#[from] OpenError),
    #[error(transparent)]
    Api(#[from] crate::api::Error),
    #[error(transparent)]
    Close(#[from] LogbookError),
    #[error("the thread of a sink could not be started: {0}")]
    Sink(io::Error),
    #[error("a part of the server was given up")]
    Abandoned,
}
