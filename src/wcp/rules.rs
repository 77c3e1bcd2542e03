//! Loading rules.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::rule::{Rule, RuleProblem};
use super::rule_set::RuleSet;
use crate::ledger::json::Value;
use crate::ledger::limits;
use crate::ledger::parse::{ParseError, parse};
use crate::ledger::shape::{self, MemberError, MemberProblem};

/// Why rules were not loaded.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    #[error("cannot read the rules: {0}")]
    Unreadable(#[source] io::Error),
    #[error("the rules are not JSON: {0}")]
    NotJson(#[source] ParseError),
    #[error("not a rules document: {0}")]
    Document(#[source] MemberError),
    #[error("rule {index}{}: {problem}", named(rule_id))]
    Rule {
        index: usize,
        rule_id: Option<String>,
        problem: RuleProblem,
    },
}

fn named(rule_id: &Option<String>) -> String {
    rule_id
        .as_ref()
        .map_or(String::new(), |id| format!(" (\"{id}\")"))
}

impl RulesError {
    /// The path in the document, such as `rules[3].match.env`; empty where the
    /// file as a whole is at fault.
    pub fn at(&self) -> String {
        match self {
            RulesError::Unreadable(_) | RulesError::NotJson(_) => String::new(),
            RulesError::Document(error) => error.at.clone(),
            RulesError::Rule { index, problem, .. } => match problem.at() {
                at if at.is_empty() => format!("rules[{index}]"),
                at => format!("rules[{index}].{at}"),
            },
        }
    }
}

/// Loads rules from a JSON file of at most 20 MiB with a top-level list
/// `rules`.
pub fn load_rules(path: &Path) -> Result<RuleSet, RulesError> {
    let mut text = Vec::new();
    let file = File::open(path).map_err(RulesError::Unreadable)?;
    // One byte more than the reader takes, so that it refuses what is longer.
    file.take(limits::LINE_BYTES as u64 + 1)
        .read_to_end(&mut text)
        .map_err(RulesError::Unreadable)?;
    let document = parse(&text).map_err(RulesError::NotJson)?;
    load_rules_from_dict(&document)
}

fn rule_list(document: &Value) -> Result<&[Value], MemberError> {
    let list = shape::given(shape::members(document)?, "rules")?;
    let wrong = || MemberProblem::WrongType {
        expected: "an array".into(),
    };
    let list = list.as_array();
    list.ok_or_else(|| MemberError::from(wrong()).inside("rules"))
}

/// Loads rules from a document that is read already. Members beside `rules`
/// are let pass.
pub fn load_rules_from_dict(document: &Value) -> Result<RuleSet, RulesError> {
    let items = rule_list(document).map_err(RulesError::Document)?;
    let mut rules = Vec::with_capacity(items.len());
    let mut seen = HashMap::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let refused = |problem| RulesError::Rule {
            index,
            rule_id: item
                .get("rule_id")
                .and_then(Value::as_str)
                .map(str::to_owned),
            problem,
        };
        let rule = Rule::read(item).map_err(refused)?;
        if let Some(earlier) = seen.insert(rule.rule_id.clone(), index) {
            return Err(refused(RuleProblem::DuplicateId { earlier }));
        }
        rules.push(rule);
    }
    Ok(RuleSet::new(document.clone(), rules))
}
