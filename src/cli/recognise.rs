//! What a path holds: told by content, unless the caller or the name says.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use clap::ValueEnum;

use crate::ledger::equivocation::Equivocation;
use crate::ledger::fault::Format;
use crate::ledger::json::Object;
use crate::ledger::limits;
use crate::ledger::parse;
use crate::ledger::proof::InclusionProof;

use super::error::CliError;
use super::progress::Counting;

/// What a file may be said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum As {
    Ledger,
    Logbook,
    Bundle,
    Proof,
    Equivocation,
}

/// What is to be verified.
pub(super) enum Found {
    /// A ledger's directory.
    Ledger(PathBuf),
    /// A file that is read through once.
    Logbook(Opened),
    /// The same.
    Bundle(Opened),
    /// A file that is small.
    Proof(Vec<u8>),
    /// The same.
    Equivocation(Vec<u8>),
    /// Something else than the name or the caller says it is.
    Mismatch {
        expected: Format,
        actual: &'static str,
    },
}

/// A file being read.
pub(super) struct Opened {
    /// Its bytes, decompressed.
    pub(super) reader: Box<dyn BufRead + Send>,
    /// How many bytes of the file itself were read so far.
    pub(super) read: Arc<AtomicU64>,
    /// How many it has.
    pub(super) length: u64,
}

/// How many lines of a file are looked at.
const SNIFFED_LINES: usize = 16;

/// How many bytes of a file are looked at.
const SNIFFED_BYTES: u64 = 1 << 20;

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

impl From<As> for Format {
    fn from(given: As) -> Format {
        match given {
            As::Ledger => Format::Ledger,
            As::Logbook => Format::Logbook,
            As::Bundle => Format::Bundle,
            As::Proof => Format::Proof,
            As::Equivocation => Format::Equivocation,
        }
    }
}

/// Finds out what `path` holds.
///
/// With a format pinned, by `--as` or by the name, content that is plainly
/// something else is a mismatch; content that is plainly nothing is read as
/// what it is said to be, so that its faults are named.
pub(super) fn recognise(path: &Path, given: Option<As>) -> Result<Found, CliError> {
    let pinned = given.map(Format::from).or_else(|| by_name(path));
    let metadata = fs::metadata(path).map_err(|error| CliError::file(path, error))?;
    let sniffed = if metadata.is_dir() {
        Some(Format::Ledger)
    } else if metadata.is_file() {
        sniff(path)?
    } else {
        return Err(not_recognised(path));
    };
    match (pinned, sniffed) {
        (Some(expected), Some(actual)) if expected != actual => Ok(Found::Mismatch {
            expected,
            actual: name(actual),
        }),
        (Some(Format::Ledger), None) => Ok(Found::Mismatch {
            expected: Format::Ledger,
            actual: "a file",
        }),
        (pinned, sniffed) => match pinned.or(sniffed) {
            Some(Format::Ledger) => Ok(Found::Ledger(path.to_owned())),
            Some(Format::Logbook) => Ok(Found::Logbook(open(path)?)),
            Some(Format::Bundle) => Ok(Found::Bundle(open(path)?)),
            Some(Format::Proof) => Ok(Found::Proof(read_small(path)?)),
            Some(Format::Equivocation) => Ok(Found::Equivocation(read_small(path)?)),
            None => Err(not_recognised(path)),
        },
    }
}

fn by_name(path: &Path) -> Option<Format> {
    let name = path.file_name()?.to_str()?;
    let name = name.strip_suffix(".zst").unwrap_or(name);
    if name.ends_with(".bundle") {
        Some(Format::Bundle)
    } else if name.ends_with(".proof") {
        Some(Format::Proof)
    } else {
        None
    }
}

/// What the first lines say. An empty file is an empty logbook. In a logbook
/// the first line may be the one that was damaged, so some more are looked at.
fn sniff(path: &Path) -> Result<Option<Format>, CliError> {
    let mut text = Vec::new();
    let read = open(path)?
        .reader
        .take(SNIFFED_BYTES)
        .read_to_end(&mut text);
    // What does not decompress is not recognised.
    if read.is_err() {
        return Ok(None);
    }
    if text.trim_ascii().is_empty() {
        return Ok(Some(Format::Logbook));
    }
    let lines = text.split(|byte| *byte == b'\n').take(SNIFFED_LINES);
    let mut objects = lines.filter_map(|line| {
        let value = parse::parse_with(line, &limits::embedded(2)).ok()?;
        value.as_object().and_then(of_object)
    });
    Ok(objects.next())
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

/// Opens a file, decompressing it if it is zstd. Compression is transport: the
/// window that a hostile file may ask for is bounded.
fn open(path: &Path) -> Result<Opened, CliError> {
    let failed = |error| CliError::file(path, error);
    let mut file = File::open(path).map_err(failed)?;
    let mut magic = [0; 4];
    let read = read_start(&mut file, &mut magic).map_err(failed)?;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let (file, counted) = Counting::new(file);
    let file = BufReader::with_capacity(1 << 20, file);
    let reader: Box<dyn BufRead + Send> = if read == magic.len() && magic == ZSTD_MAGIC {
        let mut decoder = zstd::Decoder::with_buffer(file).map_err(failed)?;
        let window = decoder.window_log_max(limits::ZSTD_WINDOW_LOG);
        window.map_err(failed)?;
        Box::new(BufReader::with_capacity(1 << 20, decoder))
    } else {
        Box::new(file)
    };
    Ok(Opened {
        reader,
        read: counted,
        length,
    })
}

fn read_start(file: &mut File, start: &mut [u8]) -> std::io::Result<usize> {
    let mut bytes = Vec::new();
    file.take(start.len() as u64).read_to_end(&mut bytes)?;
    for (to, from) in start.iter_mut().zip(&bytes) {
        *to = *from;
    }
    Ok(bytes.len())
}

/// A proof has two entries at most, and an entry has a limit.
fn read_small(path: &Path) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let limit = 3 * limits::LINE_BYTES as u64;
    let read = open(path)?.reader.take(limit).read_to_end(&mut bytes);
    read.map_err(|error| CliError::file(path, error))?;
    Ok(bytes)
}

fn name(format: Format) -> &'static str {
    match format {
        Format::Ledger => "a ledger",
        Format::Logbook => "a logbook",
        Format::Bundle => "a bundle",
        Format::Proof => "a proof",
        Format::Equivocation => "a proof of equivocation",
    }
}

fn not_recognised(path: &Path) -> CliError {
    CliError::NotRecognised {
        path: path.to_owned(),
    }
}
