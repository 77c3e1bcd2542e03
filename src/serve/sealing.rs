//! Seals on the hour: an epoch whose hour is over gets no more entries, and
//! need not wait for one to be sealed.

use std::sync::Arc;

use super::problem::Problem;
use super::service::Service;
use crate::ledger::position::Seq;
use crate::ledger::time::Timestamp;
use crate::logbook::{entry_at, epoch_at};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenEpoch {
    pub(super) since: Timestamp,
    pub(super) entries: u64,
}

impl Service {
    pub(super) fn open_epoch(&self) -> Result<Option<OpenEpoch>, Problem> {
        let store = self.logbook.store();
        let first = match store.last_epoch()? {
            Some(number) => Seq(epoch_at(&**store, number)?.content.last_seq.0 + 1),
            None => Seq::FIRST,
        };
        let count = store.count()?;
        if first.0 >= count {
            return Ok(None);
        }
        Ok(Some(OpenEpoch {
            since: entry_at(&**store, first)?.ts(),
            entries: count - first.0,
        }))
    }

    /// Seals the open epoch if its hour is over.
    fn seal_if_over(&self) -> Result<(), Problem> {
        if self.logbook.is_following() {
            return Ok(());
        }
        let now = self.clock.wall().hour_start();
        let over = self.open_epoch()?;
        if over.is_some_and(|open| open.since.hour_start() < now)
            && let Some(sealed) = self.logbook.seal()?
        {
            tracing::info!(epoch = sealed.content.epoch.0, "sealed");
            self.publish();
        }
        Ok(())
    }
}

/// Looks at the clock again and again.
pub(super) async fn seal_on_the_hour(service: Arc<Service>) {
    loop {
        tokio::time::sleep(service.limits.tick).await;
        let here = Arc::clone(&service);
        match tokio::task::spawn_blocking(move || here.seal_if_over()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "not sealed"),
            Err(_) => return,
        }
    }
}
