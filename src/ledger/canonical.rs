//! The one text of a value, in each of the three forms.

use std::fmt::{self, Write};

use super::json::{Number, Object, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// No white space, non-ASCII kept as UTF-8: everything of our own.
    Utf8,
    /// No white space, `\uXXXX` outside printable ASCII: WCP registry records
    /// and manifests.
    Ascii,
    /// As [`Form::Ascii`], with a space after `,` and `:`: the `artifact_hash`
    /// of routing decisions.
    SpacedAscii,
}

impl Form {
    fn separators(self) -> (&'static str, &'static str) {
        match self {
            Form::Utf8 | Form::Ascii => (",", ":"),
            Form::SpacedAscii => (", ", ": "),
        }
    }
}

impl Object {
    /// Appends the canonical text in `form` to `out`.
    pub fn write_canonical(&self, form: Form, out: &mut Vec<u8>) {
        let _ = write_object(&mut Bytes(out), self, form);
    }
}

impl Value {
    /// The canonical text in `form`.
    pub fn canonical(&self, form: Form) -> String {
        let mut out = String::new();
        // Writing to memory does not fail; so below.
        let _ = write_value(&mut out, self, form);
        out
    }

    /// Appends the canonical text in `form` to `out`.
    pub fn write_canonical(&self, form: Form, out: &mut Vec<u8>) {
        let _ = write_value(&mut Bytes(out), self, form);
    }

    /// ASCII text with sorted keys and an indent of two spaces, without a final
    /// newline: what `json.dumps(value, indent=2, sort_keys=True)` gives in
    /// Python. For WCP manifest files.
    pub fn pretty(&self) -> String {
        let mut out = String::new();
        let _ = write_pretty(&mut out, self, 0);
        out
    }
}

/// Bytes that text is appended to.
struct Bytes<'a>(&'a mut Vec<u8>);

impl Write for Bytes<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

fn write_value(out: &mut impl Write, value: &Value, form: Form) -> fmt::Result {
    let (comma, _) = form.separators();
    match value {
        Value::Null => out.write_str("null"),
        Value::Bool(true) => out.write_str("true"),
        Value::Bool(false) => out.write_str("false"),
        Value::Number(number) => number.write(out),
        Value::String(text) => write_string(out, text, form),
        Value::Array(items) => {
            out.write_str("[")?;
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.write_str(comma)?;
                }
                write_value(out, item, form)?;
            }
            out.write_str("]")
        }
        Value::Object(object) => write_object(out, object, form),
    }
}

fn write_object(out: &mut impl Write, object: &Object, form: Form) -> fmt::Result {
    let (comma, colon) = form.separators();
    out.write_str("{")?;
    for (index, (key, value)) in object.iter().enumerate() {
        if index > 0 {
            out.write_str(comma)?;
        }
        write_string(out, key, form)?;
        out.write_str(colon)?;
        write_value(out, value, form)?;
    }
    out.write_str("}")
}

fn write_pretty(out: &mut String, value: &Value, level: usize) -> fmt::Result {
    match value {
        Value::Array(items) if !items.is_empty() => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                new_line(out, level + 1, index > 0);
                write_pretty(out, item, level + 1)?;
            }
            new_line(out, level, false);
            out.push(']');
            Ok(())
        }
        Value::Object(object) if !object.is_empty() => {
            out.push('{');
            for (index, (key, value)) in object.iter().enumerate() {
                new_line(out, level + 1, index > 0);
                write_string(out, key, Form::Ascii)?;
                out.push_str(": ");
                write_pretty(out, value, level + 1)?;
            }
            new_line(out, level, false);
            out.push('}');
            Ok(())
        }
        flat => write_value(out, flat, Form::Ascii),
    }
}

fn new_line(out: &mut String, level: usize, comma: bool) {
    out.push_str(if comma { ",\n" } else { "\n" });
    out.extend(std::iter::repeat_n("  ", level));
}

pub fn write_str(out: &mut Vec<u8>, text: &str, form: Form) {
    let _ = write_string(&mut Bytes(out), text, form);
}

pub fn write_number(out: &mut Vec<u8>, number: &Number) {
    let _ = number.write(&mut Bytes(out));
}

fn write_string(out: &mut impl Write, text: &str, form: Form) -> fmt::Result {
    let plain = |byte: u8| is_plain(byte, form);
    out.write_str("\"")?;
    // Most texts are plain throughout.
    let (words, rest) = text.as_bytes().as_chunks();
    let whole = words
        .iter()
        .fold(true, |all, word| all & are_plain(*word, form))
        && rest.iter().all(|byte| plain(*byte));
    if whole {
        out.write_str(text)?;
        return out.write_str("\"");
    }
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !plain(byte)) {
        // What stands at `at` is ASCII or the first byte of a character.
        let (run, tail) = rest.split_at(at);
        out.write_str(run)?;
        let mut chars = tail.chars();
        if let Some(c) = chars.next() {
            write_escape(out, c)?;
        }
        rest = chars.as_str();
    }
    out.write_str(rest)?;
    out.write_str("\"")
}

