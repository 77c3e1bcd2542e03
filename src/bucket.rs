//! A log whose durable record lies in an object store. The local database is a cache
//! of it.
//!
//! ```text
//! callers ─▶ queue ─▶ committer ─▶ BucketStore::commit ─▶ PUT log/<genesis>/wal/<g>/<n>
//!                                      │  if there is none         │ the commit point
//!                                      ◀───────────────────────────┘
//!                                      └─▶ RocksDB, with the place  ─▶ receipts
//! ```
//!
//! # What lies in a bucket
//! ```text
//! URL/log/<genesis>/wal/<generation>/<n>     what was committed, and fences (ledger::wal)
//! URL/log/<genesis>/epoch/<n>.bundle.zst     a sealed epoch, as third parties verify it
//! URL/log/<genesis>/epoch/<n>.header         its signed header
//! URL/log/<genesis>/epoch/<n>.places         where hidden terms stand in the log's index
//! URL/log/<genesis>/public/…                  the public log: tiles, bundles, checkpoint (publish)
//! URL/log/<genesis>/heartbeat               that its writer lives: for who stands by
//! URL/log/<genesis>/open/<batch>             openings of redactable members, until erased
//! URL/check/…                                what `bucket check` races over
//! ```
//! Nothing under `wal/` is ever deleted; what is erased is under `open/` alone.
//!
//! # The order of a commit
//! 1. The queue hands over a batch: entries in their places, signed. What comes meanwhile
//!    is the next batch; those that were answered just now are waited for a moment, so
//!    that who comes back a little late does not wait for two objects.
//! 2. The batch is written as an object, without its signatures, under one statement over
//!    the object's place and digest.
//!    What opens redacted members of it is written to an object of its own before.
//! 3. The object is created at the writer's place, where there is none. **This is the
//!    commit point.** After any error the place is read back: own bytes are committed,
//!    others mean that this writer was fenced, none means once more; where it cannot be
//!    read the writer stops, for nobody knows ([`protocol`]).
//! 4. The batch, with its signatures and tiles, and the next place become one write of
//!    the cache.
//! 5. Receipts go out. The mark moves, as without a bucket.
//!
//! What is only of this machine (where it was started) is written to the cache alone.
//!
//! # The order of opening
//! 1. The signer signs one message twice and entry 0 again: where the bytes differ, this
//!    way of keeping a log is refused, since signatures are made again from what is here.
//! 2. The object at the cache's place must be the one that it was made from: else the
//!    bucket was put back to an older copy, or belongs to another history. Nothing may
//!    lie beyond a place where there is no object.
//! 3. Objects are read from there on, judged, signed again and written to the cache.
//! 4. At the first free place a fence is created, in the same way as a batch. Who loses
//!    the place to another object reads that one, and goes on from there.
//! 5. The mark is judged against what is there now, and entries are taken.
//!
//! The writer that was there before meets the fence at its next commit, however late it
//! is, and stops as `fenced`: there is no lease and no clock.
//!
//! # What is not known
//! A machine that has neither cache nor mark cannot tell a bucket from an older copy of
//! it: it needs a head that somebody kept, or the word of its operator, which becomes an
//! entry. What no epoch seals yet can be checked by the holder of the key only.

pub mod address;
mod archived;
pub mod check;
pub mod error;
mod following;
mod kept;
pub mod objects;
mod opening;
pub mod protocol;
mod rebuild;
mod replacing;
mod replay;
pub mod retention;
pub mod shown;
mod store;
mod versions;

pub use address::Address;
pub use archived::{attach, bundle_key, recorded};
pub use error::BucketError;
pub use following::{HEARTBEAT, Look, follow};
pub use objects::{Coming, Objects};
pub use opening::{all_logs, catch_up, check_local, create, of_log, only_log, open, restore};
pub use replacing::Seen;
pub use store::BucketStore;
