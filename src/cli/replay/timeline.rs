//! The timeline for people.

use std::time::Duration;

use crate::api::{Between, SaidBound};
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::verify::print_report;
use crate::ledger::json::{Form, Object, Value};
use crate::producers::text as member;
use crate::replay::item::{Item, RecordedOutcome, ReplayedDecision, TimelineEvent};
use crate::replay::otherwise::Brief;
use crate::replay::report::Replay;
use crate::replay::trust::InputTrust;

pub(in crate::cli) fn print(item: &Item, output: &mut Output) -> Result<(), CliError> {
    let head = format!("{}  entry {}", item.ts, item.seq);
    match &item.event {
        TimelineEvent::Decided(decided) => decision(&head, decided, &item.to_value(), output),
        TimelineEvent::Claimed {
            submitter,
            brief,
            again,
        } => {
            let who = submitter
                .as_str()
                .map_or_else(|| json(submitter), str::to_owned);
            output.line(&format!("{head}  CLAIMED by {who}: {}", outcome(brief)))?;
            match again {
                None => output.line("    not looked at: it is another's word"),
                Some(again) if again == brief => {
                    output.line("    another's word; the inputs that it brings give the same")
                }
                Some(again) => output.line(&format!(
                    "    another's word; the inputs that it brings give {}",
                    outcome(again)
                )),
            }
        }
        TimelineEvent::Recorded(recorded) => {
            let told = (recorded.kind.headline)(&recorded.summary);
            output.line(&format!("{head}  {told}"))?;
            details(recorded, output)
        }
        TimelineEvent::Other => output.line(&format!("{head}  {}", item.kind)),
    }
}

/// Between which times it was made, and whose word that is.
pub(super) fn print_times(between: &Between, output: &mut Output) -> Result<(), CliError> {
    for (name, bound) in [
        ("not before", &between.not_earlier),
        ("not after", &between.not_later),
    ] {
        let said = bound
            .as_ref()
            .map_or_else(|| "nobody says".to_owned(), SaidBound::text);
        output.line(&format!("    {name:<11} {said}"))?;
    }
    Ok(())
}

fn decision(
    head: &str,
    decided: &ReplayedDecision,
    shown: &Value,
    output: &mut Output,
) -> Result<(), CliError> {
    let none = Object::new();
    let shown = shown.as_object().unwrap_or(&none);
    let of = |name| member(shown, name);
    let denied = of("denied") == "true";
    let (word, colour) = match denied {
        true => (format!("DENIED   {}", of("deny_code")), "31"),
        false => (format!("ALLOWED  {}", of("worker")), "32"),
    };
    let dry = if of("dry_run") == "true" {
        "  (dry run)"
    } else {
        ""
    };
    output.coloured(&format!("{head}  {word}{dry}"), colour)?;
    output.line(&format!(
        "    asked       {} in {}, {}, by {}, for {}",
        of("capability_id"),
        of("env"),
        of("data_label"),
        of("tenant_id"),
        of("correlation_id"),
    ))?;
    actor(shown, output)?;
    output.line(&format!(
        "    rule        {} of {}",
        of("matched_rule_id"),
        of("rules")
    ))?;
    for (label, name) in [("policy", "policy"), ("ban list", "ban_list")] {
        if !of(name).is_empty() {
            output.line(&format!("    {label:<11} {}", of(name)))?;
        }
    }
    match decided.same {
        Some(true) => output.line("    recomputed  the same")?,
        Some(false) => output.coloured("    recomputed  OTHERWISE", "1;31")?,
        None if decided.inputs.is_gone() => output.line("    recomputed  not possible")?,
        None => output.coloured("    recomputed  NOT POSSIBLE: see the faults", "1;31")?,
    }
    for difference in &decided.differences {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
        output.line(&format!("      {}", difference.field))?;
        output.line(&format!(
            "        recorded    {}",
            text(&difference.recorded)
        ))?;
        output.line(&format!(
            "        recomputed  {}",
            text(&difference.recomputed)
        ))?;
    }
    let on_trust = decided.inputs.0.iter();
    let on_trust = on_trust.filter_map(|(name, trust)| match trust {
        InputTrust::Recomputed => None,
        InputTrust::TakenOnTrust => Some((*name).to_owned()),
        InputTrust::Erased => Some(format!("{name}: erased")),
        InputTrust::Withheld => Some(format!("{name}: withheld")),
    });
    let on_trust: Vec<String> = on_trust.collect();
    if !on_trust.is_empty() {
        output.line(&format!("    on trust    {}", on_trust.join(", ")))?;
    }
    if !decided.unenforced.is_empty() {
        let names = decided.unenforced.join(", ");
        output.line(&format!("    declared, not enforced: {names}"))?;
    }
    Ok(())
}

