//! `sealbook rules`: what is wrong with routing rules.

use std::path::PathBuf;

use crate::wcp::condition::RequestField;

use super::Answer;
use super::document;
use super::error::CliError;
use super::output::Output;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List rules that never match, since an earlier one always does
    Lint(Lint),
}

#[derive(Debug, clap::Args)]
pub(super) struct Lint {
    /// The rules; - reads standard input
    file: PathBuf,
}

pub(super) fn run(command: &Command, output: &mut Output) -> Result<Answer, CliError> {
    let Command::Lint(args) = command;
    let rules = document::rules(&args.file)?;
    for rule in rules.rules() {
        if rule
            .conditions
            .iter()
            .any(|(field, _)| *field == RequestField::TenantId)
        {
            let id = &rule.rule_id;
            output.warning(&format!(
                "rule {id} has a condition on tenant_id: it counts here, and PyHall ignores it"
            ));
        }
    }
    let shadows = rules.shadows();
    let listed = shadows.pairs.len();
    if shadows.total > listed {
        let total = shadows.total;
        output.warning(&format!("of {total} pairs the first {listed} are listed"));
    }
    if output.is_json() {
        output.document(&shadows.to_value())?;
    } else {
        for shadow in &shadows.pairs {
            let (by, rule) = (&shadow.shadowing_rule_id, &shadow.shadowed_rule_id);
            output.line(&format!("{rule} is shadowed by {by}: {}", shadow.reason))?;
        }
        let count = rules.rules().len();
        output.line(&format!("{count} rules, {} pairs shadowed", shadows.total))?;
    }
    Ok(match shadows.total {
        0 => Answer::Yes,
        _ => Answer::No,
    })
}
