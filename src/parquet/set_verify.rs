//! The verdict on a set: its manifest, each of its files, the links between them,
//! and that there is no other.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::NO_KEY;
use super::set::{MANIFEST, Manifest, SetPart, place};
use super::verify::{TableVerdict, judge};
use crate::ledger::envelope::{Envelope, Purpose};
use crate::ledger::fault::{Fault, FaultCode, Format, KeySource, NotChecked, Report, Verdict};
use crate::ledger::hash::{Hash, Hasher};
use crate::ledger::limits;
use crate::ledger::parse::parse_with;
use crate::ledger::policy::Policy;
use crate::ledger::shape;
use crate::ledger::source::ReadError;

/// Bytes that a manifest has at most: of some hundred thousand days.
const MANIFEST_BYTES: u64 = 64 << 20;

/// Whether a folder is, or says that it is, a set of tables.
#[must_use]
pub fn is_set(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join(MANIFEST)) else {
        return false;
    };
    let mut beginning = Vec::new();
    // The key is 64 digits, and the statement comes after it.
    let read = file.take(96).read_to_end(&mut beginning);
    let states = memchr::memmem::find(&beginning, b"\"set\":{").is_some();
    read.is_ok() && beginning.starts_with(b"{") && states
}

/// Verifies a set.
///
/// # Errors
/// [`ReadError`] if a file of it cannot be read.
pub fn verify_set(
    folder: &Path,
    policy: &Policy,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, ReadError> {
    let mut report = Report {
        verdict: Verdict::Fail,
        format: Format::Parquet,
        entries: 0,
        epochs: 0,
        head: Hash::ZERO,
        log: policy.keys.first().copied(),
        genesis: None,
        key_source: match policy.keys.is_empty() {
            true => KeySource::None,
            false => KeySource::Given,
        },
        faults: Vec::new(),
        not_checked: Vec::new(),
        warnings: Vec::new(),
        complete: None,
        redacted: None,
        logs: None,
    };
    match manifest(folder, policy)? {
        Ok(manifest) => walk(folder, &manifest, policy, &mut report, progress)?,
        Err(fault) => report.faults.push(fault),
    }
    if report.faults.is_empty() {
        report.verdict = Verdict::Pass;
    }
    Ok(report)
}

/// The manifest, under a signature of a key that is trusted.
fn manifest(folder: &Path, policy: &Policy) -> Result<Result<Manifest, Fault>, ReadError> {
    let mut text = Vec::new();
    let file = File::open(folder.join(MANIFEST))?;
    file.take(MANIFEST_BYTES).read_to_end(&mut text)?;
    let refuse = |code, detail: String| {
        let detail = format!("{MANIFEST}: {detail}");
        Ok(Err(Fault::of_file(code, detail)))
    };
    let limits = crate::ledger::parse::ParseLimits {
        bytes: MANIFEST_BYTES as usize,
        ..limits::embedded(2)
    };
    let value = match parse_with(text.trim_ascii_end(), &limits) {
        Ok(value) => value,
        Err(error) => return refuse(FaultCode::BundleCorrupt, error.to_string()),
    };
    let envelope = match Envelope::from_value(Purpose::Set, &value) {
        Ok(envelope) => envelope,
        Err(error) => return refuse(FaultCode::BundleCorrupt, error.to_string()),
    };
    let manifest: Manifest = match shape::read_object(&envelope.object, "set") {
        Ok(manifest) => manifest,
        Err(error) => return refuse(FaultCode::BundleCorrupt, error.to_string()),
    };
    if envelope.key != manifest.log || !envelope.verify() {
        let detail = "the signature is not the log key's".to_owned();
        return refuse(FaultCode::SignatureInvalid, detail);
    }
    if !policy.keys.contains(&manifest.log) {
        let detail = match policy.keys.is_empty() {
            true => NO_KEY,
            false => "the log's key is none of those given",
        };
        return refuse(FaultCode::UntrustedKey, detail.to_owned());
    }
    Ok(Ok(manifest))
}

fn walk(
    folder: &Path,
    manifest: &Manifest,
    policy: &Policy,
    report: &mut Report,
    progress: &mut dyn FnMut(u64),
) -> Result<(), ReadError> {
    report.log = Some(manifest.log);
    report.genesis = Some(manifest.genesis);
    let range = manifest.filter.is_null();
    let mut not_checked = BTreeSet::new();
    let mut named = BTreeSet::new();
    let mut head: Option<Hash> = None;
    let mut before: Option<&str> = None;
    let parts = manifest.parts.iter().chain([&manifest.epochs]);
    for (at, part) in parts.enumerate() {
        let epochs = at == manifest.parts.len();
        let Some(path) =
            place(folder, part).filter(|_| epochs == (part.file == super::set::EPOCHS))
        else {
            fault(
                report,
                &part.file,
                FaultCode::BundleCorrupt,
                "it is not a place of a set",
            );
            continue;
        };
        if before.is_some_and(|before| before >= part.file.as_str()) && !epochs {
            fault(
                report,
                &part.file,
                FaultCode::BundleCorrupt,
                "the days are not in order",
            );
        }
        before = Some(&part.file);
        named.insert(path.clone());
        if !is_part(&path, part, report)? {
            continue;
        }
        let done = report.entries;
        let told = &mut |entries| progress(done + entries);
        let TableVerdict {
            outcome,
            first_prev,
        } = judge(File::open(&path)?, policy, told)?;
        let judged = outcome.report;
        if judged.genesis != Some(manifest.genesis) && judged.genesis.is_some() {
            fault(
                report,
                &part.file,
                FaultCode::GenesisMismatch,
                "it is of another log",
            );
        }
        let rows = if epochs {
            judged.epochs
        } else {
            judged.entries
        };
        if rows != part.rows {
            fault(
                report,
                &part.file,
                FaultCode::BundleCorrupt,
                "it has other rows than the manifest says",
            );
        }
        // Each day of a range follows the one before.
        if range && !epochs {
            if let Some(head) = head.filter(|head| Some(*head) != first_prev) {
                let detail = "its first entry does not follow the last one of the day before";
                let code = FaultCode::PrevHashMismatch;
                let found = Fault::of_file(code, format!("{}: {detail}", part.file));
                let actual = first_prev.unwrap_or(Hash::ZERO);
                report.faults.push(found.compared(head, actual));
            }
            head = Some(judged.head);
            report.head = judged.head;
        }
        if !epochs {
            report.entries += judged.entries;
            not_checked.extend(judged.not_checked);
        } else {
            report.epochs = judged.epochs;
        }
        for mut fault in judged.faults {
            fault.detail = format!("{}: {}", part.file, fault.detail);
            if report.faults.len() < limits::REPORTED {
                report.faults.push(fault);
            }
        }
        report.warnings.extend(judged.warnings);
    }
    for path in others(folder, &named)? {
        let name = path
            .strip_prefix(folder)
            .unwrap_or(&path)
            .display()
            .to_string();
        let detail = "the manifest does not name this table, and a query of the folder reads it";
        fault(report, &name, FaultCode::TableMismatch, detail);
    }
    not_checked.remove(&NotChecked::OtherParts);
    report.not_checked = not_checked.into_iter().collect();
    Ok(())
}

fn fault(report: &mut Report, file: &str, code: FaultCode, detail: &str) {
    if report.faults.len() < limits::REPORTED {
        report
            .faults
            .push(Fault::of_file(code, format!("{file}: {detail}")));
    }
}

/// Whether the file is the one that the manifest names.
fn is_part(path: &Path, part: &SetPart, report: &mut Report) -> Result<bool, ReadError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fault(
                report,
                &part.file,
                FaultCode::Truncated,
                "the file is missing",
            );
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    let (mut hasher, mut length) = (Hasher::new(), 0_u64);
    let mut file = file;
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        hasher.update(piece.get(..read).unwrap_or_default());
        length += read as u64;
    }
    let hash = hasher.so_far();
    if (length, hash) == (part.bytes, part.hash) {
        return Ok(true);
    }
    let detail = format!("{}: it is not the file that the manifest names", part.file);
    let found = Fault::of_file(FaultCode::BundleCorrupt, detail);
    report.faults.push(found.compared(part.hash, hash));
    Ok(true)
}

/// Files and folders that no manifest names, anywhere in the folder.
fn others(folder: &Path, named: &BTreeSet<PathBuf>) -> Result<Vec<PathBuf>, ReadError> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(at) = folders.pop() {
        for file in fs::read_dir(&at)? {
            let file = file?;
            let path = file.path();
            let kind = file.file_type()?;
            // Some engines read every file below the entries, whatever its name.
            let parquet = path.extension().is_some_and(|ending| ending == "parquet");
            let read = parquet || kind.is_symlink() || path.starts_with(folder.join("entries"));
            if kind.is_dir() && folders.len() < limits::ANCHORS {
                folders.push(path);
            } else if read && !named.contains(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
