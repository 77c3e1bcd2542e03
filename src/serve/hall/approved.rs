//! Approvals that hold: each for one request of one task, once, until it expires.
//!
//! The ledger is what counts: an approval is an entry, and so is the decision
//! that used it. What stands here is found there when the Hall begins.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use crate::evidence::openings::plain_payload;
use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::time::Timestamp;
use crate::record::kind;
use crate::serve::error::ServeError;
use crate::store::Store;
use crate::store::query::{Filter, select};
use crate::wcp::RouteInput;

#[derive(Debug, Default)]
pub(in crate::serve) struct Approved {
    holding: Mutex<HashMap<String, Vec<Approval>>>,
    resolved: Mutex<HashSet<Hash>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::serve) struct Approval {
    entry: String,
    input_hash: String,
    task_id: String,
    expires: Timestamp,
}

impl Approval {
    pub(in crate::serve) fn entry(&self) -> &str {
        &self.entry
    }
}

impl Approved {
    /// Finds what was resolved, and which approvals were not used.
    pub(super) fn read(store: &dyn Store) -> Result<Approved, ServeError> {
        let approved = Approved::default();
        let filter = Filter {
            kinds: vec![kind::APPROVAL.to_owned()],
            ..Filter::default()
        };
        for item in select(store, &filter)? {
            let (seq, entry) = item?;
            let payload = plain_payload(store, seq, &entry).map_err(crate::api::Error::from)?;
            let correlation = text(&payload, "correlation_id").map(str::to_owned);
            let later = Filter {
                kinds: vec![kind::DECISION.to_owned()],
                correlation,
                denied: Some(false),
                from_seq: Some(seq),
                ..Filter::default()
            };
            approved.enter(&entry.hash(), &payload);
            for decision in select(store, &later)? {
                approved.forget_if_used(&decision?.1);
            }
        }
        Ok(approved)
    }

    /// Takes up the payload of an approval.
    pub(super) fn enter(&self, entry: &Hash, payload: &Object) {
        let denied = text(payload, "denied").map(Hash::from_hex);
        let verdict = text(payload, "verdict");
        if let (Some(Ok(denied)), Some("approve" | "deny")) = (denied, verdict) {
            self.lock_resolved().insert(denied);
        }
        let expires = text(payload, "expires").map(Timestamp::parse_canonical);
        // One of an earlier release names no task, and so holds for none.
        if let (Some("approve"), Some(input_hash), Some(task_id), Some(Ok(expires))) = (
            verdict,
            text(payload, "input_hash"),
            text(payload, "task_id"),
            expires,
        ) {
            self.give_back(Approval {
                entry: entry.to_string(),
                input_hash: input_hash.to_owned(),
                task_id: task_id.to_owned(),
                expires,
            });
        }
    }

    /// Whether no approval is held.
    pub(super) fn is_empty(&self) -> bool {
        self.lock_holding().is_empty()
    }

    /// An approval of this request, in this task, that holds at `now`. It is the caller's
    /// until it is given back.
    pub(super) fn take(
        &self,
        input: &RouteInput,
        task_id: &str,
        now: Timestamp,
    ) -> Option<Approval> {
        let mut holding = self.lock_holding();
        // Few requests were ever approved: of all others no hash is needed.
        if holding.is_empty() {
            return None;
        }
        for held in holding.values_mut() {
            held.retain(|approval| now < approval.expires);
        }
        holding.retain(|_, held| !held.is_empty());
        let held = holding.get_mut(&input.artifact_hash())?;
        let at = held
            .iter()
            .position(|approval| approval.task_id == task_id)?;
        Some(held.swap_remove(at))
    }

    pub(super) fn give_back(&self, approval: Approval) {
        let mut holding = self.lock_holding();
        let held = holding.entry(approval.input_hash.clone()).or_default();
        held.push(approval);
    }

    /// Whether a denial was approved or denied for good.
    pub(super) fn is_resolved(&self, denied: &Hash) -> bool {
        self.lock_resolved().contains(denied)
    }

    fn forget_if_used(&self, decision: &Entry) {
        let payload = decision.check_payload().unwrap_or_default();
        let answers = payload.get("answers");
        let used = answers.and_then(|answers| answers.get("approval"));
        if let Some(used) = used.and_then(Value::as_str) {
            for held in self.lock_holding().values_mut() {
                held.retain(|approval| approval.entry != used);
            }
        }
    }

    fn lock_holding(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<Approval>>> {
        self.holding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_resolved(&self) -> std::sync::MutexGuard<'_, HashSet<Hash>> {
        self.resolved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn text<'o>(object: &'o Object, name: &str) -> Option<&'o str> {
    object.get(name).and_then(Value::as_str)
}
