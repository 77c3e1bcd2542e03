//! The telemetry of a decision: typed, and clean of control characters.

use std::sync::Arc;

use serde::ser::{Serialize, Serializer};

use super::denial::Denial;
use super::terms::{DataLabel, Env, QoSClass};
use crate::ledger::time::Timestamp;

use EnvelopeMember::Text;

/// What every envelope of one decision has in common, identifiers cleaned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelemetrySubject {
    pub timestamp: Timestamp,
    pub correlation_id: Arc<str>,
    pub tenant_id: Arc<str>,
    pub capability_id: Arc<str>,
    pub env: Env,
    pub data_label: DataLabel,
    pub qos_class: QoSClass,
    pub dry_run: bool,
}

/// The telemetry of one decision. The identifiers in it were cleaned when it
/// was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telemetry {
    pub subject: TelemetrySubject,
    /// What happened, in order.
    pub events: Vec<TelemetryEvent>,
}

impl Telemetry {
    pub fn envelopes(&self) -> impl ExactSizeIterator<Item = TelemetryEnvelope<'_>> {
        let subject = &self.subject;
        let events = self.events.iter();
        events.map(move |event| TelemetryEnvelope { subject, event })
    }

    pub(super) fn denied(subject: TelemetrySubject, denial: &Denial, rule: &Arc<str>) -> Telemetry {
        let event = TelemetryEvent::TaskDenied {
            deny_code: denial.code(),
            deny_message: denial.to_string(),
            matched_rule_id: clean(rule),
        };
        Telemetry {
            subject,
            events: vec![event],
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TelemetryEnvelope<'a> {
    pub subject: &'a TelemetrySubject,
    pub event: &'a TelemetryEvent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TelemetryEvent {
    /// `evt.os.task.denied`, the one event of a denial.
    TaskDenied {
        deny_code: &'static str,
        deny_message: String,
        /// The rule that had matched, `NO_MATCH` or `PRE_ROUTING`.
        matched_rule_id: Arc<str>,
    },
    /// `evt.gov.blast_scored`
    BlastScored {
        blast_score: u8,
        policy_version: Arc<str>,
    },
    /// `evt.gov.privilege_envelope.checked`
    EnvelopeChecked {
        worker_species_id: Arc<str>,
        policy_version: Arc<str>,
    },
    /// `evt.os.worker.attestation_skipped`, in production.
    AttestationSkipped { worker_species_id: Arc<str> },
    /// `evt.os.task.routed`
    TaskRouted {
        matched_rule_id: Arc<str>,
        policy_version: Arc<str>,
        selected_worker_species_id: Arc<str>,
        task_id: Arc<str>,
    },
    /// `evt.os.worker.selected`
    WorkerSelected {
        selected_worker_species_id: Arc<str>,
    },
    /// `evt.os.policy.gated`
    PolicyGated {
        policy_version: Arc<str>,
        asked: bool,
    },
}

impl TelemetryEvent {
    pub const fn id(&self) -> &'static str {
        match self {
            TelemetryEvent::TaskDenied { .. } => "evt.os.task.denied",
            TelemetryEvent::BlastScored { .. } => "evt.gov.blast_scored",
            TelemetryEvent::EnvelopeChecked { .. } => "evt.gov.privilege_envelope.checked",
            TelemetryEvent::AttestationSkipped { .. } => "evt.os.worker.attestation_skipped",
            TelemetryEvent::TaskRouted { .. } => "evt.os.task.routed",
            TelemetryEvent::WorkerSelected { .. } => "evt.os.worker.selected",
            TelemetryEvent::PolicyGated { .. } => "evt.os.policy.gated",
        }
    }
}

/// A member of an envelope.
#[derive(Clone, Copy, serde::Serialize)]
#[serde(untagged)]
enum EnvelopeMember<'a> {
    Text(&'a str),
    Time(Timestamp),
    Score(u8),
    Flag(bool),
}

impl Serialize for Telemetry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.envelopes())
    }
}

