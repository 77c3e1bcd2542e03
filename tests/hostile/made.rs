//! Inputs near those that are kept, and some of no shape at all.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};

use crate::seeds;

/// What readers look out for.
const WORDS: [&[u8]; 24] = [
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"-0",
    b"1e400",
    b"1.0",
    b"18446744073709551616",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"..",
    b"=",
    b"%00",
    b"-----BEGIN",
];

/// What is done to an input.
#[derive(Clone, Debug)]
enum Change {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Cut(Index),
    /// The end of another input.
    Join(Index, Index, Index),
}

/// Tries so many; what fails is made small and shown.
pub(crate) fn hold(reader: &str, cases: u32, holds: fn(&[u8])) {
    let seeds = seeds::of(reader);
    let config = Config {
        cases,
        // The inputs worth keeping are in `fixtures/fuzz`.
        failure_persistence: None,
        ..Config::default()
    };
    let near = (any::<Index>(), vec(change(), 0..6));
    let shapeless = vec(any::<u8>(), 0..200);
    let inputs = prop_oneof![
        9 => near.prop_map(move |(seed, changes)| changed(&seeds, seed, changes)),
        1 => shapeless,
    ];
    let tried = TestRunner::new(config).run(&inputs, |input| {
        holds(&input);
        Ok(())
    });
    if let Err(error) = tried {
        panic!("{reader}: {error}");
    }
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let word = select(WORDS.as_slice()).prop_map(<[u8]>::to_vec);
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (at(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (at(), word).prop_map(|(at, word)| Change::Insert(at, word)),
        (at(), 1..64_usize).prop_map(|(at, count)| Change::Remove(at, count)),
        (at(), 1..64_usize).prop_map(|(at, count)| Change::Repeat(at, count)),
        at().prop_map(Change::Cut),
        (at(), at(), at()).prop_map(|(at, other, from)| Change::Join(at, other, from)),
    ]
}

fn changed(seeds: &[Vec<u8>], seed: Index, changes: Vec<Change>) -> Vec<u8> {
    let mut input = seed.get(seeds).clone();
    for change in changes {
        let place = |at: Index| at.index(input.len() + 1);
        let reach = |at: usize, count: usize| (at + count).min(input.len());
        match change {
            Change::Set(at, byte) if !input.is_empty() => *at.get_mut(&mut input) = byte,
            Change::Flip(at, bit) if !input.is_empty() => *at.get_mut(&mut input) ^= 1 << bit,
            Change::Set(..) | Change::Flip(..) => {}
            Change::Insert(at, word) => {
                let at = place(at);
                input.splice(at..at, word);
            }
            Change::Remove(at, count) => {
                let at = place(at);
                input.drain(at..reach(at, count));
            }
            Change::Repeat(at, count) => {
                let at = place(at);
                let again = input[at..reach(at, count)].to_vec();
                input.splice(at..at, again);
            }
            Change::Cut(at) => input.truncate(place(at)),
            Change::Join(at, other, from) => {
                let other = other.get(seeds);
                input.truncate(place(at));
                input.extend_from_slice(&other[from.index(other.len() + 1)..]);
            }
        }
    }
    input
}
