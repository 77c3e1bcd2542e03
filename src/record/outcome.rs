//! Outcomes of every producer but the router, each with the payload of its
//! kind (SPEC §5.4).

use serde::Serialize;

use super::changes::{changes, texts};
use super::hall::Hall;
use super::kind;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::shape;
use crate::ledger::time::Timestamp;
use crate::ledger::words::words;
use crate::vacant::{CapabilityCard, ResidentForm};
use crate::wcp::record::{WorkerRecord, WorkerRecordError};

/// The member that says on whose behalf an outcome came in; a server adds it,
/// and nobody else may bring it.
pub const ACTOR: &str = "_actor";

#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    kind: &'static str,
    payload: Object,
}

/// What came of a denial that wants a human.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// The hash of the entry that recorded the denial.
    pub denied: Hash,
    /// That entry's `input_hash`: the approval is of this request and no other.
    pub input_hash: String,
    /// The routing task of the denied request: it is of this task and no other.
    pub task_id: String,
    pub verdict: ApprovalVerdict,
    pub who: String,
    pub why: String,
    /// Until when an approval holds; none if it holds for ever.
    pub expires: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// The denied request's correlation id, to be found by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
}

words! {
    pub enum ApprovalVerdict: "approve, deny or escalate" {
        /// It may go on.
        Approve = "approve",
        /// It may not.
        Deny = "deny",
        /// Someone else has to decide.
        Escalate = "escalate",
    }
}

impl Outcome {
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    pub const fn payload(&self) -> &Object {
        &self.payload
    }

    pub fn by(mut self, actor: Value) -> Outcome {
        self.payload.insert(ACTOR, actor);
        self
    }

