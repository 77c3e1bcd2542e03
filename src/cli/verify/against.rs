//! What `verify` holds a log against: keys, heads, receipts, revocations.

use std::path::Path;

use crate::ledger::fault::Warning;
use crate::ledger::hash::Hash;
use crate::ledger::limits;
use crate::ledger::parse;
use crate::ledger::policy::Policy;
use crate::ledger::revocation::SignedRevocation;

use super::super::document;
use super::super::error::CliError;
use super::super::kept;
use super::super::key::parse_key;
use super::Args;

/// The policy that the arguments ask for, before the keys of a keys file, and
/// what there is to say of the files that it was kept in.
pub(super) fn policy(args: &Args) -> Result<(Policy, Vec<Warning>), CliError> {
    let keys: Result<_, _> = args.key.iter().map(|key| parse_key(key)).collect();
    let expect_head = args.expect_head.as_deref().map(parse_hash).transpose()?;
    let mut warnings = Vec::new();
    let mut contains = Vec::new();
    for path in &args.contains {
        kept::anchors(path, &mut contains, &mut warnings)?;
    }
    let receipts = args.receipts.as_deref();
    let receipts = receipts.map(|path| kept::receipts(path, &mut warnings));
    let revocations: Result<_, _> = args.revoked.iter().map(|path| revocation(path)).collect();
    let policy = Policy {
        keys: keys?,
        signatures: !args.no_signatures,
        expect_head,
        contains,
        receipts: receipts.transpose()?,
        revocations: revocations?,
        known: Vec::new(),
        ledger_rules: args.ledger_rules,
    };
    Ok((policy, warnings))
}

fn parse_hash(text: &str) -> Result<Hash, CliError> {
    Hash::from_hex(&text.to_ascii_lowercase()).map_err(|_| CliError::Argument {
        what: "hash",
        given: text.to_owned(),
        expected: "64 hex digits are needed",
    })
}

fn revocation(path: &Path) -> Result<SignedRevocation, CliError> {
    let text = document::read(path, limits::SMALL_FILE_BYTES)?;
    let value = parse::parse(&text).map_err(document::in_file(path))?;
    let read = SignedRevocation::from_value(&value).ok();
    let signed = read.filter(SignedRevocation::verify);
    signed.ok_or_else(|| CliError::NotARevocation {
        path: path.to_owned(),
    })
}
