//! Rules prepared once a load, so that a request costs the same however many
//! there are.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::condition::{Condition, RequestField};
use super::input::RouteInput;
use super::rule::Rule;
use super::shadow::{Shadow, Shadows, find_shadows};
use super::sketch::{sketch, sketch_bit};
use super::terms::{DataLabel, Env, QoSClass, TenantRisk};
use crate::ledger::json::Value;

/// Routing rules in order, with unique ids, compiled.
#[derive(Debug)]
pub struct RuleSet {
    /// What the rules were read from: a record of a decision needs the whole.
    document: Value,
    rules: Vec<Rule>,
    /// What each rule can be passed over by, without a look at it.
    screens: Vec<Screen>,
    /// Whether any of them has a condition on a tenant or a correlation id.
    open: bool,
    by_capability: HashMap<String, Vec<u32>>,
    any_capability: Vec<u32>,
    shadows: OnceLock<Shadows>,
}

/// The part of a rule that is compared first. A rule that it lets through may
/// still not match; one that it does not, does not.
#[derive(Clone, Copy, Debug)]
struct Screen {
    mask: Mask,
    /// The tenants that it may let through.
    tenant: u64,
    /// The correlation ids that it may let through.
    correlation: u64,
}

/// One bit for each value of `env`, `data_label`, `tenant_risk` and
/// `qos_class`: a rule lets a request through if it has all of its four bits.
type Mask = u16;

impl RuleSet {
    /// Compiles rules whose ids are unique, and keeps what they were read from.
    pub(super) fn new(document: Value, rules: Vec<Rule>) -> RuleSet {
        let mut by_capability: HashMap<String, Vec<u32>> = HashMap::new();
        let mut any_capability = Vec::new();
        for (index, rule) in (0..).zip(&rules) {
            let mut file = |capability: &str| match by_capability.get_mut(capability) {
                Some(list) => list.push(index),
                None => drop(by_capability.insert(capability.to_owned(), vec![index])),
            };
            match rule.condition(RequestField::CapabilityId) {
                None | Some(Condition::Any) => any_capability.push(index),
                Some(Condition::Exact(capability)) => file(capability),
                Some(Condition::In(capabilities)) => capabilities.iter().for_each(|c| file(c)),
                // They let nothing through.
                Some(Condition::NotAny | Condition::Empty) => {}
            }
        }
        RuleSet {
            open: rules
                .iter()
                .any(|rule| open_conditions(rule).next().is_some()),
            screens: rules.iter().map(Screen::of).collect(),
            document,
            rules,
            by_capability,
            any_capability,
            shadows: OnceLock::new(),
        }
    }

    /// The document that the rules were read from, with everything in it.
    pub const fn document(&self) -> &Value {
        &self.document
    }

    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    pub fn first_match(&self, input: &RouteInput) -> Option<&Rule> {
        let wanted = input_mask(input);
        // Most sets have no such condition, and need no sketch.
        let bit = |value| {
            if self.open {
                sketch_bit(value)
            } else {
                u64::MAX
            }
        };
        let (tenant, correlation) = (bit(&input.tenant_id), bit(&input.correlation_id));
        let named = self.by_capability.get(&input.capability_id);
        let named = named.map_or(&[][..], Vec::as_slice);
        in_order(named, &self.any_capability).find_map(|index| {
            let index = usize::try_from(index).ok()?;
            let screen = self.screens.get(index)?;
            let passes = screen.mask & wanted == wanted
                && screen.tenant & tenant != 0
                && screen.correlation & correlation != 0;
            let rule = self.rules.get(index).filter(|_| passes)?;
            open_conditions_hold(rule, input).then_some(rule)
        })
    }

    /// Which rules keep others from ever matching; computed at the first call.
    pub fn shadows(&self) -> &Shadows {
        self.shadows.get_or_init(|| find_shadows(&self.rules))
    }
}

/// The first rule of `rules` that matches `input`; `None` must be a denial.
pub fn route_first_match<'r>(rules: &'r RuleSet, input: &RouteInput) -> Option<&'r Rule> {
    rules.first_match(input)
}

fn in_order<'l>(mut left: &'l [u32], mut right: &'l [u32]) -> impl Iterator<Item = u32> + 'l {
    std::iter::from_fn(move || {
        let from_left = match (left.first(), right.first()) {
            (Some(l), Some(r)) => l <= r,
            (left, _) => left.is_some(),
        };
        let list = if from_left { &mut left } else { &mut right };
        let (&first, rest) = list.split_first()?;
        *list = rest;
        Some(first)
    })
}

/// Whether the conditions on fields that are not enumerated hold; that on the
/// capability holds by the index.
fn open_conditions_hold(rule: &Rule, input: &RouteInput) -> bool {
    open_conditions(rule).all(|(field, condition)| condition.matches(field.of(input)))
}

fn open_conditions(rule: &Rule) -> impl Iterator<Item = &(RequestField, Condition)> {
    let is_open = |field| matches!(field, RequestField::TenantId | RequestField::CorrelationId);
    rule.conditions
        .iter()
        .filter(move |(field, _)| is_open(*field))
}

impl Screen {
    fn of(rule: &Rule) -> Screen {
        let lets = |field| rule.condition(field).map_or(u64::MAX, sketch);
        Screen {
            mask: rule_mask(rule),
            tenant: lets(RequestField::TenantId),
            correlation: lets(RequestField::CorrelationId),
        }
    }
}

/// Finds rules that shadow later ones: every pair, by position of the
/// shadowing rule, then of the shadowed one.
pub fn detect_shadow_rules(rules: &RuleSet) -> &[Shadow] {
    &rules.shadows().pairs
}

fn input_mask(input: &RouteInput) -> Mask {
    1 << (input.env as u16)
        | 1 << (4 + input.data_label as u16)
        | 1 << (7 + input.tenant_risk as u16)
        | 1 << (10 + input.qos_class as u16)
}

fn rule_mask(rule: &Rule) -> Mask {
    let bits = |field: RequestField, first: u16, values: &mut dyn Iterator<Item = &'static str>| {
        let condition = rule.condition(field);
        let lets = |value| condition.is_none_or(|condition| condition.matches(value));
        (first..)
            .zip(values)
            .filter(|(_, value)| lets(value))
            .fold(0, |mask: Mask, (bit, _)| mask | 1 << bit)
    };
    let mut envs = Env::ALL.iter().map(|env| env.as_str());
    let mut labels = DataLabel::ALL.iter().map(|label| label.as_str());
    let mut risks = TenantRisk::ALL.iter().map(|risk| risk.as_str());
    let mut classes = QoSClass::ALL.iter().map(|class| class.as_str());
    bits(RequestField::Env, 0, &mut envs)
        | bits(RequestField::DataLabel, 4, &mut labels)
        | bits(RequestField::TenantRisk, 7, &mut risks)
        | bits(RequestField::QosClass, 10, &mut classes)
}
