//! `--log KEY`: the same questions, asked of a log that was imported.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write};
use std::path::Path;

use crate::imports::reading::{ImportedLog, give_file};
use crate::ledger::hash::{Hash, Hasher};
use crate::store::Store;
use crate::store::query::Filter;

use super::Answer;
use super::error::CliError;
use super::key::parse_key;
use super::one_entry::{parse_seq, print};
use super::output::Output;
use super::rows::{EntryRows, cells};

/// Digits of a key in a table.
const KEY_DIGITS: usize = 16;

/// The log of `KEY`, or of `KEY:GENESIS` where a key has several.
pub(super) fn find<'s>(store: &'s dyn Store, name: &str) -> Result<ImportedLog<'s>, CliError> {
    if let Some((key, genesis)) = name.split_once(':')
        && let Ok(genesis) = Hash::from_hex(&genesis.to_ascii_lowercase())
    {
        return Ok(ImportedLog::find(store, parse_key(key)?, Some(genesis))?);
    }
    Ok(ImportedLog::find(store, parse_key(name)?, None)?)
}

pub(super) fn show(
    log: &ImportedLog<'_>,
    entry: &str,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let seq = match Hash::from_hex(&entry.to_ascii_lowercase()) {
        Ok(hash) => log.seq_of(&hash)?,
        Err(_) => Some(parse_seq(entry)?),
    };
    let found = match seq {
        Some(seq) => log.entry(seq)?.map(|entry| (seq, entry)),
        None => None,
    };
    let Some((seq, entry)) = found else {
        return Err(CliError::NothingFound);
    };
    if output.is_json() {
        let mut json = Vec::new();
        log.write_json(seq, &entry, &mut json);
        output.canonical(&json)?;
        return Ok(Answer::Yes);
    }
    output.line(&format!("{:<10}{}", "log", log.id().key))?;
    output.line(&format!("{:<10}{}", "genesis", log.id().genesis))?;
    print(seq, &entry, "imported", output)?;
    Ok(Answer::Yes)
}

pub(super) fn list(
    log: &ImportedLog<'_>,
    filter: &Filter,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let key = log.id().key.to_string();
    let short: String = key.chars().take(KEY_DIGITS).collect();
    let mut rows = EntryRows::new(&["log", "seq", "time", "kind", "payload"]);
    for item in log.select(filter) {
        let (seq, entry) = item?;
        if output.is_json() {
            rows.found = true;
            let mut json = Vec::new();
            log.write_json(seq, &entry, &mut json);
            output.canonical(&json)?;
        } else {
            let mut row = cells(seq, &entry);
            row.insert(0, short.clone());
            rows.add(row, output)?;
        }
    }
    rows.finish(output)
}

/// `export --log` and `export --file`: a file as it was imported.
pub(super) fn give(
    store: &dyn Store,
    log: Option<&str>,
    file: Option<&str>,
    out: &mut dyn Write,
) -> Result<u64, CliError> {
    let digest = match (log, file) {
        (_, Some(digest)) => {
            let digest = digest.strip_prefix("blake2b-256:").unwrap_or(digest);
            Hash::from_hex(&digest.to_ascii_lowercase()).map_err(|_| CliError::Argument {
                what: "file",
                given: digest.to_owned(),
                expected: "the digest of an imported file is needed, 64 hex digits",
            })?
        }
        (Some(name), None) => {
            let log = find(store, name)?;
            let mut files = log.files();
            match (files.next().transpose()?, files.next().transpose()?) {
                (Some(only), None) => only.digest,
                _ => {
                    return Err(CliError::Argument {
                        what: "log",
                        given: name.to_owned(),
                        expected: "several files were imported of it: choose one with --file",
                    });
                }
            }
        }
        (None, None) => return Err(CliError::NothingFound),
    };
    Ok(give_file(store, digest, out)?)
}

/// Whether the file at `path` is one that was imported: then it can be had again.
pub(super) fn is_kept(store: &dyn Store, path: &Path) -> bool {
    let regular = path.symlink_metadata().is_ok_and(|state| state.is_file());
    let digest = regular.then(|| digest_of(path).ok()).flatten();
    digest.is_some_and(|digest| give_file(store, digest, &mut io::sink()).is_ok())
}

fn digest_of(path: &Path) -> io::Result<Hash> {
    let mut reader = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut hasher = Hasher::new();
    loop {
        let piece = reader.fill_buf()?;
        if piece.is_empty() {
            return Ok(hasher.finish());
        }
        hasher.update(piece);
        let length = piece.len();
        reader.consume(length);
    }
}
