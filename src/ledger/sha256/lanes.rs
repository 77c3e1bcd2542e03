//! SHA-256 of eight messages side by side, for processors that have vector
//! registers and no instructions for SHA: there it takes a third of the time of
//! one message after another.
//!
//! As in the arithmetic of signatures, each step is one of a message, in a loop
//! over the eight, of which the compiler makes vector instructions. A file is
//! only put here after eight messages have come out as the library has them.

use std::sync::OnceLock;

use multiversion::multiversion;

use super::{Sha256Digest, sha256};

/// How many messages stand side by side.
pub(crate) const LANES: usize = 8;

/// What is hashed at once of each message.
pub(crate) type Block = [u8; 64];

/// A word of each message.
type Words = [u32; LANES];

/// The hashes of eight messages, as far as their blocks have been given.
#[derive(Clone)]
pub(crate) struct Lanes([Words; 8]);

impl Lanes {
    /// Eight lanes, if this processor gains by them and they are right.
    pub(crate) fn new() -> Option<Lanes> {
        static USEFUL: OnceLock<bool> = OnceLock::new();
        let useful = USEFUL.get_or_init(|| processor_gains() && agrees());
        useful.then(Lanes::empty)
    }

    fn empty() -> Lanes {
        Lanes(INITIAL.map(|word| [word; LANES]))
    }

    /// Begins a message in a lane, whatever was there.
    pub(crate) fn begin(&mut self, lane: usize) {
        for (words, initial) in self.0.iter_mut().zip(INITIAL) {
            if let Some(word) = words.get_mut(lane) {
                *word = initial;
            }
        }
    }

    /// Takes the next blocks of each message: as many of all as there are of the
    /// one with the fewest, and says how many.
    pub(crate) fn update(&mut self, blocks: &[&[Block]; LANES]) -> usize {
        let count = blocks.iter().map(|blocks| blocks.len()).min();
        let count = count.unwrap_or(0);
        compress(&mut self.0, blocks, count);
        count
    }

    /// The digest in a lane whose message was given with its padding.
    pub(crate) fn digest(&self, lane: usize) -> Sha256Digest {
        let mut bytes = [0; Sha256Digest::BYTES];
        for (bytes, words) in bytes.as_chunks_mut().0.iter_mut().zip(&self.0) {
            if let Some(word) = words.get(lane) {
                *bytes = word.to_be_bytes();
            }
        }
        Sha256Digest(bytes)
    }
}

/// Ends `rest`, the last bytes of a message of `length` bytes, with its padding:
/// afterwards it is whole blocks.
pub(crate) fn pad(rest: &mut Vec<u8>, length: u64) {
    rest.push(0x80);
    let zeros = (size_of::<Block>() - 8).wrapping_sub(rest.len()) % size_of::<Block>();
    rest.resize(rest.len() + zeros, 0);
    rest.extend_from_slice(&length.wrapping_mul(8).to_be_bytes());
}

/// A processor with instructions for SHA needs no lanes, one without wide
/// registers has no use for them.
fn processor_gains() -> bool {
    #[cfg(target_arch = "x86_64")]
    let gains = is_x86_feature_detected!("avx2") && !is_x86_feature_detected!("sha");
    #[cfg(not(target_arch = "x86_64"))]
    let gains = false;
    gains
}

/// Whether eight messages of one, two and three blocks are hashed as the library
/// hashes them.
fn agrees() -> bool {
    [0, 56, 129].iter().all(|&length| {
        let messages: [Vec<u8>; LANES] = std::array::from_fn(|lane| {
            let bytes = (0_u8..=u8::MAX).cycle().skip(31 * lane);
            bytes.take(length).collect()
        });
        let padded = messages.each_ref().map(|message| {
            let mut padded = message.clone();
            pad(&mut padded, message.len() as u64);
            padded
        });
        let mut lanes = Lanes::empty();
        lanes.update(&padded.each_ref().map(|padded| padded.as_chunks().0));
        let mut messages = messages.iter().enumerate();
        messages.all(|(lane, message)| lanes.digest(lane).0 == sha256(message))
    })
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn compress(state: &mut [Words; 8], blocks: &[&[Block]; LANES], count: usize) {
    let [first, later @ ..] = &CONSTANTS;
    for at in 0..count {
        let before = *state;
        let mut schedule = load(blocks, at);
        sixteen_rounds(state, &schedule, first);
        for constants in later {
            extend(&mut schedule);
            sixteen_rounds(state, &schedule, constants);
        }
        for (words, before) in state.iter_mut().zip(&before) {
            for (word, before) in words.iter_mut().zip(before) {
                *word = word.wrapping_add(*before);
            }
        }
    }
}

/// The block `at` of each message, word by word.
#[inline(always)]
fn load(blocks: &[&[Block]; LANES], at: usize) -> [Words; 16] {
    let mut schedule = [[0; LANES]; 16];
    for (lane, blocks) in blocks.iter().enumerate() {
        let Some(block) = blocks.get(at) else {
            continue;
        };
        for (words, bytes) in schedule.iter_mut().zip(block.as_chunks().0) {
            if let Some(word) = words.get_mut(lane) {
                *word = u32::from_be_bytes(*bytes);
            }
        }
    }
    schedule
}

/// Makes of sixteen words of the schedule the next sixteen.
#[inline(always)]
#[expect(
    clippy::indexing_slicing,
    reason = "a remainder of the length is in it, and a lane in its words"
)]
fn extend(schedule: &mut [Words; 16]) {
    for at in 0..16 {
        let [next, later, last] = [1, 9, 14].map(|ahead| schedule[(at + ahead) % 16]);
        for lane in 0..LANES {
            let near = next[lane].rotate_right(7) ^ next[lane].rotate_right(18) ^ (next[lane] >> 3);
            let far =
                last[lane].rotate_right(17) ^ last[lane].rotate_right(19) ^ (last[lane] >> 10);
            let sum = near.wrapping_add(later[lane]).wrapping_add(far);
            schedule[at][lane] = schedule[at][lane].wrapping_add(sum);
        }
    }
}

