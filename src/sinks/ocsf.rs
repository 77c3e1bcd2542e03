//! Events of the Open Cybersecurity Schema Framework (OCSF): the class follows from the
//! kind.
//!
//! What shows that an event was not changed is the entry itself, whole in `raw_data`. Its
//! link and signature stand in `unmapped.record_integrity` too, under the names that the
//! framework's profile of that name has from 1.9 on. That profile attests the event; here
//! the entry is attested, from which the event follows.

mod class;

use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Form, Object, Value};
use crate::ledger::position::Seq;
use crate::ledger::sha256::Sha256Digest;
use crate::producers;

use super::event::{EventOrigin, NamedParties};
use class::{API_ACTIVITY, COMPLIANCE_FINDING, Class, DETECTION_FINDING, ENTITY_MANAGEMENT};

/// The version of the schema.
pub(super) const VERSION: &str = "1.8.0";

const OTHER: u64 = 99;
const INFORMATIONAL: u64 = 1;
const MEDIUM: u64 = 3;
const HIGH: u64 = 4;

pub(super) fn event(
    about: &EventOrigin,
    seq: Seq,
    entry: &Entry,
    named: &NamedParties<'_>,
    whole: bool,
) -> Vec<u8> {
    let payload = entry.check_payload().unwrap_or_default();
    let class = Class::of(entry.kind(), &payload);
    let mut raw = Vec::with_capacity(entry.record().len() + 512);
    entry.write_json(Some(seq), &mut raw);
    let mut event = Object::new();
    event.insert("activity_id", class.activity);
    event.insert("activity_name", class.activity_name);
    event.insert("category_uid", class.category());
    event.insert("class_uid", class.uid);
    event.insert("type_uid", class.uid * 100 + class.activity);
    event.insert("time", millis(entry));
    event.insert("severity_id", severity(&class, named));
    let mut meta = metadata(about, seq, entry, named);
    if let Some(denied) = named.denied() {
        decided(&mut event, &class, denied, named);
        meta.insert("profiles", vec![Value::from("security_control")]);
    }
    let message = producers::find(entry.kind())
        .map(|kind| (kind.headline)(&payload))
        .filter(|words| !words.is_empty());
    event.insert("message", message.as_deref().unwrap_or(entry.kind()));
    match class.uid {
        API_ACTIVITY => api_activity(&mut event, &payload, named),
        COMPLIANCE_FINDING => compliance(&mut event, entry, named),
        DETECTION_FINDING => {
            event.insert("finding_info", finding(entry));
        }
        ENTITY_MANAGEMENT => {
            event.insert("entity", entity(&payload, named, &class));
        }
        _ => {}
    }
    match whole {
        true => {
            let mut digest = Object::new();
            digest.insert("algorithm", "SHA-256");
            digest.insert("algorithm_id", 3_u64);
            digest.insert("value", Sha256Digest::of(&raw).to_string());
            event.insert("raw_data_hash", digest);
            event.insert("raw_data", String::from_utf8(raw).unwrap_or_default());
        }
        false => {
            meta.insert("is_truncated", true);
            meta.insert("untruncated_size", raw.len() as u64);
        }
    }
    event.insert("metadata", meta);
    let mut unmapped = Object::new();
    unmapped.insert("record_integrity", integrity(about, entry));
    event.insert("unmapped", unmapped);
    let mut text = Vec::new();
    Value::Object(event).write_canonical(Form::Utf8, &mut text);
    text
}

fn millis(entry: &Entry) -> i64 {
    entry.ts().unix_micros().div_euclid(1_000)
}

fn severity(class: &Class, named: &NamedParties<'_>) -> u64 {
    match named.denied() {
        _ if class.uid == DETECTION_FINDING => HIGH,
        Some(true) => MEDIUM,
        _ => INFORMATIONAL,
    }
}

fn metadata(about: &EventOrigin, seq: Seq, entry: &Entry, named: &NamedParties<'_>) -> Object {
    let mut product = Object::new();
    product.insert("name", "sealbook");
    product.insert("vendor_name", "sealbook");
    product.insert("version", env!("CARGO_PKG_VERSION"));
    let mut meta = Object::new();
    meta.insert("version", VERSION);
    meta.insert("product", product);
    meta.insert("uid", entry.hash().to_string());
    meta.insert("sequence", seq.0);
    meta.insert("event_code", entry.kind());
    meta.insert("log_name", about.genesis.as_str());
    meta.insert("logged_time", millis(entry));
    meta.insert("original_time", entry.ts().to_string());
    for (member, text) in [("tenant_uid", "tenant"), ("correlation_uid", "correlation")] {
        if let Some(value) = named.text(text) {
            meta.insert(member, value);
        }
    }
    meta
}

