//! `sealbook rotate`: closes the book, and continues it in a new one under a new
//! key.
//!
//! The order, which loses nothing wherever it is interrupted:
//! 1. The new key is made and is on the disk.
//! 2. The last entry of the old book, `sealbook:close`, names that key, and is
//!    durable. **From here on the old book takes no more entries.**
//! 3. Its open epoch is sealed, and its mark names its end.
//! 4. The new book is made; its entry 0 names the end of the old one.
//!
//! Interrupted before 2, the old book is as it was, and a key file is left over
//! (`--reuse-key`). Interrupted later, the same command goes on: it finds the
//! book closed, and the key that it was closed in favour of.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::ledger::hash::Hash;
use crate::ledger::key::{PublicKey, Signer, SoftwareSigner};
use crate::ledger::opening::{Opening, Predecessor};
use crate::ledger::position::Seq;
use crate::logbook::init::{Origin, begin, recovery_key_sha256};
use crate::logbook::{Closed, beside, closed, resolved};
use crate::store::{RocksStore, Store};

use super::Answer;
use super::context::{Context, KEY_PATH, path_bytes};
use super::error::CliError;
use super::key::parse_key;
use super::output::Output;
use super::passphrase;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The directory of the new ledger [default: DIR.2, then DIR.3, …]
    #[arg(value_name = "NEW")]
    new: Option<PathBuf>,
    /// Where the new private key is written [default: NEW.key.pem, beside it]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Use the key that the file already holds
    #[arg(long)]
    reuse_key: bool,
    /// Put the new key under a passphrase: that of SEALBOOK_KEY_PASSPHRASE, or asked for
    #[arg(long, conflicts_with = "reuse_key")]
    encrypt_key: bool,
    /// The new log's name [default: that of the old one]
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    /// The public key that may one day revoke the new log's [default: that of the old one]
    #[arg(long, value_name = "PUB")]
    recovery_key: Option<String>,
}

#[derive(Serialize)]
struct Rotated {
    ledger: String,
    log: PublicKey,
    genesis: Hash,
    key_file: String,
    mark_file: String,
    predecessor: Before,
}

#[derive(Serialize)]
struct Before {
    ledger: String,
    log: PublicKey,
    seq: u64,
    hash: Hash,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let recovery_key = args.recovery_key.as_deref().map(parse_key).transpose()?;
    let new = args
        .new
        .clone()
        .unwrap_or_else(|| numbered(&resolved(&context.ledger)));
    let key = args.key.clone().unwrap_or_else(|| beside(&new, "key.pem"));
    let next = context.of(new);
    context.wait()?;
    let (opening, before) = {
        let reader = context.reader(output)?;
        (opening_of(&reader.store)?, closed(&reader.store)?)
    };
    if next.ledger.symlink_metadata().is_ok() {
        let path = next.ledger.clone();
        return match &before {
            // Everything was done before.
            Some(end) if continues(&next, end, output)? => {
                answer(context, &next, &key, end, output)
            }
            _ => Err(CliError::Exists { path }),
        };
    }
    let (signer, end) = match before {
        Some(end) => {
            let signer = successor(&key, &end)?;
            let logbook = context.writer()?;
            logbook.seal()?;
            logbook.close()?;
            (signer, end)
        }
        None => {
            let mark = next.mark.path();
            if mark.symlink_metadata().is_ok() {
                let path = mark.to_owned();
                return Err(CliError::Exists { path });
            }
            let signer = passphrase::begin(&key, args.reuse_key, args.encrypt_key)?;
            let end = close(context, &signer)?;
            (signer, end)
        }
    };
    let origin = Origin {
        name: args.origin.clone().unwrap_or(opening.origin),
        recovery_key_sha256: match &recovery_key {
            Some(key) => Some(recovery_key_sha256(key)),
            None => opening.recovery_key_sha256,
        },
        predecessor: Some(Predecessor {
            log: end.log,
            seq: end.seq,
            hash: end.hash,
        }),
        meta: vec![(KEY_PATH, path_bytes(&key)?)],
    };
    let beginning = begin(&signer, &*context.clock(), &origin)?;
    let written = next.mark.write(&beginning.mark);
    written.map_err(|error| CliError::file(next.mark.path(), error))?;
    RocksStore::create(&next.ledger, beginning.batch)?.close()?;
    answer(context, &next, &key, &end, output)
}

