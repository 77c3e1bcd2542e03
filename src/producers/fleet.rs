//! Where another log stood in a bucket.

use super::{Kind, Role};
use crate::ledger::fleet::FleetRecord;
use crate::ledger::kind::FLEET;

pub(super) static KIND: Kind = Kind {
    name: FLEET,
    event: "fleet",
    counted: "fleet",
    role: Role::Other,
    denied: None,
    named: &[],
    shown: &[],
    headline: |entry| match FleetRecord::from_object(entry) {
        Ok(record) => {
            let header = &record.header.content;
            format!(
                "FLEET  log {} verified up to epoch {}, entry {}",
                header.genesis, header.epoch, header.last_seq
            )
        }
        Err(error) => format!("FLEET  no record of a log: {error}"),
    },
    details: &[],
};
