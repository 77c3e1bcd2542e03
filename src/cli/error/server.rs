//! What goes wrong with a server, its tokens and its TLS.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;

use super::CliError;
use crate::codes;
use crate::serve::ServeError;
use crate::serve::tls::TlsError;
use crate::serve::token_file::TokenFileError;

/// Why there is no server.
#[derive(Debug, Error)]
pub(in crate::cli) enum ServerError {
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("the server's threads could not be started: {0}")]
    Runtime(io::Error),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Tokens(#[from] TokenFileError),
    #[error(transparent)]
    Serve(ServeError),
}

impl ServerError {
    /// The word that `--json` prints.
    pub(super) fn code(&self) -> &'static str {
        match self {
            ServerError::Listen { .. }
            | ServerError::Serve(ServeError::Listener(_) | ServeError::Socket { .. }) => {
                "cannot_listen"
            }
            ServerError::Runtime(_) | ServerError::Serve(ServeError::Sink(_)) => "io",
            ServerError::Tls(_) => "tls",
            ServerError::Tokens(error) | ServerError::Serve(ServeError::Tokens(error)) => {
                token_code(error)
            }
            ServerError::Serve(ServeError::NotLoopback { .. }) => "token_file_needed",
            ServerError::Serve(ServeError::Origin { .. }) => "usage",
            ServerError::Serve(ServeError::Hall(_)) => "bad_input",
            ServerError::Serve(_) => "store_corrupt",
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        let hint = match self {
            ServerError::Serve(ServeError::Socket { .. }) => {
                "name another place with --socket PATH, of at most 107 bytes, in a folder of this \
                 user's"
            }
            ServerError::Listen { .. } | ServerError::Serve(ServeError::NotLoopback { .. }) => {
                codes::find(self.code()).remedy
            }
            ServerError::Tokens(TokenFileError::Writable { path })
            | ServerError::Serve(ServeError::Tokens(TokenFileError::Writable { path })) => {
                return Some(format!("chmod 600 {}", path.display()));
            }
            ServerError::Tokens(TokenFileError::Io { source, .. })
            | ServerError::Serve(ServeError::Tokens(TokenFileError::Io { source, .. }))
                if source.kind() == io::ErrorKind::NotFound =>
            {
                "make it with `sealbook token new --scope SCOPE`"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

fn token_code(error: &TokenFileError) -> &'static str {
    match error {
        TokenFileError::NoSuchToken { .. } => "not_found",
        TokenFileError::Io { .. } => "io",
        TokenFileError::Writable { .. } => "token_file_writable",
        TokenFileError::Randomness(_) => "no_randomness",
        _ => "bad_input",
    }
}

impl From<ServeError> for CliError {
    fn from(error: ServeError) -> CliError {
        // What is the ledger's is named as every other command names it.
        let of_ledger: crate::api::Error = match error {
            ServeError::Record(error) => error.into(),
            ServeError::Query(error) => error.into(),
            ServeError::Ledger(error) => error.into(),
            ServeError::Close(error) => error.into(),
            ServeError::Api(error) => error,
            error => return CliError::Server(ServerError::Serve(error)),
        };
        CliError::from(of_ledger)
    }
}
