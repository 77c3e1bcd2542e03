//! `sealbook init`: a new ledger and its key.

use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
use serde::Serialize;

use crate::ledger::hash::Hash;
use crate::ledger::key::{PublicKey, Signer};
use crate::logbook::init::{Origin, begin, recovery_key_sha256};
use crate::store::RocksStore;

use super::Answer;
use super::context::{Context, KEY_PATH, path_bytes};
use super::error::CliError;
use super::key::parse_key;
use super::output::Output;
use super::passphrase;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the private key is written [default: DIR.key.pem, beside the ledger]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Use the key that the file already holds
    #[arg(long)]
    reuse_key: bool,
    /// Put the new key under a passphrase: that of SEALBOOK_KEY_PASSPHRASE, or asked for
    #[arg(long, conflicts_with = "reuse_key")]
    encrypt_key: bool,
    /// The log's name, for people
    #[arg(long, value_name = "NAME", default_value = "")]
    origin: String,
    /// The public key that may one day revoke this log's: 64 hex digits or a PEM file
    #[arg(long, value_name = "PUB")]
    recovery_key: Option<String>,
}

#[derive(Serialize)]
struct Made {
    ledger: String,
    log: PublicKey,
    genesis: Hash,
    fingerprint: String,
    key_file: String,
    mark_file: String,
}

pub(super) fn run(context: &Context, args: Args, output: &mut Output) -> Result<Answer, CliError> {
    context.wait()?;
    let recovery_key = args.recovery_key.as_deref().map(parse_key).transpose()?;
    let beside = args.key.is_none() || !context.mark_given;
    if beside && is_mount_point(&context.ledger) {
        let path = context.ledger.clone();
        return Err(CliError::MountPoint { path });
    }
    let key = args.key.unwrap_or_else(|| context.default_key());
    // Everything that must not be there is looked for before anything is made.
    let mut unwanted = vec![context.mark.path()];
    if !args.reuse_key {
        unwanted.push(&key);
    }
    RocksStore::check_free(&context.ledger)?;
    if let Some(path) = [context.mark.path(), &key]
        .into_iter()
        .find(|path| lies_in(path, &context.ledger))
    {
        let path = path.to_owned();
        return Err(CliError::InsideLedger { path });
    }
    if let Some(path) = unwanted
        .into_iter()
        .find(|path| path.symlink_metadata().is_ok())
    {
        let path = path.to_owned();
        return Err(CliError::Exists { path });
    }
    let signer = passphrase::begin(&key, args.reuse_key, args.encrypt_key)?;
    let origin = Origin {
        name: args.origin,
        recovery_key_sha256: recovery_key.as_ref().map(recovery_key_sha256),
        predecessor: None,
        meta: vec![(KEY_PATH, path_bytes(&key)?)],
    };
    let beginning = begin(&signer, &*context.clock(), &origin)?;
    let mark = context.mark.path();
    context
        .mark
        .write(&beginning.mark)
        .map_err(|error| CliError::file(mark, error))?;
    RocksStore::create(&context.ledger, beginning.batch)?.close()?;
    let made = Made {
        ledger: context.ledger.display().to_string(),
        log: beginning.identity.log,
        genesis: beginning.identity.genesis,
        fingerprint: signer.public_key().fingerprint(),
        key_file: key.display().to_string(),
        mark_file: mark.display().to_string(),
    };
    if output.is_json() {
        output.document(&made)?;
    } else {
        output.line(&format!("made the ledger {}", made.ledger))?;
        output.line(&format!("  log      {}", made.log))?;
        output.line(&format!("  genesis  {}", made.genesis))?;
        output.line(&format!(
            "  key      {} (keep it secret, keep a copy)",
            made.key_file
        ))?;
        output.line(&format!(
            "  mark     {} (keep it apart from copies of the ledger)",
            made.mark_file
        ))?;
    }
    Ok(Answer::Yes)
}

/// Whether something else is mounted at the folder: then what lies beside it lies on
/// another file system, of a container perhaps, and may not last as long.
fn is_mount_point(folder: &Path) -> bool {
    let found = statx(CWD, folder, AtFlags::empty(), StatxFlags::BASIC_STATS);
    found.is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// Whether a file is in a folder, both of which need not exist.
fn lies_in(file: &Path, folder: &Path) -> bool {
    let parent = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let (parent, folder) = (parent.canonicalize(), folder.canonicalize());
    parent.is_ok_and(|parent| folder.is_ok_and(|folder| parent.starts_with(folder)))
}
