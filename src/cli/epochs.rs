//! `sealbook epochs`: the sealed epochs.

use crate::ledger::position::EpochNumber;
use crate::logbook::epoch_at;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;

/// Rows printed together as one table.
const TABLE: usize = 1_000;

pub(super) fn run(context: &Context, output: &mut Output) -> Result<Answer, CliError> {
    let ledger = context.reader(output)?;
    let store = ledger.store();
    let mut rows = Vec::new();
    let head = ["epoch", "hour", "first", "last", "entries", "root"];
    let last = store.last_epoch()?.map_or(0, |last| last.0 + 1);
    for number in 0..last {
        let epoch = epoch_at(store, EpochNumber(number))?;
        if output.is_json() {
            output.document(&epoch.to_value())?;
            continue;
        }
        let header = epoch.content;
        rows.push(vec![
            header.epoch.to_string(),
            header.hour.to_string(),
            header.first_seq.to_string(),
            header.last_seq.to_string(),
            header.tree_size.to_string(),
            header.root.to_string(),
        ]);
        if rows.len() == TABLE {
            output.table(&head, std::mem::take(&mut rows))?;
        }
    }
    if !rows.is_empty() {
        output.table(&head, rows)?;
    }
    Ok(Answer::Yes)
}
