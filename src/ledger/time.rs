//! Timestamps: UTC, microseconds, one spelling each.

use std::fmt;
use std::str;

use chrono::NaiveDate;

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
    /// Since the Unix epoch.
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

    /// Microseconds since the Unix epoch.
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
        if time.text().as_str() == text {
            Ok(time)
        } else {
            Err(TimeError::NotCanonical)
        }
    }

    /// The start of its UTC hour.
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
    fn text(self) -> Text {
        let days = self.micros.div_euclid(DAY);
        let of_day = self.micros.rem_euclid(DAY);
        let (year, month, day) = civil_from_days(days);
        let (seconds, fraction) = (of_day / SECOND, of_day % SECOND);
        let mut text = Text {
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

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

/// ASCII text of at most 32 bytes, a canonical timestamp's length.
struct Text {
    bytes: [u8; 32],
    len: usize,
}

impl Text {
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
