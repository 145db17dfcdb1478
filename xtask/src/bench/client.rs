//! HTTP/1.1 over one connection that is kept: as little as the benchmark needs, so that it costs little of what it
//! measures.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// How long a connection may be silent before it is not relied on any more: workerd ends one after five seconds.
const SILENCE: Duration = Duration::from_secs(2);

/// One connection, with the last answer on it.
pub struct Connection {
    port: u16,
    used: Instant,
    stream: BufReader<TcpStream>,
    line: String,
    /// What the last answer's header `x-observed` held.
    pub observed: Option<String>,
    /// The last answer's body.
    pub body: Vec<u8>,
}

impl Connection {
    /// Connects to a port of this machine.
    pub fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let stream = BufReader::with_capacity(64 * 1024, stream);
        let (line, body) = (String::new(), Vec::new());
        Ok(Self { port, used: Instant::now(), stream, line, observed: None, body })
    }

    /// Connects anew where the server may have ended the connection meanwhile.
    pub fn revive(&mut self) -> Result<()> {
        if self.used.elapsed() > SILENCE {
            *self = Self::open(self.port)?;
        }
        Ok(())
    }

    /// Sends a whole request and reads its answer; answers with the status.
    pub fn send(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.get_mut().write_all(request)?;
        self.next_line()?;
        let status = self.line.split(' ').nth(1).and_then(|text| text.parse().ok());
        let status = status.with_context(|| format!("not HTTP: {:?}", self.line))?;
        let mut length = None;
        let mut is_chunked = false;
        self.observed = None;
        loop {
            self.next_line()?;
            if self.line.is_empty() {
                break;
            }
            let Some((name, value)) = self.line.split_once(':') else {
                bail!("not a header: {:?}", self.line);
            };
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.parse()?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                is_chunked = value.eq_ignore_ascii_case("chunked");
            } else if name.eq_ignore_ascii_case("x-observed") {
                self.observed = Some(value.to_owned());
            }
        }
        self.body.clear();
        match length {
            Some(length) => self.take(length)?,
            None if is_chunked => self.take_chunks()?,
            None => ensure!(status == 204, "an answer without a length"),
        }
        self.used = Instant::now();
        Ok(status)
    }

    fn take_chunks(&mut self) -> Result<()> {
        loop {
            self.next_line()?;
            let length = usize::from_str_radix(self.line.trim(), 16)?;
            self.take(length)?;
            self.next_line()?;
            if length == 0 {
                return Ok(());
            }
        }
    }

    fn take(&mut self, length: usize) -> Result<()> {
        let start = self.body.len();
        self.body.resize(start + length, 0);
        self.stream.read_exact(&mut self.body[start..])?;
        Ok(())
    }

    fn next_line(&mut self) -> Result<()> {
        self.line.clear();
        ensure!(self.stream.read_line(&mut self.line)? > 0, "the server closed the connection");
        self.line.truncate(self.line.trim_end_matches(['\r', '\n']).len());
        Ok(())
    }
}

/// A request's bytes. `key` is the API key; `once` an idempotency key.
pub fn request(method: &str, target: &str, key: &str, once: Option<&str>, body: &str) -> Vec<u8> {
    let once = once.map_or_else(String::new, |once| format!("Idempotency-Key: {once}\r\n"));
    let content = if method == "POST" {
        format!(
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            body.len()
        )
    } else {
        String::new()
    };
    format!(
        "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\
         {once}{content}\r\n{body}"
    )
    .into_bytes()
}
