//! Books of one log that part: the key signed both, and neither stands.
//!
//! Of each log the longest of its books is read once more for the last entries of
//! the others. Where one of them is another there, both are compared in full,
//! which makes the proof. Selections, proofs and parts say less: of them the headers
//! are compared, two of one epoch being the proof.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::ledger::compare::{compare, hashes_at};
use crate::ledger::epoch::SignedEpoch;
use crate::ledger::equivocation::{Equivocation, Signed};
use crate::ledger::fault::{Fault, FaultCode, Format, Verdict};
use crate::ledger::hash::Hash;
use crate::ledger::key::PublicKey;
use crate::ledger::limits;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::proof::InclusionProof;
use crate::ledger::source::Event;

use super::books::BookFile;
use super::recognise::{Recognised, recognise};
use super::sources::with_source;
use super::verify::small;
use super::{Error, Options};

/// Fails those that passed and part from one another; those of the log of `key`
/// alone, if one is given. Answers the proofs.
pub(super) fn convict(
    options: &Options,
    subjects: &mut [BookFile],
    key: Option<PublicKey>,
) -> Result<Vec<Equivocation>, Error> {
    let mut logs: BTreeMap<(String, Hash), Vec<(Seq, usize)>> = BTreeMap::new();
    for (at, subject) in subjects.iter().enumerate() {
        let Some(summary) = subject.summary() else {
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
    let is_whole = |subjects: &[BookFile], at: usize| {
        let subject = subjects.get(at);
        // A set of tables is no file that entries are read of.
        subject.is_some_and(|subject| {
            let summary = subject.summary();
            let of_set = |format| format == Format::Parquet && subject.path.is_dir();
            summary.is_some_and(|summary| summary.contiguous && !of_set(summary.format))
        })
    };
    let mut proofs = Vec::new();
    for parts in logs.into_values() {
        let whole = parts.iter().copied();
        let mut books: Vec<_> = whole.filter(|(_, at)| is_whole(subjects, *at)).collect();
        books.sort_unstable();
        if let Some((_, longest)) = books.pop() {
            for other in parting(options, subjects, longest, &books)? {
                proofs.extend(convict_two(options, subjects, [other, longest])?);
            }
        }
        proofs.extend(convict_by_headers(options, subjects, &parts)?);
    }
    Ok(proofs)
}

/// The same of those of `parts` that still pass, by two headers of one epoch.
fn convict_by_headers(
    options: &Options,
    subjects: &mut [BookFile],
    parts: &[(Seq, usize)],
) -> Result<Vec<Equivocation>, Error> {
    let mut headers: BTreeMap<EpochNumber, (SignedEpoch, usize)> = BTreeMap::new();
    let mut parted = Vec::new();
    for (_, at) in parts.iter().filter(|_| parts.len() > 1) {
        let Some(subject) = subjects.get(*at).filter(|s| s.summary().is_some()) else {
            continue;
        };
        for header in headers_of(&subject.path, options)? {
            let number = header.content.epoch;
            match headers.get(&number) {
                Some((other, rival)) if other.content != header.content => {
                    parted.push((other.clone(), header, [*rival, *at]));
                    break;
                }
                Some(_) => {}
                None if headers.len() >= limits::ANCHORS => break,
                None => drop(headers.insert(number, (header, *at))),
            }
        }
    }
    let mut proofs = Vec::new();
    for (one, other, pair) in parted {
        let log = one.content.log;
        let sides = [one, other].map(|header| Signed::Epoch(Box::new(header)));
        let [one, other] = sides;
        let proof = Equivocation::prove(log, one, other).ok();
        accuse(subjects, pair, proof.as_ref());
        proofs.extend(proof);
    }
    Ok(proofs)
}

/// The headers in what is at `path`; of what is not read so, none.
fn headers_of(path: &Path, options: &Options) -> Result<Vec<SignedEpoch>, Error> {
    if let Recognised::File(Format::Proof, file) = recognise(path, None)? {
        let proof = InclusionProof::from_bytes(&small(file.reader)?);
        return Ok(proof.ok().map(|proof| proof.epoch).into_iter().collect());
    }
    let read = with_source(path, options, &mut |source| {
        let (mut found, mut batch) = (Vec::new(), Vec::new());
        loop {
            source.next_batch(&mut batch)?;
            if batch.is_empty() || found.len() >= limits::ANCHORS {
                return Ok(found);
            }
            found.extend(batch.drain(..).filter_map(|event| match event {
                Event::Epoch(header, _) => Some(*header),
                _ => None,
            }));
        }
    });
    match read {
        Err(Error::NotComparable) => Ok(Vec::new()),
        read => read,
    }
}

/// Which of `books` end with another entry than the longest has there.
fn parting(
    options: &Options,
    subjects: &[BookFile],
    longest: usize,
    books: &[(Seq, usize)],
) -> Result<Vec<usize>, Error> {
    let head = |at: usize| subjects.get(at).and_then(BookFile::summary).map(|s| s.head);
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
    subjects: &mut [BookFile],
    pair: [usize; 2],
) -> Result<Option<Equivocation>, Error> {
    let [one, other] = pair;
    let path = |at: usize| subjects.get(at).map(|s| s.path.clone()).unwrap_or_default();
    let paths = [path(one), path(other)];
    let key = subjects.get(one).and_then(BookFile::summary);
    let keys: Vec<PublicKey> = key.and_then(|summary| summary.log).into_iter().collect();
    let [a, b] = &paths;
    let compared = with_source(a, options, &mut |a| {
        with_source(b, options, &mut |b| {
            Ok::<_, Error>(compare(a, b, &keys, &mut |_| ())?)
        })
    })?;
    let proof = compared.proven.map(|proven| proven.equivocation);
    accuse(subjects, pair, proof.as_ref());
    Ok(proof)
}

/// Fails both of a pair.
/// Fails what is of a key that a proof among the subjects convicts.
pub(super) fn fail_the_convicted(subjects: &mut [BookFile]) {
    let mut proofs = Vec::new();
    for subject in subjects.iter_mut() {
        let path = subject.path.clone();
        let report = subject.examined().map(|examined| &examined.report);
        if let Some(report) = report
            && (report.format, report.verdict) == (Format::Equivocation, Verdict::Pass)
        {
            proofs.push((report.log, report.genesis, path));
        }
    }
    for subject in subjects {
        let Some(examined) = subject.examined() else {
            continue;
        };
        let report = &mut examined.report;
        let of_its_log = |genesis: Option<Hash>| {
            genesis.is_none() || report.genesis.is_none() || genesis == report.genesis
        };
        let proof = proofs
            .iter()
            .find(|(log, genesis, _)| log.is_some() && *log == report.log && of_its_log(*genesis));
        let Some((.., path)) = proof.filter(|_| report.format != Format::Equivocation) else {
            continue;
        };
        let detail = format!(
            "{} proves that its key signed two histories",
            path.display()
        );
        report
            .faults
            .push(Fault::of_file(FaultCode::Equivocation, detail));
        report.verdict = Verdict::Fail;
        examined.verified = None;
    }
}

fn accuse(subjects: &mut [BookFile], pair: [usize; 2], proof: Option<&Equivocation>) {
    let [one, other] = pair;
    let path = |at: usize| subjects.get(at).map(|s| s.path.clone()).unwrap_or_default();
    for (at, rival) in [(one, path(other)), (other, path(one))] {
        let mut detail = format!("{} is another history of the same log", rival.display());
        if let Some(proof) = proof {
            detail.push_str(&format!(": the key signed {}", proof.contradiction()));
        }
        let examined = subjects.get_mut(at).and_then(BookFile::examined);
        let Some(examined) = examined else { continue };
        let fault = Fault::of_file(FaultCode::Equivocation, detail);
        examined.report.faults.push(fault);
        examined.report.verdict = Verdict::Fail;
        examined.verified = None;
    }
}
