//! Counts of entries by what they can be found by, in bounded memory.

use std::collections::BTreeMap;

use crate::ledger::entry::Entry;
use crate::ledger::json::{Object, Value};
use crate::ledger::parse::parse;
use crate::ledger::position::Seq;
use crate::ledger::time::Timestamp;

use super::facts::Facts;
use super::term::SearchField;

/// Values of one sort that are told apart. Entries with later ones are counted
/// together.
pub const TOLD_APART: usize = 10_000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub entries: u64,
    pub range: Option<(Seq, Seq)>,
    pub kinds: GroupCounts<String>,
    /// By tenant. An entry that names several counts for each.
    pub tenants: GroupCounts<String>,
    /// By tenant where `tenant_id` is not a string, as its canonical JSON.
    pub tenants_json: GroupCounts<String>,
    /// Entries that name no tenant.
    pub no_tenant: u64,
    pub denied: u64,
    /// By the code of the reason, where an entry that was denied names one.
    pub reasons: GroupCounts<String>,
    /// Entries that say they were not.
    pub not_denied: u64,
    pub hours: GroupCounts<Timestamp>,
    /// The same of those that say they were denied.
    pub denied_hours: GroupCounts<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupCounts<K> {
    /// The values that came first, and how many entries have each: exact.
    pub of: BTreeMap<K, u64>,
    /// How many entries have a value that is not among them.
    pub others: u64,
}

impl<K> Default for GroupCounts<K> {
    fn default() -> Self {
        GroupCounts {
            of: BTreeMap::new(),
            others: 0,
        }
    }
}

impl<K: Ord> GroupCounts<K> {
    fn add<Q>(&mut self, value: &Q)
    where
        Q: Ord + ToOwned<Owned = K> + ?Sized,
        K: std::borrow::Borrow<Q>,
    {
        if let Some(count) = self.of.get_mut(value) {
            *count += 1;
        } else if self.of.len() < TOLD_APART {
            self.of.insert(value.to_owned(), 1);
        } else {
            self.others += 1;
        }
    }
}

impl Stats {
    /// Counts one more entry. Entries come in the order of the log or against
    /// it.
    pub fn add(&mut self, seq: Seq, entry: &Entry) {
        self.entries += 1;
        let (first, last) = self.range.unwrap_or((seq, seq));
        self.range = Some((first.min(seq), last.max(seq)));
        self.hours.add(&entry.ts().hour_start());
        let facts = Facts::of(entry);
        let mut has_tenant = false;
        for (field, value) in facts.values() {
            match field {
                SearchField::Kind => self.kinds.add(value),
                SearchField::Tenant => {
                    has_tenant = true;
                    self.tenants.add(value);
                }
                SearchField::TenantJson => {
                    has_tenant = true;
                    self.tenants_json.add(value);
                }
                SearchField::Denied if value == "true" => {
                    self.denied += 1;
                    self.denied_hours.add(&entry.ts().hour_start());
                    if let Some(reason) = reason_of(entry) {
                        self.reasons.add(reason.as_str());
                    }
                }
                SearchField::Denied => self.not_denied += 1,
                _ => {}
            }
        }
        self.no_tenant += u64::from(!has_tenant);
    }
}

/// The code of the reason that a denied entry names: a decision's, or `deny_code`.
fn reason_of(entry: &Entry) -> Option<String> {
    let payload = parse(entry.payload_bytes()).ok()?;
    let payload = payload.as_object()?;
    let inner = ["decision", "body"]
        .into_iter()
        .filter_map(|name| payload.get(name));
    let holders = inner.filter_map(Value::as_object).chain([payload]);
    let code = |holder: &Object| {
        let reason = holder
            .get("deny_reason_if_denied")
            .and_then(Value::as_object);
        let code = reason.and_then(|reason| reason.get("code"));
        let code = code.or_else(|| holder.get("deny_code"))?;
        code.as_str().map(str::to_owned)
    };
    holders.into_iter().find_map(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_beyond_the_bound_are_counted_together_and_the_others_stay_exact() {
        let mut counts = GroupCounts::default();
        for round in 0..3 {
            for n in 0..TOLD_APART + 5 {
                counts.add(format!("{n:06}").as_str());
            }
            assert_eq!(counts.of.len(), TOLD_APART);
            assert_eq!(counts.others, 5 * (round + 1));
        }
        assert!(counts.of.values().all(|count| *count == 3));
        assert_eq!(
            counts.of.last_key_value().map(|(k, _)| k.as_str()),
            Some("009999")
        );
    }
}
