//! Deciding in bulk: a request, its rules and its Hall on every line.

use std::io::{self, BufRead, Write};
use std::sync::Arc;

use serde::Serialize;

use super::basis::DEFAULT_TASK_ID;
use super::input::RouteInput;
use super::router::{Decided, make_decision};
use super::rule_set::RuleSet;
use super::rules::load_rules_from_dict;
use super::snapshot::Snapshot;
use super::stamp::DecisionStamp;
use crate::ledger::json::{Form, Value};
use crate::ledger::limits;
use crate::ledger::lines::{Line, read_line};
use crate::ledger::parse::parse;
use crate::ledger::shape::{self, MemberError};

/// A line that holds no case, answered as such and not fatal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", named(field))]
pub struct CaseError {
    /// The field of the request, or a path below `rules`, `hall` or the line;
    /// empty where the line is not JSON.
    pub field: String,
    pub message: String,
}

fn named(field: &str) -> String {
    match field {
        "" => String::new(),
        field => format!("{field}: "),
    }
}

impl From<MemberError> for CaseError {
    fn from(error: MemberError) -> CaseError {
        CaseError {
            message: error.problem.to_string(),
            field: error.at,
        }
    }
}

/// A request with everything that its decision is taken from.
#[derive(Clone, Debug)]
pub struct BulkCase {
    pub input: RouteInput,
    pub rules: Arc<RuleSet>,
    pub hall: Snapshot,
    pub task_id: String,
}

/// A line: with rules and a Hall of its own, or for a Hall that is given.
#[derive(Clone, Debug)]
pub enum BulkRequest {
    Own(Box<BulkCase>),
    Given {
        input: Box<RouteInput>,
        task_id: String,
    },
}

/// Reads cases. It remembers the last rules, since most streams have one set.
#[derive(Debug, Default)]
pub struct CaseReader {
    last: Option<Arc<RuleSet>>,
}

impl CaseReader {
    /// Reads `{"input", "rules", "hall", "task_id"}`; other members are the
    /// caller's own. Of several errors, that in `input` comes first.
    pub fn read(&mut self, value: &Value) -> Result<BulkCase, CaseError> {
        let members = shape::members(value)?;
        let input = RouteInput::read(shape::given(members, "input")?, "")?;
        let rules = self.rules(shape::given(members, "rules")?)?;
        let hall: Option<Snapshot> = shape::member_or_none(members, "hall")?;
        let task_id: Option<String> = shape::member_or_none(members, "task_id")?;
        Ok(BulkCase {
            input,
            rules,
            hall: hall.unwrap_or_default(),
            task_id: task_id.unwrap_or_else(|| DEFAULT_TASK_ID.to_owned()),
        })
    }

    /// The same of a line that may have no rules, where a Hall is given.
    pub fn read_request(&mut self, value: &Value) -> Result<BulkRequest, CaseError> {
        let members = shape::members(value)?;
        let own = ["rules", "hall"]
            .iter()
            .any(|name| members.contains_key(name));
        if own {
            return Ok(BulkRequest::Own(Box::new(self.read(value)?)));
        }
        let input = RouteInput::read(shape::given(members, "input")?, "")?;
        let task_id: Option<String> = shape::member_or_none(members, "task_id")?;
        Ok(BulkRequest::Given {
            input: Box::new(input),
            task_id: task_id.unwrap_or_else(|| DEFAULT_TASK_ID.to_owned()),
        })
    }

    fn rules(&mut self, document: &Value) -> Result<Arc<RuleSet>, CaseError> {
        if let Some(last) = self.last.as_ref().filter(|l| l.document() == document) {
            return Ok(last.clone());
        }
        let rules = load_rules_from_dict(document).map_err(|error| CaseError {
            field: match error.at() {
                at if at.is_empty() => "rules".to_owned(),
                at => format!("rules.{at}"),
            },
            message: error.to_string(),
        })?;
        let rules = Arc::new(rules);
        self.last = Some(rules.clone());
        Ok(rules)
    }
}

impl BulkCase {
    pub fn decide(&self, stamp: DecisionStamp) -> Decided {
        make_decision(
            &self.input,
            &self.hall.basis(&self.rules, &self.task_id),
            stamp,
        )
    }
}

