//! `sealbook serve`: the Hall over HTTP, until told to stop.

#[cfg(feature = "bucket")]
mod archiving;
pub(super) mod config_file;
mod logs;
mod signals;
#[cfg(feature = "client")]
mod sinks_file;
#[cfg(feature = "bucket")]
mod standby;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use listenfd::ListenFd;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::api::{Ledger, Options, PublicPlace, socket_of};
use crate::ledger::tlog::name::LogName;
use crate::logbook::Logbook;
use crate::logbook::error::LogbookError;
use crate::logbook::publish::PublishFile;
use crate::serve::socket::LocalSocket;
use crate::serve::tls::{TlsFiles, load};
use crate::serve::token_file::TokenFile;
use crate::serve::{AccessRules, Config, HallFiles, LoadError, ServeLimits, VerdictKeys};
use crate::serve::{PublicFolder, Publisher, ServeError, run as serve};
use crate::store::StoreError;

use super::Answer;
use super::context::Context;
use super::decide::RecordedContent;
use super::error::{CliError, ServerError};
use super::hall;
use super::key::parse_key;
use super::output::Output;
use super::package::hmac_key;
use super::publish;
use super::redact_rules::RedactArgs;
use super::spared::spare;
use super::trust::revocations;
use super::witnesses;
use signals::{Signals, pass_on};

/// Threads beside those of the pools: the ledger's own waits.
const SPARE_THREADS: usize = 16;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A TOML file of these flags, `port = 9000`; a flag and the environment win over it
    #[arg(long, value_name = "FILE", env = "SEALBOOK_SERVE_CONFIG")]
    config_file: Option<PathBuf>,
    /// Look at the flags and at the files that they name, and do not serve
    #[arg(long)]
    check_config: bool,
    /// The address to listen on
    #[arg(
        long,
        value_name = "IP",
        env = "HALL_API_HOST",
        default_value = "127.0.0.1"
    )]
    host: IpAddr,
    /// The port to listen on; 0 takes any that is free
    #[arg(
        long,
        value_name = "PORT",
        env = "HALL_API_PORT",
        default_value_t = 8765
    )]
    port: u16,
    /// What the Hall calls itself
    #[arg(long, value_name = "NAME", default_value = "sealbook")]
    name: String,
    #[command(flatten)]
    hall: hall::Args,
    /// A key that packages and manifests may be signed with: 64 hex digits or a PEM file (may be given several times)
    #[arg(long, value_name = "KEY")]
    trusted_key: Vec<String>,
    /// A file with a revocation that ends a log: what is sent to be verified is held against it (may be given several times)
    #[arg(long, value_name = "FILE")]
    revoked: Vec<PathBuf>,
    /// What is recorded of a routed request's content
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = RecordedContent::Whole)]
    record_request: RecordedContent,
    #[command(flatten)]
    rules: RedactArgs,
    /// Append every sealed header, and heads, to this file, for third parties to keep
    #[arg(long, value_name = "FILE")]
    publish: Option<PathBuf>,
    /// Publish the log in this folder, or the bucket of this URL, at every seal, and serve it
    /// below /log/
    #[arg(long, value_name = "PLACE")]
    publish_to: Option<PathBuf>,
    /// The log's public name, recorded the first time
    #[arg(long, value_name = "NAME", requires = "publish_to")]
    publish_name: Option<LogName>,
    /// Publish it every so many seconds too
    #[arg(long, value_name = "SECONDS", requires = "publish_to", value_parser = clap::value_parser!(u64).range(1..))]
    publish_every: Option<u64>,
    #[cfg(feature = "bucket")]
    #[command(flatten)]
    prune: super::prune::Behind,
    #[command(flatten)]
    witnesses: witnesses::Args,
    /// A TOML file of a place where entries are delivered: name, to, format and the other flags of `tail` (may be given several times)
    #[cfg(feature = "client")]
    #[arg(long, value_name = "FILE")]
    sink: Vec<PathBuf>,
    /// The file of tokens (see `sealbook token`); without it only this machine is served
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The group whose members may append, have requests routed and evidence judged through the socket
    #[arg(long, value_name = "GROUP", value_parser = super::init::group)]
    socket_group: Option<u32>,
    /// Offer the ledger to the other processes of this machine by no socket
    #[arg(long, conflicts_with = "socket_group")]
    no_socket: bool,
    /// The server's certificate chain, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Clients must show a certificate of one of these authorities, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_ca: Option<PathBuf>,
    /// Another name by which the server may be asked (may be given several times)
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// An origin whose pages may read and write, such as https://audit.example
    #[arg(long, value_name = "ORIGIN")]
    cors_origin: Vec<String>,
    /// A reverse proxy whose X-Forwarded-For is believed (may be given several times)
    #[arg(long, value_name = "IP")]
    trusted_proxy: Vec<IpAddr>,
    /// Workers' standing and the ban list want a token too
    #[arg(long, requires = "token_file")]
    registry_private: bool,
    /// Free space below which nothing is recorded, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    min_free: u64,
    /// Connections at a time
    #[arg(long, value_name = "N", default_value_t = 1_024)]
    max_connections: usize,
    /// The longest JSON body, in KiB
    #[arg(long, value_name = "KIB", default_value_t = 20 << 10)]
    max_body: u64,
    /// The longest file to verify, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 4 << 10)]
    max_upload: u64,
    /// Requests a second by one token, or by one address without one; 0 sets no limit
    #[arg(long, value_name = "N", default_value_t = 250_000)]
    rate: u32,
    #[cfg(feature = "bucket")]
    #[command(flatten)]
    standby: standby::StandbyArgs,
    /// Seconds for requests under way when told to stop
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    stop_timeout: u64,
}

