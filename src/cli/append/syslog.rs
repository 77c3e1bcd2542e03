//! Messages of syslog (RFC 5424): their framing, and what is kept of each.
//!
//! A message stands behind the number of its octets, or ends with its line; which, its
//! first byte tells (RFC 6587). Its own time is kept as it was sent, and is not an entry's
//! time.

use std::io::{self, BufRead as _, BufReader, ErrorKind, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::ledger::json::{Object, Value};
use crate::ledger::limits;
use crate::ledger::lines::{Line, read_line};
use crate::ledger::time::Timestamp;

use crate::cli::error::CliError;

/// The kind of an entry, where no other is given.
pub(super) const KIND: &str = "syslog.message";

/// The longest number of octets, in digits.
const DIGITS: usize = 10;

/// Elements, and values of one, of structured data.
const ELEMENTS: usize = 1_000;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Reads messages one after the other.
pub(super) struct SyslogFrames<R> {
    reader: BufReader<R>,
    messages: u64,
}

impl<R: Read> SyslogFrames<R> {
    pub(super) const fn new(reader: BufReader<R>) -> SyslogFrames<R> {
        SyslogFrames {
            reader,
            messages: 0,
        }
    }

    /// Whether the next message may be here already.
    pub(super) fn has_more(&self) -> bool {
        !self.reader.buffer().is_empty()
    }

    /// Messages so far.
    pub(super) const fn count(&self) -> u64 {
        self.messages
    }

    /// The next message and its number; one that was cut has not ended.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Line)>> {
        let Some(first) = self.first()? else {
            return Ok(None);
        };
        self.messages += 1;
        let message = match first {
            b'1'..=b'9' => self.counted()?,
            _ => read_line(&mut self.reader)?.map(|line| match line {
                // The last line of a file may lack its end.
                Line::Whole { bytes, .. } => Line::Whole { bytes, ended: true },
                too_long => too_long,
            }),
        };
        Ok(message.map(|message| (self.messages, message)))
    }

    /// The first byte of the next message. Some senders end a counted one with a newline.
    fn first(&mut self) -> io::Result<Option<u8>> {
        loop {
            let found = match self.reader.fill_buf() {
                Ok(bytes) => bytes.first().copied(),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            match found {
                Some(b'\n' | b'\r') => self.reader.consume(1),
                other => return Ok(other),
            }
        }
    }

    fn counted(&mut self) -> io::Result<Option<Line>> {
        let mut digits = Vec::new();
        let limit = DIGITS as u64 + 1;
        (&mut self.reader)
            .take(limit)
            .read_until(b' ', &mut digits)?;
        let number = digits.strip_suffix(b" ").and_then(|digits| {
            let all = digits.iter().all(u8::is_ascii_digit);
            str::from_utf8(digits).ok().filter(|_| all)?.parse().ok()
        });
        let Some(octets) = number else {
            // No number: what there is up to the end of the line is refused.
            let rest = read_line(&mut self.reader)?;
            if let Some(Line::Whole { bytes, .. }) = rest {
                digits.extend(bytes);
            }
            return Ok(Some(Line::Whole {
                bytes: digits,
                ended: true,
            }));
        };
        let mut message = (&mut self.reader).take(octets);
        if octets > limits::LINE_BYTES as u64 {
            io::copy(&mut message, &mut io::sink())?;
            return Ok(Some(Line::TooLong { bytes: octets }));
        }
        let mut bytes = Vec::new();
        message.read_to_end(&mut bytes)?;
        let ended = bytes.len() as u64 == octets;
        Ok(Some(Line::Whole { bytes, ended }))
    }
}

/// What is kept of a message.
///
/// # Errors
/// [`CliError::Syslog`] of what is not a message of RFC 5424.
pub(super) fn payload(message: &[u8]) -> Result<Object, CliError> {
    let mut rest = MessageRest { message, at: 0 };
    let mut payload = Object::new();
    let priority = rest.priority()?;
    payload.insert("facility", priority / 8);
    payload.insert("severity", priority % 8);
    rest.expect(b"1 ", "version 1 and a blank")?;
    if let Some(time) = rest.word("a time, or -")? {
        if Timestamp::parse(time).is_err() {
            return Err(rest.wrong("a time of RFC 3339, or -"));
        }
        payload.insert("time", time);
    }
    for member in ["hostname", "app_name", "procid", "msgid"] {
        if let Some(word) =
            rest.word("host, program, process and message id, each visible ASCII or -")?
        {
            payload.insert(member, word);
        }
    }
    if let Some(data) = rest.structured_data()? {
        payload.insert("structured_data", data);
    }
    let said = rest.left();
    let said = match said {
        [] => return Ok(payload),
        [b' ', said @ ..] => said,
        _ => return Err(rest.wrong("a blank before the text")),
    };
    let said = said.strip_prefix(BOM).unwrap_or(said);
    match str::from_utf8(said) {
        Ok(text) => payload.insert("message", text),
        Err(_) => payload.insert("message_base64", STANDARD.encode(said)),
    };
    Ok(payload)
}

/// What is left of a message.
struct MessageRest<'m> {
    message: &'m [u8],
    at: usize,
}

