//! `sealbook enroll`: a worker's record, checked and put into the registry.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::files;
use crate::ledger::json::Value;
use crate::ledger::limits;
use crate::ledger::parse;
use crate::record::Outcome;
use crate::wcp::Registry;
use crate::wcp::record::WorkerRecord;
use crate::wcp::registry_dir::record_files;

use super::Answer;
use super::context::Context;
use super::document::{in_file, read};
use super::error::{CliError, ProducerError};
use super::output::Output;
use super::recording::Recording;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The worker's registry record; - reads standard input
    record: PathBuf,
    /// The folder of registry records; it is made if it is not there
    #[arg(long, value_name = "DIR", default_value = "./enrolled")]
    registry_dir: PathBuf,
    /// Record the enrolment in the ledger
    #[arg(long = "record")]
    recorded: bool,
}

/// What an enrolment did.
struct Enrolled {
    record: WorkerRecord,
    /// Whether the record came with its hash.
    hash_verified: bool,
    file: PathBuf,
    updated: bool,
    /// The registry as it was.
    before: Registry,
}

impl Enrolled {
    fn outcome(&self) -> Outcome {
        let mut after = self.before.clone();
        after.enroll_record(self.record.clone());
        Outcome::enrolment(&self.record, &self.before, &after)
    }
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    // What the registry would not load must not get into it.
    let text = read(&args.record, limits::SMALL_FILE_BYTES)?;
    let document = parse::parse(&text).map_err(in_file(&args.record))?;
    let hash_verified = document
        .get("artifact_hash")
        .is_some_and(|hash| !hash.is_null());
    let record = WorkerRecord::read(&document);
    let record = record.map_err(|error| in_file(&args.record)(ProducerError::from(error)))?;
    let recording = Recording::open(context, args.recorded)?;
    let enrolled = enroll(record, hash_verified, &args.registry_dir)?;
    recording.record(|| enrolled.outcome(), output)?;
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

/// Writes the record where that of the same worker is, or into a file of its
/// own.
fn enroll(record: WorkerRecord, hash_verified: bool, dir: &Path) -> Result<Enrolled, CliError> {
    let failed = |error| CliError::file(dir, error);
    std::fs::create_dir_all(dir).map_err(failed)?;
    let (mut known, mut before) = (None, Registry::new());
    for (path, read) in record_files(dir).map_err(failed)? {
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
    let text = Value::Object(record.document.clone()).pretty() + "\n";
    let written = files::replace(&file, text.as_bytes());
    written.map_err(|error| CliError::file(&file, error))?;
    Ok(Enrolled {
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
