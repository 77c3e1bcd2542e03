//! Where trust ends, in words.

use crate::ledger::explanation::{Evidence, Explanation, Incident, Tie};
use crate::ledger::fault::FaultClass;

use super::super::error::CliError;
use super::super::output::Output;
use super::tag;

pub(super) fn print(explanation: &Explanation, output: &mut Output) -> Result<(), CliError> {
    output.line("")?;
    output.line("WHERE TRUST ENDS")?;
    let trusted = explanation.trusted;
    match trusted.entries {
        _ if !explanation.chained => output.line(
            "  These are single entries of the log, each proven by itself: those that no fault \
             names can be trusted. Which others there are was not checked.",
        )?,
        0 => output.line("  No entry can be trusted: the fault is at the very beginning.")?,
        n => {
            output.line(&format!(
                "  The first {n} entries, 0 to {}, can be trusted: the key signed every one of \
                 them, and each names the one before.",
                n - 1
            ))?;
            output.line(&format!("  The last of them is {}", trusted.head))?;
        }
    }
    if explanation.incidents.is_empty() {
        output.line("  Nothing was found that was done to single entries.")?;
    }
    for (number, incident) in (1_u64..).zip(&explanation.incidents) {
        print_incident(number, incident, output)?;
    }
    if explanation.cut {
        output.line(
            "  There is more than is explained here: the book is broken in too many places.",
        )?;
    }
    output.line("  The file was only read. Keep it as it is: it is evidence.")
}

fn print_incident(number: u64, incident: &Incident, output: &mut Output) -> Result<(), CliError> {
    let place = match (incident.index, incident.line) {
        (Some(index), Some(line)) => format!("Entry {index} (line {line})"),
        (Some(index), None) => format!("Entry {index}"),
        _ => "The end of the book".to_owned(),
    };
    let done = done(incident.class);
    let many = match incident.entries {
        Some(n) if n > 1 => format!(" ({n} entries)"),
        _ => String::new(),
    };
    output.line("")?;
    output.line(&format!(
        "  {number}. {place}: {done}{many}  [{}]",
        tag(&incident.class)
    ))?;
    output.line(&format!("     Seen by: {}", seen_by(&incident.evidence)))?;
    if !incident.or.is_empty() {
        let others: Vec<_> = incident.or.iter().map(tag).collect();
        output.line(&format!(
            "     The file alone does not tell this apart from: {}",
            others.join(", ")
        ))?;
    }
    match incident.whole_again {
        Some(again) => {
            let line = again.line.map(|line| format!(" (line {line})"));
            output.line(&format!(
                "     Whole again from entry {}{} on: {}",
                again.index,
                line.unwrap_or_default(),
                tie(&again.tie)
            ))
        }
        None => output.line("     Nothing after it is whole again."),
    }
}

fn done(class: FaultClass) -> &'static str {
    match class {
        FaultClass::Edit => "was changed after it was signed",
        FaultClass::Deletion => "entries are missing before it",
        FaultClass::Insertion => "was put in, and does not belong here",
        FaultClass::Reordering => "entries stand in another order than they were written in",
        FaultClass::Duplication => "stands here a second time",
        FaultClass::ForeignKey => "was signed by someone else",
        FaultClass::Fork => "the key's owner wrote two different continuations",
        FaultClass::Truncation => "entries that were there once are missing",
        FaultClass::TornLastLine => "the last line breaks off in the middle",
    }
}

fn seen_by(evidence: &Evidence) -> String {
    match evidence {
        Evidence::ContentReplaced { original } => format!(
            "the next good entry names, as what stood before it, an entry with the hash \
             {original}; what stands here is not that"
        ),
        Evidence::SignatureReplaced => "the next entry names exactly this content; only the \
             signature is not the key's"
            .to_owned(),
        Evidence::SignedBy { key } => format!("the signature is that of another known key, {key}"),
        Evidence::NothingFollows => "its signature does not fit, and nothing follows that says \
             what should stand here"
            .to_owned(),
        Evidence::ChainClosesWithout => {
            "the entries before and after it follow each other without it".to_owned()
        }
        Evidence::OneBeforeMissing { missing } => {
            format!("it follows an entry with the hash {missing}, which is not in the file")
        }
        Evidence::OneBeforeElsewhere { at } => {
            format!("the entry that it follows is in the file, as entry {at}, but not before it")
        }
        Evidence::SameEntryElsewhere { at } => {
            format!("the same entry stands in its place as entry {at}")
        }
        Evidence::TwoAfterOne { at } => format!(
            "the key signed two different entries that both follow entry {at}; only its owner \
             can have done that"
        ),
        Evidence::AnotherBeginning => {
            "it is a first entry, which can only stand at the beginning".to_owned()
        }
        Evidence::LineBreaksOff => {
            "the line has no end, as after a crash or a full disk".to_owned()
        }
        Evidence::EndMissing => {
            "the head, seal or receipt that was given names an entry that is not here".to_owned()
        }
        Evidence::OtherEntry => {
            "the head, seal or receipt that was given names another entry at its place".to_owned()
        }
    }
}

fn tie(tie: &Tie) -> String {
    match tie {
        Tie::Entry { at } => format!("it names entry {at} as the one before it"),
        Tie::MissingEntry { hash } => format!(
            "the key's signature ties it to this book, the gap before it is closed only by a \
             copy of the entry {hash}"
        ),
        Tie::KeyAlone => "only the key's signature ties it to this book".to_owned(),
    }
}
