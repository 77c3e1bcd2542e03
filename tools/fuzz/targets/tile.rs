#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealbook_fuzz::tile::holds(bytes));
