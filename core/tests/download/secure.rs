//! Over TLS, with an authority of the tests' own.

use std::time::Duration;

use cones_core::Error;
use cones_core::library::download::{Downloader, Limits};
use cones_tests::server::{Authority, Server};

use crate::setup::{LENGTH, Place, limits, network, whole};

fn authority() -> Authority {
    Authority::new("127.0.0.1", 2100)
}

fn trusting(authority: &Authority, limits: Limits) -> Place {
    let downloader = Downloader::with_limits(limits).with_roots(&authority.pem).expect("a certificate");
    Place { downloader, ..Place::new() }
}

#[test]
fn cuts_and_silence_are_gone_on_from() {
    let authority = authority();
    let server = Server::secure(&authority, |asked, reply| {
        reply.serve_until(asked, &whole(), [100_000, 200_000, LENGTH][asked.nth.min(2)]);
        if asked.nth == 1 {
            reply.hang();
        }
    });
    let place = trusting(&authority, Limits { idle: Duration::from_millis(300), ..limits() });
    place.get(&server).expect("a download");
    place.is_whole();
    let froms: Vec<_> = server.asked().iter().map(|asked| asked.from()).collect();
    assert_eq!(froms[..3], [None, Some(100_000), Some(200_000)]);
}

#[test]
fn a_cancel_is_heard_in_silence() {
    let authority = authority();
    let server = Server::secure(&authority, |_, reply| reply.hang());
    let long = Duration::from_secs(3600);
    let place = trusting(&authority, Limits { idle: long, connect: long, ..limits() });
    std::thread::scope(|scope| {
        let call = scope.spawn(|| place.get(&server));
        while server.asked().is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        place.cancel.cancel();
        assert!(matches!(call.join().expect("a thread"), Err(Error::Cancelled)));
    });
}

/// Asked once and refused, before anything was said.
fn refused(place: &Place, server: &Server, said: &str) {
    let text = network(place.get(server));
    assert!(text.contains("no secure connection") && text.contains(said), "{text}");
    assert!(server.asked().is_empty());
    place.is_empty();
}

#[test]
fn certificates_that_nobody_vouches_for_are_refused() {
    let served = authority();
    let server = Server::secure(&served, |asked, reply| reply.serve(asked, &whole()));
    refused(&Place::new(), &server, "UnknownIssuer");
    refused(&trusting(&authority(), limits()), &server, "certificate");
}

#[test]
fn certificates_of_another_name_or_past_their_time_are_refused() {
    for (name, until, said) in [("localhost", 2100, "not valid for"), ("127.0.0.1", 2020, "expired")] {
        let authority = Authority::new(name, until);
        let server = Server::secure(&authority, |asked, reply| reply.serve(asked, &whole()));
        refused(&trusting(&authority, limits()), &server, said);
    }
}

#[test]
fn a_redirect_does_not_leave_https() {
    let plain = Server::start(|asked, reply| reply.serve(asked, &whole()));
    let (authority, location) = (authority(), plain.url("/file"));
    let server = Server::secure(&authority, move |_, reply| {
        reply.head("302 Found", &[("Location", &location), ("Content-Length", "0")]);
    });
    let place = trusting(&authority, limits());
    assert!(network(place.get(&server)).contains("leaves HTTPS"));
    assert!(plain.asked().is_empty());
    place.is_empty();
}

#[test]
fn roots_that_are_none_are_refused() {
    let broken = authority().pem.replace('M', "!");
    for pem in ["", "x", "-----BEGIN CERTIFICATE-----", broken.as_str()] {
        let result = Downloader::new().with_roots(pem);
        assert!(matches!(result, Err(Error::BadRequest { field: "roots", .. })), "{pem}: {result:?}");
    }
}
