//! Canonical JSON once more, written from the format document (sections 1 and
//! 13) for comparison: nothing in common with the library's.

use std::collections::BTreeMap;

/// A value, with numbers in their canonical text.
pub enum Json {
    Word(&'static str),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Members(BTreeMap<String, Json>),
}

/// What a text means; `None` where it must be refused.
pub fn read(text: &[u8]) -> Option<Json> {
    let mut rest = std::str::from_utf8(text).ok()?.trim_start_matches(SPACE);
    let value = value(&mut rest, 128)?;
    rest.trim_start_matches(SPACE).is_empty().then_some(value)
}

const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

fn value(rest: &mut &str, levels: usize) -> Option<Json> {
    *rest = rest.trim_start_matches(SPACE);
    for word in ["null", "true", "false"] {
        if eat(rest, word) {
            return Some(Json::Word(word));
        }
    }
    match rest.chars().next()? {
        '"' => text(rest).map(Json::Text),
        '[' => list(rest, levels.checked_sub(1)?),
        '{' => members(rest, levels.checked_sub(1)?),
        _ => number(rest).map(Json::Number),
    }
}

fn eat(rest: &mut &str, token: &str) -> bool {
    let found = rest.strip_prefix(token);
    *rest = found.unwrap_or(rest);
    found.is_some()
}

fn token(rest: &mut &str, token: &str) -> bool {
    *rest = rest.trim_start_matches(SPACE);
    eat(rest, token)
}

fn list(rest: &mut &str, levels: usize) -> Option<Json> {
    eat(rest, "[");
    let mut items = Vec::new();
    if token(rest, "]") {
        return Some(Json::List(items));
    }
    loop {
        items.push(value(rest, levels)?);
        if token(rest, "]") {
            return Some(Json::List(items));
        }
        token(rest, ",").then_some(())?;
    }
}

fn members(rest: &mut &str, levels: usize) -> Option<Json> {
    eat(rest, "{");
    let mut members = BTreeMap::new();
    if token(rest, "}") {
        return Some(Json::Members(members));
    }
    loop {
        *rest = rest.trim_start_matches(SPACE);
        let name = text(rest)?;
        token(rest, ":").then_some(())?;
        let value = value(rest, levels)?;
        if members.insert(name, value).is_some() {
            return None;
        }
        if token(rest, "}") {
            return Some(Json::Members(members));
        }
        token(rest, ",").then_some(())?;
    }
}

fn text(rest: &mut &str) -> Option<String> {
    eat(rest, "\"").then_some(())?;
    let mut units = String::new();
    loop {
        let next = rest.chars().next()?;
        *rest = &rest[next.len_utf8()..];
        units.push(match next {
            '"' => return Some(units),
            '\\' => escape(rest)?,
            '\0'..='\u{1f}' => return None,
            plain => plain,
        });
    }
}

fn escape(rest: &mut &str) -> Option<char> {
    let kind = rest.chars().next()?;
    *rest = &rest[kind.len_utf8()..];
    Some(match kind {
        '"' | '\\' | '/' => kind,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => {
            let first = unit(rest)?;
            match first {
                0xd800..0xdc00 => {
                    eat(rest, "\\u").then_some(())?;
                    char::decode_utf16([first, unit(rest)?]).next()?.ok()?
                }
                _ => char::from_u32(u32::from(first))?,
            }
        }
        _ => return None,
    })
}

fn unit(rest: &mut &str) -> Option<u16> {
    let digits = rest
        .get(..4)
        .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    *rest = &rest[4..];
    u16::from_str_radix(digits, 16).ok()
}

fn number(rest: &mut &str) -> Option<String> {
    let end = rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
    let (spelt, after) = rest.split_at(end.unwrap_or(rest.len()));
    *rest = after;
    let (sign, digits) = match spelt.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", spelt),
    };
    let whole = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    let (whole, tail) = digits.split_at(whole);
    if whole.is_empty() || whole.len() > 1 && whole.starts_with('0') {
        return None;
    }
    if tail.is_empty() {
        let sign = if whole == "0" { "" } else { sign };
        return (whole.len() <= 4_300).then(|| format!("{sign}{whole}"));
    }
    let (fraction, exponent) = match tail.split_once(['e', 'E']) {
        Some((fraction, exponent)) => (fraction, Some(exponent)),
        None => (tail, None),
    };
    let all_digits = |d: &str| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit());
    let fraction_is_one = fraction.is_empty() || fraction.strip_prefix('.').is_some_and(all_digits);
    let unsigned = exponent.map(|e| e.strip_prefix(['+', '-']).unwrap_or(e));
    if !fraction_is_one || !unsigned.is_none_or(all_digits) {
        return None;
    }
    let double: f64 = spelt.parse().ok()?;
    double.is_finite().then(|| float(double))
}

fn float(double: f64) -> String {
    // As many digits as the shortest have, but rounded from the exact value: of
    // two that are as near, the even one.
    let shortest = format!("{double:e}");
    let digits = shortest.split('e').next().unwrap_or_default();
    let count = digits.bytes().filter(u8::is_ascii_digit).count();
    let rounded = format!("{double:.*e}", count - 1);
    let scientific = match rounded.parse() == Ok(double) {
        true => rounded,
        false => shortest,
    };
    let (digits, exponent) = scientific.split_once('e').unwrap();
    let exponent: i32 = exponent.parse().unwrap();
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let behind = digits.bytes().filter(u8::is_ascii_digit).count() as i32 - 1 - exponent;
    format!("{double:.*}", behind.max(1) as usize)
}

impl Json {
    /// The canonical text: `ascii` for `\uXXXX`, `spaced` for a blank behind
    /// `,` and `:`.
    pub fn write(&self, ascii: bool, spaced: bool, out: &mut String) {
        let blank = if spaced { " " } else { "" };
        match self {
            Json::Word(word) => out.push_str(word),
            Json::Number(text) => out.push_str(text),
            Json::Text(text) => quote(text, ascii, out),
            Json::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                        out.push_str(blank);
                    }
                    item.write(ascii, spaced, out);
                }
                out.push(']');
            }
            Json::Members(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                        out.push_str(blank);
                    }
                    quote(name, ascii, out);
                    out.push(':');
                    out.push_str(blank);
                    value.write(ascii, spaced, out);
                }
                out.push('}');
            }
        }
    }
}

fn quote(text: &str, ascii: bool, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' || ascii && c > '~' => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
