//! JSON values one after the other: one a line, or as other programs write them,
//! over several lines or as the elements of an array.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use crate::cli::input_place::InputPlace;
use crate::ledger::limits;
use crate::ledger::lines::{Line, read_line};

/// Reads values. Nothing is judged but where each begins and ends.
pub(super) struct Values<R> {
    reader: BufReader<R>,
    lines: u64,
    array: Option<ArrayPlace>,
    /// Elements of the array so far.
    elements: u64,
}

/// Where in an array.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ArrayPlace {
    Begin,
    Before,
    Behind,
}

const BOM: &[u8] = b"\xef\xbb\xbf";

impl<R: Read> Values<R> {
    pub(super) const fn new(reader: BufReader<R>) -> Values<R> {
        Values {
            reader,
            lines: 0,
            array: None,
            elements: 0,
        }
    }

    /// Whether the next value may be here already.
    pub(super) fn has_more(&self) -> bool {
        let end = if self.array.is_some() { b'}' } else { b'\n' };
        self.reader.buffer().contains(&end)
    }

    /// Where what follows the last value begins.
    pub(super) fn next_place(&self) -> InputPlace {
        InputPlace {
            line: self.lines + 1,
            element: self.array.map(|_| self.elements + 1),
        }
    }

    /// The next value and where it begins; blank lines too.
    pub(super) fn next(&mut self) -> io::Result<Option<(InputPlace, Line)>> {
        if let Some(place) = self.array {
            return self.element(place);
        }
        // What is not here yet is not waited for only to be looked at.
        let begins = fill(&mut self.reader)?;
        let blank = begins.iter().take_while(|byte| is_blank(**byte)).count();
        let bom = self.lines == 0 && begins.starts_with(BOM);
        let blank = if bom { BOM.len() } else { blank };
        if begins.get(blank) == Some(&b'[') {
            self.reader.consume(blank + 1);
            self.elements = 0;
            return self.element(ArrayPlace::Begin);
        }
        if bom {
            self.reader.consume(BOM.len());
        }
        let line = InputPlace::line(self.lines + 1);
        let Some(first) = read_line(&mut self.reader)? else {
            return Ok(None);
        };
        self.lines += 1;
        match first {
            Line::Whole { bytes, ended: true } if goes_on(&bytes) => {
                Ok(Some((line, self.rest_of(bytes)?)))
            }
            first => Ok(Some((line, first))),
        }
    }

    /// The lines up to the one that ends what `bytes` begins.
    fn rest_of(&mut self, mut bytes: Vec<u8>) -> io::Result<Line> {
        let mut depth = Depth::default();
        bytes.iter().for_each(|byte| depth.take(*byte));
        while depth.open > 0 {
            let Some(next) = read_line(&mut self.reader)? else {
                break;
            };
            self.lines += 1;
            let Line::Whole { bytes: more, .. } = next else {
                return Ok(next);
            };
            more.iter().for_each(|byte| depth.take(*byte));
            bytes.push(b'\n');
            bytes.extend(more);
            if bytes.len() > limits::LINE_BYTES {
                let bytes = bytes.len() as u64;
                return Ok(Line::TooLong { bytes });
            }
        }
        Ok(Line::Whole { bytes, ended: true })
    }

    /// The next element of the array, or what comes after it. What cannot stand
    /// where it stands is given as it is, to be refused as a value.
    fn element(&mut self, mut place: ArrayPlace) -> io::Result<Option<(InputPlace, Line)>> {
        loop {
            let line = self.lines + 1;
            let begins = InputPlace {
                line,
                element: Some(self.elements + 1),
            };
            let byte = fill(&mut self.reader)?.first().copied();
            match (byte, place) {
                (Some(b'\n'), _) => self.lines += 1,
                (Some(byte), _) if is_blank(byte) => {}
                (Some(b','), ArrayPlace::Behind) => place = ArrayPlace::Before,
                (Some(b']'), ArrayPlace::Behind) => {
                    self.reader.consume(1);
                    self.array = None;
                    return self.next();
                }
                // In it is nothing, and it is not an entry itself.
                (Some(b']'), ArrayPlace::Begin) => {
                    self.reader.consume(1);
                    self.array = None;
                    let bytes = b"[]".to_vec();
                    let begins = InputPlace::line(line);
                    return Ok(Some((begins, Line::Whole { bytes, ended: true })));
                }
                (Some(byte), ArrayPlace::Begin | ArrayPlace::Before)
                    if !matches!(byte, b',' | b']') =>
                {
                    self.array = Some(ArrayPlace::Behind);
                    self.elements += 1;
                    return Ok(Some((begins, self.element_text()?)));
                }
                (other, _) => {
                    self.reader.consume(usize::from(other.is_some()));
                    self.array = other.and(Some(ArrayPlace::Behind));
                    let bytes = vec![other.unwrap_or(b'[')];
                    return Ok(Some((begins, Line::Whole { bytes, ended: true })));
                }
            }
            self.reader.consume(1);
        }
    }

