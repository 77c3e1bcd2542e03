//! The file of tokens: JSON Lines of `{"id", "name", "scopes", "digest",
//! "created_at", "expires_at"}`, with digests and no token.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::scope::Scope;
use super::token::{BearerToken, TokenDigest};
use crate::files::replace_private;
use crate::ledger::json::Form;
use crate::ledger::limits;
use crate::ledger::parse::{ParseError, parse};
use crate::ledger::shape::{self, MemberError};
use crate::ledger::time::Timestamp;

/// Tokens in one file. All of them are compared with each that is presented.
const MOST: usize = 10_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptToken {
    /// Its name in entries and logs; no secret.
    pub id: String,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub digest: TokenDigest,
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Default)]
pub struct TokenFile {
    tokens: Vec<KeptToken>,
}

/// Why a file of tokens was not read or written.
#[derive(Debug, Error)]
pub enum TokenFileError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: others than its owner may write it", path.display())]
    Writable { path: PathBuf },
    #[error("{}: more tokens than a server looks through", path.display())]
    TooMany { path: PathBuf },
    #[error("{}: line {line}: {error}", path.display())]
    Json {
        path: PathBuf,
        line: usize,
        error: ParseError,
    },
    #[error("{}: line {line}: {error}", path.display())]
    Member {
        path: PathBuf,
        line: usize,
        error: MemberError,
    },
    #[error("no randomness to be had: {0}")]
    Randomness(getrandom::Error),
    #[error("there is no token \"{id}\"")]
    NoSuchToken { id: String },
}

impl TokenFile {
    /// Reads the tokens in `path`.
    pub fn open(path: &Path) -> Result<TokenFile, TokenFileError> {
        use std::os::unix::fs::MetadataExt as _;
        let failed = |source| io_error(path, source);
        let file = fs::File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.mode() & 0o022 != 0 {
            let path = path.to_owned();
            return Err(TokenFileError::Writable { path });
        }
        let limit = 10 * limits::SMALL_FILE_BYTES;
        let mut text = Vec::new();
        file.take(limit as u64 + 1)
            .read_to_end(&mut text)
            .map_err(failed)?;
        let lines = text.split(|byte| *byte == b'\n').enumerate();
        let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
        let tokens: Vec<_> = lines
            .map(|(index, line)| read_line(path, index + 1, line))
            .collect::<Result<_, _>>()?;
        if text.len() > limit || tokens.len() > MOST {
            let path = path.to_owned();
            return Err(TokenFileError::TooMany { path });
        }
        Ok(TokenFile { tokens })
    }

    /// Makes a token and keeps its digest. It cannot be had again.
    pub fn issue(
        &mut self,
        name: &str,
        scopes: &[Scope],
        now: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> Result<(BearerToken, &KeptToken), TokenFileError> {
        let (token, id) = BearerToken::generate().map_err(TokenFileError::Randomness)?;
        let mut scopes = scopes.to_vec();
        scopes.sort_unstable();
        scopes.dedup();
        let kept = KeptToken {
            id,
            name: name.to_owned(),
            scopes,
            digest: token.digest(),
            created_at: now,
            expires_at,
        };
        self.tokens.push(kept);
        let kept = self.tokens.last();
        kept.map(|kept| (token, kept))
            .ok_or(TokenFileError::NoSuchToken { id: String::new() })
    }

    /// Takes a token out, by its name.
    pub fn revoke(&mut self, id: &str) -> Result<KeptToken, TokenFileError> {
        let at = self.tokens.iter().position(|token| token.id == id);
        match at {
            Some(at) => Ok(self.tokens.remove(at)),
            None => Err(TokenFileError::NoSuchToken { id: id.to_owned() }),
        }
    }

    /// Writes the tokens to `path`, readable by its owner alone.
    pub fn save(&self, path: &Path) -> Result<(), TokenFileError> {
        let failed = |source| io_error(path, source);
        let mut text = String::new();
        for token in &self.tokens {
            text.push_str(&shape::write(token).canonical(Form::Utf8));
            text.push('\n');
        }
        replace_private(path, text.as_bytes()).map_err(failed)
    }

    /// The tokens, in the order in which they were made.
    pub fn tokens(&self) -> &[KeptToken] {
        &self.tokens
    }

    /// The token that is presented, if it is one of these. Looks through all of
    /// them, whichever it is.
    pub fn find(&self, presented: &str) -> Option<&KeptToken> {
        let presented = TokenDigest::of(presented);
        let matching = self
            .tokens
            .iter()
            .filter(|kept| kept.digest.matches(&presented));
        // All of them are compared, whichever matches.
        matching.fold(None, |_, kept| Some(kept))
    }
}

impl KeptToken {
    /// Whether it is refused at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires| expires <= now)
    }
}

fn read_line(path: &Path, line: usize, text: &[u8]) -> Result<KeptToken, TokenFileError> {
    let value = parse(text).map_err(|error| TokenFileError::Json {
        path: path.to_owned(),
        line,
        error,
    })?;
    shape::read(&value, "").map_err(|error| TokenFileError::Member {
        path: path.to_owned(),
        line,
        error,
    })
}

fn io_error(path: &Path, source: io::Error) -> TokenFileError {
    TokenFileError::Io {
        path: path.to_owned(),
        source,
    }
}
