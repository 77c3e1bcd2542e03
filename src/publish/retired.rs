//! Which partial tiles are removed, and when: an hour after their full tile is durable,
//! so that a client that goes by the checkpoint before still finds them.

use crate::ledger::time::Timestamp;
use crate::ledger::tlog::resource::Resource;

/// Between a full tile and the end of its partial ones: an hour.
const HOUR_MICROS: i64 = 3_600_000_000;

/// Bytes of the list, at most: a tile is in it for an hour.
pub(super) const RETIRED_BYTES: usize = 64 << 20;

/// The list of tiles that became full, `since tile` a line, taken further.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Retired {
    /// What has been full for an hour: its partial ones go.
    pub(super) due: Vec<Resource>,
    /// What stays in the list, and what became full now.
    pub(super) list: String,
}

impl Retired {
    pub(super) fn of(list: &str, full: &[Resource], now: Timestamp) -> Retired {
        let mut retired = Retired {
            due: Vec::new(),
            list: String::new(),
        };
        for line in list.lines() {
            let read = line.split_once(' ').and_then(|(since, path)| {
                let since = Timestamp::from_unix_micros(since.parse().ok()?)?;
                Some((since, path.parse::<Resource>().ok()?))
            });
            // A line that a crash cut short: its partial tiles stay, which harms nobody.
            let Some((since, tile)) = read else { continue };
            if now.micros_since(since) < HOUR_MICROS {
                retired.list.push_str(line);
                retired.list.push('\n');
            } else if tile.slot().is_some_and(|slot| slot.is_full()) {
                retired.due.push(tile);
            }
        }
        retired.list += &lines(full, now);
        retired
    }
}

/// What is added to the list of these tiles, which became full now.
pub(super) fn lines(full: &[Resource], now: Timestamp) -> String {
    let since = now.unix_micros();
    let lines = full.iter().map(|tile| format!("{since} {tile}\n"));
    lines.collect()
}

/// Whether a list with this first line has something that has been full for an hour: its
/// lines are in the order of time. What cannot be read is due, so that it is left out.
pub(super) fn is_due(first: &str, now: Timestamp) -> bool {
    let since = first.split_once(' ');
    let since = since.and_then(|(since, _)| since.parse().ok());
    let since = since.and_then(Timestamp::from_unix_micros);
    !first.is_empty() && since.is_none_or(|since| now.micros_since(since) >= HOUR_MICROS)
}
