//! `sealbook fleet query`: one case out of all logs of a bucket.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use crate::api::{CaseOfLog, FleetFault, FleetRecords, FleetView, fleet};
use crate::cli::Answer;
use crate::cli::error::CliError;
use crate::cli::filters::Filters;
use crate::cli::hall::evaluator;
use crate::cli::output::Output;
use crate::cli::replay::print_item;
use crate::cli::target::{Force, OutputKind, Target, write_folder};
use crate::ledger::bundle_file::BundleFile;
use crate::ledger::entry::Entry;
use crate::ledger::fault::{Report, Verdict};
use crate::ledger::fold::PartFault;
use crate::ledger::json::Value;
use crate::ledger::policy::Policy;
use crate::ledger::position::Seq;
use crate::logbook::clock::{Clock as _, SystemClock};
use crate::replay::item::Item;
use crate::replay::report::Replay;
use crate::replay::{ReplayOptions, replay};
use crate::report::{About, CarriedLogs, MOST_LOGS, ReportWriter};
use crate::store::query::Filter;

use super::{Of, name, print_faults};
use crate::cli::context::Context;

/// Entries of one custody.
const ITEMS: usize = 100_000;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    filters: Filters,
    /// A new folder, for a bundle of each log that has something of the case
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// Also write one web page over all logs, which carries these bundles
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
}

/// What one log has, and what its bundle says.
#[derive(Serialize)]
struct OfLog {
    #[serde(flatten)]
    case: CaseOfLog,
    /// The bundle, in the folder.
    bundle: Option<String>,
    /// What the replay of the bundle found.
    report: Option<Report>,
}

impl OfLog {
    fn passed(&self) -> bool {
        let report = self.report.as_ref();
        self.case.faults.is_empty() && report.is_none_or(|report| report.verdict == Verdict::Pass)
    }
}

/// What stands behind the timeline in the one JSON document.
#[derive(Serialize)]
struct End<'a> {
    verdict: Verdict,
    logs: &'a [OfLog],
    passed_over: &'a [String],
    counts: Value,
    elapsed_ms: u64,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let started = Instant::now();
    let filter = args.filters.to_filter()?;
    if filter.correlation.is_none() || filter.limit.is_some() || filter.reverse {
        let text = "a case is asked for by --correlation, without --limit and --reverse";
        return Err(CliError::usage(text));
    }
    let page = args.report.as_deref().map(|path| Target {
        path,
        kind: OutputKind::Report,
        log: None,
        force: args.force,
    });
    match &page {
        Some(page) if page.path.as_os_str() == "-" => {
            return Err(CliError::usage("--report names a file"));
        }
        Some(page) => page.check(context)?,
        None => {}
    }
    let policy = args.of.policy()?;
    let found = fleet(&args.of.url)?;
    let records = FleetRecords::default();
    let view = FleetView {
        policy: &policy,
        records: &records,
        witnesses: None,
        now: SystemClock::new().wall(),
    };
    let mut logs = Vec::new();
    let mut custody = Custody::default();
    write_folder(context, &args.output, |folder| {
        for genesis in &found.logs {
            let (case, some) = found.find(*genesis, &view, &filter)?;
            let mut of_log = OfLog {
                case,
                bundle: None,
                report: None,
            };
            if let (Some(some), Some(key)) = (some, of_log.case.log) {
                let bundle = format!("{genesis}.bundle");
                let path = folder.join(&bundle);
                let failed = |error| CliError::file(&path, error);
                let mut file = BufWriter::new(File::create_new(&path).map_err(failed)?);
                some.write(&mut file)?;
                file.flush().map_err(failed)?;
                file.get_ref().sync_all().map_err(failed)?;
                of_log.bundle = Some(bundle);
                let policy = Policy {
                    keys: vec![key],
                    // The log's key is not here.
                    allow_unsigned: true,
                    ..policy.clone()
                };
                of_log.report = Some(custody.add(logs.len(), &path, &policy, &filter)?);
            }
            logs.push(of_log);
        }
        match logs
            .iter()
            .any(|log| log.bundle.is_some() || !log.case.faults.is_empty())
        {
            true => Ok(()),
            false => Err(CliError::NothingFound),
        }
    })?;
    if let Some(page) = page.filter(|_| logs.iter().any(|log| log.bundle.is_some())) {
        let case = filter.correlation.as_deref().unwrap_or_default();
        let about = about(case, &logs, &policy)?;
        page.write(context, |out| write_page(out, &about, &logs, &args.output))?;
    }
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let fine = found.strays.is_empty() && logs.iter().all(OfLog::passed);
    custody.sort();
    match output.is_json() {
        true => {
            let end = End {
                verdict: if fine { Verdict::Pass } else { Verdict::Fail },
                logs: &logs,
                passed_over: &found.strays,
                counts: custody.counts(),
                elapsed_ms,
            };
            custody.print_json(&end, output)?;
        }
        false => {
            custody.print(&logs, output)?;
            print(&logs, &found.strays, args, output)?;
            let entries: u64 = logs.iter().map(|log| log.case.entries).sum();
            let of = logs.iter().filter(|log| log.bundle.is_some()).count();
            output.verdict(
                fine,
                &format!("{entries} entries of {of} logs, {elapsed_ms} ms"),
            )?;
        }
    }
    Ok(match (fine, custody.undecided()) {
        (false, _) => Answer::No,
        (true, true) => Answer::Unanswered,
        (true, false) => Answer::Yes,
    })
}

