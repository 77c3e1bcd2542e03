//! What goes wrong with sinks.

use std::io;

use crate::sinks::SinkError;

pub(super) fn code(error: &SinkError) -> &'static str {
    match error {
        SinkError::Setting { .. } => "usage",
        SinkError::File { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
            "disk_full"
        }
        SinkError::Pem { .. } | SinkError::Tls(_) => "tls",
        SinkError::NoPosition { .. } | SinkError::OtherLog { .. } | SinkError::Parted { .. } => {
            "sink_position"
        }
        SinkError::InUse { .. } => "sink_in_use",
        SinkError::Unreachable { .. } | SinkError::Refused { .. } => "not_delivered",
        _ => "io",
    }
}
