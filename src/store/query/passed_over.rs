//! Entries that a filter passes over because of a type: what they are asked for by stands
//! in them as a number, say, and is asked for as text.

use std::fmt;

use crate::ledger::json::Form;
use crate::ledger::parse::parse;
use crate::ledger::position::Seq;
use crate::store::Store;
use crate::store::term::SearchField;

use super::{Filter, QueryError, select};

/// Characters of a value that are shown.
const SHOWN: usize = 100;

/// A text that is asked for and reads like another JSON value, and the filter that asks
/// for that one instead.
#[derive(Clone, Debug)]
pub struct OtherType {
    field: SearchField,
    text: String,
    json: String,
    /// What is asked for then.
    pub filter: Filter,
}

/// What entries have in the place of a text that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// The field in which the text was asked for.
    pub field: SearchField,
    /// The text.
    pub text: String,
    /// What they have: canonical JSON.
    pub json: String,
    /// The number of one of them: the first, unless the newest were asked for first.
    pub seq: Seq,
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let member = match self.field {
            SearchField::Correlation => "correlation_id",
            SearchField::Decision => "decision_id",
            SearchField::Worker => "worker or species",
            _ => "tenant_id",
        };
        let (text, json) = (shown(&self.text), shown(&self.json));
        write!(
            f,
            "entries whose {member} is the JSON value {json} and not the string \"{text}\" are \
             not among them"
        )
    }
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl OtherType {
    /// That the entry with this number has it.
    #[must_use]
    pub fn at(self, seq: Seq) -> PassedOver {
        let OtherType {
            field, text, json, ..
        } = self;
        PassedOver {
            field,
            text,
            json,
            seq,
        }
    }
}

/// What `filter` passes over in `store`, field by field.
///
/// # Errors
/// [`QueryError`].
pub fn passed_over(store: &dyn Store, filter: &Filter) -> Result<Vec<PassedOver>, QueryError> {
    let mut found = Vec::new();
    for other in other_types(filter) {
        if let Some(item) = select(store, &other.filter)?.next() {
            found.push(other.at(item?.0));
        }
    }
    Ok(found)
}

/// Of the texts that `filter` asks for those that read like another JSON value.
#[must_use]
pub fn other_types(filter: &Filter) -> Vec<OtherType> {
    type Asked = fn(&mut Filter) -> &mut Option<String>;
    let asked: [(SearchField, Asked); 4] = [
        (SearchField::Tenant, |filter| &mut filter.tenant),
        (SearchField::Correlation, |filter| &mut filter.correlation),
        (SearchField::Decision, |filter| &mut filter.decision),
        (SearchField::Worker, |filter| &mut filter.worker),
    ];
    let of = |(field, asked): (SearchField, Asked)| {
        let mut filter = filter.clone();
        let text = asked(&mut filter).take()?;
        let value = parse(text.as_bytes()).ok()?;
        if value.as_str().is_some() {
            return None;
        }
        let json = value.canonical(Form::Utf8);
        filter.fact = Some((field.of_other_types()?, json.clone()));
        filter.limit = Some(1);
        Some(OtherType {
            field,
            text,
            json,
            filter,
        })
    };
    asked.into_iter().filter_map(of).collect()
}
