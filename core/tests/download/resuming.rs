//! What came is not asked for again, and what cannot be gone on with is begun anew.

use cones_core::library::download::{Expected, Limits, Received};
use cones_tests::server::{Server, content, sha256, tag};

use crate::setup::{LENGTH, Place, expected, limits, network, untrusted, whole};

/// The first byte each request asked for.
fn froms(server: &Server) -> Vec<usize> {
    server.asked().iter().map(|asked| asked.from().unwrap_or(0)).collect()
}

/// A server that ends its first answers before these bytes of the file, and then serves well.
fn cut_at(ends: &'static [usize]) -> Server {
    Server::start(move |asked, reply| {
        let end = ends.get(asked.nth).copied().unwrap_or(LENGTH);
        reply.serve_until(asked, &whole(), end);
    })
}

/// A place where a first call broke off before byte `end`.
fn broken_off(end: usize) -> Place {
    let server = Server::start(move |asked, reply| reply.serve_until(asked, &whole(), end));
    let place = Place::with(Limits { attempts_in_all: 1, ..limits() });
    network(place.get(&server));
    assert_eq!(place.came(), end);
    Place { downloader: Place::new().downloader, ..place }
}

#[test]
fn a_good_server_is_asked_once() {
    let server = cut_at(&[]);
    let place = Place::new();
    place.get(&server).expect("a download");
    place.is_whole();
    assert_eq!(froms(&server), [0]);
    // What is there already is not asked for.
    place.get(&server).expect("no download");
    assert_eq!(froms(&server), [0]);
}

#[test]
fn what_is_there_but_wrong_is_replaced() {
    let server = cut_at(&[]);
    for wrong in [content(LENGTH, 2), vec![1], Vec::new()] {
        let place = Place::new();
        std::fs::write(place.path(), wrong).expect("a file");
        place.get(&server).expect("a download");
        place.is_whole();
    }
}

#[test]
fn cut_connections_are_resumed_where_they_broke() {
    let server = cut_at(&[1, 2, 65_536, 65_537, 131_072, 299_999]);
    let place = Place::new();
    place.get(&server).expect("a download");
    place.is_whole();
    assert_eq!(froms(&server), [0, 1, 2, 65_536, 65_537, 131_072, 299_999]);
    for asked in server.asked().iter().skip(1) {
        assert_eq!(asked.header("if-range"), Some(tag(&whole()).as_str()));
    }
}

#[test]
fn every_request_is_for_the_file_as_it_is() {
    let server = cut_at(&[7]);
    Place::new().get(&server).expect("a download");
    for asked in server.asked() {
        assert_eq!(asked.header("accept-encoding"), Some("identity"));
        assert!(asked.header("user-agent").is_some_and(|agent| agent.starts_with("cones/")));
        assert!(!asked.headers.contains_key("cookie") && !asked.headers.contains_key("referer"));
    }
}

#[test]
fn a_later_call_asks_for_the_missing_bytes_only() {
    for end in [1, 100_000, LENGTH - 1] {
        let place = broken_off(end);
        let server = cut_at(&[]);
        place.get(&server).expect("a download");
        place.is_whole();
        assert_eq!(froms(&server), [end]);
    }
}

#[test]
fn all_bytes_there_but_not_yet_named_are_not_asked_for_again() {
    let place = broken_off(LENGTH - 1);
    let last = *whole().last().expect("a byte");
    let part = place.folder().join(".file.part");
    let bytes = [std::fs::read(&part).expect("a part"), vec![last]].concat();
    std::fs::write(&part, bytes).expect("a part");
    let server = Server::start(|_, reply| reply.status("500 Internal Server Error"));
    place.get(&server).expect("no download");
    place.is_whole();
    assert!(server.asked().is_empty());
}

#[test]
fn a_server_without_ranges_begins_anew() {
    let place = broken_off(100_000);
    let server = Server::start(|_, reply| {
        reply.head("200 OK", &[("Content-Length", &LENGTH.to_string())]);
        reply.send(whole());
    });
    place.get(&server).expect("a download");
    place.is_whole();
    assert_eq!(froms(&server), [100_000]);
}

#[test]
fn a_server_without_validators_is_resumed_on_trial() {
    let serve = |asked: &cones_tests::server::Asked, reply: &mut cones_tests::server::Reply, end: usize| {
        assert_eq!(asked.header("if-range"), None);
        match asked.from() {
            None => reply.head("200 OK", &[("Content-Length", &LENGTH.to_string())]),
            Some(from) => {
                reply.head("206 Partial Content", &[("Content-Range", &format!("bytes {from}-{}/*", LENGTH - 1))])
            }
        }
        reply.send(&whole()[asked.from().unwrap_or(0)..end]);
    };
    let server = Server::start(move |asked, reply| serve(asked, reply, [50, 200_000, LENGTH][asked.nth]));
    let place = Place::new();
    place.get(&server).expect("a download");
    place.is_whole();
    assert_eq!(froms(&server), [0, 50, 200_000]);
}

