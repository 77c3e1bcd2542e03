//! An HTTP proxy on loopback that loses answers, answers 500, delays and repeats.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It is done, and its answer is lost.
    Lost,
    /// It is not done, and answered 500.
    Refused,
    /// It is done after so many milliseconds.
    Late(u64),
    /// It is done twice, and the second answer is given.
    Twice,
    /// It is given up by who asked, and done so many milliseconds later.
    Afterwards(u64),
    /// Its answer has this header besides.
    #[allow(dead_code, reason = "the campaign does not ask for it")]
    Said(&'static str),
}

/// A proxy before one server. It lives as long as the process.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    requests: Arc<AtomicU64>,
}

impl Proxy {
    /// `plan` says what happens to the request of this number, with this first line.
    pub(crate) fn start(
        upstream: SocketAddr,
        plan: impl Fn(u64, &str) -> Fault + Send + Sync + 'static,
    ) -> io::Result<Proxy> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let requests = Arc::new(AtomicU64::new(0));
        let (plan, count) = (Arc::new(plan), Arc::clone(&requests));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (plan, count) = (Arc::clone(&plan), Arc::clone(&count));
                thread::spawn(move || {
                    // A client that has gone away needs no answer.
                    let _ = serve(client, upstream, |number, line| plan(number, line), &count);
                });
            }
        });
        Ok(Proxy { address, requests })
    }

    /// How many requests there were.
    #[allow(dead_code, reason = "the campaign does not ask")]
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

/// One request a connection.
fn serve(
    mut client: TcpStream,
    upstream: SocketAddr,
    plan: impl Fn(u64, &str) -> Fault,
    count: &AtomicU64,
) -> io::Result<()> {
    let Some(request) = read_request(&client)? else {
        return Ok(());
    };
    let line = request.split(|byte| *byte == b'\r').next();
    let line = String::from_utf8_lossy(line.unwrap_or_default()).into_owned();
    let answer = match plan(count.fetch_add(1, Ordering::Relaxed), &line) {
        Fault::Said(header) => {
            let mut answer = forward(upstream, &request)?;
            if let Some(end) = answer.windows(2).position(|pair| pair == b"\r\n") {
                let header = format!("\r\n{header}").into_bytes();
                answer.splice(end..end, header);
            }
            answer
        }
        Fault::None => forward(upstream, &request)?,
        Fault::Late(millis) => {
            thread::sleep(Duration::from_millis(millis));
            forward(upstream, &request)?
        }
        Fault::Twice => {
            forward(upstream, &request)?;
            forward(upstream, &request)?
        }
        Fault::Lost => {
            forward(upstream, &request)?;
            return Ok(());
        }
        Fault::Afterwards(millis) => {
            drop(client);
            thread::sleep(Duration::from_millis(millis));
            forward(upstream, &request)?;
            return Ok(());
        }
        Fault::Refused => {
            let body = "<Error><Code>InternalError</Code></Error>";
            let length = body.len();
            format!(
                "HTTP/1.1 500 Internal Server Error\r\nContent-Length: {length}\r\n\
                 Connection: close\r\n\r\n{body}"
            )
            .into_bytes()
        }
    };
    client.write_all(&answer)
}

/// The bytes of a request, with the connection to be closed after it.
fn read_request(client: &TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut reader = BufReader::new(client);
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        if lower.starts_with("connection:") {
            continue;
        }
        if line == "\r\n" {
            head.extend_from_slice(b"Connection: close\r\n\r\n");
            break;
        }
        head.extend_from_slice(line.as_bytes());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    head.extend_from_slice(&body);
    Ok(Some(head))
}

fn forward(upstream: SocketAddr, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(upstream)?;
    server.write_all(request)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    Ok(answer)
}
