//! What must hold of everything that reads hostile bytes: of the inputs that
//! fuzzing found worth keeping (`fixtures/fuzz`), and of changes of them at
//! random. The properties are those of the fuzz targets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    missing_docs,
    reason = "tests fail by panicking"
)]
#![cfg(feature = "files")]

mod attacker;
#[path = "../../tools/fuzz/src/lib.rs"]
mod fuzz;
mod kept;
mod made;
mod seeds;

/// Two tests for each reader: kept inputs, and changed ones.
macro_rules! readers {
    ($($(#[$cfg:meta])* $name:ident $cases:literal,)*) => {$(
        $(#[$cfg])*
        mod $name {
            #[test]
            fn every_kept_input_is_borne() {
                super::kept::all_hold(stringify!($name), super::fuzz::$name::holds);
            }

            #[test]
            fn changed_inputs_are_borne() {
                super::made::hold(stringify!($name), $cases, super::fuzz::$name::holds);
            }
        }
    )*};
}

readers! {
    artifact_manifest 512,
    bundle 128,
    #[cfg(feature = "serve")]
    filters 256,
    #[cfg(feature = "serve")]
    http 256,
    json 1024,
    key_file 512,
    logbook 128,
    note 512,
    package_manifest 512,
    proof 256,
    route 256,
    rules 256,
    statement 256,
    store_record 512,
    tile 512,
    timestamp 1024,
    tlog_proof 512,
    witness_policy 512,
}
