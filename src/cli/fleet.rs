//! `sealbook fleet`: many logs in one bucket.

mod query;

use std::path::PathBuf;

use serde::Serialize;

use crate::api::{
    Fleet, FleetFault, FleetLog, FleetRecords, FleetView, Ledger, RecordedLog, fleet, record_log,
};
use crate::bucket::Address;
use crate::ledger::policy::Policy;
use crate::logbook::clock::Clock as _;
use crate::logbook::clock::SystemClock;

use super::Answer;
use super::bucket::address;
use super::context::Context;
use super::document::witness_policy;
use super::error::CliError;
use super::key::parse_key;
use super::output::Output;
use super::trust::revocations;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Every log of a bucket: its head, its age, its witnesses and when it was verified last
    Status(Status),
    /// What all logs of a bucket have of one case: a bundle of each, and one custody
    Query(Box<query::Args>),
    /// Verify what each log of a bucket sealed since the last time, and record that in a
    /// fleet log
    Record(Record),
}

/// Which logs, and under which keys.
#[derive(Debug, clap::Args)]
struct Of {
    /// The bucket, or URL/log/GENESIS for one log of it
    #[arg(value_name = "URL", value_parser = address)]
    url: Address,
    /// The key of a log: 64 hex digits or a PEM file (may be given several times) [default:
    /// the key that each log names, which nobody vouches for]
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// A file with a revocation that ends a log (may be given several times)
    #[arg(long, value_name = "FILE")]
    revoked: Vec<PathBuf>,
}

