//! Syslog: messages of RFC 5424, each in a datagram or, over a stream, behind the number
//! of its octets (RFC 6587, RFC 5425).

mod stream;

use std::io;
use std::net::{ToSocketAddrs as _, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::error::SinkError;
use super::event::SinkEvent;
use super::format::SinkFormat;
use super::place::{BatchReceiver, Host, SinkAddress, SyslogTransport};
use stream::{SyslogStream, connect, secured};

/// How long a connection, or a write that a receiver does not take, is waited for.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What a datagram over UDP may have beside its header, and one of a socket.
const UDP_BYTES: usize = 60_000;
const SOCKET_BYTES: usize = 120_000;

/// Room for the header of a message.
const HEADER_BYTES: usize = 512;

/// `log audit`, and the severities.
const FACILITY: u32 = 13;
const WARNING: u32 = 4;
const INFORMATIONAL: u32 = 6;

pub(super) struct Syslog {
    address: SinkAddress,
    tls: Option<Arc<rustls::ClientConfig>>,
    host: String,
    connection: Option<SyslogConnection>,
}

enum SyslogConnection {
    Udp(UdpSocket),
    Datagrams(UnixDatagram),
    Stream(Box<dyn SyslogStream>),
}

impl Syslog {
    pub(super) fn new(address: &SinkAddress, tls: Option<Arc<rustls::ClientConfig>>) -> Syslog {
        let uname = rustix::system::uname();
        Syslog {
            address: address.clone(),
            tls,
            host: printable(&uname.nodename().to_string_lossy(), 255),
            connection: None,
        }
    }

    fn connect(&self) -> io::Result<SyslogConnection> {
        match &self.address {
            SinkAddress::Socket(path) => at_socket(path),
            SinkAddress::Syslog(SyslogTransport::Udp, host) => {
                Ok(SyslogConnection::Udp(udp(host)?))
            }
            SinkAddress::Syslog(_, host) => Ok(SyslogConnection::Stream(match &self.tls {
                None => Box::new(connect(host, TIMEOUT)?),
                Some(tls) => Box::new(secured(host, Arc::clone(tls), TIMEOUT)?),
            })),
            SinkAddress::File(_) | SinkAddress::Webhook(_) => {
                Err(io::ErrorKind::Unsupported.into())
            }
        }
    }

    fn send(&mut self, messages: &[Vec<u8>]) -> io::Result<()> {
        let mut open = self.connection.take();
        if let Some(SyslogConnection::Stream(stream)) = &mut open
            && !stream.is_open()
        {
            open = None;
        }
        let mut connection = open.map_or_else(|| self.connect(), Ok)?;
        match &mut connection {
            SyslogConnection::Udp(socket) => {
                for message in messages {
                    socket.send(message)?;
                }
            }
            SyslogConnection::Datagrams(socket) => {
                for message in messages {
                    socket.send(message)?;
                }
            }
            SyslogConnection::Stream(stream) => {
                let mut counted = Vec::new();
                for message in messages {
                    counted.extend_from_slice(message.len().to_string().as_bytes());
                    counted.push(b' ');
                    counted.extend_from_slice(message);
                }
                stream.write_all(&counted)?;
                stream.flush()?;
                // What a receiver that has gone did not read is sent again.
                if !stream.is_open() {
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
            }
        }
        self.connection = Some(connection);
        Ok(())
    }
}

fn udp(host: &Host) -> io::Result<UdpSocket> {
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in (host.name.as_str(), host.port).to_socket_addrs()? {
        let any = match address.is_ipv4() {
            true => "0.0.0.0:0",
            false => "[::]:0",
        };
        let bound = UdpSocket::bind(any).and_then(|socket| {
            socket.connect(address)?;
            socket.set_write_timeout(Some(TIMEOUT))?;
            Ok(socket)
        });
        match bound {
            Ok(socket) => return Ok(socket),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// A daemon's socket takes datagrams or is a stream.
fn at_socket(path: &Path) -> io::Result<SyslogConnection> {
    let socket = UnixDatagram::unbound()?;
    match socket.connect(path) {
        Ok(()) => {
            socket.set_write_timeout(Some(TIMEOUT))?;
            Ok(SyslogConnection::Datagrams(socket))
        }
        Err(error) if error.raw_os_error() == Some(PROTOTYPE) => {
            let stream = UnixStream::connect(path)?;
            stream.set_write_timeout(Some(TIMEOUT))?;
            Ok(SyslogConnection::Stream(Box::new(stream)))
        }
        Err(error) => Err(error),
    }
}

/// What the system says of a socket of the other type.
const PROTOTYPE: i32 = rustix::io::Errno::PROTOTYPE.raw_os_error();

impl Drop for Syslog {
    fn drop(&mut self) {
        if let Some(SyslogConnection::Stream(stream)) = &mut self.connection {
            stream.close();
        }
    }
}

impl BatchReceiver for Syslog {
    fn longest(&self) -> usize {
        match &self.address {
            SinkAddress::Syslog(SyslogTransport::Udp, _) => UDP_BYTES,
            SinkAddress::Socket(_) => SOCKET_BYTES,
            _ => usize::MAX,
        }
    }

    fn deliver(&mut self, events: &[SinkEvent], _: SinkFormat) -> Result<(), SinkError> {
        let messages: Vec<_> = events
            .iter()
            .map(|event| message(event, &self.host))
            .collect();
        self.send(&messages)
            .map_err(|source| SinkError::Unreachable {
                to: self.address.to_string(),
                source,
            })
    }
}

/// The time is the entry's, the message id its kind. The text has sequence number and
/// hash, and no structured data repeats them.
fn message(event: &SinkEvent, host: &str) -> Vec<u8> {
    let severity = if event.denied { WARNING } else { INFORMATIONAL };
    let priority = FACILITY * 8 + severity;
    let (ts, id) = (event.ts, printable(&event.kind, 32));
    let process = std::process::id();
    let mut message = Vec::with_capacity(event.text.len() + HEADER_BYTES);
    let header = format!("<{priority}>1 {ts} {host} sealbook {process} {id} - ");
    message.extend_from_slice(header.as_bytes());
    message.extend_from_slice(&event.text);
    message
}

/// Visible ASCII, at most so many; `-` for nothing.
fn printable(text: &str, most: usize) -> String {
    let visible = |c: char| if c.is_ascii_graphic() { c } else { '_' };
    let text: String = text.chars().map(visible).take(most).collect();
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}
