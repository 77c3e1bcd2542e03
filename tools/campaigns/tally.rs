//! What a campaign tried, and what it found.

use std::collections::BTreeMap;
use std::fmt;

#[derive(Default)]
pub(crate) struct Tally {
    counts: BTreeMap<&'static str, u64>,
    findings: Vec<String>,
}

impl Tally {
    pub(crate) fn count(&mut self, what: &'static str) {
        self.add(what, 1);
    }

    pub(crate) fn add(&mut self, what: &'static str, number: u64) {
        *self.counts.entry(what).or_default() += number;
    }

    /// Something that must not be.
    pub(crate) fn find(&mut self, what: String) {
        self.findings.push(what);
    }

    /// Adds what another has.
    pub(crate) fn join(&mut self, other: Tally) {
        for (what, number) in other.counts {
            self.add(what, number);
        }
        self.findings.extend(other.findings);
    }

    pub(crate) fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    pub(crate) fn findings(&self) -> &[String] {
        &self.findings
    }
}

/// The findings, each on a line, and one closing line.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "found: {finding}")?;
        }
        for (what, number) in &self.counts {
            write!(f, "{number} {what}, ")?;
        }
        write!(f, "{} findings", self.findings.len())
    }
}
