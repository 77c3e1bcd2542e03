//! Following a log that another machine writes: what comes is written to the cache, and
//! nobody is fenced.

use std::ops::ControlFlow;

use bytes::Bytes;

use super::objects::Objects;
use super::replay::Replay;
use super::{BucketError, check};
use crate::ledger::key::Signer;
use crate::ledger::wal::WalPosition;
use crate::store::RocksStore;

/// Where a writer says that it lives. Its bytes are other ones each time, and mean nothing
/// else: only liveness hangs on them.
pub const HEARTBEAT: &str = "heartbeat";

/// What was seen at one look.
#[derive(Debug)]
pub struct Look {
    /// The first free place.
    pub place: WalPosition,
    /// What the writer left when it last said that it lives.
    pub heartbeat: Option<Bytes>,
}

/// Reads on and on, until `each` breaks off. It is given what one look showed, or why the
/// bucket could not be read, and waits before the next. What shows that the bucket holds
/// another history, or is damaged, ends it.
///
/// # Errors
/// [`BucketError`], and what `each` answers.
pub fn follow<E: From<BucketError>>(
    base: &Objects,
    cache: &RocksStore,
    signer: &dyn Signer,
    mut each: impl FnMut(Result<Look, BucketError>) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    check::passed(base)?;
    let mut replay = Replay::new(base, cache, signer)?;
    replay.read_to_end()?;
    loop {
        let seen = match replay
            .read_on()
            .and_then(|()| replay.objects().read(HEARTBEAT))
        {
            Err(error) if !error.is_passing() => return Err(error.into()),
            seen => seen,
        };
        let place = replay.place();
        let look = seen.map(|heartbeat| Look { place, heartbeat });
        if each(look)?.is_break() {
            return Ok(());
        }
    }
}
