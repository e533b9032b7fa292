//! What is tried again, how often, and what is not.

use std::net::TcpListener;
use std::time::Duration;

use cones_core::library::download::Limits;
use cones_tests::server::{Server, content};

use crate::setup::{LENGTH, Place, expected, limits, network, whole};

/// A server that answers with these statuses first, and then serves well.
fn first(statuses: &'static [&'static str]) -> Server {
    Server::start(move |asked, reply| match statuses.get(asked.nth) {
        Some(status) => reply.status(status),
        None => reply.serve(asked, &whole()),
    })
}

#[test]
fn trouble_that_passes_is_tried_again() {
    let server = first(&["500 Internal Server Error", "503 Service Unavailable", "408 Request Timeout"]);
    let place = Place::new();
    place.get(&server).expect("a download");
    place.is_whole();
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn trouble_that_stays_ends() {
    let server = first(&["500 Internal Server Error"; 100]);
    let place = Place::new();
    let text = network(place.get(&server));
    assert!(text.contains("status 500") && text.contains("4 attempts"), "{text}");
    assert_eq!(server.asked().len(), 4);
    place.is_empty();
}

#[test]
fn what_will_not_change_is_asked_once() {
    for status in ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "410 Gone", "451 No"] {
        let server = Server::start(move |_, reply| reply.status(status));
        let place = Place::new();
        assert!(network(place.get(&server)).contains(&status[..3]));
        assert_eq!(server.asked().len(), 1);
        place.is_empty();
    }
}

#[test]
fn a_server_that_asks_for_time_gets_it() {
    let server = Server::start(|asked, reply| match asked.nth {
        0 => reply.head("429 Too Many Requests", &[("Retry-After", "1"), ("Content-Length", "0")]),
        _ => reply.serve(asked, &whole()),
    });
    let place = Place::new();
    // It is not asked again at once, and cancelling ends this wait as any other.
    let cancel = place.cancel.clone();
    let waiting = std::thread::scope(|scope| {
        let call = scope.spawn(|| place.get(&server));
        std::thread::sleep(Duration::from_millis(300));
        let asked = server.asked().len();
        cancel.cancel();
        (asked, call.join().expect("a call"))
    });
    assert_eq!(waiting.0, 1);
    assert!(matches!(waiting.1, Err(cones_core::Error::Cancelled)));
    let place = Place::new();
    place.get(&server).expect("a download");
    place.is_whole();
}

#[test]
fn a_server_that_asks_for_too_much_time_is_left_alone() {
    let server = Server::start(|_, reply| {
        reply.head("429 Too Many Requests", &[("Retry-After", "86400"), ("Content-Length", "0")]);
    });
    let place = Place::new();
    let result = place.get(&server);
    let hint = result.as_ref().expect_err("no download").hint().map(str::to_owned);
    assert!(hint.is_some_and(|hint| hint.contains("try again in 86400 s")));
    network(result);
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn progress_gives_new_patience_within_an_overall_bound() {
    // One attempt in a row may fail, but each brings something.
    let server = Server::start(|asked, reply| reply.serve_until(asked, &whole(), (asked.nth + 1) * 30_000));
    let place = Place::with(Limits { attempts: 2, ..limits() });
    place.get(&server).expect("a download");
    place.is_whole();
    assert_eq!(server.asked().len(), 10);

    let server = Server::start(|asked, reply| reply.serve_until(asked, &whole(), asked.nth + 1));
    let place = Place::with(Limits { attempts: 2, attempts_in_all: 20, ..limits() });
    assert!(network(place.get(&server)).contains("20 attempts"));
    assert_eq!(place.came(), 20);
}

#[test]
fn a_server_that_always_cuts_at_the_same_place_ends() {
    // Without ranges each attempt begins anew and brings nothing new.
    let server = Server::start(|_, reply| {
        reply.head("200 OK", &[("Content-Length", &LENGTH.to_string())]);
        reply.send(&whole()[..50_000]);
    });
    let place = Place::new();
    assert!(network(place.get(&server)).contains("attempts"));
    assert_eq!(server.asked().len(), 5);
    assert!(!place.path().exists());
}

#[test]
fn no_server_is_tried_again_and_named() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let place = Place::new();
    let url = format!("http://127.0.0.1:{port}/file");
    let text = network(place.get_url(&url, &expected(&whole())));
    assert!(text.contains(&url) && text.contains("4 attempts"), "{text}");
    place.is_empty();
}

#[test]
fn a_connection_closed_without_an_answer_is_tried_again() {
    let server = Server::start(|asked, reply| match asked.nth {
        0 => {}
        1 => reply.send("HTTP/1.1 200 OK\r\nContent-Le"),
        _ => reply.serve(asked, &whole()),
    });
    let place = Place::new();
    place.get(&server).expect("a download");
    place.is_whole();
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn a_server_that_falls_silent_is_left_and_asked_again() {
    let server = Server::start(|asked, reply| match asked.nth {
        // Before its head, inside it, and inside the body.
        0 => reply.hang(),
        1 => {
            reply.send("HTTP/1.1 200 OK\r\n");
            reply.hang();
        }
        2 => {
            reply.serve_until(asked, &whole(), 100_000);
            reply.hang();
        }
        _ => reply.serve(asked, &whole()),
    });
    let place = Place::with(Limits { idle: Duration::from_millis(250), attempts: 10, ..limits() });
    place.get(&server).expect("a download");
    place.is_whole();
    assert_eq!(server.asked().last().and_then(|asked| asked.from()), Some(100_000));
}

#[test]
fn a_slow_server_that_never_falls_silent_is_waited_for() {
    let server = Server::start(|_, reply| {
        reply.head("200 OK", &[("Content-Length", "10")]);
        for byte in content(10, 5) {
            std::thread::sleep(Duration::from_millis(50));
            reply.send([byte]);
        }
    });
    // All of it takes longer than the idle time.
    let place = Place::with(Limits { idle: Duration::from_millis(400), attempts: 1, ..limits() });
    place.get_as(&server, &expected(&content(10, 5))).expect("a download");
    assert_eq!(server.asked().len(), 1);
}
