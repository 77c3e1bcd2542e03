//! Files that commands write. Each is written whole, beside its place, and moved
//! there. `-o` replaces what it wrote before, an output of the same kind of the same
//! log, and anything else only with `--force`; what no output replaces is in
//! [`spared`](super::spared).

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;

use crate::api::open;
use crate::api::stream;
use crate::ledger::fault::Format;
use crate::ledger::key::PublicKey;
use crate::report::{ReportFile, is_verifier_page};

use super::context::Context;
use super::error::CliError;
use super::spared::{LOOKED_AT, first_object, spare};

/// What is written, and what it may therefore replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutputKind {
    Bundle,
    Logbook,
    Proof,
    TlogProof,
    Head,
    Revocation,
    Report,
    Parquet,
    Audit,
    Page,
}

impl OutputKind {
    const fn name(self) -> &'static str {
        match self {
            OutputKind::Bundle => "a bundle",
            OutputKind::Logbook => "a logbook",
            OutputKind::Proof => "a proof",
            OutputKind::TlogProof => "a proof of the public log",
            OutputKind::Head => "a head",
            OutputKind::Revocation => "a revocation",
            OutputKind::Report => "a report",
            OutputKind::Parquet => "a Parquet table",
            OutputKind::Audit => "an auditor's statement",
            OutputKind::Page => "a page",
        }
    }

    const fn whose(self) -> &'static str {
        match self {
            OutputKind::Page => "of this program",
            _ => "of this log",
        }
    }
}

/// Whether something may be replaced that is not an earlier output of the same kind.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Force {
    /// Replace the file whatever it holds, unless it is a key, a mark, a file of tokens or
    /// of a ledger
    #[arg(long)]
    force: bool,
}

impl Force {
    /// The same where something else is known to allow it.
    pub(super) const fn or(self, allowed: bool) -> Force {
        Force {
            force: self.force || allowed,
        }
    }
}

/// A file that is to be written.
pub(super) struct Target<'a> {
    pub(super) path: &'a Path,
    pub(super) kind: OutputKind,
    /// The log that the output is of, where that is known.
    pub(super) log: Option<PublicKey>,
    pub(super) force: Force,
}

impl Target<'_> {
    /// Whether it may be written. Asked before the work, and again after it.
    pub(super) fn check(&self, context: &Context) -> Result<(), CliError> {
        if self.path.as_os_str() == "-" {
            return Ok(());
        }
        spare(context, self.path)?;
        let Ok(state) = self.path.symlink_metadata() else {
            return Ok(());
        };
        if state.is_dir() {
            let path = self.path.to_owned();
            return Err(CliError::IsFolder { path });
        }
        if !(self.force.force || self.is_earlier() || is_stream(self.path)) {
            return Err(CliError::Occupied {
                path: self.path.to_owned(),
                written: self.kind.name(),
                whose: self.kind.whose(),
            });
        }
        Ok(())
    }

    /// Writes the file, so that what is interrupted is never taken for evidence.
    pub(super) fn write(
        &self,
        context: &Context,
        write: impl FnOnce(&mut (dyn Write + Send)) -> Result<u64, CliError>,
    ) -> Result<u64, CliError> {
        if self.path.as_os_str() == "-" {
            return write(&mut BufWriter::new(std::io::stdout()));
        }
        self.check(context)?;
        let failed = |error| CliError::file(self.path, error);
        // Nothing can be moved into the place of a pipe or a device.
        if is_stream(self.path) {
            let file = OpenOptions::new().write(true).open(self.path);
            return write(&mut BufWriter::new(file.map_err(failed)?));
        }
        let folder = folder_of(self.path);
        // Said of the folder that was named, not of a name of ours in it.
        folder.metadata().map_err(failed)?;
        let mut builder = tempfile::Builder::new();
        let file = builder.prefix(".export-").tempfile_in(folder);
        let mut out = BufWriter::with_capacity(1 << 20, file.map_err(failed)?);
        let entries = write(&mut out)?;
        let file = out.into_inner();
        let file = file.map_err(|error| failed(error.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        // Evidence is for others to read, which a temporary file is not.
        let readable = fs::Permissions::from_mode(0o644);
        file.as_file().set_permissions(readable).map_err(failed)?;
        self.check(context)?;
        let moved = match self.path.symlink_metadata() {
            Ok(_) => file.persist(self.path),
            Err(_) => file.persist_noclobber(self.path),
        };
        moved.map_err(|error| failed(error.error))?;
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(failed)?;
        Ok(entries)
    }

    /// The same for what is at hand whole.
    pub(super) fn write_bytes(&self, context: &Context, bytes: &[u8]) -> Result<(), CliError> {
        let written = self.write(context, |out| {
            let written = out.write_all(bytes).and_then(|()| out.flush());
            written.map_err(CliError::output).map(|()| 0)
        });
        written.map(drop)
    }

    /// Whether an output of the same kind of the same log stands there. What
    /// cannot be read is none.
    fn is_earlier(&self) -> bool {
        let regular = self
            .path
            .symlink_metadata()
            .is_ok_and(|state| state.is_file());
        if self.kind == OutputKind::Page {
            return regular && is_page(self.path);
        }
        let Some(log) = self.log.filter(|_| regular) else {
            return false;
        };
        let Some((kind, text)) = kind_of(self.path) else {
            return false;
        };
        kind == self.kind && memchr::memmem::find(&text, log.to_string().as_bytes()).is_some()
    }
}

/// Whether an earlier page stands there, which is of no log.
fn is_page(path: &Path) -> bool {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LOOKED_AT).read_to_end(&mut text));
    read.is_ok() && is_verifier_page(&text)
}