pub(super) fn run(context: &Context, args: Args, output: &mut Output) -> Result<Answer, CliError> {
    logs::begin();
    let limits = args.limits();
    let runtime = runtime(&limits).map_err(ServerError::Runtime)?;
    // Before anything is written: what is wrong with files or address should
    // leave no trace in the ledger.
    args.tls()?;
    args.spare(context)?;
    args.rules.read()?;
    args.witnesses.read()?;
    #[cfg(feature = "client")]
    let sinks = sinks_file::read(context, &args.sink)?;
    if args.check_config {
        return args.check(context, output);
    }
    let _runtime = runtime.enter();
    let mut signals = Signals::listen().map_err(ServerError::Runtime)?;
    let listener = args.listener(&runtime)?;
    args.check_access()?;
    #[cfg(feature = "bucket")]
    let Some(listener) = args.stand_by((context, output), &runtime, &mut signals, listener)? else {
        return Ok(Answer::Yes);
    };
    let options = args.ledger_options(context)?;
    let ledger = Ledger::open(&context.ledger, options)?;
    let (tell, reload) = mpsc::channel(1);
    let publish = args.publisher(&ledger)?;
    let public = args.public(context, &ledger)?;
    #[cfg(feature = "client")]
    let sinks = sinks_file::open(context, &ledger, sinks)?;
    #[cfg(feature = "bucket")]
    let pruner = args.prune.read(context, args.witnesses.policy())?;
    let config = Config {
        #[cfg(feature = "client")]
        sinks,
        publish,
        public,
        reload,
        ..args.config(context, ledger)?
    };
    let hang_up = signals.hang_up;
    runtime.spawn(pass_on(hang_up, tell));
    #[cfg(feature = "bucket")]
    {
        archiving::archive_behind(&config.ledger, pruner)?;
        args.beat_behind(&config.ledger)?;
    }
    // One that stood by has said it.
    if !args.stands_by() {
        args.say_where(&listener, output)?;
    }
    let logbook = Arc::downgrade(config.ledger.logbook()?);
    let fenced = Arc::new(OnceLock::new());
    let found = Arc::clone(&fenced);
    let shutdown = async move {
        tokio::select! {
            error = until_fenced(logbook) => drop(found.set(error)),
            _ = signals.terminate.recv() => {}
            _ = signals.interrupt.recv() => {}
        }
    };
    runtime.block_on(serve(listener, shutdown, config))?;
    match fenced.get() {
        Some(error) => Err(LogbookError::Store(error.clone()).into()),
        None => Ok(Answer::Yes),
    }
}

