//! `sealbook dispatch`: a dispatch simulated; nothing is sent or recorded.

use std::path::PathBuf;

use serde_json::json;

use crate::ledger::json::{Object, Value};
use crate::wcp::dispatch::{simulate, simulated_rules};
use crate::wcp::{RouteInput, RuleSet, rules::RulesError};

use super::Answer;
use super::context::Context;
use super::document;
use super::error::{CliError, ProducerError};
use super::output::Output;
use super::stamps::Stamps;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The capability, such as cap.doc.summarize
    capability: String,
    /// Where: dev, stage, prod or edge
    #[arg(long, default_value = "dev")]
    env: String,
    /// How sensitive the data is: PUBLIC, INTERNAL or RESTRICTED
    #[arg(long, value_name = "LABEL", default_value = "PUBLIC")]
    data_label: String,
    /// How far the tenant is trusted: low, medium or high
    #[arg(long, value_name = "RISK", default_value = "low")]
    tenant_risk: String,
    /// How urgent it is: P0 to P3
    #[arg(long, value_name = "CLASS", default_value = "P2")]
    qos_class: String,
    /// Who asks
    #[arg(long, value_name = "ID", default_value = "demo")]
    tenant_id: String,
    /// Show the plan and decide nothing: the rule, its candidates and controls
    #[arg(long)]
    dry_run: bool,
    /// Rules of your own [default: every worker of the catalogue that has the capability]
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// A catalogue of your own
    #[arg(long, value_name = "FILE", conflicts_with = "rules")]
    catalog: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let rules = match &args.rules {
        Some(path) => document::rules(path)?,
        None => {
            let catalogue = document::catalogue(args.catalog.as_deref())?;
            if catalogue.explain(&args.capability).is_none() {
                let capability = &args.capability;
                output.warning(&format!("{capability} is not in the catalogue"));
            }
            let rules = simulated_rules(&catalogue, &args.capability);
            rules.map_err(|error: RulesError| ProducerError::from(error))?
        }
    };
    let stamp = Stamps::new(context)?.next();
    let input = request(args, &stamp.decision_id.to_string())?;
    if args.dry_run {
        return plan(&rules, &input, output);
    }
    let decision = simulate(&rules, &input, stamp);
    if output.is_json() {
        output.document(&decision.to_value())?;
    } else {
        output.line("simulated: nothing is dispatched or recorded")?;
        match &decision.deny_reason_if_denied {
            None => {
                let worker = decision.selected_worker_species_id.as_deref();
                output.verdict(true, &format!("allowed: {}", worker.unwrap_or_default()))?;
            }
            Some(denial) => output.verdict(false, &format!("denied: {}", denial.code()))?,
        }
        output.line(&format!("rule      {}", decision.matched_rule_id))?;
        let controls = decision.required_controls_effective.join(" ");
        output.line(&format!("controls  {controls}"))?;
    }
    Ok(match decision.denied() {
        true => Answer::No,
        false => Answer::Yes,
    })
}

/// What would be decided on, and nothing decided.
fn plan(rules: &RuleSet, input: &RouteInput, output: &mut Output) -> Result<Answer, CliError> {
    let rule = rules.first_match(input);
    let id = rule.map(|rule| rule.rule_id.to_string());
    let candidates = rule.iter().flat_map(|rule| rule.effect.candidates.iter());
    let candidates = candidates.filter_map(|worker| worker.worker_species_id.as_deref());
    let candidates: Vec<&str> = candidates.collect();
    let controls = rule
        .iter()
        .flat_map(|rule| rule.effect.required_controls.iter());
    let controls: Vec<&str> = controls.map(|control| &**control).collect();
    if output.is_json() {
        output.document(&json!({
            "capability_id": input.capability_id,
            "env": input.env,
            "data_label": input.data_label,
            "tenant_risk": input.tenant_risk,
            "dry_run": true,
            "matched_rule_id": id,
            "candidates": candidates,
            "controls": controls,
        }))?;
        return Ok(Answer::Yes);
    }
    output.line("a plan: nothing is decided, dispatched or recorded")?;
    let none = "none: it would be denied".to_owned();
    output.line(&format!("rule        {}", id.unwrap_or(none)))?;
    output.line(&format!("candidates  {}", candidates.join(" ")))?;
    output.line(&format!("controls    {}", controls.join(" ")))?;
    Ok(Answer::Yes)
}

fn request(args: &Args, correlation_id: &str) -> Result<RouteInput, CliError> {
    let members: Object = [
        ("capability_id", args.capability.as_str()),
        ("env", &args.env),
        ("data_label", &args.data_label),
        ("tenant_risk", &args.tenant_risk),
        ("qos_class", &args.qos_class),
        ("tenant_id", &args.tenant_id),
        ("correlation_id", correlation_id),
    ]
    .into_iter()
    .collect();
    Ok(RouteInput::read(&Value::Object(members), "")?)
}
