//! A registry on this machine that answers as a test tells it to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sealbook::attestation::registry_client::{RegistryClient, RegistryConfig, SessionToken};

/// A request as it came, its head's names in lower case.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) line: String,
    pub(crate) head: String,
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct Server {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    /// Answers every request with what `handle` writes, then hangs up.
    pub(crate) fn new(
        handle: impl Fn(&Received, &mut TcpStream) + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&received);
        let handle = Arc::new(handle);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, handle) = (Arc::clone(&log), Arc::clone(&handle));
                thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let request = read(&stream);
                    log.lock().unwrap().push(request.clone());
                    handle(&request, &mut stream);
                });
            }
        });
        Server { url, received }
    }

    /// Answers every request with this status and JSON.
    pub(crate) fn json(status: u16, body: &str) -> Server {
        let answer = answer(status, "application/json", body);
        Server::new(move |_, stream| drop(stream.write_all(answer.as_bytes())))
    }

    pub(crate) fn client(&self) -> RegistryClient {
        RegistryClient::new(self.config()).unwrap()
    }

    pub(crate) fn config(&self) -> RegistryConfig {
        RegistryConfig {
            base_url: self.url.clone(),
            session_token: SessionToken::new("session-secret"),
            bearer_token: SessionToken::new("bearer-secret"),
            timeout: Duration::from_millis(500),
            ..RegistryConfig::default()
        }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

pub(crate) fn answer(status: u16, media_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

fn read(stream: &TcpStream) -> Received {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut head = String::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        if header.trim().is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').unwrap();
        head += &format!("{}:{}\n", name.to_lowercase(), value.trim());
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let mut bytes = vec![0; length.map_or(0, |text| text.parse().unwrap())];
    reader.read_exact(&mut bytes).unwrap();
    let body = String::from_utf8_lossy(&bytes).into_owned();
    let line = line.trim().to_owned();
    Received {
        line,
        head,
        body,
        bytes,
    }
}
