//! Small files into memory, bounded whatever the server says.

use std::time::Duration;

use cones_core::library::download::{Downloader, Limits};
use cones_core::{CancelToken, Result};
use cones_tests::server::{Server, content};

use crate::setup::{limits, network};

fn small(server: &Server, limit: u64) -> Result<Vec<u8>> {
    Downloader::with_limits(limits()).small(&server.url("/file"), limit, &CancelToken::new())
}

#[test]
fn comes_whole_up_to_its_limit() {
    let server = Server::start(|asked, reply| reply.serve(asked, &content(1000, 1)));
    assert_eq!(small(&server, 1000).expect("a file"), content(1000, 1));
    assert_eq!(small(&server, u64::MAX).expect("a file"), content(1000, 1));
    assert!(network(small(&server, 999)).contains("no more than 999"));
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn without_a_length_it_is_counted() {
    let server = Server::start(|_, reply| {
        reply.head("200 OK", &[]);
        reply.drip(&[1; 1000], Duration::ZERO);
    });
    assert!(network(small(&server, 100_000)).contains("does not end after 100000"));
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_cut_one_is_asked_for_again() {
    let server = Server::start(|asked, reply| {
        reply.serve_until(asked, &content(1000, 1), if asked.nth < 2 { 500 } else { 1000 });
    });
    assert_eq!(small(&server, 1000).expect("a file"), content(1000, 1));
    assert_eq!(server.asked().len(), 3);
    assert!(server.asked().iter().all(|asked| asked.header("range").is_none()));
}

#[test]
fn trouble_is_told_apart_as_for_files() {
    for (status, times) in [("404 Not Found", 1), ("500 Internal Server Error", 4), ("206 Partial Content", 1)] {
        let server = Server::start(move |_, reply| reply.status(status));
        network(small(&server, 10));
        assert_eq!(server.asked().len(), times, "{status}");
    }
    let server = Server::start(|_, reply| {
        reply.head("200 OK", &[("Content-Encoding", "gzip"), ("Content-Length", "3")]);
        reply.send("abc");
    });
    assert!(network(small(&server, 10)).contains("encoded"));
}

#[test]
fn silence_ends() {
    let server = Server::start(|_, reply| reply.hang());
    let limits = Limits { idle: Duration::from_millis(100), attempts: 2, ..limits() };
    network(Downloader::with_limits(limits).small(&server.url("/"), 10, &CancelToken::new()));
    assert_eq!(server.asked().len(), 2);
}
