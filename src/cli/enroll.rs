//! `sealbook enroll`: a worker's record, checked and put into the registry.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::files;
use crate::ledger::json::Value;
use crate::ledger::limits;
use crate::ledger::parse;
use crate::record::{Hall, Outcome};
use crate::wcp::Registry;
use crate::wcp::load_rules_from_dict;
use crate::wcp::record::{WorkerRecord, WorkerRecordError};
use crate::wcp::registry_dir::record_files;

use super::Answer;
use super::context::Context;
use super::document::{in_file, read};
use super::error::{CliError, ProducerError};
use super::output::Output;
use super::recording::{self, Recording};
use super::shown;
use super::spared;
use super::stamps::Stamps;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The worker's registry record; - reads standard input
    #[arg(value_name = "RECORD")]
    file: PathBuf,
    /// The folder of registry records; it is made if it is not there
    #[arg(long, value_name = "DIR", default_value = "./enrolled")]
    registry_dir: PathBuf,
    #[command(flatten)]
    recording: recording::Args,
}

struct EnrolledShown {
    record: WorkerRecord,
    hash_verified: bool,
    file: PathBuf,
    updated: bool,
    before: Registry,
}

impl EnrolledShown {
    fn write(&self, dir: &Path) -> Result<(), CliError> {
        std::fs::create_dir_all(dir).map_err(|error| CliError::file(dir, error))?;
        let text = Value::Object(self.record.document.clone()).pretty() + "\n";
        let written = files::replace(&self.file, text.as_bytes());
        written.map_err(|error| CliError::file(&self.file, error))
    }

    fn outcome(&self, id: &str) -> Result<Outcome, CliError> {
        let mut after = self.before.clone();
        after.enroll_record(self.record.clone());
        let rules = load_rules_from_dict(&parse::parse(br#"{"rules": []}"#)?);
        let hall = Hall::new(rules.map_err(ProducerError::from)?);
        let before = hall.clone().with_registry(self.before.clone());
        let after = hall.with_registry(after);
        let outcome = Outcome::enrolment(id, &self.record, "folder", &before, &after);
        Ok(outcome.with("path", self.file.to_string_lossy().into_owned()))
    }
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    // What the registry would not load must not get into it.
    let text = read(&args.file, limits::SMALL_FILE_BYTES)?;
    let document = parse::parse(&text).map_err(in_file(&args.file))?;
    let hash_verified = document
        .get("artifact_hash")
        .is_some_and(|hash| !hash.is_null());
    let refused = |error| in_file(&args.file)(ProducerError::from(error));
    let record = match WorkerRecord::read(&document) {
        Err(error @ WorkerRecordError::Tampered { .. }) => {
            let recording = Recording::open(context, &args.recording)?;
            if let Some(server) = recording.judge() {
                return shown::enrol(server, &document, output);
            }
            let outcome = || Outcome::refused_enrolment(&document, &error);
            recording.record(outcome, output)?;
            return Err(refused(error));
        }
        read => read.map_err(refused)?,
    };
    let recording = Recording::open(context, &args.recording)?;
    if let Some(server) = recording.judge() {
        return shown::enrol(server, &Value::Object(record.document.clone()), output);
    }
    let id = Stamps::new(context)?.next().decision_id.to_string();
    let enrolled = find(record, hash_verified, &args.registry_dir)?;
    spared::spare(context, &enrolled.file)?;
    let outcome = enrolled.outcome(&id)?;
    // Recorded first: a worker is not there before its entry is.
    recording.record(|| outcome, output)?;
    enrolled.write(&args.registry_dir)?;
    let at = context.clock().wall();
    let (worker, file) = (&enrolled.record.worker_id, enrolled.file.display());
    if output.is_json() {
        let species = enrolled.record.worker_species_id.to_string();
        output.document(&json!({
            "enrolled": true,
            "updated": enrolled.updated,
            "worker_id": worker.to_string(),
            "worker_species_id": species,
            "enrolled_at": at.to_string(),
            "artifact_hash": &*enrolled.record.artifact_hash,
            "artifact_hash_verified": enrolled.hash_verified,
            "file": file.to_string(),
        }))?;
    } else {
        let word = if enrolled.updated {
            "updated"
        } else {
            "enrolled"
        };
        output.line(&format!("{word} {worker} in {file}"))?;
    }
    if !enrolled.hash_verified {
        output.warning("the record came without an artifact_hash; it was computed");
    }
    Ok(Answer::Yes)
}

/// Finds where the record is to be: where that of the same worker is, or in a
/// file of its own.
fn find(record: WorkerRecord, hash_verified: bool, dir: &Path) -> Result<EnrolledShown, CliError> {
    let (mut known, mut before) = (None, Registry::new());
    let files = match record_files(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        files => files.map_err(|error| CliError::file(dir, error))?,
    };
    for (path, read) in files {
        let Ok(read) = read else {
            continue;
        };
        let same = read.worker_id == record.worker_id;
        before.enroll_record(read);
        if !same {
            continue;
        }
        if known.replace(path.clone()).is_some() {
            let worker_id = record.worker_id.to_string();
            return Err(ProducerError::EnrolledTwice { worker_id, path }.into());
        }
    }
    let updated = known.is_some();
    let file = known.unwrap_or_else(|| dir.join(file_name(&record.worker_id)));
    Ok(EnrolledShown {
        record,
        hash_verified,
        file,
        updated,
        before,
    })
}

/// A worker id as the name of one file: nothing in it leads to another folder,
/// hides, or ends as a temporary file does.
fn file_name(worker_id: &str) -> String {
    let mut name = String::new();
    for (at, byte) in worker_id.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            b'.' if at > 0 => name.push('.'),
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    name + ".json"
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn an_id_names_one_file_in_the_folder() {
        for (id, name) in [
            ("org.acme.w-1", "org.acme.w-1.json"),
            ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd.json"),
            (".hidden", "%2Ehidden.json"),
            ("a%2F", "a%252F.json"),
            ("é", "%C3%A9.json"),
        ] {
            assert_eq!(file_name(id), name);
        }
    }
}
