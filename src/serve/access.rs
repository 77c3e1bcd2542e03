//! By which names the server may be asked, and by whose pages.
//!
//! A web page that the operator has open can send requests to this machine. It
//! cannot choose the `Host` that its browser sends but by the name it uses, so a
//! name rebound to this machine is not on the list; and it cannot leave out or
//! change the `Origin` of what it writes.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderValue, Uri, header};

use super::config;
use super::error::ServeError;
use super::problem::Problem;

/// Names of this machine, to itself.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

#[derive(Clone, Debug)]
pub(super) struct AccessControl {
    /// In lower case, with or without a port.
    hosts: Vec<String>,
    origins: Vec<String>,
    port: u16,
    tls: bool,
    proxies: Vec<IpAddr>,
    /// Whether the registry's public paths want a token too.
    pub(super) registry_private: bool,
}

impl AccessControl {
    pub(super) fn new(
        config: &config::AccessRules,
        address: SocketAddr,
        tls: bool,
    ) -> Result<AccessControl, ServeError> {
        let mut hosts: Vec<String> = config.allowed_hosts.clone();
        if address.ip().is_loopback() {
            hosts.extend(LOCAL.map(str::to_owned));
        }
        if !address.ip().is_unspecified() {
            hosts.push(match address {
                SocketAddr::V4(address) => address.ip().to_string(),
                SocketAddr::V6(address) => format!("[{}]", address.ip()),
            });
        }
        for host in &mut hosts {
            host.make_ascii_lowercase();
        }
        for origin in &config.cors_origins {
            check_origin(origin)?;
        }
        Ok(AccessControl {
            hosts,
            origins: config.cors_origins.clone(),
            port: address.port(),
            tls,
            proxies: config.trusted_proxies.clone(),
            registry_private: config.registry_private,
        })
    }

    pub(super) fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.contains(&address.to_canonical())
    }

    /// Whose request it is: that of the peer, or, if the peer is a trusted proxy, of
    /// the last address in `X-Forwarded-For` that is none. What stands before it is
    /// anybody's word.
    pub(super) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.is_proxy(peer.ip()) {
            return peer;
        }
        let lines = headers.get_all("x-forwarded-for").iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        let named: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
        for name in named.into_iter().rev() {
            match name.trim().parse::<IpAddr>() {
                Ok(address) if self.is_proxy(address) => {}
                Ok(address) => return SocketAddr::new(address.to_canonical(), 0),
                Err(_) => break,
            }
        }
        peer
    }

    /// Refuses a request by another name, or of a page of another origin.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (host, more) = (hosts.next(), hosts.next());
        let host = host.and_then(|host| host.to_str().ok());
        let Some(host) = host.filter(|host| more.is_none() && self.is_ours(host)) else {
            return Err(Problem::HostRefused);
        };
        if uri
            .authority()
            .is_some_and(|named| !self.is_ours(named.as_str()))
        {
            return Err(Problem::HostRefused);
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Ok(()),
            (Some(origin), None) if self.is_welcome(origin, host) => Ok(()),
            _ => Err(Problem::OriginRefused),
        }
    }

    fn is_ours(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let bare = host.strip_suffix(&format!(":{}", self.port));
        self.hosts
            .iter()
            .any(|own| *own == host || Some(own.as_str()) == bare)
    }

    /// The page is this server's own, or of an origin on the list. Behind a
    /// proxy that ends TLS the page is `https` and this server is not.
    fn is_welcome(&self, origin: &HeaderValue, host: &str) -> bool {
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        let own = match origin.split_once("://") {
            Some(("https", place)) => place.eq_ignore_ascii_case(host),
            Some(("http", place)) => !self.tls && place.eq_ignore_ascii_case(host),
            _ => false,
        };
        own || self.origins.iter().any(|listed| listed == origin)
    }

    pub(super) fn invited(&self) -> Option<Vec<HeaderValue>> {
        let origins = self.origins.iter();
        let origins: Vec<_> = origins
            .filter_map(|origin| HeaderValue::from_str(origin).ok())
            .collect();
        (!origins.is_empty()).then_some(origins)
    }
}

