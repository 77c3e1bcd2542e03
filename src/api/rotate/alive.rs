//! What is alive in a book passes over to the one that continues it: workers that
//! were enrolled in it, submitted and confirmed hashes, reports, bans, revocations,
//! approvals that hold, denials that wait for a human with what they were taken from,
//! and under what the last Hall decided.
//!
//! Each is an entry as it was, with `carried` beside: where the original stands.

use std::collections::{BTreeMap, HashSet};
use std::sync::mpsc::sync_channel;

use crate::ledger::document::Mentions;
use crate::ledger::entry::Entry;
use crate::ledger::json::{Form, Object, Value};
use crate::ledger::position::Seq;
use crate::ledger::time::Timestamp;
use crate::logbook::Closed;
use crate::logbook::error::LogbookError;
use crate::logbook::request::{PreparedEntry, Submission};
use crate::record::decided_under::{last_reload, named_in_reload};
use crate::record::kind;
use crate::store::Store;
use crate::store::query::{Filter, select};

use super::super::{Error, Ledger};

/// Denials that wait for a human are looked for among so many of the last ones.
const LOOKED_AT: u64 = 10_000;

const WANT_A_HUMAN: [&str; 2] = ["DENY_REQUIRES_HUMAN", "DENY_REQUIRES_HUMAN_APPROVAL"];

/// Entries of the old book that are alive, in its order, ready for the new one.
pub(super) fn of(
    old: &dyn Store,
    end: &Closed,
    now: Timestamp,
) -> Result<Vec<(String, Object)>, Error> {
    let mut alive: BTreeMap<Seq, (String, Object)> = BTreeMap::new();
    workers(old, &mut alive)?;
    approvals(old, now, &mut alive)?;
    // What changes from here on is told against it.
    if let Some((seq, entry)) = last_reload(old)?
        && let Ok(payload) = entry.check_payload()
    {
        alive.insert(seq, (kind::RELOAD.to_owned(), payload));
    }
    let mut carried = Vec::new();
    let mut documents = HashSet::new();
    for (seq, (kind, mut payload)) in alive {
        let entry = crate::logbook::entry_at(old, seq)?;
        for digest in Mentions::of(&entry)
            .refers
            .into_iter()
            .chain(named_in_reload(&payload))
        {
            let named = digest.to_string();
            if documents.insert(named.clone())
                && let Some(document) = document(old, named)?
            {
                carried.push((kind::DOCUMENT.to_owned(), document));
            }
        }
        let mut place = Object::new();
        place.insert("log", end.log.to_string());
        place.insert("seq", seq.0);
        place.insert("hash", entry.hash().to_string());
        // One that was carried before names its first place.
        if !payload.contains_key("carried") {
            payload.insert("carried", place);
        }
        carried.push((kind, payload));
    }
    Ok(carried)
}

/// Records them together or not at all: what is interrupted begins again.
pub(super) fn carry(entries: &[(String, Object)], new: &Ledger) -> Result<(), Error> {
    let prepared = entries.iter();
    let prepared = prepared.map(|(kind, payload)| PreparedEntry::new(kind, payload));
    let prepared = prepared.collect::<Result<Vec<_>, _>>()?;
    let (sender, answer) = sync_channel(1);
    let submission = Submission::whole(prepared, None, move |said| {
        // It is waited for below.
        let _ = sender.send(said);
    });
    new.logbook()?.submit_all(vec![submission]);
    answer.recv().map_err(|_| LogbookError::Stopped)??;
    Ok(())
}

