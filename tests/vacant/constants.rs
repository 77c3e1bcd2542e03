//! Every constant has the reference value.

use sealbook::ledger::json::Value;
use sealbook::vacant::constants::{self, tables};

#[test]
fn every_constant_has_the_reference_value_and_none_is_left_out() {
    let text = std::fs::read("fixtures/vectors/constants.json").unwrap();
    let reference = sealbook::ledger::parse::parse(&text).unwrap();
    let mut ours = tables::table();
    ours.insert("HASH_DIGEST_BYTES", constants::HASH_DIGEST_BYTES as u64);
    ours.insert(
        "ED25519_PUBLIC_KEY_BYTES",
        constants::ED25519_PUBLIC_KEY_BYTES as u64,
    );
    ours.insert(
        "ED25519_SIGNATURE_BYTES",
        constants::ED25519_SIGNATURE_BYTES as u64,
    );
    ours.insert("DEFAULT_HALO_VERSION", constants::DEFAULT_HALO_VERSION);
    ours.insert(
        "MERKLE_SNAPSHOT_INTERVAL_S",
        constants::MERKLE_SNAPSHOT_INTERVAL_S,
    );
    assert_eq!(Value::Object(ours), reference);
}
