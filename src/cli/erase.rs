//! `sealbook erase`: takes redactable members back for good.

use std::io::{self, IsTerminal as _};

use dialoguer::Confirm;
use serde_json::json;

use crate::api::Ledger;
use crate::api::actor::this_user;
use crate::ledger::position::Seq;
use crate::ledger::redact::erasure::ErasedMember;
use crate::ledger::redact::pointer::Pointer;
use crate::store::query::Filter;

use super::Answer;
use super::append::Printed;
use super::context::Context;
use super::error::{CliError, ProducerError};
use super::filters::{Filters, say_other_types};
use super::output::Output;

/// What no erasure reaches, said each time.
const NOT_REACHED: &str = "not reached: blocks that the file system freed and did not overwrite, \
    backups and snapshots made before, hard links to tables of the database, what was exported \
    or sent to others; pointers, names of members and the reason stay in the log";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The entry's sequence number; without it, every entry that the filters find
    #[arg(value_name = "SEQ")]
    entry: Option<u64>,
    /// Which member (may be given several times)
    #[arg(long, value_name = "POINTER", required = true)]
    pointer: Vec<Pointer>,
    /// Why, for those who read the log later: it stays for ever
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    reason: Option<String>,
    /// Say what would be erased, and erase nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    filters: Filters,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let filter = args.filters.to_filter()?;
    let filtered = filter != Filter::default();
    if filtered == args.entry.is_some() {
        return Err(CliError::usage(
            "either SEQ says which entry is meant, or a filter such as --tenant which ones",
        ));
    }
    if args.dry_run {
        let ledger = context.reader(output)?;
        let wanted = wanted(&ledger, args, &filter, output)?;
        return plan(&ledger.to_erase(&wanted)?, output);
    }
    context.check_alone()?;
    let ledger = Ledger::open(&context.ledger, context.options())?;
    let wanted = wanted(&ledger, args, &filter, output)?;
    if wanted.is_empty() {
        return Err(CliError::NothingFound);
    }
    let members = ledger.to_erase(&wanted)?.len();
    confirm(args, members)?;
    let reason = args.reason.as_deref().unwrap_or_default();
    let receipts = ledger.erase(&wanted, reason, this_user("cli"))?;
    output.done(format!("{members} members are erased for good"));
    for receipt in &receipts {
        output.document(&Printed::new(receipt, ledger.identity()))?;
    }
    output.note(&format!(
        "{members} members are erased for good; {NOT_REACHED}"
    ));
    ledger.close()?;
    Ok(Answer::Yes)
}

/// The members that are meant. Of one entry each must be there; of many those that are.
fn wanted(
    ledger: &Ledger,
    args: &Args,
    filter: &Filter,
    output: &mut Output,
) -> Result<Vec<(Seq, Pointer)>, CliError> {
    if let Some(seq) = args.entry {
        let pointers = args.pointer.iter();
        return Ok(pointers.map(|it| (Seq(seq), it.clone())).collect());
    }
    say_other_types(ledger.store(), filter, output)?;
    ledger
        .erasable_where(filter, &args.pointer)?
        .collect::<Result<_, _>>()
        .map_err(CliError::from)
}

fn plan(wanted: &[ErasedMember], output: &mut Output) -> Result<Answer, CliError> {
    if output.is_json() {
        let members = wanted.iter();
        let members = members.map(|it| json!({"pointer": it.pointer, "seq": it.seq}));
        let members: Vec<_> = members.collect();
        output.document(&json!({"dry_run": true, "members": members}))?;
    } else {
        for ErasedMember { seq, pointer, .. } in wanted {
            output.line(&format!("entry {seq}  {pointer}"))?;
        }
        output.note(&format!("{} members would be erased", wanted.len()));
    }
    Ok(match wanted.is_empty() {
        true => Answer::No,
        false => Answer::Yes,
    })
}

fn confirm(args: &Args, members: usize) -> Result<(), CliError> {
    if args.yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(CliError::usage(
            "erasing cannot be undone: say --yes, or see with --dry-run what it is",
        ));
    }
    let question = format!("Erase {members} members for good?");
    let asked = Confirm::new().with_prompt(question).default(false);
    match asked.interact().map_err(ProducerError::from)? {
        true => Ok(()),
        false => Err(CliError::usage("nothing was erased")),
    }
}
