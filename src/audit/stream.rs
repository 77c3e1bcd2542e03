//! What a stream of bytes holds, told by its beginning.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use crate::ledger::fault::Format;
use crate::ledger::json::Object;
use crate::ledger::limits;
use crate::ledger::parse;
use crate::ledger::proof::InclusionProof;

/// How many lines are looked at.
const SNIFFED_LINES: usize = 16;

/// How many bytes are looked at.
const SNIFFED_BYTES: u64 = 1 << 20;

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A stream, decompressed, and what it seems to hold.
pub struct Recognised {
    /// `None` if it is plainly nothing.
    pub format: Option<Format>,
    /// All of its bytes.
    pub reader: Box<dyn BufRead + Send>,
}

/// Looks at the beginning of a stream, which may be zstd. Compression is
/// transport: the window that a hostile stream may ask for is bounded, and what
/// it decompresses to is for the caller to bound.
///
/// # Errors
/// Whatever reading answers.
pub fn recognise(mut stream: impl Read + Send + 'static) -> io::Result<Recognised> {
    let mut magic = Vec::new();
    (&mut stream)
        .take(ZSTD_MAGIC.len() as u64)
        .read_to_end(&mut magic)?;
    let compressed = magic == ZSTD_MAGIC;
    let whole = BufReader::with_capacity(1 << 18, Cursor::new(magic).chain(stream));
    let mut plain: Box<dyn Read + Send> = if compressed {
        let mut decoder = zstd::Decoder::with_buffer(whole)?;
        decoder.window_log_max(limits::ZSTD_WINDOW_LOG)?;
        Box::new(decoder)
    } else {
        Box::new(whole)
    };
    let mut beginning = Vec::new();
    (&mut plain)
        .take(SNIFFED_BYTES)
        .read_to_end(&mut beginning)?;
    Ok(Recognised {
        format: sniff(&beginning),
        reader: Box::new(BufReader::with_capacity(
            1 << 18,
            Cursor::new(beginning).chain(plain),
        )),
    })
}

/// What the first lines say. Nothing at all is an empty logbook. In a logbook
/// the first line may be the one that was damaged, so some more are looked at.
#[must_use]
pub fn sniff(beginning: &[u8]) -> Option<Format> {
    if beginning.trim_ascii().is_empty() {
        return Some(Format::Logbook);
    }
    let lines = beginning.split(|byte| *byte == b'\n').take(SNIFFED_LINES);
    let mut objects = lines.filter_map(|line| {
        let value = parse::parse_with(line, &limits::embedded(2)).ok()?;
        value.as_object().and_then(of_object)
    });
    objects.next()
}

fn of_object(object: &Object) -> Option<Format> {
    let has = |name| object.contains_key(name);
    if InclusionProof::looks_like(object) {
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
