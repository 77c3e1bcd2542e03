//! Receipts: what a log acknowledged, kept by the caller, and whether the log still
//! holds it.
//!
//! A file of receipts is JSON Lines, as `append` prints them: `seq`, `hash`,
//! `prev_hash`, `ts`, `kind`, `signature`, `log`, `genesis`, in any order.

use std::io::{self, BufRead};

use serde::Deserialize;
use thiserror::Error;

use super::fault::{At, Fault, FaultClass, FaultCode, Findings, NotChecked, WarningCode};
use super::hash::Hash;
use super::key::{PublicKey, Signature};
use super::limits;
use super::lines::{Line, read_line};
use super::parse::{self, ParseError};
use super::position::Seq;
use super::shape::{self, MemberError};
use super::source::Subject;
use super::time::Timestamp;

/// Receipts that were read, in the order of their entries, 64 bytes each.
#[derive(Clone, Debug, Default)]
pub struct Receipts {
    records: Vec<ReceiptRecord>,
    logs: Vec<Log>,
    torn: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Log {
    log: PublicKey,
    genesis: Hash,
    count: u64,
    first_line: u32,
}

#[derive(Clone, Copy, Debug)]
struct ReceiptRecord {
    seq: Seq,
    hash: Hash,
    rest: ReceiptRest,
    line: u32,
    log: u8,
}

/// The members of a receipt beside number and hash, in short.
pub(crate) type ReceiptRest = [u8; 16];

#[derive(Debug, Error)]
pub enum ReceiptsError {
    #[error("could not be read: {0}")]
    Io(#[from] io::Error),
    #[error("line {line}: {problem}")]
    Line { line: u64, problem: ReceiptError },
    #[error("more than {} receipts", limits::RECEIPTS)]
    TooMany,
    #[error("receipts of more than 256 logs")]
    TooManyLogs,
}

#[derive(Clone, Debug, PartialEq, Error)]
pub enum ReceiptError {
    #[error(transparent)]
    Json(#[from] ParseError),
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error("the line has {bytes} bytes")]
    TooLong { bytes: u64 },
}

impl Receipts {
    /// Reads a file of receipts; blank lines are passed over. A last line
    /// without a newline that is not a receipt was being written when its writer
    /// was interrupted: [`Receipts::is_torn`].
    pub fn read(reader: &mut dyn BufRead) -> Result<Receipts, ReceiptsError> {
        let mut receipts = Receipts::default();
        let mut number = 0;
        while let Some(line) = read_line(reader)? {
            number += 1;
            let at = |problem| ReceiptsError::Line {
                line: number,
                problem,
            };
            match line {
                Line::TooLong { bytes } => return Err(at(ReceiptError::TooLong { bytes })),
                Line::Whole { bytes, .. } if bytes.trim_ascii().is_empty() => {}
                Line::Whole { bytes, ended } => match parse_line(&bytes) {
                    Ok(parsed) => receipts.push(parsed, number)?,
                    Err(_) if !ended => receipts.torn = true,
                    Err(problem) => return Err(at(problem)),
                },
            }
        }
        receipts.records.sort_by_key(|record| record.seq);
        Ok(receipts)
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub const fn is_torn(&self) -> bool {
        self.torn
    }

    fn push(&mut self, parsed: Parsed, line: u64) -> Result<(), ReceiptsError> {
        let line = u32::try_from(line).map_err(|_| ReceiptsError::TooMany)?;
        if self.records.len() >= limits::RECEIPTS {
            return Err(ReceiptsError::TooMany);
        }
        let same = |log: &Log| log.log == parsed.log && log.genesis == parsed.genesis;
        // Nearly always the log of the line before.
        let at = match self.logs.iter().rposition(same) {
            Some(at) => at,
            None => {
                self.logs.push(Log {
                    log: parsed.log,
                    genesis: parsed.genesis,
                    count: 0,
                    first_line: line,
                });
                self.logs.len() - 1
            }
        };
        if let Some(log) = self.logs.get_mut(at) {
            log.count += 1;
        }
        self.records.push(ReceiptRecord {
            seq: parsed.seq,
            hash: parsed.hash,
            rest: parsed.rest,
            line,
            log: u8::try_from(at).map_err(|_| ReceiptsError::TooManyLogs)?,
        });
        Ok(())
    }
}

struct Parsed {
    seq: Seq,
    hash: Hash,
    rest: ReceiptRest,
    log: PublicKey,
    genesis: Hash,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Receipt<'l> {
    prev_hash: Hash,
    signature: Signature,
    ts: Timestamp,
    kind: &'l str,
    seq: Seq,
    hash: Hash,
    log: PublicKey,
    genesis: Hash,
}

fn parse_line(line: &[u8]) -> Result<Parsed, ReceiptError> {
    let value = parse::parse_with(line, &limits::embedded(1))?;
    let it: Receipt<'_> = shape::read(&value, "")?;
    Ok(Parsed {
        seq: it.seq,
        hash: it.hash,
        rest: rest_of(&it.prev_hash, &it.signature, it.ts, it.kind),
        log: it.log,
        genesis: it.genesis,
    })
}

pub(crate) fn rest_of(
    prev: &Hash,
    signature: &Signature,
    ts: Timestamp,
    kind: &str,
) -> ReceiptRest {
    let mut bytes = Vec::with_capacity(160);
    bytes.extend_from_slice(prev.as_bytes());
    bytes.extend_from_slice(signature.as_bytes());
    bytes.extend_from_slice(ts.to_string().as_bytes());
    bytes.push(0x1f);
    bytes.extend_from_slice(kind.as_bytes());
    let mut rest = [0; 16];
    for (to, from) in rest.iter_mut().zip(Hash::of(&bytes).as_bytes()) {
        *to = *from;
    }
    rest
}

#[derive(Debug)]
pub(crate) struct ReceiptCheck<'a> {
    receipts: &'a Receipts,
    seen: Vec<bool>,
}

#[derive(Clone, Copy)]
pub(crate) struct Whose {
    pub(crate) log: Option<PublicKey>,
    pub(crate) genesis: Option<Hash>,
}

impl<'a> ReceiptCheck<'a> {
    pub(crate) fn new(receipts: &'a Receipts) -> ReceiptCheck<'a> {
        ReceiptCheck {
            receipts,
            seen: vec![false; receipts.records.len()],
        }
    }

    /// Takes an entry: every receipt of its number must be its own.
    pub(crate) fn entry(
        &mut self,
        seq: Seq,
        hash: Hash,
        rest: ReceiptRest,
        whose: Whose,
        findings: &mut Findings,
    ) {
        let records = &self.receipts.records;
        let from = records.partition_point(|record| record.seq < seq);
        let own = records.iter().zip(&mut self.seen).skip(from);
        for (record, seen) in own.take_while(|(record, _)| record.seq == seq) {
            *seen = true;
            if foreign(self.receipts.logs.get(usize::from(record.log)), whose).is_some() {
                continue;
            }
            if record.hash != hash {
                let detail = format!("entry {seq} is not the one that was acknowledged");
                let fault = fault_of(record, FaultCode::ReceiptMismatch, detail);
                findings.fault(fault.compared(record.hash, hash));
            } else if record.rest != rest {
                let detail = "the receipt says of the entry what the entry does not: its \
                              signature, time, kind or the hash before it";
                let code = FaultCode::ReceiptMismatch;
                findings.fault(fault_of(record, code, detail.to_owned()));
            }
        }
    }

    /// Reports what was acknowledged and is not there, and answers the newest
    /// entry that is.
    pub(crate) fn close(
        self,
        whose: Whose,
        subject: &Subject,
        last: Option<Seq>,
        not_checked: &mut Vec<NotChecked>,
        findings: &mut Findings,
    ) -> Option<Seq> {
        for log in &self.receipts.logs {
            if let Some(fault) = foreign(Some(log), whose) {
                findings.fault(fault);
            }
        }
        let mut uncovered = 0_u64;
        let unseen = self.receipts.records.iter().zip(&self.seen);
        for (record, _) in unseen.filter(|(_, seen)| !**seen) {
            let seq = record.seq;
            if foreign(self.receipts.logs.get(usize::from(record.log)), whose).is_some() {
            } else if !subject.covers(seq) {
                uncovered += 1;
            } else if last.is_none_or(|last| seq > last) {
                let end = last.map_or_else(|| "nowhere".to_owned(), |s| format!("at entry {s}"));
                let detail = format!("entry {seq} was acknowledged, and this ends {end}");
                let fault = fault_of(record, FaultCode::Truncated, detail);
                findings.fault(fault.of_class(FaultClass::Truncation));
            } else {
                let detail = format!("entry {seq} was acknowledged and cannot be read here");
                findings.fault(fault_of(record, FaultCode::ReceiptMismatch, detail));
            }
        }
        let all = self.receipts.len();
        if uncovered > 0 || all == 0 {
            not_checked.push(NotChecked::Receipts);
            let detail = match all {
                0 => "the file of receipts holds none".to_owned(),
                _ => format!("{uncovered} of {all} receipts are of entries outside of this part"),
            };
            findings.warning(WarningCode::NotCovered, detail);
        }
        let mut seen = self.receipts.records.iter().zip(&self.seen);
        let newest = seen.rfind(|(_, seen)| **seen);
        newest.map(|(record, _)| record.seq)
    }
}

/// The fault that receipts are of another log than this.
fn foreign(log: Option<&Log>, whose: Whose) -> Option<Fault> {
    let log = log?;
    let what = |what: &str| format!("{} receipts are of another {what}", log.count);
    let line = u64::from(log.first_line);
    let fault = |code, detail| {
        Fault::at(code, At::Document, line.saturating_sub(1), detail).on_line(Some(line))
    };
    if let Some(key) = whose.log.filter(|key| *key != log.log) {
        let found = fault(FaultCode::LogKeyMismatch, what("log key"));
        return Some(found.compared(key, log.log));
    }
    let genesis = whose.genesis.filter(|genesis| *genesis != log.genesis)?;
    let found = fault(FaultCode::GenesisMismatch, what("genesis"));
    Some(found.compared(genesis, log.genesis))
}

fn fault_of(record: &ReceiptRecord, code: FaultCode, detail: String) -> Fault {
    let line = u64::from(record.line);
    Fault::at(code, At::Document, line.saturating_sub(1), detail)
        .with_seq(Some(record.seq.0))
        .on_line(Some(line))
}
