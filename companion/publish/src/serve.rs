//! A small file server for trying out what was published: GET and HEAD below one folder, with ranges.

mod host;
mod paths;
mod range;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use range::Range;
use tiny_http::{Header, Method, Request, Response, ResponseBox, Server};

use crate::error::{Error, Result};

/// Requests that are answered at once; a device takes one file after the other.
const WORKERS: usize = 8;

/// A server for one folder, listening.
pub struct FileServer {
    server: Arc<Server>,
    root: PathBuf,
    address: SocketAddr,
}

/// Stops a server from another thread.
#[derive(Clone)]
pub struct Stop(Arc<Server>);

impl FileServer {
    /// Listens at `address`; port 0 takes any that is free.
    ///
    /// # Errors
    /// When the folder is not there, or the address cannot be had.
    pub fn new(folder: &Path, address: SocketAddr) -> Result<Self> {
        // Links in what is asked for are followed and compared with this.
        let root = folder.canonicalize().map_err(cones_core::Error::io("open", folder))?;
        if !root.is_dir() {
            return Err(format!("`{}` is no folder", folder.display()).into());
        }
        let listener =
            TcpListener::bind(address).map_err(|error| Error::Address { address, reason: error.to_string() })?;
        let address = listener.local_addr()?;
        let server = Server::from_listener(listener, None).map_err(|error| format!("cannot serve: {error}"))?;
        Ok(Self { server: Arc::new(server), root, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What stops it.
    pub fn stop(&self) -> Stop {
        Stop(Arc::clone(&self.server))
    }

    /// Answers requests until it is stopped.
    pub fn run(&self) {
        std::thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    // An error means that it was stopped, or that its socket is gone.
                    while let Ok(request) = self.server.recv() {
                        self.answer(request);
                    }
                });
            }
        });
    }

    fn answer(&self, request: Request) {
        let response = self.response(&request);
        let (method, status) = (request.method().clone(), response.status_code().0);
        log::debug!("{method} {} {status}", request.url().escape_default());
        // A client that went away is its own affair.
        let _ = request.respond(response);
    }

    fn response(&self, request: &Request) -> ResponseBox {
        if !matches!(request.method(), Method::Get | Method::Head) {
            return with(plain(405, "only GET and HEAD"), "Allow", "GET, HEAD");
        }
        if !host::is_meant(self.address, header(request, "Host")) {
            return plain(421, "this server is reached as localhost");
        }
        let Some(path) = paths::resolve(&self.root, request.url()) else { return plain(404, "not found") };
        file(request, &path).unwrap_or_else(|_| plain(404, "not found"))
    }
}

impl std::fmt::Debug for FileServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileServer").field("root", &self.root).field("address", &self.address).finish_non_exhaustive()
    }
}

impl Stop {
    /// Stops it; requests under way are finished.
    pub fn stop(&self) {
        (0..WORKERS).for_each(|_| self.0.unblock());
    }
}

impl std::fmt::Debug for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stop").finish_non_exhaustive()
    }
}

fn header<'a>(request: &'a Request, name: &'static str) -> Option<&'a str> {
    request.headers().iter().find(|h| h.field.equiv(name)).map(|h| h.value.as_str().trim())
}

/// The file, or the part of it that is asked for.
fn file(request: &Request, path: &Path) -> std::io::Result<ResponseBox> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let (size, tag) = (metadata.len(), tag(&metadata));
    let value = |name: &'static str| header(request, name);
    if value("If-None-Match").is_some_and(|tags| tags == "*" || tags.split(',').any(|t| t.trim() == tag)) {
        return Ok(with(Response::empty(304).boxed(), "ETag", &tag));
    }
    // A range of another version of the file is of no use, so then the whole of it is sent.
    let same = value("If-Range").is_none_or(|known| known == tag);
    let range = value("Range").filter(|_| same && *request.method() == Method::Get);
    let (status, start, length) = match range.map_or(Range::Whole, |text| range::parse(text, size)) {
        Range::Whole => (200, 0, size),
        Range::Part { start, length } => (206, start, length),
        Range::Outside => {
            let refused = with(plain(416, "range not satisfiable"), "Content-Range", &format!("bytes */{size}"));
            return Ok(with(refused, "ETag", &tag));
        }
    };
    file.seek(SeekFrom::Start(start))?;
    let fits = usize::try_from(length).map_err(std::io::Error::other)?;
    // Chunks would hide the length, by which a download tells that it was cut off.
    let body = Response::empty(status).with_data(file.take(length), Some(fits)).with_chunked_threshold(usize::MAX);
    let mut response = with(body.boxed(), "Content-Type", content_type(path));
    if status == 206 {
        let end = start + length.saturating_sub(1);
        response = with(response, "Content-Range", &format!("bytes {start}-{end}/{size}"));
    }
    Ok(with(with(response, "Accept-Ranges", "bytes"), "ETag", &tag))
}

/// Changes whenever the file does: published files are replaced, never written to.
fn tag(metadata: &std::fs::Metadata) -> String {
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    format!("\"{:x}-{:x}\"", metadata.len(), changed.as_nanos())
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|e| e.to_str()) {
        Some("json") => "application/json",
        Some("html") => "text/html; charset=utf-8",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        Some("minisig") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn plain(status: u16, text: &str) -> ResponseBox {
    let response = Response::from_string(format!("{text}\n")).with_status_code(status).boxed();
    with(response, "Content-Type", "text/plain; charset=utf-8")
}

/// The response with one more header.
fn with(mut response: ResponseBox, name: &str, value: &str) -> ResponseBox {
    // Refused is only what is not ASCII, and nothing here is.
    if let Ok(header) = Header::from_bytes(name, value) {
        response.add_header(header);
    }
    response
}
