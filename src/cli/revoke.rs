//! `sealbook revoke`: revokes the key from an entry on.

use std::path::PathBuf;

use crate::ledger::position::Seq;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::target::{Force, OutputKind, Target};

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
    #[command(flatten)]
    force: Force,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    context.check_alone()?;
    let ledger = context.reader(output)?;
    // An entry that is not there is answered before a passphrase is asked for.
    ledger.entry(Seq(args.seq))?;
    let signer = context.open_key(&args.key)?;
    let signed = ledger.revoke(Seq(args.seq), &signer, &args.reason)?;
    let text = signed.to_file();
    match &args.output {
        Some(path) => {
            let target = Target {
                path,
                kind: OutputKind::Revocation,
                log: Some(ledger.key()),
                force: args.force,
            };
            target.write_bytes(context, &text)?;
            let file = path.display();
            output.note(&format!("entries after {} are revoked by {file}", args.seq));
        }
        None => output.bytes(&text)?,
    }
    if !ledger.may_revoke(&signed)? {
        let key = args.key.display();
        output.warning(&format!(
            "{key} is neither this log's recovery key nor its successor's: a revocation by it has \
             no effect"
        ));
    }
    Ok(Answer::Yes)
}
