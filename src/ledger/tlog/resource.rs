//! The files of a log folder: which there are, and what they are called.
//!
//! ```text
//! checkpoint                       the signed checkpoint
//! headers                          epoch headers and heads, one a line
//! tile/0/x001/x234/067             256 hashes of level 0
//! tile/1/004.p/87                  87 hashes of level 1, the right edge
//! tile/entries/x001/x234/067.p/5   5 entries
//! ```

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::decimal;

/// Hashes in a full tile, entries in a full bundle.
pub const WIDTH: u64 = 256;

/// Levels of the tree in a tile.
pub const LEVELS: u8 = 8;

/// A file of a log folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// The newest checkpoint. The only file that changes.
    Checkpoint,
    /// Epoch headers and heads. It grows.
    Headers,
    /// Hashes.
    Tile {
        /// Its hashes stand on level `8 × level` of the tree. At most 7.
        level: u8,
        /// Where.
        at: Slot,
    },
    /// Entries.
    Entries(Slot),
}

/// Which tile of its level, and how many of its 256 places are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// Which, from 0.
    pub index: u64,
    /// 1 to 256; full at 256.
    pub width: u16,
}

/// Why a path names no file of a log folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no file of a log folder has this path")]
#[non_exhaustive]
pub struct ResourceError;

impl Slot {
    /// Tile `index` of `level` in a tree of `size` leaves, as wide as that tree has it;
    /// `None` if it has none.
    #[must_use]
    pub fn in_tree(level: u8, index: u64, size: u64) -> Option<Slot> {
        let start = index.checked_mul(WIDTH)?;
        let there = nodes_at(size, level).checked_sub(start)?.min(WIDTH);
        let width = u16::try_from(there).ok().filter(|width| *width > 0)?;
        Some(Slot { index, width })
    }

    /// Whether every place is taken.
    #[must_use]
    pub fn is_full(self) -> bool {
        u64::from(self.width) == WIDTH
    }

    /// The same place when it is full.
    #[must_use]
    pub const fn full(self) -> Slot {
        Slot {
            index: self.index,
            width: 256,
        }
    }
}

/// How many hashes tile level `level` has in a tree of `size` leaves.
#[must_use]
pub fn nodes_at(size: u64, level: u8) -> u64 {
    let shift = u32::from(level) * u32::from(LEVELS);
    size.checked_shr(shift).unwrap_or(0)
}

/// The tiles at the right edge of a tree of `size` leaves that are not full, from
/// level 0 up, and the bundle that is not.
#[must_use]
pub fn partial(size: u64) -> Vec<Resource> {
    let edge = |level: u8| {
        let at = Slot::in_tree(level, nodes_at(size, level) / WIDTH, size)?;
        Some(Resource::Tile { level, at })
    };
    let tiles: Vec<Resource> = (0..LEVELS).filter_map(edge).collect();
    let bundle = tiles.iter().find_map(|tile| match tile {
        Resource::Tile { level: 0, at } => Some(Resource::Entries(*at)),
        _ => None,
    });
    tiles.into_iter().chain(bundle).collect()
}

impl Resource {
    /// The place of a tile or bundle.
    #[must_use]
    pub const fn slot(self) -> Option<Slot> {
        match self {
            Resource::Checkpoint | Resource::Headers => None,
            Resource::Tile { at, .. } | Resource::Entries(at) => Some(at),
        }
    }

    /// Whether a log of `size` entries has this very tile or bundle.
    #[must_use]
    pub fn is_in(self, size: u64) -> bool {
        match self {
            Resource::Checkpoint | Resource::Headers => true,
            Resource::Tile { level, at } => Slot::in_tree(level, at.index, size) == Some(at),
            Resource::Entries(at) => Slot::in_tree(0, at.index, size) == Some(at),
        }
    }

    /// The full tile or bundle at the same place.
    #[must_use]
    pub const fn full(self) -> Resource {
        match self {
            Resource::Tile { level, at } => Resource::Tile {
                level,
                at: at.full(),
            },
            Resource::Entries(at) => Resource::Entries(at.full()),
            other => other,
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:03}", self.index);
        let digits = format!("{}{digits}", "0".repeat((3 - digits.len() % 3) % 3));
        let (groups, _) = digits.as_bytes().as_chunks::<3>();
        for (at, group) in groups.iter().enumerate() {
            let group = std::str::from_utf8(group).map_err(|_| fmt::Error)?;
            let more = at + 1 < groups.len();
            write!(
                f,
                "{}{group}{}",
                if more { "x" } else { "" },
                if more { "/" } else { "" }
            )?;
        }
        match self.is_full() {
            true => Ok(()),
            false => write!(f, ".p/{}", self.width),
        }
    }
}

impl fmt::Display for Resource {
    /// The path below the folder, with `/`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resource::Checkpoint => f.write_str("checkpoint"),
            Resource::Headers => f.write_str("headers"),
            Resource::Tile { level, at } => write!(f, "tile/{level}/{at}"),
            Resource::Entries(at) => write!(f, "tile/entries/{at}"),
        }
    }
}

impl FromStr for Resource {
    type Err = ResourceError;

    fn from_str(path: &str) -> Result<Resource, ResourceError> {
        let read = match path {
            "checkpoint" => Some(Resource::Checkpoint),
            "headers" => Some(Resource::Headers),
            _ => tile(path),
        };
        // What does not spell itself so again is another path.
        read.filter(|read| read.to_string() == path)
            .ok_or(ResourceError)
    }
}

fn tile(path: &str) -> Option<Resource> {
    let (level, place) = path.strip_prefix("tile/")?.split_once('/')?;
    let (place, width) = match place.split_once(".p/") {
        Some((place, width)) => (place, decimal(width).filter(|width| *width < WIDTH)?),
        None => (place, WIDTH),
    };
    if place.len() > 4 * 7 {
        return None;
    }
    let digits: String = place
        .split('/')
        .map(|part| part.trim_start_matches('x'))
        .collect();
    let index = digits.parse().ok()?;
    let width = u16::try_from(width).ok().filter(|width| *width > 0)?;
    let at = Slot { index, width };
    match level {
        "entries" => Some(Resource::Entries(at)),
        level => {
            let level = u8::try_from(decimal(level)?).ok()?;
            (level < LEVELS).then_some(Resource::Tile { level, at })
        }
    }
}
