//! `sealbook revoke`: says for ever where a book ends.

use std::path::PathBuf;

use crate::ledger::position::Seq;
use crate::ledger::revocation::Revocation;
use crate::logbook::{entry_at, identity_of};

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::passphrase;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The last entry that stands
    seq: u64,
    /// The private key of the successor, or the recovery key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Why, for those who read it later
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Write it into a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let reader = context.reader(output)?;
    let store = &reader.store;
    let identity = identity_of(store)?;
    let last = crate::store::Store::last_seq(store)?;
    if last.is_none_or(|last| last < Seq(args.seq)) {
        return Err(CliError::NothingFound);
    }
    let signer = passphrase::open(&args.key)?;
    let revocation = Revocation {
        log: identity.log,
        genesis: identity.genesis,
        seq: Seq(args.seq),
        hash: entry_at(store, Seq(args.seq))?.hash(),
        reason: args.reason.clone(),
    };
    let mut signed = revocation.sign(&signer)?;
    // Where the successor revokes, the entry that names it shows that it may.
    signed.closing = match last {
        Some(last) => Some(Box::new(entry_at(store, last)?)),
        None => None,
    };
    if signed.successor() != Some(signed.envelope.key) {
        signed.closing = None;
    }
    let text = signed.to_file();
    match &args.output {
        Some(path) => {
            std::fs::write(path, text).map_err(|error| CliError::file(path, error))?;
            let file = path.display();
            output.note(&format!("entries after {} are revoked by {file}", args.seq));
        }
        None => output.bytes(&text)?,
    }
    Ok(Answer::Yes)
}