impl<'m> MessageRest<'m> {
    fn left(&self) -> &'m [u8] {
        self.message.get(self.at..).unwrap_or_default()
    }

    const fn wrong(&self, expected: &'static str) -> CliError {
        let at = self.at;
        CliError::Syslog { at, expected }
    }

    fn expect(&mut self, bytes: &[u8], expected: &'static str) -> Result<(), CliError> {
        match self.left().starts_with(bytes) {
            true => {
                self.at += bytes.len();
                Ok(())
            }
            false => Err(self.wrong(expected)),
        }
    }

    /// `<0>` to `<191>`, without zeros in front.
    fn priority(&mut self) -> Result<u64, CliError> {
        const EXPECTED: &str = "<PRIORITY> of 0 to 191";
        self.expect(b"<", EXPECTED)?;
        let digits = self
            .left()
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let text = self.left().get(..digits).unwrap_or_default();
        let number: Option<u64> = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        let plain = digits <= 3 && (digits == 1 || !text.starts_with(b"0"));
        let Some(number) = number.filter(|number| plain && *number <= 191) else {
            return Err(self.wrong(EXPECTED));
        };
        self.at += digits;
        self.expect(b">", EXPECTED)?;
        Ok(number)
    }

    /// A word and the blank behind it; none of `-`.
    fn word(&mut self, expected: &'static str) -> Result<Option<&'m str>, CliError> {
        let left = self.left();
        let end = left.iter().position(|byte| *byte == b' ');
        let word = left
            .get(..end.ok_or_else(|| self.wrong(expected))?)
            .unwrap_or_default();
        let visible = (1..=255).contains(&word.len()) && word.iter().all(u8::is_ascii_graphic);
        let text = str::from_utf8(word).ok().filter(|_| visible);
        let text = text.ok_or_else(|| self.wrong(expected))?;
        self.at += word.len() + 1;
        Ok((text != "-").then_some(text))
    }

    fn structured_data(&mut self) -> Result<Option<Object>, CliError> {
        const EXPECTED: &str = "structured data, or -";
        if self.left().starts_with(b"-") {
            self.at += 1;
            return Ok(None);
        }
        let mut data = Object::new();
        while self.left().starts_with(b"[") {
            self.at += 1;
            let id = self.name(EXPECTED)?;
            let mut values: Vec<(&str, Value)> = Vec::new();
            while self.left().starts_with(b" ") {
                self.at += 1;
                let name = self.name(EXPECTED)?;
                self.expect(b"=\"", EXPECTED)?;
                let value = Value::from(self.value()?);
                // A name may come several times; then it has a list.
                match values.iter_mut().find(|(other, _)| *other == name) {
                    None => values.push((name, value)),
                    Some((_, Value::Array(list))) => list.push(value),
                    Some((_, one)) => *one = Value::Array(vec![one.clone(), value]),
                }
                if values.len() > ELEMENTS {
                    return Err(self.wrong("at most 1000 values"));
                }
            }
            self.expect(b"]", EXPECTED)?;
            let element: Object = values
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
            if data.insert(id.to_owned(), element).is_some() || data.len() > ELEMENTS {
                return Err(self.wrong("each element of structured data once, and at most 1000"));
            }
        }
        match data.is_empty() {
            true => Err(self.wrong(EXPECTED)),
            false => Ok(Some(data)),
        }
    }

    /// 1 to 32 visible characters of ASCII but `=`, `]` and `"`.
    fn name(&mut self, expected: &'static str) -> Result<&'m str, CliError> {
        let left = self.left();
        let named = |byte: &&u8| byte.is_ascii_graphic() && !matches!(**byte, b'=' | b']' | b'"');
        let length = left.iter().take_while(named).count();
        let text = str::from_utf8(left.get(..length).unwrap_or_default()).unwrap_or_default();
        match (1..=32).contains(&length) {
            true => {
                self.at += length;
                Ok(text)
            }
            false => Err(self.wrong(expected)),
        }
    }

    /// A value and the quote behind it.
    fn value(&mut self) -> Result<String, CliError> {
        const EXPECTED: &str = "a value in UTF-8, between quotes";
        let mut value = Vec::new();
        let mut bytes = self.left().iter().copied().enumerate().peekable();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'"' => {
                    let text = String::from_utf8(value).map_err(|_| self.wrong(EXPECTED))?;
                    self.at += at + 1;
                    return Ok(text);
                }
                b']' => break,
                b'\\' => match bytes.peek() {
                    Some((_, b'"' | b'\\' | b']')) => {
                        value.extend(bytes.next().map(|(_, byte)| byte))
                    }
                    _ => value.push(byte),
                },
                byte => value.push(byte),
            }
        }
        Err(self.wrong(EXPECTED))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::ledger::json::Form;

    fn read(message: &[u8]) -> Result<String, String> {
        let found = payload(message).map_err(|error| error.to_string())?;
        Ok(Value::Object(found).canonical(Form::Utf8))
    }

    /// The examples of RFC 5424, section 6.5.
    #[test]
    fn the_examples_of_the_standard_are_read() {
        let first = "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed";
        let expected = r#"{"app_name":"su","facility":4,"hostname":"mymachine.example.com","message":"'su root' failed","msgid":"ID47","severity":2,"time":"2003-10-11T22:14:15.003Z"}"#;
        assert_eq!(read(first.as_bytes()).unwrap(), expected);
        let fourth = "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 evntslog - ID47 [exampleSDID@32473 iut=\"3\" eventSource=\"a\\]\\\"\\\\b\\c\"][x@1 n=\"1\" n=\"2\" n=\"3\"]";
        let expected = r#"{"app_name":"evntslog","facility":20,"hostname":"192.0.2.1","msgid":"ID47","severity":5,"structured_data":{"exampleSDID@32473":{"eventSource":"a]\"\\b\\c","iut":"3"},"x@1":{"n":["1","2","3"]}},"time":"2003-08-24T05:14:15.000003-07:00"}"#;
        assert_eq!(read(fourth.as_bytes()).unwrap(), expected);
        assert_eq!(
            read(b"<0>1 - - - - - - \xff").unwrap(),
            r#"{"facility":0,"message_base64":"/w==","severity":0}"#
        );
        assert_eq!(
            read(b"<191>1 - - - - - -").unwrap(),
            r#"{"facility":23,"severity":7}"#
        );
    }

    #[test]
    fn what_is_no_message_is_refused_where_it_goes_wrong() {
        for (message, at) in [
            ("", 0),
            ("<192>1 - - - - - -", 1),
            ("<01>1 - - - - - -", 1),
            ("<1>2 - - - - - -", 3),
            ("<34>Oct 11 22:14:15 mymachine su: x", 4),
            ("<1>1 yesterday - - - - -", 15),
            ("<1>1 - h\u{e9} - - - -", 7),
            ("<1>1 - - - -", 11),
            ("<1>1 - - - - - x", 15),
            ("<1>1 - - - - - [a b=\"c]", 21),
            ("<1>1 - - - - - [a][a]", 21),
            ("<1>1 - - - - - -x", 16),
        ] {
            let refused = payload(message.as_bytes());
            let Err(CliError::Syslog { at: found, .. }) = refused else {
                unreachable!("{message}")
            };
            assert_eq!(found, at, "{message}");
        }
    }

    #[test]
    fn a_message_is_counted_or_a_line_however_the_bytes_come() {
        let text = b"11 <1>1 - - - \n<2>1 x\n5 abcde\n9 abc";
        for capacity in [1, 3, 4_096] {
            let mut frames = SyslogFrames::new(BufReader::with_capacity(capacity, &text[..]));
            let mut found = Vec::new();
            while let Some((number, line)) = frames.next().unwrap() {
                let Line::Whole { bytes, ended } = line else {
                    continue;
                };
                found.push((number, String::from_utf8(bytes).unwrap(), ended));
            }
            let expected = [
                (1, "<1>1 - - - ", true),
                (2, "<2>1 x", true),
                (3, "abcde", true),
                (4, "abc", false),
            ];
            assert_eq!(
                found,
                expected.map(|(n, text, ended)| (n, text.to_owned(), ended))
            );
        }
    }
}
