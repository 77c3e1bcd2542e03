//! Counting the bytes that a policy touches, version 1.
//!
//! A value counts as what it would be if it were written out: one that holds
//! another twice counts it twice. What a step may make at most is counted before
//! the step is taken, from the sizes of what it is given, so that the same policy
//! and request stop at the same place on every machine.

use std::cell::Cell;

use regorus::{LimitError, Value};

/// Bits of a whole number, at most: the 4 300 digits of canonical JSON.
const NUMBER_BITS: u64 = 14_284;

/// Digits of a number in a text that is read as one, and its exponent, at most.
const NUMBER_DIGITS: usize = 4_300;

/// Values inside values, at most.
const LEVELS: usize = 256;

/// What a value counts beside what is in it.
pub(super) const VALUE: u64 = 32;

thread_local! {
    /// Given at the start and what is left of it.
    static BUDGET: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// Begins an evaluation that may touch `bytes`.
pub(super) fn start(bytes: u64) {
    BUDGET.set((bytes, bytes));
}

/// Takes `bytes` from the budget.
pub(super) fn charge(bytes: u64) -> Result<(), LimitError> {
    let (limit, left) = BUDGET.get();
    let left = left
        .checked_sub(bytes)
        .ok_or(LimitError::MemoryLimitExceeded {
            usage: limit.saturating_sub(left).saturating_add(bytes),
            limit,
        })?;
    BUDGET.set((limit, left));
    Ok(())
}

/// A number or a nesting that no budget is enough for.
fn beyond() -> LimitError {
    LimitError::MemoryLimitExceeded {
        usage: u64::MAX,
        limit: BUDGET.get().0,
    }
}

/// The size of a value written out. Stops where it is more than is left.
pub(super) fn size(value: &Value) -> Result<u64, LimitError> {
    let mut total = 0;
    add(value, LEVELS, &mut total)?;
    Ok(total)
}

fn add(value: &Value, levels: usize, total: &mut u64) -> Result<(), LimitError> {
    let levels = levels.checked_sub(1).ok_or_else(beyond)?;
    *total = total.saturating_add(VALUE);
    match value {
        Value::Null | Value::Bool(_) | Value::Undefined => {}
        Value::String(text) => *total = total.saturating_add(text.len() as u64),
        Value::Number(number) => {
            let small = number.as_i64().is_some() || number.as_u64().is_some();
            if let (false, Some(big)) = (small, number.as_big()) {
                if big.bits() > NUMBER_BITS {
                    return Err(beyond());
                }
                *total = total.saturating_add(big.bits() / 8);
            }
        }
        Value::Array(items) => {
            for item in items.iter() {
                add(item, levels, total)?;
            }
        }
        Value::Set(items) => {
            for item in items.iter() {
                add(item, levels, total)?;
            }
        }
        Value::Object(members) => {
            for (key, value) in members.iter() {
                add(key, levels, total)?;
                add(value, levels, total)?;
            }
        }
    }
    let (limit, left) = BUDGET.get();
    match *total > left {
        true => Err(LimitError::MemoryLimitExceeded {
            usage: limit.saturating_sub(left).saturating_add(*total),
            limit,
        }),
        false => Ok(()),
    }
}

/// The size of a value without what is in it, but for how much that is.
pub(super) fn width(value: &Value) -> u64 {
    let items = match value {
        Value::String(text) => return VALUE.saturating_add(text.len() as u64),
        Value::Array(items) => items.len(),
        Value::Set(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    };
    VALUE.saturating_mul((items as u64).saturating_add(1))
}

/// Whether every number in `text`, outside of quotes and comments, is one that
/// may be read: an exponent of nine digits is a number of gigabytes.
pub(super) fn numbers_fit(text: &str) -> bool {
    let mut rest = text.as_bytes();
    // Whether the last byte belongs to a word, in which digits are no number.
    let mut word = false;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'"' => rest = after_quoted(rest, true),
            b'`' => rest = after_quoted(rest, false),
            b'#' => rest = after_any(rest, |byte| byte != b'\n'),
            b'0'..=b'9' if !word => {
                let end = after_any(rest, |byte| {
                    byte.is_ascii_digit() || byte == b'.' || byte == b'_'
                });
                if rest.len().saturating_sub(end.len()) >= NUMBER_DIGITS {
                    return false;
                }
                rest = end;
                if let [b'e' | b'E', exponent @ ..] = rest {
                    let exponent = exponent.strip_prefix(b"+").unwrap_or(exponent);
                    let exponent = exponent.strip_prefix(b"-").unwrap_or(exponent);
                    let end = after_any(exponent, |byte| byte.is_ascii_digit());
                    let digits = exponent.get(..exponent.len().saturating_sub(end.len()));
                    let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
                    let value = digits.map(|digits| digits.parse::<usize>());
                    if !matches!(value, Some(Ok(value)) if value <= NUMBER_DIGITS)
                        && digits != Some("")
                    {
                        return false;
                    }
                    rest = end;
                }
            }
            _ => {}
        }
        word = first.is_ascii_alphanumeric() || first == b'_';
    }
    true
}

/// What comes after the first byte that is not `among`.
fn after_any(text: &[u8], among: impl Fn(u8) -> bool) -> &[u8] {
    let end = text.iter().position(|byte| !among(*byte));
    text.get(end.unwrap_or(text.len())..).unwrap_or_default()
}

fn after_quoted(mut text: &[u8], escapes: bool) -> &[u8] {
    let quote = if escapes { b'"' } else { b'`' };
    while let Some((&byte, rest)) = text.split_first() {
        text = match byte {
            b'\\' if escapes => rest.get(1..).unwrap_or_default(),
            byte if byte == quote => return rest,
            _ => rest,
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_twice_counts_twice_and_is_not_walked_beyond_the_budget() {
        start(1 << 20);
        let mut value = Value::from(1_i64);
        for _ in 0..60 {
            value = Value::from(vec![value.clone(), value]);
        }
        let refused = size(&value);
        let beyond = |error: &LimitError| matches!(error, LimitError::MemoryLimitExceeded { limit, .. } if *limit == 1 << 20);
        assert!(refused.as_ref().is_err_and(beyond));
    }

    #[test]
    fn numbers_are_found_where_they_are_read_and_nowhere_else() {
        for text in ["1e2000000000", "x := [1E+99999]", "1.5e999999999999999999"] {
            assert!(!numbers_fit(text), "{text}");
        }
        assert!(!numbers_fit(&"7".repeat(5_000)));
        for text in [
            "x := 1e10",
            r#"hash := "3e123456789""#,
            r#""a\"1e99999""#,
            "`1e99999`",
            "# 1e99999\nx := 1",
            "a1e99999 := 1",
            "1e",
        ] {
            assert!(numbers_fit(text), "{text}");
        }
    }
}
