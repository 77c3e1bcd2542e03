//! The class and the activity of a kind.

use crate::ledger::json::Object;
use crate::ledger::kind::ROLLBACK;
use crate::producers::{kind, text};

pub(super) const BASE_EVENT: u64 = 0;
pub(super) const COMPLIANCE_FINDING: u64 = 2_003;
pub(super) const DETECTION_FINDING: u64 = 2_004;
pub(super) const ENTITY_MANAGEMENT: u64 = 3_004;
pub(super) const API_ACTIVITY: u64 = 6_003;

/// The class of an event, and the activity in it.
pub(super) struct Class {
    pub(super) uid: u64,
    pub(super) activity: u64,
    pub(super) activity_name: &'static str,
    /// What it changes is not a worker but what is decided by.
    pub(super) is_policy: bool,
}

const CREATE: (u64, &str) = (1, "Create");
const UPDATE: (u64, &str) = (3, "Update");

impl Class {
    pub(super) fn of(kind: &str, payload: &Object) -> Class {
        let is = |member: &str| text(payload, member) == "true";
        let (uid, (activity, activity_name)) = match kind {
            kind::DECISION => (API_ACTIVITY, (99, "Route")),
            kind::INGESTED => (API_ACTIVITY, (99, "Claim")),
            kind::ATTESTATION | kind::MANIFEST | kind::CARD | kind::RESIDENT => {
                (COMPLIANCE_FINDING, CREATE)
            }
            kind::REFUSAL | ROLLBACK => (DETECTION_FINDING, CREATE),
            kind::ENROLMENT => (ENTITY_MANAGEMENT, (6, "Enroll")),
            kind::REVOCATION if is("revoked") => (ENTITY_MANAGEMENT, (7, "Unenroll")),
            kind::REVOCATION => (ENTITY_MANAGEMENT, (13, "Resume")),
            kind::BAN if is("banned") => (ENTITY_MANAGEMENT, (9, "Disable")),
            kind::BAN => (ENTITY_MANAGEMENT, (8, "Enable")),
            kind::CONFIRMATION => (ENTITY_MANAGEMENT, (10, "Activate")),
            kind::SUBMISSION | kind::DOCUMENT => (ENTITY_MANAGEMENT, CREATE),
            kind::RELOAD => (ENTITY_MANAGEMENT, UPDATE),
            kind::APPROVAL => (ENTITY_MANAGEMENT, (99, "Approve")),
            kind::REPORT => (ENTITY_MANAGEMENT, (99, "Report")),
            _ => (BASE_EVENT, (99, "Other")),
        };
        Class {
            uid,
            activity,
            activity_name,
            is_policy: matches!(kind, kind::RELOAD | kind::DOCUMENT | kind::APPROVAL),
        }
    }

    /// The category that the class is in.
    pub(super) const fn category(&self) -> u64 {
        self.uid / 1_000
    }
}