impl Serialize for TelemetryEnvelope<'_> {
    /// `event_id`, `timestamp`, `correlation_id`, what belongs to the event, and
    /// `dry_run` where it is one, in canonical order.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let subject = self.subject;
        let mut members = self.event_members();
        members.extend([
            ("event_id", Text(self.event.id())),
            ("timestamp", EnvelopeMember::Time(subject.timestamp)),
            ("correlation_id", Text(&subject.correlation_id)),
        ]);
        if !matches!(self.event, TelemetryEvent::AttestationSkipped { .. }) {
            members.push(("tenant_id", Text(&subject.tenant_id)));
        }
        if subject.dry_run {
            members.push(("dry_run", EnvelopeMember::Flag(true)));
        }
        members.sort_unstable_by_key(|(name, _)| *name);
        serializer.collect_map(members)
    }
}

/// The most members that an envelope has.
const MEMBERS: usize = 12;

impl<'a> TelemetryEnvelope<'a> {
    fn event_members(&self) -> Vec<(&'static str, EnvelopeMember<'a>)> {
        let subject = self.subject;
        let capability = ("capability_id", Text(&subject.capability_id));
        let env = ("env", Text(subject.env.as_str()));
        let label = ("data_label", Text(subject.data_label.as_str()));
        let allow = ("decision", Text("ALLOW"));
        let mut members = Vec::with_capacity(MEMBERS);
        match self.event {
            TelemetryEvent::TaskDenied {
                deny_code,
                deny_message,
                matched_rule_id,
            } => members.extend([
                capability,
                ("deny_code", Text(deny_code)),
                ("deny_message", Text(deny_message)),
                ("matched_rule_id", Text(matched_rule_id)),
            ]),
            TelemetryEvent::BlastScored {
                blast_score,
                policy_version,
            } => members.extend([
                env,
                label,
                allow,
                ("blast_score", EnvelopeMember::Score(*blast_score)),
                ("policy_version", Text(policy_version)),
            ]),
            TelemetryEvent::EnvelopeChecked {
                worker_species_id,
                policy_version,
            } => members.extend([
                env,
                label,
                allow,
                ("worker_species_id", Text(worker_species_id)),
                ("policy_version", Text(policy_version)),
            ]),
            TelemetryEvent::AttestationSkipped { worker_species_id } => members.extend([
                env,
                ("worker_species_id", Text(worker_species_id)),
                ("severity", Text("warn")),
                ("reason", Text("worker_attestation_not_required")),
            ]),
            TelemetryEvent::TaskRouted {
                matched_rule_id,
                policy_version,
                selected_worker_species_id,
                task_id,
            } => members.extend([
                capability,
                ("qos_class", Text(subject.qos_class.as_str())),
                ("matched_rule_id", Text(matched_rule_id)),
                ("policy_version", Text(policy_version)),
                (
                    "selected_worker_species_id",
                    Text(selected_worker_species_id),
                ),
                ("task_id", Text(task_id)),
            ]),
            TelemetryEvent::WorkerSelected {
                selected_worker_species_id,
            } => members.extend([
                capability,
                (
                    "selected_worker_species_id",
                    Text(selected_worker_species_id),
                ),
                ("reason", Text("first_available_candidate")),
            ]),
            TelemetryEvent::PolicyGated {
                policy_version,
                asked,
            } => members.extend([
                capability,
                allow,
                ("policy_version", Text(policy_version)),
                (
                    "reason",
                    Text(match asked {
                        true => "policy_gate_allow",
                        false => "no_gate_required",
                    }),
                ),
            ]),
        }
        members
    }
}

/// Whether a character may stand in no telemetry: U+0000 to U+001F and U+007F,
/// with which a log could be forged.
fn is_control(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7f
}

/// `text` without control characters, shared where it has none.
pub(super) fn clean(text: &Arc<str>) -> Arc<str> {
    match text.bytes().any(is_control) {
        false => text.clone(),
        true => clean_str(text),
    }
}

/// `text` without control characters.
pub(super) fn clean_str(text: &str) -> Arc<str> {
    // What is taken out is ASCII, which occurs in UTF-8 only as itself.
    match text.bytes().any(is_control) {
        false => text.into(),
        true => {
            let kept = text
                .chars()
                .filter(|c| !c.is_ascii() || !is_control(*c as u8));
            kept.collect::<String>().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_go_and_all_others_stay() {
        assert_eq!(&*clean_str("a\0b\u{1f}c\u{7f}d"), "abcd");
        assert_eq!(&*clean_str("é\u{80}\u{2028} ~"), "é\u{80}\u{2028} ~");
    }
}
