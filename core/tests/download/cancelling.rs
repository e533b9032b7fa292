//! A cancel is heard whatever the server does, and what came is kept.

use std::sync::mpsc::channel;
use std::time::Duration;

use cones_core::Error;
use cones_core::library::download::{Limits, Received};
use cones_tests::server::Server;

use crate::setup::{LENGTH, Place, expected, limits, whole};

/// No time-out helps in these tests: only the cancel ends the call.
fn patient() -> Place {
    let long = Duration::from_secs(3600);
    Place::with(Limits { idle: long, connect: long, longest_wait: long, backoff: long, ..limits() })
}

/// Cancels `place`'s download once the server was asked, and waits for its end.
fn cancelled(place: &Place, server: &Server, ready: impl Fn() -> bool) {
    let (sender, ended) = channel();
    std::thread::scope(|scope| {
        scope.spawn(move || sender.send(place.get(server)));
        while server.asked().is_empty() || !ready() {
            std::thread::sleep(Duration::from_millis(5));
        }
        place.cancel.cancel();
        // Far more than it takes, far less than any limit above.
        let result = ended.recv_timeout(Duration::from_secs(60)).expect("the call ends");
        assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
    });
    assert!(!place.path().exists());
}

#[test]
fn while_no_answer_comes() {
    let server = Server::start(|_, reply| reply.hang());
    let place = patient();
    cancelled(&place, &server, || true);
    place.is_empty();
}

#[test]
fn while_the_body_has_fallen_silent() {
    let server = Server::start(|asked, reply| {
        reply.serve_until(asked, &whole(), 100_000);
        reply.hang();
    });
    let place = patient();
    cancelled(&place, &server, || place.came() == 100_000);
    assert_eq!(place.came(), 100_000);
    // What came is gone on with.
    let server = Server::start(|asked, reply| reply.serve(asked, &whole()));
    let place = Place { cancel: Place::new().cancel, ..place };
    place.get(&server).expect("a download");
    place.is_whole();
    assert_eq!(server.asked()[0].from(), Some(100_000));
}

#[test]
fn while_it_drips() {
    let server = Server::start(|_, reply| {
        reply.head("200 OK", &[("Content-Length", &LENGTH.to_string())]);
        reply.drip(&whole()[..1], Duration::from_millis(5));
    });
    let place = patient();
    cancelled(&place, &server, || place.came() > 3);
}

#[test]
fn while_waiting_for_the_next_attempt() {
    let server = Server::start(|_, reply| reply.status("503 Service Unavailable"));
    let place = patient();
    cancelled(&place, &server, || true);
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn while_a_redirect_leads_to_silence() {
    let server = Server::start(|asked, reply| match asked.nth {
        0 => reply.head("302 Found", &[("Location", "/silent"), ("Content-Length", "0")]),
        _ => reply.hang(),
    });
    let place = patient();
    cancelled(&place, &server, || server.asked().len() == 2);
}

#[test]
fn before_it_begins() {
    let server = Server::start(|asked, reply| reply.serve(asked, &whole()));
    let place = Place::new();
    place.cancel.cancel();
    assert!(matches!(place.get(&server), Err(Error::Cancelled)));
    assert!(server.asked().is_empty());
    place.is_empty();
}

#[test]
fn from_the_watch_itself() {
    let server = Server::start(|_, reply| {
        reply.head("200 OK", &[("Content-Length", &LENGTH.to_string())]);
        reply.drip(&whole()[..1], Duration::from_millis(5));
    });
    let place = patient();
    let mut watch = |received: Received<'_>| {
        if received.bytes > 0 {
            place.cancel.cancel();
        }
    };
    let result = place.downloader.file(&server.url("/"), &expected(&whole()), &place.path(), &mut watch, &place.cancel);
    assert!(matches!(result, Err(Error::Cancelled)));
    assert!(place.came() > 0);
}

#[test]
fn a_small_file_is_cancelled_as_well() {
    let server = Server::start(|_, reply| reply.hang());
    let place = patient();
    let (sender, ended) = channel();
    std::thread::scope(|scope| {
        let (place, server) = (&place, &server);
        scope.spawn(move || sender.send(place.downloader.small(&server.url("/"), 10, &place.cancel)));
        while server.asked().is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        place.cancel.cancel();
        let result = ended.recv_timeout(Duration::from_secs(60)).expect("the call ends");
        assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
    });
}
