//! Any bytes as a server's answer, over a real connection.

use std::io::Write;
use std::net::TcpListener;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use cones_core::CancelToken;
use cones_core::Downloader;
use cones_core::library::download::Limits;

/// The most that is taken.
const LIMIT: u64 = 1 << 16;

/// A server that answers each request with the bytes that are set, and closes.
struct Server {
    url: String,
    answer: Arc<Mutex<Vec<u8>>>,
}

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/file", listener.local_addr().expect("an address"));
    let answer = Arc::new(Mutex::new(Vec::new()));
    let given = Arc::clone(&answer);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let bytes = given.lock().unwrap_or_else(PoisonError::into_inner).clone();
            // A client that has gone away is no matter here; the request is not looked at.
            let _ = stream.write_all(&bytes);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }
    });
    Server { url, answer }
});

/// An error, or no more bytes than were asked for and sent.
pub fn feed(data: &[u8]) {
    // One after the other: the answer is for all.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    *SERVER.answer.lock().unwrap_or_else(PoisonError::into_inner) = data.to_vec();
    let moment = Duration::from_millis(200);
    let limits = Limits {
        connect: moment,
        idle: moment,
        attempts: 1,
        attempts_in_all: 1,
        backoff: Duration::ZERO,
        longest_wait: Duration::ZERO,
        redirects: 1,
    };
    if let Ok(got) = Downloader::with_limits(limits).small(&SERVER.url, LIMIT, &CancelToken::new()) {
        assert!(got.len() as u64 <= LIMIT && got.len() <= data.len());
    }
}
