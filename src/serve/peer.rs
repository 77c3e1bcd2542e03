//! Who is at the other end of a connection.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::ledger::sha256::Sha256Digest;

/// Who is at the other end.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// SHA-256 of the client certificate, if one was asked for and verified.
    pub(super) certificate: Option<Sha256Digest>,
    /// If it came through the socket.
    pub(super) local: Option<Local>,
}

/// Another process of this machine, as the system names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Local {
    pub(super) uid: u32,
    /// Root, or the server's own user: who could do without the server.
    pub(super) owns: bool,
}

impl Peer {
    pub(super) const fn local(caller: Local) -> Peer {
        Peer {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            certificate: None,
            local: Some(caller),
        }
    }
}
