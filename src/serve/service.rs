//! What every request shares.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::{mpsc, watch};

use super::access::AccessControl;
use super::blocking::Pools;
use super::body::Bodies;
use super::config::{Config, Publisher, ServeLimits, StandingBy, VerdictKeys};
use super::disk::FreeSpace;
use super::error::ServeError;
use super::hall::live::LiveHall;
use super::idempotency::RequestsUnderWay;
use super::intake::Intake;
use super::metrics::Metrics;
use super::problem::Problem;
use super::public_log::PublicLog;
use super::rate::Rates;
use super::scope::Scope;
use super::sinks::Standings;
use super::token_file::{KeptToken, TokenFile, TokenFileError};
use crate::api::Ledger;
use crate::evidence::Prover;
use crate::ledger::key::Signer;
use crate::ledger::position::Seq;
use crate::ledger::revocation::SignedRevocation;
use crate::logbook::clock::Clock;
use crate::logbook::error::LogbookError;
use crate::logbook::{Identity, Logbook};
use crate::record::Recorder;
use crate::store::Store;
use crate::wcp::stamp::DecisionId;

pub(super) struct Service {
    pub(super) ledger: Ledger,
    pub(super) logbook: Arc<Logbook>,
    pub(super) recorder: Arc<Recorder>,
    pub(super) identity: Identity,
    pub(super) signer: Arc<dyn Signer>,
    pub(super) prover: Prover,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) access: AccessControl,
    pub(super) limits: ServeLimits,
    pub(super) pools: Pools,
    pub(super) bodies: Bodies,
    pub(super) rates: Rates,
    pub(super) metrics: Arc<Metrics>,
    pub(super) space: Arc<FreeSpace>,
    pub(super) under_way: RequestsUnderWay,
    pub(super) intake: Arc<Intake>,
    pub(super) hall: LiveHall,
    pub(super) verdict_keys: VerdictKeys,
    pub(super) revocations: Vec<SignedRevocation>,
    pub(super) standby: Option<StandingBy>,
    publish: Option<Mutex<Publisher>>,
    /// Held by who erases.
    erasing: Mutex<()>,
    pub(super) public: Option<PublicLog>,
    /// How far the sinks have come.
    pub(super) sinks: Standings,
    token_path: Option<PathBuf>,
    tokens: RwLock<Option<Arc<TokenFile>>>,
    /// Told when the tokens were read again.
    renewed: watch::Sender<()>,
    /// The last durable entry, for those who follow the log.
    grown: watch::Sender<Seq>,
    stopping: watch::Sender<bool>,
}

impl Service {
    /// Keeps others from erasing meanwhile.
    pub(super) fn erasing(&self) -> MutexGuard<'_, ()> {
        self.erasing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes everything ready, and records with what the Hall begins if
    /// its last record says otherwise.
    pub(super) async fn open(
        config: Config,
        address: SocketAddr,
        sinks: Standings,
    ) -> Result<(Arc<Service>, mpsc::Receiver<()>), ServeError> {
        let access = AccessControl::new(&config.access, address, config.tls.is_some())?;
        let tokens = read_tokens(config.access.token_file.as_ref())?;
        let metrics = Arc::new(Metrics::new());
        let ledger = config.ledger;
        let logbook = Arc::clone(ledger.logbook()?);
        let recorder = Arc::clone(ledger.recorder()?);
        let folder = ledger.dir().unwrap_or(Path::new(".")).to_owned();
        let (grown, _) = watch::channel(logbook.durable().seq);
        let (stopping, _) = watch::channel(false);
        let (told, counted) = (grown.clone(), Arc::clone(&metrics));
        logbook.observe(Box::new(move |committed| {
            counted.committed(committed);
            told.send_replace(committed.last);
        }));
        let hall = {
            let (recorder, store) = (Arc::clone(&recorder), Arc::clone(logbook.store()));
            let records = config.standby.is_none().then_some(recorder);
            let open = move || LiveHall::open(config.hall, records.as_deref(), &*store);
            tokio::task::spawn_blocking(open)
                .await
                .map_err(|_| ServeError::Abandoned)??
        };
        let service = Service {
            identity: ledger.identity(),
            intake: Intake::new(Arc::clone(&logbook)),
            logbook,
            recorder,
            signer: ledger.signer()?,
            prover: Prover::default(),
            clock: ledger.clock(),
            access,
            pools: Pools::new(&config.limits),
            bodies: Bodies::new(&config.limits),
            rates: Rates::new(&config.limits),
            space: Arc::new(FreeSpace::new(folder, config.limits.min_free_bytes)),
            limits: config.limits,
            metrics,
            under_way: RequestsUnderWay::default(),
            hall,
            verdict_keys: config.verdict_keys,
            revocations: config.revocations,
            standby: config.standby,
            erasing: Mutex::default(),
            publish: config.publish.map(Mutex::new),
            public: config.public.map(PublicLog::new),
            sinks,
            token_path: config.access.token_file,
            tokens: RwLock::new(tokens.map(Arc::new)),
            renewed: watch::channel(()).0,
            grown,
            stopping,
            ledger,
        };
        service.space.look();
        Ok((Arc::new(service), config.reload))
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(self.logbook.store())
    }

