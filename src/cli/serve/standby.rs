//! `sealbook serve --standby`: reads are answered while another machine writes the log,
//! until this one takes it over.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::api::{FollowerCommand, Ledger, Standby};
use crate::logbook::error::LogbookError;
use crate::serve::{Config, StandingBy, run as serve};

use super::{Args, LOOK, Signals};
use crate::cli::context::Context;
use crate::cli::error::{CliError, ServerError};
use crate::cli::output::Output;

/// How this server stands by, and how it says that it lives once it writes.
#[derive(Debug, clap::Args)]
pub(super) struct StandbyArgs {
    /// Follow a log that another machine writes into the bucket, and answer reads, until told to take over or until the writer is quiet
    #[arg(long, requires = "bucket")]
    pub(super) standby: bool,
    /// Take the log over when the writer has been quiet for so many seconds; 0 waits to be told
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 30,
        requires = "standby"
    )]
    standby_after: u64,
    /// Say in the bucket every so many seconds that this writer lives
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    heartbeat: u64,
}

impl StandbyArgs {
    /// What follows the log, if it is to be followed.
    fn how(&self) -> Standby {
        let after = Duration::from_secs(self.standby_after);
        let every = Duration::from_secs(1);
        Standby {
            every: if after.is_zero() {
                every
            } else {
                every.min(after / 4)
            },
            after: (!after.is_zero()).then_some(after),
        }
    }
}

impl Args {
    /// Stands by, if that is asked for. Gives whether the log is to be written then.
    pub(super) fn stand_by(
        &self,
        (context, output): (&Context, &mut Output),
        runtime: &Runtime,
        signals: &mut Signals,
        listener: TcpListener,
    ) -> Result<Option<TcpListener>, CliError> {
        if !self.stands_by() {
            return Ok(Some(listener));
        }
        let (listener, again) = twice(listener).map_err(ServerError::Runtime)?;
        let options = self.ledger_options(context)?;
        let (ledger, follower) = Ledger::stand_by(&context.ledger, options)?;
        let (tell, orders) = channel();
        let quiet_seconds = Arc::new(AtomicU64::new(0));
        let standing_by = StandingBy {
            take_over: telling(tell.clone(), FollowerCommand::TakeOver),
            quiet_seconds: Arc::clone(&quiet_seconds),
        };
        let config = Config {
            standby: Some(standing_by),
            ..self.config(context, ledger)?
        };
        let how = self.standby.how();
        self.say_where(&listener, output)?;
        let (ended, end) = tokio::sync::oneshot::channel();
        let following = std::thread::spawn(move || {
            let quiet = |quiet: Duration| quiet_seconds.store(quiet.as_secs(), Ordering::Relaxed);
            let done = follower.follow(how, &orders, quiet);
            // A server that is gone does not hear it.
            let _ = ended.send(());
            done
        });
        let shutdown = async {
            tokio::select! {
                _ = end => {}
                _ = signals.terminate.recv() => {}
                _ = signals.interrupt.recv() => {}
            }
            // Of one that has ended nobody listens any more.
            let _ = tell.send(FollowerCommand::Stop);
        };
        runtime.block_on(serve(listener, shutdown, config))?;
        let done = following.join();
        let order = done.map_err(|_| CliError::from(LogbookError::Stopped))??;
        Ok((order == FollowerCommand::TakeOver).then_some(again))
    }

    /// Says in the bucket that this writer lives, as long as the ledger is open.
    pub(super) fn beat_behind(&self, ledger: &Ledger) -> Result<(), CliError> {
        let Some(mut heartbeat) = ledger.heartbeat()? else {
            return Ok(());
        };
        let every = Duration::from_secs(self.standby.heartbeat);
        let logbook = Arc::downgrade(ledger.logbook()?);
        std::thread::spawn(move || {
            let mut next = std::time::Instant::now();
            while logbook
                .upgrade()
                .is_some_and(|logbook| !logbook.is_stopped())
            {
                if std::time::Instant::now() >= next {
                    if let Err(error) = heartbeat.beat() {
                        tracing::warn!(%error, "who stands by was not told that this writer lives");
                    }
                    next = std::time::Instant::now() + every;
                }
                std::thread::sleep(LOOK);
            }
        });
        Ok(())
    }
}

fn telling(tell: Sender<FollowerCommand>, order: FollowerCommand) -> Box<dyn Fn() + Send + Sync> {
    let tell = Mutex::new(tell);
    Box::new(move || {
        if let Ok(tell) = tell.lock() {
            // It is being done already, if nobody listens.
            let _ = tell.send(order);
        }
    })
}

/// One socket for the server that stands by, and for the one that writes: who connects in
/// between waits in its queue.
fn twice(listener: TcpListener) -> std::io::Result<(TcpListener, TcpListener)> {
    let listener = listener.into_std()?;
    let again = listener.try_clone()?;
    Ok((
        TcpListener::from_std(listener)?,
        TcpListener::from_std(again)?,
    ))
}
