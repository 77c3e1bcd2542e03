//! What `verify` holds a log against: keys, heads, receipts, revocations.

use std::io::BufReader;
use std::path::Path;

use crate::ledger::anchors::Anchor;
use crate::ledger::epoch::SignedEpoch;
use crate::ledger::hash::Hash;
use crate::ledger::head::SignedHead;
use crate::ledger::json::Value;
use crate::ledger::key::PublicKey;
use crate::ledger::limits;
use crate::ledger::lines::{Line, read_line};
use crate::ledger::members::{MemberError, Members};
use crate::ledger::parse;
use crate::ledger::policy::Policy;
use crate::ledger::position::Seq;
use crate::ledger::revocation::SignedRevocation;
use crate::ledger::statement::Statement;
use crate::logbook::mark::Mark;

use super::super::error::CliError;
use super::super::key::parse_key;
use super::Args;

/// The policy that the arguments ask for, before the keys of a keys file.
pub(super) fn policy(args: &Args) -> Result<Policy, CliError> {
    let keys: Result<_, _> = args.key.iter().map(|key| parse_key(key)).collect();
    let expect_head = args.expect_head.as_deref().map(parse_hash).transpose()?;
    let contains: Result<_, _> = args.contains.iter().map(|path| anchor(path)).collect();
    let revocations: Result<_, _> = args.revoked.iter().map(|path| revocation(path)).collect();
    let receipts = args.receipts.as_deref().map(receipts).transpose()?;
    Ok(Policy {
        keys: keys?,
        signatures: !args.no_signatures,
        expect_head,
        contains: contains?,
        receipts: receipts.unwrap_or_default(),
        revocations: revocations?,
        known: Vec::new(),
    })
}

fn parse_hash(text: &str) -> Result<Hash, CliError> {
    Hash::from_hex(&text.to_ascii_lowercase()).map_err(|_| CliError::Argument {
        what: "hash",
        given: text.to_owned(),
        expected: "64 hex digits are needed",
    })
}

fn small(path: &Path) -> Result<Vec<u8>, CliError> {
    std::fs::read(path).map_err(|error| CliError::file(path, error))
}

fn small_value(bytes: &[u8]) -> Result<Value, CliError> {
    let limits = parse::Limits {
        bytes: limits::SMALL_FILE_BYTES,
        ..parse::Limits::default()
    };
    Ok(parse::parse_with(bytes, &limits)?)
}

fn not_recognised(path: &Path) -> CliError {
    CliError::NotRecognised {
        path: path.to_owned(),
    }
}

/// A signed head, or a sealed header, which names a head too.
fn anchor(path: &Path) -> Result<Anchor, CliError> {
    let bytes = small(path)?;
    // A mark is a head too.
    let value = match Mark::parse(&bytes) {
        Some(mark) => mark.head.to_value(),
        None => small_value(&bytes)?,
    };
    anchor_of(&value).ok_or_else(|| not_recognised(path))
}

fn anchor_of(value: &Value) -> Option<Anchor> {
    let head: Option<SignedHead> = Statement::from_value(value).ok();
    let epoch: Option<SignedEpoch> = Statement::from_value(value).ok();
    match (head, epoch) {
        (Some(head), _) => Some(Anchor {
            log: head.content.log,
            genesis: head.content.genesis,
            seq: head.content.seq,
            hash: head.content.hash,
            signed: head.verify(),
        }),
        (None, Some(epoch)) => Some(Anchor {
            log: epoch.content.log,
            genesis: epoch.content.genesis,
            seq: epoch.content.last_seq,
            hash: epoch.content.head,
            signed: epoch.verify(),
        }),
        (None, None) => None,
    }
}

fn revocation(path: &Path) -> Result<SignedRevocation, CliError> {
    let value = small_value(&small(path)?)?;
    let read = SignedRevocation::from_value(&value).ok();
    let signed = read.filter(SignedRevocation::verify);
    signed.ok_or_else(|| CliError::NotARevocation {
        path: path.to_owned(),
    })
}

/// Receipts as `append` prints them, one a line.
fn receipts(path: &Path) -> Result<Vec<Anchor>, CliError> {
    let file = std::fs::File::open(path).map_err(|error| CliError::file(path, error))?;
    let mut reader = BufReader::new(file);
    let mut receipts = Vec::new();
    let mut number = 0;
    while let Some(line) = read_line(&mut reader).map_err(|e| CliError::file(path, e))? {
        number += 1;
        let at_line = |source: CliError| CliError::Line {
            line: number,
            source: Box::new(source),
        };
        match line {
            Line::TooLong { .. } => return Err(at_line(CliError::LineTooLong)),
            Line::Whole { bytes, .. } if bytes.trim_ascii().is_empty() => {}
            Line::Whole { bytes, .. } => {
                let value = small_value(&bytes).map_err(at_line)?;
                let receipt = receipt(&value).map_err(CliError::from);
                receipts.push(receipt.map_err(at_line)?);
            }
        }
    }
    Ok(receipts)
}

/// What a receipt promises is position and hash. Its signature is over the entry
/// itself, and is checked there.
fn receipt(value: &Value) -> Result<Anchor, MemberError> {
    let mut members = Members::of(value, "")?;
    let anchor = Anchor {
        log: PublicKey::from_bytes(members.hex("log")?),
        genesis: Hash::from_bytes(members.hex("genesis")?),
        seq: Seq(members.u64("seq")?),
        hash: Hash::from_bytes(members.hex("hash")?),
        signed: true,
    };
    for beside in ["prev_hash", "ts", "kind", "signature"] {
        members.required(beside)?;
    }
    members.finish()?;
    Ok(anchor)
}
