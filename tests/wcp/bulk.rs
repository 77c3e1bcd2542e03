//! Deciding line by line.

use sealbook::ledger::json::{Form, Value};
use sealbook::wcp::bulk::decide_lines;

use crate::support::{json, request, stamp};

fn run(text: &str) -> Vec<Value> {
    let mut answers = Vec::new();
    let decide = |case: &sealbook::wcp::bulk::BulkCase| case.decide(stamp()).decision.to_value();
    let count = decide_lines(text.as_bytes(), &mut answers, decide).unwrap();
    let answers = String::from_utf8(answers).unwrap();
    let answers: Vec<_> = answers.lines().map(json).collect();
    assert_eq!(count, answers.len() as u64);
    answers
}

#[test]
fn every_line_is_answered_in_order() {
    let input = request(&[]).canonical(Form::Utf8);
    let text = format!(
        "{{\"id\": 1, \"input\": {input}, \"rules\": {{\"rules\": []}}}}\n\n\
         {{\"id\": \"b\", \"input\": {{}}}}\n\
         no json\n\
         {{\"input\": {input}, \"rules\": {{\"rules\": [{{}}]}}}}\n\
         {{\"id\": null, \"input\": {input}, \"rules\": {{\"rules\": []}}, \"hall\": {{\"config\": {{\"x\": 1}}}}}}"
    );
    let answers = run(&text);
    let code = answers[0]
        .get("decision")
        .unwrap()
        .get("deny_reason_if_denied")
        .unwrap();
    assert_eq!(
        code.get("code").unwrap().as_str(),
        Some("DENY_NO_MATCHING_RULE")
    );
    let field = |index: usize| {
        answers[index]
            .get("error")
            .unwrap()
            .get("field")
            .unwrap()
            .as_str()
            .unwrap()
    };
    assert_eq!(answers[1].get("id").unwrap().as_str(), Some("b"));
    assert_eq!(field(1), "capability_id");
    assert_eq!((field(2), answers[2].get("id")), ("", Some(&Value::Null)));
    assert_eq!(field(3), "rules.rules[0].rule_id");
    assert_eq!(field(4), "hall.config.x");
}

#[test]
fn a_line_over_the_limit_is_answered_and_the_next_is_read() {
    let text = format!("{}\n{{\"id\": 2}}\n", " ".repeat((20 << 20) + 1));
    let answers = run(&text);
    assert_eq!(answers.len(), 2);
    assert_eq!(
        answers[1]
            .get("error")
            .unwrap()
            .get("field")
            .unwrap()
            .as_str(),
        Some("input")
    );
}