#[test]
fn a_file_that_changed_in_between_is_taken_from_its_start() {
    // The first answer is of another state of the file; its tag does not match any more.
    let server = Server::start(|asked, reply| match asked.nth {
        0 => reply.serve_until(asked, &content(LENGTH, 2), 100_000),
        _ => reply.serve(asked, &whole()),
    });
    let place = Place::new();
    place.get(&server).expect("a download");
    place.is_whole();
    assert_eq!(froms(&server), [0, 100_000]);
    assert_eq!(server.asked()[1].header("if-range"), Some(tag(&content(LENGTH, 2)).as_str()));
}

/// A server whose files change while their tag stays: the hash shows it.
#[test]
fn a_mixed_file_is_begun_anew_once() {
    let same =
        |asked: &cones_tests::server::Asked, reply: &mut cones_tests::server::Reply, bytes: &[u8], end: usize| {
            let from = asked.from().unwrap_or(0);
            let length = (LENGTH - from).to_string();
            let range = format!("bytes {from}-{}/{LENGTH}", LENGTH - 1);
            let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
            reply.head(status, &[("Content-Length", length.as_str()), ("Content-Range", &range), ("ETag", "\"same\"")]);
            reply.send(&bytes[from..end]);
        };
    let server = Server::start(move |asked, reply| match asked.nth {
        0 => same(asked, reply, &content(LENGTH, 2), 100_000),
        _ => same(asked, reply, &whole(), LENGTH),
    });
    let place = Place::new();
    place.get(&server).expect("a download");
    place.is_whole();
    assert_eq!(froms(&server), [0, 100_000, 0]);

    // One that never has the right bytes is asked no third time.
    let server = Server::start(move |asked, reply| {
        same(asked, reply, &content(LENGTH, 2), if asked.nth == 0 { 100_000 } else { LENGTH });
    });
    let place = Place::new();
    untrusted(place.get(&server));
    assert_eq!(froms(&server), [0, 100_000, 0]);
    place.is_empty();
}

#[test]
fn a_part_that_was_damaged_on_the_disk_is_begun_anew() {
    let place = broken_off(100_000);
    let part = place.folder().join(".file.part");
    let mut bytes = std::fs::read(&part).expect("a part");
    bytes[50_000] ^= 1;
    std::fs::write(&part, bytes).expect("a part");
    let server = cut_at(&[]);
    place.get(&server).expect("a download");
    place.is_whole();
    assert_eq!(froms(&server), [100_000, 0]);
}

#[test]
fn a_part_of_another_file_is_not_gone_on_with() {
    let place = broken_off(100_000);
    let other = content(LENGTH, 3);
    let served = other.clone();
    let server = Server::start(move |asked, reply| reply.serve(asked, &served));
    place.get_as(&server, &expected(&other)).expect("a download");
    assert_eq!(std::fs::read(place.path()).expect("a file"), other);
    assert_eq!(froms(&server), [0]);
}

#[test]
fn a_part_with_a_lost_or_damaged_note_is_begun_anew() {
    let note = |place: &Place| place.folder().join(".file.part.json");
    for damage in [None, Some(""), Some("{"), Some("[1, 2]"), Some("\0\0\0\0")] {
        let place = broken_off(100_000);
        match damage {
            None => std::fs::remove_file(note(&place)).expect("a note"),
            Some(text) => std::fs::write(note(&place), text).expect("a note"),
        }
        let server = cut_at(&[]);
        place.get(&server).expect("a download");
        place.is_whole();
        assert_eq!(froms(&server), [0]);
    }
}

#[test]
fn a_validator_that_cannot_be_sent_is_not_sent() {
    let place = broken_off(100_000);
    let note = serde_json::json!({
        "sha256": sha256(&whole()), "bytes": LENGTH, "url": "x", "validator": "\"a\"\r\nX-Injected: 1",
    });
    std::fs::write(place.folder().join(".file.part.json"), note.to_string()).expect("a note");
    let server = cut_at(&[]);
    place.get(&server).expect("a download");
    place.is_whole();
    assert!(server.asked().iter().all(|asked| !asked.headers.contains_key("x-injected")));
}

#[test]
fn another_mirror_goes_on_without_the_first_ones_tag() {
    let place = broken_off(100_000);
    let server = cut_at(&[]);
    place.get_url(&server.url("/mirror"), &expected(&whole())).expect("a download");
    place.is_whole();
    assert_eq!(froms(&server), [100_000]);
    assert_eq!(server.asked()[0].header("if-range"), None);
}

#[test]
fn a_signed_url_that_was_renewed_keeps_its_tag_and_is_not_written_down() {
    let server = cut_at(&[100_000]);
    let place = Place::with(Limits { attempts_in_all: 1, ..limits() });
    let text = network(place.get_url(&server.url("/file?token=secret"), &expected(&whole())));
    assert!(!text.contains("secret"));
    let note = std::fs::read_to_string(place.folder().join(".file.part.json")).expect("a note");
    assert!(!note.contains("secret"), "{note}");
    place.get_url(&server.url("/file?token=other"), &expected(&whole())).expect("a download");
    place.is_whole();
    assert_eq!(server.asked()[1].header("if-range"), Some(tag(&whole()).as_str()));
    assert_eq!(server.asked()[1].path, "/file?token=other");
}

