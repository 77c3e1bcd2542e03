//! A package on disk, and how it is attested and verified.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use sealbook::attestation::{
    Attestation, BuildSource, HmacKey, ManifestRequest, PackageAttestationVerifier, build_manifest,
    write_manifest,
};
use sealbook::ledger::key::SoftwareSigner;
use sealbook::ledger::time::Timestamp;
use zeroize::Zeroizing;

pub(crate) const WORKER: &str = "org.example.w";
pub(crate) const SPECIES: &str = "wrk.doc.summarizer";

pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2026-11-20T16:56:48Z").unwrap()
}

pub(crate) fn key() -> HmacKey {
    HmacKey::new("namespace-key").unwrap()
}

pub(crate) fn signer(seed: u8) -> SoftwareSigner {
    SoftwareSigner::from_seed(&Zeroizing::new([seed; 32]))
}

/// Files in a folder that goes with the value.
pub(crate) struct Package {
    folder: tempfile::TempDir,
}

impl Package {
    pub(crate) fn new(files: &[(&str, &[u8])]) -> Package {
        let package = Package {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(package.root()).unwrap();
        for (path, content) in files {
            package.write(path, content);
        }
        package
    }

    pub(crate) fn usual() -> Package {
        Package::new(&[("code/a.py", b"a = 1\n"), ("requirements.lock", b"")])
    }

    /// The package's root, a folder in a folder that is not the package's.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("package")
    }

    pub(crate) fn outside(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root().join(relative)
    }

    pub(crate) fn write(&self, relative: &str, content: &[u8]) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn manifest(&self) -> PathBuf {
        self.path("manifest.json")
    }

    pub(crate) fn request() -> ManifestRequest<'static> {
        ManifestRequest {
            worker_id: WORKER,
            worker_species_id: SPECIES,
            worker_version: "1.0.0",
            build_source: BuildSource::Ci,
        }
    }

    pub(crate) fn attest(self) -> Package {
        let manifest = build_manifest(&self.root(), &Self::request(), &key(), None, now());
        write_manifest(&manifest.unwrap(), &self.manifest()).unwrap();
        self
    }

    pub(crate) fn verifier<'a>(&self) -> PackageAttestationVerifier<'a> {
        PackageAttestationVerifier::new(self.root(), self.manifest(), WORKER, SPECIES)
    }

    pub(crate) fn verify(&self) -> Attestation {
        self.verifier().hmac_key(Some(&key())).verify(now())
    }

    /// Code and reason of the denial, empty for none.
    pub(crate) fn denial(&self) -> (&'static str, &'static str) {
        denial(&self.verify())
    }
}

pub(crate) fn denial(outcome: &Attestation) -> (&'static str, &'static str) {
    match &outcome.denial {
        Some(denial) => (denial.code().as_str(), denial.reason()),
        None => ("", ""),
    }
}

/// Ends another thread's loop, also when an assertion fails.
pub(crate) struct StopOnDrop<'a>(pub(crate) &'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
