//! The strict JSON reader: RFC 8259 to the letter, with limits.
//!
//! What is hashed or signed must mean one thing only, so what other readers
//! let pass is an error here that names its place: duplicate keys, lone
//! surrogates, a byte order mark, trailing bytes, numbers beyond a double.

use super::json::{Key, Object, Value};
use super::tokens::Tokens;

pub use super::parse_error::{ParseError, TextPosition};

/// How much a document may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseLimits {
    /// Levels of nesting; the outermost container is level 1. More than
    /// [`ParseLimits::DEEPEST`] is not granted.
    pub depth: usize,
    /// Digits of an integer, without its sign.
    pub integer_digits: usize,
    /// Size of the whole text in bytes.
    pub bytes: usize,
}

impl ParseLimits {
    /// The nesting that is granted at most: the reader, and whatever walks the
    /// value afterwards, recurses.
    pub const DEEPEST: usize = 256;
}

impl Default for ParseLimits {
    fn default() -> Self {
        Self {
            depth: 128,
            integer_digits: 4_300,
            bytes: 20 << 20,
        }
    }
}

/// Reads one JSON document under the default [`ParseLimits`].
pub fn parse(text: &[u8]) -> Result<Value, ParseError> {
    parse_with(text, &ParseLimits::default())
}

/// Reads one JSON document.
///
/// Takes time and memory linear in the text (n log n in the members of an
/// object whose keys are not in order). Size and encoding are judged before
/// the grammar, a duplicate key when its object ends.
pub fn parse_with(text: &[u8], limits: &ParseLimits) -> Result<Value, ParseError> {
    let place = |offset| TextPosition::locate(text, offset);
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
    let mut parser = Parser {
        tokens: Tokens::of(text),
        limits,
    };
    parser.tokens.skip_space();
    let value = parser.value(1)?;
    parser.tokens.skip_space();
    parser.tokens.end()?;
    Ok(value)
}

struct Parser<'t> {
    tokens: Tokens<'t>,
    limits: &'t ParseLimits,
}

/// A member, with the offset of its key for when that turns out a duplicate.
struct ParsedMember {
    at: usize,
    key: String,
    value: Value,
}

