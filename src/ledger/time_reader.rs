//! The grammar of a timestamp.

/// Why a timestamp was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// The grammar wants something else here.
    #[error("{expected} expected at byte {at} of the timestamp")]
    Syntax {
        /// Bytes before it.
        at: usize,
        /// What could stand there.
        expected: &'static str,
    },
    /// A field is beyond what it can count; for the day, what its month has.
    #[error("{field} out of range")]
    OutOfRange {
        /// `year`, `month`, `day`, `hour`, `minute`, `second`, `offset hour`
        /// or `offset minute`.
        field: &'static str,
    },
    /// A digit other than zero stands behind the sixth of the fraction.
    #[error("timestamp is finer than a microsecond")]
    TooFine,
    /// In UTC it lies outside the years 0001 to 9999.
    #[error("timestamp lies outside the years 0001 to 9999 in UTC")]
    OutOfYears,
    /// It is not spelt as `YYYY-MM-DDTHH:MM:SS[.ffffff]+00:00`.
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
    let mut reader = Reader {
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

struct Reader<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Reader<'_> {
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
