//! Whether bytes already are canonical JSON, found in one pass and without
//! allocating: an audit asks this of every stored payload.
//!
//! It accepts exactly what [`parse`](super::parse::parse) reads as an object
//! and [`Form::Utf8`](super::json::Form::Utf8) writes as the same bytes. It does
//! not say what is wrong: for that the reader is asked.

use super::json::Number;
use super::limits;

/// Whether `bytes` are the canonical text of an object within the limits of a
/// payload.
pub(crate) fn is_canonical_object(bytes: &[u8]) -> bool {
    if std::str::from_utf8(bytes).is_err() || bytes.first() != Some(&b'{') {
        return false;
    }
    let mut cursor = TextCursor { rest: bytes };
    cursor.value(1).is_some() && cursor.rest.is_empty()
}

/// `None` stands for "not canonical" all the way up.
struct TextCursor<'t> {
    rest: &'t [u8],
}

impl<'t> TextCursor<'t> {
    fn value(&mut self, level: usize) -> Option<()> {
        match self.rest.first()? {
            b'{' => self.object(level),
            b'[' => self.array(level),
            b'"' => self.string().map(drop),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn object(&mut self, level: usize) -> Option<()> {
        self.enter(level, b'{')?;
        if self.eat(b'}') {
            return Some(());
        }
        let mut before: Option<StringText<'t>> = None;
        loop {
            let key = self.string()?;
            if before.is_some_and(|before| !before.precedes(&key)) {
                return None;
            }
            before = Some(key);
            self.expect(b':')?;
            self.value(level + 1)?;
            if self.eat(b'}') {
                return Some(());
            }
            self.expect(b',')?;
        }
    }

    fn array(&mut self, level: usize) -> Option<()> {
        self.enter(level, b'[')?;
        if self.eat(b']') {
            return Some(());
        }
        loop {
            self.value(level + 1)?;
            if self.eat(b']') {
                return Some(());
            }
            self.expect(b',')?;
        }
    }

    fn enter(&mut self, level: usize, bracket: u8) -> Option<()> {
        if level > limits::PAYLOAD_LEVELS {
            return None;
        }
        self.expect(bracket)
    }

    fn string(&mut self) -> Option<StringText<'t>> {
        self.expect(b'"')?;
        let text = self.rest;
        let mut escaped = false;
        loop {
            self.step(plain_run(self.rest))?;
            match self.rest.first()? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.step(escape_length(self.rest)?)?;
                }
                _ => return None,
            }
        }
        let raw = text.get(..text.len() - self.rest.len())?;
        self.step(1)?;
        Some(StringText { raw, escaped })
    }

    /// Integers digit by digit; of floats the text is made again.
    fn number(&mut self) -> Option<()> {
        let start = self.rest;
        let negative = self.eat(b'-');
        let digits = self.digits();
        if let Some(b'.' | b'e' | b'E') = self.rest.first() {
            let more = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
            let tail = self.rest.iter().take_while(|byte| more(byte)).count();
            self.step(tail)?;
            let text = start.get(..start.len() - self.rest.len())?;
            let text = std::str::from_utf8(text).ok()?;
            let number = Number::float(text.parse().ok()?)?;
            return (number.to_string() == text).then_some(());
        }
        let leading_zero = start.get(usize::from(negative)) == Some(&b'0');
        let canonical = match digits {
            0 => false,
            1 => !(negative && leading_zero),
            2..=limits::INTEGER_DIGITS => !leading_zero,
            _ => false,
        };
        canonical.then_some(())
    }

    fn digits(&mut self) -> usize {
        let count = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        // No more than there are.
        let _ = self.step(count);
        count
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    fn step(&mut self, bytes: usize) -> Option<()> {
        self.rest = self.rest.get(bytes..)?;
        Some(())
    }

    fn eat(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.eat(byte).then_some(())
    }
}

/// A string between its quotes, as it stands.
#[derive(Clone, Copy)]
struct StringText<'t> {
    raw: &'t [u8],
    escaped: bool,
}

