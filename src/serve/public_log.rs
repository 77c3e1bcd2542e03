//! The public log that a server publishes to, one publication at a time.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::config::{LogPublisher, PublicFolder};
use super::metrics::Metrics;
use super::problem::Problem;
use crate::api::{self, Ledger, PublicFiles, PublicPlace, PublishedLog};
use crate::ledger::tlog::resource::Resource;
use crate::ledger::tlog::source::TileSource as _;
use crate::ledger::witnessing::Standing;

pub(super) struct PublicLog {
    place: PublicPlace,
    files: PublicFiles,
    publish: Mutex<LogPublisher>,
    standing: Mutex<Option<Standing>>,
}

impl PublicLog {
    pub(super) fn new(public: PublicFolder) -> PublicLog {
        PublicLog {
            place: public.place,
            files: public.files,
            publish: Mutex::new(public.publish),
            standing: Mutex::new(None),
        }
    }

    /// A file of it.
    pub(super) fn read(&self, resource: Resource) -> io::Result<Option<Vec<u8>>> {
        self.files.read(resource)
    }

    /// Refuses a publication to another place than this.
    pub(super) fn check_place(&self, asked: &str) -> Result<(), Problem> {
        let is_this = match &self.place {
            PublicPlace::Folder(folder) => {
                let asked = Path::new(asked).canonicalize().ok();
                asked.is_some() && asked == folder.canonicalize().ok()
            }
            #[cfg(feature = "bucket")]
            PublicPlace::Bucket(address) => asked == address.url(),
        };
        match is_this {
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
