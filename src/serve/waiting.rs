//! Connections that wait, and make room for others when there are too many.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// How long a connection has waited, at least, before it makes room: one that was
/// just accepted, or answered, may have its next request under way.
const SETTLED: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(super) struct ParkedConnections(Mutex<Vec<Weak<ParkedConnection>>>);

pub(super) struct ParkedConnection {
    /// None of a proxy that is trusted: it stands for many.
    address: Option<IpAddr>,
    /// Whether a request is being answered, or an answer streamed.
    busy: AtomicBool,
    since: Mutex<Instant>,
    leave: Notify,
}

impl ParkedConnections {
    pub(super) fn enter(&self, address: Option<IpAddr>) -> Arc<ParkedConnection> {
        let connection = Arc::new(ParkedConnection {
            address,
            busy: AtomicBool::new(false),
            since: Mutex::new(Instant::now()),
            leave: Notify::new(),
        });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == all.capacity() {
            all.retain(|other| other.strong_count() > 0);
        }
        all.push(Arc::downgrade(&connection));
        connection
    }

    /// Has one leave that waits: of the address with the most connections, the one
    /// that has waited longest. False if all are at work.
    pub(super) fn make_room(&self) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open: Vec<Arc<ParkedConnection>> = all.iter().filter_map(Weak::upgrade).collect();
        let mut counts: HashMap<IpAddr, usize> = HashMap::new();
        for address in open.iter().filter_map(|connection| connection.address) {
            *counts.entry(address).or_default() += 1;
        }
        let weight = |connection: &ParkedConnection| {
            let address = connection.address.as_ref();
            address
                .and_then(|address| counts.get(address))
                .copied()
                .unwrap_or(0)
        };
        let waiting = open
            .iter()
            .filter_map(|connection| Some((weight(connection), connection.waited()?, connection)));
        let longest = waiting.max_by_key(|(weight, waited, _)| (*weight, *waited));
        longest.is_some_and(|(_, _, connection)| {
            connection.busy.store(true, Ordering::Relaxed);
            connection.leave.notify_one();
            true
        })
    }
}

impl ParkedConnection {
    pub(super) fn works(&self) {
        self.busy.store(true, Ordering::Relaxed);
    }

    pub(super) fn waits(&self) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.busy.store(false, Ordering::Relaxed);
    }

    /// Ready when it has to make room.
    pub(super) async fn told_to_leave(&self) {
        self.leave.notified().await;
    }

    fn waited(&self) -> Option<Duration> {
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = since.elapsed();
        (!self.busy.load(Ordering::Relaxed) && waited >= SETTLED).then_some(waited)
    }
}
