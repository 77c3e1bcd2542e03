//! The command line (SPEC §6): one file a verb.
//!
//! Exit status: 0 yes; 1 the tool worked and the answer is no; 2 it could not
//! answer.

#[cfg(feature = "rocks")]
mod absent;
#[cfg(feature = "rocks")]
mod accept_rollback;
#[cfg(feature = "rocks")]
mod adopt;
#[cfg(feature = "rocks")]
mod append;
#[cfg(feature = "bucket")]
mod archive;
#[cfg(feature = "rocks")]
mod audit;
#[cfg(feature = "rocks")]
mod backup;
#[cfg(feature = "rocks")]
mod browse;
#[cfg(feature = "bucket")]
mod bucket;
#[cfg(feature = "rocks")]
mod build;
mod card;
#[cfg(feature = "rocks")]
mod chained;
mod codes;
#[cfg(feature = "rocks")]
mod conformance;
mod context;
#[cfg(feature = "rocks")]
mod decide;
mod diff;
#[cfg(feature = "rocks")]
mod dispatch;
#[cfg(feature = "rocks")]
mod doctor;
mod document;
#[cfg(feature = "rocks")]
mod elsewhere;
#[cfg(feature = "rocks")]
mod enroll;
#[cfg(feature = "rocks")]
mod epochs;
mod error;
mod escape;
#[cfg(feature = "rocks")]
mod explain;
#[cfg(feature = "rocks")]
mod export;
mod filters;
#[cfg(feature = "bucket")]
mod fold;
mod format;
mod formats;
mod generate;
mod hall;
#[cfg(feature = "rocks")]
mod head;
mod help;
#[cfg(feature = "rocks")]
mod import;
mod imported;
#[cfg(feature = "rocks")]
mod init;
mod kept;
mod key;
mod key_text;
mod keys_file;
mod log;
mod manifest;
#[cfg(feature = "client")]
mod monitor;
mod one_entry;
mod output;
mod package;
mod passphrase;
mod progress;
#[cfg(feature = "rocks")]
mod prove;
#[cfg(feature = "rocks")]
mod publish;
#[cfg(feature = "rocks")]
mod questions;
mod recording;
#[cfg(feature = "client")]
mod registry;
mod replay;
mod report;
mod resident;
#[cfg(feature = "rocks")]
mod revoke;
#[cfg(feature = "rocks")]
mod rotate;
#[cfg(feature = "rocks")]
mod route;
mod rows;
mod rules;
#[cfg(feature = "rocks")]
mod seal;
#[cfg(feature = "rocks")]
mod search;
mod secrets;
#[cfg(feature = "serve")]
mod serve;
mod show;
#[cfg(feature = "rocks")]
mod shown;
mod stamps;
#[cfg(feature = "rocks")]
mod stats;
#[cfg(feature = "rocks")]
mod status;
mod target;
#[cfg(all(feature = "rocks", feature = "client", feature = "timestamps"))]
mod timestamp;
#[cfg(feature = "serve")]
mod token;
mod trust;
mod validate;
mod verify;
mod version;
#[cfg(feature = "rocks")]
mod witnesses;
#[cfg(feature = "rocks")]
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[cfg(feature = "rego")]
use crate::wcp::rego::evaluator;
use context::Context;
use error::CliError;
use output::{Output, Owes};

use crate::logbook::key_file::Mode;

