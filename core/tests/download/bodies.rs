//! Answers that are too long, too short, wrong, encoded, endless, or no HTTP at all.

use std::time::Duration;

use cones_core::library::download::{Expected, Limits};
use cones_core::{Error, Sha256};
use cones_tests::server::{Server, content};

use crate::setup::{LENGTH, Place, expected, limits, network, untrusted, whole};

#[test]
fn a_wrong_length_is_refused_before_the_body() {
    for length in [0, 1, LENGTH - 1, LENGTH + 1, usize::MAX] {
        let server = Server::start(move |_, reply| {
            reply.head("200 OK", &[("Content-Length", &length.to_string())]);
            reply.drip(&[1; 1000], Duration::ZERO);
        });
        let place = Place::new();
        assert!(network(place.get(&server)).contains(&format!("{length} bytes instead of {LENGTH}")));
        assert_eq!(server.asked().len(), 1);
        place.is_empty();
    }
}

#[test]
fn a_wrong_hash_leaves_nothing() {
    let server = Server::start(|asked, reply| reply.serve(asked, &content(LENGTH, 2)));
    let place = Place::new();
    let text = untrusted(place.get(&server));
    assert!(
        text.contains(&Sha256::digest(content(LENGTH, 2)).to_string())
            && text.contains(&Sha256::digest(whole()).to_string()),
        "{text}"
    );
    assert_eq!(server.asked().len(), 1);
    place.is_empty();
}

#[test]
fn a_wrong_hash_leaves_what_was_there() {
    let server = Server::start(|asked, reply| reply.serve(asked, &content(LENGTH, 2)));
    let place = Place::new();
    std::fs::write(place.path(), "older").expect("a file");
    untrusted(place.get(&server));
    assert_eq!(std::fs::read(place.path()).expect("a file"), b"older");
    assert_eq!(place.names(), ["file"]);
}

#[test]
fn more_than_announced_is_never_written() {
    // Without a length, the bytes themselves are counted.
    for more in [1, 100_000] {
        let server = Server::start(move |_, reply| {
            reply.head("200 OK", &[]);
            reply.send([whole(), vec![0; more]].concat());
        });
        let place = Place::new();
        assert!(network(place.get(&server)).contains("more than the 300000 bytes"));
        assert_eq!(server.asked().len(), 1);
        place.is_empty();
    }
}

#[test]
fn an_endless_body_ends() {
    let server = Server::start(|_, reply| {
        reply.head("200 OK", &[("Transfer-Encoding", "chunked")]);
        reply.drip(&[b"1000\r\n".to_vec(), vec![7; 4096], b"\r\n".to_vec()].concat(), Duration::ZERO);
    });
    let place = Place::new();
    assert!(network(place.get(&server)).contains("more than the 300000 bytes"));
    place.is_empty();
}

