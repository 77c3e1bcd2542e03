//! Rules that can never match, because an earlier one always does.

use std::collections::HashMap;
use std::sync::Arc;

use super::condition::{Condition, RequestField};
use super::rule::Rule;
use super::sketch::sketch;
use crate::ledger::json::{Object, Value};
use crate::ledger::limits;

/// Rule `shadowing` stands before rule `shadowed` and covers all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadow {
    pub shadowing_rule_id: Arc<str>,
    /// The later rule, which never matches.
    pub shadowed_rule_id: Arc<str>,
    pub reason: ShadowReason,
}

/// How a rule covers a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShadowReason {
    #[error("the conditions are the same")]
    Equal,
    #[error("every condition of the earlier rule covers that of the later one")]
    Covered,
}

impl Shadow {
    /// `{"shadowing_rule_id", "shadowed_rule_id", "reason"}`.
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

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shadows {
    /// By position of the shadowing rule, then of the shadowed one; not more
    /// than [`limits::REPORTED`], since ten thousand equal rules have fifty
    /// million pairs.
    pub pairs: Vec<Shadow>,
    pub total: usize,
}

impl Shadows {
    /// What `rules lint` prints: a list of shadows, empty if all is well.
    pub fn to_value(&self) -> Value {
        Value::Array(self.pairs.iter().map(Shadow::to_value).collect())
    }
}

/// Quadratic at worst, at a nanosecond or two a pair: conditions are compared
/// as numbers first, and a rule for one capability meets only its own kind.
pub(super) fn find_shadows(rules: &[Rule]) -> Shadows {
    let table = ConditionTable::of(rules);
    let everything: Vec<usize> = (0..rules.len()).collect();
    let mut shadows = Shadows::default();
    for (earlier, rule) in rules.iter().enumerate() {
        // A scalar covers an equal scalar alone.
        let fellows = match rule.condition(RequestField::CapabilityId) {
            Some(Condition::Exact(capability)) => table.fellows(capability),
            _ => &everything,
        };
        let demands = table.demands(rule);
        let later = fellows.partition_point(|&index| index <= earlier);
        for &later in fellows.get(later..).unwrap_or_default() {
            if !demands.iter().all(|demand| demand.covers(later)) {
                continue;
            }
            shadows.total += 1;
            if let Some(shadowed) = rules.get(later)
                && shadows.pairs.len() < limits::REPORTED
            {
                shadows.pairs.push(Shadow::of(rule, shadowed));
            }
        }
    }
    shadows
}

impl Shadow {
    fn of(shadowing: &Rule, shadowed: &Rule) -> Shadow {
        Shadow {
            shadowing_rule_id: shadowing.rule_id.clone(),
            shadowed_rule_id: shadowed.rule_id.clone(),
            reason: match shadowing.conditions == shadowed.conditions {
                true => ShadowReason::Equal,
                false => ShadowReason::Covered,
            },
        }
    }
}

struct ConditionTable<'r> {
    numbers: HashMap<&'r Condition, u32>,
    columns: [Vec<Cell<'r>>; RequestField::ALL.len()],
    by_capability: HashMap<&'r str, Vec<usize>>,
}

struct Cell<'r> {
    condition: Option<&'r Condition>,
    /// Of the condition; [`ABSENT`] for none.
    number: u32,
    /// Of the condition; everything for what no list covers.
    sketch: u64,
}

/// The number of "no condition".
const ABSENT: u32 = u32::MAX;

/// What a rule demands of a later one to shadow it, on one field.
struct Demand<'t> {
    column: &'t [Cell<'t>],
    number: u32,
    /// For a list, which covers others than its equal.
    list: Option<(&'t Condition, u64)>,
}

impl<'r> ConditionTable<'r> {
    fn of(rules: &'r [Rule]) -> ConditionTable<'r> {
        let mut table = ConditionTable {
            numbers: HashMap::new(),
            columns: RequestField::ALL.map(|_| Vec::with_capacity(rules.len())),
            by_capability: HashMap::new(),
        };
        for (index, rule) in rules.iter().enumerate() {
            for (field, column) in RequestField::ALL.into_iter().zip(&mut table.columns) {
                let condition = rule.condition(field);
                let next = u32::try_from(table.numbers.len()).unwrap_or(ABSENT);
                let number =
                    condition.map(|condition| *table.numbers.entry(condition).or_insert(next));
                column.push(Cell {
                    condition,
                    number: number.unwrap_or(ABSENT),
                    sketch: match condition {
                        Some(condition @ (Condition::Exact(_) | Condition::In(_))) => {
                            sketch(condition)
                        }
                        _ => u64::MAX,
                    },
                });
            }
            if let Some(Condition::Exact(capability)) = rule.condition(RequestField::CapabilityId) {
                let fellows = table.by_capability.entry(capability);
                fellows.or_default().push(index);
            }
        }
        table
    }

    fn fellows(&self, capability: &str) -> &[usize] {
        self.by_capability
            .get(capability)
            .map_or(&[], Vec::as_slice)
    }

    /// A field that the rule leaves out, or takes any value of, covers
    /// everything and demands nothing.
    fn demands(&self, rule: &'r Rule) -> Vec<Demand<'_>> {
        let columns = RequestField::ALL.into_iter().zip(&self.columns);
        let demands = columns.filter_map(|(field, column)| {
            let condition = rule.condition(field)?;
            let list = match condition {
                Condition::Any => return None,
                Condition::In(_) => Some((condition, sketch(condition))),
                Condition::Exact(_) | Condition::NotAny | Condition::Empty => None,
            };
            let number = *self.numbers.get(condition)?;
            Some(Demand {
                column,
                number,
                list,
            })
        });
        demands.collect()
    }
}

impl Demand<'_> {
    fn covers(&self, later: usize) -> bool {
        let Some(cell) = self.column.get(later) else {
            return false;
        };
        let covered_by_list = |(list, sketch): (&Condition, u64)| {
            // A value whose bit the list has not is not in the list.
            cell.sketch & !sketch == 0 && cell.condition.is_some_and(|c| list.covers(c))
        };
        cell.number == self.number || self.list.is_some_and(covered_by_list)
    }
}
