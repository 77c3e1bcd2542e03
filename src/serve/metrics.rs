//! Figures for Prometheus.

use std::fmt;
use std::sync::Arc;

use axum::http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};

use super::sinks::SinkProgress as SinkStanding;
use crate::ledger::witnessing::Standing;
use crate::logbook::observer::Committed;
use crate::store::MemoryUse;

pub(super) struct Metrics {
    registry: Registry,
    pub(super) connections: Gauge,
    pub(super) connections_refused: Counter,
    appends: Histogram,
    commit_entries: Histogram,
    sync: Histogram,
    entries: Counter,
    requests: Family<AnsweredLabels, Counter>,
    request_time: Histogram,
    refusals: Family<RefusedLabels, Counter>,
    denials: Family<DeniedLabel, Counter>,
    queue: Gauge,
    unsealed: Gauge,
    epoch_lag: Gauge,
    free_bytes: Gauge,
    clock_behind: Gauge,
    store_memory: Family<PartLabel, Gauge>,
    sink_lag: Family<SinkLabel, Gauge>,
    sink_failures: Family<SinkLabel, Gauge>,
    witness_cosigned: Family<WitnessLabel, Gauge>,
    witness_quorum: Gauge,
    witness_entries: Gauge,
}

/// What is looked up when the figures are asked for.
pub(super) struct Looked {
    /// Requests that wait for the writer.
    pub(super) queued: u64,
    /// Entries in the open epoch.
    pub(super) unsealed: u64,
    /// Seconds since its first entry.
    pub(super) epoch_lag: i64,
    pub(super) free_bytes: u64,
    /// Seconds by which the clock is behind the last entry's time.
    pub(super) clock_behind: u64,
    pub(super) memory: MemoryUse,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnsweredLabels {
    method: String,
    route: String,
    status: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PartLabel {
    part: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WitnessLabel {
    witness: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeniedLabel {
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SinkLabel {
    sink: String,
}

impl Metrics {
    pub(super) fn new() -> Metrics {
        let seconds = || Histogram::new(exponential_buckets(0.000_25, 2.0, 16));
        let mut registry = Registry::with_prefix("sealbook");
        let r = &mut registry;
        Metrics {
            connections: kept(r, "connections", "Open connections", Gauge::default()),
            connections_refused: kept(
                r,
                "connections_refused",
                "Connections beyond the limit",
                Counter::default(),
            ),
            appends: kept(
                r,
                "append_seconds",
                "From handing entries or a request to route over to their being durable",
                seconds(),
            ),
            commit_entries: kept(
                r,
                "commit_entries",
                "Entries that shared one synced write",
                Histogram::new(exponential_buckets(1.0, 2.0, 12)),
            ),
            sync: kept(r, "sync_seconds", "One synced write", seconds()),
            entries: kept(
                r,
                "entries",
                "Entries that became durable",
                Counter::default(),
            ),
            requests: kept(r, "requests", "Answered requests", Family::default()),
            request_time: kept(
                r,
                "request_seconds",
                "From the head of a request to that of its answer",
                seconds(),
            ),
            refusals: kept(
                r,
                "refusals",
                "Requests that were not let in",
                Family::default(),
            ),
            denials: kept(r, "denials", "Routing denials by code", Family::default()),
            queue: kept(
                r,
                "queue_requests",
                "Requests that wait for the writer",
                Gauge::default(),
            ),
            unsealed: kept(
                r,
                "unsealed_entries",
                "Entries in the open epoch",
                Gauge::default(),
            ),
            epoch_lag: kept(
                r,
                "epoch_lag_seconds",
                "Age of the oldest entry that is not sealed",
                Gauge::default(),
            ),
            free_bytes: kept(
                r,
                "free_bytes",
                "Free bytes on the ledger's file system",
                Gauge::default(),
            ),
            clock_behind: kept(
                r,
                "clock_behind_seconds",
                "By how much the clock is behind the last entry's time",
                Gauge::default(),
            ),
            witness_cosigned: kept(
                r,
                "witness_cosigned",
                "Whether a witness cosigned the newest checkpoint",
                Family::default(),
            ),
            witness_quorum: kept(
                r,
                "witness_quorum",
                "Whether a quorum cosigned the newest checkpoint",
                Gauge::default(),
            ),
            witness_entries: kept(
                r,
                "witness_entries",
                "Entries of the newest checkpoint that witnesses were shown",
                Gauge::default(),
            ),
            store_memory: kept(
                r,
                "store_memory_bytes",
                "Memory of the database by what it is for",
                Family::default(),
            ),
            sink_lag: kept(
                r,
                "sink_lag_entries",
                "Entries that a sink has still to deliver",
                Family::default(),
            ),
            sink_failures: kept(
                r,
                "sink_failed_attempts",
                "Attempts of a sink that failed, since the server began",
                Family::default(),
            ),
            registry,
        }
    }

    pub(super) fn committed(&self, committed: &Committed) {
        let entries = u32::try_from(committed.entries).unwrap_or(u32::MAX);
        self.commit_entries.observe(f64::from(entries));
        self.entries.inc_by(u64::from(entries));
        self.sync.observe(committed.took.as_secs_f64());
    }

    pub(super) fn appended(&self, seconds: f64) {
        self.appends.observe(seconds);
    }

    pub(super) fn answered(&self, method: &Method, route: &str, status: u16, seconds: f64) {
        let labels = AnsweredLabels {
            // Any word may be sent as a method.
            method: match method.as_str() {
                known @ ("GET" | "POST" | "PUT" | "HEAD" | "OPTIONS") => known.to_owned(),
                _ => "other".to_owned(),
            },
            route: route.to_owned(),
            status: u32::from(status),
        };
        self.requests.get_or_create(&labels).inc();
        self.request_time.observe(seconds);
    }

    /// How the witnesses stand.
    pub(super) fn witnessed(&self, standing: &Standing) {
        for one in &standing.witnesses {
            let witness = one.name.clone();
            let figure = self
                .witness_cosigned
                .get_or_create(&WitnessLabel { witness });
            figure.set(i64::from(one.cosigned.is_some()));
        }
        self.witness_quorum.set(i64::from(standing.quorum));
        let size = i64::try_from(standing.size).unwrap_or(i64::MAX);
        self.witness_entries.set(size);
    }

    /// How far the sinks have come, of the entries before `end`.
    pub(super) fn delivered(&self, sinks: &[Arc<SinkStanding>], end: u64) {
        let gauge = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        for one in sinks {
            let label = SinkLabel {
                sink: one.name().to_owned(),
            };
            self.sink_lag.get_or_create(&label).set(gauge(one.lag(end)));
            self.sink_failures
                .get_or_create(&label)
                .set(gauge(one.failures()));
        }
    }

    pub(super) fn refused(&self, code: &'static str) {
        self.refusals.get_or_create(&RefusedLabels { code }).inc();
    }

    pub(super) fn denied(&self, code: &'static str) {
        self.denials.get_or_create(&DeniedLabel { code }).inc();
    }

    /// All figures as OpenMetrics text.
    pub(super) fn text(&self, looked: &Looked) -> Result<String, fmt::Error> {
        let gauge = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.queue.set(gauge(looked.queued));
        self.unsealed.set(gauge(looked.unsealed));
        self.epoch_lag.set(looked.epoch_lag);
        self.free_bytes.set(gauge(looked.free_bytes));
        self.clock_behind.set(gauge(looked.clock_behind));
        for (part, bytes) in [
            ("cached", looked.memory.cached),
            ("unwritten", looked.memory.unwritten),
            ("tables", looked.memory.tables),
        ] {
            let figure = self.store_memory.get_or_create(&PartLabel { part });
            figure.set(gauge(bytes));
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// A figure that the registry encodes and its owner changes.
fn kept<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, figure: M) -> M {
    registry.register(name, help, figure.clone());
    figure
}
