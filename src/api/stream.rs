//! What a stream of bytes holds, told by its beginning.

use std::io::{self, BufRead, Cursor, Read};

use super::cause::from_utf16;
use super::compression::{Compression, MAGIC_BYTES, OneFrame, decompress};
use crate::ledger::equivocation::Equivocation;
use crate::ledger::fault::Format;
use crate::ledger::json::Object;
use crate::ledger::limits;
use crate::ledger::parse;
use crate::ledger::proof::InclusionProof;
use crate::report;

/// How many lines are looked at.
const SNIFFED_LINES: usize = 16;

/// The first bytes of a tlog-proof.
const TLOG_PROOF: &[u8] = b"c2sp.org/tlog-proof@";

/// The first bytes of a Parquet file.
const PARQUET_MAGIC: &[u8] = b"PAR1";

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How many bytes are looked at, at most.
const SNIFFED_BYTES: u64 = 1 << 20;

/// How many are read at once: the first lines rarely are longer.
const PIECE_BYTES: u64 = 1 << 16;

/// A stream, decompressed, and what it seems to hold.
pub struct Recognised<'r> {
    /// `None` if it is plainly nothing.
    pub format: Option<Format>,
    /// All of its bytes.
    pub reader: Box<dyn BufRead + Send + 'r>,
    /// For what is not a logbook.
    pub one_frame: OneFrame,
}

/// Looks at the beginning of a stream, which may be compressed.
pub fn recognise<'r>(mut stream: impl Read + Send + 'r) -> io::Result<Recognised<'r>> {
    let mut magic = Vec::new();
    (&mut stream).take(MAGIC_BYTES).read_to_end(&mut magic)?;
    let compression = Compression::of(&magic);
    let (mut plain, one_frame) = decompress(Cursor::new(magic).chain(stream), compression)?;
    let mut beginning = Vec::new();
    let read = read_beginning(&mut plain, &mut beginning);
    // What cannot be read any further is a finding of the reader of the whole.
    if let Err(error) = read
        && beginning.is_empty()
    {
        return Err(error);
    }
    Ok(Recognised {
        format: sniff(&beginning),
        one_frame,
        reader: Box::new(Cursor::new(beginning).chain(plain)),
    })
}

/// Reads as much of a stream as [`sniff`] looks at.
///
/// # Errors
/// Whatever reading answers; what was read before is there.
pub fn read_beginning(stream: &mut impl Read, beginning: &mut Vec<u8>) -> io::Result<()> {
    let mut left = SNIFFED_BYTES;
    // The last of them may be cut short.
    while left > 0 && written_lines(beginning).take(SNIFFED_LINES + 1).count() <= SNIFFED_LINES {
        let before = beginning.len();
        let piece = left.min(PIECE_BYTES);
        let read = stream.by_ref().take(piece).read_to_end(beginning);
        left -= (beginning.len() - before) as u64;
        if read? == 0 {
            break;
        }
    }
    Ok(())
}

/// What the first lines say. Nothing at all is an empty logbook. In a logbook
/// the first line may be the one that was damaged, so some more are looked at.
#[must_use]
pub fn sniff(beginning: &[u8]) -> Option<Format> {
    // What it was before it was written so: it fails as that, and says why.
    if let Some(text) = from_utf16(beginning) {
        return sniff(text.as_bytes());
    }
    if beginning.starts_with(TLOG_PROOF) {
        return Some(Format::TlogProof);
    }
    if beginning.starts_with(PARQUET_MAGIC) {
        return Some(Format::Parquet);
    }
    let beginning = beginning.strip_prefix(BYTE_ORDER_MARK).unwrap_or(beginning);
    if beginning.trim_ascii().is_empty() {
        return Some(Format::Logbook);
    }
    if report::looks_like(beginning) {
        return Some(Format::Report);
    }
    let lines = written_lines(beginning).take(SNIFFED_LINES);
    let mut objects = lines.filter_map(|line| {
        let value = parse::parse_with(line, &limits::embedded(2)).ok()?;
        value.as_object().and_then(of_object)
    });
    objects.next()
}

/// The lines that are not blank: blank ones say nothing, however many there are.
fn written_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = text.split(|byte| *byte == b'\n');
    lines.filter(|line| !line.trim_ascii().is_empty())
}

fn of_object(object: &Object) -> Option<Format> {
    let has = |name| object.contains_key(name);
    if Equivocation::looks_like(object) {
        Some(Format::Equivocation)
    } else if InclusionProof::looks_like(object) {
        Some(Format::Proof)
    } else if ["sealbook", "bundle", "entry"].into_iter().any(has)
        || (has("epoch") && has("signature"))
    {
        Some(Format::Bundle)
    } else if has("prev_hash") && has("signature") {
        Some(Format::Logbook)
    } else {
        None
    }
}
