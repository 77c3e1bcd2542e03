//! What commands print of packages, cards, workers, registries, servers, and of the
//! program itself.

#![allow(dead_code, reason = "their derived schemas are what is used of them")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

use super::values::{Digest, Time};

#[derive(ToSchema)]
pub(super) struct Versions {
    sealbook: String,
    ledger_format: u64,
    wcp_spec: String,
}

#[derive(ToSchema)]
pub(super) struct Codes {
    codes: Vec<ErrorCode>,
    faults: Vec<FaultCode>,
}

#[derive(ToSchema)]
pub(super) struct ErrorCode {
    code: String,
    exit_status: Option<u64>,
    http_status: Option<u64>,
    cause: String,
    remedy: String,
}

#[derive(ToSchema)]
pub(super) struct FaultCode {
    code: String,
    cause: String,
    remedy: String,
}

#[derive(ToSchema)]
pub(super) struct FormatDocument {
    /// Markdown.
    document: String,
}

/// How another verifier judged the cases.
#[derive(ToSchema)]
pub(super) struct Conformance {
    runner: String,
    cases: u64,
    agreed: u64,
    not_supported: u64,
    lacking: BTreeMap<String, u64>,
    differing: Vec<Difference>,
}

#[derive(ToSchema)]
pub(super) struct Difference {
    name: String,
    rule: String,
    expected: Judgement,
    answered: Judgement,
}

#[derive(ToSchema)]
pub(super) struct Judgement {
    verdict: String,
    fault: Option<CaseFault>,
    error: Option<String>,
    warnings: Option<Vec<String>>,
    not_checked: Option<Vec<String>>,
}

#[derive(ToSchema)]
pub(super) struct CaseFault {
    code: String,
    at: String,
    index: Option<u64>,
}

/// With `--list`: one case.
#[derive(ToSchema)]
pub(super) struct Case {
    name: String,
    rule: String,
    needs: Vec<String>,
    /// Base64.
    file: String,
    #[schema(required)]
    key: Value,
    options: BTreeMap<String, Value>,
    #[schema(inline)]
    #[serde(flatten)]
    expected: Judgement,
}

/// Of a server that holds the ledger: its verdict on what was shown to it.
#[derive(ToSchema)]
pub(super) struct Judged {
    /// `cleared`, or why it is not.
    verdict: String,
    outcome: BTreeMap<String, Value>,
    on_trust: Vec<String>,
    receipt: BTreeMap<String, Value>,
}

#[derive(ToSchema)]
pub(super) struct CardVerdict {
    verified: bool,
    fault: Option<String>,
    vacant_id: String,
    halo_version: u64,
    /// `given` or `none`.
    key_source: String,
}

#[derive(ToSchema)]
pub(super) struct ResidentVerdict {
    verified: bool,
    identity: String,
    entries: u64,
    head: String,
    faults: Vec<PartOfForm>,
    /// Parts that a signature holds.
    signed: Vec<String>,
    /// Parts that none holds, and why.
    not_signed: BTreeMap<String, String>,
    runtime_state: String,
    key_source: String,
}

#[derive(ToSchema)]
pub(super) struct PartOfForm {
    part: String,
    code: String,
    detail: Option<String>,
    index: Option<u64>,
}

#[derive(ToSchema)]
pub(super) struct PackageHash {
    package_hash: Digest,
}

#[derive(ToSchema)]
pub(super) struct Scaffolded {
    package: String,
    written: Vec<String>,
}

#[derive(ToSchema)]
pub(super) struct SignedPackage {
    /// Where the manifest was written.
    manifest: String,
    package_hash: Digest,
    trust_statement: String,
    ed25519_fingerprint: Option<String>,
}

#[derive(ToSchema)]
pub(super) struct PackageVerdict {
    ok: bool,
    deny_code: Option<String>,
    meta: BTreeMap<String, Value>,
}

#[derive(ToSchema)]
pub(super) struct BuiltManifest {
    manifest: String,
    manifest_sha256: Digest,
    artifacts: u64,
    size_bytes: u64,
    tiles_coverage_sha256: Option<Digest>,
    signing_public_key_fingerprint: String,
}

#[derive(ToSchema)]
pub(super) struct ManifestVerdict {
    outcome: String,
    fail_reasons: Vec<String>,
    fail_details: Vec<String>,
    signing_public_key_fingerprint: Option<String>,
    per_artifact_checks: Vec<BTreeMap<String, Value>>,
    elapsed_ms: u64,
}

#[derive(ToSchema)]
pub(super) struct Enrolled {
    enrolled: bool,
    /// Whether it was there before.
    updated: bool,
    worker_id: String,
    worker_species_id: String,
    enrolled_at: Time,
    artifact_hash: String,
    artifact_hash_verified: bool,
    file: String,
}

/// Of a server that holds the ledger.
#[derive(ToSchema)]
pub(super) struct EnrolledByServer {
    enrolment: BTreeMap<String, Value>,
    receipt: BTreeMap<String, Value>,
}

#[derive(ToSchema)]
pub(super) struct RegistryStatus {
    enrolled_count: u64,
    workers_available: u64,
    capabilities: u64,
    privilege_envelopes: u64,
    attested_workers: u64,
    controls_present: Vec<String>,
    invalid: Vec<InvalidRecord>,
}

#[derive(ToSchema)]
pub(super) struct InvalidRecord {
    path: String,
    problem: String,
}

#[derive(ToSchema)]
pub(super) struct Changed {
    changed: bool,
    /// In words.
    changes: Vec<String>,
}

#[derive(ToSchema)]
pub(super) struct RegisteredWorker {
    worker_id: String,
    status: String,
    current_hash: Option<Digest>,
    banned: bool,
    ban_reason: Option<String>,
    attested_at: Option<String>,
    ai_generated: bool,
    ai_service: Option<String>,
    ai_model: Option<String>,
    ai_session_fingerprint: Option<String>,
}

/// Of one hash.
#[derive(ToSchema)]
pub(super) struct Banned {
    sha256: Digest,
    banned: bool,
}

#[derive(ToSchema)]
pub(super) struct BanEntry {
    sha256: Digest,
    reason: String,
    reported_at: Option<String>,
    source: Option<String>,
    review_status: Option<String>,
}

#[derive(ToSchema)]
pub(super) struct BanList(Vec<BanEntry>);

#[derive(ToSchema)]
pub(super) struct RegistryHealth {
    ok: bool,
    version: String,
}

#[derive(ToSchema)]
pub(super) struct Reported {
    reported: bool,
    sha256: Digest,
}

#[derive(ToSchema)]
pub(super) struct Attested {
    id: String,
    worker_id: String,
    sha256: Digest,
}

#[derive(ToSchema)]
pub(super) struct Token {
    id: String,
    name: String,
    scopes: Vec<String>,
    created_at: Time,
    expires_at: Option<Time>,
    /// Of `token new`: the token, this once.
    token: Option<String>,
}
