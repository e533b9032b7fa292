//! A small HTTP server on loopback that does what each test tells it, down to the byte: helpful or not.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sha2::{Digest, Sha256};

/// One request, as it came.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Path and query.
    pub path: String,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// How many requests came before this one.
    pub nth: usize,
}

/// A running server. Dropping it ends its connections.
#[derive(Debug)]
pub struct Server {
    scheme: &'static str,
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    ended: Arc<AtomicBool>,
}

/// A connection to answer on.
pub struct Reply {
    /// What is spoken over `tcp`.
    stream: Box<dyn Stream>,
    tcp: TcpStream,
    ended: Arc<AtomicBool>,
}

/// Plain or through TLS.
trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// An authority that nobody knows, and what it says of a server.
#[derive(Debug)]
pub struct Authority {
    /// Its own certificate.
    pub pem: String,
    server: Arc<ServerConfig>,
}

impl Server {
    /// Starts one. `answer` is called for each request, each on a thread of its own; the connection is closed when it
    /// returns.
    pub fn start(answer: impl Fn(&Asked, &mut Reply) + Send + Sync + 'static) -> Self {
        Self::speaking(None, answer)
    }

    /// Starts one that speaks TLS. It ends connections without TLS's own goodbye, as a network does.
    pub fn secure(authority: &Authority, answer: impl Fn(&Asked, &mut Reply) + Send + Sync + 'static) -> Self {
        Self::speaking(Some(Arc::clone(&authority.server)), answer)
    }

    fn speaking(tls: Option<Arc<ServerConfig>>, answer: impl Fn(&Asked, &mut Reply) + Send + Sync + 'static) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (asked, ended, answer) = (Arc::default(), Arc::new(AtomicBool::new(false)), Arc::new(answer));
        let server = Self { scheme, address, asked: Arc::clone(&asked), ended: Arc::clone(&ended) };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (asked, answer, ended) = (Arc::clone(&asked), Arc::clone(&answer), Arc::clone(&ended));
                let tls = tls.clone();
                std::thread::spawn(move || {
                    let Ok(tcp) = stream else { return };
                    let Ok(copy) = tcp.try_clone() else { return };
                    let mut stream: Box<dyn Stream> = match tls.map(ServerConnection::new) {
                        Some(connection) => Box::new(StreamOwned::new(connection.expect("a server"), copy)),
                        None => Box::new(copy),
                    };
                    let Some(request) = read(&mut stream, &asked) else { return };
                    answer(&request, &mut Reply { stream, tcp, ended });
                });
            }
        });
        server
    }

    /// One that serves these files well: lengths, ranges, an `ETag` each.
    pub fn of(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let files: BTreeMap<String, Vec<u8>> = files.into_iter().collect();
        Self::start(move |asked, reply| match files.get(&asked.path) {
            Some(content) => reply.serve(asked, content),
            None => reply.status("404 Not Found"),
        })
    }

    /// The URL of a path that begins with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

impl Authority {
    /// One that has signed a certificate for a server of this name, good until the end of this year.
    pub fn new(name: &str, until: i32) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.not_after = date_time_ymd(until, 12, 31);
        let certificate = params.signed_by(&key, &issuer).expect("a certificate");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a server");
        Self { pem: issuer.pem(), server: Arc::new(server) }
    }
}

impl Asked {
    /// One header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The first byte of `Range: bytes=N-`.
    pub fn from(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

impl Reply {
    /// Sends bytes as they are. A client that has gone away is no matter here.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
        let _ = self.stream.flush();
    }

    /// Sends a head: a status as `200 OK`, and header lines.
    pub fn head(&mut self, status: &str, headers: &[(&str, &str)]) {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        self.send(format!("HTTP/1.1 {status}\r\nConnection: close\r\n{lines}\r\n"));
    }

    /// An answer without body.
    pub fn status(&mut self, status: &str) {
        self.head(status, &[("Content-Length", "0")]);
    }

    /// Serves `content` as good servers do.
    pub fn serve(&mut self, asked: &Asked, content: &[u8]) {
        self.serve_until(asked, content, content.len());
    }

    /// Serves `content` as good servers do, but ends the connection before byte `end` of the file.
    pub fn serve_until(&mut self, asked: &Asked, content: &[u8], end: usize) {
        let tag = tag(content);
        let from = asked.from().filter(|_| asked.header("if-range").is_none_or(|wanted| wanted == tag));
        match from {
            Some(from) if from >= content.len() => self.status("416 Range Not Satisfiable"),
            Some(from) => {
                let range = format!("bytes {from}-{}/{}", content.len() - 1, content.len());
                let length = (content.len() - from).to_string();
                let headers = [("Content-Length", length.as_str()), ("Content-Range", &range), ("ETag", &tag)];
                self.head("206 Partial Content", &headers);
                self.send(&content[from..end.max(from)]);
            }
            None => {
                let length = content.len().to_string();
                self.head("200 OK", &[("Content-Length", length.as_str()), ("ETag", &tag), ("Accept-Ranges", "bytes")]);
                self.send(&content[..end]);
            }
        }
    }

    /// Holds the connection open, silent, until the client or the server ends.
    pub fn hang(&mut self) {
        let _ = self.tcp.set_read_timeout(Some(Duration::from_millis(20)));
        while !self.ended.load(Ordering::SeqCst) {
            match self.tcp.read(&mut [0]) {
                Ok(0) => return,
                Err(error)
                    if !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
                {
                    return;
                }
                _ => {}
            }
        }
    }

    /// Sends `bytes` again and again, one piece each `pause`, until the client or the server ends.
    pub fn drip(&mut self, bytes: &[u8], pause: Duration) {
        while !self.ended.load(Ordering::SeqCst) && self.stream.write_all(bytes).is_ok() {
            std::thread::sleep(pause);
        }
    }
}

/// The strong `ETag` this server gives a content.
pub fn tag(content: &[u8]) -> String {
    format!("\"{}\"", &sha256(content)[..16])
}

/// SHA-256 in hex.
pub fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes that look random and are always the same.
pub fn content(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn read(stream: &mut dyn Read, all: &Mutex<Vec<Asked>>) -> Option<Asked> {
    let mut lines = BufReader::new(stream).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let mut asked = Asked { path, ..Asked::default() };
    for line in lines {
        let line = line.ok()?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        asked.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    asked.nth = all.len();
    all.push(asked.clone());
    Some(asked)
}