impl Of {
    fn policy(&self) -> Result<Policy, CliError> {
        let keys: Result<_, _> = self.key.iter().map(|key| parse_key(key)).collect();
        Ok(Policy {
            keys: keys?,
            revocations: revocations(&self.revoked)?,
            ..Policy::default()
        })
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Status {
    #[command(flatten)]
    of: Of,
    /// Whose cosignatures count: a file of c2sp.org/tlog-policy
    #[arg(long, value_name = "FILE")]
    witness_policy: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Record {
    #[command(flatten)]
    of: Of,
    /// From the first epoch on, and not from the last that was recorded
    #[arg(long)]
    whole: bool,
}

pub(super) fn run(
    context: &Context,
    command: &Command,
    output: &mut Output,
) -> Result<Answer, CliError> {
    match command {
        Command::Status(args) => status(context, args, output),
        Command::Query(args) => query::run(context, args, output),
        Command::Record(args) => record(context, args, output),
    }
}

fn status(context: &Context, args: &Status, output: &mut Output) -> Result<Answer, CliError> {
    let policy = args.of.policy()?;
    let witnesses = args.witness_policy.as_deref().map(witness_policy);
    let witnesses = witnesses.transpose()?;
    let records = match context.ledger.exists() {
        true => FleetRecords::of_log(&context.reader(output)?)?,
        false => FleetRecords::default(),
    };
    let found = fleet(&args.of.url)?;
    let view = FleetView {
        policy: &policy,
        records: &records,
        witnesses: witnesses.as_ref(),
        now: SystemClock::new().wall(),
    };
    let mut fine = say_strays(&found, &records.damaged, output)?;
    for genesis in &found.logs {
        let log = found.status(*genesis, &view)?;
        fine &= log.faults.is_empty();
        match output.is_json() {
            true => output.document(&log)?,
            false => print(&log, output)?,
        }
    }
    Ok(answer(fine))
}

fn record(context: &Context, args: &Record, output: &mut Output) -> Result<Answer, CliError> {
    let policy = args.of.policy()?;
    context.check_alone()?;
    context.check_files()?;
    let fleet_log = Ledger::open(&context.ledger, context.options())?;
    let records = FleetRecords::of_log(&fleet_log)?;
    let found = fleet(&args.of.url)?;
    let view = FleetView {
        policy: &policy,
        records: &records,
        witnesses: None,
        now: fleet_log.clock().wall(),
    };
    let mut fine = say_strays(&found, &records.damaged, output)?;
    for genesis in &found.logs {
        // What it says of itself is no news.
        if *genesis == fleet_log.identity().genesis {
            continue;
        }
        let log = record_log(&found, *genesis, &view, args.whole, &fleet_log)?;
        fine &= log.faults.is_empty();
        match output.is_json() {
            true => output.document(&log)?,
            false => print_recorded(&log, output)?,
        }
    }
    fleet_log.close()?;
    Ok(answer(fine))
}

const fn answer(fine: bool) -> Answer {
    match fine {
        true => Answer::Yes,
        false => Answer::No,
    }
}

/// What is there besides the logs.
#[derive(Serialize)]
struct Beside<'a> {
    faults: &'a [FleetFault],
    passed_over: &'a [String],
}

/// Says what is no log and no record; whether there is nothing of that.
fn say_strays(
    found: &Fleet,
    damaged: &[FleetFault],
    output: &mut Output,
) -> Result<bool, CliError> {
    if found.strays.is_empty() && damaged.is_empty() {
        return Ok(true);
    }
    if output.is_json() {
        output.document(&Beside {
            faults: damaged,
            passed_over: &found.strays,
        })?;
    } else {
        for stray in &found.strays {
            output.line(&format!("{stray} is not a log, and was passed over"))?;
        }
        print_faults(damaged, output)?;
    }
    Ok(false)
}

fn print_faults(faults: &[FleetFault], output: &mut Output) -> Result<(), CliError> {
    for fault in faults {
        let FleetFault {
            object,
            code,
            detail,
        } = fault;
        output.line(&format!("  fault    {code} at {object}: {detail}"))?;
    }
    Ok(())
}

fn print(log: &FleetLog, output: &mut Output) -> Result<(), CliError> {
    output.line(&format!(
        "log {}  {}",
        log.genesis,
        name(log.origin.as_deref())
    ))?;
    if let Some(key) = &log.log {
        let said = match log.trusted {
            Some(true) => "which was given",
            Some(false) => "which was not given",
            None => "not checked: no key was given",
        };
        output.line(&format!("  key      {key}, {said}"))?;
    }
    if let Some(head) = &log.head {
        let (seq, ts, ago) = (head.seq, head.ts, ago(head.age_seconds));
        output.line(&format!("  head     entry {seq} of {ts}, {ago}"))?;
    }
    output.line(&match &log.sealed {
        None => "  sealed   nothing".to_owned(),
        Some(sealed) => format!(
            "  sealed   up to entry {}, {} epochs, {} bytes",
            sealed.seq, log.epochs, log.bytes
        ),
    })?;
    if let Some(witnessed) = &log.witnessed {
        let quorum = match witnessed.quorum {
            Some(true) => ", a quorum",
            Some(false) => ", no quorum",
            None => ", not judged",
        };
        output.line(&format!(
            "  witness  {} entries of {} by {}{quorum}",
            witnessed.size,
            witnessed.origin,
            witnessed.witnesses.join(", ")
        ))?;
    }
    output.line(&match &log.audited {
        None => "  audit    none that the fleet log knows of".to_owned(),
        Some(audited) => format!(
            "  audit    up to epoch {}, {}, entry {} of the fleet log",
            audited.epoch,
            ago(audited.age_seconds),
            audited.seq
        ),
    })?;
    print_faults(&log.faults, output)
}

fn print_recorded(log: &RecordedLog, output: &mut Output) -> Result<(), CliError> {
    output.line(&format!(
        "log {}  {}",
        log.genesis,
        name(log.origin.as_deref())
    ))?;
    let [from, to] = log.verified;
    let entries = log.entries;
    output.line(&match (log.seq, to.saturating_sub(from)) {
        (Some(seq), epochs) => {
            format!("  {epochs} epochs, {entries} entries verified: recorded as entry {seq}")
        }
        (None, 0) if log.faults.is_empty() => "  no epoch since the last time".to_owned(),
        (None, epochs) => format!("  {epochs} epochs read: not recorded"),
    })?;
    print_faults(&log.faults, output)
}

fn name(origin: Option<&str>) -> String {
    match origin {
        Some("") | None => "without a name".to_owned(),
        Some(origin) => origin.to_owned(),
    }
}

fn ago(seconds: i64) -> String {
    match seconds {
        ..0 => "in the future".to_owned(),
        0..120 => format!("{seconds} s ago"),
        120..7_200 => format!("{} min ago", seconds / 60),
        7_200..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}
