//! The commands: what each takes, how it ends, and what runs it.

use clap::Subcommand;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::monitor;
use super::output::{Output, Owes};
#[cfg(feature = "client")]
use super::registry;
#[cfg(all(feature = "rocks", feature = "client"))]
use super::tail;
#[cfg(all(feature = "rocks", feature = "client", feature = "timestamps"))]
use super::timestamp;
#[cfg(feature = "rocks")]
use super::{
    absent, accept_rollback, adopt, agent, append, audit, backup, browse, build, conformance,
    decide, dispatch, doctor, enroll, epochs, erase, explain, export, head, import, init,
    open_field, prove, publish, revoke, rotate, route, seal, search, stats, status, upgrade,
    worker,
};
#[cfg(feature = "bucket")]
use super::{archive, bucket, fleet, fold, prune};
use super::{
    card, codes, diff, format, generate, key, log, manifest, package, page, replay, report,
    resident, rules, show, validate, verify, version,
};
#[cfg(feature = "serve")]
use super::{schema, serve, token};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a new ledger and its key
    #[cfg(feature = "rocks")]
    Init(init::Args),
    /// Record entries
    #[cfg(feature = "rocks")]
    Append(append::Args),
    /// Have a log of version 1 go on with an index, out of which it is proven that nothing of
    /// a case was left out; releases up to 0.1 do not read it from there on
    #[cfg(feature = "rocks")]
    Upgrade,
    /// Seal the open epoch and print its signed header
    #[cfg(feature = "rocks")]
    Seal(seal::Args),
    /// List the sealed epochs
    #[cfg(feature = "rocks")]
    Epochs,
    /// Print a signed statement of the last entry
    #[cfg(feature = "rocks")]
    Head(head::Args),
    /// Show one entry
    Show(show::Args),
    /// List entries
    Log(log::Args),
    /// Deliver entries, and those to come, to a file, a syslog receiver or a webhook
    #[cfg(all(feature = "rocks", feature = "client"))]
    Tail(tail::Args),
    /// Count entries by kind, tenant, denial and hour
    #[cfg(feature = "rocks")]
    Stats(stats::Args),
    /// Verify a ledger, logbook, bundle or proof
    Verify(verify::Args),
    /// Write the inclusion proof of one entry
    #[cfg(feature = "rocks")]
    Prove(prove::Args),
    /// Publish the ledger in a folder, as the clients of transparency logs read it
    #[cfg(feature = "rocks")]
    Publish(publish::Args),
    /// Write an evidence bundle or a logbook
    #[cfg(feature = "rocks")]
    Export(export::Args),
    /// Write a file that proves that no entry is of a case, tenant, worker or kind
    #[cfg(feature = "rocks")]
    Absent(absent::Args),
    /// Open a withheld member for one who has the rest
    #[cfg(feature = "rocks")]
    OpenField(open_field::Args),
    /// Erase redactable members for good, and record that
    #[cfg(feature = "rocks")]
    Erase(erase::Args),
    /// Verify the ledger with its index, and sign that as an auditor
    #[cfg(feature = "rocks")]
    Audit(audit::Args),
    /// Compare two copies of one log, and prove what its key signed twice
    Diff(diff::Args),
    /// Close the book and continue it in a new one under a new key
    #[cfg(feature = "rocks")]
    Rotate(rotate::Args),
    /// Revoke the key of a log: what it signs after an entry no longer counts
    #[cfg(feature = "rocks")]
    Revoke(revoke::Args),
    /// Verify evidence of another log and keep it
    #[cfg(feature = "rocks")]
    Import(import::Args),
    /// Copy the ledger and verify the copy
    #[cfg(feature = "rocks")]
    Backup(backup::Args),
    /// Verify epochs of a bucket apart, and join what was verified apart
    #[cfg(feature = "bucket")]
    Fold(fold::Args),
    /// The sealed epochs that a bucket has: status
    #[cfg(feature = "bucket")]
    #[command(subcommand)]
    Archive(archive::Command),
    /// Many logs in one bucket: status, query, record
    #[cfg(feature = "bucket")]
    #[command(subcommand)]
    Fleet(fleet::Command),
    /// Let sealed epochs go that the bucket has
    #[cfg(feature = "bucket")]
    Prune(prune::Args),
    /// Buckets that hold ledgers' records: check
    #[cfg(feature = "bucket")]
    #[command(subcommand)]
    Bucket(bucket::Command),
    /// Acknowledge for ever that the ledger was rolled back
    #[cfg(feature = "rocks")]
    AcceptRollback(accept_rollback::Args),
    /// Read the whole database for damage, and say what to do
    #[cfg(feature = "rocks")]
    Doctor(doctor::Args),
    /// Make this copy the ledger that is written, and its original the copy
    #[cfg(feature = "rocks")]
    Adopt,
    /// Print the ledger's public key
    Key(key::Args),
    /// Check routing rules
    #[command(subcommand)]
    Rules(rules::Command),
    /// Run routing rules against their tests
    Validate(validate::Args),
    /// Show the registry of workers
    #[cfg(feature = "rocks")]
    Status(status::Args),
    /// Put a worker's record into the registry
    #[cfg(feature = "rocks")]
    Enroll(enroll::Args),
    /// Lay out a new worker, asking what it is
    #[cfg(feature = "rocks")]
    Build(build::Args),
    /// Search the taxonomy catalogue
    #[cfg(feature = "rocks")]
    Search(search::Args),
    /// Explain one entry of the taxonomy catalogue
    #[cfg(feature = "rocks")]
    Explain(explain::Args),
    /// Browse the taxonomy catalogue
    #[cfg(feature = "rocks")]
    Browse(browse::Args),
    /// Simulate the dispatch of a capability
    #[cfg(feature = "rocks")]
    Dispatch(dispatch::Args),
    /// Decide which worker may serve a request, and record the decision
    #[cfg(feature = "rocks")]
    Route(route::Args),
    /// Decide requests in bulk, one a line
    #[cfg(feature = "rocks")]
    Decide(decide::Args),
    /// Custody in order, every recorded decision computed again
    Replay(replay::Args),
    /// Write the custody of one case as a web page that carries its evidence
    Report(report::Args),
    /// Write the web page that verifies bundles, proofs and logbooks in a browser
    Page(page::Args),
    /// Worker packages: lay out, hash, sign, verify
    #[command(subcommand)]
    Package(package::Command),
    /// Artifact manifests: build, verify
    #[command(subcommand)]
    Manifest(manifest::Command),
    /// Capability cards: sign, verify
    #[command(subcommand)]
    Card(card::Command),
    /// Resident forms: verify
    #[command(subcommand)]
    Resident(resident::Command),
    /// Ask the registry of workers over HTTP
    #[cfg(feature = "client")]
    Registry(registry::Args),
    /// Watch public logs, and keep what convicts them
    Monitor(monitor::Args),
    /// Have an authority stamp the last entry with a time, or check such timestamps
    #[cfg(all(feature = "rocks", feature = "client", feature = "timestamps"))]
    Timestamp(timestamp::Args),
    /// Keep the key of a log in a process of its own, and sign what is a log's to sign
    #[cfg(feature = "rocks")]
    Agent(agent::Args),
    /// Serve the Hall and the ledger over HTTP
    #[cfg(feature = "serve")]
    Serve(Box<serve::Args>),
    /// Tokens for a server: new, list, revoke
    #[cfg(feature = "serve")]
    #[command(subcommand)]
    Token(token::Command),
    /// Show every exit status and error code, its cause and its remedy
    #[command(after_long_help = crate::codes::text())]
    Codes,
    /// Print the JSON Schema of what a command prints with --json
    #[cfg(feature = "serve")]
    Schema(schema::Args),
    /// Print the format document as one page (`sealbook help format` does, too)
    Format,
    /// Hold another verifier against the cases of the format document
    #[cfg(feature = "rocks")]
    Conformance(conformance::Args),
    /// Who may be dispatched to: confirm, revoke, ban
    #[cfg(feature = "rocks")]
    #[command(subcommand)]
    Worker(worker::Command),
    /// Print versions
    Version,
    /// Print a completion script for a shell
    Completions(generate::Completions),
    /// Write the man pages into a directory
    Man(generate::Man),
}

