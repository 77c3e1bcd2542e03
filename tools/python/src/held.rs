//! What evidence is held against, out of the files that say it.

use std::io::{BufReader, Read as _};

use sealbook::Error;
use sealbook::api;
use sealbook::ledger::anchors::Anchor;
use sealbook::ledger::audited::SignedAudit;
use sealbook::ledger::entry::Entry;
use sealbook::ledger::fault::{Warning, WarningCode};
use sealbook::ledger::limits;
use sealbook::ledger::lines::Lines;
use sealbook::ledger::parse::{ParseLimits, parse_with};
use sealbook::ledger::position::Seq;
use sealbook::ledger::published::{Published, PublishedError};
use sealbook::ledger::receipts::{Receipts, ReceiptsError};
use sealbook::ledger::revocation::{RevocationFileError, SignedRevocation};
use sealbook::ledger::tlog::checkpoint::SignedCheckpoint;
use sealbook::ledger::tlog::proof::TlogProof;
use sealbook::ledger::witness_policy::{self, WitnessPolicy};
use sealbook::logbook::mark::Mark;

use crate::errors::Failure;
use crate::input::Input;

/// A file of published heads has at most 2^20 lines of some 700 bytes.
const PUBLISHED_BYTES: u64 = 1 << 30;

/// A checkpoint of a public log; none if the file is no note.
pub(crate) fn checkpoint(file: &Input) -> Result<Option<SignedCheckpoint>, Failure> {
    let mut bytes = Vec::new();
    let mut bounded = file.open()?.take(limits::SMALL_FILE_BYTES as u64 + 1);
    let read = bounded.read_to_end(&mut bytes);
    read.map_err(|error| file.failed(error))?;
    if !is_note(&bytes) {
        return Ok(None);
    }
    let read = SignedCheckpoint::parse(&bytes);
    let read = read.map_err(|error| file.refused("bad_checkpoint", &error));
    read.map(Some)
}

/// Whether it is a note, and none of the other files of a log, which are JSON.
pub(crate) fn is_note(beginning: &[u8]) -> bool {
    let is_json = beginning.trim_ascii_start().starts_with(b"{");
    let has = |what: &str| {
        let what = what.as_bytes();
        beginning.windows(what.len()).any(|part| part == what)
    };
    !is_json && (has("\n\n") || has("\u{2014} "))
}

/// Signed heads, epoch headers or a mark. Of a file of several lines the last counts only
/// with its newline.
pub(crate) fn anchors(
    file: &Input,
    anchors: &mut Vec<Anchor>,
    warnings: &mut Vec<Warning>,
) -> Result<(), Failure> {
    let too_many = || file.refused("bad_input", &"more than 2^20 heads, or 1 GiB");
    let mut bytes = Vec::new();
    let read = Lines::new(file.open()?.take(PUBLISHED_BYTES + 1)).read_to_end(&mut bytes);
    read.map_err(|error| file.failed(error))?;
    if bytes.len() as u64 > PUBLISHED_BYTES {
        return Err(too_many());
    }
    let mut lines: Vec<(u64, &[u8])> = (1..)
        .zip(bytes.split(|byte| *byte == b'\n'))
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .collect();
    if lines.len() > limits::ANCHORS {
        return Err(too_many());
    }
    if let Some(anchor) = alone(file, &bytes, lines.len())? {
        anchors.push(anchor);
        return Ok(());
    }
    if !bytes.ends_with(b"\n") {
        lines.pop();
        warnings.push(torn(file));
    }
    for (number, line) in lines {
        let published = Published::from_line(line).map_err(|error| {
            let code = match error {
                PublishedError::Json(_) => "bad_json",
                PublishedError::Spelling => "bad_input",
                _ => "not_recognised",
            };
            file.refused(code, &format!("line {number}: {error}"))
        })?;
        let line = Some(number);
        anchors.push(Anchor {
            line,
            ..published.to_anchor()
        });
    }
    Ok(())
}

