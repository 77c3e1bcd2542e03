//! What came out becomes an entry of the ledger, unless the user asks not to.

use std::path::Path;

use clap::ValueEnum;
use rustix::fs::{Access, access};
use rustix::io::Errno;

#[cfg(not(feature = "rocks"))]
use crate::api::Ledger as Opened;
#[cfg(feature = "rocks")]
use crate::api::Writer as Opened;
use crate::api::actor::this_user;
#[cfg(feature = "rocks")]
use crate::api::held::{Held, RecordedAs};
use crate::api::{self, Ledger, Options};
use crate::ledger::json::Value;
use crate::logbook::error::OpenError;
use crate::record::worker_index::WorkerIndex;
use crate::record::{Hall, Outcome, Recorder};
use crate::store::StoreError;

use super::context::Context;
use super::error::CliError;
use super::output::Output;

#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// Record the outcome even where it is not clear that a ledger is meant; what is meant is recorded in anyway
    #[arg(long, conflicts_with = "no_record")]
    record: bool,
    /// Do not record the outcome. A package is then judged as its format says: files that it
    /// does not attest are warned of, and fail only where the outcome is recorded
    #[arg(long)]
    no_record: bool,
    #[command(flatten)]
    who: ActorArgs,
}

/// Who is recorded as having run a command.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub(super) struct ActorArgs {
    /// Who is recorded as having run the command
    #[arg(long, value_enum, value_name = "WHO", default_value_t = Who::User)]
    actor: Who,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Who {
    /// The user of this machine who runs it
    User,
    /// Nobody
    None,
}

impl Args {
    /// The user who runs the command, as entries name them.
    pub(super) fn actor(&self) -> Option<Value> {
        self.who.actor()
    }
}

impl ActorArgs {
    /// The user who runs the command, as entries name them.
    pub(super) fn actor(&self) -> Option<Value> {
        (self.actor == Who::User).then(|| this_user("cli"))
    }

    /// Opens the ledger that is to be written, and says whom this process names in its
    /// entries: where a server holds the ledger, the server says who is at this end of
    /// the socket.
    #[cfg(feature = "rocks")]
    pub(super) fn writer(
        &self,
        context: &Context,
        options: Options,
    ) -> Result<(Opened, Option<Value>), CliError> {
        let signed = match self.actor {
            Who::User => RecordedAs::User,
            Who::None => RecordedAs::Nobody,
        };
        let opened = context.writer_as(options, signed)?;
        let actor = match opened.server() {
            Some(_) => None,
            None => self.actor(),
        };
        Ok((opened, actor))
    }
}

/// The ledger that an outcome is recorded in, if it is.
pub(super) struct Recording {
    ledger: Option<Opened>,
    actor: Option<Value>,
    /// Why nothing is recorded, where that was not asked for.
    unasked: Option<String>,
}

impl Recording {
    /// Opens the ledger before anything is verified: what cannot be recorded is
    /// not begun.
    pub(super) fn open(context: &Context, args: &Args) -> Result<Recording, CliError> {
        Recording::open_for(context, args, context.options())
    }

    /// The same, with these options.
    pub(super) fn open_for(
        context: &Context,
        args: &Args,
        options: Options,
    ) -> Result<Recording, CliError> {
        let mut recording = Recording {
            ledger: None,
            actor: args.actor(),
            unasked: None,
        };
        if args.no_record {
            return Ok(recording);
        }
        if context.is_read_only() && !args.record {
            recording.unasked = Some("nothing may be written".to_owned());
            return Ok(recording);
        }
        if !args.record
            && !context.is_given()
            && let Some(why) = not_meant(&context.ledger)
        {
            recording.unasked = Some(why);
            return Ok(recording);
        }
        match recording.opened(context, args, options) {
            Ok(ledger) => recording.ledger = Some(ledger),
            Err(CliError::Ledger(error))
                if !args.record && !context.is_given() && is_none(&error) =>
            {
                recording.unasked = Some(no_ledger(&context.ledger));
            }
            Err(error) => return Err(error),
        }
        Ok(recording)
    }

    #[cfg(feature = "rocks")]
    fn opened(
        &mut self,
        context: &Context,
        args: &Args,
        options: Options,
    ) -> Result<Opened, CliError> {
        let (opened, actor) = args.who.writer(context, options)?;
        self.actor = actor;
        Ok(opened)
    }

    #[cfg(not(feature = "rocks"))]
    fn opened(
        &mut self,
        context: &Context,
        _: &Args,
        options: Options,
    ) -> Result<Opened, CliError> {
        Ok(Ledger::open(&context.ledger, options)?)
    }

    #[cfg(feature = "rocks")]
    /// The server that records, if one holds the ledger.
    pub(super) fn server(&self) -> Option<&Held> {
        self.ledger.as_ref().and_then(Opened::server)
    }

