//! Timestamps against a second reader; what is read has one canonical spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealbook::ledger::time::Timestamp;
use sealbook_fuzz::second_time::micros;

fuzz_target!(|text: &str| {
    let read = Timestamp::parse(text).ok();
    assert_eq!(read.map(Timestamp::unix_micros), micros(text));
    let Some(time) = read else {
        return assert!(Timestamp::parse_canonical(text).is_err());
    };
    let spelt = time.to_string();
    assert_eq!(Timestamp::parse_canonical(&spelt), Ok(time));
    assert_eq!(Timestamp::parse_canonical(text).is_ok(), spelt == text);
    let hour = time.hour_start();
    assert!(hour <= time && time.micros_since(hour) < 3_600_000_000);
});
