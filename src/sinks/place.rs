//! Where entries are delivered.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::error::SinkError;
use super::event::SinkEvent;
use super::format::SinkFormat;

/// What takes batches.
pub(super) trait BatchReceiver: Send {
    /// The longest event that it takes, in bytes.
    fn longest(&self) -> usize;

    /// Delivers all of them, as far as that can be told here.
    fn deliver(&mut self, events: &[SinkEvent], format: SinkFormat) -> Result<(), SinkError>;
}

/// The address of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkAddress {
    /// A file, appended to.
    File(PathBuf),
    /// A syslog daemon's socket on this machine.
    Socket(PathBuf),
    /// A syslog receiver.
    Syslog(SyslogTransport, Host),
    /// An http or https URL that takes POST.
    Webhook(String),
}

/// How a syslog receiver is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyslogTransport {
    /// RFC 5426.
    Udp,
    /// RFC 6587, octets counted.
    Tcp,
    /// RFC 5425.
    Tls,
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// A name or an address, without brackets.
    pub name: String,
    /// The port.
    pub port: u16,
}

const EXPECTED: &str = "a file, syslog:SOCKET, syslog+udp://HOST:PORT, syslog+tcp://…, \
     syslog+tls://… or an http or https URL without credentials is needed";

const TRANSPORTS: [(&str, SyslogTransport, u16); 3] = [
    ("syslog+udp://", SyslogTransport::Udp, 514),
    ("syslog+tcp://", SyslogTransport::Tcp, 601),
    ("syslog+tls://", SyslogTransport::Tls, 6_514),
];

impl FromStr for SinkAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<SinkAddress, Self::Err> {
        let path = |text: &str| match text {
            "" => Err(EXPECTED),
            path => Ok(PathBuf::from(path)),
        };
        if let Some(socket) = text.strip_prefix("syslog:") {
            return Ok(SinkAddress::Socket(path(socket)?));
        }
        for (scheme, transport, port) in TRANSPORTS {
            if let Some(host) = text.strip_prefix(scheme) {
                return Ok(SinkAddress::Syslog(transport, Host::read(host, port)?));
            }
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            let uri: ureq::http::Uri = text.parse().map_err(|_| EXPECTED)?;
            let authority = uri.authority().ok_or(EXPECTED)?.as_str();
            return match authority.contains('@') || uri.host().is_none_or(str::is_empty) {
                true => Err(EXPECTED),
                false => Ok(SinkAddress::Webhook(text.to_owned())),
            };
        }
        if text.contains("://") {
            return Err(EXPECTED);
        }
        Ok(SinkAddress::File(path(
            text.strip_prefix("file:").unwrap_or(text),
        )?))
    }
}

impl Host {
    fn read(text: &str, usual: u16) -> Result<Host, &'static str> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (name, port) = rest.split_once(']').ok_or(EXPECTED)?;
                (name, port.strip_prefix(':'))
            }
            None => match text.split_once(':') {
                Some((name, port)) => (name, Some(port)),
                None => (text, None),
            },
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        if name.is_empty() || !name.chars().all(plain) {
            return Err(EXPECTED);
        }
        let port = port.map_or(Ok(usual), str::parse).map_err(|_| EXPECTED)?;
        let name = name.to_owned();
        Ok(Host { name, port })
    }
}

/// Without what may be secret: of a URL the path and the query are left out.
impl fmt::Display for SinkAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SinkAddress::File(path) => write!(f, "{}", path.display()),
            SinkAddress::Socket(path) => write!(f, "syslog:{}", path.display()),
            SinkAddress::Syslog(transport, host) => {
                let mut transports = TRANSPORTS.iter();
                let found = transports.find(|(_, of, _)| of == transport);
                let scheme = found.map_or("", |(scheme, _, _)| scheme);
                match host.name.contains(':') {
                    true => write!(f, "{scheme}[{}]:{}", host.name, host.port),
                    false => write!(f, "{scheme}{}:{}", host.name, host.port),
                }
            }
            SinkAddress::Webhook(url) => {
                let end = url
                    .match_indices('/')
                    .nth(2)
                    .map_or(url.len(), |(at, _)| at);
                f.write_str(url.get(..end).unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn an_address_is_read_and_shown_without_its_secrets() {
        for (text, shown) in [
            ("events.jsonl", "events.jsonl"),
            ("file:/var/log/x", "/var/log/x"),
            ("syslog:/dev/log", "syslog:/dev/log"),
            ("syslog+udp://h", "syslog+udp://h:514"),
            (
                "syslog+tcp://127.0.0.1:1601/",
                "syslog+tcp://127.0.0.1:1601",
            ),
            ("syslog+tls://[::1]", "syslog+tls://[::1]:6514"),
            ("https://h:1/in?token=s", "https://h:1"),
            ("http://h", "http://h"),
        ] {
            let address: SinkAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), shown);
        }
        for text in [
            "",
            "file:",
            "syslog:",
            "ftp://h",
            "syslog+tcp://",
            "syslog+tcp://h:x",
            "syslog+tcp://h:70000",
            "syslog+tls://[::1",
            "syslog+udp://a b",
            "https://",
            "https://u:p@h/",
        ] {
            assert!(text.parse::<SinkAddress>().is_err(), "{text}");
        }
    }
}
