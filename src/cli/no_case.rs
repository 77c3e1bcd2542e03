//! What is said where a case has no entry.

use crate::store::Store;
use crate::store::facts::Facts;
use crate::store::query::{Filter, select};
use crate::store::term::SearchField;

use super::error::CliError;

/// How many cases, and out of how many of the newest entries, are named instead.
const NAMED: usize = 5;
const LOOKED_AT: usize = 10_000;

/// There is no such case; the newest ones are named.
pub(super) fn no_case(store: &dyn Store, wanted: &str) -> CliError {
    let newest = Filter {
        reverse: true,
        ..Filter::default()
    };
    let mut cases: Vec<String> = Vec::new();
    let entries = select(store, &newest).into_iter().flatten();
    for (_, entry) in entries.take(LOOKED_AT).filter_map(Result::ok) {
        for (field, value) in Facts::of(&entry).values() {
            let new = field == SearchField::Correlation && !cases.iter().any(|case| case == value);
            if new && cases.len() < NAMED {
                cases.push(value.to_owned());
            }
        }
    }
    CliError::NotThere {
        wanted: format!("no entry has the correlation id `{wanted}`"),
        there: match cases.is_empty() {
            true => "no entry of late has a correlation id".to_owned(),
            false => format!("the newest cases are {}", cases.join(", ")),
        },
    }
}