/// A scheme, a host, perhaps a port, and no more: `*` and `null` are no origins.
fn check_origin(origin: &str) -> Result<(), ServeError> {
    let place = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    match place {
        Some(place) if !place.is_empty() && place.bytes().all(plain) => Ok(()),
        _ => Err(ServeError::Origin {
            origin: origin.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    fn access(tls: bool) -> AccessControl {
        let config = config::AccessRules {
            allowed_hosts: vec!["Hall.example".to_owned(), "other.example:99".to_owned()],
            cors_origins: vec!["https://audit.example".to_owned()],
            ..config::AccessRules::default()
        };
        AccessControl::new(&config, "127.0.0.1:8765".parse().unwrap(), tls).unwrap()
    }

    fn check(access: &AccessControl, lines: &[(header::HeaderName, &str)]) -> Result<(), Problem> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        access.check(&Uri::from_static("/health"), &headers)
    }

    #[test]
    fn only_names_on_the_list_are_answered() {
        let access = access(false);
        for host in [
            "localhost:8765",
            "127.0.0.1:8765",
            "[::1]:8765",
            "LOCALHOST",
            "hall.example",
            "hall.example:8765",
            "other.example:99",
        ] {
            assert!(check(&access, &[(header::HOST, host)]).is_ok(), "{host}");
        }
        for host in [
            "evil.example:8765",
            "localhost:1",
            "localhost.evil.example:8765",
            "hall.example:80",
            "other.example",
            "127.0.0.1.evil.example",
            "",
        ] {
            let refused = check(&access, &[(header::HOST, host)]);
            assert!(matches!(refused, Err(Problem::HostRefused)), "{host}");
        }
        let twice = [(header::HOST, "localhost"), (header::HOST, "localhost")];
        assert!(matches!(check(&access, &twice), Err(Problem::HostRefused)));
        assert!(matches!(check(&access, &[]), Err(Problem::HostRefused)));
    }

    #[test]
    fn a_trusted_proxy_says_for_whom_it_asks_and_nobody_else_does() {
        let proxy: IpAddr = "10.0.0.1".parse().unwrap();
        let access = AccessControl {
            proxies: vec![proxy],
            ..access(false)
        };
        let ask = |peer: &str, forwarded: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", HeaderValue::from_static(forwarded));
            access
                .client(peer.parse().unwrap(), &headers)
                .ip()
                .to_string()
        };
        let all = "6.6.6.6, 7.7.7.7, 10.0.0.1";
        assert_eq!(ask("10.0.0.1:9", all), "7.7.7.7");
        assert_eq!(ask("10.0.0.2:9", all), "10.0.0.2");
        assert_eq!(ask("10.0.0.1:9", "nobody"), "10.0.0.1");
        assert_eq!(ask("10.0.0.1:9", "6.6.6.6, ::ffff:7.7.7.7"), "7.7.7.7");
    }

    #[test]
    fn a_name_in_the_request_line_counts_as_the_header_does() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("localhost"));
        let access = access(false);
        let own = access.check(&Uri::from_static("http://localhost/x"), &headers);
        assert!(own.is_ok());
        let other = access.check(&Uri::from_static("http://evil.example/x"), &headers);
        assert!(matches!(other, Err(Problem::HostRefused)));
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        let from = |tls, origin| {
            let lines = [(header::HOST, "localhost:8765"), (header::ORIGIN, origin)];
            check(&access(tls), &lines).is_ok()
        };
        assert!(from(false, "http://localhost:8765"));
        assert!(from(false, "https://localhost:8765"));
        assert!(from(true, "https://localhost:8765"));
        assert!(from(true, "https://audit.example"));
        for (tls, origin) in [
            (true, "http://localhost:8765"),
            (false, "http://localhost"),
            (false, "http://127.0.0.1:8765"),
            (false, "http://evil.example"),
            (false, "https://audit.example.evil.example"),
            (false, "null"),
            (false, ""),
        ] {
            assert!(!from(tls, origin), "{origin}");
        }
        let twice = [
            (header::HOST, "localhost:8765"),
            (header::ORIGIN, "http://localhost:8765"),
            (header::ORIGIN, "http://evil.example"),
        ];
        let refused = check(&access(false), &twice);
        assert!(matches!(refused, Err(Problem::OriginRefused)));
    }

    #[test]
    fn an_origin_that_would_invite_everyone_is_no_origin() {
        for origin in ["*", "null", "https://", "audit.example", "https://a/b"] {
            assert!(check_origin(origin).is_err(), "{origin}");
        }
    }
}
