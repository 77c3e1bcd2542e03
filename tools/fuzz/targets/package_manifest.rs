//! Package manifests and ban lists: what is read, is written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealbook::attestation::{BanList, PackageManifest};

fuzz_target!(|text: &[u8]| {
    if let Ok(manifest) = PackageManifest::parse(text) {
        let written = manifest.to_text();
        let again = PackageManifest::parse(written.as_bytes()).unwrap();
        assert_eq!(again.to_text(), written);
        assert_eq!(again.hmac_message(), manifest.hmac_message());
        if let Some(Ok(envelope)) = manifest.ed25519() {
            envelope.verify();
        }
    }
    if let Ok(bans) = BanList::parse(text) {
        for ban in bans.entries() {
            assert!(bans.find(&ban.sha256).is_some());
        }
    }
});