/// Sixteen rounds without a branch, so that the loop over the lanes is the
/// innermost one.
#[inline(always)]
#[expect(
    clippy::indexing_slicing,
    clippy::many_single_char_names,
    reason = "a lane is in its words; FIPS 180-4 names the variables so"
)]
fn sixteen_rounds(state: &mut [Words; 8], schedule: &[Words; 16], constants: &[u32; 16]) {
    for lane in 0..LANES {
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] =
            state.each_ref().map(|words| words[lane]);
        macro_rules! round {
            ($at:expr, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
                let sum = $e.rotate_right(6) ^ $e.rotate_right(11) ^ $e.rotate_right(25);
                let choice = $g ^ ($e & ($f ^ $g));
                let word = schedule[$at][lane].wrapping_add(constants[$at]);
                let first = $h.wrapping_add(sum).wrapping_add(choice).wrapping_add(word);
                let sum = $a.rotate_right(2) ^ $a.rotate_right(13) ^ $a.rotate_right(22);
                let majority = ($a & $b) ^ ($a & $c) ^ ($b & $c);
                $d = $d.wrapping_add(first);
                $h = first.wrapping_add(sum).wrapping_add(majority);
            };
        }
        macro_rules! eight_rounds {
            ($at:expr) => {
                round!($at, a b c d e f g h);
                round!($at + 1, h a b c d e f g);
                round!($at + 2, g h a b c d e f);
                round!($at + 3, f g h a b c d e);
                round!($at + 4, e f g h a b c d);
                round!($at + 5, d e f g h a b c);
                round!($at + 6, c d e f g h a b);
                round!($at + 7, b c d e f g h a);
            };
        }
        eight_rounds!(0);
        eight_rounds!(8);
        for (words, word) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            words[lane] = word;
        }
    }
}

/// FIPS 180-4, 5.3.3.
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// FIPS 180-4, 4.2.2.
#[rustfmt::skip]
const CONSTANTS: [[u32; 16]; 4] = [
    [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    ],
    [
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    ],
    [
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    ],
    [
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ],
];

#[cfg(test)]
mod tests {
    // A test that panics is a test that fails.
    #![allow(clippy::indexing_slicing)]

    use super::*;

    /// Whatever the processor: the lanes are right where they are not useful too.
    #[test]
    fn a_message_in_any_lane_has_the_digest_that_the_library_computes() {
        let text: Vec<u8> = (0_u32..700).map(|n| ((n * n) >> 3) as u8).collect();
        for length in 0..=text.len() - LANES {
            let messages: [&[u8]; LANES] = std::array::from_fn(|lane| &text[lane..lane + length]);
            let padded = messages.map(|message| {
                let mut padded = message.to_vec();
                pad(&mut padded, length as u64);
                assert_eq!(padded.len() % 64, 0);
                padded
            });
            let blocks = padded.each_ref().map(|padded| padded.as_chunks().0);
            let mut lanes = Lanes::empty();
            // In two parts, so that a state is carried on.
            let middle = blocks[0].len() / 2;
            lanes.update(&blocks.map(|blocks| &blocks[..middle]));
            lanes.update(&blocks.map(|blocks| &blocks[middle..]));
            for (lane, message) in messages.into_iter().enumerate() {
                assert_eq!(lanes.digest(lane).0, sha256(message), "{length} {lane}");
            }
        }
    }

    #[test]
    fn a_lane_ends_without_the_others() {
        let mut lanes = Lanes::empty();
        let mut padded = Vec::new();
        pad(&mut padded, 0);
        let short: &[Block] = padded.as_chunks().0;
        let long = [[7; 64]; 3];
        let [a, b] = [short, &long[..1]];
        assert_eq!(lanes.update(&[a, b, b, a, a, a, a, a]), 1);
        assert_eq!(lanes.digest(0).0, sha256(b""));
        lanes.begin(0);
        let mut whole = long.as_flattened().to_vec();
        pad(&mut whole, 192);
        let whole: &[Block] = whole.as_chunks().0;
        assert_eq!(
            lanes.update(&[&whole[..3], &whole[1..], &whole[1..], a, a, a, a, a]),
            1
        );
        let rest = &whole[2..];
        assert_eq!(
            lanes.update(&[&whole[1..], rest, rest, rest, rest, rest, rest, rest]),
            2
        );
        assert_eq!(lanes.digest(1).0, sha256(long.as_flattened()));
        assert_eq!(lanes.digest(2).0, sha256(long.as_flattened()));
        assert_eq!(lanes.update(&[&whole[3..]; LANES]), 1);
        assert_eq!(lanes.digest(0).0, sha256(long.as_flattened()));
    }

    #[test]
    fn only_as_many_blocks_are_taken_as_all_lanes_have() {
        let (one, two) = ([[1; 64]; 1], [[1; 64]; 2]);
        let (mut some, mut all) = (Lanes::empty(), Lanes::empty());
        some.update(&[&two, &one, &two, &two, &two, &two, &two, &two]);
        all.update(&[&one; LANES]);
        assert_eq!(some.0, all.0);
        all.update(&[&[]; LANES]);
        assert_eq!(some.0, all.0);
    }

    #[test]
    fn the_library_is_agreed_with() {
        assert!(agrees());
    }
}
