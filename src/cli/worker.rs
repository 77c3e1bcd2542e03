//! `sealbook worker`: who may be dispatched to. Each change is an entry, which
//! every Hall of the ledger heeds.

use std::path::PathBuf;

use serde::Deserialize;

use crate::api::Ledger;
use crate::api::held::{Held, Query, body_of};
use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::position::Seq;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::shape;
use crate::record::worker_index::{WorkerIndex, change};
use crate::record::{Hall, Outcome};
use crate::wcp::load_rules_from_dict;

use super::Answer;
use super::context::Context;
use super::error::{CliError, ProducerError};
use super::output::Output;
use super::recording::{self, Recording};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Take a submitted hash as the worker's
    Confirm(Confirm),
    /// Revoke a worker's enrolment
    Revoke(WorkerArgs),
    /// Take a revocation back
    Restore(WorkerArgs),
    /// Ban a hash, a worker or a namespace
    Ban(BanArgs),
    /// Lift a ban that the ledger has
    LiftBan(BanArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct Confirm {
    /// The worker
    worker_id: String,
    /// The hash that was submitted for it, 64 hex digits
    #[arg(long, value_name = "HASH")]
    sha256: String,
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct WorkerArgs {
    /// The worker
    worker_id: String,
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct BanArgs {
    #[command(flatten)]
    what: BanSubject,
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct BanSubject {
    /// Code or a package of this SHA-256
    #[arg(long, value_name = "HASH")]
    sha256: Option<String>,
    /// A worker
    #[arg(long, value_name = "ID")]
    worker_id: Option<String>,
    /// All workers of a namespace, org.NAME or x.NAME
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
}

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct CommonArgs {
    /// Why
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// The folder of registry records, to say what changes [default: ./enrolled, if it is there]
    #[arg(long, value_name = "DIR")]
    registry_dir: Option<PathBuf>,
    #[command(flatten)]
    recording: recording::Args,
}

pub(super) fn run(
    context: &Context,
    command: &Command,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let common = match command {
        Command::Confirm(args) => &args.common,
        Command::Revoke(args) | Command::Restore(args) => &args.common,
        Command::Ban(args) | Command::LiftBan(args) => &args.common,
    };
    let recording = Recording::open(context, &common.recording)?;
    if let Some(server) = recording.server() {
        return beside(server, command, common, output);
    }
    let Some(ledger) = recording.own() else {
        // There is nowhere else that a change could be.
        context.writer()?;
        return Err(CliError::usage(
            "a change is an entry: it has to be recorded",
        ));
    };
    let hall = hall(common)?;
    let (outcome, changes) = changed(command, common, ledger, &hall)?;
    recording.record(|| outcome, output)?;
    print(&changes, output)
}

fn print(changes: &[String], output: &mut Output) -> Result<Answer, CliError> {
    if output.is_json() {
        let mut object = Object::new();
        object.insert("changed", true);
        let changes = changes.iter().map(|text| text.as_str().into());
        object.insert("changes", changes.collect::<Vec<_>>());
        output.document(&object)?;
    } else {
        for change in changes {
            output.line(change)?;
        }
    }
    Ok(Answer::Yes)
}

/// Has the server change it that holds the ledger: it knows at once.
fn beside(
    server: &Held,
    command: &Command,
    common: &CommonArgs,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let mut body = Object::new();
    let of_worker = |id: &str, what: &str| {
        let mut path = Query::new("/api/v1/workers/");
        path.segment(id);
        path.segment(what);
        path.finish()
    };
    let path = match command {
        Command::Confirm(args) => {
            body.insert("why", common.why.as_str());
            body.insert("sha256", digest(&args.sha256)?.to_string());
            of_worker(&args.worker_id, "confirm")
        }
        Command::Revoke(args) | Command::Restore(args) => {
            body.insert("why", common.why.as_str());
            body.insert("revoked", matches!(command, Command::Revoke(_)));
            of_worker(&args.worker_id, "revoke")
        }
        Command::Ban(args) | Command::LiftBan(args) => {
            let (member, name) = named(&args.what)?;
            body.insert(member, name);
            body.insert("reason", common.why.as_str());
            body.insert("banned", matches!(command, Command::Ban(_)));
            "/api/v1/ban-list/ban".to_owned()
        }
    };
    let said = match server.post(&path, body_of(&Value::Object(body))) {
        Err(refusal) if refusal.code == "not_found" => return Err(CliError::NothingFound),
        said => said?,
    };
    let receipt: Option<ReceiptShown> = said.get("receipt").and_then(|it| shape::read(it, "").ok());
    if let Some(ReceiptShown { seq, hash }) = receipt {
        output.note(&format!("recorded as entry {seq}: {hash}"));
    }
    let changes: Vec<String> = shape::member(shape::members(&said)?, "changes")?;
    print(&changes, output)
}

/// As much of a receipt as is told.
#[derive(Deserialize)]
struct ReceiptShown {
    seq: Seq,
    hash: Hash,
}

fn changed(
    command: &Command,
    common: &CommonArgs,
    ledger: &Ledger,
    hall: &Hall,
) -> Result<(Outcome, Vec<String>), CliError> {
    let index = WorkerIndex::read(ledger.store())?;
    let why = common.why.as_str();
    let outcome = match command {
        Command::Confirm(args) => {
            let sha256 = digest(&args.sha256)?;
            let submitted = index.submitted(&args.worker_id);
            if submitted.is_none_or(|submitted| submitted.sha256 != sha256) {
                return Err(CliError::NothingFound);
            }
            Outcome::confirmation(&args.worker_id, &sha256, why)
        }
        Command::Revoke(args) => Outcome::revocation(&args.worker_id, true, why),
        Command::Restore(args) => match index.revoked(&args.worker_id) {
            Some(_) => Outcome::revocation(&args.worker_id, false, why),
            None => return Err(CliError::NothingFound),
        },
        Command::Ban(args) => {
            let (member, name) = named(&args.what)?;
            Outcome::ban(member, &name, true, why)
        }
        Command::LiftBan(args) => {
            let (member, name) = named(&args.what)?;
            if !index.bans(member, &name) {
                return Err(CliError::NothingFound);
            }
            Outcome::ban(member, &name, false, why)
        }
    };
    Ok(change(outcome, &index, hall))
}

/// Whom a change is described against: the workers of the folder.
fn hall(common: &CommonArgs) -> Result<Hall, CliError> {
    let no_rules = crate::ledger::parse::parse(br#"{"rules": []}"#)?;
    let rules = load_rules_from_dict(&no_rules).map_err(ProducerError::from)?;
    let hall = Hall::new(rules);
    let usual = PathBuf::from("./enrolled");
    Ok(match &common.registry_dir {
        Some(dir) => hall.registry(dir)?,
        None if usual.is_dir() => hall.registry(usual)?,
        None => hall,
    })
}

fn named(what: &BanSubject) -> Result<(&'static str, String), CliError> {
    Ok(match (&what.sha256, &what.worker_id, &what.namespace) {
        (Some(hash), _, _) => ("sha256", digest(hash)?.to_string()),
        (_, Some(id), _) => ("worker_id", id.clone()),
        (_, _, Some(name)) => ("namespace", name.clone()),
        _ => {
            return Err(CliError::usage(
                "--sha256, --worker-id or --namespace is missing",
            ));
        }
    })
}

fn digest(text: &str) -> Result<Sha256Digest, CliError> {
    Sha256Digest::from_hex(text).map_err(|_| CliError::Argument {
        what: "hash",
        given: text.to_owned(),
        expected: "64 lower-case hex digits are needed",
    })
}
