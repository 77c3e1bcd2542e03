//! `sealbook status`: the registry of workers.

use std::path::PathBuf;

use crate::ledger::json::{Object, Value};
use crate::wcp::Registry;
use crate::wcp::registry_dir::InvalidRecord;

use super::Answer;
use super::error::{CliError, ProducerError};
use super::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of registry records
    #[arg(long, value_name = "DIR", default_value = "./enrolled")]
    registry_dir: PathBuf,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let dir = &args.registry_dir;
    let (registry, invalid) =
        Registry::from_dir(dir).map_err(|error| ProducerError::registry_dir(dir, error))?;
    if output.is_json() {
        output.document(&to_value(&registry, &invalid))?;
        return Ok(Answer::Yes);
    }
    for record in &invalid {
        output.warning(&format!("not enrolled: {record}"));
    }
    let summary = registry.summary();
    let members = summary.as_object().into_iter().flat_map(Object::iter);
    for (name, value) in members {
        let name = name.replace('_', " ");
        match value.as_array() {
            Some(items) => {
                output.line(&format!("{name:<20} {}", items.len()))?;
                for item in items.iter().filter_map(Value::as_str) {
                    output.line(&format!("  {item}"))?;
                }
            }
            None => {
                let number = value.as_u64().unwrap_or_default();
                output.line(&format!("{name:<20} {number}"))?;
            }
        }
    }
    if registry.enrolled_count() > 0 {
        let rows = registry.enrolled_workers().iter();
        let rows = rows.map(|worker| {
            let ids = [&worker.worker_id, &worker.worker_species_id];
            let mut row: Vec<String> = ids.map(|id| id.to_string()).to_vec();
            row.push(worker.capabilities.join(" "));
            row
        });
        output.table(&["worker", "species", "capabilities"], rows.collect())?;
    }
    Ok(Answer::Yes)
}

fn to_value(registry: &Registry, invalid: &[InvalidRecord]) -> Value {
    let mut object = registry.summary().as_object().cloned().unwrap_or_default();
    let invalid = invalid.iter().map(|record| {
        let mut object = Object::new();
        object.insert("path", record.path.to_string_lossy().into_owned());
        object.insert("problem", record.problem.to_string());
        Value::Object(object)
    });
    object.insert("invalid", invalid.collect::<Vec<_>>());
    Value::Object(object)
}
