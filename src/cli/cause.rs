//! What a tool on the way may have done to a file.

use std::path::Path;

use crate::audit::cause::{Cause, ends_of, is_cut_short};
use crate::audit::compression::Compression;
use crate::ledger::fault::Format;

use super::compressed;

/// The header of a compressed file.
const HEADER_BYTES: u64 = 10;

/// The cause, of a file that is or should be of `format`.
pub(super) fn of_file(path: &Path, format: Option<Format>) -> Option<Cause> {
    // Of less than a header nothing is known.
    if compressed::compression(path).ok()? != Compression::None
        && std::fs::metadata(path).ok()?.len() >= HEADER_BYTES
        && is_cut_short(&mut compressed::open(path).ok()?.reader).ok()?
    {
        return Some(Cause::CutShort);
    }
    let (beginning, end) = ends_of(&mut compressed::open(path).ok()?.reader);
    Cause::of_text(&beginning, &end, format)
}