/// How often it is looked whether another writer took the log over.
const LOOK: Duration = Duration::from_millis(250);

/// Ends when another writer took the log over: nothing is written here any more, and
/// what is read would be more and more behind.
async fn until_fenced(logbook: Weak<Logbook>) -> StoreError {
    loop {
        tokio::time::sleep(LOOK).await;
        let failure = logbook.upgrade().and_then(|logbook| logbook.failure());
        if let Some(error @ StoreError::Fenced { .. }) = failure {
            return error;
        }
    }
}

fn runtime(limits: &ServeLimits) -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(limits.reads + limits.long_works + SPARE_THREADS)
        .build()
}

impl Args {
    fn ledger_options(&self, context: &Context) -> Result<Options, CliError> {
        let options = context.options().record_request(self.record_request.into());
        Ok(options.redacting(self.rules.read()?))
    }

    /// What it writes beside the ledger is nothing that is spared.
    fn spare(&self, context: &Context) -> Result<(), CliError> {
        let named = [self.publish.as_ref(), context.socket.as_ref()];
        let mut named = named.into_iter().flatten();
        named.try_for_each(|path| spare(context, path))
    }

    /// What a server needs besides what only a writer has.
    fn config(&self, context: &Context, ledger: Ledger) -> Result<Config, CliError> {
        Ok(Config {
            socket: self.socket(context)?,
            ledger,
            access: self.access(),
            tls: self.tls()?,
            limits: self.limits(),
            hall: self.hall_files(),
            publish: None,
            public: None,
            verdict_keys: self.verdict_keys()?,
            revocations: revocations(&self.revoked)?,
            #[cfg(feature = "client")]
            sinks: Vec::new(),
            standby: None,
            reload: mpsc::channel(1).1,
        })
    }

    /// The keys that evidence is judged with; the secret is where `package` has it.
    fn verdict_keys(&self) -> Result<VerdictKeys, CliError> {
        let trusted: Result<_, _> = self.trusted_key.iter().map(|key| parse_key(key)).collect();
        Ok(VerdictKeys {
            hmac: hmac_key(),
            trusted: trusted?,
        })
    }

    /// The socket that systemd handed over, or one of our own.
    fn listener(&self, runtime: &Runtime) -> Result<TcpListener, ServerError> {
        let address = SocketAddr::new(self.host, self.port);
        let handed = ListenFd::from_env().take_tcp_listener(0);
        let listener = handed.and_then(|handed| match handed {
            Some(handed) => {
                handed.set_nonblocking(true)?;
                TcpListener::from_std(handed)
            }
            None => runtime.block_on(TcpListener::bind(address)),
        });
        listener.map_err(|source| ServerError::Listen { address, source })
    }

    /// Prints the page's address, which a terminal makes a link of: when all is open that is
    /// served, and not before.
    fn say_where(&self, listener: &TcpListener, output: &mut Output) -> Result<(), CliError> {
        let Ok(address) = listener.local_addr() else {
            return Ok(());
        };
        if output.is_json() {
            return Ok(());
        }
        let scheme = if self.tls_cert.is_some() {
            "https"
        } else {
            "http"
        };
        output.line(&format!("{scheme}://{address}/"))?;
        output.flush()
    }

    /// Reads every file that the server would.
    fn check(&self, context: &Context, output: &mut Output) -> Result<Answer, CliError> {
        self.hall.load_served()?;
        self.rules.read()?;
        self.verdict_keys()?;
        revocations(&self.revoked)?;
        self.check_access()?;
        context.reader(output)?;
        output.note("the configuration can be served with");
        Ok(Answer::Yes)
    }

    /// That there are tokens where others than this machine come in.
    fn check_access(&self) -> Result<(), ServerError> {
        if let Some(tokens) = &self.token_file {
            TokenFile::open(tokens)?;
        } else if !self.host.is_loopback() {
            let address = SocketAddr::new(self.host, self.port);
            return Err(ServerError::Serve(ServeError::NotLoopback { address }));
        }
        Ok(())
    }

    fn stands_by(&self) -> bool {
        #[cfg(feature = "bucket")]
        let stands_by = self.standby.standby;
        #[cfg(not(feature = "bucket"))]
        let stands_by = false;
        stands_by
    }

