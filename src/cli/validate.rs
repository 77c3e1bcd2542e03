//! `sealbook validate`: rules against their tests.

use std::path::PathBuf;

use crate::ledger::json::{Object, Value};
use crate::wcp::conformance::Conformance;
use crate::wcp::validate::{Goldens, TestOutcome, golden_document, read_tests, validate};

use super::Answer;
use super::context::Context;
use super::document::{in_file, json, rules};
use super::error::CliError;
use super::output::Output;
use super::spared;
use super::stamps::Stamps;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The rules
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// The tests: requests, and the rule that each should match
    #[arg(long, value_name = "FILE")]
    tests: PathBuf,
    /// Compare with what matched before
    #[arg(long, requires = "goldens_file")]
    with_goldens: bool,
    /// What matched before
    #[arg(long, value_name = "FILE", requires = "with_goldens")]
    goldens_file: Option<PathBuf>,
    /// What decisions must contain [default: what WCP demands]
    #[arg(long, value_name = "FILE")]
    conformance: Option<PathBuf>,
    /// Keep what matches now, for --goldens-file
    #[arg(long, value_name = "FILE", conflicts_with = "with_goldens")]
    write_goldens: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let rules = rules(&args.rules)?;
    let tests = read_tests(&json(&args.tests)?).map_err(in_file(&args.tests))?;
    let goldens = match &args.goldens_file {
        Some(path) => Some(Goldens::read(&json(path)?).map_err(in_file(path))?),
        None => None,
    };
    let conformance = match &args.conformance {
        Some(path) => Conformance::read(&json(path)?).map_err(in_file(path))?,
        None => Conformance::default(),
    };
    let mut stamps = Stamps::new(context)?;
    let stamp = || stamps.next();
    let outcomes = validate(&rules, &tests, goldens.as_ref(), &conformance, stamp);
    if let Some(path) = &args.write_goldens {
        let text = golden_document(&outcomes).pretty() + "\n";
        spared::replace(context, path, text.as_bytes())?;
    }
    let shadows = rules.shadows().total;
    if shadows > 0 {
        output.warning(&format!(
            "{shadows} rules are shadowed: see `sealbook rules lint`"
        ));
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    if output.is_json() {
        output.document(&to_value(&outcomes, failed))?;
    } else {
        print(&outcomes, failed, output)?;
    }
    Ok(match failed {
        0 => Answer::Yes,
        _ => Answer::No,
    })
}

/// `{"passed", "failed", "tests"}`.
fn to_value(outcomes: &[TestOutcome], failed: usize) -> Value {
    let mut object = Object::new();
    object.insert("passed", (outcomes.len() - failed) as u64);
    object.insert("failed", failed as u64);
    let tests: Vec<Value> = outcomes.iter().map(TestOutcome::to_value).collect();
    object.insert("tests", tests);
    Value::Object(object)
}

fn print(outcomes: &[TestOutcome], failed: usize, output: &mut Output) -> Result<(), CliError> {
    for outcome in outcomes {
        let decision = &outcome.decision;
        let denied = decision.deny_reason_if_denied.as_ref();
        let denied = denied.map_or(String::new(), |denial| format!(", {}", denial.code()));
        let (test, rule) = (&outcome.test_id, &decision.matched_rule_id);
        output.verdict(outcome.passed(), &format!("{test}: {rule}{denied}"))?;
        for failure in &outcome.failures {
            output.line(&format!("      {failure}"))?;
        }
    }
    let passed = outcomes.len() - failed;
    output.line(&format!("{passed} passed, {failed} failed"))
}
