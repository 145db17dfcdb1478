//! As much of an HTTP/1.1 server as stands in for somebody whom Florin asks: a thread for each connection, which is kept.
//! It runs in the benchmark's own process, whose processor time is not counted.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::Result;

/// A request that arrived.
pub struct Arrived {
    /// When its first line had arrived.
    pub at: Instant,
    /// Its method and its target, as `POST /v1/refunds`.
    pub target: String,
    /// Its headers, their names in small letters.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl Arrived {
    /// What a header says; its name is in small letters.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// Serves on a port of this machine, which it answers with, for as long as the process lives. What is answered with
/// nothing gets no answer: its connection is closed.
pub fn serve(answer: impl Fn(&Arrived) -> Option<String> + Send + Sync + 'static) -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            // A connection that breaks off was answered as far as it came.
            thread::spawn(move || drop(converse(stream, &*answer)));
        }
    });
    Ok(port)
}

/// Answers the requests of one connection.
fn converse(stream: TcpStream, answer: &dyn Fn(&Arrived) -> Option<String>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::with_capacity(16 * 1024, stream);
    while let Some(arrived) = read(&mut stream)? {
        let Some(body) = answer(&arrived) else { return Ok(()) };
        let length = body.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.get_mut().write_all((head + &body).as_bytes())?;
    }
    Ok(())
}

/// The next request of a connection; nothing at its end.
fn read(stream: &mut BufReader<TcpStream>) -> Result<Option<Arrived>> {
    let mut first = String::new();
    if stream.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let at = Instant::now();
    let target = first.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut arrived = Arrived { at, target, headers, body: String::new() };
    let length = arrived.header("content-length").parse().unwrap_or(0);
    stream.take(length).read_to_string(&mut arrived.body)?;
    Ok(Some(arrived))
}
