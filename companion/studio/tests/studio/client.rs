//! A client of a few lines: it sends whatever headers a test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let line =
            |line: &str| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
        self.head.lines().filter_map(line).find(|(found, _)| found == name).map(|(_, value)| value)
    }
}

fn open(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(120))).expect("a limit");
    let mut head = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    stream.write_all(format!("{head}\r\n").as_bytes()).expect("sent");
    // A server that refuses a long body need not read it.
    let _ = stream.write_all(body);
    BufReader::new(stream)
}

/// Asks with these headers and no others.
pub(crate) fn ask(address: SocketAddr, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut reader = open(address, method, target, headers, body);
    let mut bytes = Vec::new();
    // A server that closes early has said what it wanted to say.
    let _ = reader.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(bytes.len().saturating_sub(4));
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    Answer { status, head, body: bytes[end + 4..].to_vec() }
}

/// Hears events until one is wanted; gives all that were heard.
pub(crate) fn hear(
    address: SocketAddr,
    headers: &[(&str, &str)],
    mut wanted: impl FnMut(&Value) -> bool,
) -> Vec<Value> {
    let mut heard = Vec::new();
    for line in open(address, "GET", "/api/events", headers, &[]).lines() {
        let Some(event) = line.expect("an event").strip_prefix("data: ").map(serde_json::from_str) else {
            continue;
        };
        let event: Value = event.expect("JSON");
        let last = wanted(&event);
        heard.push(event);
        if last {
            return heard;
        }
    }
    panic!("the stream ended: {heard:?}");
}
