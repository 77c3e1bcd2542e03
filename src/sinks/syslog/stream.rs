//! Connections to receivers of streams.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::sinks::place::Host;

/// A connection that tells when the other end has closed it: a receiver says nothing
/// else.
pub(super) trait SyslogStream: Write + Send {
    fn is_open(&mut self) -> bool;

    /// Says that nothing more comes, where there is a word for that.
    fn close(&mut self) {}
}

pub(super) type Secured = StreamOwned<ClientConnection, TcpStream>;

pub(super) fn connect(host: &Host, timeout: Duration) -> io::Result<TcpStream> {
    let mut failed = io::Error::from(ErrorKind::AddrNotAvailable);
    for address in (host.name.as_str(), host.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                stream.set_write_timeout(Some(timeout))?;
                stream.set_read_timeout(Some(timeout))?;
                return Ok(stream);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

pub(super) fn secured(
    host: &Host,
    tls: Arc<ClientConfig>,
    timeout: Duration,
) -> io::Result<Secured> {
    let name = ServerName::try_from(host.name.clone());
    let name = name.map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
    let mut stream = connect(host, timeout)?;
    let mut connection = ClientConnection::new(tls, name).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(connection, stream))
}

/// Whether the other end has not closed it. What it says is not looked at.
fn peeked(found: io::Result<usize>) -> bool {
    match found {
        Ok(bytes) => bytes > 0,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

fn is_open(stream: &TcpStream) -> bool {
    let found = stream
        .set_nonblocking(true)
        .is_ok()
        .then(|| stream.peek(&mut [0]));
    let blocks = stream.set_nonblocking(false).is_ok();
    blocks && found.is_some_and(peeked)
}

impl SyslogStream for TcpStream {
    fn is_open(&mut self) -> bool {
        is_open(self)
    }
}

/// The end of a TLS connection is said inside of it, beside tickets and updates of keys.
impl SyslogStream for Secured {
    fn is_open(&mut self) -> bool {
        let looked = self
            .sock
            .set_nonblocking(true)
            .is_ok()
            .then(|| self.read(&mut [0; 64]));
        let blocks = self.sock.set_nonblocking(false).is_ok();
        blocks && looked.is_some_and(peeked)
    }

    fn close(&mut self) {
        self.conn.send_close_notify();
        // A receiver that has gone needs no word.
        let _ = self.flush();
    }
}

impl SyslogStream for UnixStream {
    fn is_open(&mut self) -> bool {
        let found = self
            .set_nonblocking(true)
            .is_ok()
            .then(|| self.read(&mut [0]));
        let blocks = self.set_nonblocking(false).is_ok();
        blocks && found.is_some_and(peeked)
    }
}