/// What the report over all logs says of itself.
fn about(case: &str, logs: &[OfLog], policy: &Policy) -> Result<About, CliError> {
    let count = |is: &dyn Fn(&OfLog) -> bool| logs.iter().filter(|log| is(log)).count();
    let carried = count(&|log| log.bundle.is_some());
    if carried > MOST_LOGS {
        let text =
            format!("--report is over {MOST_LOGS} logs at most, and {carried} have the case");
        return Err(CliError::usage(&text));
    }
    let revocations = policy.revocations.iter();
    let text = |file: Vec<u8>| String::from_utf8_lossy(&file).into_owned();
    Ok(About {
        correlation: case.to_owned(),
        left_out: 0,
        revocations: revocations.map(|one| text(one.to_file())).collect(),
        times: None,
        logs: Some(CarriedLogs {
            asked: logs.len() as u64,
            carried: carried as u64,
            faulty: count(&|log| !log.passed()) as u64,
            unsealed: logs.iter().map(|log| log.case.unsealed).sum(),
        }),
    })
}

/// The report over all logs: their bundles, which lie in the folder, in one page.
fn write_page(
    out: &mut (dyn Write + Send),
    about: &About,
    logs: &[OfLog],
    folder: &Path,
) -> Result<u64, CliError> {
    let mut page = ReportWriter::new(out, about).map_err(CliError::output)?;
    for bundle in logs.iter().filter_map(|log| log.bundle.as_ref()) {
        let path = folder.join(bundle);
        let failed = |error| CliError::file(&path, error);
        let mut bundle = File::open(&path).map_err(failed)?;
        io::copy(&mut bundle, &mut page).map_err(CliError::output)?;
    }
    page.finish().map_err(CliError::output)?;
    Ok(logs.iter().map(|log| log.case.entries).sum())
}

