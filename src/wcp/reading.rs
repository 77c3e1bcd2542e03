//! Reading members that several models of WCP have alike.

use std::sync::Arc;

use crate::ledger::json::Value;
use crate::ledger::members::{MemberError, MemberProblem, Members};

/// A boolean that may be left out, but not be `null`.
pub(super) fn bool_or(
    members: &mut Members<'_>,
    name: &str,
    absent: bool,
) -> Result<bool, MemberError> {
    match members.optional(name) {
        None => Ok(absent),
        Some(_) => members.bool(name),
    }
}

/// A list of strings, `null` or nothing; an error names the item.
pub(super) fn text_list<T: for<'a> From<&'a str>>(
    members: &mut Members<'_>,
    name: &str,
) -> Result<Option<Vec<T>>, MemberError> {
    let Some(items) = members.opt_array(name)? else {
        return Ok(None);
    };
    let texts = items.iter().enumerate().map(|(index, item)| {
        let expected = "a string";
        item.as_str().map(T::from).ok_or_else(|| MemberError {
            at: format!("{}[{index}]", members.path(name)),
            problem: MemberProblem::WrongType {
                expected: expected.into(),
            },
        })
    });
    texts.collect::<Result<_, _>>().map(Some)
}

/// A list as JSON.
pub(super) fn text_array(texts: &[Arc<str>]) -> Value {
    Value::Array(texts.iter().map(|text| Value::from(&**text)).collect())
}
