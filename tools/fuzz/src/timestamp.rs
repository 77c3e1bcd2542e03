//! Timestamps against a second reader; what is read has one canonical spelling.

use super::logs::valid;
use super::second_time::micros;
use sealbook::ledger::time::Timestamp;

/// Panics where it does not hold.
pub fn holds(bytes: &[u8]) {
    let text = valid(bytes);
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
}
