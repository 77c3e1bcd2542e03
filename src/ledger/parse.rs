//! The strict JSON reader: RFC 8259 to the letter, with limits at the door.
//!
//! What is hashed or signed must mean one thing only, so what other readers
//! let pass is an error here that names its place: duplicate keys, lone
//! surrogates, a byte order mark, trailing bytes, numbers beyond a double.

use super::json::{Number, Object, Value};

pub use super::parse_error::{ParseError, Place};

/// How much a document may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Levels of nesting; the outermost container is level 1. More than
    /// [`Limits::DEEPEST`] is not granted.
    pub depth: usize,
    /// Digits of an integer, without its sign.
    pub integer_digits: usize,
    /// Size of the whole text in bytes.
    pub bytes: usize,
}

impl Limits {
    /// The nesting that is granted at most: the reader, and whatever walks the
    /// value afterwards, recurses.
    pub const DEEPEST: usize = 256;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 128,
            integer_digits: 4_300,
            bytes: 20 << 20,
        }
    }
}

/// Reads one JSON document under the default [`Limits`].
pub fn parse(text: &[u8]) -> Result<Value, ParseError> {
    parse_with(text, &Limits::default())
}

/// Reads one JSON document.
///
/// Takes time and memory linear in the text (n log n in the members of an
/// object whose keys are not in order). Size and encoding are judged before
/// the grammar, a duplicate key when its object ends.
pub fn parse_with(text: &[u8], limits: &Limits) -> Result<Value, ParseError> {
    let place = |offset| Place::locate(text, offset);
    if text.len() > limits.bytes {
        return Err(ParseError::TooLarge {
            place: place(limits.bytes),
            limit: limits.bytes,
        });
    }
    if text.starts_with("\u{feff}".as_bytes()) {
        return Err(ParseError::ByteOrderMark { place: place(0) });
    }
    let text = std::str::from_utf8(text).map_err(|error| ParseError::InvalidUtf8 {
        place: place(error.valid_up_to()),
    })?;
    let mut reader = Reader {
        text,
        at: 0,
        limits,
    };
    reader.skip_space();
    let value = reader.value(1)?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(ParseError::TrailingBytes {
            place: reader.place(reader.at),
        }),
    }
}

struct Reader<'t> {
    text: &'t str,
    /// Offset of the next byte. It never stands inside a character when an
    /// error is made of it.
    at: usize,
    limits: &'t Limits,
}

