//! Packages and artifacts as they are now, held against what was attested.

use std::path::Path;

use crate::attestation::{
    Attestation, DenyCode, HmacKey, PackageAttestationVerifier, PackageHash, PackageManifest,
    canonical_package_hash,
};
use crate::files::{Disk, OpenFile};
use crate::ledger::json::{Object, Value};
use crate::ledger::key::PublicKey;
use crate::ledger::limits;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::time::Timestamp;
use crate::manifest::{
    DetachedSignature, FILE_NAME, FolderVerifier, ManifestVerifier, VerificationResult,
};

#[derive(Debug, Default)]
pub struct Today {
    package: Option<PackageToday>,
    artifacts: Option<VerificationResult>,
}

#[derive(Debug)]
struct PackageToday {
    hash: Option<PackageHash>,
    attestation: Attestation,
}

impl Today {
    /// Looks at the package in `dir`, and at its manifest as if it were to be
    /// verified now.
    pub fn with_package(mut self, dir: &Path, key: Option<&HmacKey>, now: Timestamp) -> Today {
        let path = dir.join("manifest.json");
        let manifest = read(&path).and_then(|text| PackageManifest::parse(&text).ok());
        let stated = |name| {
            manifest
                .as_ref()
                .and_then(|m| m.text(name))
                .unwrap_or_default()
        };
        let (worker, species) = (stated("worker_id"), stated("worker_species_id"));
        let verifier = PackageAttestationVerifier::new(dir, &path, worker, species);
        self.package = Some(PackageToday {
            hash: canonical_package_hash(dir).ok(),
            attestation: verifier.hmac_key(key).verify(now),
        });
        self
    }

    /// Verifies the artifacts in `dir`. With no trusted keys that of the
    /// signature itself is taken: whether it is the one of then is compared.
    pub fn with_artifacts(mut self, dir: &Path, trusted: &[PublicKey]) -> Today {
        let path = dir.join(FILE_NAME);
        let own = read(&dir.join(format!("{FILE_NAME}.sig")));
        let own = own.and_then(|text| DetachedSignature::parse(&text).ok());
        let own: Vec<PublicKey> = own
            .map(|signature| signature.public_key)
            .into_iter()
            .collect();
        let trusted = if trusted.is_empty() { &own } else { trusted };
        let verifier = FolderVerifier::airborne(&Disk);
        self.artifacts = Some(verifier.verify_manifest(&path, trusted));
        self
    }

    /// Holds an attestation or a manifest's verification against what is there
    /// now; none if that was not given, or is of another worker.
    pub(super) fn compare(&self, payload: &Object) -> Option<Object> {
        if payload.contains_key("per_artifact_checks") {
            return self.artifacts.as_ref().map(|now| artifacts(now, payload));
        }
        let package = self.package.as_ref()?;
        let text = |name| payload.get(name).and_then(Value::as_str);
        let worker = package.attestation.meta.worker_id.as_str();
        // A package whose manifest is gone names nobody, and is held against
        // everybody.
        if !worker.is_empty() && text("worker_id") != Some(worker) {
            return None;
        }
        text("worker_id")?;
        Some(package.compare(text("package_hash"), text("manifest_sha256")))
    }
}

impl PackageToday {
    fn compare(&self, hash: Option<&str>, manifest: Option<&str>) -> Object {
        let meta = &self.attestation.meta;
        let then = hash.and_then(|text| Sha256Digest::from_hex(text).ok());
        let matched = self.hash.as_ref().zip(then);
        let content = matched.is_some_and(|(now, then)| now.matches(&then).is_some());
        let now = meta.manifest_sha256.map(|digest| digest.to_string());
        let canonical = self.hash.as_ref().map(|hash| hash.canonical.to_string());
        [
            ("same", Value::from(content)),
            ("same_manifest", Value::from(now.as_deref() == manifest)),
            ("package_hash", Value::from(canonical)),
            ("manifest_sha256", Value::from(now)),
            ("ok", Value::from(self.attestation.ok())),
            (
                "deny_code",
                Value::from(self.attestation.deny_code().map(DenyCode::as_str)),
            ),
        ]
        .into_iter()
        .collect()
    }
}

fn artifacts(now: &VerificationResult, then: &Object) -> Object {
    let text = |name| then.get(name).and_then(Value::as_str);
    let result = now.to_value();
    let manifest = now.manifest_sha256.map(|digest| digest.to_string());
    let same_manifest = manifest.as_deref() == text("manifest_sha256");
    let fingerprint = now.signing_public_key_fingerprint.as_deref();
    let same_key = fingerprint == text("signing_public_key_fingerprint");
    let checks = |result: Option<&Value>| -> Vec<(String, Option<String>)> {
        let checks = result.and_then(Value::as_array).unwrap_or_default().iter();
        let text = |check: &Value, name| check.get(name).and_then(Value::as_str).map(str::to_owned);
        let check = |check| Some((text(check, "relative_path")?, text(check, "actual_sha256")));
        checks.filter_map(check).collect()
    };
    let (was, is) = (
        checks(then.get("per_artifact_checks")),
        checks(result.get("per_artifact_checks")),
    );
    let gone = was.iter().filter(|check| !is.contains(check));
    let new = is.iter().filter(|check| !was.contains(check));
    let mut changed: Vec<&str> = gone.chain(new).map(|(path, _)| path.as_str()).collect();
    changed.sort_unstable();
    changed.dedup();
    let same = same_manifest && same_key && changed.is_empty();
    let changed = changed.into_iter().take(limits::REPORTED).map(Value::from);
    [
        ("same", Value::from(same)),
        ("same_manifest", Value::from(same_manifest)),
        ("same_key", Value::from(same_key)),
        ("changed", Value::Array(changed.collect())),
        ("manifest_sha256", Value::from(manifest)),
        (
            "outcome",
            result.get("outcome").cloned().unwrap_or(Value::Null),
        ),
        (
            "fail_reasons",
            result.get("fail_reasons").cloned().unwrap_or(Value::Null),
        ),
    ]
    .into_iter()
    .collect()
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let opened = OpenFile::at(path).ok()?;
    opened.read(limits::SMALL_FILE_BYTES as u64).ok()
}
