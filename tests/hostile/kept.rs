//! The inputs that fuzzing kept.

use crate::seeds;

pub(crate) fn all_hold(reader: &str, holds: fn(&[u8])) {
    for seed in seeds::of(reader) {
        holds(&seed);
    }
}
