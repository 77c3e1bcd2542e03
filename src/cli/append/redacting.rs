//! Which members of what is appended are redactable, or masked.

use crate::cli::error::CliError;
use crate::ledger::hash::Hash;
use crate::ledger::json::Value;
use crate::ledger::parse::parse;
use crate::ledger::redact::Redactable;
use crate::ledger::redact::likely::likely_secrets;
use crate::ledger::redact::pointer::Pointer;
use crate::logbook::request::PreparedEntry;
use crate::record::redacting::Redacting as Rules;

/// In a line of input: JSON pointers of what is redactable in its payload.
pub(super) const MEMBER: &str = "redactable";

/// What a file and flags say.
pub(super) struct RedactFlags {
    rules: Rules,
    always: Vec<Redactable>,
    genesis: Hash,
}

impl RedactFlags {
    pub(super) fn new(rules: Rules, always: &[Pointer]) -> RedactFlags {
        RedactFlags {
            rules,
            always: always.iter().cloned().map(Redactable::needed).collect(),
            genesis: Hash::ZERO,
        }
    }

    /// For the log of this genesis.
    pub(super) fn in_log(self, genesis: Hash) -> RedactFlags {
        RedactFlags { genesis, ..self }
    }

    /// Takes out of an entry what they say, and what is said of it alone.
    pub(super) fn take(
        &self,
        entry: PreparedEntry,
        besides: &[Redactable],
    ) -> Result<PreparedEntry, CliError> {
        let said = [besides, &self.always].concat();
        Ok(self.rules.take(entry, &said, &self.genesis)?)
    }
}

/// What looks like a secret in an entry to be, and is not taken out of it.
pub(super) fn secrets(entry: &PreparedEntry) -> Vec<String> {
    let payload = parse(entry.payload()).unwrap_or(Value::Null);
    let found = likely_secrets(&payload).into_iter();
    let said = found.map(|(pointer, what)| {
        format!(
            "{pointer} looks like {what}; what is appended stays for ever, and \
             `--redactable {pointer}` keeps it where it can be erased"
        )
    });
    said.collect()
}