impl StringText<'_> {
    /// By code points, which is the order of the decoded bytes.
    fn precedes(&self, other: &StringText<'_>) -> bool {
        if self.escaped || other.escaped {
            decoded(self.raw).lt(decoded(other.raw))
        } else {
            self.raw < other.raw
        }
    }
}

/// The bytes that `raw` stands for. Every canonical escape is one of ASCII.
fn decoded(raw: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = raw;
    std::iter::from_fn(move || {
        let (byte, length) = match rest {
            [b'\\', b'u', _, _, high, low, ..] => (hex(*high)? << 4 | hex(*low)?, 6),
            [b'\\', b'b', ..] => (0x08, 2),
            [b'\\', b'f', ..] => (0x0c, 2),
            [b'\\', b'n', ..] => (b'\n', 2),
            [b'\\', b'r', ..] => (b'\r', 2),
            [b'\\', b't', ..] => (b'\t', 2),
            [b'\\', byte, ..] => (*byte, 2),
            [byte, ..] => (*byte, 1),
            [] => return None,
        };
        rest = rest.get(length..)?;
        Some(byte)
    })
}

/// The length of the canonical escape that `text` begins with.
fn escape_length(text: &[u8]) -> Option<usize> {
    match text {
        [b'\\', b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Some(2),
        [b'\\', b'u', b'0', b'0', high @ (b'0' | b'1'), low, ..] => {
            let byte = hex(*high)? << 4 | hex(*low)?;
            let short = matches!(byte, 0x08 | 0x09 | 0x0a | 0x0c | 0x0d);
            (!short).then_some(6)
        }
        _ => None,
    }
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// How many bytes stand before the next quote, backslash or control character:
/// eight at a time where there are eight.
fn plain_run(text: &[u8]) -> usize {
    let mut run = 0;
    let mut chunks = text.chunks_exact(8);
    for chunk in chunks.by_ref() {
        let word = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
        let special = special_bytes(word);
        if special != 0 {
            return run + (special.trailing_zeros() / 8) as usize;
        }
        run += 8;
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    let tail = chunks.remainder();
    run + tail.iter().position(special).unwrap_or(tail.len())
}

/// The top bit of each byte that is a quote, a backslash or below 0x20. Bits
/// above the lowest one set may be wrong: a borrow runs upwards.
const fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    const fn zero_bytes(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word & TOPS
    }
    let below_space = word.wrapping_sub(ONES.wrapping_mul(0x20)) & !word & TOPS;
    let quote = zero_bytes(word ^ ONES.wrapping_mul(b'"' as u64));
    let backslash = zero_bytes(word ^ ONES.wrapping_mul(b'\\' as u64));
    below_space | quote | backslash
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

    use proptest::prelude::*;

    use super::super::json::{Form, Value};
    use super::super::parse::parse;
    use super::*;

    fn read_and_written(bytes: &[u8]) -> bool {
        matches!(parse(bytes), Ok(value @ Value::Object(_))
            if value.canonical(Form::Utf8).as_bytes() == bytes)
    }

    fn agrees(bytes: &[u8]) -> bool {
        let canonical = is_canonical_object(bytes);
        assert_eq!(
            canonical,
            read_and_written(bytes),
            "{}",
            String::from_utf8_lossy(bytes)
        );
        canonical
    }

    const RICH: &str = concat!(
        r#"{"":-1,"\u0000":[],"\b":{},"\t":[[],{}],"\"":"\u001f\f\n\r\\","#,
        r#""A":[0,-7,12345678901234567890123,1.0,-0.0,1e-05,1.5e+16,0.0001],"#,
        "\"\\\\\":null,\"a\":true,\"ab\":false,\"é\":\"\u{7f}\u{2028}\u{1f600}/\",\"\u{ffff}\":\"x\"}",
    );

    #[test]
    fn every_mutation_of_one_byte_is_judged_as_the_reader_and_writer_do() {
        assert!(agrees(RICH.as_bytes()));
        let mut accepted = 0;
        for at in 0..RICH.len() {
            for byte in 0..=255 {
                let mut text = RICH.as_bytes().to_vec();
                text[at] = byte;
                accepted += usize::from(agrees(&text));
                text.insert(at, byte);
                accepted += usize::from(agrees(&text));
            }
            let mut text = RICH.as_bytes().to_vec();
            text.remove(at);
            agrees(&text);
            agrees(&RICH.as_bytes()[..at]);
        }
        assert!(accepted > 1_000, "{accepted}");
    }

    #[test]
    fn spellings_that_are_nearly_canonical_are_not() {
        for text in [
            "{} ",
            " {}",
            "{}{}",
            "[]",
            "1",
            "",
            "{\"a\":1,}",
            "{\"a\": 1}",
            "{\"b\":1,\"a\":2}",
            "{\"a\":1,\"a\":2}",
            "{\"a\":-0}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":.5}",
            "{\"a\":1.50}",
            "{\"a\":1E5}",
            "{\"a\":1e5}",
            "{\"a\":1e-5}",
            "{\"a\":inf}",
            "{\"a\":+1}",
            "{\"a\":-}",
            "{\"a\":\"\\/\"}",
            "{\"a\":\"\\u0041\"}",
            "{\"a\":\"\\u000A\"}",
            "{\"a\":\"\\u000a\"}",
            "{\"a\":\"\\u001F\"}",
            "{\"a\":\"\\u007f\"}",
            "{\"a\":\"\\ud83d\\ude00\"}",
            "{\"\\n\":1,\"\\b\":1}",
            "{\"a\":1e400}",
            "{\"a\":nul}",
            "\u{feff}{}",
        ] {
            assert!(!agrees(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn the_limits_are_those_of_a_payload() {
        let nested = |levels: usize| {
            let open = "{\"a\":".repeat(levels - 1);
            format!("{open}{{}}{}", "}".repeat(levels - 1))
        };
        assert!(agrees(nested(128).as_bytes()));
        assert!(!agrees(nested(129).as_bytes()));
        let digits = |count: usize| format!("{{\"a\":-{}}}", "7".repeat(count));
        assert!(agrees(digits(4_300).as_bytes()));
        assert!(!agrees(digits(4_301).as_bytes()));
    }

    #[test]
    fn a_special_byte_is_found_at_every_place_of_a_run() {
        for special in (0..0x20).chain([b'"', b'\\']) {
            for filler in [b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xa2, 0xdc, 0xff] {
                for at in 0..20 {
                    let mut text = vec![filler; 20];
                    assert_eq!(plain_run(&text), 20);
                    text[at] = special;
                    assert_eq!(plain_run(&text), at);
                }
            }
        }
    }

    fn values() -> impl Strategy<Value = String> {
        let text = proptest::collection::vec(
            prop_oneof![
                Just("a".to_owned()),
                Just("é\u{1f600}".to_owned()),
                (0_u8..0x24).prop_map(|c| char::from(c).to_string()),
                Just("\\".to_owned()),
            ],
            0..4,
        )
        .prop_map(|parts| serde_json::to_string(&parts.concat()).unwrap());
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<i64>().prop_map(|n| n.to_string()),
            any::<f64>().prop_map(|n| format!("{n:e}")),
            text.clone(),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5)
                    .prop_map(|items| format!("[{}]", items.join(","))),
                proptest::collection::vec((text.clone(), inner), 0..5).prop_map(|members| {
                    let members: Vec<_> = members
                        .into_iter()
                        .map(|(k, v)| format!("{k}:{v}"))
                        .collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_the_writer_writes_is_accepted_and_what_it_changes_is_not(text in values()) {
            agrees(text.as_bytes());
            if let Ok(value) = parse(text.as_bytes()) {
                let canonical = value.canonical(Form::Utf8);
                prop_assert_eq!(agrees(canonical.as_bytes()), matches!(value, Value::Object(_)));
            }
        }
    }
}
