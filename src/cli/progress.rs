//! Progress with rate and time left, on anything longer than a second, only
//! on a terminal.

use std::io::{self, IsTerminal, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that appears after a second.
pub(super) struct Progress {
    started: Instant,
    total: Option<u64>,
    unit: &'static str,
    bar: Option<ProgressBar>,
    wanted: bool,
}

impl Progress {
    pub(super) fn new(total: Option<u64>, unit: &'static str) -> Progress {
        Progress {
            started: Instant::now(),
            total,
            unit,
            bar: None,
            wanted: io::stderr().is_terminal(),
        }
    }

    pub(super) fn at(&mut self, done: u64) {
        if !self.wanted || self.started.elapsed() < Duration::from_secs(1) {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| bar(self.total, self.unit));
        bar.set_position(done);
    }

    pub(super) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// A reader that counts what was read of it, so that progress through a file
/// has an end to be measured against.
pub(super) struct Counting<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R> Counting<R> {
    pub(super) fn new(inner: R) -> (Counting<R>, Arc<AtomicU64>) {
        let read = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&read);
        (Counting { inner, read }, counted)
    }
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

fn bar(total: Option<u64>, unit: &str) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            format!("{{bar:30}} {{percent}} % of {{len}} {unit}  {{per_sec}}  {{eta}} left"),
        ),
        None => (
            ProgressBar::no_length(),
            format!("{{spinner}} {{pos}} {unit}  {{per_sec}}  {{elapsed}}"),
        ),
    };
    match ProgressStyle::with_template(&template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
