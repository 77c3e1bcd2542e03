//! Timestamps: UTC, microseconds, one spelling each.

use std::fmt;
use std::str;

use chrono::NaiveDate;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::shape;
use super::time_reader;

pub use super::time_reader::TimeError;

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// A moment in UTC, exact to the microsecond, in the years 0001 to 9999.
///
/// `Display` is the canonical text `YYYY-MM-DDTHH:MM:SS[.ffffff]+00:00`; the
/// fraction has six digits, or is absent when zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    micros: i64,
}

impl Timestamp {
    /// `0001-01-01T00:00:00+00:00`.
    pub const MIN: Self = Self {
        micros: -62_135_596_800 * SECOND,
    };

    /// `9999-12-31T23:59:59.999999+00:00`.
    pub const MAX: Self = Self {
        micros: 253_402_300_800 * SECOND - 1,
    };

    /// The moment so many microseconds after the Unix epoch; none outside the
    /// years 0001 to 9999.
    pub fn from_unix_micros(micros: i64) -> Option<Self> {
        let time = Self { micros };
        (Self::MIN..=Self::MAX).contains(&time).then_some(time)
    }

    pub fn unix_micros(self) -> i64 {
        self.micros
    }

    /// Reads a timestamp of any offset: `YYYY-MM-DDTHH:MM:SS` (the `T` in
    /// either case), a fraction of at most six digits that count, then `Z`,
    /// `z`, `±HH:MM`, or nothing for UTC.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let fields = time_reader::read(text)?;
        let date = NaiveDate::from_ymd_opt(fields.year, fields.month, fields.day);
        let date = date.ok_or(TimeError::OutOfRange { field: "day" })?;
        let days = i64::from(date.to_epoch_days());
        let micros = days * DAY + fields.micros_of_day - fields.offset_micros;
        Self::from_unix_micros(micros).ok_or(TimeError::OutOfYears)
    }

    /// Reads a timestamp that is spelt as `Display` would.
    pub fn parse_canonical(text: &str) -> Result<Self, TimeError> {
        let time = Self::parse(text)?;
        if time.is_spelt(text.as_bytes()) {
            Ok(time)
        } else {
            Err(TimeError::NotCanonical)
        }
    }

    /// Whether `text`, which reads as this time, is as `Display` spells it. Only
    /// the letter, the length of the fraction and the offset are left to choose.
    fn is_spelt(self, text: &[u8]) -> bool {
        const WHOLE: usize = "0001-01-01T00:00:00+00:00".len();
        let fraction = match self.micros.rem_euclid(SECOND) {
            0 => 0,
            _ => ".000001".len(),
        };
        let letter = text.get("0001-01-01".len());
        text.len() == WHOLE + fraction && letter == Some(&b'T') && text.ends_with(b"+00:00")
    }

    pub fn hour_start(self) -> Self {
        Self {
            micros: self.micros - self.micros.rem_euclid(HOUR),
        }
    }

    /// The moment so many microseconds later (earlier, if negative), but not
    /// beyond [`Timestamp::MIN`] and [`Timestamp::MAX`].
    pub fn saturating_add_micros(self, micros: i64) -> Self {
        Self {
            micros: self.micros.saturating_add(micros),
        }
        .clamp(Self::MIN, Self::MAX)
    }

    /// Microseconds from `other` to this moment; negative if `other` is later.
    pub fn micros_since(self, other: Self) -> i64 {
        self.micros - other.micros
    }

    /// `YYYY-MM-DDTHH:MM:SSZ`, the fraction cut off: the spelling of WCP
    /// manifests.
    pub fn whole_seconds_z(self) -> String {
        let mut text = self.text();
        text.len = 19;
        text.push(b"Z");
        text.as_str().to_owned()
    }

    /// The canonical text, without the machinery of `fmt`: every append and
    /// every verified entry makes one.
    fn text(self) -> CanonicalText {
        let days = self.micros.div_euclid(DAY);
        let of_day = self.micros.rem_euclid(DAY);
        let (year, month, day) = civil_from_days(days);
        let (seconds, fraction) = (of_day / SECOND, of_day % SECOND);
        let mut text = CanonicalText {
            bytes: [0; 32],
            len: 0,
        };
        text.number(year, 4);
        text.push(b"-");
        text.number(month, 2);
        text.push(b"-");
        text.number(day, 2);
        text.push(b"T");
        text.number(seconds / 3_600, 2);
        text.push(b":");
        text.number(seconds / 60 % 60, 2);
        text.push(b":");
        text.number(seconds % 60, 2);
        if fraction != 0 {
            text.push(b".");
            text.number(fraction, 6);
        }
        text.push(b"+00:00");
        text
    }
}

