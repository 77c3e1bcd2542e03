//! One connection, kept alive, one request at a time.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub(crate) struct Client {
    /// Header lines that every request gets.
    pub(crate) headers: String,
    stream: BufReader<TcpStream>,
    request: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Client {
            headers: String::new(),
            stream: BufReader::new(stream),
            request: Vec::new(),
        })
    }

    pub(crate) fn get(&mut self, path: &str) -> io::Result<(u16, Vec<u8>)> {
        self.request.clear();
        write!(
            self.request,
            "GET {path} HTTP/1.1\r\nhost: localhost\r\n{}\r\n",
            self.headers
        )?;
        self.answer()
    }

    pub(crate) fn post(&mut self, path: &str, key: &str, body: &str) -> io::Result<(u16, Vec<u8>)> {
        self.request.clear();
        write!(
            self.request,
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n{}",
            body.len(),
            self.headers
        )?;
        if !key.is_empty() {
            write!(self.request, "idempotency-key: {key}\r\n")?;
        }
        write!(self.request, "\r\n{body}")?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<(u16, Vec<u8>)> {
        self.stream.get_mut().write_all(&self.request)?;
        let (mut status, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end();
            if status.is_none() {
                status = line.split(' ').nth(1).and_then(|text| text.parse().ok());
            } else if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.parse().map_err(io::Error::other)?;
            } else if line.is_empty() {
                let mut body = vec![0; length];
                self.stream.read_exact(&mut body)?;
                let status = status.ok_or(io::ErrorKind::InvalidData)?;
                return Ok((status, body));
            }
        }
    }
}
