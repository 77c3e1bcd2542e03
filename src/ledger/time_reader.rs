//! The grammar of a timestamp.

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    #[error("{expected} expected at byte {at} of the timestamp")]
    Syntax { at: usize, expected: &'static str },
    #[error("{field} out of range")]
    OutOfRange {
        /// `year`, `month`, `day`, `hour`, `minute`, `second`, `offset hour`
        /// or `offset minute`.
        field: &'static str,
    },
    #[error("timestamp is finer than a microsecond")]
    TooFine,
    #[error("timestamp lies outside the years 0001 to 9999 in UTC")]
    OutOfYears,
    #[error("timestamp is not in canonical form")]
    NotCanonical,
}

/// What a timestamp says, each field in its range; the day only in that of the
/// longest month.
pub(super) struct Fields {
    pub(super) year: i32,
    pub(super) month: u32,
    pub(super) day: u32,
    pub(super) micros_of_day: i64,
    pub(super) offset_micros: i64,
}

const SECOND: i64 = 1_000_000;

/// Reads `date T time [fraction] [zone]`.
pub(super) fn read(text: &str) -> Result<Fields, TimeError> {
    let mut reader = TimeReader {
        bytes: text.as_bytes(),
        at: 0,
    };
    let year = reader.number("year", 4, 1, 9_999)?;
    reader.one_of(b"-", "`-`")?;
    let month = reader.number("month", 2, 1, 12)?;
    reader.one_of(b"-", "`-`")?;
    let day = reader.number("day", 2, 1, 31)?;
    reader.one_of(b"Tt", "`T`")?;
    let hour = reader.number("hour", 2, 0, 23)?;
    reader.one_of(b":", "`:`")?;
    let minute = reader.number("minute", 2, 0, 59)?;
    reader.one_of(b":", "`:`")?;
    let second = reader.number("second", 2, 0, 59)?;
    let fraction = reader.fraction()?;
    let offset_minutes = reader.zone()?;
    reader.end()?;
    let seconds = i64::from(hour * 3_600 + minute * 60 + second);
    Ok(Fields {
        year: year as i32,
        month,
        day,
        micros_of_day: seconds * SECOND + fraction,
        offset_micros: offset_minutes * 60 * SECOND,
    })
}