#[test]
fn a_part_that_the_server_does_not_have_is_begun_anew() {
    let place = broken_off(100_000);
    let server = Server::start(|asked, reply| match asked.from() {
        Some(_) => reply.status("416 Range Not Satisfiable"),
        None => reply.serve(asked, &whole()),
    });
    place.get(&server).expect("a download");
    place.is_whole();
    assert_eq!(froms(&server), [100_000, 0]);
}

#[test]
fn a_wrong_part_is_not_taken() {
    let ranges = [
        "bytes 0-299999/300000",
        "bytes 100001-299999/300000",
        "bytes 99999-299999/300000",
        "bytes 100000-300000/300001",
        "bytes 100000-299999",
        "bytes 299999-100000/300000",
        "bytes */300000",
        "lines 100000-299999/300000",
        "",
    ];
    for range in ranges {
        let place = broken_off(100_000);
        let server = Server::start(move |asked, reply| match asked.from() {
            Some(_) => {
                reply.head("206 Partial Content", &[("Content-Range", range)]);
                reply.send(content(200_000, 9));
            }
            None => reply.serve(asked, &whole()),
        });
        let result = place.get(&server);
        if range.ends_with("300001") {
            assert!(network(result).contains("300001 bytes instead of 300000"));
            continue;
        }
        result.expect("a download");
        place.is_whole();
        assert_eq!(froms(&server), [100_000, 0], "{range}");
    }
}

#[test]
fn a_part_under_the_status_of_a_whole_is_gone_on_with() {
    let place = broken_off(100_000);
    let server = Server::start(|asked, reply| {
        let from = asked.from().expect("a range");
        let range = format!("bytes {from}-{}/{LENGTH}", LENGTH - 1);
        let length = (LENGTH - from).to_string();
        reply.head("200 OK", &[("Content-Range", &range), ("Content-Length", &length)]);
        reply.send(&whole()[from..]);
    });
    place.get(&server).expect("a download");
    place.is_whole();
    assert_eq!(froms(&server), [100_000]);
}

#[test]
fn an_answer_that_is_neither_whole_nor_part_is_asked_for_without_a_range() {
    // The rest without its range; another part than asked for; the whole, said as a part.
    let answers: [(&[(&str, &str)], usize); 3] = [
        (&[("Content-Length", "200000")], 100_000),
        (&[("Content-Range", "bytes 99999-299999/300000"), ("Content-Length", "200001")], 99_999),
        (&[("Content-Range", "bytes 0-299999/300000"), ("Content-Length", "300000")], 0),
    ];
    for (headers, from) in answers {
        let place = broken_off(100_000);
        let server = Server::start(move |asked, reply| match asked.from() {
            Some(_) => {
                reply.head("200 OK", headers);
                reply.send(&whole()[from..]);
            }
            None => reply.serve(asked, &whole()),
        });
        place.get(&server).expect("a download");
        place.is_whole();
        assert_eq!(froms(&server), [100_000, 0], "{headers:?}");
    }
}

#[test]
fn less_than_was_asked_for_is_taken_and_gone_on_from() {
    let place = broken_off(100_000);
    let server = Server::start(|asked, reply| {
        let from = asked.from().expect("a range");
        let end = (from + 70_000).min(LENGTH);
        reply.head("206 Partial Content", &[("Content-Range", &format!("bytes {from}-{}/{LENGTH}", end - 1))]);
        reply.send(&whole()[from..end]);
    });
    place.get(&server).expect("a download");
    place.is_whole();
    assert_eq!(froms(&server), [100_000, 170_000, 240_000]);
}

#[test]
fn progress_counts_what_was_there_and_ends_with_all() {
    let place = broken_off(100_000);
    let server = cut_at(&[]);
    let mut seen = Vec::new();
    let mut watch = |received: Received<'_>| {
        assert_eq!((received.name, received.total), ("file", LENGTH as u64));
        seen.push(received.bytes);
    };
    let Expected { bytes, .. } = expected(&whole());
    place
        .downloader
        .file(&server.url("/file"), &expected(&whole()), &place.path(), &mut watch, &place.cancel)
        .expect("a download");
    assert_eq!((seen.first(), seen.last()), (Some(&100_000), Some(&bytes)));
    assert!(seen.is_sorted(), "{seen:?}");
}

#[test]
fn an_empty_file_needs_no_server() {
    let place = Place::new();
    place.get_url("http://127.0.0.1:1/", &expected(b"")).expect("a download");
    assert_eq!(std::fs::read(place.path()).expect("a file"), b"");
    assert_eq!(place.names(), ["file"]);
}
