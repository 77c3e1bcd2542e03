//! Package manifests and ban lists: what is read, is written and read again.

use sealbook::attestation::{BanList, PackageManifest};

/// Panics where it does not hold.
pub fn holds(text: &[u8]) {
    if let Ok(manifest) = PackageManifest::parse(text) {
        let written = manifest.to_text();
        let again = PackageManifest::parse(written.as_bytes()).unwrap();
        assert_eq!(again.to_text(), written);
        assert_eq!(again.hmac_message(), manifest.hmac_message());
        if let Some(Ok(envelope)) = manifest.ed25519() {
            let _judged = envelope.verify();
        }
    }
    if let Ok(bans) = BanList::parse(text) {
        for ban in bans.entries() {
            assert!(bans.find(&ban.sha256).is_some());
        }
    }
}
