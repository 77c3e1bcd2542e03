//! Holds what a verification says against what was done.

use sealbook::ledger::explain::explain;
use sealbook::ledger::explanation::{Explanation, Incident};
use sealbook::ledger::fault::{FaultClass, Report};
use sealbook::ledger::key::PublicKey;
use sealbook::ledger::logbook_file::LogbookFile;
use sealbook::ledger::search::search;
use sealbook::ledger::verify::{Anchor, Policy, verify};

use crate::breaker::Break;

/// Verifies and explains a file as `sealbook verify` does.
pub(crate) fn examine(text: &[u8], key: PublicKey, head: Anchor) -> (Report, Explanation) {
    let policy = Policy {
        keys: vec![key],
        contains: vec![head],
        ..Policy::default()
    };
    let outcome = verify(&mut LogbookFile::new(text), &policy, &mut |_| ()).expect("readable");
    let mut report = outcome.report;
    let wanted = outcome.trace.wanted();
    let places = search(&mut LogbookFile::new(text), &wanted).expect("readable");
    let explanation = explain(&mut report, &policy, &outcome.trace, &places);
    (report, explanation)
}

/// How it went.
#[derive(Debug, Default)]
pub(crate) struct Score {
    pub(crate) breaks: u64,
    /// Named at its place with its class.
    pub(crate) exact: u64,
    /// Named at its place, its class among those that the file alone does not
    /// tell apart.
    pub(crate) either: u64,
    pub(crate) missed: Vec<String>,
    /// Incidents that nobody made.
    pub(crate) false_alarms: Vec<String>,
    /// Faults without a class.
    pub(crate) unclassified: u64,
}

impl Score {
    pub(crate) fn add(&mut self, breaks: &[Break], report: &Report, explanation: &Explanation) {
        let mut used = vec![false; explanation.incidents.len()];
        for made in breaks {
            self.breaks += 1;
            let here = explanation
                .incidents
                .iter()
                .enumerate()
                .filter(|(_, incident)| {
                    incident
                        .index
                        .map_or(made.at.is_empty(), |index| made.at.contains(&index))
                });
            let mut found: Option<(usize, &Incident)> = None;
            for (at, incident) in here {
                if incident.class == made.class
                    || (incident.or.contains(&made.class) && found.is_none())
                {
                    found = Some((at, incident));
                }
            }
            match found {
                Some((at, incident)) => {
                    used[at] = true;
                    if incident.class == made.class {
                        self.exact += 1;
                    } else {
                        self.either += 1;
                    }
                }
                None => self.missed.push(format!(
                    "{:?} ({}) at {:?}: {:?}",
                    made.class,
                    made.way,
                    made.at,
                    near(explanation, &made.at)
                )),
            }
        }
        // A stretch of a class may be named more than once around its place.
        for (incident, used) in explanation.incidents.iter().zip(&used) {
            if !used && !part_of(incident, breaks) {
                self.false_alarms.push(format!("{incident:?}"));
            }
        }
        let without = report.faults.iter().filter(|fault| fault.class.is_none());
        self.unclassified += without.count() as u64;
    }
}

/// Whether an incident is the other end of something that was moved, or says that
/// the entry of a torn line, which was the head, is not there.
fn part_of(incident: &Incident, breaks: &[Break]) -> bool {
    let torn = |made: &Break| made.class == FaultClass::TornLastLine;
    if incident.class == FaultClass::Truncation && breaks.iter().any(torn) {
        return true;
    }
    incident.class == FaultClass::Reordering
        && breaks.iter().any(|made| {
            made.class == FaultClass::Reordering
                && made
                    .at
                    .iter()
                    .any(|at| incident.index.is_some_and(|index| index > *at))
        })
}

fn near(explanation: &Explanation, at: &[u64]) -> Vec<String> {
    let close = |index: u64| at.iter().any(|at| index.abs_diff(*at) < 10);
    let near = explanation
        .incidents
        .iter()
        .filter(|incident| incident.index.is_some_and(close));
    near.map(|incident| format!("{incident:?}")).collect()
}
