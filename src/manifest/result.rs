//! What a verification of a manifest says.

use serde::Serialize;

use crate::ledger::json::Value;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::shape;
use crate::ledger::words::words;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ManifestOutcome {
    Pass,
    Fail,
}

words! {
    /// Why a manifest fails, in the words of its contract (version 1.0.0).
    pub enum FailReason {
        ManifestNotFound = "manifest_not_found",
        ManifestSelfHashMismatch = "manifest_self_hash_mismatch",
        SignatureNotFound = "signature_not_found",
        SignatureInvalid = "signature_invalid",
        UntrustedPublicKey = "untrusted_public_key",
        SchemaViolation = "schema_violation",
        ArtifactMissing = "artifact_missing",
        ArtifactHashMismatch = "artifact_hash_mismatch",
        TilesCoverageMismatch = "tiles_coverage_mismatch",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ArtifactCheck {
    pub relative_path: String,
    pub expected_sha256: Sha256Digest,
    /// What is there; none if nothing is, or if it could not be read whole.
    pub actual_sha256: Option<Sha256Digest>,
    pub matched: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerificationResult {
    /// Each reason once, in the order of the checks.
    pub fail_reasons: Vec<FailReason>,
    pub fail_details: Vec<String>,
    /// `sha256:…` of the key in the signature, if that parses, trusted or not.
    pub signing_public_key_fingerprint: Option<String>,
    /// Every artifact in the manifest's order, once its key was trusted.
    pub per_artifact_checks: Vec<ArtifactCheck>,
    pub elapsed_ms: u64,
    /// SHA-256 of the manifest's bytes, if they were read: names in a record
    /// what was verified.
    #[serde(skip)]
    pub manifest_sha256: Option<Sha256Digest>,
}

impl VerificationResult {
    /// Pass exactly if there is no reason to fail (MV-INV-1): it is computed
    /// from the reasons, so the two cannot disagree.
    pub fn outcome(&self) -> ManifestOutcome {
        if self.fail_reasons.is_empty() {
            ManifestOutcome::Pass
        } else {
            ManifestOutcome::Fail
        }
    }

    pub(super) fn fail(&mut self, reason: FailReason, detail: impl Into<String>) {
        self.fail_reasons.push(reason);
        self.fail_details.push(detail.into());
    }

    /// As `manifest verify --json` prints it.
    pub fn to_value(&self) -> Value {
        shape::write(&Printed {
            outcome: self.outcome(),
            result: self,
        })
    }
}

#[derive(Serialize)]
struct Printed<'r> {
    outcome: ManifestOutcome,
    #[serde(flatten)]
    result: &'r VerificationResult,
}
