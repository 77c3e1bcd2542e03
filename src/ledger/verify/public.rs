//! The public log in a walk: its name, and checkpoints that somebody kept.
//!
//! A checkpoint is over all entries from the first on. So its root is computed again
//! while they are read, with one node a level in memory, and only where there is one to
//! be compared.

use super::super::chain::ChainPosition;
use super::super::fault::{Fault, FaultCode, Findings, NotChecked, WarningCode};
use super::super::hash::Hash;
use super::super::judge::Readable;
use super::super::key::PublicKey;
use super::super::policy::Policy;
use super::super::position::Seq;
use super::super::sha256::Sha256Digest;
use super::super::source::Subject;
use super::super::tlog::checkpoint::{CheckpointText, SignedCheckpoint};
use super::super::tlog::name::{LogName, Names, Publishing};
use super::super::tlog::said::{PublishStatement, signed_by};
use super::super::tlog::tree::{LogFrontier, empty_root, leaf};

/// What is known of the public log so far.
#[derive(Debug)]
pub(super) struct Public<'a> {
    /// In the order of their sizes, with the root that the entries give.
    kept: Vec<(&'a SignedCheckpoint, Option<Sha256Digest>)>,
    /// Of all entries from the first on; none if they are not all here.
    frontier: Option<LogFrontier>,
    names: Names,
    /// From which size on the log had which name.
    history: Vec<(u64, Option<LogName>)>,
}

impl<'a> Public<'a> {
    /// `whole` says whether the walk begins with entry 0 and leaves none out.
    pub(super) fn new(policy: &'a Policy, whole: bool) -> Public<'a> {
        let mut kept: Vec<_> = policy.checkpoints.iter().map(|one| (one, None)).collect();
        kept.sort_by_key(|(one, _)| one.content().size);
        let mut public = Public {
            kept,
            frontier: whole.then(LogFrontier::new),
            names: Names::default(),
            history: Vec::new(),
        };
        public.compare();
        public
    }

    /// Takes the next entry.
    pub(super) fn entry(
        &mut self,
        seq: Seq,
        entry: &Readable,
        place: &ChainPosition,
        findings: &mut Findings,
    ) {
        let signed = entry.signature_valid != Some(false);
        match entry.said.as_ref().filter(|_| signed) {
            Some(PublishStatement::Name(Ok(publishing))) => {
                self.name(seq, publishing, place, findings)
            }
            Some(PublishStatement::Name(Err(error)) | PublishStatement::Key(Err(error))) => {
                let found = place.fault(FaultCode::SchemaViolation, error.to_string());
                findings.fault(found);
            }
            Some(PublishStatement::Checkpoint(kept)) if kept.size <= seq.0 => {
                self.judge_name(kept, findings, &|code, detail| place.fault(code, detail));
            }
            _ => {}
        }
        self.grow(&entry.leaf);
    }

    fn grow(&mut self, data: &Hash) {
        // Names alone need no tree.
        if self.kept.is_empty() {
            return;
        }
        if let Some(frontier) = &mut self.frontier {
            frontier.push(leaf(data), |_, _| ());
            self.compare();
        }
    }

    /// Notes the root that the entries so far give, where a checkpoint is of them.
    fn compare(&mut self) {
        let Some(frontier) = &self.frontier else {
            return;
        };
        let size = frontier.size();
        let from = self
            .kept
            .partition_point(|(one, _)| one.content().size < size);
        let here = self.kept.iter_mut().skip(from);
        for (_, own) in here.take_while(|(one, _)| one.content().size == size) {
            *own = frontier.root().or_else(|| Some(empty_root()));
        }
    }

    fn name(
        &mut self,
        seq: Seq,
        publishing: &Publishing,
        place: &ChainPosition,
        findings: &mut Findings,
    ) {
        // Of a part nobody knows which names there were before it.
        if self.frontier.is_none() {
            return;
        }
        if let Err(error) = self.names.take(publishing.clone()) {
            return findings.fault(place.fault(FaultCode::NameMismatch, error.to_string()));
        }
        let name = self.names.current().map(|named| named.name.clone());
        self.history.push((seq.0.saturating_add(1), name));
    }

    /// A checkpoint has the name that the log had after its last entry.
    fn judge_name(
        &self,
        kept: &CheckpointText,
        findings: &mut Findings,
        fault: &dyn Fn(FaultCode, String) -> Fault,
    ) {
        if self.frontier.is_none() {
            return;
        }
        let before = self.history.partition_point(|(from, _)| *from <= kept.size);
        let named = before.checked_sub(1).and_then(|at| self.history.get(at));
        let name = named.and_then(|(_, name)| name.as_ref());
        if name.is_some_and(|name| name.as_str() == kept.origin) {
            return;
        }
        let detail = format!(
            "the log's key signed a checkpoint of {} entries as `{}`, which is not the log's \
             public name after them",
            kept.size, kept.origin
        );
        let bound = name.map_or("none", LogName::as_str);
        let found = fault(FaultCode::NameMismatch, detail);
        findings.fault(found.compared(bound, &kept.origin));
    }

    /// Judges what was kept, and answers the newest entry that it shows to be here.
    /// `own` says whether kinds mean something.
    pub(super) fn close(
        &self,
        log: Option<PublicKey>,
        own: bool,
        subject: &Subject,
        not_checked: &mut Vec<NotChecked>,
        findings: &mut Findings,
    ) -> Option<Seq> {
        let (mut newest, mut uncovered) = (None, 0_u64);
        let found_any = self.kept.iter().any(|(_, own)| own.is_some());
        for (kept, root) in &self.kept {
            let content = kept.content();
            let (size, said) = (content.size, &content.root);
            let fault = |code, detail: String| {
                let detail = format!("the checkpoint of {size} entries that was given: {detail}");
                Fault::of_file(code, detail).with_seq(size.checked_sub(1))
            };
            let missing = |detail: &str| fault(FaultCode::HeadNotContained, detail.to_owned());
            let Some(log) = log else {
                let detail = "no key of the log is known that could have signed it".to_owned();
                findings.fault(fault(FaultCode::CheckpointInvalid, detail));
                continue;
            };
            if let Err(error) = signed_by(log, kept) {
                findings.fault(fault(FaultCode::CheckpointInvalid, error.to_string()));
                continue;
            }
            match root {
                Some(own) if own != said => {
                    let detail = "the log's first entries give another root";
                    findings.fault(missing(detail).compared(said, own));
                    continue;
                }
                Some(_) => newest = newest.max(size.checked_sub(1).map(Seq)),
                None if self.frontier.is_none() => {
                    let detail = "it is over all entries from the first on, which are not here";
                    findings.fault(missing(detail));
                    continue;
                }
                None if found_any && !subject.covers(Seq(size.saturating_sub(1))) => {
                    uncovered += 1;
                    continue;
                }
                None => {
                    findings.fault(missing("not all of its entries are here"));
                    continue;
                }
            }
            if own {
                self.judge_name(content, findings, &fault);
            }
        }
        if uncovered > 0 {
            not_checked.push(NotChecked::Heads);
            let all = self.kept.len();
            let detail =
                format!("{uncovered} of {all} checkpoints given hold more entries than this part");
            findings.warning(WarningCode::NotCovered, detail);
        }
        newest
    }
}
