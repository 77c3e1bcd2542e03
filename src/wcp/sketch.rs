//! Conditions as sets of bits, which are compared in no time.

use super::condition::Condition;

/// The values that a condition lets through, each as one bit of 64: a value
/// without its bit there is not let through, one with it may be.
pub(super) fn sketch(condition: &Condition) -> u64 {
    match condition {
        Condition::Any => u64::MAX,
        Condition::Exact(value) => sketch_bit(value),
        Condition::In(values) => values.iter().fold(0, |all, value| all | sketch_bit(value)),
        Condition::NotAny | Condition::Empty => 0,
    }
}

/// One of 64 bits, chosen by FNV-1a and a last round of mixing, since short
/// texts leave the upper bits nearly alone.
pub(super) fn sketch_bit(value: &str) -> u64 {
    let hash = value
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    1 << ((hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58)
}