    /// Belonging to a case, if it does.
    pub fn of_case(self, correlation_id: Option<&str>) -> Outcome {
        match correlation_id {
            Some(id) => self.with("correlation_id", id),
            None => self,
        }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Outcome {
        self.payload.insert(name, value);
        self
    }

    /// A verification of a worker package: worker ids, `package_hash`, `ok`,
    /// `deny_code`, `meta`, `manifest_sha256`.
    #[cfg(feature = "files")]
    pub fn attestation(attestation: &crate::attestation::Attestation) -> Outcome {
        let meta = &attestation.meta;
        let mut payload = match attestation.to_value() {
            Value::Object(object) => object,
            // It is one.
            _ => Object::new(),
        };
        payload.insert("worker_id", meta.worker_id.as_str());
        payload.insert("worker_species_id", meta.worker_species_id.as_str());
        let hashes = [
            ("package_hash", meta.package_hash),
            ("manifest_sha256", meta.manifest_sha256),
        ];
        for (name, hash) in hashes {
            payload.insert(name, hash.map(|hash| hash.to_string()));
        }
        Outcome {
            kind: kind::ATTESTATION,
            payload,
        }
    }

    /// A verification of an artifact manifest: the whole result, and
    /// `manifest_sha256`.
    #[cfg(feature = "files")]
    pub fn manifest(result: &crate::manifest::VerificationResult) -> Outcome {
        let mut payload = match result.to_value() {
            Value::Object(object) => object,
            // It is one.
            _ => Object::new(),
        };
        let hash = result.manifest_sha256.map(|hash| hash.to_string());
        payload.insert("manifest_sha256", hash);
        Outcome {
            kind: kind::MANIFEST,
            payload,
        }
    }

    /// A capability card, judged: `card`, `verdict`.
    pub fn card(card: &CapabilityCard) -> Outcome {
        Outcome::judged_card(card, card.verify())
    }

    /// A capability card under the verdict of somebody who asked more of it,
    /// such as to be a certain vacant's.
    pub fn judged_card(card: &CapabilityCard, passed: bool) -> Outcome {
        let verdict = if passed { "pass" } else { "fail" };
        let members = [
            ("card", Value::Object(card.to_object())),
            ("verdict", Value::from(verdict)),
        ];
        Outcome {
            kind: kind::CARD,
            payload: members.into_iter().collect(),
        }
    }

    /// A resident form, judged: the members of `verdict`, and the digest of the
    /// form as it would be written.
    pub fn resident(form: &ResidentForm, verdict: &Object) -> Outcome {
        let mut payload = verdict.clone();
        let digest = form.to_text().ok().map(|text| Hash::of(text.as_bytes()));
        payload.insert("form", digest.map(|digest| digest.to_string()));
        Outcome {
            kind: kind::RESIDENT,
            payload,
        }
    }

    /// A worker was enrolled, by command line or server alike: its whole record,
    /// so that a Hall still knows it when it begins again, and where it is kept:
    /// in the `ledger`, or in a `folder`, whose own word counts. In `before` and
    /// `after` stand the digest of all records and the `artifact_hash` of the
    /// worker's own, `null` where there was none; `changes` says it in words.
    pub fn enrolment(
        id: &str,
        worker: &WorkerRecord,
        kept_in: &str,
        before: &Hall,
        after: &Hall,
    ) -> Outcome {
        let digests = |hall: &Hall| {
            let registry = hall.workers();
            let mut object = Object::new();
            object.insert("registry", registry.records_digest().to_string());
            let record = registry.worker(&worker.worker_id);
            object.insert("artifact_hash", record.map(|r| r.artifact_hash.to_string()));
            object
        };
        let mut payload = Object::new();
        payload.insert("enrollment_id", id);
        payload.insert("worker_id", &*worker.worker_id);
        payload.insert("worker_species_id", &*worker.worker_species_id);
        payload.insert("enrolled", true);
        payload.insert("kept_in", kept_in);
        payload.insert("record", worker.document.clone());
        payload.insert("before", digests(before));
        payload.insert("after", digests(after));
        payload.insert("changes", texts(&changes(Some(before), after)));
        Outcome {
            kind: kind::ENROLMENT,
            payload,
        }
    }

    /// A worker's record was refused, because it was changed after it was
    /// hashed. It is kept as it came.
    pub fn refused_enrolment(record: &Value, error: &WorkerRecordError) -> Outcome {
        let mut payload = Object::new();
        for name in ["worker_id", "worker_species_id"] {
            if let Some(id) = record.get(name).and_then(Value::as_str) {
                payload.insert(name, id);
            }
        }
        payload.insert("enrolled", false);
        payload.insert("deny_code", "DENY_WORKER_TAMPERED");
        payload.insert("detail", error.to_string());
        payload.insert("record", record.clone());
        Outcome {
            kind: kind::ENROLMENT,
            payload,
        }
    }

    /// A record of a folder that a Hall did not take up, for the same reason.
    pub fn dropped_record(path: &str, problem: &str) -> Outcome {
        let members = [
            ("enrolled", Value::from(false)),
            ("deny_code", Value::from("DENY_WORKER_TAMPERED")),
            ("path", Value::from(path)),
            ("detail", Value::from(problem)),
        ];
        Outcome {
            kind: kind::ENROLMENT,
            payload: members.into_iter().collect(),
        }
    }

    /// A submitted hash is taken as a worker's.
    pub fn confirmation(worker_id: &str, sha256: &Sha256Digest, why: &str) -> Outcome {
        let sha256 = sha256.to_string();
        let members = [("worker_id", worker_id), ("sha256", &sha256), ("why", why)];
        Outcome {
            kind: kind::CONFIRMATION,
            payload: members.into_iter().collect(),
        }
    }

    /// The enrolment of a worker is revoked, or restored.
    pub fn revocation(worker_id: &str, revoked: bool, why: &str) -> Outcome {
        let members: Object = [("worker_id", worker_id), ("why", why)]
            .into_iter()
            .collect();
        Outcome {
            kind: kind::REVOCATION,
            payload: members,
        }
        .with("revoked", revoked)
    }

    /// A hash, a worker or a namespace is banned, or a ban lifted; `member` says
    /// which of them `name` is.
    pub fn ban(member: &'static str, name: &str, banned: bool, reason: &str) -> Outcome {
        let members: Object = [(member, name), ("reason", reason)].into_iter().collect();
        Outcome {
            kind: kind::BAN,
            payload: members,
        }
        .with("banned", banned)
    }

    /// The hash of a worker's package, as `payload` says it: nothing of it was
    /// verified.
    pub const fn submission(payload: Object) -> Outcome {
        Outcome {
            kind: kind::SUBMISSION,
            payload,
        }
    }

    /// A hash that someone reports as bad: nothing of it was verified.
    pub const fn report(payload: Object) -> Outcome {
        Outcome {
            kind: kind::REPORT,
            payload,
        }
    }

    /// A decision that `submitter` claims: `submitter`, `body`. Nothing of it
    /// is believed.
    pub fn ingested(submitter: Value, body: Object) -> Outcome {
        let members = [("submitter", submitter), ("body", Value::Object(body))];
        Outcome {
            kind: kind::INGESTED,
            payload: members.into_iter().collect(),
        }
    }

    /// A Hall took up other files: `before` and `after`, each the digests
    /// that [`Hall::digests`](super::Hall::digests) gives; `before` is
    /// `null` where there were none.
    pub fn reload(before: Value, after: Value) -> Outcome {
        Outcome {
            kind: kind::RELOAD,
            payload: [("before", before), ("after", after)].into_iter().collect(),
        }
    }

    /// Writes that were refused while the ledger did not agree with its mark, and
    /// whether there were more than are told.
    #[must_use]
    pub fn refusal(refused: Vec<Value>, more: bool) -> Outcome {
        let members = [
            ("denied", Value::from(true)),
            ("refused", Value::Array(refused)),
            ("more", Value::from(more)),
        ];
        Outcome {
            kind: kind::REFUSAL,
            payload: members.into_iter().collect(),
        }
    }

    pub fn approval(approval: &Approval) -> Outcome {
        Outcome {
            kind: kind::APPROVAL,
            payload: shape::write_object(approval),
        }
    }
}
