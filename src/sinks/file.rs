//! A file that is appended to, and may be moved away at any time.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::error::SinkError;
use super::event::SinkEvent;
use super::format::SinkFormat;
use super::place::BatchReceiver;

pub(super) struct Appended {
    path: PathBuf,
    file: Option<File>,
}

impl Appended {
    pub(super) fn new(path: &Path) -> Appended {
        Appended {
            path: path.to_owned(),
            file: None,
        }
    }

    /// The file that is at the path now: a rotated one is no longer written to.
    fn current(&mut self) -> io::Result<&mut File> {
        let at_path = match std::fs::metadata(&self.path) {
            Ok(found) => Some((found.dev(), found.ino())),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let open = self.file.take().and_then(|file| {
            let found = file.metadata().ok()?;
            (at_path == Some((found.dev(), found.ino()))).then_some(file)
        });
        let file = match open {
            Some(file) => file,
            None => open_at_line_start(&self.path)?,
        };
        Ok(self.file.insert(file))
    }
}

/// Opens it. A line that was cut, by a kill or a full disk, is ended: it is delivered
/// again, as a line of its own.
fn open_at_line_start(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o640);
    let mut file = options.open(path)?;
    let regular = file.metadata()?;
    if regular.is_file() && regular.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

/// An output that somebody reads as it comes.
pub(super) struct FileOutput(pub(super) Box<dyn io::Write + Send>);

impl BatchReceiver for FileOutput {
    fn longest(&self) -> usize {
        usize::MAX
    }

    fn deliver(&mut self, events: &[SinkEvent], _: SinkFormat) -> Result<(), SinkError> {
        let written = self
            .0
            .write_all(&lines(events))
            .and_then(|()| self.0.flush());
        written.map_err(SinkError::Output)
    }
}

fn lines(events: &[SinkEvent]) -> Vec<u8> {
    let mut lines = Vec::new();
    for event in events {
        lines.extend_from_slice(&event.text);
        lines.push(b'\n');
    }
    lines
}

impl BatchReceiver for Appended {
    fn longest(&self) -> usize {
        usize::MAX
    }

    fn deliver(&mut self, events: &[SinkEvent], _: SinkFormat) -> Result<(), SinkError> {
        let lines = lines(events);
        let written = self.current().and_then(|file| {
            file.write_all(&lines)?;
            match file.sync_data() {
                // A pipe or a terminal keeps nothing.
                Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
                done => done,
            }
        });
        written.map_err(|source| {
            // What was written of them may end in the middle of a line.
            self.file = None;
            SinkError::File {
                path: self.path.clone(),
                source,
            }
        })
    }
}
