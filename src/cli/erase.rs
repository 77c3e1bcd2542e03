//! `sealbook erase`: takes redactable members back for good.

use std::io::{self, IsTerminal as _};

use dialoguer::Confirm;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api::actor::this_user;
use crate::api::held::{Held, body_of, conditions};
use crate::api::{Ledger, Writer};
use crate::ledger::json::Value;
use crate::ledger::position::Seq;
use crate::ledger::redact::erasure::ErasedMember;
use crate::ledger::redact::pointer::Pointer;
use crate::ledger::shape;
use crate::logbook::error::ServerRefusal;
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
        let Some(server) = context.server_elsewhere()? else {
            let ledger = context.reader(output)?;
            let wanted = wanted(&ledger, args, &filter, output)?;
            return plan(&ledger.to_erase(&wanted)?, output);
        };
        let planned = ask(&server, &Order::new(args, &filter)?)?;
        return planned.print(output);
    }
    let ledger = match context.writer()? {
        Writer::Own(ledger) => ledger,
        Writer::Held(writer) => return beside(args, &filter, writer.server(), output),
    };
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
    say_not_reached(members, output);
    ledger.close()?;
    Ok(Answer::Yes)
}

fn say_not_reached(members: usize, output: &mut Output) {
    output.note(&format!(
        "{members} members are erased for good; {NOT_REACHED}"
    ));
}

/// Has the server erase that holds the ledger: what its dry run finds, and nothing else.
fn beside(
    args: &Args,
    filter: &Filter,
    server: &Held,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let mut order = Order::new(args, filter)?;
    let planned = ask(server, &order)?;
    if planned.count == 0 {
        return Err(CliError::NothingFound);
    }
    confirm(args, planned.count)?;
    order.dry_run = false;
    order.confirm = Some(&planned.confirm);
    let done = ask(server, &order)?;
    let members = done.count;
    output.done(format!("{members} members are erased for good"));
    for receipt in &done.receipts {
        output.document(receipt)?;
    }
    say_not_reached(members, output);
    Ok(Answer::Yes)
}

/// What `POST /v1/erasures` is asked.
#[derive(Serialize)]
struct Order<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Vec<MemberAt<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointers: Option<&'a [Pointer]>,
    reason: &'a str,
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<&'a str>,
}

#[derive(Serialize)]
struct MemberAt<'a> {
    seq: Seq,
    pointer: &'a Pointer,
}

/// What it answers; the first 1 000 members are named.
#[derive(Deserialize)]
struct Answered {
    count: usize,
    confirm: String,
    erased: Vec<MemberText>,
    receipts: Vec<Value>,
}

#[derive(Deserialize)]
struct MemberText {
    seq: Seq,
    pointer: String,
}

impl<'a> Order<'a> {
    /// The order of a dry run.
    fn new(args: &'a Args, filter: &Filter) -> Result<Order<'a>, CliError> {
        let at = |seq| {
            let pointers = args.pointer.iter();
            let member = |pointer| MemberAt { seq, pointer };
            pointers.map(member).collect()
        };
        let query = args.entry.is_none().then(|| conditions(filter));
        let query = query.transpose()?;
        Ok(Order {
            members: args.entry.map(|seq| at(Seq(seq))),
            pointers: query.is_some().then_some(&args.pointer[..]),
            query,
            // A dry run keeps none.
            reason: args.reason.as_deref().unwrap_or("dry run"),
            dry_run: true,
            confirm: None,
        })
    }
}

impl Answered {
    fn print(&self, output: &mut Output) -> Result<Answer, CliError> {
        let members = self.erased.iter();
        let members = members.map(|it| (it.seq, it.pointer.as_str()));
        print_plan(members, self.count, output)
    }
}

fn ask(server: &Held, order: &Order<'_>) -> Result<Answered, CliError> {
    let body = body_of(&shape::write(order));
    let answer = server.post("/v1/erasures", body)?;
    let read = shape::read(&answer, "");
    Ok(read.map_err(|error| ServerRefusal {
        code: "server_unsupported",
        detail: format!("the server says of an erasure something else: {error}"),
    })?)
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
    let members: Vec<_> = wanted
        .iter()
        .map(|it| (it.seq, it.pointer.to_string()))
        .collect();
    let members = members
        .iter()
        .map(|(seq, pointer)| (*seq, pointer.as_str()));
    print_plan(members, wanted.len(), output)
}

/// Prints what would be erased: `count` members, of which these are named.
fn print_plan<'a>(
    members: impl Iterator<Item = (Seq, &'a str)>,
    count: usize,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let mut named = 0;
    if output.is_json() {
        let members: Vec<_> = members
            .map(|(seq, pointer)| json!({"pointer": pointer, "seq": seq}))
            .collect();
        output.document(&json!({"dry_run": true, "members": members}))?;
    } else {
        for (seq, pointer) in members {
            output.line(&format!("entry {seq}  {pointer}"))?;
            named += 1;
        }
        if named < count {
            output.line(&format!("and {} more", count - named))?;
        }
        output.note(&format!("{count} members would be erased"));
    }
    Ok(match count {
        0 => Answer::No,
        _ => Answer::Yes,
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
