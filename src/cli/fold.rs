//! `sealbook fold`: epochs verified apart, and parts joined to one verdict.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::api::{self, EachPart};
use crate::bucket::Address;
use crate::ledger::fault::Verdict;
use crate::ledger::fold::{FoldPart, PartFault, TakenAgain};
use crate::ledger::json::Value;
use crate::ledger::policy::Policy;
use crate::ledger::{limits, parse, shape};
use crate::replay::{ReplayOptions, replay};

use super::Answer;
use super::error::CliError;
use super::hall::evaluator;
use super::output::Output;
use super::trust::TrustArgs;

/// Bytes of one line: a part with all the digests of its documents.
const LINE_BYTES: u64 = 256 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files of parts as this command prints them, a line each, in the order of the log;
    /// - reads standard input. Or the URL of a bucket, with --epochs
    #[arg(required = true, value_name = "PART")]
    parts: Vec<PathBuf>,
    /// Verify these epochs of the bucket, such as 0..24, and fold them
    #[arg(long, value_name = "FROM..TO", value_parser = range)]
    epochs: Option<Range<u64>>,
    /// Say only what joins it to other parts: what is before and after is missing by right
    #[arg(long)]
    part: bool,
    /// Take every decision of these epochs again, too; one that comes out otherwise is named
    #[arg(long, requires = "epochs")]
    decisions: bool,
    #[command(flatten)]
    trust: TrustArgs,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let part = match (&args.epochs, args.parts.as_slice()) {
        (Some(epochs), [url]) => {
            let url = url.to_string_lossy();
            let address = Address::parse(&url).map_err(api::Error::from)?;
            let policy = args.trust.policy()?;
            let mut again =
                |epoch, bundle, part: &mut FoldPart| again(epoch, bundle, &policy, part);
            let also: Option<&mut EachPart<'_, CliError>> = match args.decisions {
                true => Some(&mut again),
                false => None,
            };
            api::fold_epochs(&address, epochs.clone(), &policy, also)?
        }
        (Some(_), _) => return Err(CliError::usage("--epochs is for the URL of one bucket")),
        (None, paths) => joined(paths)?,
    };
    let printed = part.verdict(!args.part);
    let (faults, decisions) = (&printed.faults, printed.decisions);
    if output.is_json() {
        output.document(&printed)?;
    } else {
        let (verdict, entries) = match printed.verdict {
            Verdict::Pass => ("PASS", printed.entries),
            Verdict::Fail => ("FAIL", printed.entries),
        };
        output.line(&format!(
            "{verdict}  {entries} entries, {} epochs",
            printed.epochs
        ))?;
        if let Some(taken) = decisions {
            let (all, not) = (taken.decisions, taken.could_not_evaluate);
            output.line(&format!(
                "{all} decisions, {not} of them could not be taken again"
            ))?;
        }
        for fault in faults {
            let PartFault {
                epoch,
                code,
                detail,
            } = fault;
            output.line(&format!("fault    {code} at epoch {epoch}: {detail}"))?;
        }
    }
    let undecided = decisions.is_some_and(|taken| taken.could_not_evaluate > 0);
    Ok(match (faults.is_empty(), undecided) {
        (false, _) => Answer::No,
        (true, true) => Answer::Unanswered,
        (true, false) => Answer::Yes,
    })
}

/// Takes the decisions of an epoch again, whose signatures hold.
fn again(
    epoch: u64,
    mut bundle: api::Reading<'static>,
    policy: &Policy,
    part: &mut FoldPart,
) -> Result<(), CliError> {
    let policy = Policy {
        signatures: false,
        ..policy.clone()
    };
    let options = ReplayOptions {
        policy: &policy,
        wanted: &|_, _| true,
        others: false,
        evaluator: Some(evaluator()),
        alternative: None,
        today: None,
    };
    let replayed = replay(&mut bundle, &options, &mut |_, _| Ok::<_, CliError>(()))?;
    let counts = &replayed.counts;
    let taken = TakenAgain {
        decisions: counts.decisions,
        could_not_evaluate: counts.could_not_evaluate,
    };
    for run in &mut part.runs {
        run.decisions = Some(taken);
    }
    part.faults
        .extend(replayed.report.faults.iter().map(|fault| {
            let at = fault
                .seq
                .map_or_else(String::new, |seq| format!("entry {seq}: "));
            PartFault::new(epoch, fault.code, &format!("{at}{}", fault.detail))
        }));
    Ok(())
}

fn joined(paths: &[PathBuf]) -> Result<FoldPart, CliError> {
    let mut all = FoldPart::default();
    for path in paths {
        let file: Box<dyn Read> = match path.as_path() == Path::new("-") {
            true => Box::new(io::stdin()),
            false => Box::new(File::open(path).map_err(|error| CliError::file(path, error))?),
        };
        let mut reader = BufReader::new(file);
        loop {
            let mut line = Vec::new();
            let read = reader
                .by_ref()
                .take(LINE_BYTES)
                .read_until(b'\n', &mut line);
            if read.map_err(|error| CliError::file(path, error))? == 0 {
                break;
            }
            let most = parse::ParseLimits {
                bytes: usize::try_from(LINE_BYTES).unwrap_or(usize::MAX),
                ..limits::embedded(1)
            };
            let value = parse::parse_with(line.trim_ascii_end(), &most)?;
            let part = value.get("part").unwrap_or(&Value::Null);
            all = all.join(shape::read(part, "part")?);
        }
    }
    Ok(all)
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let wrong = || "two numbers such as 0..24 are needed".to_owned();
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let from = from.parse().map_err(|_| wrong())?;
    let to = to.parse().map_err(|_| wrong())?;
    match from < to {
        true => Ok(from..to),
        false => Err(wrong()),
    }
}