/// What was decided, in the profile `security_control`.
fn decided(event: &mut Object, class: &Class, denied: bool, named: &NamedParties<'_>) {
    let (number, action, disposition) = match denied {
        true => (2_u64, "Denied", "Blocked"),
        false => (1, "Allowed", "Allowed"),
    };
    event.insert("action_id", number);
    event.insert("action", action);
    event.insert("disposition_id", number);
    event.insert("disposition", disposition);
    // A finding's status is how far its resolution has come.
    if !matches!(class.uid, COMPLIANCE_FINDING | DETECTION_FINDING) {
        event.insert("status_id", number);
        event.insert("status", if denied { "Failure" } else { "Success" });
    }
    if let Some(code) = named.text("deny_code") {
        event.insert("status_code", code);
    }
}

fn api_activity(event: &mut Object, payload: &Object, named: &NamedParties<'_>) {
    let asked = ["decision", "input"]
        .iter()
        .find_map(|part| payload.get(part)?.get("capability_id")?.as_str());
    let mut api = Object::new();
    api.insert("operation", asked.unwrap_or("route"));
    event.insert("api", api);
    let by = payload.get("_actor");
    let of_actor = |name| by.and_then(|by| by.get(name)?.as_str());
    let mut actor = Object::new();
    let tenant = named.text("tenant").or_else(|| named.text("tenant_json"));
    let who = of_actor("name").or_else(|| payload.get("submitter")?.as_str());
    actor.insert("invoked_by", who.or(tenant).unwrap_or("unknown"));
    event.insert("actor", actor);
    let mut source = Object::new();
    match of_actor("address") {
        Some(address) => source.insert("ip", address),
        None => source.insert("name", tenant.unwrap_or("unknown")),
    };
    event.insert("src_endpoint", source);
    if let Some(worker) = named.worker() {
        let mut resource = Object::new();
        resource.insert("type", "worker");
        resource.insert("uid", worker);
        event.insert("resources", vec![Value::Object(resource)]);
    }
}

fn compliance(event: &mut Object, entry: &Entry, named: &NamedParties<'_>) {
    let mut compliance = Object::new();
    compliance.insert("control", entry.kind());
    let (number, word) = match named.denied() {
        Some(true) => (3_u64, "Fail"),
        Some(false) => (1, "Pass"),
        None => (0, "Unknown"),
    };
    compliance.insert("status_id", number);
    compliance.insert("status", word);
    event.insert("compliance", compliance);
    event.insert("finding_info", finding(entry));
}

fn finding(entry: &Entry) -> Object {
    let mut info = Object::new();
    info.insert("uid", entry.hash().to_string());
    info.insert("title", entry.kind());
    info.insert("created_time", millis(entry));
    info
}

/// What was changed: a worker, a package, or what the Hall decides by.
fn entity(payload: &Object, named: &NamedParties<'_>, class: &Class) -> Object {
    let hash = ["sha256", "namespace", "digest", "denied"];
    let member = || hash.iter().find_map(|name| payload.get(name)?.as_str());
    let mut entity = Object::new();
    entity.insert("uid", named.worker().or_else(member).unwrap_or("hall"));
    match class.is_policy {
        true => {
            entity.insert("type", "Policy");
            entity.insert("type_id", 5_u64);
        }
        false => {
            entity.insert("type", "Worker");
            entity.insert("type_id", OTHER);
        }
    }
    entity
}

/// Link and signature of the entry, as the profile of this name would have them.
fn integrity(about: &EventOrigin, entry: &Entry) -> Object {
    let fingerprint = |hash: Hash| {
        let mut one = Object::new();
        one.insert("algorithm", "BLAKE2b-256");
        one.insert("algorithm_id", OTHER);
        one.insert("value", hash.to_string());
        one
    };
    let mut signature = Object::new();
    signature.insert("algorithm", "Ed25519");
    signature.insert("algorithm_id", OTHER);
    signature.insert("value", entry.signature().to_string());
    let mut prev = Object::new();
    prev.insert("fingerprint", fingerprint(entry.prev_hash()));
    let mut integrity = Object::new();
    integrity.insert("authority_uid", about.log.as_str());
    integrity.insert("chain_uid", about.genesis.as_str());
    integrity.insert("fingerprint", fingerprint(entry.hash()));
    if entry.prev_hash() != Hash::ZERO {
        integrity.insert("prev_event", prev);
    }
    integrity.insert("signatures", vec![Value::Object(signature)]);
    integrity
}
