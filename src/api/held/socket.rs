//! The Unix socket, and whose it is.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};

use crate::logbook::error::ServerRefusal;

/// How long a write may wait for the server.
const WRITE_TIME: Duration = Duration::from_secs(60);

/// Whose sockets are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    own: u32,
    of_ledger: Option<u32>,
}

impl Owner {
    /// Root's, those of this process's own user, and those of the ledger's owner.
    #[must_use]
    pub fn of_ledger(of_ledger: Option<u32>) -> Owner {
        Owner {
            own: rustix::process::geteuid().as_raw(),
            of_ledger,
        }
    }

    fn believes(self, uid: u32) -> bool {
        uid == 0 || uid == self.own || Some(uid) == self.of_ledger
    }

    /// Whether this process could do what the server's user can.
    pub(super) const fn is_also(self, server: u32) -> bool {
        self.own == 0 || self.own == server
    }
}

/// The user whose server listens; `None` if nobody does.
pub(super) fn server_at(path: &Path, owner: Owner) -> Result<Option<u32>, ServerRefusal> {
    match connect(path, owner) {
        Ok((_, uid)) => Ok(Some(uid)),
        Err(SocketFailure::Io(error)) => match error.kind() {
            // A file of a server that is gone is as good as none; neither is a file
            // that is not a socket, or a path that is too long for one.
            io::ErrorKind::NotFound
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::NotADirectory => Ok(None),
            _ if error.raw_os_error() == Some(nix::errno::Errno::ENOTSOCK as i32) => Ok(None),
            io::ErrorKind::PermissionDenied => Err(ServerRefusal {
                code: "ledger_not_permitted",
                detail: format!(
                    "a server holds the ledger, and its socket {} is not for this user",
                    path.display()
                ),
            }),
            _ => Err(ServerRefusal {
                code: "server_gone",
                detail: format!("{}: {error}", path.display()),
            }),
        },
        Err(SocketFailure::Foreign(uid)) => Err(ServerRefusal {
            code: "socket_foreign",
            detail: format!(
                "{} is a socket of user {uid}, who neither owns the ledger nor runs this command",
                path.display()
            ),
        }),
    }
}

enum SocketFailure {
    Io(io::Error),
    Foreign(u32),
}

/// Connects, and says whose process answers: the system's word, and not the file's.
fn connect(path: &Path, owner: Owner) -> Result<(UnixStream, u32), SocketFailure> {
    let stream = UnixStream::connect(path).map_err(SocketFailure::Io)?;
    let peer = getsockopt(&stream, PeerCredentials);
    let uid = peer.map_err(|error| SocketFailure::Io(error.into()))?.uid();
    match owner.believes(uid) {
        true => Ok((stream, uid)),
        false => Err(SocketFailure::Foreign(uid)),
    }
}

/// Connects to the socket whatever is asked for.
#[derive(Debug)]
pub(super) struct SocketConnector {
    path: PathBuf,
    owner: Owner,
}

impl SocketConnector {
    pub(super) fn new(path: &Path, owner: Owner) -> SocketConnector {
        SocketConnector {
            path: path.to_owned(),
            owner,
        }
    }
}

impl Connector<()> for SocketConnector {
    type Out = SocketTransport;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<SocketTransport>, ureq::Error> {
        let (stream, _) = connect(&self.path, self.owner).map_err(|failure| match failure {
            SocketFailure::Io(error) => error,
            SocketFailure::Foreign(uid) => {
                io::Error::other(format!("it is a socket of user {uid}"))
            }
        })?;
        stream.set_write_timeout(Some(WRITE_TIME))?;
        let config = details.config;
        let sizes = (config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(SocketTransport {
            stream,
            buffers: LazyBuffers::new(sizes.0, sizes.1),
        }))
    }
}

pub(super) struct SocketTransport {
    stream: UnixStream,
    buffers: LazyBuffers,
}

impl fmt::Debug for SocketTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketTransport").finish_non_exhaustive()
    }
}

impl Transport for SocketTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        Ok((&self.stream).write_all(output)?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let limit = timeout.not_zero().map(|time| *time);
        self.stream.set_read_timeout(limit)?;
        let mut stream = &self.stream;
        let read = loop {
            match stream.read(self.buffers.input_append_buf()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(ureq::Error::Timeout(timeout.reason));
                }
                other => break other?,
            }
        };
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    /// Nothing is to be read from a connection that waits, not even its end.
    fn is_open(&mut self) -> bool {
        let mut stream = &self.stream;
        if stream.set_nonblocking(true).is_err() {
            return false;
        }
        let waits = stream.read(&mut [0]);
        let waits = waits.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        waits && stream.set_nonblocking(false).is_ok()
    }
}

/// Nothing is looked up: the socket is where it is.
#[derive(Debug)]
pub(super) struct Here;

impl Resolver for Here {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        addresses.push(SocketAddr::from(([127, 0, 0, 1], 0)));
        Ok(addresses)
    }
}
