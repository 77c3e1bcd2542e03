//! A folder of artifacts under a signed manifest, and a recorder of what is
//! opened there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use sealbook::files::{Disk, FileSystem, Folder, OpenError, OpenFile};
use sealbook::ledger::key::{PublicKey, Signer as _};
use sealbook::ledger::sha256::Sha256Digest;
use sealbook::manifest::{
    ArtifactManifest, DetachedSignature, FolderVerifier, ManifestVerifier as _, VerificationResult,
    build, write,
};

use crate::scene::{now, signer};

/// Artifacts `engines/a.bin`, `engines/b.bin` and `index.bin`.
pub(crate) struct Cache {
    pub(crate) folder: tempfile::TempDir,
}

impl Cache {
    pub(crate) fn new(tiles: Option<Sha256Digest>) -> Cache {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("cache/engines")).unwrap();
        let cache = Cache { folder };
        for (path, content) in [
            ("engines/a.bin", "a"),
            ("engines/b.bin", "bb"),
            ("index.bin", ""),
        ] {
            fs::write(cache.path(path), content).unwrap();
        }
        let manifest = build(&cache.root(), "Manifest.json", tiles, now()).unwrap();
        write(&manifest, &cache.manifest(), &signer(1)).unwrap();
        cache
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root().join(relative)
    }

    pub(crate) fn manifest(&self) -> PathBuf {
        self.path("Manifest.json")
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.manifest()).unwrap()
    }

    pub(crate) fn parsed(&self) -> ArtifactManifest {
        ArtifactManifest::parse(self.text().as_bytes()).unwrap()
    }

    /// Another text for the manifest, its digest beside it, its signature left.
    pub(crate) fn rewrite(&self, text: &str) {
        fs::write(self.manifest(), text).unwrap();
        let digest = Sha256Digest::of(text.as_bytes());
        fs::write(self.path("Manifest.json.sha256"), digest.to_string()).unwrap();
    }

    /// Another text for the manifest, signed by the trusted key.
    pub(crate) fn resign(&self, text: &str) {
        self.rewrite(text);
        let signature = DetachedSignature::sign(text.as_bytes(), &signer(1)).unwrap();
        fs::write(self.path("Manifest.json.sig"), signature.to_text()).unwrap();
    }

    pub(crate) fn verify(&self) -> VerificationResult {
        FolderVerifier::airborne(&Disk).verify_manifest(&self.manifest(), &trusted())
    }

    /// Verifies and tells what was opened, in order; artifacts sorted, since
    /// they are opened in parallel.
    pub(crate) fn watch(&self, trusted: &[PublicKey]) -> (VerificationResult, Vec<String>) {
        let recorder = Recorder::default();
        let result = FolderVerifier::airborne(&recorder).verify_manifest(&self.manifest(), trusted);
        let mut opened = recorder.opened.lock().unwrap().clone();
        if let Some(artifacts) = opened.get_mut(3..) {
            artifacts.sort();
        }
        (result, opened)
    }
}

pub(crate) fn trusted() -> Vec<PublicKey> {
    vec![signer(9).public_key(), signer(1).public_key()]
}

pub(crate) fn reasons(result: &VerificationResult) -> Vec<&'static str> {
    assert_eq!(result.fail_reasons.len(), result.fail_details.len());
    result
        .fail_reasons
        .iter()
        .map(|reason| reason.as_str())
        .collect()
}

/// The disk, with a list of what was opened on it.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) opened: Arc<Mutex<Vec<String>>>,
}

struct Recorded {
    folder: Box<dyn Folder>,
    opened: Arc<Mutex<Vec<String>>>,
}

impl FileSystem for Recorder {
    fn folder(&self, path: &Path) -> io::Result<Box<dyn Folder>> {
        Ok(Box::new(Recorded {
            folder: Disk.folder(path)?,
            opened: Arc::clone(&self.opened),
        }))
    }
}

impl Folder for Recorded {
    fn open(&self, relative: &str) -> Result<OpenFile, OpenError> {
        self.opened.lock().unwrap().push(relative.to_owned());
        self.folder.open(relative)
    }
}
