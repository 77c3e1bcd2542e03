//! `sealbook doctor`: is this ledger well, and what is to be done if not?
//!
//! Every block of the database is read, at a speed that leaves room for others, and
//! what stands beside it is looked at. Nothing is written, but modes of files with
//! `--fix`, and no key is needed.

use serde_json::{Value, json};

use crate::api::{self, CLOCK_TOLERANCE, clock_behind};
use crate::logbook::error::OpenError;
use crate::logbook::{extent_of, judge_mark};
use crate::store::readers::Readers;
use crate::store::{Scrubbed, Scrubbing, StoreError};

use super::Answer;
use super::context::{Context, warn_of_readers};
use super::error::CliError;
use super::output::Output;
use super::progress::Progress;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Mebibytes that are read a second at most
    #[arg(long, value_name = "MIB", default_value_t = 64)]
    rate: u64,
    /// Leave the ledger's files to its owner, or to its group, and to nobody else
    #[arg(long)]
    fix: bool,
}

const RESTORE: &str = "let nothing write it, keep a copy of the folder as it is, and restore the \
                       newest backup; `sealbook verify` says what still stands";

struct DoctorFinding {
    code: &'static str,
    detail: String,
    remedy: &'static str,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    if args.fix {
        close_to_others(context, output)?;
    }
    warn_of_readers(&context.ledger, output);
    let reader = match context.files(output) {
        Err(CliError::Ledger(api::Error::Open(OpenError::Store(
            error @ StoreError::Corrupt { .. },
        )))) => {
            let found = DoctorFinding {
                code: "store_corrupt",
                detail: with_source(&error),
                remedy: RESTORE,
            };
            print(&[], 0, &[found], output)?;
            return Ok(Answer::No);
        }
        opened => opened?,
    };
    let total = reader.store.disk_bytes()?;
    let mut progress = Progress::new(Some(total), "bytes");
    let tables = reader.store.scrub_all(&mut Scrubbing {
        bytes_per_second: args.rate.max(1) << 20,
        progress: &mut |done| progress.at(done),
    })?;
    progress.finish();
    let mut findings: Vec<DoctorFinding> = tables.iter().filter_map(damage).collect();
    // What cannot be read is said above, or here.
    match extent_of(&reader.store).and_then(|extent| {
        let behind = extent.last_ts.micros_since(context.clock().wall());
        let judged = judge_mark(&reader.store, &reader.mark, &extent)?;
        Ok((behind / 1_000_000, judged.err()))
    }) {
        Ok((behind, fault)) => {
            findings.extend(fault.map(|fault| DoctorFinding {
                code: "mark",
                detail: fault.to_string(),
                remedy: "put the mark that belongs to it in its place, or name it with --mark FILE",
            }));
            findings.extend((behind > CLOCK_TOLERANCE).then(|| DoctorFinding {
                code: "clock_behind",
                detail: clock_behind(behind),
                remedy: "`sealbook rotate` begins a book whose time is that of the clock",
            }));
        }
        Err(_) if !findings.is_empty() => {}
        Err(error) => return Err(error.into()),
    }
    print(&tables, total, &findings, output)?;
    Ok(match findings.is_empty() {
        true => Answer::Yes,
        false => Answer::No,
    })
}

/// Files that everyone can read are left to the owner; those of a group stay its.
fn close_to_others(context: &Context, output: &mut Output) -> Result<(), CliError> {
    let dir = &context.ledger;
    let readers = match Readers::of(dir).map_err(|error| CliError::file(dir, error))? {
        Readers::Everyone => Readers::Owner,
        kept => kept,
    };
    let closed = readers.restrict(dir);
    closed.map_err(|error| CliError::file(dir, error))?;
    let mark = context.options().mark_of(dir);
    let mark = mark.path();
    if mark.exists() {
        let closed = readers.restrict_file(mark);
        closed.map_err(|error| CliError::file(mark, error))?;
    }
    output.note(match readers {
        Readers::Group(_) => "the ledger's files are its owner's and its group's",
        _ => "the ledger's files are its owner's alone",
    });
    Ok(())
}

fn damage(table: &Scrubbed) -> Option<DoctorFinding> {
    let damage = table.damage.as_ref()?;
    Some(DoctorFinding {
        code: "store_corrupt",
        detail: format!("table {}: {}", table.table, with_source(damage)),
        remedy: RESTORE,
    })
}

/// With what the database says of it, which names the file.
fn with_source(error: &StoreError) -> String {
    match error {
        StoreError::Corrupt {
            source: Some(source),
            ..
        } => format!("{error}: {source}"),
        _ => error.to_string(),
    }
}

fn print(
    tables: &[Scrubbed],
    total: u64,
    findings: &[DoctorFinding],
    output: &mut Output,
) -> Result<(), CliError> {
    let rows: u64 = tables.iter().map(|table| table.rows).sum();
    if output.is_json() {
        let of = |finding: &DoctorFinding| json!({"code": finding.code, "detail": finding.detail, "remedy": finding.remedy});
        return output.document(&json!({
            "disk_bytes": total,
            "findings": findings.iter().map(of).collect::<Vec<Value>>(),
            "rows": rows,
        }));
    }
    let verdict = match findings.len() {
        0 => format!("{rows} rows were read, {total} bytes on the disk"),
        _ => "not everything is as it should be".to_owned(),
    };
    output.verdict(findings.is_empty(), &verdict)?;
    for finding in findings {
        output.line(&format!("{}: {}", finding.code, finding.detail))?;
        output.line(&format!("  what to do: {}", finding.remedy))?;
    }
    Ok(())
}
