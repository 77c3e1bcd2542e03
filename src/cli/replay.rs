//! `sealbook replay`: custody in order, every recorded decision computed again.

mod folder;
mod timeline;

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use crate::api::{Ledger, Recognised, Times, recognise};
use crate::audit::LedgerSource;
use crate::ledger::bundle_file::BundleFile;
use crate::ledger::entry::Entry;
use crate::ledger::fault::{Format, Report, Verdict, Warning, WarningCode};
use crate::ledger::json::{Object, Value};
use crate::ledger::key::PublicKey;
use crate::ledger::policy::Policy;
use crate::ledger::position::Seq;
use crate::ledger::shape;
use crate::ledger::source::Source;
use crate::producers::kind;
use crate::record::hall_files::policy_in;
use crate::replay::books::BookReach;
use crate::replay::item::Item;
use crate::replay::otherwise::Alternative;
use crate::replay::report::Replay;
use crate::replay::today::Today;
use crate::replay::{ReplayOptions, Wanted, replay};
use crate::report::ReportFile;
use crate::store::StoreError;
use crate::store::query::Filter;

use super::Answer;
#[cfg(feature = "rocks")]
use super::chained;
use super::context::{Context, as_of};
use super::document;
use super::error::CliError;
use super::filters::{Filters, OtherTypes};
use super::hall::evaluator;
use super::key::parse_key;
use super::output::Output;
use super::package::hmac_key;
use super::progress::Progress;
use super::trust::TrustArgs;

#[cfg(feature = "bucket")]
pub(super) use timeline::print as print_item;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A bundle, a report or a ledger, or a folder of them as one custody [default: the ledger]
    path: Option<PathBuf>,
    #[cfg(feature = "rocks")]
    #[command(flatten)]
    books: chained::Args,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    filters: Filters,
    /// Say between which times each entry was made, by the word of this policy's witnesses
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Beside the record: what would have been decided under these rules
    #[arg(long, value_name = "FILE")]
    with_rules: Option<PathBuf>,
    /// Beside the record: what would have been decided under this policy
    #[arg(long, value_name = "PATH")]
    with_policy: Option<PathBuf>,
    /// Verify this package again, and say whether it is what was attested
    #[arg(long, value_name = "DIR")]
    package: Option<PathBuf>,
    /// Verify the artifacts in this folder again, and say whether they are what was verified
    #[arg(long, value_name = "DIR")]
    artifacts: Option<PathBuf>,
    /// A key that artifact manifests may be signed with [default: that of the manifest]
    #[arg(long, value_name = "KEY", requires = "artifacts")]
    trusted_key: Vec<String>,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let started = Instant::now();
    let filter = args.filters.to_filter()?;
    if filter.limit.is_some() || filter.reverse {
        let text = "replay has no --limit and no --reverse: it needs every entry, in order";
        return Err(CliError::usage(text));
    }
    let policy = args.trust.policy()?;
    let mut policy = policy;
    let alternative = alternative(args)?;
    let today = today(context, args)?;
    let of_other_types = OtherTypes::of(&filter);
    let found = AtomicBool::new(filter == Filter::default());
    let wanted = |seq: Seq, entry: &Entry| {
        let wanted = filter.matches(seq, entry);
        match wanted {
            true => found.store(true, Ordering::Relaxed),
            false => of_other_types.look(seq, entry),
        }
        wanted
    };
    let otherwise = alternative.is_some();
    let asked = ReplayRequest {
        wanted: &wanted,
        others: names_something(&filter),
        alternative,
        today: today.as_ref(),
    };
    let times = times(context, args)?;
    let mut timeline = Timeline {
        times,
        ..Timeline::default()
    };
    let path = place(context, args);
    let mut result = if let Some(books) = folder::books(context, args, &policy)? {
        folder::replay(context, &books, &asked, &mut policy, &mut timeline, output)?
    } else {
        source(context, path, |source, total, seen| {
            if let Some(last) = seen {
                output.note(&as_of(last));
            }
            timeline.walk(source, total, &asked.options(&policy), output)
        })?
    };
    of_other_types.say(output);
    let found = found.load(Ordering::Relaxed);
    if !found {
        result.report.warnings.push(Warning {
            code: WarningCode::Empty,
            detail: "no entry is what was asked for".to_owned(),
        });
    }
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    if output.is_json() {
        print_json(&result, args.today(&result), otherwise, elapsed_ms, output)?;
    } else {
        timeline::print_end(
            &result,
            &args.compared(&result),
            otherwise,
            elapsed_ms,
            output,
        )?;
    }
    let fine =
        found && result.report.verdict == Verdict::Pass && args.today(&result) != Some(false);
    Ok(match fine {
        false => Answer::No,
        true if result.counts.could_not_evaluate > 0 => Answer::Unanswered,
        true => Answer::Yes,
    })
}