impl Reader<'_> {
    /// The value that begins here; `level` is its own if it is a container.
    fn value(&mut self, level: usize) -> Result<Value, ParseError> {
        match self.peek() {
            Some(b'{') => self.object(level),
            Some(b'[') => self.array(level),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn array(&mut self, level: usize) -> Result<Value, ParseError> {
        self.enter(level)?;
        let mut items = Vec::new();
        if !self.eat(b']') {
            loop {
                items.push(self.value(level + 1)?);
                self.skip_space();
                if self.eat(b']') {
                    break;
                }
                self.expect(b',', "`,` or `]`")?;
                self.skip_space();
            }
        }
        items.shrink_to_fit();
        Ok(Value::Array(items))
    }

    fn object(&mut self, level: usize) -> Result<Value, ParseError> {
        self.enter(level)?;
        let mut members = Vec::new();
        if !self.eat(b'}') {
            loop {
                members.push(self.member(level)?);
                self.skip_space();
                if self.eat(b'}') {
                    break;
                }
                self.expect(b',', "`,` or `}`")?;
                self.skip_space();
            }
        }
        self.collect(members).map(Value::Object)
    }

    fn member(&mut self, level: usize) -> Result<Member, ParseError> {
        let at = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a key"));
        }
        let key = self.string()?;
        self.skip_space();
        self.expect(b':', "`:`")?;
        self.skip_space();
        let value = self.value(level + 1)?;
        Ok(Member { at, key, value })
    }

    /// Sorts once instead of inserting one by one, which would be quadratic.
    fn collect(&self, mut members: Vec<Member>) -> Result<Object, ParseError> {
        if !members.is_sorted_by(|a, b| a.key < b.key) {
            // Stable, so that equal keys stay in the order of the text.
            members.sort_by(|a, b| a.key.cmp(&b.key));
            let repeated = members
                .iter()
                .zip(members.iter().skip(1))
                .filter(|(first, second)| first.key == second.key)
                .map(|(_, second)| second)
                .min_by_key(|member| member.at);
            if let Some(Member { at, key, .. }) = repeated {
                return Err(ParseError::DuplicateKey {
                    place: self.place(*at),
                    key: key.clone(),
                });
            }
        }
        Ok(members
            .into_iter()
            .map(|member| (member.key, member.value))
            .collect())
    }

    /// Steps over an opening bracket and the space behind it.
    fn enter(&mut self, level: usize) -> Result<(), ParseError> {
        let limit = self.limits.depth.min(Limits::DEEPEST);
        if level > limit {
            return Err(ParseError::TooDeep {
                place: self.place(self.at),
                limit,
            });
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    fn word(&mut self, word: &'static str, value: Value) -> Result<Value, ParseError> {
        for byte in word.bytes() {
            self.expect(byte, word)?;
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Number, ParseError> {
        let start = self.at;
        self.eat(b'-');
        let digits = match self.peek() {
            Some(b'0') => {
                self.at += 1;
                if let Some(b'0'..=b'9') = self.peek() {
                    return Err(self.unexpected("no digit after a leading zero"));
                }
                1
            }
            _ => self.digits()?,
        };
        let mut float = false;
        if self.eat(b'.') {
            float = true;
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            float = true;
            if !self.eat(b'-') {
                self.eat(b'+');
            }
            self.digits()?;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        if float {
            // Correctly rounded: underflow gives a zero with the sign of the
            // text, overflow an infinity, which `float` refuses.
            let value = text.parse().ok().and_then(Number::float);
            return value.ok_or_else(|| ParseError::Overflow {
                place: self.place(start),
            });
        }
        let limit = self.limits.integer_digits;
        if digits > limit {
            return Err(ParseError::TooManyDigits {
                place: self.place(start),
                limit,
            });
        }
        Ok(Number::from_digits(text))
    }

    /// Steps over one digit or more and counts them.
    fn digits(&mut self) -> Result<usize, ParseError> {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 {
            return Err(self.unexpected("a digit"));
        }
        self.at += count;
        Ok(count)
    }

    fn string(&mut self) -> Result<String, ParseError> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let special = |byte| matches!(byte, b'"' | b'\\' | 0..0x20);
            let run = rest.bytes().position(special).unwrap_or(rest.len());
            out.push_str(rest.get(..run).unwrap_or_default());
            self.at += run;
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => out.push(self.escape()?),
                Some(byte) => {
                    return Err(ParseError::ControlCharacter {
                        place: self.place(self.at),
                        byte,
                    });
                }
                None => return Err(self.unexpected("`\"`")),
            }
        }
        self.at += 1;
        Ok(out)
    }

    fn escape(&mut self) -> Result<char, ParseError> {
        let start = self.at;
        self.at += 1;
        let short = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(start),
            Some(_) => {
                return Err(ParseError::BadEscape {
                    place: self.place(start),
                });
            }
            None => return Err(self.unexpected("an escape")),
        };
        self.at += 1;
        Ok(short)
    }

    /// `\uXXXX`, or two of them that make a surrogate pair.
    fn unicode(&mut self, start: usize) -> Result<char, ParseError> {
        let unit = self.code_unit(start)?;
        let second = self.at;
        let mut decoded = char::decode_utf16([unit]).next();
        if matches!(unit, 0xd800..0xdc00) && self.rest().starts_with("\\u") {
            self.at += 1;
            let low = self.code_unit(second)?;
            decoded = char::decode_utf16([unit, low]).next();
        }
        match decoded {
            Some(Ok(c)) => Ok(c),
            _ => Err(ParseError::LoneSurrogate {
                place: self.place(start),
                unit,
            }),
        }
    }

    /// `uXXXX`; `start` is where its backslash stands.
    fn code_unit(&mut self, start: usize) -> Result<u16, ParseError> {
        self.at += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let Some(byte) = self.peek() else {
                return Err(self.unexpected("a hex digit"));
            };
            let Some(digit) = char::from(byte).to_digit(16) else {
                return Err(ParseError::BadEscape {
                    place: self.place(start),
                });
            };
            unit = unit << 4 | digit as u16;
            self.at += 1;
        }
        Ok(unit)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), ParseError> {
        if self.eat(byte) {
            Ok(())
        } else {
            Err(self.unexpected(expected))
        }
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn unexpected(&self, expected: &'static str) -> ParseError {
        let place = self.place(self.at);
        match self.rest().chars().next() {
            Some(found) => ParseError::Unexpected {
                place,
                found,
                expected,
            },
            None => ParseError::UnexpectedEnd { place, expected },
        }
    }

    fn place(&self, offset: usize) -> Place {
        Place::locate(self.text.as_bytes(), offset)
    }
}

/// A member, with the offset of its key for when that turns out a duplicate.
struct Member {
    at: usize,
    key: String,
    value: Value,
}
