//! What is read ahead, without the interpreter's lock.

use std::collections::VecDeque;
use std::sync::Mutex;

use pyo3::prelude::*;

use crate::errors::{Failure, detached, poisoned};

/// Things that are read at once, at most.
const AHEAD: usize = 4_096;

/// Things that are read, each or why it cannot be.
pub(crate) type Rows<T> = Box<dyn Iterator<Item = Result<T, Failure>> + Send>;

/// Reads ahead, and gives one after the other.
pub(crate) struct Ahead<T>(Mutex<State<T>>);

struct State<T> {
    /// None once they were taken.
    rows: Option<Rows<T>>,
    ready: VecDeque<T>,
    failed: Option<Failure>,
}

impl<T: Send + 'static> Ahead<T> {
    pub(crate) fn new(rows: Rows<T>) -> Ahead<T> {
        Ahead(Mutex::new(State {
            rows: Some(rows),
            ready: VecDeque::new(),
            failed: None,
        }))
    }

    /// The next. What was read before an error is given before it is raised.
    pub(crate) fn next(&self, py: Python<'_>) -> PyResult<Option<T>> {
        if let Some(ready) = self.0.lock().map_err(|_| poisoned())?.ready.pop_front() {
            return Ok(Some(ready));
        }
        detached(py, || {
            let mut state = self
                .0
                .lock()
                .map_err(|_| Failure::new("internal", "another thread failed"))?;
            if state.ready.is_empty() {
                state.read_on();
            }
            match (state.ready.pop_front(), state.failed.take()) {
                (None, Some(failure)) => Err(failure),
                (ready, failed) => {
                    state.failed = failed;
                    Ok(ready)
                }
            }
        })
    }

    /// All that were not given yet; none if they were taken before.
    pub(crate) fn take(&self) -> PyResult<Option<Rows<T>>> {
        let mut state = self.0.lock().map_err(|_| poisoned())?;
        let Some(rows) = state.rows.take() else {
            return Ok(None);
        };
        let ready = std::mem::take(&mut state.ready).into_iter().map(Ok);
        let failed = state.failed.take().map(Err);
        Ok(Some(Box::new(ready.chain(failed).chain(rows))))
    }
}

impl<T: 'static> State<T> {
    fn read_on(&mut self) {
        let Some(rows) = self.rows.as_mut().filter(|_| self.failed.is_none()) else {
            return;
        };
        for row in rows.take(AHEAD) {
            match row {
                Ok(row) => self.ready.push_back(row),
                Err(failure) => {
                    self.failed = Some(failure);
                    // What comes after an error could be anything's.
                    self.rows = Some(Box::new(std::iter::empty()));
                    return;
                }
            }
        }
    }
}
