//! How deep a policy may nest its brackets.
//!
//! The parser reads what is in a bracket as a list or an object first, and then again as a
//! comprehension. Two readings of each level double with the depth: what takes a policy of
//! twenty levels a second would take one of fifty a year.

/// Readings, summed over all brackets: those of twenty levels.
const READINGS: u64 = 1 << 20;

/// The line on which the brackets of a module have been read too often, from 1.
pub(super) fn nests_too_deep(module: &str) -> Option<usize> {
    let (mut depth, mut readings) = (0_u32, 0_u64);
    for (number, line) in module.lines().enumerate() {
        for bracket in brackets(line) {
            match bracket {
                '[' | '{' => {
                    depth = depth.saturating_add(1);
                    let doubled = 1_u64.checked_shl(depth).unwrap_or(u64::MAX);
                    readings = readings.saturating_add(doubled);
                }
                _ => depth = depth.saturating_sub(1),
            }
            if readings > READINGS {
                return Some(number + 1);
            }
        }
    }
    None
}

/// The brackets of a line that stand in no string and no comment. A string over several
/// lines is not told from what is outside: its brackets count, too.
fn brackets(line: &str) -> impl Iterator<Item = char> {
    let (mut quote, mut escaped) = (None, false);
    line.chars()
        .scan((), move |(), char| {
            let outside = quote.is_none();
            match (quote, char) {
                _ if escaped => escaped = false,
                (Some('"'), '\\') => escaped = true,
                (Some(open), char) if open == char => quote = None,
                (None, '"' | '`') => quote = Some(char),
                (None, '#') => return None,
                _ => {}
            }
            Some((outside, char))
        })
        .filter(|(outside, char)| *outside && matches!(char, '[' | ']' | '{' | '}'))
        .map(|(_, char)| char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_passes_and_what_takes_a_second_does_not() {
        let nested = |depth| format!("x := {}1{}\n", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(nests_too_deep(&nested(18)), None);
        assert_eq!(
            nests_too_deep(&format!("package a\n{}", nested(20))),
            Some(2)
        );
        assert_eq!(nests_too_deep(&nested(10).repeat(500)), None);
        assert_eq!(nests_too_deep(&nested(17).repeat(5)), Some(5));
        let quoted = "x := \"[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[\" # [[[[[[[[[[[[[[[[[[[[[[[[[[[\n";
        assert_eq!(nests_too_deep(quoted), None);
        assert_eq!(
            nests_too_deep(&"x := {\"a\": [1, {\"b\": 2}]}\n".repeat(10_000)),
            None
        );
    }
}
