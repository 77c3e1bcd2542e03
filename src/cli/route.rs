//! `sealbook route`: one request, decided and recorded.

use std::path::{Path, PathBuf};

use crate::ledger::json::{Form, Object, Value};
use crate::ledger::parse;
use crate::record::{DecisionReceipt, DecisionRequest, RecordError};
use crate::wcp::basis::DEFAULT_TASK_ID;
use crate::wcp::{RouteDecision, RouteInput, make_decision};

use super::Answer;
use super::context::Context;
use super::decide::RecordedContent;
use super::document::{self, in_file};
use super::error::CliError;
use super::hall;
use super::output::Output;
use super::recording::{self, Recording};
use super::redact_rules::RedactArgs;
use super::shown;
use super::stamps::Stamps;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The capability, such as cap.doc.summarize
    #[arg(long, value_name = "ID", required_unless_present = "input")]
    capability: Option<String>,
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
    /// What the request belongs to [default: a new id]
    #[arg(long, value_name = "ID")]
    correlation_id: Option<String>,
    /// What the worker is to be given: a JSON object, or a file with one
    #[arg(long, value_name = "JSON|FILE")]
    request: Option<String>,
    /// Your own blast score, 0 to 100; it can only raise the computed one
    #[arg(long, value_name = "N")]
    blast_score: Option<u64>,
    /// The whole request from a file; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "capability", "env", "data_label", "tenant_risk", "qos_class", "tenant_id",
        "correlation_id", "request", "blast_score",
    ])]
    input: Option<PathBuf>,
    /// The routing task, for telemetry
    #[arg(long, value_name = "ID", default_value = DEFAULT_TASK_ID)]
    task_id: String,
    #[command(flatten)]
    hall: hall::Args,
    /// Decide only: nothing is to be dispatched. It is recorded as such
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    recording: recording::Args,
    /// What is recorded of the request's content
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = RecordedContent::Whole)]
    record_request: RecordedContent,
    #[command(flatten)]
    rules: RedactArgs,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let mut stamps = Stamps::new(context)?;
    let correlation_id = stamps.next().decision_id.to_string();
    let input = input(args, &correlation_id)?;
    // A server elsewhere has files of its own.
    let hall = match context.elsewhere {
        Some(_) => None,
        None => Some(args.hall.load(output)?),
    };
    let options = context.options().record_request(args.record_request.into());
    let options = options.redacting(args.rules.read()?);
    let recording = Recording::open_for(context, &args.recording, options)?;
    if let Some(server) = recording.judge() {
        args.hall.check_of_server()?;
        let task_id = args.task_id.as_str();
        let (decision, receipt) = shown::route(server, &input.to_value(), task_id)?;
        return print_of_server(&decision, receipt, output);
    }
    let hall = hall.map_or_else(|| args.hall.load(output), Ok)?;
    let hall = recording.hall(context, hall)?;
    let asked = DecisionRequest {
        input: &input,
        approval: None,
        task_id: &args.task_id,
        actor: recording.actor(),
        stamp: stamps.next(),
    };
    let (decision, receipt) = match recording.recorder()? {
        None => {
            let basis = hall.governance().basis(&hall, None, asked.task_id);
            let decided = make_decision(asked.input, &basis, asked.stamp);
            recording.tell(output);
            (decided.decision, None)
        }
        Some(recorder) => {
            let recorded = recorder.decide(&hall, &asked);
            let failed = recorded.receipt.as_ref().err().cloned();
            let closed = recording.close();
            if let Some(error @ (RecordError::Logbook(_) | RecordError::Search(_))) = failed {
                // What stopped the writer says more than a denial.
                return Err(error.into());
            }
            closed?;
            (recorded.decision, Some(recorded.receipt))
        }
    };
    print(&decision, receipt.as_ref(), output)?;
    Ok(match decision.denied() {
        true => Answer::No,
        false => Answer::Yes,
    })
}

fn input(args: &Args, correlation_id: &str) -> Result<RouteInput, CliError> {
    let mut input = match &args.input {
        Some(path) => RouteInput::read(&document::json(path)?, "").map_err(in_file(path))?,
        None => RouteInput::read(&flags(args, correlation_id)?, "")?,
    };
    input.dry_run |= args.dry_run;
    Ok(input)
}