    /// Whole seconds by which the clock is behind the last entry's time.
    pub(super) fn clock_behind(&self) -> u64 {
        let ahead = self.logbook.durable().ts.micros_since(self.clock.wall());
        u64::try_from(ahead / 1_000_000).unwrap_or(0)
    }

    /// Random bytes.
    pub(super) fn random<const N: usize>(&self) -> Result<[u8; N], Problem> {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes).map_err(|_| Problem::Randomness)?;
        Ok(bytes)
    }

    /// A name that nothing else has.
    pub(super) fn new_id(&self) -> Result<String, Problem> {
        Ok(DecisionId::from_random(self.random()?).to_string())
    }

    /// The tokens, if there is a file of them.
    pub(super) fn tokens(&self) -> Option<Arc<TokenFile>> {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        tokens.clone()
    }

    pub(super) fn has_tokens(&self) -> bool {
        self.token_path.is_some()
    }

    /// Ready when a token is no longer among those that may read: it was taken out
    /// of the file, lost the scope, or expired. Without a token never.
    pub(super) async fn until_refused(&self, token: Option<&str>) {
        let Some(id) = token else {
            return std::future::pending().await;
        };
        let mut renewed = self.renewed.subscribe();
        loop {
            let now = self.clock.wall();
            let tokens = self.tokens();
            let mut kept = tokens.iter().flat_map(|tokens| tokens.tokens());
            let reads = |kept: &&KeptToken| {
                kept.id == id && !kept.is_expired(now) && kept.scopes.contains(&Scope::Read)
            };
            if kept.find(reads).is_none() {
                return;
            }
            let _ = tokio::time::timeout(self.limits.tick, renewed.changed()).await;
        }
    }

    /// Says when entries became durable.
    pub(super) fn grown(&self) -> watch::Receiver<Seq> {
        self.grown.subscribe()
    }

    /// Says when the server is told to stop.
    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Refuses what would record, where nothing is recorded any more.
    pub(super) fn check_recording(&self) -> Result<(), Problem> {
        if *self.stopping.borrow() {
            return Err(Problem::Stopping);
        }
        if self.logbook.is_following() {
            return Err(LogbookError::StandingBy.into());
        }
        self.space.check()
    }

    pub(super) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits for what is under way, and closes the ledger.
    pub(super) fn close(&self) -> Result<(), LogbookError> {
        self.publish();
        self.logbook.finish()
    }

    /// Makes public what is not yet. What fails is tried again the next time.
    pub(super) fn publish(&self) {
        if self.logbook.is_following() {
            return;
        }
        match self.public.is_some() {
            true => self.publish_log(),
            false => self.cosign_head(),
        }
        let Some(publisher) = &self.publish else {
            return;
        };
        let mut publish = publisher.lock().unwrap_or_else(PoisonError::into_inner);
        let published = match self.logbook.head() {
            Ok(head) => publish(&**self.logbook.store(), &head),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = published {
            tracing::error!(%error, "not published");
        }
    }

    /// Publishes the log, where that is asked for. What fails is tried again the next time.
    pub(super) fn publish_log(&self) {
        if let Some(public) = &self.public
            && let Err(error) = public.publish(&self.ledger, &self.metrics)
        {
            tracing::error!(%error, "the public log was not published");
        }
    }

    /// Without a public log the second key signs what is sealed all the same.
    fn cosign_head(&self) {
        if let Err(error) = self.ledger.cosign_head() {
            tracing::error!(%error, "the second key signed no checkpoint");
        }
    }

    /// Reads tokens and the Hall's files again. What cannot be read leaves
    /// everything as it was.
    fn reload(&self) -> Result<(), ServeError> {
        let tokens = read_tokens(self.token_path.as_ref())?;
        self.hall.reload(&self.recorder)?;
        *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = tokens.map(Arc::new);
        self.renewed.send_replace(());
        Ok(())
    }
}

/// Ready when the server is told to stop.
pub(super) async fn told(stopping: &mut watch::Receiver<bool>) {
    // A server that is gone has stopped.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// Reads everything again whenever something is received.
pub(super) async fn reload_when_told(service: Arc<Service>, mut told: mpsc::Receiver<()>) {
    while told.recv().await.is_some() {
        let here = Arc::clone(&service);
        match tokio::task::spawn_blocking(move || here.reload()).await {
            Ok(Ok(())) => tracing::info!("reloaded"),
            Ok(Err(error)) => tracing::error!(%error, "not reloaded: everything stays as it was"),
            Err(_) => tracing::error!("not reloaded"),
        }
    }
}

fn read_tokens(path: Option<&PathBuf>) -> Result<Option<TokenFile>, TokenFileError> {
    path.map(|path| TokenFile::open(path)).transpose()
}
