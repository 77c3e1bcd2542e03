//! Two things on two cores, where there is enough to do.

use super::super::judge;
use super::super::source::Event;

/// Bytes of which handing them to another core takes longer than to judge them.
const LITTLE_BYTES: usize = 64 << 10;

/// Whether a batch is less than what another core is worth: a proof, say.
pub(super) fn is_little(batch: &[Event]) -> bool {
    let weight = |event: &Event| match event {
        Event::Entry(raw, _) | Event::Opening(raw, _) | Event::Document(raw, _) => raw.weight(),
        _ => 0,
    };
    batch.len() < judge::LEAST && batch.iter().map(weight).sum::<usize>() < LITTLE_BYTES
}

/// Both, on two cores, or one after the other where there is `little` to do.
pub(super) fn beside<A: Send, B: Send>(
    little: bool,
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B + Send,
) -> (A, B) {
    match little {
        true => (one(), other()),
        false => rayon::join(one, other),
    }
}
