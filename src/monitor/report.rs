//! What a look at a log found, for people, programs and Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::ledger::sha256::Sha256Digest;
use crate::ledger::time::Timestamp;
use crate::ledger::tlog::checkpoint::CheckpointText;

/// What is wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MonitorCode {
    /// Two checkpoints of one size with two roots.
    Equivocation,
    /// It does not begin with what it was before.
    Forked,
    /// It has fewer entries than before.
    RolledBack,
    /// What is served as its checkpoint is none.
    CheckpointInvalid,
    /// No log of the policy signed it.
    UntrustedKey,
    /// A cosignature of a known witness is wrong, or of no time that can be.
    CosignatureInvalid,
    /// Too few witnesses cosigned.
    QuorumMissing,
    /// The newest checkpoint is too old.
    Stale,
    /// Tiles or entries are missing, or not those of the checkpoint.
    FilesWrong,
    /// Its last checkpoint names no book that could continue it, or two.
    SuccessorInvalid,
    /// It could not be read: nothing is said of the log.
    Unreachable,
}

/// Every code, with the words of the metrics.
const CODES: [(MonitorCode, &str); 11] = [
    (MonitorCode::Equivocation, "equivocation"),
    (MonitorCode::Forked, "forked"),
    (MonitorCode::RolledBack, "rolled_back"),
    (MonitorCode::CheckpointInvalid, "checkpoint_invalid"),
    (MonitorCode::UntrustedKey, "untrusted_key"),
    (MonitorCode::CosignatureInvalid, "cosignature_invalid"),
    (MonitorCode::QuorumMissing, "quorum_missing"),
    (MonitorCode::Stale, "stale"),
    (MonitorCode::FilesWrong, "files_wrong"),
    (MonitorCode::SuccessorInvalid, "successor_invalid"),
    (MonitorCode::Unreachable, "unreachable"),
];

impl MonitorCode {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        let named = CODES.iter().find(|(code, _)| *code == self);
        named.map_or("", |(_, name)| name)
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MonitorFinding {
    /// What.
    pub code: MonitorCode,
    /// In a sentence.
    pub detail: String,
    /// The files that show it.
    pub evidence: Vec<String>,
}

/// A cosignature that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckedCosignature {
    /// Whose, as the policy calls it.
    pub witness: String,
    /// When, by its clock.
    pub time: Timestamp,
}

/// What a look at one log found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogFindings {
    /// Where it was read.
    pub place: String,
    /// What it calls itself; none if that is not known.
    pub origin: Option<String>,
    /// How many entries it has.
    pub size: Option<u64>,
    /// The root over them.
    pub root: Option<Sha256Digest>,
    /// Up to how many entries were checked, in this look or before.
    pub checked: u64,
    /// By how many seconds its newest checkpoint is old.
    pub age_seconds: u64,
    /// The key of the book that continues it, where its last checkpoint names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
    /// The quorum that is asked for.
    pub quorum: String,
    /// Who cosigned.
    pub cosigned: Vec<CheckedCosignature>,
    /// What is wrong.
    pub findings: Vec<MonitorFinding>,
}

impl LogFindings {
    pub(super) fn new(place: &str, quorum: &str) -> LogFindings {
        LogFindings {
            place: place.to_owned(),
            origin: None,
            size: None,
            root: None,
            checked: 0,
            age_seconds: 0,
            successor: None,
            quorum: quorum.to_owned(),
            cosigned: Vec::new(),
            findings: Vec::new(),
        }
    }

    pub(super) fn is_at(&mut self, checkpoint: &CheckpointText) {
        self.origin = Some(checkpoint.origin.clone());
        self.size = Some(checkpoint.size);
        self.root = Some(checkpoint.root);
    }

    pub(super) fn find(&mut self, code: MonitorCode, detail: &str) {
        self.find_with(code, detail, Vec::new());
    }

    pub(super) fn find_with(&mut self, code: MonitorCode, detail: &str, evidence: Vec<String>) {
        let detail = detail.to_owned();
        self.findings.push(MonitorFinding {
            code,
            detail,
            evidence,
        });
    }

    /// Whether everything was in order.
    #[must_use]
    pub fn is_in_order(&self) -> bool {
        self.findings.is_empty()
    }

    /// Whether all that is wrong is that it could not be read.
    #[must_use]
    pub fn is_unanswered(&self) -> bool {
        let unreachable = |finding: &MonitorFinding| finding.code == MonitorCode::Unreachable;
        !self.findings.is_empty() && self.findings.iter().all(unreachable)
    }
}

/// The figures of all logs in the text format of Prometheus. `now` is when they were
/// looked at.
#[must_use]
pub fn prometheus(watched: &[LogFindings], now: Timestamp) -> String {
    let mut text = String::new();
    let seconds = now.unix_micros() / 1_000_000;
    let mut gauge = |name: &str, help: &str, lines: Vec<(String, u64)>| {
        let name = format!("sealbook_monitor_{name}");
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in lines {
            let _ = writeln!(text, "{name}{{{labels}}} {value}");
        }
    };
    let of = |value: fn(&LogFindings) -> u64| -> Vec<(String, u64)> {
        watched
            .iter()
            .map(|one| (labels(one), value(one)))
            .collect()
    };
    gauge(
        "up",
        "Whether the log is in order",
        of(|one| u64::from(one.is_in_order())),
    );
    gauge(
        "entries",
        "Entries of the log",
        of(|one| one.size.unwrap_or(0)),
    );
    gauge(
        "checked_entries",
        "Entries that were checked",
        of(|one| one.checked),
    );
    gauge(
        "age_seconds",
        "Age of the newest checkpoint",
        of(|one| one.age_seconds),
    );
    let cosigned = of(|one| one.cosigned.len() as u64);
    gauge("cosignatures", "Witnesses that cosigned it", cosigned);
    let mut findings = Vec::new();
    for one in watched {
        let mut counts: BTreeMap<MonitorCode, u64> =
            CODES.iter().map(|(code, _)| (*code, 0)).collect();
        for finding in &one.findings {
            *counts.entry(finding.code).or_default() += 1;
        }
        let line = |(code, count): (MonitorCode, u64)| {
            (format!("{},code=\"{}\"", labels(one), code.name()), count)
        };
        findings.extend(counts.into_iter().map(line));
    }
    gauge("findings", "What is wrong, by code", findings);
    let looked = u64::try_from(seconds).unwrap_or(0);
    let _ = writeln!(
        text,
        "# HELP sealbook_monitor_looked_seconds When the logs were looked at\n\
         # TYPE sealbook_monitor_looked_seconds gauge\n\
         sealbook_monitor_looked_seconds {looked}"
    );
    text
}

fn labels(watched: &LogFindings) -> String {
    let origin = watched.origin.as_deref().unwrap_or_default();
    format!(
        "place=\"{}\",origin=\"{}\"",
        label(&watched.place),
        label(origin)
    )
}

/// A label's value as the format wants it.
fn label(text: &str) -> String {
    let escape = |c: char| match c {
        '\\' => "\\\\".to_owned(),
        '"' => "\\\"".to_owned(),
        '\n' => "\\n".to_owned(),
        other => other.to_string(),
    };
    text.chars().map(escape).collect()
}
