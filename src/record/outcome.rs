//! Outcomes of every producer but the router, each with the payload of its
//! kind (SPEC §5.4).

use serde::{Deserialize, Serialize};

use super::kind;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::shape;
use crate::ledger::time::Timestamp;
use crate::vacant::{CapabilityCard, ResidentForm};
use crate::wcp::Registry;
use crate::wcp::record::WorkerRecord;

/// The member that says on whose behalf an outcome came in; a server adds it,
/// and nobody else may bring it.
pub const ACTOR: &str = "_actor";

/// What is to be recorded.
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
    /// What was decided.
    pub verdict: ApprovalVerdict,
    /// By whom.
    pub who: String,
    /// Why.
    pub why: String,
    /// Until when an approval holds; none if it holds for ever.
    pub expires: Option<Timestamp>,
    /// The denied request's tenant, to be found by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// The denied request's correlation id, to be found by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
}

/// What a human decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", rename = "approve, deny or escalate")]
pub enum ApprovalVerdict {
    /// It may go on.
    Approve,
    /// It may not.
    Deny,
    /// Someone else has to decide.
    Escalate,
}

impl ApprovalVerdict {
    /// The verdict's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            ApprovalVerdict::Approve => "approve",
            ApprovalVerdict::Deny => "deny",
            ApprovalVerdict::Escalate => "escalate",
        }
    }
}

impl Outcome {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Its payload.
    #[must_use]
    pub const fn payload(&self) -> &Object {
        &self.payload
    }

    /// On whose behalf it came in.
    #[must_use]
    pub fn by(mut self, actor: Value) -> Outcome {
        self.payload.insert(ACTOR, actor);
        self
    }

    /// A verification of a worker package: worker ids, `package_hash`, `ok`,
    /// `deny_code`, `meta`, `manifest_sha256`.
    #[cfg(feature = "files")]
    #[must_use]
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
    #[must_use]
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
    #[must_use]
    pub fn card(card: &CapabilityCard) -> Outcome {
        Outcome::judged_card(card, card.verify())
    }

    /// A capability card under the verdict of somebody who asked more of it,
    /// such as to be a certain vacant's.
    #[must_use]
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
    #[must_use]
    pub fn resident(form: &ResidentForm, verdict: &Object) -> Outcome {
        let mut payload = verdict.clone();
        let digest = form.to_text().ok().map(|text| Hash::of(text.as_bytes()));
        payload.insert("form", digest.map(|digest| digest.to_string()));
        Outcome {
            kind: kind::RESIDENT,
            payload,
        }
    }

    /// A worker was enrolled: `worker_id`, `worker_species_id`, and in `before`
    /// and `after` the digest of all records and the `artifact_hash` of the
    /// worker's own, `null` where there was none.
    #[must_use]
    pub fn enrolment(worker: &WorkerRecord, before: &Registry, after: &Registry) -> Outcome {
        let digests = |registry: &Registry| {
            let mut object = Object::new();
            object.insert("registry", registry.records_digest().to_string());
            let record = registry.worker(&worker.worker_id);
            object.insert("artifact_hash", record.map(|r| r.artifact_hash.to_string()));
            Value::Object(object)
        };
        let mut outcome = Outcome::reload(digests(before), digests(after));
        let ids = [
            ("worker_id", &worker.worker_id),
            ("worker_species_id", &worker.worker_species_id),
        ];
        for (name, id) in ids {
            outcome.payload.insert(name, id.to_string());
        }
        outcome
    }

    /// A worker that a Hall enrolled for others: its whole record, so that the
    /// Hall still knows it when it begins again; and its digests before and after
    /// as in [`Outcome::enrolment`].
    #[must_use]
    pub fn enrolled(
        id: &str,
        worker: &WorkerRecord,
        before: &Registry,
        after: &Registry,
    ) -> Outcome {
        let Outcome { mut payload, .. } = Outcome::enrolment(worker, before, after);
        payload.insert("enrollment_id", id);
        payload.insert("record", worker.document.clone());
        Outcome {
            kind: kind::ENROLMENT,
            payload,
        }
    }

    /// The hash of a worker's package, as `payload` says it: nothing of it was
    /// verified.
    #[must_use]
    pub const fn submission(payload: Object) -> Outcome {
        Outcome {
            kind: kind::SUBMISSION,
            payload,
        }
    }

    /// A hash that someone reports as bad: nothing of it was verified.
    #[must_use]
    pub const fn report(payload: Object) -> Outcome {
        Outcome {
            kind: kind::REPORT,
            payload,
        }
    }

    /// A decision that `submitter` claims: `submitter`, `body`. Nothing of it
    /// is believed.
    #[must_use]
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
    #[must_use]
    pub fn reload(before: Value, after: Value) -> Outcome {
        Outcome {
            kind: kind::RELOAD,
            payload: [("before", before), ("after", after)].into_iter().collect(),
        }
    }

    /// A denial that was resolved.
    #[must_use]
    pub fn approval(approval: &Approval) -> Outcome {
        Outcome {
            kind: kind::APPROVAL,
            payload: shape::write_object(approval),
        }
    }
}
