//! `sealbook monitor`: public logs, watched by a third party. Needs no ledger; a build that
//! fetches nothing watches folders.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

#[cfg(feature = "bucket")]
use crate::api::PublicPlace;
#[cfg(feature = "bucket")]
use crate::bucket::Address;
#[cfg(feature = "client")]
use crate::fetch::Fetcher;
use crate::ledger::time::Timestamp;
use crate::logbook::clock::{Clock as _, SystemClock};
#[cfg(feature = "client")]
use crate::monitor::Server;
use crate::monitor::{FolderPlace, LogFindings, Monitor, State, prometheus};

use super::Answer;
use super::context::Context;
use super::document::witness_policy;
use super::error::{CliError, LogError};
use super::output::Output;
use super::spared::{replace, spare, spare_others};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the logs are: URLs of servers or buckets, or folders
    #[arg(value_name = "URL", required = true)]
    places: Vec<String>,
    /// Whose logs and witnesses count: a file of c2sp.org/tlog-policy with `log` lines
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The folder that keeps what is known of the logs, and the evidence
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// How old a log's newest checkpoint may be, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    max_age: u64,
    /// Look again after so many seconds, until told to stop
    #[arg(long, value_name = "SECONDS")]
    every: Option<u64>,
    /// Write the figures of the last look into this file, for Prometheus
    #[arg(long, value_name = "FILE")]
    prometheus: Option<PathBuf>,
    /// Seconds to wait for each answer
    #[cfg(feature = "client")]
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    timeout: u64,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    if let Some(path) = &args.prometheus {
        let own = |text: &[u8]| text.starts_with(b"# HELP sealbook_monitor_");
        spare_others(context, path, ("a file of a monitor's figures", own))?;
    }
    // Folders and files of their own names are in it.
    spare(context, &args.state.join("key"))?;
    let policy = witness_policy(&args.policy)?;
    let state = State::new(&args.state);
    let monitor = Monitor {
        policy: &policy,
        state: &state,
        max_age: args.max_age,
    };
    loop {
        let answer = look(context, &monitor, args, output)?;
        let Some(seconds) = args.every else {
            return Ok(answer);
        };
        output.flush()?;
        thread::sleep(Duration::from_secs(seconds.max(1)));
    }
}

/// Looks at every log once.
fn look(
    context: &Context,
    monitor: &Monitor<'_>,
    args: &Args,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let mut watched = Vec::new();
    for place in &args.places {
        let now = SystemClock::new().wall();
        let found = match place.split_once("://") {
            #[cfg(feature = "bucket")]
            Some(_) if Address::is_url(place) => {
                let files = PublicPlace::named(Path::new(place))?.files(None)?;
                monitor.look(place, &files, now).map_err(LogError::from)?
            }
            Some(_) => at_server(monitor, place, args, now)?,
            None => {
                let folder = FolderPlace(Path::new(place));
                monitor.look(place, &folder, now).map_err(LogError::from)?
            }
        };
        print(&found, output)?;
        watched.push(found);
    }
    if let Some(path) = &args.prometheus {
        let text = prometheus(&watched, SystemClock::new().wall());
        replace(context, path, text.as_bytes())?;
    }
    Ok(
        if watched
            .iter()
            .any(|one| !one.is_in_order() && !one.is_unanswered())
        {
            Answer::No
        } else if watched.iter().any(LogFindings::is_unanswered) {
            Answer::Unanswered
        } else {
            Answer::Yes
        },
    )
}

#[cfg(feature = "client")]
fn at_server(
    monitor: &Monitor<'_>,
    place: &str,
    args: &Args,
    now: Timestamp,
) -> Result<LogFindings, CliError> {
    let fetcher = Fetcher::new(Duration::from_secs(args.timeout));
    let looked = monitor.look(place, &Server::new(fetcher, place), now);
    Ok(looked.map_err(LogError::from)?)
}

#[cfg(not(feature = "client"))]
fn at_server(_: &Monitor<'_>, _: &str, _: &Args, _: Timestamp) -> Result<LogFindings, CliError> {
    Err(CliError::usage(
        "this build fetches nothing: name the folder of a copy of the log",
    ))
}

fn print(watched: &LogFindings, output: &mut Output) -> Result<(), CliError> {
    if output.is_json() {
        return output.document(watched);
    }
    let origin = watched.origin.as_deref().unwrap_or("no log");
    let size = watched
        .size
        .map_or_else(String::new, |size| format!(", {size} entries"));
    let place = &watched.place;
    output.verdict(watched.is_in_order(), &format!("{place}: {origin}{size}"))?;
    if watched.size.is_some() {
        output.line(&format!("checked   {} entries", watched.checked))?;
        output.line(&format!("age       {} s", watched.age_seconds))?;
    }
    if let Some(successor) = &watched.successor {
        output.line(&format!("continued {successor}"))?;
    }
    for cosigned in &watched.cosigned {
        output.line(&format!(
            "cosigned  {} by {}",
            cosigned.time, cosigned.witness
        ))?;
    }
    for finding in &watched.findings {
        output.line(&format!(
            "fault     {}: {}",
            finding.code.name(),
            finding.detail
        ))?;
        for file in &finding.evidence {
            output.line(&format!("evidence  {file}"))?;
        }
    }
    Ok(())
}