/// An append-only signed logbook and evidence ledger.
#[derive(Debug, Parser)]
#[command(
    name = "sealbook",
    version,
    propagate_version = true,
    max_term_width = 100
)]
struct Cli {
    /// The ledger's directory, or https://HOST of a server that holds it (with SEALBOOK_TOKEN)
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "SEALBOOK_LEDGER",
        default_value = "./ledger"
    )]
    ledger: PathBuf,
    /// Whether it was named.
    #[arg(skip)]
    ledger_given: bool,
    #[cfg(feature = "rocks")]
    /// The socket of a server that holds the ledger [default: DIR.sock, beside the ledger]
    #[arg(long, global = true, value_name = "PATH", env = "SEALBOOK_SOCKET")]
    socket: Option<PathBuf>,
    #[cfg(feature = "rocks")]
    /// For --ledger https://…: certificates (PEM) that the server's must lead to
    #[arg(long, global = true, value_name = "FILE", env = "SEALBOOK_CA")]
    ca: Option<PathBuf>,
    /// The high-water mark's file [default: DIR.mark, beside the ledger]
    #[arg(long, global = true, value_name = "FILE", env = "SEALBOOK_MARK")]
    mark: Option<PathBuf>,
    /// Seconds to wait for another process that has the ledger open
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30)]
    wait: u64,
    /// Do not wait for another process that has the ledger open
    #[arg(long, global = true, conflicts_with = "wait")]
    no_wait: bool,
    /// Refuse whatever would write the ledger
    #[arg(long, global = true)]
    read_only: bool,
    /// The clock is right now, however far it was set since the machine was started
    #[arg(long, global = true)]
    accept_clock: bool,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    /// Allow a private key of mode 0440, as mounted secrets have it
    #[arg(long, global = true, env = "SEALBOOK_KEY_GROUP_READABLE")]
    key_group_readable: bool,
    /// Let this process be dumped and debugged, with its secrets
    #[arg(long, global = true)]
    dumpable: bool,
    #[cfg(feature = "bucket")]
    #[command(flatten)]
    bucket: bucket::Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a new ledger and its key
    #[cfg(feature = "rocks")]
    Init(init::Args),
    /// Record entries
    #[cfg(feature = "rocks")]
    Append(append::Args),
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
    #[cfg(feature = "client")]
    Monitor(monitor::Args),
    /// Have an authority stamp the last entry with a time, or check such timestamps
    #[cfg(all(feature = "rocks", feature = "client", feature = "timestamps"))]
    Timestamp(timestamp::Args),
    /// Serve the Hall and the ledger over HTTP
    #[cfg(feature = "serve")]
    Serve(serve::Args),
    /// Tokens for a server: new, list, revoke
    #[cfg(feature = "serve")]
    #[command(subcommand)]
    Token(token::Command),
    /// Show every exit status and error code, its cause and its remedy
    #[command(after_long_help = crate::codes::text())]
    Codes,
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

/// The ledger's directory, as the Hall API names it.
const HALL_DB_PATH: &str = "HALL_DB_PATH";

impl Command {
    const fn is_serve(&self) -> bool {
        #[cfg(feature = "serve")]
        let serves = matches!(self, Command::Serve(_));
        #[cfg(not(feature = "serve"))]
        let serves = false;
        serves
    }

    /// How the command ends when nobody reads its output.
    const fn owes(&self) -> Owes {
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    /// Of several: some could not be answered.
    Unanswered,
}

/// Parses the arguments of the process, runs the command, and gives the exit
/// status.
pub fn main() -> ExitCode {
    #[cfg(feature = "rego")]
    if std::env::args_os()
        .nth(1)
        .is_some_and(|arg| arg == evaluator::ARGUMENT)
    {
        return match evaluator::run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::from(2),
        };
    }
    let kept = secrets::hand_over();
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => return misuse(&error),
    };
    open_as_many_files_as_allowed();
    let mut output = Output::new(cli.json, cli.command.owes());
    if let Some(warning) = kept {
        output.warning(&warning);
    }
    if !cli.dumpable {
        secrets::forbid_dumps(&mut output);
    }
    let answer = run(cli, &mut output).and_then(|answer| output.flush().map(|()| answer));
    match answer {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Ok(Answer::Unanswered) => ExitCode::from(2),
        Err(error) => ExitCode::from(output.failure(&error)),
    }
}

/// A ledger and its connections may need more than the usual 1 024.
fn open_as_many_files_as_allowed() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // With less it works too.
    let _ = setrlimit(Resource::Nofile, raised);
}

/// The parser, with all that its help shows.
fn parser() -> clap::Command {
    help::dress(Cli::command())
}