#[test]
fn chunks_and_close_are_bodies_as_well() {
    let server = Server::start(|asked, reply| {
        if asked.path == "/closed" {
            reply.head("200 OK", &[]);
            return reply.send(whole());
        }
        reply.head("200 OK", &[("Transfer-Encoding", "chunked")]);
        for piece in whole().chunks(7777) {
            reply.send(format!("{:x};name=value\r\n", piece.len()));
            reply.send(piece);
            reply.send("\r\n");
        }
        reply.send("0\r\n\r\n");
    });
    for path in ["/closed", "/chunked"] {
        let place = Place::new();
        place.get_url(&server.url(path), &expected(&whole())).expect("a download");
        place.is_whole();
    }
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn cut_chunks_are_resumed() {
    let server = Server::start(|asked, reply| {
        if asked.nth > 0 {
            return reply.serve(asked, &whole());
        }
        reply.head("200 OK", &[("Transfer-Encoding", "chunked")]);
        reply.send("186a0\r\n");
        reply.send(&whole()[..60_000]);
    });
    let place = Place::new();
    place.get(&server).expect("a download");
    place.is_whole();
    assert_eq!(server.asked()[1].from(), Some(60_000));
}

#[test]
fn chunks_that_are_none_are_an_error() {
    for chunk in
        ["zz\r\nabc\r\n", "-1\r\nabc\r\n", "ffffffffffffffffffff\r\nabc\r\n", "3\r\nabcdef\r\n", "\r\n\r\n\r\n"]
    {
        let server = Server::start(move |_, reply| {
            reply.head("200 OK", &[("Transfer-Encoding", "chunked")]);
            reply.send(chunk);
        });
        let place = Place::new();
        network(place.get(&server));
        assert!(!place.path().exists());
    }
}

/// A chunk extension without end moves bytes without ever giving one.
#[test]
fn a_frame_without_content_is_silence() {
    let server = Server::start(|_, reply| {
        reply.head("200 OK", &[("Transfer-Encoding", "chunked")]);
        reply.send("10;");
        reply.drip(b"x", Duration::from_millis(10));
    });
    let place = Place::with(Limits { idle: Duration::from_millis(200), attempts: 2, ..limits() });
    network(place.get(&server));
    place.is_empty();
}

#[test]
fn an_encoding_that_was_not_asked_for_is_refused() {
    for encoding in ["gzip", "br", "deflate", "gzip, gzip", "aes128gcm"] {
        let server = Server::start(move |_, reply| {
            reply.head("200 OK", &[("Content-Encoding", encoding), ("Content-Length", &LENGTH.to_string())]);
            reply.send(whole());
        });
        let place = Place::new();
        assert!(network(place.get(&server)).contains("encoded"));
        assert_eq!(server.asked().len(), 1);
        place.is_empty();
    }
}

#[test]
fn a_body_that_claims_to_be_compressed_by_its_transfer_is_not_unpacked() {
    let server = Server::start(|_, reply| {
        reply.head("200 OK", &[("Transfer-Encoding", "gzip, chunked")]);
        reply.send("3\r\nabc\r\n0\r\n\r\n");
    });
    let place = Place::new();
    assert!(place.get(&server).is_err());
    assert!(!place.path().exists());
}

#[test]
fn two_lengths_are_not_believed() {
    let server = Server::start(|_, reply| {
        reply.head("200 OK", &[("Content-Length", "5"), ("Content-Length", &LENGTH.to_string())]);
        reply.send(whole());
    });
    let place = Place::new();
    assert!(place.get(&server).is_err());
    assert!(!place.path().exists());
}

#[test]
fn heads_without_end_are_refused() {
    let server = Server::start(|asked, reply| {
        reply.send("HTTP/1.1 200 OK\r\n");
        match asked.path.as_str() {
            "/many" => reply.drip(b"X-More: and more of it\r\n", Duration::ZERO),
            "/long" => reply.drip(&[b'x'; 1000], Duration::ZERO),
            _ => reply.drip(b"x", Duration::from_millis(5)),
        }
    });
    for path in ["/many", "/long"] {
        let place = Place::new();
        network(place.get_url(&server.url(path), &expected(&whole())));
        place.is_empty();
    }
    assert_eq!(server.asked().len(), 2, "not tried again");
    // Slowly: within the idle time it has to be there.
    let place = Place::with(Limits { idle: Duration::from_millis(200), attempts: 1, ..limits() });
    assert!(network(place.get_url(&server.url("/slow"), &expected(&whole()))).contains("in time"));
    place.is_empty();
}

#[test]
fn what_is_no_http_is_an_error() {
    let answers: [&[u8]; 9] = [
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\xff\xfe: \xff\r\n\r\n",
    ];
    for answer in answers {
        let server = Server::start(move |_, reply| reply.send(answer));
        let place = Place::new();
        network(place.get(&server));
        assert!(!place.path().exists());
    }
}

#[test]
fn a_status_that_means_no_file_is_none() {
    for status in
        ["201 Created", "202 Accepted", "204 No Content", "206 Partial Content", "304 Not Modified", "300 Which"]
    {
        let server = Server::start(move |_, reply| {
            reply.head(status, &[("Content-Length", &LENGTH.to_string())]);
            reply.send(whole());
        });
        let place = Place::new();
        network(place.get(&server));
        assert_eq!(server.asked().len(), 1, "{status}");
        place.is_empty();
    }
}

#[test]
fn a_server_that_speaks_unasked_first_is_heard_out() {
    let server = Server::start(|asked, reply| {
        reply.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
        reply.serve(asked, &whole());
    });
    let place = Place::new();
    // Whether the client knows these is its own affair; the file is right or there is none.
    match place.get(&server) {
        Ok(()) => place.is_whole(),
        Err(error) => assert!(matches!(error, Error::Network { .. }), "{error}"),
    }
}

#[test]
fn what_does_not_fit_is_not_asked_for() {
    let server = Server::start(|_, reply| reply.status("500 Internal Server Error"));
    let place = Place::new();
    let result = place.get_as(&server, &Expected { bytes: 1 << 60, sha256: Sha256::digest("") });
    assert!(matches!(result, Err(Error::OutOfSpace { needed, .. }) if needed == 1 << 60), "{result:?}");
    assert!(server.asked().is_empty());
    place.is_empty();
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let server = Server::start(|asked, reply| reply.serve(asked, &whole()));
    let place = Place::new();
    let path = place.folder().join("none/file");
    let result = place.downloader.file(&server.url("/"), &expected(&whole()), &path, &mut (), &place.cancel);
    assert!(matches!(result, Err(Error::Io { .. })), "{result:?}");
    for path in ["/", "..", ""] {
        let result =
            place.downloader.file(&server.url("/"), &expected(&whole()), path.as_ref(), &mut (), &place.cancel);
        assert!(matches!(result, Err(Error::BadRequest { .. })), "{result:?}");
    }
    assert!(server.asked().is_empty());
}
