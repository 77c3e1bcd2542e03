//! Whole routing cases: an answer to every line, the same twice; a denial has
//! one event and no artifact hash.

use sealbook::ledger::json::Form;
use sealbook::ledger::time::Timestamp;
use sealbook::wcp::DecisionStamp;
use sealbook::wcp::bulk::CaseReader;
use sealbook::wcp::stamp::DecisionId;

/// Panics where it does not hold.
pub fn holds(line: &[u8]) {
    let stamp = DecisionStamp {
        decision_id: DecisionId::from_random([7; 16]),
        timestamp: Timestamp::from_unix_micros(0).unwrap(),
    };
    let (_, case) = CaseReader::default().read_line(line);
    let case = match case {
        Ok(case) => case,
        Err(error) => return drop(error.to_string()),
    };
    let decision = case.decide(stamp).decision.to_value();
    let again = case.decide(stamp).decision.to_value();
    assert_eq!(again.canonical(Form::Utf8), decision.canonical(Form::Utf8));
    if decision.get("denied").and_then(|denied| denied.as_bool()) == Some(true) {
        assert!(decision.get("artifact_hash").unwrap().is_null());
        let events = decision
            .get("telemetry_envelopes")
            .and_then(|e| e.as_array());
        assert_eq!(events.map(<[_]>::len), Some(1));
    }
}