/// Reads a timestamp of any offset, as [`Timestamp::parse`] does.
pub fn any_offset<'v, D: Deserializer<'v>>(deserializer: D) -> Result<Timestamp, D::Error> {
    shape::read_text(deserializer, EXPECTED, |text| Timestamp::parse(text).ok())
}

/// The same; none if it is absent or `null`.
pub fn maybe_any_offset<'v, D: Deserializer<'v>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    match Option::<&'v str>::deserialize(deserializer)? {
        None => Ok(None),
        Some(text) => any_offset(BorrowedStrDeserializer::new(text)).map(Some),
    }
}

/// What a reader says that it expects.
pub(super) const EXPECTED: &str = "a canonical timestamp";

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text().as_str())
    }
}

impl<'v> Deserialize<'v> for Timestamp {
    /// The canonical form only.
    fn deserialize<D: Deserializer<'v>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let parse = |text: &str| Timestamp::parse_canonical(text).ok();
        shape::read_text(deserializer, EXPECTED, parse)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

/// ASCII text of at most 32 bytes, a canonical timestamp's length.
struct CanonicalText {
    bytes: [u8; 32],
    len: usize,
}

impl CanonicalText {
    fn push(&mut self, ascii: &[u8]) {
        for (to, from) in self.bytes.iter_mut().skip(self.len).zip(ascii) {
            *to = *from;
        }
        self.len += ascii.len();
    }

    /// The last `width` decimal digits of `number`.
    fn number(&mut self, mut number: i64, width: usize) {
        let field = self.bytes.iter_mut().skip(self.len).take(width);
        for to in field.rev() {
            *to = b'0' + (number % 10) as u8;
            number /= 10;
        }
        self.len += width;
    }

    fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.len).unwrap_or(&self.bytes);
        str::from_utf8(bytes).unwrap_or_default()
    }
}

