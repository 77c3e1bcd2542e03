//! The public log that a server publishes to, one publication at a time.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::config::{LogPublisher, PublicFolder};
use super::metrics::Metrics;
use super::problem::Problem;
use crate::api::{self, Ledger, PublishedLog};
use crate::ledger::witnessing::Standing;

pub(super) struct PublicLog {
    folder: PathBuf,
    publish: Mutex<LogPublisher>,
    standing: Mutex<Option<Standing>>,
}

impl PublicLog {
    pub(super) fn new(public: PublicFolder) -> PublicLog {
        PublicLog {
            folder: public.folder,
            publish: Mutex::new(public.publish),
            standing: Mutex::new(None),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Refuses a publication to another folder than this.
    pub(super) fn check_folder(&self, asked: &str) -> Result<(), Problem> {
        let own = self.folder.canonicalize().ok();
        let asked = Path::new(asked).canonicalize().ok();
        match asked.is_some() && asked == own {
            true => Ok(()),
            false => Err(Problem::PublishesElsewhere),
        }
    }

    /// Publishes what is not public yet, and keeps how the witnesses stood.
    pub(super) fn publish(
        &self,
        ledger: &Ledger,
        metrics: &Metrics,
    ) -> Result<PublishedLog, api::Error> {
        let mut publish = self.publish.lock().unwrap_or_else(PoisonError::into_inner);
        let done = publish(ledger)?;
        if let Some(standing) = &done.witnesses {
            for witness in &standing.witnesses {
                if let Some(fault) = &witness.fault {
                    tracing::warn!(witness = witness.name, fault, "not cosigned");
                }
            }
            metrics.witnessed(standing);
            let mut kept = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
            *kept = Some(standing.clone());
        }
        Ok(done)
    }

    /// How the witnesses stood when it was published last.
    pub(super) fn standing(&self) -> Option<Standing> {
        let kept = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }
}
