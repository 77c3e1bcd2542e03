//! Progress with rate and time left, on anything longer than a second, only
//! on a terminal.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::api::{ProgressStep, Unit};

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

    pub(super) fn reached(&mut self, reached: ProgressStep) {
        let (total, unit) = match reached.unit {
            Unit::Bytes => (reached.total, "bytes"),
            Unit::Entries => (reached.total, "entries"),
        };
        if (self.total, self.unit) != (total, unit) {
            // What is verified next is measured again.
            self.finish();
            (self.total, self.unit, self.started) = (total, unit, Instant::now());
        }
        self.at(reached.done);
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
