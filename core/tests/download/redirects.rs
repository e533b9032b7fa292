//! Redirects are followed within the rules for URLs, and those rules hold for the first URL as well.

use std::io::Read;
use std::net::TcpListener;
use std::sync::mpsc::channel;

use cones_core::Error;
use cones_tests::server::Server;

use crate::setup::{Place, expected, network, whole};

/// A server that redirects `/file` to what its argument says, with this status.
fn to(status: &'static str, location: &str) -> Server {
    let location = location.to_owned();
    Server::start(move |asked, reply| match asked.path.as_str() {
        "/file" => reply.head(status, &[("Location", &location), ("Content-Length", "0")]),
        "/there?token=secret" => reply.serve(asked, &whole()),
        _ => reply.status("404 Not Found"),
    })
}

#[test]
fn all_kinds_are_followed() {
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let server = to(status, "/there?token=secret");
        let place = Place::new();
        place.get(&server).expect("a download");
        place.is_whole();
        assert_eq!(server.asked().len(), 2);
    }
}

#[test]
fn another_port_and_a_body_beside_are_fine() {
    let target = Server::start(|asked, reply| reply.serve(asked, &whole()));
    let location = target.url("/elsewhere");
    let server = Server::start(move |_, reply| {
        reply.head("302 Found", &[("Location", &location), ("Content-Length", "5")]);
        reply.send("hello");
    });
    let place = Place::new();
    place.get(&server).expect("a download");
    place.is_whole();
    assert_eq!(target.asked().len(), 1);
}

#[test]
fn a_resumed_download_is_redirected_as_well() {
    let server = Server::start(|asked, reply| match asked.path.as_str() {
        "/file" => reply.head("302 Found", &[("Location", "/there"), ("Content-Length", "0")]),
        _ => reply.serve_until(asked, &whole(), if asked.nth == 1 { 1000 } else { whole().len() }),
    });
    let place = Place::new();
    place.get(&server).expect("a download");
    place.is_whole();
    assert_eq!(server.asked()[3].from(), Some(1000));
    assert!(server.asked()[3].header("if-range").is_some());
}

#[test]
fn loops_end() {
    let server = to("302 Found", "/file");
    let place = Place::new();
    assert!(network(place.get(&server)).contains("redirects more than 3 times"));
    // Three followed after the first, and not tried again.
    assert_eq!(server.asked().len(), 4);
    place.is_empty();
}

#[test]
fn http_on_another_host_is_refused() {
    for location in
        ["http://example.org/file", "http://127.0.0.1.example.org/", "//example.org/file", "http:\\\\example.org"]
    {
        let server = to("302 Found", location);
        let place = Place::new();
        let text = network(place.get(&server));
        assert!(text.contains("redirects to") && text.contains("only HTTPS"), "{text}");
        assert_eq!(server.asked().len(), 1);
        place.is_empty();
    }
}

#[test]
fn other_schemes_credentials_and_nonsense_are_refused() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let with_password = format!("http://anna:secret@127.0.0.1:{port}/?secret");
    for location in
        ["file:///etc/hostname", "ftp://127.0.0.1/", "data:,x", "javascript:alert(1)", "http://[", &with_password]
    {
        let server = to("302 Found", location);
        let place = Place::new();
        let text = network(place.get(&server));
        assert!(!text.contains(":secret") && !text.contains("?secret"), "{text}");
        assert_eq!(server.asked().len(), 1);
        place.is_empty();
    }
}

#[test]
fn a_redirect_to_nowhere_is_an_error() {
    let server = Server::start(|_, reply| reply.status("302 Found"));
    let place = Place::new();
    assert!(network(place.get(&server)).contains("nowhere"));
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn only_urls_that_may_be_asked_are_asked() {
    let place = Place::new();
    for url in [
        "http://example.org/file",
        "ftp://127.0.0.1/file",
        "file:///etc/hostname",
        "file",
        "",
        "https://a:b@127.0.0.1/",
    ] {
        let text = network(place.get_url(url, &expected(&whole())));
        println!("{text}");
        place.is_empty();
    }
    // Loopback by its name.
    let server = Server::start(|asked, reply| reply.serve(asked, &whole()));
    place.get_url(&format!("http://localhost:{}/", server.port()), &expected(&whole())).expect("a download");
    place.is_whole();
}

#[test]
fn https_is_spoken_and_not_left_when_it_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://{}/file", listener.local_addr().expect("an address"));
    let (sender, greetings) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut greeting = [0; 3];
            let mut stream = stream.expect("a connection");
            stream.read_exact(&mut greeting).expect("a greeting");
            // No TLS comes back.
            let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
            if sender.send(greeting).is_err() {
                return;
            }
        }
    });
    let place = Place::new();
    let text = network(place.get_url(&url, &expected(b"hello")));
    assert!(text.contains("no secure connection"), "{text}");
    // A TLS handshake, once.
    let greetings: Vec<[u8; 3]> = greetings.try_iter().collect();
    assert!(matches!(greetings.as_slice(), [[0x16, 3, _]]), "{greetings:?}");
    place.is_empty();
}

#[test]
fn errors_name_the_url_without_its_secrets() {
    let server = Server::start(|_, reply| reply.status("403 Forbidden"));
    let place = Place::new();
    let result = place.get_url(&server.url("/file?signature=secret#secret"), &expected(&whole()));
    let Err(Error::Network { url, .. }) = &result else { panic!("{result:?}") };
    assert_eq!(*url, server.url("/file"));
    assert!(!network(result).contains("secret"));
}
