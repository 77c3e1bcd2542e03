//! What a server is told by signals: to stop, and to read its files again.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Each hang-up has everything read again; several at once are one.
pub(super) async fn pass_on(mut hang_up: Signal, tell: mpsc::Sender<()>) {
    while hang_up.recv().await.is_some() {
        let _ = tell.try_send(());
    }
}

pub(super) struct Signals {
    pub(super) terminate: Signal,
    pub(super) interrupt: Signal,
    pub(super) hang_up: Signal,
}

impl Signals {
    pub(super) fn listen() -> std::io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }
}
