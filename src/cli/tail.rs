//! `sealbook tail`: entries, and those to come, delivered to another system.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::api::Ledger;
use crate::ledger::position::Seq;
use crate::sinks::{Backoff, Settings, Sink, SinkAddress, SinkError, SinkFormat, position_of};
use crate::store::query::Filter;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::spared::spare_others;

/// How often a ledger is looked at for what is new.
const POLL: Duration = Duration::from_millis(200);

/// Attempts of one that is to end.
const ATTEMPTS: u32 = 5;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A file, syslog:SOCKET, syslog+udp://HOST:PORT, syslog+tcp://…, syslog+tls://…, or
    /// an http or https URL [default: standard output]
    #[arg(long, value_name = "PLACE")]
    to: Option<SinkAddress>,
    /// In which form: jsonl, ocsf or cef
    #[arg(long, value_name = "FORMAT", default_value_t)]
    format: SinkFormat,
    /// By what name the position is kept, beside the ledger
    #[arg(long, value_name = "NAME", default_value = "tail")]
    name: String,
    /// End when all is delivered that is there
    #[arg(long)]
    once: bool,
    /// Of this kind (may be given several times)
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// Of this tenant
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Denied; with =false, not denied
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    denied: Option<bool>,
    /// From this sequence number on, where the position is not behind it already
    #[arg(long, value_name = "SEQ")]
    from_seq: Option<u64>,
    /// Up to this sequence number; then it ends
    #[arg(long, value_name = "SEQ")]
    until_seq: Option<u64>,
    /// A file with the secret that a webhook's receiver shares, whsec_…
    #[arg(long, value_name = "FILE", requires = "to")]
    secret_file: Option<PathBuf>,
    /// A file with headers for a webhook, `Name: value` a line
    #[arg(long, value_name = "FILE", requires = "to")]
    header_file: Option<PathBuf>,
    /// The authorities that a receiver's certificate leads to, PEM
    #[arg(long, value_name = "FILE", requires = "to")]
    ca_file: Option<PathBuf>,
    /// The certificate chain that is shown to a receiver, PEM
    #[arg(long, value_name = "FILE", requires = "key_file")]
    cert_file: Option<PathBuf>,
    /// Its key, PEM
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    key_file: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: Args, output: &mut Output) -> Result<Answer, CliError> {
    let mut reader = Ledger::follow(&context.ledger, context.options())?;
    let mut sink = args.open(context, &reader)?;
    let mut backoff = Backoff::default();
    loop {
        let count = reader.store().count()?;
        match sink.forward(reader.store(), count) {
            Ok(done) => {
                backoff.reset();
                let reached = args.until_seq.is_some_and(|until| until < sink.next().0);
                if done.all && (args.once || reached) {
                    return Ok(Answer::Yes);
                }
                if done.all {
                    thread::sleep(POLL);
                    reader.catch_up()?;
                }
            }
            Err(error) if error.passes() && !(args.once && backoff.failures() >= ATTEMPTS) => {
                if backoff.failures() == 0 {
                    output.warning(&format!("{error}: it is tried again"));
                }
                thread::sleep(backoff.after(&error));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

impl Args {
    fn open(&self, context: &Context, reader: &Ledger) -> Result<Sink, CliError> {
        let (identity, store) = (reader.identity(), reader.store());
        let filter = Filter {
            kinds: self.kind.clone(),
            tenant: self.tenant.clone(),
            denied: self.denied,
            from_seq: self.from_seq.map(Seq),
            until_seq: self.until_seq.map(Seq),
            ..Filter::default()
        };
        let Some(to) = &self.to else {
            let out = Box::new(std::io::stdout());
            return Ok(Sink::to_output(out, self.format, filter, identity));
        };
        spare_sink(context, to)?;
        let settings = Settings {
            format: self.format,
            filter,
            secret_file: self.secret_file.clone(),
            header_file: self.header_file.clone(),
            ca_file: self.ca_file.clone(),
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            ..Settings::new(self.name.clone(), to.clone())
        };
        let position = position_of(&context.ledger, &self.name);
        Ok(Sink::open(settings, Some(&position), identity, store)?)
    }
}

/// A file of deliveries grows, and no other file does by them.
pub(super) fn spare_sink(context: &Context, to: &SinkAddress) -> Result<(), CliError> {
    match to {
        SinkAddress::File(path) => {
            let own = (
                "a file of deliveries",
                SinkFormat::is_of_events as fn(&[u8]) -> bool,
            );
            spare_others(context, path, own)
        }
        _ => Ok(()),
    }
}

impl From<SinkError> for CliError {
    fn from(error: SinkError) -> CliError {
        match error {
            SinkError::Output(error) => CliError::Output(error),
            SinkError::Query(error) => error.into(),
            SinkError::Store(error) => error.into(),
            SinkError::Entry(error) => error.into(),
            other => CliError::Sink(other),
        }
    }
}
