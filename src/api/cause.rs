//! What a tool on the way has probably done to a file that fails: to be told
//! apart from what somebody meant to do. It explains a verdict and never changes
//! one.

use std::fmt;
use std::io::{self, BufRead, ErrorKind, Read};
use std::path::Path;

use crate::ledger::entry::Entry;
use crate::ledger::fault::{Format, WarningCode};
use crate::ledger::json::{Form, Number, Object, Value};
use crate::ledger::key::PublicKey;
use crate::ledger::limits;
use crate::ledger::parse::parse_with;

use super::compression::Compression;
use super::file::{compression_of, open};

/// The header of a compressed file.
const HEADER_BYTES: u64 = 10;

/// Bytes of a file's beginning that are looked at.
pub const LOOKED_AT: u64 = 1 << 16;

/// Bytes in which the end of a file that fails is looked for.
const ENDS_WITHIN: u64 = 1 << 30;

/// Integers in an entry of which each may have been a float.
const TRIED: u32 = 10;

/// From here on doubles do not hold every integer.
const DOUBLES_HOLD: f64 = 9_007_199_254_740_992.0;

/// What was probably done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// It was written as UTF-16.
    Utf16,
    /// A byte-order mark was put before it.
    ByteOrderMark,
    /// Its lines were made to end in CR LF.
    LineEnds,
    /// An empty line was added at its end.
    ExtraLineEnd,
    /// The newline at its end was taken away.
    MissingFinalNewline,
    /// It is JSON in another spelling.
    Respelled,
    /// Floats were written as integers: with these as floats the signature holds.
    NumbersRewritten,
    /// An integer stands there that a program may have rounded to a double.
    NumbersRounded,
    /// A compressed file ends before its end.
    CutShort,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Utf16 => "it was written as UTF-16, as PowerShell and Windows editors do",
            Cause::ByteOrderMark => "a byte-order mark was put before it, as Windows editors do",
            Cause::LineEnds => {
                "its lines were made to end in CR LF, as git with core.autocrlf and Windows \
                 editors do"
            }
            Cause::ExtraLineEnd => "an empty line was added at its end, as editors do",
            Cause::MissingFinalNewline => {
                "the newline at its end was taken away, as editors and shells do"
            }
            Cause::Respelled => {
                "it is JSON in another spelling, as other JSON tools and formatters write it"
            }
            Cause::NumbersRewritten => {
                "another JSON tool wrote floats as integers (1.0 as 1): with them as floats the \
                 signature holds"
            }
            Cause::NumbersRounded => {
                "it has an integer beyond 2^53 that another JSON tool may have rounded to a double"
            }
            Cause::CutShort => {
                "the compressed file ends before its end, as after a download or copy that was \
                 interrupted"
            }
        })
    }
}

impl Cause {
    /// The word for programs.
    #[must_use]
    pub const fn code(self) -> WarningCode {
        match self {
            Cause::Utf16 => WarningCode::Encoding,
            Cause::ByteOrderMark => WarningCode::ByteOrderMark,
            Cause::LineEnds => WarningCode::LineEnds,
            Cause::ExtraLineEnd => WarningCode::ExtraLineEnd,
            Cause::MissingFinalNewline => WarningCode::MissingFinalNewline,
            Cause::Respelled => WarningCode::Respelled,
            Cause::NumbersRewritten | Cause::NumbersRounded => WarningCode::NumbersRewritten,
            Cause::CutShort => WarningCode::CutShort,
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Cause::Utf16 => {
                "get the file again as it was, or turn it back: iconv -f UTF-16 -t UTF-8, and \
                 then CR LF into LF"
            }
            Cause::ByteOrderMark => "get the file again as it was, or cut its first three bytes",
            Cause::LineEnds => {
                "get the file again as it was, or turn them back: sed 's/\\r$//'; in git, mark \
                 such files `-text` in .gitattributes"
            }
            Cause::ExtraLineEnd => "get the file again as it was, or remove the empty line",
            Cause::MissingFinalNewline => "get the file again as it was, or add the newline",
            Cause::Respelled | Cause::NumbersRewritten | Cause::NumbersRounded => {
                "get the file again as it was; pass it on as bytes and not through a JSON tool"
            }
            Cause::CutShort => "get the whole file again and compare sizes",
        }
    }