fn print(
    logs: &[OfLog],
    strays: &[String],
    args: &Args,
    output: &mut Output,
) -> Result<(), CliError> {
    for stray in strays {
        output.line(&format!("{stray} is not a log, and was passed over"))?;
    }
    for (number, log) in logs.iter().enumerate() {
        let case = &log.case;
        let origin = name(case.origin.as_deref());
        let bundle = match &log.bundle {
            Some(bundle) => args.output.join(bundle).display().to_string(),
            None => "nothing of the case".to_owned(),
        };
        let (entries, all) = (case.entries, case.looked_through);
        output.line(&format!(
            "log {number}  {origin}: {entries} of {all} entries, {bundle}"
        ))?;
        if case.unsealed > 0 {
            let tail = case.unsealed;
            output.line(&format!(
                "  {tail} entries are not sealed yet, and were not looked at"
            ))?;
        }
        print_faults(&case.faults, output)?;
        let of_bundle = log.report.iter().flat_map(|report| &report.faults);
        let of_bundle = of_bundle.map(|fault| FleetFault {
            object: log.bundle.clone().unwrap_or_default(),
            ..FleetFault::from(PartFault::new(0, fault.code, &fault.detail))
        });
        print_faults(&of_bundle.collect::<Vec<_>>(), output)?;
    }
    Ok(())
}

/// The case as all logs have it, in the order of time.
#[derive(Default)]
struct Custody {
    items: Vec<(usize, Item)>,
    whole: Option<Replay>,
}

impl Custody {
    /// Replays a bundle, and adds what it holds.
    fn add(
        &mut self,
        number: usize,
        path: &Path,
        policy: &Policy,
        filter: &Filter,
    ) -> Result<Report, CliError> {
        let file = File::open(path).map_err(|error| CliError::file(path, error))?;
        let mut bundle = BundleFile::open(BufReader::new(file)).map_err(crate::api::Error::from)?;
        let wanted = |seq: Seq, entry: &Entry| filter.matches(seq, entry);
        let options = ReplayOptions {
            policy,
            wanted: &wanted,
            others: true,
            evaluator: Some(evaluator()),
            alternative: None,
            today: None,
        };
        let items = &mut self.items;
        let replayed = replay(&mut bundle, &options, &mut |found: &[Item], _| {
            if items.len() + found.len() > ITEMS {
                return Err(CliError::usage(&format!(
                    "more than {ITEMS} entries are of the case: ask for less, such as with \
                     --since and --until"
                )));
            }
            items.extend(found.iter().map(|item| (number, item.clone())));
            Ok(())
        })?;
        let report = replayed.report.clone();
        match &mut self.whole {
            Some(whole) => whole.join(replayed),
            None => self.whole = Some(replayed),
        }
        Ok(report)
    }

    fn sort(&mut self) {
        self.items
            .sort_by_key(|(number, item)| (item.ts, *number, item.seq));
    }

    fn counts(&self) -> Value {
        let whole = self.whole.as_ref();
        whole.map_or(Value::Null, |whole| whole.counts.to_value())
    }

    /// Whether some decision could not be taken again.
    fn undecided(&self) -> bool {
        let whole = self.whole.as_ref();
        whole.is_some_and(|whole| whole.counts.could_not_evaluate > 0)
    }

    fn print(&self, logs: &[OfLog], output: &mut Output) -> Result<(), CliError> {
        let mut last = None;
        for (number, item) in &self.items {
            if last.replace(number) != Some(number) {
                let origin = logs.get(*number).and_then(|log| log.case.origin.as_deref());
                output.line(&format!("log {number}  {}", name(origin)))?;
            }
            print_item(item, output)?;
        }
        Ok(())
    }

    fn print_json(&self, end: &End<'_>, output: &mut Output) -> Result<(), CliError> {
        output.bytes(b"{\"timeline\":[")?;
        for (at, (number, item)) in self.items.iter().enumerate() {
            output.bytes(if at > 0 { b"," } else { b"" })?;
            output.bytes(&item.to_text(Some(*number as u64), None))?;
        }
        let text = serde_json::to_string(end).map_err(|error| CliError::output(error.into()))?;
        // The members of the object, after those that are written.
        let members = text.strip_prefix('{').unwrap_or(&text);
        output.bytes(b"],")?;
        output.canonical(members.as_bytes())
    }
}