struct TimeReader<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl TimeReader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn digit(&mut self) -> Option<u32> {
        let digit = self.peek().filter(u8::is_ascii_digit)?;
        self.at += 1;
        Some(u32::from(digit - b'0'))
    }

    fn syntax(&self, expected: &'static str) -> TimeError {
        TimeError::Syntax {
            at: self.at,
            expected,
        }
    }

    /// Exactly `width` digits that make a number from `min` to `max`.
    fn number(
        &mut self,
        field: &'static str,
        width: usize,
        min: u32,
        max: u32,
    ) -> Result<u32, TimeError> {
        let mut number = 0;
        for _ in 0..width {
            let digit = self.digit().ok_or_else(|| self.syntax("a digit"))?;
            number = number * 10 + digit;
        }
        if number < min || number > max {
            return Err(TimeError::OutOfRange { field });
        }
        Ok(number)
    }

    fn one_of(&mut self, bytes: &[u8], expected: &'static str) -> Result<u8, TimeError> {
        let found = self.peek().filter(|byte| bytes.contains(byte));
        let found = found.ok_or_else(|| self.syntax(expected))?;
        self.at += 1;
        Ok(found)
    }

    /// The fraction in microseconds, 0 if there is none.
    fn fraction(&mut self) -> Result<i64, TimeError> {
        if self.peek() != Some(b'.') {
            return Ok(0);
        }
        self.at += 1;
        let mut digit = Some(self.digit().ok_or_else(|| self.syntax("a digit"))?);
        let mut micros = 0;
        for _ in 0..6 {
            micros = micros * 10 + i64::from(digit.unwrap_or(0));
            digit = digit.and_then(|_| self.digit());
        }
        while let Some(beyond) = digit {
            if beyond != 0 {
                return Err(TimeError::TooFine);
            }
            digit = self.digit();
        }
        Ok(micros)
    }

    /// Minutes east of UTC, 0 if there is no zone.
    fn zone(&mut self) -> Result<i64, TimeError> {
        if self.peek().is_none() {
            return Ok(0);
        }
        let sign = match self.one_of(b"Zz+-", "`Z`, an offset or the end")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Ok(0),
        };
        let hour = self.number("offset hour", 2, 0, 23)?;
        self.one_of(b":", "`:`")?;
        let minute = self.number("offset minute", 2, 0, 59)?;
        Ok(sign * i64::from(hour * 60 + minute))
    }

    fn end(&self) -> Result<(), TimeError> {
        if self.peek().is_none() {
            Ok(())
        } else {
            Err(self.syntax("the end"))
        }
    }
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

    use super::super::time::Timestamp;
    use super::*;

    fn refused(text: &str) -> TimeError {
        Timestamp::parse(text).expect_err(text)
    }

    #[test]
    fn what_the_grammar_does_not_know_is_named_with_its_place() {
        let cases = [
            ("", 0, "a digit"),
            ("+2026-01-01T00:00:00Z", 0, "a digit"),
            (" 2026-01-01T00:00:00Z", 0, "a digit"),
            ("12026-01-01T00:00:00Z", 4, "`-`"),
            ("2026-1-01T00:00:00Z", 6, "a digit"),
            ("20260101T000000Z", 4, "`-`"),
            ("2026-01-01", 10, "`T`"),
            ("2026-01-01 00:00:00Z", 10, "`T`"),
            ("2026-01-01T00:00", 16, "`:`"),
            ("2026-01-01T00:00Z", 16, "`:`"),
            ("2026-01-01T00:00:00.Z", 20, "a digit"),
            ("2026-01-01T00:00:00,5Z", 19, "`Z`, an offset or the end"),
            ("2026-01-01T00:00:00 Z", 19, "`Z`, an offset or the end"),
            ("2026-01-01T00:00:00ZZ", 20, "the end"),
            ("2026-01-01T00:00:00Z ", 20, "the end"),
            ("2026-01-01T00:00:00+0100", 22, "`:`"),
            ("2026-01-01T00:00:00+01", 22, "`:`"),
            ("2026-01-01T00:00:00+01:00:00", 25, "the end"),
            (
                "2026-01-01T00:00:00\u{2212}01:00",
                19,
                "`Z`, an offset or the end",
            ),
            ("\u{0662}026-01-01T00:00:00Z", 0, "a digit"),
        ];
        for (text, at, expected) in cases {
            assert_eq!(refused(text), TimeError::Syntax { at, expected }, "{text}");
        }
    }

    #[test]
    fn fields_are_held_to_their_range() {
        let cases = [
            ("0000-12-31T00:00:00Z", "year"),
            ("2026-00-01T00:00:00Z", "month"),
            ("2026-13-01T00:00:00Z", "month"),
            ("2026-01-00T00:00:00Z", "day"),
            ("2026-01-32T00:00:00Z", "day"),
            ("2026-02-29T00:00:00Z", "day"),
            ("1900-02-29T00:00:00Z", "day"),
            ("2026-01-01T24:00:00Z", "hour"),
            ("2026-01-01T00:60:00Z", "minute"),
            ("2026-01-01T23:59:60Z", "second"),
            ("2026-01-01T00:00:00+24:00", "offset hour"),
            ("2026-01-01T00:00:00-00:60", "offset minute"),
        ];
        for (text, field) in cases {
            assert_eq!(refused(text), TimeError::OutOfRange { field }, "{text}");
        }
    }

    #[test]
    fn nothing_finer_than_a_microsecond_is_dropped() {
        assert_eq!(refused("2026-01-01T00:00:00.0000001Z"), TimeError::TooFine);
        assert_eq!(
            refused("2026-01-01T00:00:00.12345600000009"),
            TimeError::TooFine
        );
    }

    #[test]
    fn years_are_judged_after_conversion() {
        for text in ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"] {
            assert_eq!(refused(text), TimeError::OutOfYears);
        }
    }
}