/// A whole file as one statement in any spelling, if it is one or can be nothing else.
fn alone(file: &Input, bytes: &[u8], lines: usize) -> Result<Option<Anchor>, Failure> {
    // A mark is a head too.
    if let Some(mark) = Mark::parse(bytes) {
        return Ok(Some(Anchor::of_head(&mark.head)));
    }
    if lines > 1 && bytes.len() > limits::SMALL_FILE_BYTES {
        return Ok(None);
    }
    let most = ParseLimits {
        bytes: limits::SMALL_FILE_BYTES,
        ..ParseLimits::default()
    };
    match parse_with(bytes, &most) {
        Ok(value) => match Published::from_value(&value) {
            Ok(published) => Ok(Some(published.to_anchor())),
            Err(_) => {
                let what = "neither a signed head nor an epoch header";
                Err(file.refused("not_recognised", &what))
            }
        },
        Err(error) if lines <= 1 => Err(file.refused("bad_json", &error)),
        Err(_) => Ok(None),
    }
}

/// Receipts that the log must hold.
pub(crate) fn receipts(file: &Input, warnings: &mut Vec<Warning>) -> Result<Receipts, Failure> {
    let read = Receipts::read(&mut BufReader::with_capacity(1 << 20, file.open()?));
    let receipts = read.map_err(|error| match error {
        ReceiptsError::Io(error) => file.failed(error),
        error => file.refused("bad_input", &error),
    })?;
    if receipts.is_torn() {
        warnings.push(torn(file));
    }
    Ok(receipts)
}

fn torn(file: &Input) -> Warning {
    let name = file.name().display();
    Warning {
        code: WarningCode::TornLastLine,
        detail: format!("{name} ends within a line, which was not looked at"),
    }
}

/// What ends a log.
pub(crate) fn revocation(file: &Input) -> Result<SignedRevocation, Failure> {
    let bytes = file.read(limits::SMALL_FILE_BYTES)?;
    SignedRevocation::from_file(&bytes).map_err(|error| match error {
        RevocationFileError::Json(error) => file.refused("bad_json", &error),
        _ => {
            let what = "it is not a revocation, or its signature is wrong";
            file.refused("bad_input", &what)
        }
    })
}

/// An auditor's word.
pub(crate) fn audit(file: &Input) -> Result<SignedAudit, Failure> {
    let bytes = file.read(limits::SMALL_FILE_BYTES)?;
    let what = "a file that `sealbook audit` signed is needed";
    SignedAudit::from_file(&bytes).map_err(|_| file.refused("usage", &what))
}

/// A policy of logs and witnesses.
pub(crate) fn witnesses(file: &Input) -> Result<WitnessPolicy, Failure> {
    let text = file.read(witness_policy::MAX_BYTES)?;
    witness_policy::parse(&text).map_err(|error| file.refused("bad_witness_policy", &error))
}

/// The entry that a tlog-proof is of, out of a file that has it: the one at its place, or
/// the only one. None where `proof` is no such proof, which is the verdict's to name.
pub(crate) fn entry(proof: &Input, file: &Input) -> Result<Option<Entry>, Failure> {
    let mut bytes = Vec::new();
    let mut bounded = proof.open()?.take(limits::SMALL_FILE_BYTES as u64 + 1);
    let read = bounded.read_to_end(&mut bytes);
    read.map_err(|error| proof.failed(error))?;
    let Ok(proof) = TlogProof::parse(&bytes) else {
        return Ok(None);
    };
    let (mut only, mut others) = (None, false);
    for (at, found) in (0..).zip(api::entries(file.open()?)?) {
        let found = found.map_err(|error| Failure::in_file(file, error))?;
        if found.seq.unwrap_or(Seq(at)) == Seq(proof.index) {
            return Ok(Some(found.entry));
        }
        // A line of a logbook alone says no number.
        others = others || only.is_some() || found.seq.is_some();
        only = Some(found.entry);
    }
    let what = format!("it does not have entry {}, which is proven", proof.index);
    match only.filter(|_| !others) {
        Some(entry) => Ok(Some(entry)),
        None => Err(file.refused("not_found", &what)),
    }
}

impl Failure {
    /// What the library said of a file, with the file's name.
    pub(crate) fn in_file(file: &Input, error: Error) -> Failure {
        let failure = Failure::from(error);
        Failure {
            place: failure.place.clone().or(match file {
                Input::Path(path) => Some(path.display().to_string()),
                Input::Bytes(_) => None,
            }),
            ..failure
        }
    }
}
