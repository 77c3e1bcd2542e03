//! Work that blocks, on threads of its own and no more of them than are given.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::config::ServeLimits;
use super::problem::Problem;
use super::rate::Payer;

/// How long work waits for a thread before the server is called busy.
const WAIT: Duration = Duration::from_secs(2);

/// Memory of answers is counted by it, in bytes.
const UNIT: usize = 64 << 10;

/// How far long work steps back, of 19.
const NICENESS: i32 = 10;

/// Payers whose shares are kept, before those are forgotten that have no place.
const PAYERS: usize = 1_024;

tokio::task_local! {
    /// Who asks, while a request is answered: who asks for much waits for his own, and
    /// nobody else does.
    pub(super) static PAYER: Payer;
}

/// Reads of one payer at a time: enough to have every core busy and to wait for the disk.
fn share_of_reads() -> usize {
    let cores = std::thread::available_parallelism();
    cores.map_or(1, |cores| 2 * cores.get()).max(4)
}

pub(super) struct Pools {
    /// Reads, routing: milliseconds.
    reads: SharedPlaces,
    long_works: SharedPlaces,
    /// Live tails, which wait and do not work.
    tails: SharedPlaces,
    /// Memory of answers that their clients have not read yet, in units.
    answers: SharedPlaces,
    judges: BackgroundThreads,
}

/// Places of which no one payer gets all.
struct SharedPlaces {
    places: Arc<Semaphore>,
    shares: Mutex<HashMap<Payer, Arc<Semaphore>>>,
    most: usize,
}

/// A place, given back when it is dropped.
pub(super) struct PlacePermit {
    _share: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

impl SharedPlaces {
    fn new(places: usize, most: usize) -> SharedPlaces {
        SharedPlaces {
            places: Arc::new(Semaphore::new(places)),
            shares: Mutex::default(),
            most: most.max(1),
        }
    }

    async fn wait(&self, payer: &Payer) -> Result<PlacePermit, Problem> {
        self.wait_for(payer, 1).await
    }

    /// Several places at once, of which no more are needed than one payer may have.
    async fn wait_for(&self, payer: &Payer, places: usize) -> Result<PlacePermit, Problem> {
        let places = u32::try_from(places.min(self.most)).unwrap_or(u32::MAX);
        Ok(PlacePermit {
            _share: take(&self.share(payer), places).await?,
            _place: take(&self.places, places).await?,
        })
    }

    /// What one payer may take of the places.
    fn share(&self, payer: &Payer) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if shares.len() >= PAYERS {
            // A place holds its share too.
            shares.retain(|_, share| Arc::strong_count(share) > 1);
        }
        let share = shares.entry(payer.clone());
        Arc::clone(share.or_insert_with(|| Arc::new(Semaphore::new(self.most))))
    }
}

impl Pools {
    pub(super) fn new(limits: &ServeLimits) -> Pools {
        Pools {
            reads: SharedPlaces::new(limits.reads, share_of_reads()),
            long_works: SharedPlaces::new(limits.long_works, limits.long_works / 2),
            tails: SharedPlaces::new(limits.tails, limits.tails / 4),
            answers: SharedPlaces::new(
                limits.answers_bytes / UNIT,
                limits.answers_bytes / UNIT / 4,
            ),
            judges: BackgroundThreads::new(limits.long_works),
        }
    }

    /// Reads, on a thread that may block.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let payer = PAYER.try_with(Payer::clone).unwrap_or(Payer::Nobody);
        let place = self.reads.wait(&payer).await?;
        // The place is given back when the thread is free, not when nobody
        // waits for it any more.
        let work = move || {
            let answer = work();
            drop(place);
            answer
        };
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or(Err(Problem::Abandoned))
    }

    /// Memory for an answer of so many bytes, until its client has read it.
    pub(super) async fn keep(&self, payer: &Payer, bytes: u64) -> Result<PlacePermit, Problem> {
        let units = usize::try_from(bytes).unwrap_or(usize::MAX).div_ceil(UNIT);
        self.answers.wait_for(payer, units).await
    }

    /// Runs long work after everybody else's: it takes minutes, and what others ask takes
    /// milliseconds.
    pub(super) fn behind<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        self.judges.run(work)
    }

    pub(super) async fn long_work(&self, payer: &Payer) -> Result<PlacePermit, Problem> {
        self.long_works.wait(payer).await
    }

    pub(super) fn tail(&self, payer: &Payer) -> Result<PlacePermit, Problem> {
        let taken = |of: Arc<Semaphore>| of.try_acquire_owned().map_err(|_| Problem::Busy);
        Ok(PlacePermit {
            _share: taken(self.tails.share(payer))?,
            _place: taken(Arc::clone(&self.tails.places))?,
        })
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// Threads that step back, as many as there are places for long work. They stay: what the
/// allocator keeps for a thread would be left behind by each that ends.
struct BackgroundThreads(mpsc::Sender<Job>);

impl BackgroundThreads {
    fn new(count: usize) -> BackgroundThreads {
        let (sender, jobs) = mpsc::channel::<Job>();
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..count {
            let jobs = Arc::clone(&jobs);
            std::thread::spawn(move || {
                // Of this thread alone. Where it is not allowed, it works as others do.
                let _ = rustix::process::setpriority_process(None, NICENESS);
                // They end with the pools.
                while let Ok(job) = {
                    let jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
                    jobs.recv()
                } {
                    // Its caller sees that no answer comes.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                }
            });
        }
        BackgroundThreads(sender)
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (sender, done) = oneshot::channel();
        let job = move || {
            // Nobody may wait for it any more.
            let _ = sender.send(work());
        };
        // Without threads nothing is sent, which the caller sees.
        let _ = self.0.send(Box::new(job));
        done
    }
}

async fn take(pool: &Arc<Semaphore>, places: u32) -> Result<OwnedSemaphorePermit, Problem> {
    let taken = Arc::clone(pool).acquire_many_owned(places);
    match tokio::time::timeout(WAIT, taken).await {
        Ok(Ok(place)) => Ok(place),
        _ => Err(Problem::Busy),
    }
}