/// Which output stands at `path`, and the beginning that names its log.
fn kind_of(path: &Path) -> Option<(OutputKind, Vec<u8>)> {
    let mut text = Vec::new();
    // Of a damaged file what can be read.
    let _ = stream::read_beginning(&mut open(path).ok()?.reader, &mut text);
    let kind = match stream::sniff(&text) {
        // A file of published headers begins as a bundle's lines do.
        Some(Format::Bundle) if first_object(&text)?.contains_key("sealbook") => OutputKind::Bundle,
        Some(Format::Logbook) => OutputKind::Logbook,
        Some(Format::Proof) => OutputKind::Proof,
        Some(Format::Report) => {
            let mut report = ReportFile::open(open(path).ok()?.reader).ok()??;
            let mut carried = Vec::new();
            // Evidence of several logs is no earlier output of one.
            let bundle = report.bundle()?;
            let beginning = bundle.take(LOOKED_AT).read_to_end(&mut carried);
            return beginning.is_ok().then_some((OutputKind::Report, carried));
        }
        Some(Format::Parquet) => return Some((OutputKind::Parquet, footer(path)?)),
        Some(_) => return None,
        None => {
            let object = first_object(&text)?;
            if object.contains_key("head") {
                // More lines are what was published, which only grows.
                let lines = memchr::memchr_iter(b'\n', text.trim_ascii_end());
                (lines.count() == 0).then_some(OutputKind::Head)?
            } else if object.contains_key("revoke") {
                OutputKind::Revocation
            } else if object.contains_key("audit") {
                OutputKind::Audit
            } else {
                return None;
            }
        }
    };
    Some((kind, text))
}

/// The footer of a table, which names its log.
fn footer(path: &Path) -> Option<Vec<u8>> {
    let mut file = File::open(path).ok()?;
    let end = file.seek(SeekFrom::End(-8)).ok()?;
    let mut length = [0; 4];
    file.read_exact(&mut length).ok()?;
    let length = u64::from(u32::from_le_bytes(length)).min(LARGEST_FOOTER);
    file.seek(SeekFrom::Start(end.checked_sub(length)?)).ok()?;
    let mut footer = Vec::new();
    file.take(length).read_to_end(&mut footer).ok()?;
    Some(footer)
}

/// Bytes of a footer that are looked at.
const LARGEST_FOOTER: u64 = 128 << 20;

pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A pipe, a socket or a device that takes characters, also by a link.
pub(super) fn is_stream(path: &Path) -> bool {
    path.metadata().is_ok_and(|state| {
        let kind = state.file_type();
        kind.is_fifo() || kind.is_socket() || kind.is_char_device()
    })
}

/// Writes a folder of evidence beside its place, and moves it there.
pub(super) fn write_folder<T>(
    context: &Context,
    folder: &Path,
    write: impl FnOnce(&Path) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let failed = |error| CliError::file(folder, error);
    spare(context, folder)?;
    check_free(folder)?;
    let parent = folder_of(folder);
    let mut builder = tempfile::Builder::new();
    let made = builder.prefix(".export-").tempdir_in(parent);
    let made = made.map_err(failed)?;
    let written = write(made.path())?;
    let readable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(made.path(), readable).map_err(failed)?;
    fs::rename(made.path(), folder).map_err(failed)?;
    // It is not a temporary folder any more.
    let _kept = made.keep();
    let synced = File::open(parent).and_then(|parent| parent.sync_all());
    synced.map_err(failed)?;
    Ok(written)
}

/// What an earlier run left there would be read with what this one writes.
fn check_free(folder: &Path) -> Result<(), CliError> {
    let empty = match fs::read_dir(folder) {
        Ok(mut found) => found.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    match empty {
        true => Ok(()),
        false => Err(CliError::NotEmpty {
            path: folder.to_owned(),
        }),
    }
}