/// The last word on each worker, hash and namespace.
fn workers(old: &dyn Store, alive: &mut BTreeMap<Seq, (String, Object)>) -> Result<(), Error> {
    let kinds = [
        (kind::ENROLMENT, &["worker_id"][..]),
        (kind::SUBMISSION, &["worker_id"]),
        (kind::CONFIRMATION, &["worker_id"]),
        (kind::REVOCATION, &["worker_id"]),
        (kind::REPORT, &["sha256"]),
        (kind::BAN, &["sha256", "worker_id", "namespace"]),
    ];
    let filter = Filter {
        kinds: kinds.iter().map(|(kind, _)| (*kind).to_owned()).collect(),
        ..Filter::default()
    };
    let mut last: BTreeMap<String, Seq> = BTreeMap::new();
    for item in select(old, &filter)? {
        let (seq, entry) = item?;
        let Ok(payload) = entry.check_payload() else {
            continue;
        };
        let named = kinds.iter().find(|(kind, _)| *kind == entry.kind());
        let Some((kind, names)) = named else { continue };
        let is = |name, value: bool| payload.get(name) == Some(&Value::from(value));
        // What only says that something was refused, or is kept elsewhere.
        let kept = payload.get("kept_in").and_then(Value::as_str);
        if *kind == kind::ENROLMENT && (!is("enrolled", true) || kept == Some("folder")) {
            continue;
        }
        let subject: Vec<String> = names
            .iter()
            .map(|name| {
                payload
                    .get(name)
                    .map_or(String::new(), |it| it.canonical(Form::Utf8))
            })
            .collect();
        let key = format!("{kind} {}", subject.join(" "));
        // The first report of a hash stands, of all else the last word.
        if *kind == kind::REPORT && last.contains_key(&key) {
            continue;
        }
        if let Some(before) = last.insert(key, seq) {
            alive.remove(&before);
        }
        let over = *kind == kind::BAN && is("banned", false)
            || *kind == kind::REVOCATION && is("revoked", false);
        if !over {
            alive.insert(seq, (entry.kind().to_owned(), payload));
        }
    }
    Ok(())
}

/// Approvals that hold and were not used, and denials that nobody has answered.
fn approvals(
    old: &dyn Store,
    now: Timestamp,
    alive: &mut BTreeMap<Seq, (String, Object)>,
) -> Result<(), Error> {
    let of_kind = |name: &str| Filter {
        kinds: vec![name.to_owned()],
        ..Filter::default()
    };
    let mut resolved = HashSet::new();
    let mut holding: BTreeMap<String, (Seq, Object)> = BTreeMap::new();
    for item in select(old, &of_kind(kind::APPROVAL))? {
        let (seq, entry) = item?;
        let Ok(payload) = entry.check_payload() else {
            continue;
        };
        let text = |name| payload.get(name).and_then(Value::as_str);
        if matches!(text("verdict"), Some("approve" | "deny")) {
            resolved.extend(text("denied").map(str::to_owned));
        }
        let expires = text("expires").map(Timestamp::parse_canonical);
        let holds = expires.is_some_and(|expires| expires.is_ok_and(|expires| now < expires));
        if text("verdict") == Some("approve") && holds {
            holding.insert(entry.hash().to_string(), (seq, payload));
        }
    }
    let decisions = Filter {
        reverse: true,
        limit: Some(LOOKED_AT),
        ..of_kind(kind::DECISION)
    };
    for item in select(old, &decisions)? {
        let (seq, entry) = item?;
        let Ok(payload) = entry.check_payload() else {
            continue;
        };
        let used = payload
            .get("answers")
            .and_then(|answers| answers.get("approval"));
        if let Some(used) = used.and_then(Value::as_str) {
            holding.remove(used);
        }
        if wants_a_human(&entry, &payload) && !resolved.contains(&entry.hash().to_string()) {
            alive.insert(seq, (entry.kind().to_owned(), payload));
        }
    }
    for (seq, payload) in holding.into_values() {
        alive.insert(seq, (kind::APPROVAL.to_owned(), payload));
    }
    Ok(())
}

fn wants_a_human(entry: &Entry, payload: &Object) -> bool {
    let decision = payload.get("decision");
    let reason = decision.and_then(|decision| decision.get("deny_reason_if_denied"));
    let code = reason
        .and_then(|reason| reason.get("code"))
        .and_then(Value::as_str);
    entry.kind() == kind::DECISION && code.is_some_and(|code| WANT_A_HUMAN.contains(&code))
}

/// The payload of the document of this name.
fn document(old: &dyn Store, digest: String) -> Result<Option<Object>, Error> {
    let filter = Filter {
        kinds: vec![kind::DOCUMENT.to_owned()],
        document: Some(digest),
        limit: Some(1),
        ..Filter::default()
    };
    match select(old, &filter)?.next() {
        Some(item) => Ok(item?.1.check_payload().ok()),
        None => Ok(None),
    }
}