    /// Told by the bytes that a file begins with.
    #[must_use]
    pub fn of_encoding(beginning: &[u8]) -> Option<Cause> {
        if is_utf16(beginning).is_some() {
            Some(Cause::Utf16)
        } else {
            beginning
                .starts_with(b"\xef\xbb\xbf")
                .then_some(Cause::ByteOrderMark)
        }
    }

    /// Told by a file that is or should be of `format`.
    #[must_use]
    pub fn of_file(path: &Path, format: Option<Format>) -> Option<Cause> {
        // Of less than a header nothing is known.
        if compression_of(path).ok()? != Compression::None
            && std::fs::metadata(path).ok()?.len() >= HEADER_BYTES
            && is_cut_short(&mut open(path).ok()?.reader).ok()?
        {
            return Some(Cause::CutShort);
        }
        let (beginning, end) = ends_of(&mut open(path).ok()?.reader);
        Cause::of_text(&beginning, &end, format)
    }

    /// Told by the beginning and the last bytes of a file, decompressed, that is
    /// or should be of `format`.
    #[must_use]
    pub fn of_text(beginning: &[u8], end: &[u8], format: Option<Format>) -> Option<Cause> {
        // A logbook may be spelt and ended in any way.
        let one_spelling = !matches!(format, None | Some(Format::Logbook));
        let encoding = Cause::of_encoding(beginning);
        if encoding.is_some() {
            return encoding;
        }
        let ends = memchr::memchr_iter(b'\n', beginning);
        let mut ends = ends.map(|at| at.checked_sub(1).and_then(|before| beginning.get(before)));
        if ends.clone().next().is_some() && ends.all(|before| before == Some(&b'\r')) {
            return Some(Cause::LineEnds);
        }
        if !one_spelling {
            return None;
        }
        if is_respelled(beginning) {
            return Some(Cause::Respelled);
        }
        match end {
            [.., b'\n', b'\n'] => Some(Cause::ExtraLineEnd),
            [.., b'}' | b'>'] => Some(Cause::MissingFinalNewline),
            _ => None,
        }
    }

    /// Told by the line of an entry whose signature or hash is wrong.
    #[must_use]
    pub fn of_entry(line: &[u8], keys: &[PublicKey]) -> Option<Cause> {
        let mut value = parse_with(line, &limits::embedded(2)).ok()?;
        if let Some(entry) = value.take_member("entry") {
            value = entry;
        }
        if let Value::Object(members) = &mut value {
            members.remove("seq");
        }
        let payload = value.get("payload")?;
        let mut integers = 0;
        respelled(payload, 0, &mut integers);
        let holds = |chosen| {
            let mut tried = value.as_object()?.clone();
            tried.insert("payload", respelled(payload, chosen, &mut 0));
            let text = Value::Object(tried).canonical(Form::Utf8);
            let entry = Entry::from_logbook_line(text.as_bytes()).ok()?;
            let signed = |key: &PublicKey| key.verify(entry.signing_payload(), &entry.signature());
            keys.iter().any(signed).then_some(())
        };
        if (1..1_u32 << integers.min(TRIED)).any(|chosen| holds(chosen).is_some()) {
            return Some(Cause::NumbersRewritten);
        }
        has_rounded(payload).then_some(Cause::NumbersRounded)
    }
}

/// Whether a compressed stream ends before its end.
///
/// # Errors
/// What the disk answers, and nothing about the stream.
pub fn is_cut_short(stream: &mut dyn BufRead) -> io::Result<bool> {
    match io::copy(stream, &mut io::sink()) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(true),
        Err(error) if error.raw_os_error().is_some() => Err(error),
        Err(_) => Ok(false),
    }
}

