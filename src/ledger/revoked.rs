//! What revocations mean for what is verified. One is applied where what is there
//! connects to the place that it names, by the chain, by headers or by what was
//! kept; everywhere else nothing is known, and that is not a pass.

use super::anchors::AnchorCheck;
use super::closing::Closing;
use super::epoch::EpochHeader;
use super::fault::{At, Fault, FaultCode, Findings, NotChecked, WarningCode};
use super::hash::Hash;
use super::key::PublicKey;
use super::opening::Opening;
use super::policy::Policy;
use super::position::Seq;
use super::revocation::SignedRevocation;
use super::sha256::Sha256Digest;

#[derive(Debug)]
pub(crate) struct Revoked<'a> {
    allowed: bool,
    seen: Vec<SeenPlace<'a>>,
}

#[derive(Debug)]
struct SeenPlace<'a> {
    revocation: &'a SignedRevocation,
    /// The hash that what is verified has, or states, at that place.
    hash: Option<Hash>,
    /// The entry of that place is there. What a header or head says of it is the word of
    /// the key that is not trusted.
    met: bool,
    /// The first entry beyond it: number, place and line.
    beyond: Option<(Seq, u64, Option<u64>)>,
}

pub(crate) struct Book<'a> {
    pub(crate) log: Option<PublicKey>,
    pub(crate) genesis: Option<Hash>,
    pub(crate) opening: Option<&'a Opening>,
    pub(crate) closing: Option<&'a Closing>,
    pub(crate) header: Option<&'a EpochHeader>,
    /// Whether its entries are tied to each other, so that one ties all before it.
    pub(crate) chained: bool,
    /// Whether its headers are tied to each other.
    pub(crate) connected: bool,
}

impl<'a> Revoked<'a> {
    pub(crate) fn new(policy: &'a Policy) -> Revoked<'a> {
        let seen = policy.revocations.iter().map(|revocation| SeenPlace {
            revocation,
            hash: None,
            met: false,
            beyond: None,
        });
        Revoked {
            allowed: policy.allow_unapplied_revocations,
            seen: seen.collect(),
        }
    }

    pub(crate) fn entry(&mut self, seq: Seq, hash: Hash, index: u64, line: Option<u64>) {
        self.says(seq, hash);
        for seen in &mut self.seen {
            let content = &seen.revocation.content;
            seen.met |= (seq, hash) == (content.seq, content.hash);
            if seq > seen.revocation.content.seq && seen.beyond.is_none() {
                seen.beyond = Some((seq, index, line));
            }
        }
    }

    /// Takes what an entry, a header or a head has at a place.
    pub(crate) fn says(&mut self, seq: Seq, hash: Hash) {
        for seen in &mut self.seen {
            let content = &seen.revocation.content;
            // Another hash than the revoked one is not forgotten again.
            if seq == content.seq && seen.hash.is_none_or(|said| said == content.hash) {
                seen.hash = Some(hash);
            }
        }
    }

    /// Judges them when the book has been walked.
    pub(crate) fn judge(
        &self,
        book: &Book<'_>,
        kept: &AnchorCheck<'_>,
        not_checked: &mut Vec<NotChecked>,
        findings: &mut Findings,
    ) {
        for seen in &self.seen {
            let Err(why) = seen.judge(book, kept, findings) else {
                continue;
            };
            let detail = format!("a revocation given cannot be applied: {why}");
            if self.allowed {
                not_checked.push(NotChecked::RevocationNotApplicable);
                findings.warning(WarningCode::RevocationIgnored, detail);
            } else {
                let code = FaultCode::RevocationNotApplicable;
                let seq = Some(seen.revocation.content.seq.0);
                findings.fault(Fault::of_file(code, detail).with_seq(seq));
            }
        }
    }
}

impl SeenPlace<'_> {
    fn judge(
        &self,
        book: &Book<'_>,
        kept: &AnchorCheck<'_>,
        findings: &mut Findings,
    ) -> Result<(), String> {
        let content = &self.revocation.content;
        let by = self.revocation.envelope.key;
        if book.log != Some(content.log) {
            let detail = format!("a revocation given is of another log, {}", content.log);
            findings.warning(WarningCode::RevocationOfAnotherLog, detail);
            return Ok(());
        }
        if book.genesis != Some(content.genesis) {
            let whose = match book.genesis {
                Some(_) => "this is another one of the same key",
                None => "which log of that key this is does not show here",
            };
            return Err(format!("it is of the log {}, and {whose}", content.genesis));
        }
        match self.may(book) {
            Some(true) => {}
            Some(false) => {
                let detail = format!(
                    "a revocation signed by {by} has no effect: that is neither the recovery key \
                     of this book nor its successor's"
                );
                findings.warning(WarningCode::RevocationIgnored, detail);
                return Ok(());
            }
            None => return Err(format!("whether {by} may revoke does not show here")),
        }
        if let Some(found) = self.hash.filter(|hash| *hash != content.hash) {
            let detail = "the entry that a revocation names as the last is another one here";
            let fault = Fault::of_file(FaultCode::HeadNotContained, detail);
            let fault = fault.with_seq(Some(content.seq.0));
            findings.fault(fault.compared(content.hash, found));
        }
        if let Some((seq, index, line)) = self.beyond {
            let detail = format!(
                "this entry and all after it are revoked: the book ends at entry {}",
                content.seq
            );
            let fault = Fault::at(FaultCode::UntrustedKey, At::Entry, index, detail);
            findings.fault(fault.with_seq(Some(seq.0)).on_line(line));
            return Ok(());
        }
        if self.hash.is_some_and(|hash| hash != content.hash) {
            return Ok(());
        }
        let led = |header| kept.lead(header, content.seq, content.hash);
        let by_headers = book.connected && book.header.is_some_and(led);
        if !(book.chained && self.met || by_headers) {
            return Err(format!(
                "nothing here ties these entries to entry {}, where the book ends",
                content.seq
            ));
        }
        let detail = format!("the book was ended at entry {}", content.seq);
        findings.warning(WarningCode::Revoked, detail);
        Ok(())
    }

    /// Whether the key that signed it may; `None` where that does not show.
    fn may(&self, book: &Book<'_>) -> Option<bool> {
        let key = self.revocation.envelope.key;
        if !self.revocation.verify() || book.log == Some(key) {
            return Some(false);
        }
        let digest = Sha256Digest::of(key.as_bytes());
        let recovery = book.opening.map(|opening| opening.recovery_key_sha256);
        let successor = book.closing.map(|closing| closing.successor);
        if recovery == Some(Some(digest))
            || successor == Some(key)
            || self.revocation.successor() == Some(key)
        {
            return Some(true);
        }
        (recovery.is_some() && successor.is_some()).then_some(false)
    }
}