/// Whether a byte stands for itself in a string.
fn is_plain(byte: u8, form: Form) -> bool {
    match byte {
        b'"' | b'\\' | 0..0x20 => false,
        0x20..0x7f => true,
        // Python escapes U+007F along with everything that is not ASCII.
        0x7f.. => form == Form::Utf8,
    }
}

/// The same of eight bytes at once: no bit of a comparison leaves its byte but
/// from one that is not plain itself.
fn are_plain(bytes: [u8; 8], form: Form) -> bool {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = 0x80 * EACH;
    let word = u64::from_ne_bytes(bytes);
    let below = |word: u64, bound: u64| word.wrapping_sub(bound * EACH) & !word;
    let is = |byte: u8| below(word ^ (u64::from(byte) * EACH), 1);
    let above = match form {
        Form::Utf8 => 0,
        Form::Ascii | Form::SpacedAscii => word | (word & !HIGH).wrapping_add(EACH),
    };
    (below(word, 0x20) | is(b'"') | is(b'\\') | above) & HIGH == 0
}

fn write_escape(out: &mut impl Write, c: char) -> fmt::Result {
    match c {
        '"' => out.write_str("\\\""),
        '\\' => out.write_str("\\\\"),
        '\u{8}' => out.write_str("\\b"),
        '\u{c}' => out.write_str("\\f"),
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        c => {
            for &mut unit in c.encode_utf16(&mut [0; 2]) {
                // Not `write!`, whose machinery would cost more than all the rest.
                let digit = |shift: u32| char::from_digit(u32::from(unit) >> shift & 0xf, 16);
                let mut escaped = *b"\\u0000";
                let places = escaped.iter_mut().skip(2);
                for (place, shift) in places.zip([12, 8, 4, 0]) {
                    *place = digit(shift).map_or(b'0', |c| c as u8);
                }
                out.write_str(std::str::from_utf8(&escaped).unwrap_or_default())?;
            }
            Ok(())
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

    use super::*;

    fn sample() -> Value {
        let number = Value::from(Number::float(1.0).unwrap());
        let items = vec![Value::Null, true.into(), (-1_i64).into(), number];
        let mut object = Object::new();
        object.insert("é", items);
        object.insert("a", Object::new());
        object.insert("b", Vec::new());
        object.into()
    }

    #[test]
    fn the_three_forms_differ_in_separators_and_escapes() {
        let value = sample();
        let utf8 = r#"{"a":{},"b":[],"é":[null,true,-1,1.0]}"#;
        let ascii = r#"{"a":{},"b":[],"\u00e9":[null,true,-1,1.0]}"#;
        let spaced = r#"{"a": {}, "b": [], "\u00e9": [null, true, -1, 1.0]}"#;
        assert_eq!(value.canonical(Form::Utf8), utf8);
        assert_eq!(value.canonical(Form::Ascii), ascii);
        assert_eq!(value.canonical(Form::SpacedAscii), spaced);
    }

    #[test]
    fn bytes_are_appended() {
        let mut out = b"kind\x1f".to_vec();
        sample().write_canonical(Form::Utf8, &mut out);
        let expected = format!("kind\u{1f}{}", sample().canonical(Form::Utf8));
        assert_eq!(out, expected.as_bytes());
    }

    #[test]
    fn strings_escape_what_they_must_and_nothing_else() {
        let text = "\"\\/\u{8}\u{c}\n\r\t\0\u{1f} ~\u{7f}\u{80}\u{2028}\u{ffff}\u{1f600}";
        let value = Value::from(text);
        assert_eq!(
            value.canonical(Form::Utf8),
            "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f ~\u{7f}\u{80}\u{2028}\u{ffff}\u{1f600}\""
        );
        assert_eq!(
            value.canonical(Form::Ascii),
            r#""\"\\/\b\f\n\r\t\u0000\u001f ~\u007f\u0080\u2028\uffff\ud83d\ude00""#
        );
    }

    #[test]
    fn eight_bytes_at_once_are_plain_if_each_of_them_is() {
        for form in [Form::Utf8, Form::Ascii, Form::SpacedAscii] {
            for pair in 0..=u16::MAX {
                let [one, other] = pair.to_be_bytes();
                for (at, next) in [(0, 1), (3, 2), (6, 7), (7, 0)] {
                    let mut word = [b'~'; 8];
                    word[at] = one;
                    word[next] = other;
                    let expected = is_plain(one, form) && is_plain(other, form);
                    assert_eq!(are_plain(word, form), expected, "{word:?} {form:?}");
                }
            }
        }
    }

    #[test]
    fn pretty_text_is_that_of_python() {
        let expected = [
            "{",
            r#"  "a": {},"#,
            r#"  "b": [],"#,
            r#"  "\u00e9": ["#,
            "    null,",
            "    true,",
            "    -1,",
            "    1.0",
            "  ]",
            "}",
        ];
        assert_eq!(sample().pretty(), expected.join("\n"));
        assert_eq!(Value::from("x").pretty(), r#""x""#);
    }
}
