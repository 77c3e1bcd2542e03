//! The other end of a run: receipts are waited for and printed in order.

use std::io::{self, IsTerminal as _};

use crossbeam_channel::Receiver;

use crate::api::Writer;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::progress::Progress;
use crate::logbook::Identity;
use crate::logbook::request::{Pending, Receipt};

use super::gate::Gate;
use super::keyed::{Keyed, KeyedUnderWay};
use super::stopped::{InputSpan, ReachedInput};
use super::{AppendedSoFar, Printed};

/// What the feeding thread passes on, in the order of the lines.
pub(super) enum Fed {
    Pending(Pending, InputSpan, FedKey),
    /// A line that was recorded before.
    Again(Keyed, InputSpan),
    Bad(CliError),
    /// What was said of a line that is recorded.
    Warning(String),
}

/// Under which key something was handed over.
pub(super) enum FedKey {
    None,
    /// One that this process has under way.
    Own([u8; 32]),
    /// One that the server knows.
    Servers,
}

/// Lines at fault that are named one by one.
const NAMED: u64 = 20;

pub(super) struct Printing<'a> {
    pub(super) writer: &'a Writer,
    pub(super) under_way: &'a KeyedUnderWay,
    pub(super) gate: &'a Gate,
    pub(super) keep_going: bool,
    pub(super) recorded: &'a mut AppendedSoFar,
    pub(super) reached: &'a mut ReachedInput,
    pub(super) output: &'a mut Output,
}

impl Printing<'_> {
    /// Prints receipts, and answers how many lines are at fault. On an error nothing more
    /// is handed over, and what was is still waited for.
    pub(super) fn print_all(&mut self, fed: &Receiver<Fed>) -> Result<u64, CliError> {
        // Receipts on a terminal are progress enough.
        let mut progress = (!io::stdout().is_terminal()).then(|| Progress::new(None, "entries"));
        let mut bad = 0;
        for next in fed {
            if let Err(error) = self.take(next, &mut bad) {
                let gate = self.gate;
                // What follows of it is of the first.
                gate.close(fed, |next| drop(self.take(next, &mut bad)));
                return Err(error);
            }
            if let Some(progress) = &mut progress {
                progress.at(self.recorded.entries);
            }
        }
        if let Some(mut progress) = progress {
            progress.finish();
        }
        Ok(bad)
    }

    fn take(&mut self, fed: Fed, bad: &mut u64) -> Result<(), CliError> {
        let (answer, span, of_one) = match fed {
            Fed::Pending(pending, span, key) => {
                let answer = pending.wait().map_err(CliError::from);
                if let FedKey::Own(key) = &key {
                    self.under_way.end(key);
                }
                (answer, span, !matches!(key, FedKey::None))
            }
            // The line that had the key first was waited for before.
            Fed::Again(keyed, span) => (self.again(&keyed), span, true),
            Fed::Warning(warning) => {
                self.output.warning(&warning);
                return Ok(());
            }
            Fed::Bad(error) => {
                *bad += 1;
                if *bad <= NAMED {
                    self.output.warning(&error.to_string());
                }
                return Ok(());
            }
        };
        let error = match answer {
            Ok(receipts) => {
                self.reached.recorded(span);
                let identity = self.writer.identity();
                return print(&receipts, identity, self.recorded, self.output);
            }
            Err(error) => error,
        };
        let of_line = error.is_of_input();
        let error = match of_one && of_line {
            true => CliError::Line {
                place: span.first,
                source: Box::new(error),
            },
            false => error,
        };
        if self.keep_going && of_line {
            *bad += 1;
            self.output.warning(&error.to_string());
            return Ok(());
        }
        self.reached.failed(span);
        Err(error)
    }

    fn again(&self, keyed: &Keyed) -> Result<Vec<Receipt>, CliError> {
        match self.writer {
            Writer::Own(ledger) => Ok(keyed.receipt(ledger.logbook()?)?.into_iter().collect()),
            Writer::Held(_) => Ok(Vec::new()),
        }
    }
}

pub(super) fn print(
    receipts: &[Receipt],
    identity: Identity,
    recorded: &mut AppendedSoFar,
    output: &mut Output,
) -> Result<(), CliError> {
    for receipt in receipts {
        recorded.take(receipt.seq);
        output.document(&Printed::new(receipt, identity))?;
    }
    output.flush()
}