/// Year, month and day of a day counted from 1970-01-01, for years from 1 on
/// (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    // Counted from 0000-03-01, so that the leap day is the last of its year.
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March, in groups of five that have 153 days.
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        0..10 => (year_of_era + era * 400, month + 3),
        _ => (year_of_era + era * 400 + 1, month - 9),
    };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    // A test that panics is a test that fails.
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use chrono::{DateTime, Datelike, Days};
    use proptest::prelude::*;

    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).expect(text)
    }

    #[test]
    fn every_day_has_the_date_that_chrono_gives_it() {
        let mut date = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
        let first = Timestamp::MIN.unix_micros() / DAY;
        let last = Timestamp::MAX.unix_micros() / DAY;
        for day in first..=last {
            let expected = (date.year().into(), date.month().into(), date.day().into());
            assert_eq!(civil_from_days(day), expected);
            date = date.checked_add_days(Days::new(1)).unwrap();
        }
        assert_eq!(date.year(), 10_000);
    }

    #[test]
    fn many_spellings_are_one_moment() {
        let cases = [
            (
                "2026-01-02T23:31:39.999999+00:00",
                "2026-01-02T23:31:39.999999+00:00",
            ),
            (
                "2026-01-10t09:31:49.5+08:00",
                "2026-01-10T01:31:49.500000+00:00",
            ),
            ("2026-01-24T22:04:23-03:30", "2026-01-25T01:34:23+00:00"),
            ("2026-01-24T22:04:23.000Z", "2026-01-24T22:04:23+00:00"),
            ("2026-01-24T22:04:23z", "2026-01-24T22:04:23+00:00"),
            ("2026-01-24T22:04:23", "2026-01-24T22:04:23+00:00"),
            (
                "2026-01-24T22:04:23.00000100000000",
                "2026-01-24T22:04:23.000001+00:00",
            ),
            ("2024-02-29T12:00:00-00:00", "2024-02-29T12:00:00+00:00"),
            ("2024-02-29T12:00:00+23:59", "2024-02-28T12:01:00+00:00"),
            (
                "1969-12-31T23:59:59.999999Z",
                "1969-12-31T23:59:59.999999+00:00",
            ),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
            (
                "9999-12-31T23:59:59.999999Z",
                "9999-12-31T23:59:59.999999+00:00",
            ),
        ];
        for (text, canonical) in cases {
            assert_eq!(time(text).to_string(), canonical);
            assert_eq!(Timestamp::parse_canonical(canonical), Ok(time(text)));
            if text != canonical {
                assert_eq!(
                    Timestamp::parse_canonical(text),
                    Err(TimeError::NotCanonical)
                );
            }
        }
    }

    #[test]
    fn the_limits_are_the_first_and_last_moment() {
        assert_eq!(time("0001-01-01T00:00:00Z"), Timestamp::MIN);
        assert_eq!(time("9999-12-31T23:59:59.999999Z"), Timestamp::MAX);
        for (time, beyond) in [(Timestamp::MIN, -1), (Timestamp::MAX, 1)] {
            let micros = time.unix_micros();
            assert_eq!(Timestamp::from_unix_micros(micros), Some(time));
            assert_eq!(Timestamp::from_unix_micros(micros + beyond), None);
            assert_eq!(time.saturating_add_micros(beyond), time);
            assert_eq!(time.saturating_add_micros(beyond * i64::MAX), time);
        }
        let span = Timestamp::MAX.micros_since(Timestamp::MIN);
        assert_eq!(Timestamp::MIN.saturating_add_micros(span), Timestamp::MAX);
    }

    #[test]
    fn hours_start_on_the_hour_before_the_epoch_too() {
        for (text, start) in [
            ("2026-03-04T05:59:59.999999Z", "2026-03-04T05:00:00+00:00"),
            ("2026-03-04T05:00:00Z", "2026-03-04T05:00:00+00:00"),
            ("1969-12-31T23:00:00.000001Z", "1969-12-31T23:00:00+00:00"),
            ("0001-01-01T00:59:59Z", "0001-01-01T00:00:00+00:00"),
        ] {
            assert_eq!(time(text).hour_start().to_string(), start);
        }
    }

    #[test]
    fn whole_seconds_are_cut_not_rounded() {
        let late = time("1969-12-31T23:59:59.999999Z");
        assert_eq!(late.whole_seconds_z(), "1969-12-31T23:59:59Z");
    }

    proptest! {
        #[test]
        fn only_what_is_written_is_canonical(
            letter in "[Tt]",
            seconds in 0_u8..60,
            fraction in r"(\.[0-9]{1,7}|\.0{1,7}|\.5|\.500000|\.000000|\.123456)?",
            offset in r"([Zz]|\+00:00|-00:00|\+01:00)?",
        ) {
            let text = format!("2024-02-29{letter}23:59:{seconds:02}{fraction}{offset}");
            let written = Timestamp::parse(&text).is_ok_and(|time| time.to_string() == text);
            prop_assert_eq!(Timestamp::parse_canonical(&text).is_ok(), written, "{}", text);
        }

        #[test]
        fn text_is_that_of_chrono_and_reads_back(
            micros in Timestamp::MIN.micros..=Timestamp::MAX.micros
        ) {
            let time = Timestamp::from_unix_micros(micros).unwrap();
            let text = time.to_string();
            prop_assert_eq!(Timestamp::parse_canonical(&text), Ok(time));
            let other = DateTime::from_timestamp_micros(micros).unwrap();
            let whole = micros % SECOND == 0;
            let format = if whole { "%Y-%m-%dT%H:%M:%S+00:00" } else { "%Y-%m-%dT%H:%M:%S%.6f+00:00" };
            prop_assert_eq!(&text, &other.naive_utc().format(format).to_string());
            let seconds = other.naive_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string();
            prop_assert_eq!(time.whole_seconds_z(), seconds);
        }
    }
}
