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
mod agent;
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
mod command;
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
#[cfg(feature = "rocks")]
mod erase;
mod error;
mod escape;
#[cfg(feature = "rocks")]
mod explain;
#[cfg(feature = "rocks")]
mod export;
mod filters;
#[cfg(feature = "bucket")]
mod fleet;
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
mod input_place;
mod kept;
mod key;
mod key_text;
mod keys_file;
mod log;
mod manifest;
mod monitor;
mod no_case;
mod one_entry;
#[cfg(feature = "rocks")]
mod open_field;
mod output;
mod package;
mod page;
mod passphrase;
mod progress;
#[cfg(feature = "rocks")]
mod prove;
#[cfg(feature = "bucket")]
mod prune;
#[cfg(feature = "rocks")]
mod publish;
#[cfg(feature = "rocks")]
mod questions;
mod recording;
#[cfg(feature = "rocks")]
mod redact_rules;
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
#[cfg(feature = "serve")]
mod schema;
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
mod spared;
mod stamps;
#[cfg(feature = "rocks")]
mod stats;
#[cfg(feature = "rocks")]
mod status;
#[cfg(all(feature = "rocks", feature = "client"))]
mod tail;
mod target;
#[cfg(all(feature = "rocks", feature = "client", feature = "timestamps"))]
mod timestamp;
mod tip;
#[cfg(feature = "serve")]
mod token;
mod trust;
#[cfg(feature = "rocks")]
mod upgrade;
mod validate;
mod verify;
mod version;
#[cfg(feature = "rocks")]
mod witnesses;
#[cfg(feature = "rocks")]
mod worker;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[cfg(feature = "rego")]
use crate::wcp::rego::evaluator;
use command::Command;
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
    /// Seconds to wait for another process that has the ledger open, and for a server
    /// that does not answer
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
    /// No notes on standard error; warnings and errors are said all the same
    #[arg(long, global = true)]
    quiet: bool,
    /// Allow a private key of mode 0440, as mounted secrets have it
    #[arg(long, global = true, env = "SEALBOOK_KEY_GROUP_READABLE")]
    key_group_readable: bool,
    /// Let this process be dumped and debugged, with its secrets
    #[arg(long, global = true)]
    dumpable: bool,
    #[cfg(feature = "bucket")]
    #[command(flatten)]
    bucket: bucket::BucketArgs,
    #[command(subcommand)]
    command: Command,
}

/// The ledger's directory, as the Hall API names it.
const HALL_DB_PATH: &str = "HALL_DB_PATH";

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
        Err(error) => return misuse(error),
    };
    open_as_many_files_as_allowed();
    let mut output = Output::new(cli.json, cli.command.owes()).quiet(cli.quiet);
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
    let answer = cli.command.run(&context, output);
    secrets::warn(output);
    answer
}

/// The status of a text that was asked for.
fn shown(printed: io::Result<()>) -> ExitCode {
    match printed.and_then(|()| io::stdout().flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut output = Output::new(false, Owes::Nothing);
            ExitCode::from(output.failure(&CliError::output(error)))
        }
    }
}

/// Asked-for help goes to stdout with 0, and so does that of a bare `sealbook`;
/// misuse goes to stderr with 2.
fn misuse(error: clap::Error) -> ExitCode {
    if std::env::args_os().len() <= 1 {
        return shown(parser().print_help());
    }
    if !error.use_stderr() {
        return shown(error.print());
    }
    let json = std::env::args_os().any(|argument| argument == "--json");
    let mut output = Output::new(json, Owes::Verdict);
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let error = tip::improve(error, &mut parser(), &words);
    let text = error.render().to_string();
    ExitCode::from(output.failure(&CliError::usage(&text)))
}
