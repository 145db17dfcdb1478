//! `cargo xtask clock`: moves what a running development server takes for now.
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use pico_args::Arguments;

use crate::finish;

/// Runs the task.
pub fn run(mut arguments: Arguments) -> Result<ExitCode> {
    let advance: String = arguments.value_from_str("--advance")?;
    let port: Option<u16> = arguments.opt_value_from_str("--port")?;
    let url: Option<String> = arguments.opt_value_from_str("--url")?;
    finish(arguments)?;
    if port.is_some() && url.is_some() {
        bail!("--port and --url exclude each other");
    }
    let url = url.unwrap_or_else(|| format!("http://127.0.0.1:{}", port.unwrap_or(8787)));
    let seconds = seconds(&advance)?;
    println!("{}", post(&url, &format!("advance={seconds}"))?.trim());
    Ok(ExitCode::SUCCESS)
}

/// Reads `90s`, `3d`, `1d12h` and the like; also ISO 8601's `P1DT12H`.
pub fn seconds(text: &str) -> Result<u64> {
    let wrong = || format!("`{text}` is no duration: write 90s, 15m, 12h, 3d, 2w or 1d12h");
    let mut total: u64 = 0;
    let mut digits = String::new();
    let mut units = 0;
    let mut in_time = false;
    for character in text.trim().to_ascii_lowercase().chars() {
        match character {
            '0'..='9' => digits.push(character),
            'p' | 't' if digits.is_empty() => in_time = character == 't',
            _ => {
                let unit = match character {
                    's' => 1,
                    // In ISO 8601 an M before the T would be months, whose length varies.
                    'm' if in_time || !text.trim().starts_with(['p', 'P']) => 60,
                    'h' => 3_600,
                    'd' => 86_400,
                    'w' => 604_800,
                    _ => bail!(wrong()),
                };
                let count: u64 = digits.parse().ok().with_context(wrong)?;
                total = count
                    .checked_mul(unit)
                    .and_then(|more| total.checked_add(more))
                    .with_context(wrong)?;
                digits.clear();
                units += 1;
            }
        }
    }
    ensure!(units > 0 && digits.is_empty(), wrong());
    Ok(total)
}

/// A form posted over plain HTTP: the server is a local one.
fn post(url: &str, body: &str) -> Result<String> {
    let host = url
        .strip_prefix("http://")
        .context("the development server's address starts with http://")?;
    let host = host.trim_end_matches('/');
    let mut stream = TcpStream::connect(host)
        .with_context(|| format!("nothing serves {url}; run `cargo xtask dev`"))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(
        stream,
        "POST /_development/clock HTTP/1.0\r\nHost: {host}\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer is not HTTP")?;
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    ensure!(status == "200", "the server refuses: {status} {}", body.trim());
    Ok(body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn durations() {
        let cases =
            [("90s", 90), ("15m", 900), ("12h", 43_200), ("3d", 259_200), ("2w", 1_209_600)];
        for (text, expected) in cases {
            assert_eq!(seconds(text).ok(), Some(expected), "{text}");
        }
        for text in ["1d12h", "P1DT12H", "p1dt12h", "36h"] {
            assert_eq!(seconds(text).ok(), Some(129_600), "{text}");
        }
        for text in [
            "",
            "3",
            "d",
            "3x",
            "-3d",
            "1d12",
            "P1M",
            "99999999999999999999d",
            "9999999999999999999w",
        ] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
