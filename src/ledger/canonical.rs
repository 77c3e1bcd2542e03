//! The one text of a value, in each of the three forms.

use super::json::{Object, Value};

/// Which canonical text.
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
        write_object(out, self, form);
    }
}

impl Value {
    /// The canonical text in `form`.
    pub fn canonical(&self, form: Form) -> String {
        let mut out = String::new();
        write_value(&mut out, self, form);
        out
    }

    /// Appends the canonical text in `form` to `out`.
    pub fn write_canonical(&self, form: Form, out: &mut Vec<u8>) {
        write_value(out, self, form);
    }

    /// ASCII text with sorted keys and an indent of two spaces, without a final
    /// newline: what `json.dumps(value, indent=2, sort_keys=True)` gives in
    /// Python. For WCP manifest files.
    pub fn pretty(&self) -> String {
        let mut out = String::new();
        write_pretty(&mut out, self, 0);
        out
    }
}

/// Where the text goes.
trait Sink {
    fn text(&mut self, text: &str);
}

impl Sink for String {
    fn text(&mut self, text: &str) {
        self.push_str(text);
    }
}

impl Sink for Vec<u8> {
    fn text(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }
}

fn write_value(out: &mut impl Sink, value: &Value, form: Form) {
    let (comma, _) = form.separators();
    match value {
        Value::Array(items) => {
            out.text("[");
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.text(comma);
                }
                write_value(out, item, form);
            }
            out.text("]");
        }
        Value::Object(object) => write_object(out, object, form),
        scalar => write_scalar(out, scalar, form),
    }
}

fn write_object(out: &mut impl Sink, object: &Object, form: Form) {
    let (comma, colon) = form.separators();
    out.text("{");
    for (index, (key, value)) in object.iter().enumerate() {
        if index > 0 {
            out.text(comma);
        }
        write_string(out, key, form);
        out.text(colon);
        write_value(out, value, form);
    }
    out.text("}");
}

fn write_pretty(out: &mut String, value: &Value, level: usize) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ",\n" } else { "\n" });
                indent(out, level + 1);
                write_pretty(out, item, level + 1);
            }
            out.push('\n');
            indent(out, level);
            out.push(']');
        }
        Value::Object(object) if !object.is_empty() => {
            out.push('{');
            for (index, (key, value)) in object.iter().enumerate() {
                out.push_str(if index > 0 { ",\n" } else { "\n" });
                indent(out, level + 1);
                write_string(out, key, Form::Ascii);
                out.push_str(": ");
                write_pretty(out, value, level + 1);
            }
            out.push('\n');
            indent(out, level);
            out.push('}');
        }
        flat => write_value(out, flat, Form::Ascii),
    }
}

fn indent(out: &mut String, level: usize) {
    for _ in 0..level {
        out.push_str("  ");
    }
}

fn write_scalar(out: &mut impl Sink, scalar: &Value, form: Form) {
    match scalar {
        Value::Bool(true) => out.text("true"),
        Value::Bool(false) => out.text("false"),
        Value::Number(number) => out.text(&number.to_string()),
        Value::String(text) => write_string(out, text, form),
        Value::Null | Value::Array(_) | Value::Object(_) => out.text("null"),
    }
}

/// Appends `text` in quotes to `out`, as it would stand in a value.
pub fn write_str(out: &mut Vec<u8>, text: &str, form: Form) {
    write_string(out, text, form);
}

fn write_string(out: &mut impl Sink, text: &str, form: Form) {
    let plain = |byte: u8| match byte {
        b'"' | b'\\' | 0..0x20 => false,
        0x20..0x7f => true,
        // Python escapes U+007F along with everything that is not ASCII.
        0x7f.. => form == Form::Utf8,
    };
    out.text("\"");
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !plain(byte)) {
        // What stands at `at` is ASCII or the first byte of a character.
        let (run, tail) = rest.split_at(at);
        out.text(run);
        let mut chars = tail.chars();
        if let Some(c) = chars.next() {
            write_escape(out, c);
        }
        rest = chars.as_str();
    }
    out.text(rest);
    out.text("\"");
}

fn write_escape(out: &mut impl Sink, c: char) {
    match c {
        '"' => out.text("\\\""),
        '\\' => out.text("\\\\"),
        '\u{8}' => out.text("\\b"),
        '\u{c}' => out.text("\\f"),
        '\n' => out.text("\\n"),
        '\r' => out.text("\\r"),
        '\t' => out.text("\\t"),
        c => {
            for &mut unit in c.encode_utf16(&mut [0; 2]) {
                // Not `fmt`, whose machinery would cost more than all the rest.
                let digit = |shift: u32| char::from_digit(u32::from(unit) >> shift & 0xf, 16);
                let mut escaped = *b"\\u0000";
                let places = escaped.iter_mut().skip(2);
                for (place, shift) in places.zip([12, 8, 4, 0]) {
                    *place = digit(shift).map_or(b'0', |c| c as u8);
                }
                out.text(std::str::from_utf8(&escaped).unwrap_or_default());
            }
        }
    }
}