    /// What stands before the comma or bracket that ends an element.
    fn element_text(&mut self) -> io::Result<Line> {
        let (mut bytes, mut length, mut depth) = (Vec::new(), 0_u64, Depth::default());
        while let Some(byte) = fill(&mut self.reader)?.first().copied() {
            if depth.open == 0 && !depth.in_text && matches!(byte, b',' | b']') {
                break;
            }
            if length >= limits::PASSED_OVER_BYTES {
                break;
            }
            self.reader.consume(1);
            self.lines += u64::from(byte == b'\n');
            depth.take(byte);
            length += 1;
            match length > limits::LINE_BYTES as u64 {
                true => bytes = Vec::new(),
                false => bytes.push(byte),
            }
        }
        Ok(match length > limits::LINE_BYTES as u64 {
            true => Line::TooLong { bytes: length },
            false => Line::Whole { bytes, ended: true },
        })
    }
}

fn fill<R: Read>(reader: &mut BufReader<R>) -> io::Result<&[u8]> {
    loop {
        match reader.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(reader.buffer())
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

/// Whether a line is the beginning of a value that people have broken up. One
/// that was cut in the middle is not: it is named where it ends.
fn goes_on(line: &[u8]) -> bool {
    let mut depth = Depth::default();
    line.iter().for_each(|byte| depth.take(*byte));
    let last = line.trim_ascii_end().last();
    depth.open > 0 && !depth.in_text && last.is_some_and(|last| b"{[,".contains(last))
}

/// How deep in objects and arrays a text is.
#[derive(Default)]
struct Depth {
    open: u64,
    in_text: bool,
    escaped: bool,
}

impl Depth {
    fn take(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_text => self.escaped = true,
            b'"' => self.in_text = !self.in_text,
            b'{' | b'[' if !self.in_text => self.open += 1,
            b'}' | b']' if !self.in_text => self.open = self.open.saturating_sub(1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    fn values(text: &str) -> Vec<(u64, String)> {
        let mut values = Values::new(BufReader::with_capacity(1, text.as_bytes()));
        let mut whole = Values::new(BufReader::new(text.as_bytes()));
        let mut found = Vec::new();
        while let Some((place, value)) = whole.next().unwrap() {
            // However the bytes come in.
            if !text.trim_start().starts_with('[') {
                assert_eq!(values.next().unwrap().map(|(at, _)| at), Some(place));
            }
            let Line::Whole { bytes, .. } = value else {
                continue;
            };
            let text = String::from_utf8(bytes).unwrap();
            if !text.trim().is_empty() {
                found.push((place.line, text.split_whitespace().collect()));
            }
        }
        found
    }

    #[test]
    fn a_value_is_a_line_or_as_many_as_it_takes_or_an_element() {
        let expected = vec![(1, "{\"a\":1}".to_owned()), (2, "{\"b\":[2]}".to_owned())];
        assert_eq!(values("{\"a\":1}\n{\"b\":[2]}\n"), expected);
        assert_eq!(values("\u{feff}{\"a\":1}\r\n{\"b\":[2]}"), expected);
        assert_eq!(values("[{\"a\":1},\n{\"b\":[2]}]\n"), expected);
        let pretty = "{\n  \"a\": 1\n}\n{ \"b\": [\n 2\n ]\n}\n";
        let lines: Vec<_> = values(pretty).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [1, 4]);
        let pretty = "[\n  {\n    \"a\": \"],{\\\"\"\n  },\n  {}\n]\n{\"c\":1}\n";
        let expected = [(2, "{\"a\":\"],{\\\"\"}"), (5, "{}"), (7, "{\"c\":1}")];
        assert_eq!(
            values(pretty),
            expected.map(|(n, text)| (n, text.to_owned()))
        );
        let nothing = [(1, "[]".to_owned()), (2, "[]".to_owned())];
        assert_eq!(values("[]\n[ ]"), nothing);
    }

    #[test]
    fn what_cannot_stand_in_an_array_is_given_to_be_refused() {
        for (text, bad) in [
            ("[,{}]", ","),
            ("[{},,{}]", ","),
            ("[{},]", "]"),
            ("[{}{}]", "{}{}"),
            ("[{}", "["),
            ("[{\"a\":", "{\"a\":"),
        ] {
            assert!(values(text).iter().any(|(_, value)| value == bad), "{text}");
        }
    }

    #[test]
    fn a_line_that_was_cut_takes_no_other_with_it() {
        let text = "{\"kind\":\"a\"\n{\"kind\":\"b\"}\n";
        let lines: Vec<_> = values(text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [1, 2]);
    }
}
