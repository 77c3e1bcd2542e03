//! The files of a log folder: their names have one spelling, and none passes for another
//! that the checkpoint is not over.

use std::cell::Cell;
use std::convert::Infallible;

use sealbook::ledger::hexadecimal;
use sealbook::ledger::tlog::bundle;
use sealbook::ledger::tlog::checkpoint::{CheckpointText, SignedCheckpoint};
use sealbook::ledger::tlog::resource::{Resource, Slot};
use sealbook::ledger::tlog::source::{TileSource, check_all, entries, root_before};

const CHECKPOINT: &[u8] = include_bytes!("../../../fixtures/format/public.checkpoint");
const TILE: &str = include_str!("../../../fixtures/format/public.tile.hex");
const ENTRIES: &str = include_str!("../../../fixtures/format/public.entries.hex");

/// The folder of the fixtures' seven entries, in which one file has other bytes.
struct Folder<'b> {
    changed: Resource,
    bytes: &'b [u8],
    reads: Cell<u32>,
}

fn made(text: &str) -> Vec<u8> {
    let pairs = text.trim().as_bytes().chunks(2);
    pairs
        .map(|pair| hexadecimal::decode_bytes::<1>(pair).unwrap()[0])
        .collect()
}

impl TileSource for Folder<'_> {
    type Error = Infallible;

    fn read(&self, resource: Resource) -> Result<Option<Vec<u8>>, Infallible> {
        self.reads.set(self.reads.get() + 1);
        assert!(self.reads.get() < 100, "it reads and reads");
        Ok(match resource {
            it if it == self.changed => Some(self.bytes.to_vec()),
            Resource::Tile { level: 0, .. } => Some(made(TILE)),
            Resource::Entries(_) => Some(made(ENTRIES)),
            _ => None,
        })
    }
}

fn checkpoint() -> CheckpointText {
    SignedCheckpoint::parse(CHECKPOINT)
        .unwrap()
        .content()
        .clone()
}

/// Panics where it does not hold.
pub fn holds(bytes: &[u8]) {
    if let Ok(path) = str::from_utf8(bytes)
        && let Ok(resource) = path.parse::<Resource>()
    {
        assert_eq!(resource.to_string(), path);
        assert!(!path.contains("..") && !path.starts_with('/'));
    }
    let expected = bytes.len() / 34;
    if let Ok(entries) = bundle::parse(bytes, expected) {
        assert_eq!(bundle::format(&entries), bytes);
    }
    let checkpoint = checkpoint();
    let at = Slot { index: 0, width: 7 };
    for (changed, right) in [
        (Resource::Tile { level: 0, at }, made(TILE)),
        (Resource::Entries(at), made(ENTRIES)),
    ] {
        let folder = Folder {
            changed,
            bytes,
            reads: Cell::new(0),
        };
        assert_eq!(
            check_all(&folder, &checkpoint, |_, _| ()).is_ok(),
            bytes == right
        );
        assert_eq!(entries(&folder, &checkpoint, 0).is_ok(), bytes == right);
        let _before = root_before(&folder, 5, &checkpoint);
    }
}
