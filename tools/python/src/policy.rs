//! What evidence is held against, whole.

use pyo3::prelude::*;
use sealbook::ledger::fault::{Format, Warning};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::policy;

use crate::errors::{Failure, detached};
use crate::held;
use crate::input::{Input, settled};
use crate::keys::{GivenKey, read_keys};

/// What evidence is held against. The files that are named are read here.
#[pyclass(frozen, module = "sealbook._sealbook")]
pub(crate) struct Policy {
    pub(crate) policy: policy::Policy,
    /// What there is to say of the files that it was kept in.
    pub(crate) warnings: Vec<Warning>,
    /// The file with the entry that a tlog-proof is to prove.
    pub(crate) entry: Option<Input>,
    /// What the evidence must be.
    pub(crate) format: Option<Format>,
}

#[pymethods]
impl Policy {
    /// The members are the arguments of `sealbook.verify`, which says what each is.
    #[new]
    #[pyo3(signature = (keys = Vec::new(), *, format = None, signatures = true,
        expect_head = None, contains = Vec::new(), receipts = None, revoked = Vec::new(),
        auditors = Vec::new(), audited = Vec::new(), policy = None, entry = None,
        known = Vec::new(), correlation = None, tenant = None, worker = None,
        ledger_rules = false, allow_unsigned = false, allow_unapplied_revocations = false))]
    #[allow(clippy::too_many_arguments, reason = "they are Python's keywords")]
    #[allow(
        clippy::fn_params_excessive_bools,
        reason = "they are Python's keywords"
    )]
    fn new(
        py: Python<'_>,
        keys: Vec<GivenKey>,
        format: Option<String>,
        signatures: bool,
        expect_head: Option<String>,
        contains: Vec<Input>,
        receipts: Option<Input>,
        revoked: Vec<Input>,
        auditors: Vec<GivenKey>,
        audited: Vec<Input>,
        policy: Option<Input>,
        entry: Option<Input>,
        known: Vec<GivenKey>,
        correlation: Option<String>,
        tenant: Option<String>,
        worker: Option<String>,
        ledger_rules: bool,
        allow_unsigned: bool,
        allow_unapplied_revocations: bool,
    ) -> PyResult<Policy> {
        detached(py, move || {
            let expect_head = expect_head.as_deref().map(hash).transpose()?;
            let [contains, revoked, audited] =
                [settled(contains)?, settled(revoked)?, settled(audited)?];
            let settle = |file: Option<Input>| file.map(Input::settled).transpose();
            let (receipts, policy, entry) = (settle(receipts)?, settle(policy)?, settle(entry)?);
            let mut warnings = Vec::new();
            let (mut anchors, mut checkpoints) = (Vec::new(), Vec::new());
            for file in &contains {
                match held::checkpoint(file)? {
                    Some(checkpoint) => checkpoints.push(checkpoint),
                    None => held::anchors(file, &mut anchors, &mut warnings)?,
                }
            }
            let witnesses = policy.as_ref().map(held::witnesses).transpose()?;
            let receipts = receipts.map(|file| held::receipts(&file, &mut warnings));
            let asked = [
                ("correlation", correlation),
                ("tenant", tenant),
                ("worker", worker),
            ];
            let asked = asked.into_iter();
            Ok(Policy {
                policy: policy::Policy {
                    signatures,
                    expect_head,
                    contains: anchors,
                    checkpoints,
                    witnesses,
                    entry: None,
                    receipts: receipts.transpose()?,
                    auditors: read_keys(&auditors)?,
                    audits: audited.iter().map(held::audit).collect::<Result<_, _>>()?,
                    ledger_rules,
                    selection: asked
                        .filter_map(|(name, id)| Some((name.to_owned(), id?)))
                        .collect(),
                    keys: read_keys(&keys)?,
                    revocations: revoked
                        .iter()
                        .map(held::revocation)
                        .collect::<Result<_, _>>()?,
                    known: read_keys(&known)?,
                    allow_unsigned,
                    allow_unapplied_revocations,
                },
                warnings,
                entry,
                format: format.as_deref().map(format_of).transpose()?,
            })
        })
    }
}

/// A hash as people have it.
pub(crate) fn hash(text: &str) -> Result<Hash, Failure> {
    let read = Hash::from_hex(&text.to_ascii_lowercase());
    read.map_err(|_| Failure::new("usage", "a hash is 64 hex digits"))
}

const FORMATS: [Format; 9] = [
    Format::Ledger,
    Format::Logbook,
    Format::Bundle,
    Format::Proof,
    Format::Equivocation,
    Format::Report,
    Format::Parquet,
    Format::TlogProof,
    Format::TlogTiles,
];

fn format_of(name: &str) -> Result<Format, Failure> {
    // As `--as` takes it, and as a report has it.
    let name = name.replace('_', "-");
    let named = FORMATS.iter().find(|format| format.to_string() == name);
    named.copied().ok_or_else(|| {
        let all: Vec<_> = FORMATS.iter().map(ToString::to_string).collect();
        let message = format!("format: one of {} is needed", all.join(", "));
        Failure::new("usage", message)
    })
}
