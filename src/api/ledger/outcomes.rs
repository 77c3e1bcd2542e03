//! What producers find out becomes entries.

use std::path::Path;

use crate::attestation::{Attestation, PackageAttestationVerifier};
use crate::ledger::key::PublicKey;
use crate::logbook::request::Receipt;
use crate::manifest::{ManifestVerifier, VerificationResult};
use crate::record::{DecisionRequest, EvidenceReceipt, Hall, Outcome};
use crate::wcp::basis::DEFAULT_TASK_ID;
use crate::wcp::stamp::{DecisionId, DecisionStamp};
use crate::wcp::{RouteDecision, RouteInput};

use super::super::Error;
use super::Ledger;

/// What was found out, and where it is recorded.
#[derive(Clone, Debug)]
pub struct RecordedVerdict<T> {
    /// What was found out: a pass or a failure, recorded alike.
    pub outcome: T,
    /// Its entry.
    pub receipt: Receipt,
}

/// A decision that may be acted on, and where it is recorded.
#[derive(Clone, Debug)]
pub struct Done {
    /// What was decided: a denial is a decision.
    pub decision: RouteDecision,
    /// What WCP wants to know of a dispatch.
    pub evidence: EvidenceReceipt,
    /// Its entry.
    pub receipt: Receipt,
}

impl Ledger {
    /// Decides which worker may serve a request, and answers when the decision is
    /// an entry, with everything that it was taken from.
    ///
    /// # Errors
    /// [`Error::Record`]: what is not recorded may not be acted on.
    pub fn decide(&self, hall: &Hall, input: &RouteInput) -> Result<Done, Error> {
        let recorder = self.recorder()?;
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(Error::Randomness)?;
        let asked = DecisionRequest {
            input,
            approval: None,
            task_id: DEFAULT_TASK_ID,
            actor: None,
            stamp: DecisionStamp {
                decision_id: DecisionId::from_random(random),
                timestamp: self.options.now(),
            },
        };
        let decided = recorder.decide(hall, &asked);
        let receipt = decided.receipt?;
        Ok(Done {
            decision: decided.decision,
            evidence: receipt.evidence,
            receipt: receipt.entry,
        })
    }

    /// Verifies a worker's package, and records what came out.
    ///
    /// # Errors
    /// [`Error::Record`]; nothing is answered that is not recorded.
    pub fn attest(
        &self,
        verifier: &PackageAttestationVerifier<'_>,
    ) -> Result<RecordedVerdict<Attestation>, Error> {
        self.writing()?;
        let outcome = verifier.verify(self.options.now());
        let receipt = self.record(&Outcome::attestation(&outcome))?;
        Ok(RecordedVerdict { outcome, receipt })
    }

    /// Verifies the artifacts of a manifest that one of `keys` signed, and records
    /// what came out.
    ///
    /// # Errors
    /// [`Error::Record`]; nothing is answered that is not recorded.
    pub fn verify_manifest(
        &self,
        verifier: &dyn ManifestVerifier,
        manifest: &Path,
        keys: &[PublicKey],
    ) -> Result<RecordedVerdict<VerificationResult>, Error> {
        self.writing()?;
        let outcome = verifier.verify_manifest(manifest, keys);
        let receipt = self.record(&Outcome::manifest(&outcome))?;
        Ok(RecordedVerdict { outcome, receipt })
    }

    /// Records an outcome, and answers when its entry is durable.
    ///
    /// # Errors
    /// [`Error::Record`]; then it is not recorded.
    pub fn record(&self, outcome: &Outcome) -> Result<Receipt, Error> {
        Ok(self.recorder()?.record(outcome)?)
    }
}
