//! `sealbook conformance`: somebody else's verifier over the cases of the format
//! document, and what it says otherwise.

mod runner;
mod suite;

use std::collections::BTreeMap;

use serde::Serialize;

use self::runner::{Runner, RunnerAnswer};
use self::suite::{ExpectedAnswer, SuiteCase};
use super::Answer;
use super::error::CliError;
use super::output::Output;

/// Without RUNNER the program holds itself against the cases. RUNNER is a command that takes `--key KEY`, `--as FORMAT`, the other flags of
/// `sealbook verify --json` and a FILE, and prints a JSON report as that does: `verdict`,
/// `faults` with `code`, `at` and `index`, `warnings` with `code`, `not_checked`; or
/// `{"error": {"code"}}` where it gives no verdict.
///
/// Asked with `--profile` alone it may print what it does: `{"name": …, "supports":
/// ["logbook", "range", "selection", "proof", "zstd", …], "lines": true, "warnings":
/// false}`. Cases that need more are counted as not supported; with `lines` it is started
/// once, with `--lines`, reads a case a line and answers each with a line.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The cases of this rule only
    #[arg(long, value_name = "RULE")]
    rule: Vec<String>,
    /// Print the cases, one a line, and run nothing
    #[arg(long)]
    list: bool,
    /// The command, with its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    runner: Vec<String>,
}

/// What came of it, as `--json` prints it.
#[derive(Serialize)]
struct ConformanceReport {
    runner: String,
    cases: usize,
    agreed: usize,
    not_supported: usize,
    /// Of what is not supported: how many cases need it.
    lacking: BTreeMap<String, usize>,
    differing: Vec<CaseDifference>,
}

/// One case that was judged otherwise.
#[derive(Serialize)]
struct CaseDifference {
    name: String,
    rule: String,
    expected: ExpectedAnswer,
    answered: RunnerAnswer,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let mut cases = suite::read()?;
    cases.retain(|case| args.rule.is_empty() || args.rule.contains(&case.rule));
    if args.list {
        for case in &cases {
            output.document(case)?;
        }
        return Ok(Answer::Yes);
    }
    let runner = Runner::start(&args.runner)?;
    let told = hold(&runner, cases)?;
    if output.is_json() {
        output.document(&told)?;
    } else {
        print(&told, output)?;
    }
    Ok(match told.differing.is_empty() {
        true => Answer::Yes,
        false => Answer::No,
    })
}

/// Runs what the runner supports, and compares.
fn hold(runner: &Runner, cases: Vec<SuiteCase>) -> Result<ConformanceReport, CliError> {
    let mut lacking = BTreeMap::new();
    let total = cases.len();
    let (can, cannot): (Vec<SuiteCase>, Vec<SuiteCase>) = cases
        .into_iter()
        .partition(|case| runner.lacks(case).is_none());
    for need in cannot.iter().filter_map(|case| runner.lacks(case)) {
        *lacking.entry(need.to_owned()).or_default() += 1;
    }
    let answers = runner.answer(&can)?;
    let mut differing = Vec::new();
    let agreed = can.len();
    for (case, answered) in can.into_iter().zip(answers) {
        let expected = case.expected();
        if !runner.agrees(&expected, &answered) {
            differing.push(CaseDifference {
                name: case.name,
                rule: case.rule,
                expected,
                answered,
            });
        }
    }
    Ok(ConformanceReport {
        runner: runner.name(),
        cases: total,
        agreed: agreed - differing.len(),
        not_supported: cannot.len(),
        lacking,
        differing,
    })
}

fn print(told: &ConformanceReport, output: &mut Output) -> Result<(), CliError> {
    for one in &told.differing {
        output.line(&format!("differs: {}", one.name))?;
        output.line(&format!("  expected {}", one.expected))?;
        output.line(&format!("  answered {}", one.answered))?;
    }
    for (need, count) in &told.lacking {
        output.line(&format!("not supported: {need}, {count} cases"))?;
    }
    output.line(&format!(
        "{}: {} cases, {} agreed, {} differ, {} not supported",
        told.runner,
        told.cases,
        told.agreed,
        told.differing.len(),
        told.not_supported
    ))
}