/// What is asked of every book.
struct ReplayRequest<'a> {
    wanted: &'a Wanted<'a>,
    others: bool,
    alternative: Option<Alternative>,
    today: Option<&'a Today>,
}

impl ReplayRequest<'_> {
    fn options<'b>(&'b self, policy: &'b Policy) -> ReplayOptions<'b> {
        ReplayOptions {
            policy,
            wanted: self.wanted,
            others: self.others,
            evaluator: Some(evaluator()),
            alternative: self.alternative.clone(),
            today: self.today,
        }
    }
}

impl Args {
    /// What was to be compared with today's content, and how that came out; none
    /// if the record has nothing of it that passed.
    fn compared(&self, result: &Replay) -> Vec<(&'static str, Option<bool>)> {
        let asked = [
            ("package", kind::ATTESTATION, &self.package),
            ("artifacts", kind::MANIFEST, &self.artifacts),
        ];
        let asked = asked.into_iter().filter(|(_, _, path)| path.is_some());
        asked
            .map(|(what, kind, _)| (what, result.today.get(kind).copied()))
            .collect()
    }

    /// Whether all of it is what passed last; none if nothing was to be.
    fn today(&self, result: &Replay) -> Option<bool> {
        let compared = self.compared(result);
        let same = compared.iter().all(|(_, same)| *same == Some(true));
        (!compared.is_empty()).then_some(same)
    }
}

/// Whether the filter asks for the custody of something. Then what others wrote
/// of it belongs there too.
fn names_something(filter: &Filter) -> bool {
    let ids = [
        &filter.tenant,
        &filter.correlation,
        &filter.worker,
        &filter.decision,
    ];
    !filter.kinds.is_empty() || ids.into_iter().any(Option::is_some)
}

fn alternative(args: &Args) -> Result<Option<Alternative>, CliError> {
    if args.with_rules.is_none() && args.with_policy.is_none() {
        return Ok(None);
    }
    let rules = args
        .with_rules
        .as_deref()
        .map(document::rules)
        .transpose()?;
    Ok(Some(Alternative {
        rules: rules.map(Arc::new),
        gate: match &args.with_policy {
            Some(path) => Some(policy_in(path, Some(evaluator()))?),
            None => None,
        },
    }))
}

fn today(context: &Context, args: &Args) -> Result<Option<Today>, CliError> {
    if args.package.is_none() && args.artifacts.is_none() {
        return Ok(None);
    }
    let folder = |path: &Path| match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(CliError::file(
            path,
            std::io::ErrorKind::NotADirectory.into(),
        )),
        Err(error) => Err(CliError::file(path, error)),
    };
    let mut today = Today::default();
    if let Some(dir) = &args.package {
        folder(dir)?;
        today = today.with_package(dir, hmac_key().as_ref(), context.clock().wall());
    }
    if let Some(dir) = &args.artifacts {
        folder(dir)?;
        let keys: Result<Vec<PublicKey>, _> =
            args.trusted_key.iter().map(|k| parse_key(k)).collect();
        today = today.with_artifacts(dir, &keys?);
    }
    Ok(Some(today))
}

/// What is replayed.
fn place<'a>(context: &'a Context, args: &'a Args) -> &'a Path {
    args.path.as_deref().unwrap_or(&context.ledger)
}

/// Opens what is to be replayed; with it comes how many entries it has, where
/// that is known, and the last of them, where another process may be adding
/// more.
fn source<T>(
    context: &Context,
    path: &Path,
    walk: impl FnOnce(&mut dyn Source, Option<u64>, Option<Seq>) -> Result<T, CliError>,
) -> Result<T, CliError> {
    if path == context.ledger && !path.exists() {
        let dir = path.to_owned();
        return Err(CliError::from(StoreError::Missing { dir }));
    }
    match recognise(path, None)? {
        Recognised::Ledger(dir) => {
            let reader = context.options().reader(&dir)?;
            let total = crate::store::Store::count(&reader.store).ok();
            let mut source = LedgerSource::new(&reader.store, &reader.mark)?;
            walk(&mut source, total, reader.as_of()?)
        }
        Recognised::File(Format::Bundle, file) => {
            walk(&mut BundleFile::open(file.reader)?, None, None)
        }
        Recognised::File(Format::Report, file) => {
            let report = ReportFile::open(file.reader)?;
            let mut report = report.ok_or_else(|| not_replayed(path))?;
            let bundle = report.bundle().ok_or(crate::api::Error::SeveralLogs)?;
            let bundle = BufReader::new(bundle);
            walk(&mut BundleFile::open(bundle)?, None, None)
        }
        _ => Err(not_replayed(path)),
    }
}

