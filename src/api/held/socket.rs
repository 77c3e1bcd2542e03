//! The Unix socket, and whose it is.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::sockopt::{PeerCredentials, SendTimeout};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, getsockopt, setsockopt, socket,
};
use nix::sys::time::TimeVal;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};

use crate::logbook::error::ServerRefusal;

/// How long a write may wait for a server that is there.
const WRITE_TIME: Duration = Duration::from_secs(60);

/// Asked of a server that is silent: one that answers is at work.
const PROBE: &[u8] = b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

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
pub(super) fn server_at(
    path: &Path,
    owner: Owner,
    silence: Duration,
) -> Result<Option<u32>, ServerRefusal> {
    match connect(path, owner, silence) {
        Ok((_, uid)) => Ok(Some(uid)),
        Err(SocketFailure::Io(error)) => match error.kind() {
            // A file of a server that is gone is as good as none; neither is a file
            // that is not a socket, or a path that is too long for one.
            io::ErrorKind::NotFound
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::NotADirectory => Ok(None),
            _ if error.raw_os_error() == Some(Errno::ENOTSOCK as i32) => Ok(None),
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
fn connect(
    path: &Path,
    owner: Owner,
    silence: Duration,
) -> Result<(UnixStream, u32), SocketFailure> {
    let stream = connect_within(path, silence).map_err(SocketFailure::Io)?;
    let peer = getsockopt(&stream, PeerCredentials);
    let uid = peer.map_err(|error| SocketFailure::Io(error.into()))?.uid();
    match owner.believes(uid) {
        true => Ok((stream, uid)),
        false => Err(SocketFailure::Foreign(uid)),
    }
}

/// Connects, however many wait already for a server that takes no connections.
fn connect_within(path: &Path, silence: Duration) -> io::Result<UnixStream> {
    let address = UnixAddr::new(path).map_err(|_| io::ErrorKind::InvalidInput)?;
    let kind = SockType::Stream;
    let fd = socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC, None)?;
    let stream = UnixStream::from(fd);
    let seconds = i64::try_from(silence.as_secs()).unwrap_or(i64::MAX).max(1);
    setsockopt(&stream, SendTimeout, &TimeVal::new(seconds, 0))?;
    loop {
        match nix::sys::socket::connect(stream.as_raw_fd(), &address) {
            Ok(()) => return Ok(stream),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Err(silent(silence)),
            Err(error) => return Err(error.into()),
        }
    }
}

fn silent(silence: Duration) -> io::Error {
    let text = format!("nothing was heard of it for {} s", silence.as_secs());
    io::Error::new(io::ErrorKind::TimedOut, text)
}

/// Connects to the socket whatever is asked for.
#[derive(Clone, Debug)]
pub(super) struct SocketConnector {
    path: PathBuf,
    owner: Owner,
    /// How long nothing may be heard of the server before it is asked whether it is
    /// there.
    silence: Duration,
}

impl SocketConnector {
    pub(super) fn new(path: &Path, owner: Owner, silence: Duration) -> SocketConnector {
        SocketConnector {
            path: path.to_owned(),
            owner,
            silence,
        }
    }

    /// Refuses a server that does not answer. One that has much to do does.
    fn probe(&self) -> io::Result<()> {
        let failed = |_| silent(self.silence);
        let (mut stream, _) =
            connect(&self.path, self.owner, self.silence).map_err(|_| silent(self.silence))?;
        stream.set_read_timeout(Some(self.silence))?;
        stream.write_all(PROBE).map_err(failed)?;
        match stream.read(&mut [0]).map_err(failed)? {
            0 => Err(silent(self.silence)),
            _ => Ok(()),
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
        let connected = connect(&self.path, self.owner, self.silence);
        let (stream, _) = connected.map_err(|failure| match failure {
            SocketFailure::Io(error) => error,
            SocketFailure::Foreign(uid) => {
                io::Error::other(format!("it is a socket of user {uid}"))
            }
        })?;
        stream.set_write_timeout(Some(self.silence))?;
        let config = details.config;
        let sizes = (config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(SocketTransport {
            stream,
            server: self.clone(),
            buffers: LazyBuffers::new(sizes.0, sizes.1),
        }))
    }
}

pub(super) struct SocketTransport {
    stream: UnixStream,
    server: SocketConnector,
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
        let mut output = self.buffers.output().get(..amount).unwrap_or_default();
        let end = Instant::now() + WRITE_TIME;
        while !output.is_empty() {
            match (&self.stream).write(output) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(written) => output = output.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < end => {
                    self.server.probe()?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let end = timeout.not_zero().map(|time| Instant::now() + *time);
        let mut stream = &self.stream;
        let read = loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let slice = left.map_or(self.server.silence, |left| left.min(self.server.silence));
            // Zero would be for ever.
            let slice = slice.max(Duration::from_millis(1));
            stream.set_read_timeout(Some(slice))?;
            match stream.read(self.buffers.input_append_buf()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if left.is_some_and(|left| left <= slice) {
                        return Err(ureq::Error::Timeout(timeout.reason));
                    }
                    self.server.probe()?;
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
