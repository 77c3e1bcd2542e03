//! `sealbook page`: the verifier of files as one web page.

use std::path::PathBuf;

use crate::report::verifier_page;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::target::{Force, OutputKind, Target};

/// The page stands alone: who has it verifies bundles, proofs and logbooks in a browser,
/// without this program and without a network.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where it is written; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    force: Force,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let page = verifier_page();
    let target = Target {
        path: &args.output,
        kind: OutputKind::Page,
        log: None,
        force: args.force,
    };
    target.write_bytes(context, page.as_bytes())?;
    output.note(&format!(
        "{} bytes in {}",
        page.len(),
        args.output.display()
    ));
    Ok(Answer::Yes)
}
