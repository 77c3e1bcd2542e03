//! What a report says of itself. Nobody signs it: the correlation id is held
//! against every entry, the number is for people.

use serde::{Deserialize, Serialize};

use crate::ledger::json::Form;
use crate::ledger::parse;
use crate::ledger::shape;

use super::times::CarriedTimes;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The correlation id that every entry has, but for the attestations of the
    /// workers that its decisions name.
    pub correlation: String,
    /// Entries of the case that were not sealed yet when it was written.
    pub left_out: u64,
    /// Files of revocations that end the log, each as text. Each is signed by itself, so
    /// that one which is put in takes trust away from nothing that was not revoked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revocations: Vec<String>,
    /// What shows when its entries were made, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<CarriedTimes>,
    /// That it has evidence of several logs, in a bundle each, one after another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<CarriedLogs>,
}

/// What a report over several logs says of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarriedLogs {
    /// Logs that were asked for the case.
    pub asked: u64,
    /// Bundles that are here: of the logs that have something of it.
    pub carried: u64,
    /// Logs among those asked that something was wrong with.
    pub faulty: u64,
    /// Entries of all logs that no epoch sealed yet: they were not looked through.
    pub unsealed: u64,
}

impl About {
    /// Its one line, without a newline: canonical JSON.
    pub(super) fn to_line(&self) -> Vec<u8> {
        shape::write(self).canonical(Form::Utf8).into_bytes()
    }

    /// Reads the line; `None` for any but its one spelling.
    pub(super) fn from_line(line: &[u8]) -> Option<About> {
        let about: About = shape::read(&parse::parse(line).ok()?, "").ok()?;
        (about.to_line() == line).then_some(about)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::position::Seq;
    use crate::ledger::sha256::Sha256Digest;
    use crate::report::{Holding, Place};

    #[test]
    fn it_reads_its_own_line_and_no_other_spelling() {
        let about = About {
            correlation: "a\"<b>é\u{202e}".to_owned(),
            left_out: 3,
            revocations: vec!["{}\n".to_owned()],
            times: Some(CarriedTimes {
                holding: vec![Holding {
                    checkpoint: "log\n".to_owned(),
                    entries: vec![Place {
                        path: vec![Sha256Digest::of(b"")],
                        seq: Seq(1 << 60),
                    }],
                }],
                kept: vec!["<proof>\n".to_owned()],
            }),
            logs: Some(CarriedLogs {
                asked: 3,
                carried: 2,
                faulty: 1,
                unsealed: 0,
            }),
        };
        assert_eq!(About::from_line(&about.to_line()), Some(about));
        let none = br#"{"correlation":"a","left_out":0}"#;
        assert!(About::from_line(none).is_some_and(|about| about.revocations.is_empty()));
        for line in [
            &b"{\"left_out\":3,\"correlation\":\"a\"}"[..],
            b"{\"correlation\":\"a\"}",
            b"{\"correlation\":\"a\",\"left_out\":-1}",
            b"{\"correlation\":\"a\",\"left_out\":1,\"more\":1}",
            b"{\"correlation\":\"a\",\"left_out\":1,\"revocations\":[]}",
            b"{\"correlation\":\"a\",\"left_out\":1,\"revocations\":[1]}",
            b"{\"correlation\":\"a\",\"left_out\":1,\"times\":null}",
            b"{\"correlation\":\"a\",\"left_out\":1,\"logs\":{\"carried\":2}}",
            b"{\"correlation\":\"a\",\"left_out\":1,\"times\":{\"holding\":[]}}",
            b"",
        ] {
            assert_eq!(About::from_line(line), None);
        }
    }
}