impl Parser<'_> {
    /// The value that begins here; `level` is its own if it is a container.
    fn value(&mut self, level: usize) -> Result<Value, ParseError> {
        match self.tokens.peek() {
            Some(b'{') => self.object(level).map(Value::Object),
            Some(b'[') => self.array(level).map(Value::Array),
            Some(b'"') => self.tokens.string("a value").map(Value::String),
            Some(b'-' | b'0'..=b'9') => {
                let number = self.tokens.number(self.limits.integer_digits)?;
                Ok(Value::Number(number))
            }
            Some(b't') => self.tokens.word("true").map(|()| Value::Bool(true)),
            Some(b'f') => self.tokens.word("false").map(|()| Value::Bool(false)),
            Some(b'n') => self.tokens.word("null").map(|()| Value::Null),
            _ => Err(self.tokens.unexpected("a value")),
        }
    }

    fn array(&mut self, level: usize) -> Result<Vec<Value>, ParseError> {
        self.enter(level, b'[')?;
        let mut items = Vec::new();
        if self.tokens.eat(b']') {
            return Ok(items);
        }
        loop {
            items.push(self.value(level + 1)?);
            self.tokens.skip_space();
            if self.tokens.eat(b']') {
                break;
            }
            self.tokens.expect(b',', "`,` or `]`")?;
            self.tokens.skip_space();
        }
        items.shrink_to_fit();
        Ok(items)
    }

    fn object(&mut self, level: usize) -> Result<Object, ParseError> {
        self.enter(level, b'{')?;
        let mut members = Vec::new();
        if self.tokens.eat(b'}') {
            return Ok(Object::new());
        }
        loop {
            members.push(self.member(level)?);
            self.tokens.skip_space();
            if self.tokens.eat(b'}') {
                break;
            }
            self.tokens.expect(b',', "`,` or `}`")?;
            self.tokens.skip_space();
        }
        self.collect(members)
    }

    fn member(&mut self, level: usize) -> Result<ParsedMember, ParseError> {
        let at = self.tokens.offset();
        let key = self.tokens.string("a key")?;
        self.tokens.skip_space();
        self.tokens.expect(b':', "`:`")?;
        self.tokens.skip_space();
        let value = self.value(level + 1)?;
        Ok(ParsedMember { at, key, value })
    }

    /// Sorts once, because inserting one by one would be quadratic.
    fn collect(&self, mut members: Vec<ParsedMember>) -> Result<Object, ParseError> {
        if !members.is_sorted_by(|a, b| a.key < b.key) {
            // Stable, so that equal keys stay in the order of the text.
            members.sort_by(|a, b| a.key.cmp(&b.key));
            let repeated = members
                .iter()
                .zip(members.iter().skip(1))
                .filter(|(first, second)| first.key == second.key)
                .map(|(_, second)| second)
                .min_by_key(|member| member.at);
            if let Some(ParsedMember { at, key, .. }) = repeated {
                return Err(ParseError::DuplicateKey {
                    place: self.tokens.place(*at),
                    key: key.clone(),
                });
            }
        }
        let members = members
            .into_iter()
            .map(|member| (Key::Owned(member.key), member.value));
        Ok(Object::from_sorted(members.collect()))
    }

    /// Steps over the bracket that opens `level`, and the space behind it.
    fn enter(&mut self, level: usize, bracket: u8) -> Result<(), ParseError> {
        let limit = self.limits.depth.min(ParseLimits::DEEPEST);
        if level > limit {
            let place = self.tokens.place(self.tokens.offset());
            return Err(ParseError::TooDeep { place, limit });
        }
        self.tokens.eat(bracket);
        self.tokens.skip_space();
        Ok(())
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

    use super::super::json::Form;
    use super::*;

    fn canonical(text: &str) -> String {
        parse(text.as_bytes()).unwrap().canonical(Form::Utf8)
    }

    fn nested(levels: usize) -> Vec<u8> {
        let mut text = b"[".repeat(levels);
        text.extend(b"]".repeat(levels));
        text
    }

    #[test]
    fn one_value_has_many_spellings() {
        let cases = [
            (" \t\r\n[ 1 , 2 ]\n", "[1,2]"),
            ("{ }", "{}"),
            (
                r#"{"b" : 1 , "a" : {"d":2,"c":3}}"#,
                r#"{"a":{"c":3,"d":2},"b":1}"#,
            ),
            (r#""\u0041\/\ud83d\uDE00""#, "\"A/\u{1f600}\""),
            (r#""\"\\\b\f\n\r\t""#, r#""\"\\\b\f\n\r\t""#),
            ("-0", "0"),
            ("-0.0", "-0.0"),
            ("1E2", "100.0"),
            ("1e+2", "100.0"),
            ("1e-400", "0.0"),
            ("-1e-400", "-0.0"),
            ("0e999999999999999999999", "0.0"),
            ("18446744073709551616", "18446744073709551616"),
            ("9007199254740993.0", "9007199254740992.0"),
            ("2.2250738585072011e-308", "2.225073858507201e-308"),
            ("[true,false,null]", "[true,false,null]"),
        ];
        for (text, expected) in cases {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }

    #[test]
    fn the_outermost_container_is_level_one() {
        assert!(parse(&nested(128)).is_ok());
        let place = TextPosition {
            offset: 128,
            line: 1,
            column: 129,
        };
        assert_eq!(
            parse(&nested(129)),
            Err(ParseError::TooDeep { place, limit: 128 })
        );
        let scalars = ParseLimits {
            depth: 0,
            ..ParseLimits::default()
        };
        assert!(parse_with(b"1", &scalars).is_ok());
        let place = TextPosition {
            offset: 0,
            line: 1,
            column: 1,
        };
        assert_eq!(
            parse_with(b"[]", &scalars),
            Err(ParseError::TooDeep { place, limit: 0 })
        );
    }

    #[test]
    fn no_limit_grants_more_nesting_than_the_stack_holds() {
        let boundless = ParseLimits {
            depth: usize::MAX,
            ..ParseLimits::default()
        };
        let value = parse_with(&nested(ParseLimits::DEEPEST), &boundless).unwrap();
        assert_eq!(value.clone().depth(), ParseLimits::DEEPEST);
        assert_eq!(value.pretty().lines().count(), 2 * ParseLimits::DEEPEST - 1);
        let place = TextPosition {
            offset: 256,
            line: 1,
            column: 257,
        };
        let error = ParseError::TooDeep {
            place,
            limit: ParseLimits::DEEPEST,
        };
        assert_eq!(parse_with(&nested(1_000_000), &boundless), Err(error));
    }

    #[test]
    fn digits_of_integers_are_limited_and_those_of_floats_are_not() {
        let at_limit = format!("-{}", "7".repeat(4_300));
        assert_eq!(canonical(&at_limit), at_limit);
        let place = TextPosition {
            offset: 1,
            line: 1,
            column: 2,
        };
        let error = ParseError::TooManyDigits {
            place,
            limit: 4_300,
        };
        assert_eq!(
            parse(format!("[{}]", "7".repeat(4_301)).as_bytes()),
            Err(error)
        );
        assert_eq!(
            canonical(&format!("0.{}", "3".repeat(9_999))),
            "0.3333333333333333"
        );
    }

    #[test]
    fn size_is_limited_to_the_byte() {
        let limits = ParseLimits {
            bytes: 3,
            ..ParseLimits::default()
        };
        assert!(parse_with(b"[1]", &limits).is_ok());
        let place = TextPosition {
            offset: 3,
            line: 1,
            column: 4,
        };
        assert_eq!(
            parse_with(b"[1] ", &limits),
            Err(ParseError::TooLarge { place, limit: 3 })
        );
    }

    #[test]
    fn the_duplicate_that_comes_first_in_the_text_is_named() {
        let place = TextPosition {
            offset: 21,
            line: 2,
            column: 2,
        };
        let error = ParseError::DuplicateKey {
            place,
            key: "z".to_owned(),
        };
        let text = b"{\"z\":1,\"a\":2,\"y\":3,\n \"\\u007a\":4,\"a\":5}";
        assert_eq!(parse(text), Err(error));
    }

    #[test]
    fn many_keys_in_no_order_are_read_in_time() {
        let members: Vec<_> = (0..400_000)
            .rev()
            .map(|n| format!("\"{n:06}\":{n}"))
            .collect();
        let value = parse(format!("{{{}}}", members.join(",")).as_bytes()).unwrap();
        let object = value.as_object().unwrap();
        assert_eq!(object.len(), 400_000);
        assert!(object.keys().is_sorted());
    }
}