fn details(recorded: &RecordedOutcome, output: &mut Output) -> Result<(), CliError> {
    let summary = &recorded.summary;
    for name in recorded.kind.details {
        let text = member(summary, name);
        if !text.is_empty() && text != "[]" {
            output.line(&format!("    {name:<11} {text}"))?;
        }
    }
    actor(summary, output)?;
    let Some(today) = &recorded.today else {
        return Ok(());
    };
    if member(today, "same") == "true" {
        return output.coloured("    today       the same content", "32");
    }
    output.coloured("    today       OTHER CONTENT", "1;31")?;
    for name in ["package_hash", "manifest_sha256", "changed", "deny_code"] {
        let text = member(today, name);
        if !text.is_empty() && text != "[]" {
            output.line(&format!("      {name}  {text}"))?;
        }
    }
    Ok(())
}

/// What comes after the timeline.
pub(super) fn print_end(
    result: &Replay,
    compared: &[(&str, Option<bool>)],
    otherwise: bool,
    elapsed_ms: u64,
    output: &mut Output,
) -> Result<(), CliError> {
    output.line("")?;
    let counts = &result.counts;
    output.line(&format!(
        "{} decisions, {} computed again, {} come out otherwise; {} denied, {} dry runs",
        counts.decisions, counts.recomputed, counts.mismatched, counts.denied, counts.dry_runs
    ))?;
    for (count, what) in [
        (
            counts.could_not_evaluate,
            "decisions could not be taken again: what evaluates their policy was ended here",
        ),
        (
            counts.without_budget,
            "decisions rest on a policy without a counted budget; it ran under the old limits",
        ),
        (
            counts.policy_version_wrong,
            "decisions are recorded with a policy version that their gate did not give, as version \
             0.1.0 did: the version at the blast score is wrong, and nothing else",
        ),
        (
            counts.without_input,
            "decisions were not taken again: their request was erased or is withheld",
        ),
        (counts.on_trust, "decisions depend on unverified inputs"),
        (counts.unenforced, "decisions declare what nobody enforces"),
        (
            counts.claimed,
            "decisions are claimed by others and not looked at",
        ),
    ] {
        if count > 0 {
            output.line(&format!("{count} {what}"))?;
        }
    }
    for (what, same) in compared {
        output.line(&match same {
            Some(true) => format!("today's content of the {what} is what was attested last"),
            Some(false) => format!("today's content of the {what} is NOT what was attested last"),
            None => format!("the record has NO attestation of the {what} that passed"),
        })?;
    }
    print_report(
        &result.report,
        Some(Duration::from_millis(elapsed_ms)),
        false,
        output,
    )?;
    print_books(result, output)?;
    match otherwise {
        true => print_otherwise(result, output),
        false => Ok(()),
    }
}

/// Of several books, up to where each is complete.
fn print_books(result: &Replay, output: &mut Output) -> Result<(), CliError> {
    let Some(chained) = result.chained() else {
        return Ok(());
    };
    output.line("")?;
    for book in &result.books {
        output.line(&book.to_string())?;
    }
    if result.books.iter().any(|book| book.complete.is_some()) {
        output.line("what came after those entries is not covered by an index")?;
    }
    output.line(match chained {
        true => "each book continues the one before: nothing is left out between them",
        false => "it is NOT shown that each book continues the one before",
    })
}

/// Apart from the record, and after all of it.
fn print_otherwise(result: &Replay, output: &mut Output) -> Result<(), CliError> {
    let counts = result.otherwise_counts;
    output.line("")?;
    output.line("WHAT WOULD HAVE BEEN, which is not a part of the record:")?;
    output.line(&format!(
        "{} decisions the same, {} others, {} that nobody can tell",
        counts.same, counts.changed, counts.undetermined
    ))?;
    for (seq, otherwise) in &result.otherwise {
        let (was, would) = (outcome(&otherwise.recorded), outcome(&otherwise.otherwise));
        output.line(&format!(
            "  entry {seq}: was {was}; would have been {would}"
        ))?;
        if !otherwise.undetermined.is_empty() {
            let unknown = otherwise.undetermined.join(", ");
            output.line(&format!("    not recorded: {unknown}"))?;
        }
    }
    Ok(())
}

fn outcome(brief: &Brief) -> String {
    let rule = &brief.rule;
    match (&brief.deny_code, &brief.worker) {
        (Some(code), _) => format!("{code} by {rule}"),
        (None, Some(worker)) => format!("{worker} by {rule}"),
        (None, None) => format!("nothing by {rule}"),
    }
}

/// Who did it, where that is recorded.
fn actor(summary: &Object, output: &mut Output) -> Result<(), CliError> {
    let Some(actor) = summary.get("_actor").and_then(Value::as_object) else {
        return Ok(());
    };
    let said = actor.iter().filter(|(_, value)| **value != Value::Null);
    let said = said.map(|(name, _)| format!("{name} {}", member(actor, name)));
    let said: Vec<String> = said.collect();
    output.line(&format!("    by          {}", said.join(", ")))
}

fn json(value: &Value) -> String {
    value.canonical(Form::Utf8)
}