fn parse() -> Result<Cli, clap::Error> {
    // The document is a page, and no help of a command's.
    let asked: Vec<_> = std::env::args_os().skip(1).collect();
    if asked == ["help", "format"] {
        let matches = parser().try_get_matches_from(["sealbook", "format"])?;
        return Cli::from_arg_matches(&matches);
    }
    let matches = parser().try_get_matches()?;
    #[cfg(feature = "serve")]
    let matches = {
        let arguments = std::env::args_os().collect();
        match serve::config_file::apply(&parser(), &matches, arguments)? {
            Some(arguments) => parser().try_get_matches_from(arguments)?,
            None => matches,
        }
    };
    let mut cli = Cli::from_arg_matches(&matches)?;
    // The Hall's own name for the ledger's directory: above ours in the
    // environment, below the flag.
    let flag = matches.value_source("ledger") == Some(ValueSource::CommandLine);
    if let (Some(dir), false, true) = (std::env::var_os(HALL_DB_PATH), flag, cli.command.is_serve())
    {
        cli.ledger = PathBuf::from(dir);
    }
    cli.ledger_given = matches.value_source("ledger") != Some(ValueSource::DefaultValue);
    Ok(cli)
}

fn run(cli: Cli, output: &mut Output) -> Result<Answer, CliError> {
    let wait = Duration::from_secs(if cli.no_wait { 0 } else { cli.wait });
    let mut context = Context::new(cli.ledger, cli.mark, (!cli.read_only).then_some(wait));
    context.given = cli.ledger_given;
    #[cfg(feature = "rocks")]
    {
        context.socket = cli.socket;
        context.elsewhere = elsewhere::of(&context.ledger, cli.ca.as_deref(), &cli.command)?;
    }
    context.accepts_clock = cli.accept_clock;
    #[cfg(feature = "bucket")]
    {
        context.bucket = cli.bucket;
    }
    if cli.key_group_readable {
        context.key_mode = Mode::Group;
    }
    let answer = run_in(&context, cli.command, output);
    secrets::warn(output);
    answer
}

fn run_in(context: &Context, command: Command, output: &mut Output) -> Result<Answer, CliError> {
    match command {
        #[cfg(feature = "rocks")]
        Command::Init(args) => init::run(context, args, output),
        #[cfg(feature = "rocks")]
        Command::Append(args) => append::run(context, args, output),
        #[cfg(feature = "rocks")]
        Command::Seal(args) => seal::run(context, &args, output),
        #[cfg(feature = "rocks")]
        Command::Epochs => epochs::run(context, output),
        #[cfg(feature = "rocks")]
        Command::Head(args) => head::run(context, &args, output),
        Command::Show(args) => show::run(context, &args, output),
        Command::Log(args) => log::run(context, &args, output),
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
        #[cfg(feature = "rocks")]
        Command::Dispatch(args) => dispatch::run(context, &args, output),
        Command::Package(command) => package::run(context, &command, output),
        Command::Manifest(command) => manifest::run(context, &command, output),
        Command::Card(command) => card::run(context, &command, output),
        Command::Resident(command) => resident::run(context, &command, output),
        #[cfg(feature = "client")]
        Command::Registry(args) => registry::run(&args, output),
        #[cfg(feature = "client")]
        Command::Monitor(args) => monitor::run(&args, output),
        #[cfg(all(feature = "rocks", feature = "client", feature = "timestamps"))]
        Command::Timestamp(args) => timestamp::run(context, &args, output),
        #[cfg(feature = "serve")]
        Command::Serve(args) => serve::run(context, args, output),
        #[cfg(feature = "serve")]
        Command::Token(command) => token::run(context, &command, output),
        Command::Codes => codes::run(output),
        Command::Format => format::run(output),
        #[cfg(feature = "rocks")]
        Command::Conformance(args) => conformance::run(&args, output),
        #[cfg(feature = "rocks")]
        Command::Worker(command) => worker::run(context, &command, output),
        Command::Version => version::run(output),
        Command::Completions(args) => generate::completions(&args, output),
        Command::Man(args) => generate::man(&args, output),
    }
}

/// Asked-for help goes to stdout with 0, and so does that of a bare `sealbook`;
/// misuse goes to stderr with 2.
fn misuse(error: &clap::Error) -> ExitCode {
    if std::env::args_os().len() <= 1 {
        let _ = parser().print_help();
        return ExitCode::SUCCESS;
    }
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let json = std::env::args_os().any(|argument| argument == "--json");
    let mut output = Output::new(json, Owes::Verdict);
    let text = error.render().to_string();
    ExitCode::from(output.failure(&CliError::usage(&text)))
}
