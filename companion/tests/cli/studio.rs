//! `cones studio`: it says where it is, lets in whoever has that address, and Ctrl-C closes it. The rest is in `companion/studio/tests`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use crate::open_studio::OpenStudio;
use crate::tool::Desk;

/// Opens a studio, asks for its page, and stops it by Ctrl-C; gives the token and the answer's first line.
fn opened(desk: &Desk, folder: &str) -> (String, String) {
    let mut studio = OpenStudio::new(desk, folder);
    let (host, token) = (studio.host.clone(), studio.token.clone());
    let mut stream = TcpStream::connect(&host).expect("it listens");
    write!(stream, "GET /?token={token} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.contains("Cones studio"), "{answer}");
    assert!(Command::new("kill").args(["-INT", &studio.child.id().to_string()]).status().expect("kill runs").success());
    assert_eq!(studio.child.wait().expect("it ends").code(), Some(0));
    (token, answer.lines().next().unwrap_or_default().to_owned())
}

#[test]
fn it_opens_for_whoever_has_its_address_and_ctrl_c_closes_it() {
    let desk = Desk::new();
    let folder = desk.path("studio");
    let (token, answer) = opened(&desk, &folder);
    assert_eq!(answer, "HTTP/1.1 200 OK");
    assert_eq!(opened(&desk, &folder).0, token, "a page that was open goes on");
    assert!(desk.fails(1, &["studio", "--no-open", "--bundle", &desk.path("none")]).contains("none"));
}
