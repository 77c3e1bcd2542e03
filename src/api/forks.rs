//! Books of one log that part: the key signed both, and neither stands.
//!
//! Of each log the longest of its books is read once more for the last entries of
//! the others. Where one of them is another there, both are compared in full,
//! which makes the proof.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::compare::{compare, hashes_at};
use crate::ledger::equivocation::Equivocation;
use crate::ledger::fault::{Fault, FaultCode, Verdict};
use crate::ledger::hash::Hash;
use crate::ledger::key::PublicKey;
use crate::ledger::position::Seq;

use super::books::Subject;
use super::sources::with_source;
use super::{Error, Options};

/// Fails those that passed and part from one another; those of the log of `key`
/// alone, if one is given. Answers the proofs.
pub(super) fn convict(
    options: &Options,
    subjects: &mut [Subject],
    key: Option<PublicKey>,
) -> Result<Vec<Equivocation>, Error> {
    let mut logs: BTreeMap<(String, Hash), Vec<(Seq, usize)>> = BTreeMap::new();
    for (at, subject) in subjects.iter().enumerate() {
        let Some(summary) = subject.summary().filter(|summary| summary.contiguous) else {
            continue;
        };
        if let (Some(log), Some(genesis), Some(last)) =
            (summary.log, summary.genesis, summary.last_seq)
            && key.is_none_or(|key| key == log)
        {
            let same = logs.entry((log.to_string(), genesis)).or_default();
            same.push((last, at));
        }
    }
    let mut proofs = Vec::new();
    for mut books in logs.into_values() {
        books.sort_unstable();
        let Some((_, longest)) = books.pop() else {
            continue;
        };
        for other in parting(options, subjects, longest, &books)? {
            proofs.extend(convict_two(options, subjects, [other, longest])?);
        }
    }
    Ok(proofs)
}

/// Which of `books` end with another entry than the longest has there.
fn parting(
    options: &Options,
    subjects: &[Subject],
    longest: usize,
    books: &[(Seq, usize)],
) -> Result<Vec<usize>, Error> {
    let head = |at: usize| subjects.get(at).and_then(Subject::summary).map(|s| s.head);
    let wanted: BTreeSet<Seq> = books.iter().map(|(last, _)| *last).collect();
    let Some(subject) = subjects.get(longest).filter(|_| !wanted.is_empty()) else {
        return Ok(Vec::new());
    };
    let found = with_source(&subject.path, options, &mut |source| {
        Ok::<_, Error>(hashes_at(source, &wanted)?)
    })?;
    let parts = books.iter().filter(|(last, at)| {
        let here = found.get(last).copied();
        here.is_some() && here != head(*at)
    });
    Ok(parts.map(|(_, at)| *at).collect())
}

fn convict_two(
    options: &Options,
    subjects: &mut [Subject],
    pair: [usize; 2],
) -> Result<Option<Equivocation>, Error> {
    let [one, other] = pair;
    let path = |at: usize| subjects.get(at).map(|s| s.path.clone()).unwrap_or_default();
    let paths = [path(one), path(other)];
    let key = subjects.get(one).and_then(Subject::summary);
    let keys: Vec<PublicKey> = key.and_then(|summary| summary.log).into_iter().collect();
    let [a, b] = &paths;
    let compared = with_source(a, options, &mut |a| {
        with_source(b, options, &mut |b| {
            Ok::<_, Error>(compare(a, b, &keys, &mut |_| ())?)
        })
    })?;
    let proof = compared.proven.map(|proven| proven.equivocation);
    for (at, rival) in [(one, b), (other, a)] {
        let mut detail = format!("{} is another history of the same log", rival.display());
        if let Some(proof) = &proof {
            detail.push_str(&format!(": the key signed {}", proof.contradiction()));
        }
        let examined = subjects.get_mut(at).and_then(Subject::examined);
        let Some(examined) = examined else { continue };
        let fault = Fault::of_file(FaultCode::Equivocation, detail);
        examined.report.faults.push(fault);
        examined.report.verdict = Verdict::Fail;
        examined.verified = None;
    }
    Ok(proof)
}