/// Answers one line: `{"id", "decision"}`, or `{"id", "error": {"field",
/// "message"}}` where it holds no case. `id` is whatever the line has there,
/// `null` if nothing or nothing legible. `decide` takes the decision, and may
/// record it.
pub fn answer_line(
    reader: &mut CaseReader,
    line: &[u8],
    decide: impl FnOnce(&BulkCase) -> Value,
) -> Value {
    let (id, case) = reader.read_line(line);
    match case {
        Ok(case) => answer(id, Ok(decide(&case))),
        Err(error) => answer(id, Err(&error)),
    }
}

impl CaseReader {
    /// Reads a line: its `id`, `null` if it has none or nothing is legible, and
    /// its case.
    pub fn read_line(&mut self, line: &[u8]) -> (Value, Result<BulkCase, CaseError>) {
        let (id, parsed) = of_line(line);
        (id, parsed.and_then(|value| self.read(&value)))
    }

    /// The same of a line that may have no rules, where a Hall is given.
    pub fn read_request_line(&mut self, line: &[u8]) -> (Value, Result<BulkRequest, CaseError>) {
        let (id, parsed) = of_line(line);
        (id, parsed.and_then(|value| self.read_request(&value)))
    }
}

fn of_line(line: &[u8]) -> (Value, Result<Value, CaseError>) {
    let parsed = parse(line).map_err(|error| CaseError {
        field: String::new(),
        message: error.to_string(),
    });
    let id = parsed.as_ref().ok().and_then(|value| value.get("id"));
    (id.cloned().unwrap_or(Value::Null), parsed)
}

impl CaseError {
    /// That of a line over the limit, which was not read.
    pub fn line_too_long(bytes: u64) -> CaseError {
        let limit = limits::LINE_BYTES;
        CaseError {
            field: String::new(),
            message: format!("a line of {bytes} bytes; the limit is {limit}"),
        }
    }
}

/// `{"id", "decision"}` or `{"id", "error": {"field", "message"}}`.
pub fn answer(id: Value, answer: Result<Value, &CaseError>) -> Value {
    let (key, value) = match answer {
        Ok(decision) => ("decision", decision),
        Err(error) => {
            let members = [("field", &error.field), ("message", &error.message)];
            let members = members.map(|(key, text)| (key, text.as_str()));
            ("error", Value::Object(members.into_iter().collect()))
        }
    };
    Value::Object([("id", id), (key, value)].into_iter().collect())
}

/// `{"decision", "id", "receipt"}` as canonical text, of a decision that is text
/// already; without the receipt where nothing is recorded.
pub fn answer_text(id: &Value, decision: &[u8], receipt: Option<&impl Serialize>) -> Vec<u8> {
    let mut text = Vec::with_capacity(decision.len() + 1_024);
    text.extend_from_slice(b"{\"decision\":");
    text.extend_from_slice(decision);
    text.extend_from_slice(b",\"id\":");
    id.write_canonical(Form::Utf8, &mut text);
    if let Some(receipt) = receipt {
        text.extend_from_slice(b",\"receipt\":");
        shape::write_text(receipt, &mut text);
    }
    text.push(b'}');
    text
}

/// How a bulk run ended early.
#[derive(Debug, thiserror::Error)]
pub enum BulkError {
    #[error("cannot read the requests: {0}")]
    Read(#[source] io::Error),
    #[error("cannot write the answers: {0}")]
    Write(#[source] io::Error),
}

/// Answers every line of `requests` in order, one a line; blank lines are
/// passed over. `decide` takes each decision, and may record it. Gives the
/// number of lines that were answered.
///
/// # Errors
/// [`BulkError`]; the answers before it were written.
pub fn decide_lines(
    mut requests: impl BufRead,
    mut answers: impl Write,
    mut decide: impl FnMut(&BulkCase) -> Value,
) -> Result<u64, BulkError> {
    let mut reader = CaseReader::default();
    let mut answered = 0;
    while let Some(line) = read_line(&mut requests).map_err(BulkError::Read)? {
        let answer = match &line {
            Line::Whole { bytes, .. } if bytes.iter().all(u8::is_ascii_whitespace) => continue,
            Line::Whole { bytes, .. } => answer_line(&mut reader, bytes, &mut decide),
            Line::TooLong { bytes } => answer(Value::Null, Err(&CaseError::line_too_long(*bytes))),
        };
        let mut text = answer.canonical(Form::Utf8);
        text.push('\n');
        answers
            .write_all(text.as_bytes())
            .map_err(BulkError::Write)?;
        answered += 1;
        if line.is_endless() {
            break;
        }
    }
    answers.flush().map_err(BulkError::Write)?;
    Ok(answered)
}
