//! What `verify` holds a log against: keys, heads, receipts, revocations.

use std::io::Read as _;
use std::path::Path;

use crate::api::{self, open_file};
use crate::ledger::audited::SignedAudit;
use crate::ledger::entry::Entry;
use crate::ledger::fault::Warning;
use crate::ledger::hash::Hash;
use crate::ledger::limits;
use crate::ledger::policy::Policy;
use crate::ledger::position::Seq;
use crate::ledger::tlog::proof::TlogProof;

use super::super::document;
use super::super::error::CliError;
use super::super::kept;
use super::super::key::parse_key;
use super::Args;

/// The policy that the arguments ask for, before the keys of a keys file, and
/// what there is to say of the files that it was kept in.
pub(super) fn policy(args: &Args) -> Result<(Policy, Vec<Warning>), CliError> {
    let expect_head = args.expect_head.as_deref().map(parse_hash).transpose()?;
    let mut warnings = Vec::new();
    let mut contains = Vec::new();
    let mut checkpoints = Vec::new();
    for path in &args.contains {
        match kept::checkpoint(path)? {
            Some(checkpoint) => checkpoints.push(checkpoint),
            None => kept::anchors(path, &mut contains, &mut warnings)?,
        }
    }
    let witnesses = args.policy.as_deref().map(document::witness_policy);
    let receipts = args.receipts.as_deref();
    let receipts = receipts.map(|path| kept::receipts(path, &mut warnings));
    let auditors: Result<_, _> = args.auditor.iter().map(|key| parse_key(key)).collect();
    let audits: Result<_, _> = args.audited.iter().map(|path| audit(path)).collect();
    let policy = Policy {
        signatures: !args.no_signatures,
        expect_head,
        contains,
        checkpoints,
        witnesses: witnesses.transpose()?,
        receipts: receipts.transpose()?,
        auditors: auditors?,
        audits: audits?,
        ledger_rules: args.ledger_rules,
        selection: selection(args),
        ..args.trust.policy()?
    };
    Ok((policy, warnings))
}

/// The entry that the tlog-proof at `path` is of, out of a file that has it: the one at
/// its place, or the only one.
///
/// # Errors
/// `not_found` if the file has no such entry. A proof that cannot be read is
/// the verdict's to name.
pub(super) fn entry(path: &Path, file: &Path) -> Result<Option<Entry>, CliError> {
    let failed = |error| CliError::file(path, error);
    let mut bytes = Vec::new();
    // It is read again for its verdict.
    let proof = open_file(path).map_err(failed)?;
    let mut bounded = proof.take(limits::SMALL_FILE_BYTES as u64 + 1);
    bounded.read_to_end(&mut bytes).map_err(failed)?;
    let Ok(proof) = TlogProof::parse(&bytes) else {
        return Ok(None);
    };
    let opened = open_file(file).map_err(|error| CliError::file(file, error))?;
    let (mut only, mut others) = (None, false);
    for (at, found) in (0..).zip(api::entries(opened)?) {
        let found = found?;
        if found.seq.unwrap_or(Seq(at)) == Seq(proof.index) {
            return Ok(Some(found.entry));
        }
        // A line of a logbook alone says no number.
        others = others || only.is_some() || found.seq.is_some();
        only = Some(found.entry);
    }
    match only.filter(|_| !others) {
        Some(entry) => Ok(Some(entry)),
        None => Err(CliError::NotThere {
            wanted: format!(
                "{} does not have entry {}, which the proof is of",
                file.display(),
                proof.index
            ),
            there: format!(
                "name a file that has it: `sealbook prove {} -o FILE` makes one",
                proof.index
            ),
        }),
    }
}

fn audit(path: &Path) -> Result<SignedAudit, CliError> {
    let bytes = document::read(path, limits::SMALL_FILE_BYTES)?;
    SignedAudit::from_file(&bytes).map_err(|_| CliError::Argument {
        what: "auditor's statement",
        given: path.display().to_string(),
        expected: "a file that `sealbook audit` signed is needed",
    })
}

fn selection(args: &Args) -> Vec<(String, String)> {
    let asked = [
        ("correlation", &args.correlation),
        ("tenant", &args.tenant),
        ("worker", &args.worker),
    ];
    let given = |(name, id): (&str, &Option<String>)| Some((name.to_owned(), id.clone()?));
    asked.into_iter().filter_map(given).collect()
}

fn parse_hash(text: &str) -> Result<Hash, CliError> {
    Hash::from_hex(&text.to_ascii_lowercase()).map_err(|_| CliError::Argument {
        what: "hash",
        given: text.to_owned(),
        expected: "64 hex digits are needed",
    })
}
