//! What no output replaces, adds to or lies in: a key, a mark, a file of tokens, anything
//! in a ledger. Every flag that names a file or a folder to be written comes through here.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::files;
use crate::ledger::json::Object;
use crate::ledger::limits;
use crate::ledger::parse::parse_with;
use crate::signers::KeyLocation;

use super::context::Context;
use super::error::CliError;
use super::target::{folder_of, is_stream};

/// What is looked at of a file that stands in the way: more than a key, a mark or
/// the first line of any output of ours that is not an entry needs.
pub(super) const LOOKED_AT: u64 = 64 << 10;

const IN_A_LEDGER: &str = "a place in a ledger";

/// Refuses a place where something lies that no output of any kind replaces.
pub(super) fn spare(context: &Context, path: &Path) -> Result<(), CliError> {
    let mark = place_of(context.options().mark_of(&context.ledger).path());
    let keys: Vec<PathBuf> = context.usual_keys().map(|key| place_of(&key)).collect();
    // Also what a link leads to: what is opened to be written follows it.
    for place in [Some(place_of(path)), path.canonicalize().ok()] {
        let Some(place) = place else { continue };
        if lies_in(&place, &context.ledger) || ledger_around(&place) {
            return Err(spared(path, IN_A_LEDGER));
        }
        if place == mark {
            return Err(spared(path, "the ledger's mark"));
        }
        if keys.contains(&place) {
            return Err(spared(path, "the place of the ledger's key"));
        }
    }
    match secret_in(path) {
        Some(what) => Err(spared(path, what)),
        None => Ok(()),
    }
}

/// The same of a file that is replaced or added to where it is of the same kind, which
/// its beginning shows: anything else that stands there is another's.
pub(super) fn spare_others(
    context: &Context,
    path: &Path,
    (kind, is_own): (&'static str, fn(&[u8]) -> bool),
) -> Result<(), CliError> {
    spare(context, path)?;
    match beginning(path) {
        Some(text) if !text.is_empty() && !is_own(&text) => Err(CliError::OtherFile {
            path: path.to_owned(),
            kind,
        }),
        None if path.is_dir() => Err(CliError::IsFolder {
            path: path.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Writes a file whole into its place, where that replaces nothing that is spared: nor
/// does the file do that which it is written into before.
pub(super) fn replace(context: &Context, path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    spare(context, path)?;
    if !is_stream(path) {
        spare(context, &path.with_extension("tmp"))?;
    }
    files::replace(path, bytes).map_err(|error| CliError::file(path, error))
}

/// Refuses a ledger, or a file of one, that is to be made in the folder of a ledger.
pub(super) fn outside_ledgers(path: &Path) -> Result<(), CliError> {
    match !KeyLocation::is_outside(path) && ledger_around(&place_of(path)) {
        true => Err(spared(path, IN_A_LEDGER)),
        false => Ok(()),
    }
}

/// Whether a place is in this folder.
pub(super) fn lies_in(path: &Path, folder: &Path) -> bool {
    let folder = folder.canonicalize();
    folder.is_ok_and(|folder| place_of(path).starts_with(folder))
}

fn spared(path: &Path, what: &'static str) -> CliError {
    CliError::Spared {
        path: path.to_owned(),
        what,
    }
}

/// What a file holds that cannot be had again.
fn secret_in(path: &Path) -> Option<&'static str> {
    let text = beginning(path)?;
    let has = |word: &str| memchr::memmem::find(&text, word.as_bytes()).is_some();
    if has("-----BEGIN ") && has("KEY-----") {
        return Some("a key");
    }
    let object = first_object(&text)?;
    let named_mark = path.extension().is_some_and(|ending| ending == "mark");
    if object.contains_key("head") && (object.contains_key("sealed") || named_mark) {
        return Some("a mark");
    }
    ["id", "scopes", "digest"]
        .iter()
        .all(|name| object.contains_key(name))
        .then_some("a file of tokens")
}

/// How a regular file begins, also one at the end of a link, which would then lead nowhere.
fn beginning(path: &Path) -> Option<Vec<u8>> {
    let regular = path.metadata().is_ok_and(|state| state.is_file());
    let file = regular.then(|| File::open(path).ok()).flatten()?;
    let mut text = Vec::new();
    file.take(LOOKED_AT).read_to_end(&mut text).ok()?;
    Some(text)
}

pub(super) fn first_object(text: &[u8]) -> Option<Object> {
    let line = text.split(|byte| *byte == b'\n').next()?;
    let value = parse_with(line, &limits::embedded(2)).ok()?;
    value.as_object().cloned()
}

/// Whether a place is in the folder of a ledger, however deep.
fn ledger_around(place: &Path) -> bool {
    // RocksDB names its current manifest so; a database may lie by itself.
    let in_database = place
        .parent()
        .is_some_and(|folder| folder.join("CURRENT").exists());
    in_database
        || place
            .ancestors()
            .skip(1)
            .any(|folder| folder.join("db/CURRENT").exists())
}

/// A path without links but for its last name, which is what is replaced. Of folders that
/// are not there yet, what is there of them has no links.
fn place_of(path: &Path) -> PathBuf {
    let Some(name) = path.file_name() else {
        return path.canonicalize().unwrap_or_else(|_| path.to_owned());
    };
    let folder = folder_of(path);
    match folder.canonicalize() {
        Ok(folder) => folder.join(name),
        Err(_) if folder == path || folder == Path::new(".") => path.to_owned(),
        Err(_) => place_of(folder).join(name),
    }
}
