//! The words of a JSON text: white space, punctuation, strings, numbers.

use super::number::Number;
use super::parse_error::{ParseError, TextPosition};

/// A text that is read from its front.
pub(super) struct Tokens<'t> {
    text: &'t str,
    /// Offset of the next byte. Errors are made only where it stands at the
    /// start of a character.
    at: usize,
}

impl<'t> Tokens<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn offset(&self) -> usize {
        self.at
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Steps over `byte`; `expected` is what the error says otherwise.
    pub(super) fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), ParseError> {
        if self.eat(byte) {
            Ok(())
        } else {
            Err(self.unexpected(expected))
        }
    }

    pub(super) fn word(&mut self, word: &'static str) -> Result<(), ParseError> {
        word.bytes().try_for_each(|byte| self.expect(byte, word))
    }

    pub(super) fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Nothing may come next.
    pub(super) fn end(&self) -> Result<(), ParseError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(ParseError::TrailingBytes {
                place: self.place(self.at),
            }),
        }
    }

    /// A number; an integer of at most `limit` digits.
    pub(super) fn number(&mut self, limit: usize) -> Result<Number, ParseError> {
        let start = self.at;
        self.eat(b'-');
        let leading_zero = self.peek() == Some(b'0');
        let digits = self.digits()?;
        if leading_zero && digits > 1 {
            self.at -= digits - 1;
            return Err(self.unexpected("no digit after a leading zero"));
        }
        let fraction = self.eat(b'.');
        if fraction {
            self.digits()?;
        }
        let exponent = self.eat(b'e') || self.eat(b'E');
        if exponent {
            if !self.eat(b'-') {
                self.eat(b'+');
            }
            self.digits()?;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        if fraction || exponent {
            // Correctly rounded: underflow gives a zero with the sign of the
            // text, overflow an infinity, which `float` refuses.
            let value = text.parse().ok().and_then(Number::float);
            return value.ok_or_else(|| ParseError::Overflow {
                place: self.place(start),
            });
        }
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

    pub(super) fn string(&mut self, expected: &'static str) -> Result<String, ParseError> {
        self.expect(b'"', expected)?;
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
                    let place = self.place(self.at);
                    return Err(ParseError::ControlCharacter { place, byte });
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
            Some(_) => return Err(self.bad_escape(start)),
            None => return Err(self.unexpected("an escape")),
        };
        self.at += 1;
        Ok(short)
    }

    /// `\uXXXX`, or two of them that make a surrogate pair. The first one's
    /// backslash stands at `start` and has been read.
    fn unicode(&mut self, start: usize) -> Result<char, ParseError> {
        let unit = self.code_unit(start)?;
        let mut decoded = char::decode_utf16([unit]).next();
        if matches!(unit, 0xd800..0xdc00) && self.rest().starts_with("\\u") {
            let second = self.at;
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

    /// `uXXXX`; its backslash stands at `start` and has been read.
    fn code_unit(&mut self, start: usize) -> Result<u16, ParseError> {
        self.at += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let Some(byte) = self.peek() else {
                return Err(self.unexpected("a hex digit"));
            };
            let Some(digit) = char::from(byte).to_digit(16) else {
                return Err(self.bad_escape(start));
            };
            unit = unit << 4 | digit as u16;
            self.at += 1;
        }
        Ok(unit)
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn bad_escape(&self, start: usize) -> ParseError {
        ParseError::BadEscape {
            place: self.place(start),
        }
    }

    pub(super) fn unexpected(&self, expected: &'static str) -> ParseError {
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

    pub(super) fn place(&self, offset: usize) -> TextPosition {
        TextPosition::locate(self.text.as_bytes(), offset)
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

    use super::super::parse::parse;
    use super::*;

    /// What a text of one line is refused with, `column` counted from 1.
    fn refused(text: &[u8]) -> ParseError {
        parse(text).expect_err(&String::from_utf8_lossy(text))
    }

    fn place(offset: usize) -> TextPosition {
        TextPosition {
            offset,
            line: 1,
            column: offset + 1,
        }
    }

    #[test]
    fn what_the_grammar_does_not_know_is_named_with_its_place() {
        let cases = [
            ("[1,]", 3, ']', "a value"),
            ("[,1]", 1, ',', "a value"),
            ("[1 2]", 3, '2', "`,` or `]`"),
            ("{,}", 1, ',', "a key"),
            (r#"{"a":1,}"#, 7, '}', "a key"),
            (r#"{"a" 1}"#, 5, '1', "`:`"),
            (r#"{"a":1 "b":2}"#, 7, '"', "`,` or `}`"),
            ("{a:1}", 1, 'a', "a key"),
            ("nUll", 1, 'U', "null"),
            ("truE", 3, 'E', "true"),
            ("NaN", 0, 'N', "a value"),
            ("Infinity", 0, 'I', "a value"),
            ("-Infinity", 1, 'I', "a digit"),
            ("+1", 0, '+', "a value"),
            (".5", 0, '.', "a value"),
            ("1.e5", 2, 'e', "a digit"),
            ("1e+-5", 3, '-', "a digit"),
            ("01", 1, '1', "no digit after a leading zero"),
            ("[-007.5]", 3, '0', "no digit after a leading zero"),
            ("'a'", 0, '\'', "a value"),
            ("\u{a0}1", 0, '\u{a0}', "a value"),
            ("// c", 0, '/', "a value"),
        ];
        for (text, offset, found, expected) in cases {
            let place = place(offset);
            let error = ParseError::Unexpected {
                place,
                found,
                expected,
            };
            assert_eq!(refused(text.as_bytes()), error, "{text}");
        }
    }

    #[test]
    fn a_text_that_ends_early_says_what_it_lacks() {
        let cases = [
            ("", "a value"),
            ("  ", "a value"),
            ("[", "a value"),
            ("[1", "`,` or `]`"),
            ("[1,", "a value"),
            ("{", "a key"),
            (r#"{"a"#, "`\"`"),
            (r#"{"a""#, "`:`"),
            (r#"{"a":"#, "a value"),
            (r#"{"a":1"#, "`,` or `}`"),
            (r#"{"a":1,"#, "a key"),
            ("tru", "true"),
            ("-", "a digit"),
            ("1.", "a digit"),
            ("1e", "a digit"),
            ("1e-", "a digit"),
            (r#""a\"#, "an escape"),
            (r#""\u00"#, "a hex digit"),
            (r#""\ud83d\u"#, "a hex digit"),
        ];
        for (text, expected) in cases {
            let place = place(text.len());
            let error = ParseError::UnexpectedEnd { place, expected };
            assert_eq!(refused(text.as_bytes()), error, "{text}");
        }
    }

    #[test]
    fn every_other_fault_is_named_with_its_place() {
        let cases: [(&[u8], ParseError); 17] = [
            (
                b"\xef\xbb\xbf{}",
                ParseError::ByteOrderMark { place: place(0) },
            ),
            (b"\"a\xff\"", ParseError::InvalidUtf8 { place: place(2) }),
            (
                b"\"\xed\xa0\x80\"",
                ParseError::InvalidUtf8 { place: place(1) },
            ),
            (b"\"\xc0\x80\"", ParseError::InvalidUtf8 { place: place(1) }),
            (b"{} {}", ParseError::TrailingBytes { place: place(3) }),
            (b"1\0", ParseError::TrailingBytes { place: place(1) }),
            (br#""a\x""#, ParseError::BadEscape { place: place(2) }),
            (br#""\u12g4""#, ParseError::BadEscape { place: place(1) }),
            (
                br#""\ud83d\u12""#,
                ParseError::BadEscape { place: place(7) },
            ),
            (br#""\u+123""#, ParseError::BadEscape { place: place(1) }),
            (
                br#""a\ud83d""#,
                ParseError::LoneSurrogate {
                    place: place(2),
                    unit: 0xd83d,
                },
            ),
            (
                br#""\ude00""#,
                ParseError::LoneSurrogate {
                    place: place(1),
                    unit: 0xde00,
                },
            ),
            (
                br#""\ud83d\ud83d""#,
                ParseError::LoneSurrogate {
                    place: place(1),
                    unit: 0xd83d,
                },
            ),
            (
                br#""\ud83d\n""#,
                ParseError::LoneSurrogate {
                    place: place(1),
                    unit: 0xd83d,
                },
            ),
            (
                b"\"a\tb\"",
                ParseError::ControlCharacter {
                    place: place(2),
                    byte: 9,
                },
            ),
            (b"[1e309]", ParseError::Overflow { place: place(1) }),
            (b"-1.8e308", ParseError::Overflow { place: place(0) }),
        ];
        for (text, error) in cases {
            assert_eq!(refused(text), error);
            assert_eq!(refused(text).place(), error.place());
        }
    }

    #[test]
    fn places_count_lines_and_characters() {
        let error = refused("[\n\"é\u{1f600}\", x]".as_bytes());
        let place = TextPosition {
            offset: 12,
            line: 2,
            column: 7,
        };
        assert_eq!(error.place(), place);
        assert_eq!(
            error.to_string(),
            "found 'x' where a value was expected at line 2 column 7 (byte 12)"
        );
    }
}
