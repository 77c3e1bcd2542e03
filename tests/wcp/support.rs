//! What the tests have in common.

use std::path::PathBuf;

use sealbook::ledger::json::Value;
use sealbook::ledger::parse::parse;
use sealbook::ledger::time::Timestamp;
use sealbook::wcp::stamp::{DecisionId, Stamp};

/// A fixed stamp, so that decisions can be compared whole.
pub(crate) fn stamp() -> Stamp {
    Stamp {
        decision_id: DecisionId::from_random([7; 16]),
        timestamp: Timestamp::parse("2026-01-02T03:04:05Z").unwrap(),
    }
}

pub(crate) fn json(text: &str) -> Value {
    parse(text.as_bytes()).unwrap()
}

pub(crate) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// The cases of a vector file, one a line.
pub(crate) fn vectors(name: &str) -> Vec<Value> {
    let text = std::fs::read(fixture("vectors").join(name)).unwrap();
    let lines = text
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty());
    lines.map(|line| parse(line).unwrap()).collect()
}