impl Command {
    /// Runs it.
    pub(super) fn run(self, context: &Context, output: &mut Output) -> Result<Answer, CliError> {
        match self {
            #[cfg(feature = "rocks")]
            Command::Init(args) => init::run(context, args, output),
            #[cfg(feature = "rocks")]
            Command::Append(args) => append::run(context, args, output),
            #[cfg(feature = "rocks")]
            Command::Upgrade => upgrade::run(context, output),
            #[cfg(feature = "rocks")]
            Command::Seal(args) => seal::run(context, &args, output),
            #[cfg(feature = "rocks")]
            Command::Agent(args) => agent::run(context, args, output),
            #[cfg(feature = "rocks")]
            Command::Epochs => epochs::run(context, output),
            #[cfg(feature = "rocks")]
            Command::Head(args) => head::run(context, &args, output),
            Command::Show(args) => show::run(context, &args, output),
            Command::Log(args) => log::run(context, &args, output),
            #[cfg(all(feature = "rocks", feature = "client"))]
            Command::Tail(args) => tail::run(context, args, output),
            #[cfg(feature = "rocks")]
            Command::Stats(args) => stats::run(context, &args, output),
            Command::Verify(args) => verify::run(context, &args, output),
            #[cfg(feature = "rocks")]
            Command::Prove(args) => prove::run(context, &args, output),
            #[cfg(feature = "rocks")]
            Command::Publish(args) => publish::run(context, &args, output),
            #[cfg(feature = "rocks")]
            Command::Absent(args) => absent::run(context, &args, output),
            #[cfg(feature = "rocks")]
            Command::OpenField(args) => open_field::run(context, &args, output),
            #[cfg(feature = "rocks")]
            Command::Erase(args) => erase::run(context, &args, output),
            #[cfg(feature = "rocks")]
            Command::Audit(args) => audit::run(context, &args, output),
            #[cfg(feature = "rocks")]
            Command::Export(args) => export::run(context, &args, output),
            Command::Diff(args) => diff::run(context, &args, output),
            #[cfg(feature = "rocks")]
            Command::Rotate(args) => rotate::run(context, &args, output),
            #[cfg(feature = "rocks")]
            Command::Revoke(args) => revoke::run(context, &args, output),
            #[cfg(feature = "rocks")]
            Command::Import(args) => import::run(context, &args, output),
            #[cfg(feature = "rocks")]
            Command::Backup(args) => backup::run(context, &args, output),
            #[cfg(feature = "bucket")]
            Command::Fold(args) => fold::run(&args, output),
            #[cfg(feature = "bucket")]
            Command::Archive(command) => archive::run(context, &command, output),
            #[cfg(feature = "bucket")]
            Command::Fleet(command) => fleet::run(context, &command, output),
            #[cfg(feature = "bucket")]
            Command::Prune(args) => prune::run(context, &args, output),
            #[cfg(feature = "bucket")]
            Command::Bucket(command) => bucket::run(&command, output),
            #[cfg(feature = "rocks")]
            Command::AcceptRollback(args) => accept_rollback::run(context, &args, output),
            #[cfg(feature = "rocks")]
            Command::Doctor(args) => doctor::run(context, &args, output),
            #[cfg(feature = "rocks")]
            Command::Adopt => adopt::run(context, output),
            Command::Key(args) => key::run(context, &args, output),
            Command::Rules(command) => rules::run(&command, output),
            Command::Validate(args) => validate::run(context, &args, output),
            #[cfg(feature = "rocks")]
            Command::Status(args) => status::run(&args, output),
            #[cfg(feature = "rocks")]
            Command::Enroll(args) => enroll::run(context, &args, output),
            #[cfg(feature = "rocks")]
            Command::Build(args) => build::run(context, args, output),
            #[cfg(feature = "rocks")]
            Command::Search(args) => search::run(&args, output),
            #[cfg(feature = "rocks")]
            Command::Explain(args) => explain::run(&args, output),
            #[cfg(feature = "rocks")]
            Command::Browse(args) => browse::run(&args, output),
            #[cfg(feature = "rocks")]
            Command::Route(args) => route::run(context, &args, output),
            #[cfg(feature = "rocks")]
            Command::Decide(args) => decide::run(context, &args, output),
            Command::Replay(args) => replay::run(context, &args, output),
            Command::Report(args) => report::run(context, &args, output),
            Command::Page(args) => page::run(context, &args, output),
            #[cfg(feature = "rocks")]
            Command::Dispatch(args) => dispatch::run(context, &args, output),
            Command::Package(command) => package::run(context, &command, output),
            Command::Manifest(command) => manifest::run(context, &command, output),
            Command::Card(command) => card::run(context, &command, output),
            Command::Resident(command) => resident::run(context, &command, output),
            #[cfg(feature = "client")]
            Command::Registry(args) => registry::run(&args, output),
            Command::Monitor(args) => monitor::run(context, &args, output),
            #[cfg(all(feature = "rocks", feature = "client", feature = "timestamps"))]
            Command::Timestamp(args) => timestamp::run(context, &args, output),
            #[cfg(feature = "serve")]
            Command::Serve(args) => serve::run(context, *args, output),
            #[cfg(feature = "serve")]
            Command::Token(command) => token::run(context, &command, output),
            Command::Codes => codes::run(output),
            #[cfg(feature = "serve")]
            Command::Schema(args) => schema::run(&args, output),
            Command::Format => format::run(output),
            #[cfg(feature = "rocks")]
            Command::Conformance(args) => conformance::run(&args, output),
            #[cfg(feature = "rocks")]
            Command::Worker(command) => worker::run(context, &command, output),
            Command::Version => version::run(output),
            Command::Completions(args) => generate::completions(&args, output),
            Command::Man(args) => generate::man(context, &args, output),
        }
    }

