//! What a server answered.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use ureq::http::HeaderMap;

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// That it is this and no other status, as JSON.
    pub(crate) fn is(self, status: u16) -> Value {
        let text = String::from_utf8_lossy(&self.body).into_owned();
        assert_eq!(self.status, status, "{text}");
        self.json()
    }

    /// That it was refused so: the shape of every error is the same.
    pub(crate) fn refused(self, status: u16, code: &str) -> String {
        let retry = self.header("retry-after").map(str::to_owned);
        let value = self.is(status);
        let members: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, ["code", "error"]);
        assert_eq!(value["code"], code, "{value}");
        let comes_again = matches!(status, 429 | 503) || code == "idempotency_key_under_way";
        assert_eq!(retry.is_some(), comes_again, "{value}");
        value["error"].as_str().unwrap().to_owned()
    }
}

/// Sends bytes as they are, and reads to the end of the connection.
pub(crate) fn raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    // A server that closes on what it will not read may reset the connection.
    let _unread = stream.write_all(request);
    let mut answer = Vec::new();
    let _cut = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status in the first line of raw bytes.
pub(crate) fn raw_status(answer: &str) -> u16 {
    let status = answer.split(' ').nth(1).and_then(|text| text.parse().ok());
    status.unwrap_or_else(|| panic!("no status: {answer:?}"))
}