    /// The Hall's files, read whenever the server asks for them.
    fn hall_files(&self) -> HallFiles {
        let args = self.hall.clone();
        HallFiles {
            name: self.name.clone(),
            load: Box::new(move || {
                args.load_served()
                    .map_err(|error| Box::new(error) as LoadError)
            }),
        }
    }

    fn limits(&self) -> ServeLimits {
        ServeLimits {
            connections: self.max_connections,
            body_bytes: self.max_body << 10,
            upload_bytes: self.max_upload << 20,
            requests_per_second: self.rate,
            request_burst: self.rate,
            stop_time: Duration::from_secs(self.stop_timeout),
            min_free_bytes: self.min_free << 20,
            ..ServeLimits::default()
        }
    }

    /// The socket for the other processes of this machine. The ledger is held by now:
    /// what a server left there is nobody's. Where it is not named, the server does
    /// without one that cannot be had.
    fn socket(&self, context: &Context) -> Result<Option<LocalSocket>, CliError> {
        if self.no_socket {
            return Ok(None);
        }
        let group = self.socket_group;
        let usual = socket_of(&context.ledger);
        let path = context.socket.as_ref().unwrap_or(&usual);
        match LocalSocket::bind(path, group) {
            Ok(socket) => Ok(Some(socket)),
            Err(error) if context.socket.is_none() && group.is_none() => {
                let path = path.display().to_string();
                tracing::warn!(
                    %error,
                    path,
                    "no socket: while this server holds the ledger, commands of this machine \
                     cannot record; name a place for one with --socket PATH"
                );
                Ok(None)
            }
            Err(source) => Err(ServerError::Serve(ServeError::Socket {
                path: path.clone(),
                source,
            })
            .into()),
        }
    }

    /// Publishes the log in its place, under the name that is bound.
    fn public(&self, context: &Context, ledger: &Ledger) -> Result<Option<PublicFolder>, CliError> {
        let asking = self.witnesses.read()?;
        let Some(to) = &self.publish_to else {
            return match asking.text() {
                None => Ok(None),
                Some(_) => Err(CliError::usage("--witness-policy is for --publish-to")),
            };
        };
        let place = PublicPlace::named(to)?;
        let (name, is_bound) = publish::name(ledger, self.publish_name.as_ref())?;
        let mut log = publish::open(context, &place, ledger)?;
        let files = place.files(Some(&ledger.identity().genesis))?;
        if !is_bound {
            log.check(&ledger.identity(), &name)?;
        }
        ledger.bind_name(&name, asking.text())?;
        // What asks for its passphrase asks now.
        ledger.second_signer()?;
        Ok(Some(PublicFolder {
            place,
            files,
            publish: Box::new(move |ledger| asking.publish(ledger, &mut log)),
            every: self.publish_every.map(Duration::from_secs),
        }))
    }

    /// Appends to the published file, whatever is missing in it.
    fn publisher(&self, ledger: &Ledger) -> Result<Option<Publisher>, CliError> {
        let Some(path) = &self.publish else {
            return Ok(None);
        };
        let mut file = PublishFile::open(path, ledger.store(), ledger.identity())?;
        Ok(Some(Box::new(move |store, head| {
            file.publish(store, Some(head))?;
            Ok(())
        })))
    }

    fn access(&self) -> AccessRules {
        AccessRules {
            token_file: self.token_file.clone(),
            allowed_hosts: self.allow_host.clone(),
            cors_origins: self.cors_origin.clone(),
            trusted_proxies: self
                .trusted_proxy
                .iter()
                .map(IpAddr::to_canonical)
                .collect(),
            registry_private: self.registry_private,
        }
    }

    fn tls(&self) -> Result<Option<Arc<rustls::ServerConfig>>, CliError> {
        let (Some(certificates), Some(key)) = (&self.tls_cert, &self.tls_key) else {
            return Ok(None);
        };
        let files = TlsFiles {
            certificates: certificates.clone(),
            key: key.clone(),
            client_roots: self.client_ca.clone(),
        };
        Ok(Some(load(&files).map_err(ServerError::from)?))
    }
}
