//! Writes that were refused because the ledger did not agree with its mark, such as
//! after a rollback.
//!
//! Nothing can be an entry then, so they are noted in a file beside the ledger. The
//! first opening after everything was put right makes one entry of them. The file is
//! this machine's word, as the mark is.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::ledger::json::{Form, Object, Value};
use crate::ledger::parse::parse;
use crate::ledger::shape;
use crate::ledger::time::Timestamp;
use crate::logbook::beside;
use crate::logbook::mark::MarkFault;
use crate::record::{Outcome, RecordError, Recorder};

use super::super::actor::this_user;

/// Bytes that are noted; of what comes later it is only known that there was more.
const MOST: u64 = 32 << 10;

/// Notes a refusal. If it cannot be noted, the caller is refused all the same.
pub(super) fn note(dir: &Path, fault: &MarkFault, now: Timestamp) {
    let mut line = Object::new();
    line.insert("at", now.to_string());
    line.insert("fault", shape::write(&fault.code()));
    line.insert("detail", fault.to_string());
    line.insert("actor", this_user("cli"));
    let mut text = Value::Object(line).canonical(Form::Utf8);
    text.push('\n');
    let path = place(dir);
    if fs::metadata(&path).is_ok_and(|found| found.len() > MOST) {
        return;
    }
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .custom_flags(nofollow())
        .open(path);
    if let Ok(mut file) = file {
        // In one write, so that two of them do not mix.
        let _ = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_all());
    }
}

/// Makes an entry of what was noted. The file goes when that is durable: what is
/// interrupted between stands twice, and is not lost.
pub(super) fn record(dir: &Path, recorder: &Recorder) -> Result<(), RecordError> {
    let path = place(dir);
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nofollow())
        .open(&path);
    let Ok(file) = file else {
        return Ok(());
    };
    let regular = file.metadata().is_ok_and(|found| found.is_file());
    let mut text = Vec::new();
    if !regular || file.take(2 * MOST).read_to_end(&mut text).is_err() {
        return Ok(());
    }
    let lines = text.split(|byte| *byte == b'\n');
    let refused: Vec<Value> = lines.filter_map(|line| parse(line).ok()).collect();
    if !refused.is_empty() {
        let full = text.len() as u64 > MOST;
        recorder.record(&Outcome::refusal(refused, full))?;
    }
    let _ = fs::remove_file(path);
    Ok(())
}

fn place(dir: &Path) -> PathBuf {
    beside(dir, "refused")
}

/// A link that somebody put there is not followed.
fn nofollow() -> i32 {
    rustix::fs::OFlags::NOFOLLOW.bits().cast_signed()
}
