//! What a report says of itself. Nobody signs it: the correlation id is held
//! against every entry, the number is for people.

use crate::ledger::json::{Form, Object, Value};
use crate::ledger::members::{MemberError, Members};
use crate::ledger::parse;

/// Which case a report is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The correlation id that every entry has, but for the attestations of the
    /// workers that its decisions name.
    pub correlation: String,
    /// Entries of the case that were not sealed yet when it was written.
    pub left_out: u64,
}

impl About {
    /// Its one line, without a newline: canonical JSON.
    pub(super) fn to_line(&self) -> Vec<u8> {
        let mut object = Object::new();
        object.insert("correlation", self.correlation.as_str());
        object.insert("left_out", self.left_out);
        Value::Object(object).canonical(Form::Utf8).into_bytes()
    }

    /// Reads the line; `None` for any but its one spelling.
    pub(super) fn from_line(line: &[u8]) -> Option<About> {
        let about = About::read(&parse::parse(line).ok()?).ok()?;
        (about.to_line() == line).then_some(about)
    }

    fn read(value: &Value) -> Result<About, MemberError> {
        let mut members = Members::of(value, "")?;
        let about = About {
            correlation: members.str("correlation")?.to_owned(),
            left_out: members.u64("left_out")?,
        };
        members.finish()?;
        Ok(about)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_its_own_line_and_no_other_spelling() {
        let about = About {
            correlation: "a\"<b>é\u{202e}".to_owned(),
            left_out: 3,
        };
        assert_eq!(About::from_line(&about.to_line()), Some(about));
        for line in [
            &b"{\"left_out\":3,\"correlation\":\"a\"}"[..],
            b"{\"correlation\":\"a\"}",
            b"{\"correlation\":\"a\",\"left_out\":-1}",
            b"{\"correlation\":\"a\",\"left_out\":1,\"more\":1}",
            b"",
        ] {
            assert_eq!(About::from_line(line), None);
        }
    }
}
