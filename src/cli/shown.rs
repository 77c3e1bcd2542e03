//! Evidence that is shown to a server which judges it itself: one elsewhere, or one
//! of another user.
//!
//! Files are sent whole as far as one request takes them. Of the others the digest
//! is sent, which may deny and never clears.

use std::io::ErrorKind;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::api::held::{Held, Query, body_of};
use crate::files::{OpenError, Root};
use crate::ledger::hash::Hash;
use crate::ledger::json::{Form, Object, Value};
use crate::ledger::limits;
use crate::ledger::position::Seq;
use crate::ledger::shape;

use super::Answer;
use super::error::CliError;
use super::output::Output;

/// Bytes of files that are sent whole together: servers take 20 MiB, and Base64 makes
/// four of three.
const WHOLE: u64 = 12 << 20;

/// What a server answers.
#[derive(Deserialize)]
struct ServerVerdict {
    verdict: String,
    on_trust: Vec<String>,
    outcome: Object,
    receipt: ServerReceipt,
}

/// As much of a receipt as is told.
#[derive(Deserialize)]
pub(super) struct ServerReceipt {
    pub(super) seq: Seq,
    pub(super) hash: Hash,
}

impl ServerReceipt {
    pub(super) fn tell(&self, output: &mut Output) {
        output.note(&format!("recorded as entry {}: {}", self.seq, self.hash));
    }
}

/// Shows the evidence, and prints the verdict: yes if it is cleared.
pub(super) fn judge(
    server: &Held,
    path: &str,
    evidence: Object,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let said = server.post(path, body_of(&Value::Object(evidence)))?;
    let judged: ServerVerdict = shape::read(&said, "")?;
    judged.receipt.tell(output);
    let cleared = judged.verdict == "cleared";
    if output.is_json() {
        output.document(&said)?;
    } else {
        output.verdict(cleared, &judged.verdict)?;
        for name in ["deny_code", "fail_reasons", "fail_details", "verdict"] {
            let told = judged.outcome.get(name);
            let told = told.filter(|it| !matches!(it, Value::Null));
            if let Some(told) = told {
                output.line(&format!("{name}  {}", told.canonical(Form::Utf8)))?;
            }
        }
        for name in &judged.on_trust {
            output.line(&format!("on trust  {name}"))?;
        }
    }
    Ok(match cleared {
        true => Answer::Yes,
        false => Answer::No,
    })
}

/// The files of a folder as a server wants to see them.
pub(super) fn files<'p>(
    folder: &Path,
    paths: impl Iterator<Item = &'p str>,
) -> Result<Value, CliError> {
    let failed = |error| CliError::file(folder, error);
    let mut paths = paths.peekable();
    if paths.peek().is_none() {
        return Ok(Value::Array(Vec::new()));
    }
    let root = Root::open(folder).map_err(failed)?;
    let (mut left, mut shown) = (WHOLE, Vec::new());
    for path in paths {
        let mut file = Object::new();
        file.insert("path", path);
        let opened = match root.open_file(Path::new(path)) {
            Ok(opened) => opened,
            Err(OpenError::Io(error)) => return Err(failed(error)),
            // What is not there, or no file, cannot be shown, and is missed.
            Err(_) => continue,
        };
        let size = opened.state().size;
        if size <= left {
            left -= size;
            let Ok(content) = opened.read(WHOLE) else {
                continue;
            };
            file.insert("content", STANDARD.encode(content));
        } else {
            let Ok(digest) = opened.digest(u64::MAX) else {
                continue;
            };
            file.insert("size", digest.size);
            file.insert("sha256", digest.sha256.to_string());
        }
        shown.push(Value::Object(file));
    }
    Ok(Value::Array(shown))
}

/// A file of text, if it is there.
pub(super) fn text(path: &Path) -> Result<Option<String>, CliError> {
    match super::document::read(path, limits::LINE_BYTES) {
        Ok(bytes) => Ok(String::from_utf8(bytes).ok()),
        Err(CliError::Ledger(crate::api::Error::File { source, .. }))
            if source.kind() == ErrorKind::NotFound =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Has a server decide, by its own rules.
pub(super) fn route(
    server: &Held,
    input: &Value,
    task_id: &str,
) -> Result<(Value, Option<Object>), CliError> {
    let mut path = Query::new("/route");
    path.add("task_id", task_id);
    let said = server.post(&path.finish(), body_of(input))?;
    let members = shape::members(&said)?;
    let decision: Value = shape::member(members, "decision")?;
    let receipt: Option<Object> = shape::member_or_none(members, "receipt")?;
    Ok((decision, receipt))
}

/// Enrols a worker at a server.
pub(super) fn enrol(
    server: &Held,
    record: &Value,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let said = server.post("/v1/enrolments", body_of(record))?;
    let receipt = said.get("receipt");
    if let Some(receipt) = receipt.and_then(|it| shape::read::<ServerReceipt>(it, "").ok()) {
        receipt.tell(output);
    }
    match output.is_json() {
        true => output.document(&said)?,
        false => {
            let enrolment = said.get("enrolment").unwrap_or(&Value::Null);
            let worker = enrolment.get("worker_id").and_then(Value::as_str);
            output.line(&format!("enrolled {}", worker.unwrap_or_default()))?;
        }
    }
    Ok(Answer::Yes)
}
