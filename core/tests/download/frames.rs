//! Servers that blur where an answer begins and ends.

use std::time::{Duration, Instant};

use cones_core::library::download::Limits;
use cones_tests::server::Server;

use crate::setup::{LENGTH, Place, expected, limits, network, whole};

/// With both, whoever stands in between may see another end than the client.
#[test]
fn a_length_beside_chunks_does_not_make_a_wrong_file() {
    for length in ["3", "300000", "0"] {
        let server = Server::start(move |_, reply| {
            reply.head("200 OK", &[("Content-Length", length), ("Transfer-Encoding", "chunked")]);
            reply.send(format!("{LENGTH:x}\r\n"));
            reply.send(whole());
            reply.send("\r\n0\r\n\r\n");
        });
        let place = Place::new();
        // Whether that is taken is the client's own affair; the file is right or there is none.
        match place.get(&server) {
            Ok(()) => place.is_whole(),
            Err(error) => {
                println!("{length}: {error}");
                assert!(!place.path().exists());
            }
        }
    }
}

/// All bytes are there, but the answer never ends: lines of trailers, quickly and slowly.
#[test]
fn trailers_without_end_are_not_waited_for() {
    for pause in [Duration::ZERO, Duration::from_millis(5)] {
        let server = Server::start(move |_, reply| {
            reply.head("200 OK", &[("Transfer-Encoding", "chunked")]);
            reply.send(format!("{LENGTH:x}\r\n"));
            reply.send(whole());
            reply.send("\r\n0\r\n");
            reply.drip(b"X-More: and more of it\r\n", pause);
        });
        let place = Place::with(Limits { idle: Duration::from_millis(300), attempts: 2, ..limits() });
        let begun = Instant::now();
        match place.get(&server) {
            Ok(()) => place.is_whole(),
            Err(error) => {
                println!("{error}");
                assert!(!place.path().exists());
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}

/// A second answer is pushed behind the first one: it is nobody's, and above all not the next request's.
#[test]
fn an_answer_that_nobody_asked_for_is_not_the_next_ones() {
    let server = Server::start(|asked, reply| {
        let right = if asked.path == "/small" { b"right".to_vec() } else { whole() };
        reply.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", right.len()));
        reply.send(&right);
        // As long as what comes next.
        let wrong = if asked.path == "/small" { vec![b'x'; LENGTH] } else { b"wrong".to_vec() };
        reply.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", wrong.len()));
        reply.send(&wrong);
        // Kept open, as for another request.
        std::thread::sleep(Duration::from_millis(300));
    });
    let place = Place::new();
    for _ in 0..3 {
        let small = place.downloader.small(&server.url("/small"), 100, &place.cancel).expect("a small file");
        assert_eq!(small, b"right");
        place.get(&server).expect("a download");
        place.is_whole();
        std::fs::remove_file(place.path()).expect("a file");
    }
}

/// A range is answered by several parts with their own heads between, which are no bytes of the file.
#[test]
fn a_range_in_several_parts_is_no_part_of_the_file() {
    let server = Server::start(|asked, reply| match (asked.nth, asked.from()) {
        (0, _) => reply.serve_until(asked, &whole(), 100_000),
        (_, Some(from)) => {
            let body = [
                format!("--x\r\nContent-Range: bytes {from}-{}/{LENGTH}\r\n\r\n", LENGTH - 1).into_bytes(),
                whole()[from..].to_vec(),
                b"\r\n--x--\r\n".to_vec(),
            ]
            .concat();
            let kind = ("Content-Type", "multipart/byteranges; boundary=x");
            reply.head("206 Partial Content", &[kind, ("Content-Length", &body.len().to_string())]);
            reply.send(body);
        }
        (_, None) => reply.serve(asked, &whole()),
    });
    let place = Place::new();
    place.get(&server).expect("a download");
    place.is_whole();
}

/// An answer that is over before it began: a status line and a cut head, or a length and no body, each time.
#[test]
fn a_head_that_is_cut_is_an_error_and_tried_again() {
    for head in ["HTTP/1.1 200 OK\r\nContent-Len", "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n", "HTTP/1.1 2"] {
        let server = Server::start(move |asked, reply| match asked.nth {
            0 => reply.send(head),
            _ => reply.serve(asked, &whole()),
        });
        let place = Place::new();
        place.get(&server).expect("a download");
        place.is_whole();
        let server = Server::start(move |_, reply| reply.send(head));
        let place = Place::new();
        network(place.get_url(&server.url("/file"), &expected(&whole())));
        place.is_empty();
        assert_eq!(server.asked().len(), 4, "as often as it is allowed to");
    }
}
