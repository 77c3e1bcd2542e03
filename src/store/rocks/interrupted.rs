//! What a crash leaves at the end of the write-ahead log: the beginning of a
//! write that nobody was told is there.
//!
//! The log is made of blocks of 32 KiB, and a write of records that lie in one
//! block each:
//! ```text
//! record   checksum (4) ‖ length (2, little-endian) ‖ type (1) ‖ payload
//! type     1 a whole write; 2 its first, 3 a middle, 4 its last record;
//!          others are the engine's own words, whole each
//! ```
//! A block that has less than seven bytes left is filled with zeros. Opening for
//! writing passes over what is not whole, as does this; the checksums are the
//! engine's business.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::super::listing;

const BLOCK: usize = 32 << 10;
const HEADER: usize = 7;
const FIRST: u8 = 2;
const MIDDLE: u8 = 3;

/// Bytes at the end of the newest log in `path` that are not a whole write; 0 if
/// it ends with one.
pub(super) fn interrupted_bytes(path: &Path) -> io::Result<u64> {
    let Some(newest) = newest_log(path)? else {
        return Ok(0);
    };
    let mut log = File::open(newest)?;
    let mut tail = LogTail::default();
    let mut block = Vec::with_capacity(BLOCK);
    loop {
        block.clear();
        if log.by_ref().take(BLOCK as u64).read_to_end(&mut block)? == 0 {
            return Ok(tail.interrupted());
        }
        tail.read(&block);
    }
}

/// The log with the highest number: those before it were finished.
fn newest_log(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut newest: Option<(u64, PathBuf)> = None;
    for name in listing::names(path)? {
        let file = path.join(&name);
        let name = name.to_string_lossy();
        let number = name.strip_suffix(".log").and_then(|n| n.parse().ok());
        if let Some(number) = number
            && newest.as_ref().is_none_or(|(known, _)| *known < number)
        {
            newest = Some((number, file));
        }
    }
    Ok(newest.map(|(_, file)| file))
}

#[derive(Default)]
struct LogTail {
    /// Where the last whole write ends.
    whole: u64,
    /// Where the last record, or the last byte that is not zero, ends.
    written: u64,
    read: u64,
    /// A record reaches beyond its block, or the file: nothing after it counts.
    broken: bool,
}

impl LogTail {
    fn read(&mut self, block: &[u8]) {
        let begin = self.read;
        self.read += block.len() as u64;
        if let Some(last) = block.iter().rposition(|byte| *byte != 0) {
            self.written = begin + last as u64 + 1;
        }
        let mut at = 0;
        while !self.broken {
            let Some([_, _, _, _, low, high, kind]) = block.get(at..at + HEADER) else {
                return;
            };
            let length = usize::from(u16::from_le_bytes([*low, *high]));
            if (length, *kind) == (0, 0) {
                return;
            }
            at += HEADER + length;
            if at > block.len() {
                self.broken = true;
                return;
            }
            self.written = self.written.max(begin + at as u64);
            if !matches!(*kind, FIRST | MIDDLE) {
                self.whole = begin + at as u64;
            }
        }
    }

    /// The filling of a block is not a write.
    const fn interrupted(&self) -> u64 {
        let end = if self.broken { self.read } else { self.written };
        end.saturating_sub(self.whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, length: usize) -> Vec<u8> {
        let [low, high] = u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes();
        let mut record = vec![9, 9, 9, 9, low, high, kind];
        record.resize(HEADER + length, 0xab);
        record
    }

    fn interrupted(log: &[u8]) -> u64 {
        let mut tail = LogTail::default();
        log.chunks(BLOCK).for_each(|block| tail.read(block));
        tail.interrupted()
    }

    #[test]
    fn a_log_of_whole_writes_has_no_interrupted_one_and_every_cut_of_it_has() {
        let mut log = [record(130, 20), record(1, 100), record(1, 0)].concat();
        // A write over three blocks, of which the first has no room for more.
        log.extend(record(1, BLOCK - log.len() - HEADER - 40));
        log.extend(record(2, 30));
        log.resize(BLOCK, 0);
        log.extend(record(3, BLOCK - HEADER));
        log.extend(record(4, 50));
        let ends = [27, 134, 141, BLOCK - 40, 2 * BLOCK + 57];
        for end in 0..=log.len() {
            let cut = log.get(..end).unwrap_or_default();
            let whole = ends.iter().filter(|whole| **whole <= end).max();
            let left = cut.len() - whole.copied().unwrap_or(0);
            // Zeros are filling as long as nothing follows them.
            let zeros = cut.iter().rev().take_while(|byte| **byte == 0).count();
            let expected = left.saturating_sub(zeros.min(left));
            assert_eq!(interrupted(cut), expected as u64, "cut at {end}");
        }
    }
}
