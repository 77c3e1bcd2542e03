//! The strict reader and the canonical writer against second ones: the same
//! texts are refused, and what is read has the same three canonical spellings.

use super::second_json::read;
use sealbook::ledger::json::Form;
use sealbook::ledger::parse::parse;

/// Panics where it does not hold.
pub fn holds(text: &[u8]) {
    let value = match (parse(text), read(text)) {
        (Ok(value), Some(second)) => {
            for (form, ascii, spaced) in [
                (Form::Utf8, false, false),
                (Form::Ascii, true, false),
                (Form::SpacedAscii, true, true),
            ] {
                let mut expected = String::new();
                second.write(ascii, spaced, &mut expected);
                assert_eq!(value.canonical(form), expected);
            }
            value
        }
        (Err(error), None) => return drop(error.to_string()),
        (Ok(value), None) => panic!("read as {}", value.canonical(Form::Utf8)),
        (Err(error), Some(_)) => panic!("refused: {error}"),
    };
    let canonical = value.canonical(Form::Utf8);
    assert_eq!(parse(canonical.as_bytes()).as_ref(), Ok(&value));
    assert_eq!(parse(value.pretty().as_bytes()), Ok(value));
}
