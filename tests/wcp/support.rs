//! What the tests have in common.

use std::path::PathBuf;

use sealbook::ledger::json::Value;
use sealbook::ledger::parse::parse;
use sealbook::ledger::time::Timestamp;
use sealbook::wcp::bulk::{BulkCase, CaseReader};
use sealbook::wcp::stamp::{DecisionId, DecisionStamp};

/// A fixed stamp, so that decisions can be compared whole.
pub(crate) fn stamp() -> DecisionStamp {
    DecisionStamp {
        decision_id: DecisionId::from_random([7; 16]),
        timestamp: Timestamp::parse("2026-01-02T03:04:05Z").unwrap(),
    }
}

pub(crate) fn json(text: &str) -> Value {
    parse(text.as_bytes()).unwrap()
}

pub(crate) fn fixture(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("fixtures").join(name)
}

/// The cases of a vector file, one a line.
pub(crate) fn vectors(name: &str) -> Vec<Value> {
    let text = std::fs::read(fixture("vectors").join(name)).unwrap();
    let lines = text.split(|&byte| byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    lines.map(|line| parse(line).unwrap()).collect()
}

/// A request that is in order, with some members set to others.
pub(crate) fn request(changes: &[(&str, Value)]) -> Value {
    let mut input = json(
        r#"{"capability_id": "cap.a", "env": "dev", "data_label": "PUBLIC", "tenant_risk": "low",
            "qos_class": "P2", "tenant_id": "acme", "correlation_id": "c-1"}"#,
    );
    let Value::Object(members) = &mut input else {
        unreachable!()
    };
    for (name, value) in changes {
        members.insert((*name).to_owned(), value.clone());
    }
    input
}

/// A case of a request, rules and a Hall.
pub(crate) fn case(input: Value, rules: &str, hall: &str) -> BulkCase {
    let members = [
        ("input", input),
        ("rules", json(rules)),
        ("hall", json(hall)),
    ];
    let line = Value::Object(members.into_iter().collect());
    CaseReader::default().read(&line).unwrap()
}

/// The deny code of a case; none if it is allowed.
pub(crate) fn deny_code(case: &BulkCase) -> Option<&'static str> {
    let decision = case.decide(stamp()).decision;
    decision.deny_reason_if_denied.map(|denial| denial.code())
}
