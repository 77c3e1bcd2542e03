//! Rules that can never match, because an earlier one always does.

use std::collections::HashMap;
use std::sync::Arc;

use super::condition::{Condition, Field};
use super::rule::Rule;
use super::rule_set::RuleSet;
use crate::ledger::json::{Object, Value};
use crate::ledger::limits;

/// Rule `shadowing` stands before rule `shadowed` and covers all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadow {
    /// The earlier rule.
    pub shadowing_rule_id: Arc<str>,
    /// The later rule, which never matches.
    pub shadowed_rule_id: Arc<str>,
    /// Why.
    pub reason: ShadowReason,
}

/// How a rule covers a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShadowReason {
    /// Both match the same requests.
    #[error("the conditions are the same")]
    Equal,
    /// The earlier one matches all that the later one does, and more.
    #[error("every condition of the earlier rule covers that of the later one")]
    Covered,
}

impl Shadow {
    /// `{"shadowing_rule_id", "shadowed_rule_id", "reason"}`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let members: Object = [
            ("shadowing_rule_id", self.shadowing_rule_id.to_string()),
            ("shadowed_rule_id", self.shadowed_rule_id.to_string()),
            ("reason", self.reason.to_string()),
        ]
        .into_iter()
        .collect();
        Value::Object(members)
    }
}

/// The shadows in a rule set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shadows {
    /// By position of the shadowing rule, then of the shadowed one; not more
    /// than [`limits::REPORTED`], since ten thousand equal rules have fifty
    /// million pairs.
    pub pairs: Vec<Shadow>,
    /// How many pairs there are.
    pub total: usize,
}

impl Shadows {
    /// What `rules lint` prints: a list of shadows, empty if all is well.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::Array(self.pairs.iter().map(Shadow::to_value).collect())
    }
}

/// Finds rules that shadow later ones: every pair, by position of the
/// shadowing rule, then of the shadowed one.
#[must_use]
pub fn detect_shadow_rules(rules: &RuleSet) -> &[Shadow] {
    &rules.shadows().pairs
}

/// Quadratic at worst, at a few nanoseconds a pair: conditions are compared as
/// numbers first, and a rule for one capability meets only its own kind.
pub(super) fn find_shadows(rules: &[Rule]) -> Shadows {
    let compact = Compact::of(rules);
    let everything: Vec<usize> = (0..rules.len()).collect();
    let mut shadows = Shadows::default();
    for (earlier, rule) in rules.iter().enumerate() {
        // A scalar covers an equal scalar alone.
        let fellows = match rule.condition(Field::CapabilityId) {
            Some(Condition::Exact(capability)) => compact.fellows(capability),
            _ => &everything,
        };
        let later = fellows.partition_point(|&index| index <= earlier);
        for &later in fellows.get(later..).unwrap_or_default() {
            if !compact.covers(earlier, later) {
                continue;
            }
            shadows.total += 1;
            let Some(shadowed) = rules.get(later) else {
                continue;
            };
            if shadows.pairs.len() < limits::REPORTED {
                shadows.pairs.push(Shadow {
                    shadowing_rule_id: rule.rule_id.clone(),
                    shadowed_rule_id: shadowed.rule_id.clone(),
                    reason: match rule.conditions == shadowed.conditions {
                        true => ShadowReason::Equal,
                        false => ShadowReason::Covered,
                    },
                });
            }
        }
    }
    shadows
}

/// The conditions of rules, each distinct one kept once and known by a number.
struct Compact<'r> {
    /// One row a rule, one column a field.
    rows: Vec<[u32; Field::ALL.len()]>,
    distinct: Vec<&'r Condition>,
    by_capability: HashMap<&'r str, Vec<usize>>,
}

/// The number of "no condition".
const ABSENT: u32 = u32::MAX;

impl<'r> Compact<'r> {
    fn of(rules: &'r [Rule]) -> Compact<'r> {
        let mut numbers = HashMap::new();
        let mut compact = Compact {
            rows: Vec::with_capacity(rules.len()),
            distinct: Vec::new(),
            by_capability: HashMap::new(),
        };
        for (index, rule) in rules.iter().enumerate() {
            let row = Field::ALL.map(|field| {
                let Some(condition) = rule.condition(field) else {
                    return ABSENT;
                };
                *numbers.entry(condition).or_insert_with(|| {
                    compact.distinct.push(condition);
                    (compact.distinct.len() - 1) as u32
                })
            });
            compact.rows.push(row);
            if let Some(Condition::Exact(capability)) = rule.condition(Field::CapabilityId) {
                compact
                    .by_capability
                    .entry(capability)
                    .or_default()
                    .push(index);
            }
        }
        compact
    }

    fn fellows(&self, capability: &str) -> &[usize] {
        self.by_capability
            .get(capability)
            .map_or(&[], Vec::as_slice)
    }

    fn covers(&self, earlier: usize, later: usize) -> bool {
        let (Some(wide), Some(narrow)) = (self.rows.get(earlier), self.rows.get(later)) else {
            return false;
        };
        // A field that the earlier rule leaves out covers everything.
        let mut columns = wide.iter().zip(narrow);
        columns.all(|(&wide, &narrow)| wide == ABSENT || wide == narrow || self.wider(wide, narrow))
    }

    fn wider(&self, wide: u32, narrow: u32) -> bool {
        let condition = |number| self.distinct.get(usize::try_from(number).ok()?);
        match (condition(wide), condition(narrow)) {
            (Some(Condition::Any), _) => true,
            (Some(wide), Some(narrow)) => wide.covers(narrow),
            _ => false,
        }
    }
}
