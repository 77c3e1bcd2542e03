//! The mark that the committer moves: behind what is durable, and no more than a second.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::ledger::head::Head;
use crate::ledger::position::Seq;
use crate::ledger::statement::Statement;
use crate::ledger::time::Timestamp;

use super::super::error::LogbookError;
use super::super::mark::{Mark, MarkFile};
use super::{Committer, MARK_EVERY};

pub(super) struct Marking {
    pub(super) file: MarkFile,
    /// `None` until the first commit of a ledger whose rollback is being
    /// accepted: there the entry that says so must be durable first.
    pub(super) stated: Option<Stated>,
}

pub(super) struct Stated {
    pub(super) seq: Seq,
    pub(super) ts: Timestamp,
    pub(super) at: Duration,
}

impl Committer {
    /// Before a commit the mark must not be older than a second, measured
    /// against the entries that are to be committed.
    pub(super) fn refresh_mark(&mut self, ts: Timestamp) -> Result<(), LogbookError> {
        let limit = i64::try_from(MARK_EVERY.as_micros()).unwrap_or(i64::MAX);
        let old = |stated: &Stated| ts.micros_since(stated.ts) > limit;
        if self.mark.stated.as_ref().is_some_and(old) {
            self.state_mark_first(ts)?;
        }
        Ok(())
    }

    /// States the mark before something is written. Where there is no room for it,
    /// or no signature, nothing was written, and it is tried again with the next.
    pub(super) fn state_mark_first(&mut self, ts: Timestamp) -> Result<(), LogbookError> {
        self.state_mark(ts).inspect_err(|error| {
            if !self.failed {
                self.not_written = Some(error.clone());
            }
        })
    }

    /// Moves the mark up to what is durable, stated at `ts` or at the last
    /// entry's time if that is later. Where it is not signed, the old one is still there.
    pub(super) fn state_mark(&mut self, ts: Timestamp) -> Result<(), LogbookError> {
        let ts = ts.max(self.last.ts);
        let head = Head {
            ts,
            ..self.last.clone()
        };
        let signed = Statement::sign(head, &*self.signer)?;
        let mark = Mark {
            head: signed,
            sealed: self.last_epoch.clone(),
        };
        self.mark.file.write(&mark).map_err(|error| {
            // Without room the old one is still there.
            if error.kind() != io::ErrorKind::StorageFull {
                self.fail();
            }
            LogbookError::Mark(Arc::new(error))
        })?;
        self.mark.stated = Some(Stated {
            seq: self.last.seq,
            ts,
            at: self.clock.monotonic(),
        });
        Ok(())
    }

    /// The same, where no caller waits for the answer.
    pub(super) fn move_mark_up(&mut self) {
        let stated = self.state_mark(self.last.ts);
        match (stated, &mut self.mark.stated) {
            // There was no room, or no signature: it is tried again in a while.
            (Err(_), Some(stated)) if !self.failed => stated.at = self.clock.monotonic(),
            (stated, _) => self.untold = stated.err(),
        }
    }

    pub(super) fn mark_is_behind(&self) -> bool {
        let stated = self.mark.stated.as_ref();
        stated.is_some_and(|stated| stated.seq < self.last.seq)
    }

    /// How long until the mark is to move; `None` while it need not.
    pub(super) fn mark_due_in(&self) -> Option<Duration> {
        let stated = self.mark.stated.as_ref()?;
        let due = !self.failed && self.mark_is_behind();
        let since = self.clock.monotonic().saturating_sub(stated.at);
        due.then(|| MARK_EVERY.saturating_sub(since))
    }
}