/// The text of UTF-16, as far as it goes.
#[must_use]
pub fn from_utf16(bytes: &[u8]) -> Option<String> {
    let of_pair: fn([u8; 2]) -> u16 = match is_utf16(bytes)? {
        ByteOrder::Little => u16::from_le_bytes,
        ByteOrder::Big => u16::from_be_bytes,
    };
    let (pairs, _) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| of_pair(*pair));
    let text = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
    Some(text.filter(|c| *c != '\u{feff}').collect())
}

enum ByteOrder {
    Little,
    Big,
}

/// By its mark, or since JSON begins with ASCII.
fn is_utf16(bytes: &[u8]) -> Option<ByteOrder> {
    match bytes {
        [0xff, 0xfe, ..] => Some(ByteOrder::Little),
        [0xfe, 0xff, ..] => Some(ByteOrder::Big),
        [1..=0x7f, 0, 1..=0x7f, 0, ..] => Some(ByteOrder::Little),
        [0, 1..=0x7f, 0, 1..=0x7f, ..] => Some(ByteOrder::Big),
        _ => None,
    }
}

/// Whether the first value is JSON, and not as it must be spelt.
fn is_respelled(beginning: &[u8]) -> bool {
    let line = beginning.split(|byte| *byte == b'\n').next();
    let line = line.unwrap_or_default();
    if !line.starts_with(b"{") && !line.trim_ascii_start().starts_with(b"{") {
        return false;
    }
    match parse_with(line, &limits::embedded(2)) {
        Ok(value) => value.canonical(Form::Utf8).as_bytes() != line,
        // Broken up into lines.
        Err(_) => line.trim_ascii() == b"{",
    }
}

/// The value with some of its integers as floats; `chosen` has a bit for each of
/// the first [`TRIED`].
fn respelled(value: &Value, chosen: u32, integers: &mut u32) -> Value {
    match value {
        Value::Number(number) if !number.is_float() => {
            let bit = 1_u32.checked_shl(*integers).unwrap_or(0);
            *integers += 1;
            let float = number.as_f64().filter(|_| chosen & bit != 0);
            let float = float.and_then(Number::float).map(Value::Number);
            float.unwrap_or_else(|| value.clone())
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| respelled(item, chosen, integers));
            Value::Array(items.collect())
        }
        Value::Object(members) => {
            let mut changed = Object::new();
            for (name, member) in members.iter() {
                changed.insert(name.to_owned(), respelled(member, chosen, integers));
            }
            Value::Object(changed)
        }
        other => other.clone(),
    }
}

/// Whether some integer is beyond what every double holds, and one itself.
fn has_rounded(value: &Value) -> bool {
    match value {
        Value::Number(number) if !number.is_float() => number.as_f64().is_some_and(|double| {
            double.abs() > DOUBLES_HOLD && format!("{double:.0}") == text_of(number)
        }),
        Value::Array(items) => items.iter().any(has_rounded),
        Value::Object(members) => members.iter().any(|(_, member)| has_rounded(member)),
        _ => false,
    }
}

fn text_of(number: &Number) -> String {
    Value::Number(number.clone()).canonical(Form::Utf8)
}

/// The first [`LOOKED_AT`] bytes of a stream, and its last ones, as far as it can
/// be read. None is the last one of a stream of more than `ENDS_WITHIN`.
pub fn ends_of(stream: &mut dyn Read) -> (Vec<u8>, Vec<u8>) {
    let mut beginning = Vec::new();
    let read = stream.take(LOOKED_AT).read_to_end(&mut beginning);
    let mut end = beginning.clone();
    let mut piece = vec![0; 1 << 16];
    let mut left = ENDS_WITHIN;
    while read.is_ok() {
        if left == 0 {
            end.clear();
            break;
        }
        let Ok(length) = stream.read(&mut piece) else {
            break;
        };
        if length == 0 {
            break;
        }
        left = left.saturating_sub(length as u64);
        end.extend_from_slice(piece.get(..length).unwrap_or_default());
        let surplus = end.len().saturating_sub(2);
        end.drain(..surplus);
    }
    (beginning, end)
}
