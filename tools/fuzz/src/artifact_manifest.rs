//! Artifact manifests and their signatures read back, and no path that is read
//! leaves its folder.

use sealbook::manifest::{ArtifactManifest, DetachedSignature};

/// Panics where it does not hold.
pub fn holds(text: &[u8]) {
    if let Ok(manifest) = ArtifactManifest::parse(text) {
        let again = ArtifactManifest::parse(manifest.to_text().as_bytes());
        assert_eq!(again.as_ref(), Ok(&manifest));
        for artifact in &manifest.artifacts {
            let path = std::path::Path::new(&artifact.relative_path);
            let normal = |c| matches!(c, std::path::Component::Normal(_));
            assert!(path.components().all(normal), "{path:?}");
        }
    }
    if let Ok(signature) = DetachedSignature::parse(text) {
        let _judged = signature.verify(text);
        DetachedSignature::parse(signature.to_text().as_bytes()).unwrap();
    }
}
