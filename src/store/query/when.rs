//! Times as people write them in a query. Entries and files have the one strict
//! spelling of [`Timestamp`]; here also a day, a span back from now, and what
//! other programs print.

use crate::ledger::time::Timestamp;

/// Which end of an inexact time is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeEnd {
    /// Not before it.
    Since,
    /// Not after it: a day counts to its last microsecond.
    Until,
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Bytes of a text that may be a time.
const LONGEST: usize = 64;

/// Reads a time: `2026-11-29T10:00:00Z` and its looser spellings (a blank instead
/// of `T`, no seconds, nanoseconds, `-0500`), `2026-11-29`, `now`, `today`,
/// `yesterday`, `tomorrow`, `1h`, `2d 3h ago`, `@1764410400`. Without a zone it is
/// UTC. `None` for anything else.
pub fn read(text: &str, end: TimeEnd, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST || !text.is_ascii() {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let today = now.unix_micros().div_euclid(DAY);
    match lower.as_str() {
        "now" => Some(now),
        "today" => day(today, end),
        "yesterday" => day(today - 1, end),
        "tomorrow" => day(today + 1, end),
        _ => match lower.strip_prefix('@') {
            Some(seconds) => {
                let micros = seconds.parse::<i64>().ok()?.checked_mul(SECOND)?;
                Timestamp::from_unix_micros(micros)
            }
            None => back(&lower, now).or_else(|| absolute(text, end)),
        },
    }
}

/// The end of a day that is meant; days count from 1970.
fn day(number: i64, end: TimeEnd) -> Option<Timestamp> {
    let begins = number.checked_mul(DAY)?;
    Timestamp::from_unix_micros(match end {
        TimeEnd::Since => begins,
        TimeEnd::Until => begins.checked_add(DAY - 1)?,
    })
}

/// A span before now: numbers with units, in any order.
fn back(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.strip_suffix("ago").unwrap_or(text);
    let mut rest = text.strip_prefix('-').unwrap_or(text).trim();
    let mut micros = 0_i64;
    // One at least.
    loop {
        let (number, after) = split(rest, |c| c.is_ascii_digit());
        let (unit, after) = split(after.trim_start(), |c| c.is_ascii_alphabetic());
        let seconds = match unit {
            "s" | "sec" | "secs" | "second" | "seconds" => 1,
            "m" | "min" | "mins" | "minute" | "minutes" => 60,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3_600,
            "d" | "day" | "days" => 86_400,
            "w" | "week" | "weeks" => 7 * 86_400,
            _ => return None,
        };
        let span = number.parse::<i64>().ok()?.checked_mul(seconds * SECOND)?;
        micros = micros.checked_add(span)?;
        rest = after.trim_start();
        if rest.is_empty() {
            break;
        }
    }
    Timestamp::from_unix_micros(now.unix_micros().checked_sub(micros)?)
}

/// A date, and mostly a time of day.
fn absolute(text: &str, end: TimeEnd) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    if rest.is_empty() {
        let midnight = Timestamp::parse(&format!("{date}T00:00:00Z")).ok()?;
        return day(midnight.unix_micros().div_euclid(DAY), end);
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (time, rest) = split(rest, |c| c.is_ascii_digit() || c == ':');
    let time = match time.len() {
        5 => format!("{time}:00"),
        _ => time.to_owned(),
    };
    let (fraction, rest) = match rest.strip_prefix(['.', ',']) {
        Some(rest) => split(rest, |c| c.is_ascii_digit()),
        None => ("0", rest),
    };
    let (micros, finer) = fraction.split_at_checked(6).unwrap_or((fraction, ""));
    let micros = Some(micros).filter(|digits| !digits.is_empty())?;
    let at = Timestamp::parse(&format!("{date}T{time}.{micros}{}", zone(rest)?)).ok()?;
    // No entry lies between two microseconds.
    let up = end == TimeEnd::Since && finer.bytes().any(|digit| digit != b'0');
    Some(if up { at.saturating_add_micros(1) } else { at })
}

fn zone(text: &str) -> Option<String> {
    let zone = text.trim();
    if zone.is_empty()
        || ["z", "utc", "gmt"]
            .iter()
            .any(|utc| zone.eq_ignore_ascii_case(utc))
    {
        return Some("Z".to_owned());
    }
    // In a query of a URL a plus is a blank.
    let (sign, digits) = match zone.strip_prefix(['+', '-']) {
        Some(digits) => (zone.get(..1)?, digits),
        None if text.starts_with(' ') => ("+", zone),
        None => return None,
    };
    let digits = digits.replacen(':', "", 1);
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = if minutes.is_empty() { "00" } else { minutes };
    Some(format!("{sign}{hours}:{minutes}"))
}

fn split(text: &str, of: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !of(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    fn both(text: &str) -> Option<(String, String)> {
        let now = Timestamp::parse("2026-11-29T12:34:56.789012Z").unwrap();
        let of = |end| Some(read(text, end, now)?.to_string());
        Some((of(TimeEnd::Since)?, of(TimeEnd::Until)?))
    }

    #[test]
    fn what_people_write_is_the_time_they_mean() {
        for (text, since, until) in [
            (
                "2026-11-29",
                "2026-11-29T00:00:00+00:00",
                "2026-11-29T23:59:59.999999+00:00",
            ),
            (
                "today",
                "2026-11-29T00:00:00+00:00",
                "2026-11-29T23:59:59.999999+00:00",
            ),
            (
                "Yesterday",
                "2026-11-28T00:00:00+00:00",
                "2026-11-28T23:59:59.999999+00:00",
            ),
            (
                "2026-11-29T10:00:00.0000005Z",
                "2026-11-29T10:00:00.000001+00:00",
                "2026-11-29T10:00:00+00:00",
            ),
        ] {
            let expected = (since.to_owned(), until.to_owned());
            assert_eq!(both(text), Some(expected), "{text}");
        }
        for (text, expected) in [
            ("now", "2026-11-29T12:34:56.789012+00:00"),
            ("1h", "2026-11-29T11:34:56.789012+00:00"),
            ("-90m", "2026-11-29T11:04:56.789012+00:00"),
            ("2d 3h ago", "2026-11-27T09:34:56.789012+00:00"),
            ("1 week", "2026-11-22T12:34:56.789012+00:00"),
            ("@0", "1970-01-01T00:00:00+00:00"),
            ("2026-11-29T10:00:00Z", "2026-11-29T10:00:00+00:00"),
            ("2026-11-29 10:00", "2026-11-29T10:00:00+00:00"),
            ("2026-11-29T10:00:00", "2026-11-29T10:00:00+00:00"),
            ("2026-11-29T10:00:00-0500", "2026-11-29T15:00:00+00:00"),
            ("2026-11-29T10:00:00 -05", "2026-11-29T15:00:00+00:00"),
            ("2026-11-29T10:00:00 01:00", "2026-11-29T09:00:00+00:00"),
            (
                "2026-11-29T10:00:00.123456000Z",
                "2026-11-29T10:00:00.123456+00:00",
            ),
            (
                "2026-11-29 10:00:00.5 UTC",
                "2026-11-29T10:00:00.500000+00:00",
            ),
            (" 2026-11-29t10:00:00z ", "2026-11-29T10:00:00+00:00"),
        ] {
            let expected = (expected.to_owned(), expected.to_owned());
            assert_eq!(both(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            " ",
            "noon",
            "1",
            "h",
            "1x",
            "1h1",
            "ago",
            "-",
            "@",
            "@x",
            "@99999999999999999999",
            "99999999999999h",
            "2026-11-31",
            "2026-13-01",
            "2026-11-29T",
            "2026-11-29T25:00:00Z",
            "2026-11-29T10:00:00.Z",
            "2026-11-29T10:00:00+",
            "2026-11-29T10:00:00+5",
            "2026-11-29T10:00:00+05000",
            "2026-11-29T10:00:00CET",
            "29.11.2026",
            "\u{ff12}026-11-29",
        ] {
            assert_eq!(both(text), None, "{text}");
        }
    }
}