    #[cfg(feature = "rocks")]
    /// The server that records only what it judges itself, if such a one holds the
    /// ledger.
    pub(super) fn judge(&self) -> Option<&Held> {
        self.server().filter(|server| !server.takes_outcomes())
    }

    #[cfg(feature = "rocks")]
    /// The ledger, if this process holds it.
    pub(super) fn own(&self) -> Option<&Ledger> {
        match &self.ledger {
            Some(Opened::Own(ledger)) => Some(ledger),
            _ => None,
        }
    }

    /// Whether the outcome is recorded.
    pub(super) const fn records(&self) -> bool {
        self.ledger.is_some()
    }

    /// What records, if anything is recorded.
    pub(super) fn recorder(&self) -> Result<Option<&Recorder>, CliError> {
        let recorder = self.ledger.as_ref().map(Opened::recorder);
        Ok(recorder.transpose()?.map(|recorder| &**recorder))
    }

    /// Who is recorded as having run the command.
    pub(super) const fn actor(&self) -> Option<&Value> {
        self.actor.as_ref()
    }

    /// The Hall of the files with what the ledger says of workers and bans. It
    /// is heeded where nothing is recorded, too.
    pub(super) fn hall(&self, context: &Context, of_files: Hall) -> Result<Hall, CliError> {
        heeding(self.ledger.as_ref(), context, of_files)
    }

    /// Says that nothing is recorded, where that was not asked for.
    pub(super) fn tell(&self, output: &mut Output) {
        if let Some(why) = &self.unasked {
            output.notice(&format!("nothing was recorded: {why}"));
        }
    }

    /// Records the outcome, and says where once it is durable. The outcome
    /// itself is printed after that, or not at all.
    pub(super) fn record(
        self,
        outcome: impl FnOnce() -> Outcome,
        output: &mut Output,
    ) -> Result<(), CliError> {
        self.tell(output);
        let Some(ledger) = self.ledger else {
            return Ok(());
        };
        let mut outcome = outcome();
        if let Some(actor) = self.actor {
            outcome = outcome.by(actor);
        }
        let recorded = ledger.record(&outcome);
        let closed = ledger.close();
        // What stopped the writer says more than that it has stopped.
        let receipt = recorded?;
        closed?;
        output.note(&format!(
            "recorded as entry {}: {}",
            receipt.seq, receipt.hash
        ));
        Ok(())
    }

    pub(super) fn close(self) -> Result<(), CliError> {
        Ok(self.ledger.map_or(Ok(()), Opened::close)?)
    }
}

/// The Hall of the files with what the ledger says of workers and bans: the one that
/// is open, or the one that is meant, if it is there.
pub(super) fn heeding(
    open: Option<&Opened>,
    context: &Context,
    of_files: Hall,
) -> Result<Hall, CliError> {
    let read = |ledger: &Ledger| WorkerIndex::read(ledger.store());
    let index = match open {
        #[cfg(feature = "rocks")]
        Some(Opened::Own(ledger)) => read(ledger)?,
        #[cfg(not(feature = "rocks"))]
        Some(ledger) => read(ledger)?,
        #[cfg(feature = "rocks")]
        Some(Opened::Held(_)) => read(&Ledger::open_read(&context.ledger, context.options())?)?,
        None if context.is_given() || not_meant(&context.ledger).is_none() => {
            match Ledger::open_read(&context.ledger, context.options()) {
                Ok(ledger) => read(&ledger)?,
                Err(error) if is_none(&error) => return Ok(of_files),
                Err(error) => return Err(error.into()),
            }
        }
        None => return Ok(of_files),
    };
    Ok(index.hall(&of_files))
}

/// Why the ledger in the usual place is not this user's to record in; none if it
/// is.
fn not_meant(ledger: &Path) -> Option<String> {
    let found = match rustix::fs::stat(ledger) {
        Ok(found) => found,
        Err(Errno::NOENT | Errno::NOTDIR) => return Some(no_ledger(ledger)),
        // Opening it says what is wrong.
        Err(_) => return None,
    };
    let here = ledger.display();
    if found.st_uid != rustix::process::geteuid().as_raw() {
        return Some(format!(
            "{here} is another user's; name it with --ledger to record in it"
        ));
    }
    match access(ledger, Access::WRITE_OK) {
        Err(Errno::ROFS) => Some(format!("{here} can only be read")),
        _ => None,
    }
}

fn no_ledger(ledger: &Path) -> String {
    format!("there is no ledger in {}", ledger.display())
}

fn is_none(error: &api::Error) -> bool {
    let api::Error::Open(OpenError::Store(store)) = error else {
        return false;
    };
    matches!(
        store,
        StoreError::Missing { .. } | StoreError::NotADirectory { .. }
    )
}
