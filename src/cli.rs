//! The command line (SPEC §6): one file a verb.
//!
//! Exit status: 0 yes; 1 the tool worked and the answer is no; 2 it could not
//! answer.

mod accept_rollback;
mod append;
mod compressed;
mod context;
mod diff;
mod epochs;
mod error;
mod escape;
mod export;
mod filters;
mod generate;
mod head;
mod init;
mod key;
mod keys_file;
mod log;
mod output;
mod progress;
mod prove;
mod recognise;
mod revoke;
mod rotate;
mod seal;
mod show;
mod verify;
mod version;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use context::Context;
use error::CliError;
use output::Output;

/// An append-only signed logbook and evidence ledger.
#[derive(Debug, Parser)]
#[command(
    name = "sealbook",
    version,
    propagate_version = true,
    max_term_width = 100
)]
struct Cli {
    /// The ledger's directory
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "SEALBOOK_LEDGER",
        default_value = "./ledger"
    )]
    ledger: PathBuf,
    /// The high-water mark's file [default: DIR.mark, beside the ledger]
    #[arg(long, global = true, value_name = "FILE", env = "SEALBOOK_MARK")]
    mark: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a new ledger and its key
    Init(init::Args),
    /// Record entries
    Append(append::Args),
    /// Seal the open epoch and print its signed header
    Seal(seal::Args),
    /// List the sealed epochs
    Epochs,
    /// Print a signed statement of the last entry
    Head(head::Args),
    /// Show one entry
    Show(show::Args),
    /// List entries
    Log(log::Args),
    /// Verify a ledger, logbook, bundle or proof
    Verify(verify::Args),
    /// Write the inclusion proof of one entry
    Prove(prove::Args),
    /// Write an evidence bundle or a logbook
    Export(export::Args),
    /// Compare two copies of one log, and prove what its key signed twice
    Diff(diff::Args),
    /// Close the book and continue it in a new one under a new key
    Rotate(rotate::Args),
    /// Say for ever where a book ends, whatever its key signs beyond
    Revoke(revoke::Args),
    /// Acknowledge for ever that the ledger was rolled back
    AcceptRollback(accept_rollback::Args),
    /// Print the ledger's public key
    Key(key::Args),
    /// Print versions
    Version,
    /// Print a completion script for a shell
    Completions(generate::Completions),
    /// Write the man pages into a directory
    Man(generate::Man),
}

/// What a command answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    /// Of several: some could not be answered.
    Unanswered,
}

/// Parses the arguments of the process, runs the command, and gives the exit
/// status.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misuse(&error),
    };
    let mut output = Output::new(cli.json);
    let answer = run(cli, &mut output).and_then(|answer| output.flush().map(|()| answer));
    match answer {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Ok(Answer::Unanswered) => ExitCode::from(2),
        Err(error) => ExitCode::from(output.failure(&error)),
    }
}

fn run(cli: Cli, output: &mut Output) -> Result<Answer, CliError> {
    let context = Context::new(cli.ledger, cli.mark);
    match cli.command {
        Command::Init(args) => init::run(&context, args, output),
        Command::Append(args) => append::run(&context, args, output),
        Command::Seal(args) => seal::run(&context, &args, output),
        Command::Epochs => epochs::run(&context, output),
        Command::Head(args) => head::run(&context, &args, output),
        Command::Show(args) => show::run(&context, &args, output),
        Command::Log(args) => log::run(&context, &args, output),
        Command::Verify(args) => verify::run(&context, &args, output),
        Command::Prove(args) => prove::run(&context, &args, output),
        Command::Export(args) => export::run(&context, &args, output),
        Command::Diff(args) => diff::run(&context, &args, output),
        Command::Rotate(args) => rotate::run(&context, &args, output),
        Command::Revoke(args) => revoke::run(&context, &args, output),
        Command::AcceptRollback(args) => accept_rollback::run(&context, &args, output),
        Command::Key(args) => key::run(&context, &args, output),
        Command::Version => version::run(output),
        Command::Completions(args) => generate::completions(&args, output),
        Command::Man(args) => generate::man(&args, output),
    }
}

/// Asked-for help goes to stdout with 0, misuse to stderr with 2.
fn misuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let json = std::env::args_os().any(|argument| argument == "--json");
    let mut output = Output::new(json);
    let text = error.render().to_string();
    ExitCode::from(output.failure(&CliError::usage(&text)))
}