/// Closes the book in favour of the new key, and seals it.
fn close(context: &Context, signer: &SoftwareSigner) -> Result<Closed, CliError> {
    let logbook = context.writer()?;
    let receipt = logbook.close_book(signer.public_key())?;
    let log = logbook.identity().log;
    logbook.seal()?;
    logbook.close()?;
    Ok(Closed {
        log,
        seq: receipt.seq,
        hash: receipt.hash,
        successor: signer.public_key(),
    })
}

/// The key that the book was closed in favour of, when that was interrupted.
fn successor(key: &Path, end: &Closed) -> Result<SoftwareSigner, CliError> {
    let signer = passphrase::open(key)?;
    if signer.public_key() == end.successor {
        Ok(signer)
    } else {
        Err(CliError::OtherSuccessor {
            path: key.to_owned(),
            successor: end.successor,
        })
    }
}

fn opening_of(store: &dyn Store) -> Result<Opening, CliError> {
    let first = crate::logbook::entry_at(store, Seq::FIRST)?;
    let payload = first.check_payload().ok();
    let opening = payload.and_then(|payload| Opening::from_object(&payload).ok());
    opening.ok_or_else(|| CliError::from(crate::logbook::error::OpenError::NotALedger))
}

/// Whether the ledger that is there already is the one to be made.
fn continues(next: &Context, end: &Closed, output: &mut Output) -> Result<bool, CliError> {
    let opening = opening_of(&next.reader(output)?.store)?;
    Ok(opening.log == end.successor
        && opening.predecessor
            == Some(Predecessor {
                log: end.log,
                seq: end.seq,
                hash: end.hash,
            }))
}

/// `DIR.2` after `DIR`, `DIR.3` after that.
fn numbered(ledger: &Path) -> PathBuf {
    let text = ledger.components().as_path().to_string_lossy().into_owned();
    let number = text.rsplit_once('.').and_then(|(name, number)| {
        let number: u32 = number.parse().ok()?;
        Some((name.to_owned(), number.checked_add(1)?))
    });
    let (name, number) = number.unwrap_or((text, 2));
    PathBuf::from(format!("{name}.{number}"))
}

fn answer(
    context: &Context,
    next: &Context,
    key: &Path,
    end: &Closed,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let identity = crate::logbook::identity_of(&next.reader(output)?.store)?;
    let rotated = Rotated {
        ledger: next.ledger.display().to_string(),
        log: identity.log,
        genesis: identity.genesis,
        key_file: key.display().to_string(),
        mark_file: next.mark.path().display().to_string(),
        predecessor: Before {
            ledger: context.ledger.display().to_string(),
            log: end.log,
            seq: end.seq.0,
            hash: end.hash,
        },
    };
    if output.is_json() {
        output.document(&rotated)?;
        return Ok(Answer::Yes);
    }
    let before = &rotated.predecessor;
    output.line(&format!(
        "closed {} with entry {}",
        before.ledger, before.seq
    ))?;
    output.line(&format!("continued in {}", rotated.ledger))?;
    output.line(&format!("  log      {}", rotated.log))?;
    output.line(&format!("  genesis  {}", rotated.genesis))?;
    output.line(&format!(
        "  key      {} (keep it secret, keep a copy)",
        rotated.key_file
    ))?;
    output.line(&format!(
        "  mark     {} (keep it apart from copies of the ledger)",
        rotated.mark_file
    ))?;
    Ok(Answer::Yes)
}
