//! Faults of the end: what a head, a seal or a receipt says must be there.

use super::super::explanation::{Evidence, Incident};
use super::super::fault::{At, Fault, FaultClass, FaultCode, Report};
use super::super::hash::Hash;
use super::super::search::Places;
use super::super::verify::Policy;

/// Gives the faults of the end their classes, and adds what they tell. A book
/// with other faults may have lost its end by those.
pub(super) fn explain_end(
    report: &mut Report,
    policy: &Policy,
    places: &Places,
    incidents: &mut Vec<Incident>,
) {
    let book = BookEnd {
        policy,
        genesis: report.genesis,
        entries: report.entries,
        whole: incidents.is_empty(),
        goes_on: policy
            .expect_head
            .is_some_and(|head| !places.of(&head).is_empty()),
    };
    for fault in report
        .faults
        .iter_mut()
        .filter(|fault| matches!(fault.at, At::File | At::Document))
    {
        let Some((class, or, evidence)) = book.class_of(fault) else {
            continue;
        };
        fault.class = Some(class);
        // A thousand receipts of lost entries are one loss.
        let told = |known: &Incident| known.index.is_none() && known.evidence == evidence;
        if incidents.iter().any(told) {
            continue;
        }
        incidents.push(Incident {
            class,
            or,
            index: None,
            line: None,
            entries: None,
            evidence,
            whole_again: None,
        });
    }
}

type EndTold = (FaultClass, Vec<FaultClass>, Evidence);

struct BookEnd<'a> {
    policy: &'a Policy,
    genesis: Option<Hash>,
    entries: u64,
    /// Whether nothing else is wrong with it.
    whole: bool,
    /// Whether it holds the expected head, and goes on after it.
    goes_on: bool,
}

impl BookEnd<'_> {
    fn class_of(&self, fault: &Fault) -> Option<EndTold> {
        let truncation = |or| Some((FaultClass::Truncation, or, Evidence::EndMissing));
        match fault.code {
            FaultCode::Truncated | FaultCode::RollbackDetected => truncation(Vec::new()),
            FaultCode::ReceiptMismatch if fault.expected.is_some() => self.other_entry(),
            FaultCode::Equivocation => Some((FaultClass::Fork, Vec::new(), Evidence::OtherEntry)),
            FaultCode::HeadNotContained if !self.speaks_of_this(fault) => None,
            FaultCode::HeadNotContained if fault.seq? >= self.entries => truncation(Vec::new()),
            FaultCode::HeadNotContained => self.other_entry(),
            // A hash without its number: the book ends before it, or went
            // another way.
            FaultCode::HeadMismatch if self.whole && !self.goes_on => {
                truncation(vec![FaultClass::Fork])
            }
            _ => None,
        }
    }

    /// Where the entries up to there are whole, they are other ones. Where they
    /// are not, their numbers say nothing.
    fn other_entry(&self) -> Option<EndTold> {
        if self.whole {
            return Some((FaultClass::Fork, Vec::new(), Evidence::OtherEntry));
        }
        let or = vec![FaultClass::Fork, FaultClass::Edit, FaultClass::Deletion];
        Some((FaultClass::Truncation, or, Evidence::EndMissing))
    }

    fn speaks_of_this(&self, fault: &Fault) -> bool {
        let expected = fault.expected.as_deref();
        let mut anchors = self.policy.contains.iter();
        anchors.any(|anchor| {
            anchor.signed
                && self.genesis.is_none_or(|genesis| genesis == anchor.genesis)
                && expected == Some(&anchor.hash.to_string())
        })
    }
}
