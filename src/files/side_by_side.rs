//! Many files digested at once.

use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::contents::{FileDigest, ReadError, digest, unchanged};
use super::root::Opened;
use crate::ledger::sha256::lanes::{Block, LANES, Lanes, pad};

/// What is read at once of a file: eight of them stay in the processor's cache.
const BUFFER_BYTES: usize = 32 << 10;

/// A file with more is digested by itself: beside seven small ones it would take
/// longer.
const LARGE_BYTES: u64 = 4 << 20;

/// Fewer files than this take longer side by side than one after another.
const WORTH: usize = 4;

/// What became of a file: not opened, not read to its end, or digested.
pub type Outcome<E> = Result<Result<FileDigest, ReadError>, E>;

/// Digests each of `files`, as `open` opens it, on all cores and, if the processor
/// gains by it, several side by side on each. The outcomes are in the order of the
/// files, whatever becomes of the others. Memory depends on the cores, not on the
/// files.
pub fn digest_each<T: Sync, E: Send>(
    files: &[T],
    open: impl Fn(&T) -> Result<Opened, E> + Sync,
) -> Vec<Outcome<E>> {
    let threads = rayon::current_num_threads();
    let width = (files.len() / threads).min(LANES);
    let Some(lanes) = Lanes::new().filter(|_| width >= WORTH) else {
        let files = files.par_iter().with_max_len(1);
        return files.map(|file| open(file).map(digest)).collect();
    };
    let taken = AtomicUsize::new(0);
    let open_next = || {
        let index = taken.fetch_add(1, Ordering::Relaxed);
        files.get(index).map(|file| (index, open(file)))
    };
    let mut outcomes: Vec<(usize, Outcome<E>)> = (0..threads)
        .into_par_iter()
        .with_max_len(1)
        .flat_map_iter(|_| side_by_side(lanes.clone(), width, &open_next))
        .collect();
    outcomes.sort_unstable_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Digests one file after another in each of `width` lanes, until there is none
/// left.
fn side_by_side<E>(
    mut lanes: Lanes,
    width: usize,
    open_next: &dyn Fn() -> Option<(usize, Result<Opened, E>)>,
) -> Vec<(usize, Outcome<E>)> {
    let mut outcomes = Vec::new();
    let mut places: [Option<Message>; LANES] = [const { None }; LANES];
    loop {
        for (lane, place) in places.iter_mut().enumerate().take(width) {
            // Until there is something to hash: a file may have ended, and the
            // next ones may be large or none that can be opened.
            loop {
                if let Some(message) = place {
                    if !message.blocks().is_empty() {
                        break;
                    }
                    let outcome = match message.read_on() {
                        Ok(true) => break,
                        Ok(false) => Ok(FileDigest {
                            sha256: lanes.digest(lane),
                            size: message.size,
                        }),
                        Err(error) => Err(error),
                    };
                    outcomes.push((message.index, Ok(outcome)));
                    *place = None;
                }
                match open_next() {
                    None => break,
                    Some((index, Err(error))) => outcomes.push((index, Err(error))),
                    Some((index, Ok(opened))) if opened.state.size > LARGE_BYTES => {
                        outcomes.push((index, Ok(digest(opened))));
                    }
                    Some((index, Ok(opened))) => {
                        lanes.begin(lane);
                        *place = Some(Message::new(index, opened));
                    }
                }
            }
        }
        let Some(any) = places.iter().flatten().next() else {
            return outcomes;
        };
        // A lane without a message hashes along; what comes out is not looked at.
        let any = any.blocks();
        let blocks = places.each_ref();
        let blocks = blocks.map(|place| place.as_ref().map_or(any, Message::blocks));
        let hashed = lanes.update(&blocks);
        for message in places.iter_mut().flatten() {
            message.hashed += hashed;
        }
    }
}

/// A file whose content is being hashed in a lane.
struct Message {
    index: usize,
    opened: Opened,
    /// Bytes read.
    size: u64,
    /// Whole blocks, the padding among them once the file has ended.
    buffer: Vec<u8>,
    /// How many blocks of the buffer are hashed.
    hashed: usize,
    ended: bool,
}

impl Message {
    fn new(index: usize, opened: Opened) -> Message {
        Message {
            index,
            opened,
            size: 0,
            buffer: Vec::with_capacity(BUFFER_BYTES + 2 * size_of::<Block>()),
            hashed: 0,
            ended: false,
        }
    }

    /// The blocks that are read and not hashed.
    fn blocks(&self) -> &[Block] {
        let (blocks, _) = self.buffer.as_chunks();
        blocks.get(self.hashed..).unwrap_or_default()
    }

    /// Reads the next blocks; false if the last ones have been read before.
    fn read_on(&mut self) -> Result<bool, ReadError> {
        self.buffer.clear();
        self.hashed = 0;
        if self.ended {
            return Ok(false);
        }
        let mut piece = (&mut self.opened.file).take(BUFFER_BYTES as u64);
        self.size += piece.read_to_end(&mut self.buffer)? as u64;
        if self.size > self.opened.state.size {
            return Err(ReadError::Changed);
        }
        if self.buffer.len() < BUFFER_BYTES {
            unchanged(&self.opened, self.size)?;
            pad(&mut self.buffer, self.size);
            self.ended = true;
        }
        Ok(true)
    }
}
