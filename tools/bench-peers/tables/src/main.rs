//! SQLite and PostgreSQL as logbooks made by hand, measured as `tools/bench-peers/run`
//! measures all peers.
//!
//! ```text
//! tables one|many|bulk PLACE ENTRIES SECONDS   append; ENTRIES is JSON Lines
//! tables audit|newest|open PLACE                    of what bulk left there
//! tables serve PLACE PORT                           POST /add
//! tables bare - PORT                                POST /add, read as JSON and answered
//! ```
//! PLACE is `sqlite:FILE` or `postgres:PARAMETERS`; with `SIGNED=1` each entry is signed.
//! Each prints `case TAB value`. An entry is answered when its transaction is synced: that
//! of all who wait by then is one. Rows are linked by BLAKE2b, and have an index by tenant
//! and by correlation id as ours have.

mod chain;
mod http;
mod table;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use chain::{Audit, Writer};
use table::{Entry, Table};

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

const CALLERS: usize = 64;

/// Rows of a transaction in bulk.
const GROUP: usize = 4_096;

fn say(name: &str, value: f64) {
    println!("{name}\t{value}");
}

fn main() -> Fallible<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["one", place, entries, seconds] => callers("one", place, entries, seconds.parse()?, 1),
        ["many", place, entries, seconds] => {
            callers("many", place, entries, seconds.parse()?, CALLERS)
        }
        ["bulk", place, entries, _] => bulk(place, entries),
        ["audit", place] => audit(place),
        ["newest", place] => newest(place),
        ["open", place] => {
            let begun = Instant::now();
            table::open(place)?.last()?;
            say("open", begun.elapsed().as_secs_f64() * 1e3);
            Ok(())
        }
        ["serve", place, port] => http::serve(Some(Writer::begin(table::open(place)?)?), port),
        ["bare", _, port] => http::serve(None, port),
        _ => Err("usage: tables CASE PLACE [ENTRIES SECONDS | PORT]".into()),
    }
}

/// Callers that append one entry at a time each, for so many seconds.
fn callers(name: &str, place: &str, entries: &str, seconds: f64, count: usize) -> Fallible<()> {
    let entries = table::entries(entries)?;
    let begun = Instant::now();
    let next = AtomicUsize::new(0);
    let more = || {
        let at = next.fetch_add(1, Ordering::Relaxed) % entries.len();
        (begun.elapsed().as_secs_f64() < seconds).then(|| entries[at].clone())
    };
    if count == 1 {
        // One alone needs no thread between itself and the table.
        let mut chain = chain::Chain::of(table::open(place)?)?;
        while let Some(entry) = more() {
            chain.append(vec![entry])?;
        }
    } else {
        let writer = Arc::new(Writer::begin(table::open(place)?)?);
        std::thread::scope(|scope| {
            let caller = || {
                while let Some(entry) = more() {
                    writer.append(entry).blocking_recv()?;
                }
                Fallible::Ok(())
            };
            let threads: Vec<_> = (0..count).map(|_| scope.spawn(caller)).collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap())
        })?;
    }
    let appended = (next.into_inner() - count) as f64;
    say(name, appended / begun.elapsed().as_secs_f64());
    say("appended", appended);
    Ok(())
}

fn bulk(place: &str, entries: &str) -> Fallible<()> {
    let entries = table::entries(entries)?;
    let mut chain = chain::Chain::of(table::open(place)?)?;
    let begun = Instant::now();
    for group in entries.chunks(GROUP) {
        chain.append(group.to_vec())?;
    }
    say("bulk", entries.len() as f64 / begun.elapsed().as_secs_f64());
    say("appended", entries.len() as f64);
    Ok(())
}

/// Every link and every signature, all cores.
fn audit(place: &str) -> Fallible<()> {
    let begun = Instant::now();
    let mut audit = Audit::default();
    table::open(place)?.scan(GROUP, &mut |rows| audit.take(rows))?;
    say("audit", audit.count as f64 / begun.elapsed().as_secs_f64());
    Ok(())
}

fn newest(place: &str) -> Fallible<()> {
    const ASKED: usize = 500;
    let mut table = table::open(place)?;
    let ask = |table: &mut dyn Table| {
        (0..ASKED).try_for_each(|n| match table.newest(&format!("tenant-{}", n % 50))? {
            10 => Ok(()),
            found => Err(Box::<dyn Error + Send + Sync>::from(format!(
                "{found}, not ten"
            ))),
        })
    };
    ask(&mut *table)?;
    let begun = Instant::now();
    ask(&mut *table)?;
    say("newest", begun.elapsed().as_secs_f64() * 1e6 / ASKED as f64);
    Ok(())
}

/// The members of an entry that it is found by.
fn entry(line: &str) -> Fallible<Entry> {
    let value: serde_json::Value = serde_json::from_str(line)?;
    let text = |name: &str| {
        value["payload"][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    Ok(Entry {
        tenant: text("tenant_id"),
        correlation: text("correlation_id"),
        text: line.to_owned(),
    })
}