fn flags(args: &Args, correlation_id: &str) -> Result<Value, CliError> {
    let correlation_id = args.correlation_id.as_deref().unwrap_or(correlation_id);
    let mut members: Object = [
        (
            "capability_id",
            args.capability.as_deref().unwrap_or_default(),
        ),
        ("env", &args.env),
        ("data_label", &args.data_label),
        ("tenant_risk", &args.tenant_risk),
        ("qos_class", &args.qos_class),
        ("tenant_id", &args.tenant_id),
        ("correlation_id", correlation_id),
    ]
    .into_iter()
    .collect();
    if let Some(request) = &args.request {
        let request = match request.trim_start().starts_with('{') {
            true => parse::parse(request.as_bytes())?,
            false => document::json(Path::new(request))?,
        };
        members.insert("request", request);
    }
    if let Some(score) = args.blast_score {
        members.insert("blast_score", score);
    }
    Ok(Value::Object(members))
}

/// What a server decided.
fn print_of_server(
    decision: &Value,
    receipt: Option<Object>,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let denied = decision.get("denied") != Some(&Value::from(false));
    let text = |name| match decision.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.to_string(),
        Some(other) => other.canonical(Form::Utf8),
    };
    if output.is_json() {
        let members = [
            ("decision", decision.clone()),
            ("receipt", Value::from(receipt.map(Value::Object))),
        ];
        let answer: Object = members.into_iter().collect();
        output.document(&Value::Object(answer))?;
    } else {
        match denied {
            true => {
                let denial = text("deny_reason_if_denied");
                output.coloured(&format!("DENIED  {denial}"), "1;31")?;
            }
            false => {
                let worker = text("selected_worker_species_id");
                output.coloured(&format!("ALLOWED  {worker}"), "1;32")?;
            }
        }
        for name in ["decision_id", "correlation_id", "matched_rule_id"] {
            output.line(&format!("{name}  {}", text(name)))?;
        }
        let seq = receipt.as_ref().and_then(|receipt| receipt.get("seq"));
        if let Some(seq) = seq {
            output.line(&format!("recorded  entry {}", seq.canonical(Form::Utf8)))?;
        }
    }
    Ok(match denied {
        true => Answer::No,
        false => Answer::Yes,
    })
}

fn print(
    decision: &RouteDecision,
    receipt: Option<&Result<DecisionReceipt, RecordError>>,
    output: &mut Output,
) -> Result<(), CliError> {
    let told = receipt.and_then(|receipt| receipt.as_ref().ok());
    if let Some(Err(error)) = receipt {
        output.warning(&format!("denied, for it could not be recorded: {error}"));
    }
    if output.is_json() {
        let receipt = told.map(|receipt| Value::Object(receipt.to_object()));
        let members = [
            ("decision", decision.to_value()),
            ("receipt", Value::from(receipt)),
        ];
        let answer: Object = members.into_iter().collect();
        return output.document(&Value::Object(answer));
    }
    match &decision.deny_reason_if_denied {
        None => {
            let worker = decision.selected_worker_species_id.as_deref();
            let dry = if decision.dry_run { " (dry run)" } else { "" };
            let worker = worker.unwrap_or_default();
            output.coloured(&format!("ALLOWED  {worker}{dry}"), "1;32")?;
        }
        Some(denial) => {
            output.coloured(&format!("DENIED  {}: {denial}", denial.code()), "1;31")?;
        }
    }
    output.line(&format!("decision     {}", decision.decision_id))?;
    output.line(&format!("correlation  {}", decision.correlation_id))?;
    output.line(&format!("rule         {}", decision.matched_rule_id))?;
    let controls = decision.required_controls_effective.join(" ");
    output.line(&format!("controls     {controls}"))?;
    if let Some(rationale) = &decision.escalation_effective.rationale {
        output.line(&format!("rationale    {rationale}"))?;
    }
    if let Some(receipt) = told {
        let (seq, hash) = (receipt.entry.seq, receipt.entry.hash);
        output.line(&format!("recorded     entry {seq}, {hash}"))?;
    }
    Ok(())
}
