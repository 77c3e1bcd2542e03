//! The sinks of a server: each in a thread of its own, which reads the ledger and holds
//! back nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::Serialize;
use utoipa::ToSchema;

/// How far one sink has come.
pub(super) struct SinkProgress {
    name: String,
    next: AtomicU64,
    failures: AtomicU64,
    failing: AtomicBool,
}

/// How far one sink has come, as `/health` says it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SinkState {
    name: String,
    /// Entries that it has still to look at.
    lag: u64,
    /// Whether the last attempt failed.
    failing: bool,
}

/// All of them, in the order in which they were named.
pub(super) type Standings = Vec<Arc<SinkProgress>>;

impl SinkProgress {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Entries before `end` that it has still to look at.
    pub(super) fn lag(&self, end: u64) -> u64 {
        end.saturating_sub(self.next.load(Ordering::Relaxed))
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    pub(super) fn state(&self, end: u64) -> SinkState {
        SinkState {
            name: self.name.clone(),
            lag: self.lag(end),
            failing: self.failing.load(Ordering::Relaxed),
        }
    }
}

#[cfg(feature = "client")]
pub(super) use running::{standings, start};

#[cfg(feature = "client")]
mod running {
    use std::io;
    use std::thread::{self, JoinHandle};
    use std::time::Duration;

    use tokio::runtime::Handle;
    use tokio::sync::watch;

    use super::{Arc, AtomicBool, AtomicU64, Ordering, SinkProgress, Standings};
    use crate::ledger::position::Seq;
    use crate::serve::service::{Service, told};
    use crate::sinks::{Backoff, Sink};
    use crate::store::Store;

    /// The threads.
    pub(in crate::serve) struct Running {
        threads: Vec<JoinHandle<()>>,
    }

    pub(in crate::serve) fn standings(sinks: &[Sink]) -> Standings {
        let standing = |sink: &Sink| SinkProgress {
            name: sink.name().to_owned(),
            next: AtomicU64::new(sink.next().0),
            failures: AtomicU64::new(0),
            failing: AtomicBool::new(false),
        };
        sinks.iter().map(|sink| Arc::new(standing(sink))).collect()
    }

    /// Starts them. They end when the server is told to stop.
    pub(in crate::serve) fn start(service: &Service, sinks: Vec<Sink>) -> io::Result<Running> {
        let mut threads = Vec::new();
        for (sink, standing) in sinks.into_iter().zip(&service.sinks) {
            let delivery = Delivery {
                sink,
                standing: Arc::clone(standing),
                store: service.store(),
                grown: service.grown(),
                stopping: service.stopping(),
                handle: Handle::current(),
            };
            let thread = thread::Builder::new().name(format!("sink {}", standing.name));
            threads.push(thread.spawn(move || delivery.run())?);
        }
        Ok(Running { threads })
    }

    impl Running {
        /// Waits for the batches that are under way, but not for ever: what was not
        /// written down is delivered again by the next server.
        pub(in crate::serve) async fn end(self, timeout: Duration) {
            let joined = tokio::task::spawn_blocking(move || {
                self.threads
                    .into_iter()
                    .for_each(|thread| drop(thread.join()));
            });
            if tokio::time::timeout(timeout, joined).await.is_err() {
                tracing::warn!(
                    "a sink is still waiting for its receiver: its last batch comes again"
                );
            }
        }
    }

    struct Delivery {
        sink: Sink,
        standing: Arc<SinkProgress>,
        store: Arc<dyn Store>,
        grown: watch::Receiver<Seq>,
        stopping: watch::Receiver<bool>,
        handle: Handle,
    }

    impl Delivery {
        fn run(mut self) {
            let mut backoff = Backoff::default();
            let sink = self.standing.name.clone();
            while !*self.stopping.borrow() {
                // Of durable entries only.
                let end = self.grown.borrow_and_update().0 + 1;
                match self.sink.forward(&*self.store, end) {
                    Ok(done) => {
                        if backoff.failures() > 0 {
                            tracing::info!(sink, "delivers again");
                        }
                        backoff.reset();
                        self.standing.failing.store(false, Ordering::Relaxed);
                        self.standing
                            .next
                            .store(self.sink.next().0, Ordering::Relaxed);
                        if done.all {
                            self.wait(None);
                        }
                    }
                    Err(error) => {
                        self.standing.failing.store(true, Ordering::Relaxed);
                        self.standing.failures.fetch_add(1, Ordering::Relaxed);
                        if !error.passes() {
                            tracing::error!(sink, %error, "delivers nothing any more");
                            return;
                        }
                        let wait = backoff.after(&error);
                        tracing::warn!(sink, %error, seconds = wait.as_secs_f64(), "not delivered; tried again");
                        self.wait(Some(wait));
                    }
                }
            }
        }

        /// Waits for entries, or so long, or for the end.
        fn wait(&mut self, time: Option<Duration>) {
            let Delivery {
                grown,
                stopping,
                handle,
                ..
            } = self;
            handle.block_on(async {
                tokio::select! {
                    () = told(stopping) => {}
                    () = async { match time {
                        Some(time) => tokio::time::sleep(time).await,
                        // What sends is as long as the server.
                        None => drop(grown.changed().await),
                    }} => {}
                }
            });
        }
    }
}
