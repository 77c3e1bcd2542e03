//! Time once more, written from the format document (section 2) for
//! comparison: days are counted, one year at a time.

/// Microseconds since 1970, or `None` where the text must be refused.
pub fn micros(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = bytes.get(from..to)?;
        digits.iter().all(u8::is_ascii_digit).then_some(())?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    };
    let is = |at: usize, allowed: &[u8]| bytes.get(at).is_some_and(|b| allowed.contains(b));
    let separated = is(4, b"-") && is(7, b"-") && is(10, b"Tt") && is(13, b":") && is(16, b":");
    separated.then_some(())?;
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let valid = (1..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    valid.then_some(())?;

    let mut at = 19;
    let mut fraction = 0;
    if is(at, b".") {
        let digits = bytes[at + 1..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        let spelt = &text[at + 1..at + 1 + digits];
        let (counts, rest) = spelt.split_at(digits.min(6));
        (!counts.is_empty() && rest.bytes().all(|b| b == b'0')).then_some(())?;
        fraction = format!("{counts:0<6}").parse().ok()?;
        at += 1 + digits;
    }
    let offset = match &bytes[at..] {
        b"" | b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (number(at + 1, at + 3)?, number(at + 4, at + 6)?);
            (hours < 24 && minutes < 60).then_some(())?;
            (hours * 60 + minutes) * if *sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    let years = (1970..year).map(days_in).sum::<i64>() - (year..1970).map(days_in).sum::<i64>();
    let days = years + (1..month).map(|m| days_of(year, m)).sum::<i64>() + day - 1;
    let minutes = (days * 24 + hour) * 60 + minute - offset;
    let micros = (minutes * 60 + second) * 1_000_000 + fraction;
    let first = -(1..1970).map(days_in).sum::<i64>() * 86_400_000_000;
    let end = (1970..10_000).map(days_in).sum::<i64>() * 86_400_000_000;
    (first..end).contains(&micros).then_some(micros)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64) -> i64 {
    365 + i64::from(is_leap(year))
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