    pub(super) const fn is_serve(&self) -> bool {
        #[cfg(feature = "serve")]
        let serves = matches!(self, Command::Serve(_));
        #[cfg(not(feature = "serve"))]
        let serves = false;
        serves
    }

    /// How the command ends when nobody reads its output.
    pub(super) const fn owes(&self) -> Owes {
        match self {
            #[cfg(feature = "rocks")]
            Command::Append(_) => Owes::Records,
            #[cfg(feature = "rocks")]
            Command::Decide(args) if args.records() => Owes::Records,
            #[cfg(feature = "rocks")]
            Command::Epochs
            | Command::Head(_)
            | Command::Stats(_)
            | Command::Prove(_)
            | Command::Export(_)
            | Command::Absent(_)
            | Command::Audit(_)
            | Command::Status(_)
            | Command::Search(_)
            | Command::Explain(_)
            | Command::Browse(_)
            | Command::Decide(_) => Owes::Nothing,
            #[cfg(all(feature = "rocks", feature = "client"))]
            Command::Tail(_) => Owes::Nothing,
            #[cfg(feature = "serve")]
            Command::Schema(_) => Owes::Nothing,
            Command::Show(_)
            | Command::Log(_)
            | Command::Key(_)
            | Command::Codes
            | Command::Version
            | Command::Completions(_)
            | Command::Man(_) => Owes::Nothing,
            _ => Owes::Verdict,
        }
    }
}