fn not_replayed(path: &Path) -> CliError {
    CliError::Argument {
        what: "path",
        given: path.display().to_string(),
        expected: "decisions are replayed from a ledger, a bundle or a report, or a folder of them",
    }
}

/// The timeline as it is printed.
#[derive(Default)]
struct Timeline {
    begun: bool,
    told: bool,
    book: Option<usize>,
    /// What the witnesses of a policy say.
    times: Option<Times>,
}

impl Timeline {
    /// What follows is of another book.
    fn book(&mut self, number: usize, output: &mut Output) -> Result<(), CliError> {
        self.book = Some(number);
        match output.is_json() {
            true => Ok(()),
            false => output.line(&format!("book {number}")),
        }
    }

    fn walk(
        &mut self,
        source: &mut dyn Source,
        total: Option<u64>,
        options: &ReplayOptions<'_>,
        output: &mut Output,
    ) -> Result<Replay, CliError> {
        let mut progress = Progress::new(total, "entries");
        if output.is_json() && !std::mem::replace(&mut self.begun, true) {
            output.bytes(b"{\"timeline\":[")?;
        }
        let result = replay(source, options, &mut |items: &[Item], walked| {
            let times = self.times.as_ref().filter(|_| self.book.is_none());
            let between = |item: &Item| times.map(|times| times.between(item.seq));
            if output.is_json() {
                let book = self.book.map(|book| book as u64);
                // On all cores: to write an item takes as long as to verify it.
                let texts = items.par_iter().with_min_len(16).map(|item| {
                    let between = between(item).as_ref().map(shape::write);
                    item.to_text(book, between)
                });
                for text in texts.collect::<Vec<_>>() {
                    let told = std::mem::replace(&mut self.told, true);
                    output.bytes(if told { b"," } else { b"" })?;
                    output.bytes(&text)?;
                }
            } else {
                for item in items {
                    timeline::print(item, output)?;
                    if let Some(between) = between(item) {
                        timeline::print_times(&between, output)?;
                    }
                }
            }
            progress.at(walked);
            Ok::<(), CliError>(())
        })?;
        progress.finish();
        Ok(result)
    }
}

/// What the witnesses of the policy say of the ledger that is replayed.
fn times(context: &Context, args: &Args) -> Result<Option<Times>, CliError> {
    let Some(policy) = args.policy.as_deref().map(document::witness_policy) else {
        return Ok(None);
    };
    let path = args.path.as_deref().unwrap_or(&context.ledger);
    if !path.is_dir() {
        return Err(CliError::usage("--policy is for a ledger, not for a file"));
    }
    let ledger = Ledger::open_read(path, context.options())?;
    Ok(Some(ledger.times(policy?)?))
}

/// What follows the timeline in the one JSON document.
#[derive(Serialize)]
struct ReplayTrailer<'a> {
    counts: Value,
    otherwise: Option<Value>,
    today: Option<bool>,
    books: Option<&'a [BookReach]>,
    chained: Option<bool>,
    #[serde(flatten)]
    report: &'a Report,
    elapsed_ms: u64,
}

fn print_json(
    result: &Replay,
    today: Option<bool>,
    otherwise: bool,
    elapsed_ms: u64,
    output: &mut Output,
) -> Result<(), CliError> {
    let end = ReplayTrailer {
        counts: result.counts.to_value(),
        otherwise: otherwise.then(|| otherwise_value(result)),
        today,
        books: (!result.books.is_empty()).then_some(&result.books),
        chained: result.chained(),
        report: &result.report,
        elapsed_ms,
    };
    let text = serde_json::to_string(&end).map_err(|error| CliError::output(error.into()))?;
    // The members of the object, after those that are written.
    let members = text.strip_prefix('{').unwrap_or(&text);
    output.bytes(b"],")?;
    output.canonical(members.as_bytes())
}

fn otherwise_value(result: &Replay) -> Value {
    let decisions = result.otherwise.iter().map(|(seq, otherwise)| {
        let mut object = otherwise.to_object();
        object.insert("seq", *seq);
        Value::Object(object)
    });
    let counts = result.otherwise_counts;
    let members: Object = [
        ("same", Value::from(counts.same)),
        ("changed", Value::from(counts.changed)),
        ("undetermined", Value::from(counts.undetermined)),
        ("decisions", Value::Array(decisions.collect())),
    ]
    .into_iter()
    .collect();
    Value::Object(members)
}
