//! Where a run stops that recorded some of its input: what is recorded, and how to go on
//! so that nothing is recorded twice.

use std::fmt;

use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::input_place::InputPlace;
use crate::ledger::position::Seq;

/// What was handed over together: where it begins, and where what follows it does.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct InputSpan {
    pub(in crate::cli) first: InputPlace,
    pub(in crate::cli) next: InputPlace,
}

/// How far the input is recorded.
#[derive(Debug, Default)]
pub(in crate::cli) struct ReachedInput {
    /// Whether none of it has an idempotency key.
    keyless: bool,
    /// Where what follows the last that is recorded begins.
    next: Option<InputPlace>,
    /// What is not recorded, before that.
    holes: Vec<InputSpan>,
    /// What was not recorded since.
    failed: Vec<InputSpan>,
}

impl ReachedInput {
    /// Of an input whose lines have no idempotency keys.
    pub(in crate::cli) fn keyless() -> ReachedInput {
        ReachedInput {
            keyless: true,
            ..ReachedInput::default()
        }
    }

    pub(in crate::cli) fn recorded(&mut self, span: InputSpan) {
        self.next = Some(span.next);
        self.holes.append(&mut self.failed);
    }

    pub(super) fn failed(&mut self, span: InputSpan) {
        self.failed.push(span);
    }

    /// The same of a run that goes on: what fails one after the other is told together.
    pub(in crate::cli) fn still_failed(&mut self, span: InputSpan) {
        match self.failed.last_mut() {
            Some(failed) => failed.next = span.next,
            None => self.failed(span),
        }
    }

    /// What to say of the error that the run stopped at, after it recorded so many
    /// entries up to `last`.
    pub(super) fn stopped(self, error: CliError, entries: u64, last: Option<Seq>) -> CliError {
        let (Some(last), Some(next)) = (last, self.next) else {
            return error;
        };
        // The whole input was gone through, and says itself what is missing.
        if matches!(error, CliError::BadLines { .. }) {
            return error;
        }
        CliError::Stopped(Box::new(StoppedRun {
            source: error,
            entries,
            last,
            next,
            holes: self.holes,
            keyless: self.keyless,
        }))
    }
}

/// Why a run stopped, and what is recorded of its input.
#[derive(Debug)]
pub(in crate::cli) struct StoppedRun {
    pub(in crate::cli) source: CliError,
    entries: u64,
    last: Seq,
    next: InputPlace,
    holes: Vec<InputSpan>,
    keyless: bool,
}

impl fmt::Display for StoppedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (entries, last) = (self.entries, self.last);
        match entries {
            1 => write!(
                f,
                "{}; one entry of this input is recorded, {last}",
                self.source
            ),
            _ => write!(
                f,
                "{}; {entries} entries of this input are recorded, the last of them {last}",
                self.source
            ),
        }
    }
}

impl StoppedRun {
    /// How to go on.
    pub(in crate::cli) fn hint(&self) -> String {
        let (next, behind) = (self.next, self.last.0.saturating_add(1));
        let mut hint = match self.source.code() {
            // What they say of the command as a whole would record the rest twice.
            "disk_full" => "make room on the disk; ".to_owned(),
            "ledger_moved" => "name the ledger where it is now; ".to_owned(),
            _ => match self.source.hint() {
                Some(hint) if !hint.contains("again") => format!("{hint}; "),
                _ => String::new(),
            },
        };
        for hole in self.holes.iter().take(NAMED) {
            hint.push_str(&format!("what begins at {} is not recorded; ", hole.first));
        }
        // Of a line at fault it is known that it is not recorded.
        let known = matches!(&self.source, CliError::Line { source, .. } if source.is_of_input());
        match known {
            true => hint.push_str(&format!("put it right and go on from {next} of the input")),
            false => hint.push_str(&format!(
                "look with `sealbook log --from-seq {behind}` whether more is recorded, and if \
                 not, go on from {next} of the input"
            )),
        }
        hint.push_str(": what stands before it would be recorded twice");
        if !self.keyless {
            hint.push_str(", unless every line has an \"idempotency_key\"");
        }
        hint
    }

    /// The same for programs, beside code and detail of the error.
    pub(in crate::cli) fn beside(&self, mut error: serde_json::Value) -> serde_json::Value {
        let holes: Vec<_> = self.holes.iter().map(|hole| hole.first.to_json()).collect();
        let recorded = json!({
            "entries": self.entries,
            "last": self.last.0,
            "next": self.next.to_json(),
            "not_recorded": holes,
        });
        if let Some(members) = error.as_object_mut() {
            members.insert("recorded".to_owned(), recorded);
        }
        error
    }
}

/// Places that are named one by one.
const NAMED: usize = 20;
