//! `cones serve`, spoken to over a bare socket: what a client library would not send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::tool::{Desk, Served, cones, fail};

/// Status, headers in lower case, and body of one exchange.
struct Answer {
    status: u16,
    headers: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }
}

/// Sends a request line and headers as they are.
fn ask(server: &Served, request: &str) -> Answer {
    let mut stream = TcpStream::connect(server.address()).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    let host = if request.contains("\r\nHost: ") { "" } else { "\r\nHost: localhost" };
    write!(stream, "{request}{host}\r\nConnection: close\r\n\r\n").expect("sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an answer");
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("a header");
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
    Answer { status, headers: head, body: bytes[end + 4..].to_vec() }
}

fn get(server: &Served, target: &str, headers: &str) -> Answer {
    ask(server, &format!("GET {target} HTTP/1.1{headers}"))
}

/// A folder with a file to serve, and secrets around it.
fn published() -> (Desk, Served, Vec<u8>) {
    let desk = Desk::new();
    let content: Vec<u8> = (0..100_000u32).map(|i| (i % 251) as u8).collect();
    std::fs::create_dir_all(desk.path("public/packs")).expect("a folder");
    desk.write("public/packs/a.cones", &content);
    desk.write("public/catalog.json", "{}");
    desk.write("public/.publishing", "secret");
    desk.write("secret", "secret");
    #[cfg(unix)]
    std::os::unix::fs::symlink(desk.path("secret"), desk.path("public/link")).expect("a link");
    let server = Served::new(&desk.path("public"));
    (desk, server, content)
}

#[test]
fn a_website_whose_name_leads_here_gets_nothing() {
    let (_desk, server, _) = published();
    let answer = get(&server, "/packs/a.cones", "\r\nHost: evil.example");
    assert_eq!(answer.status, 421);
    assert!(!answer.body.is_empty() && answer.body.len() < 100, "words, not the file");
    assert_eq!(
        get(&server, "/packs/a.cones", "\r\nHost: 127.0.0.1:1").status,
        200,
        "whatever the port: it may be forwarded"
    );
}

#[test]
fn whole_files_and_parts_are_sent() {
    let (_desk, server, content) = published();
    assert!(server.url.ends_with("/catalog.json") && server.url.starts_with("http://127.0.0.1:"), "{}", server.url);
    let whole = get(&server, "/packs/a.cones", "");
    assert_eq!((whole.status, &whole.body), (200, &content));
    assert_eq!(whole.header("content-length"), Some("100000"));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let tag = whole.header("etag").expect("a tag").to_owned();
    assert_eq!(get(&server, "/catalog.json", "").header("content-type"), Some("application/json"));

    let head = ask(&server, "HEAD /packs/a.cones HTTP/1.1");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!((head.header("content-length"), head.header("etag")), (Some("100000"), Some(tag.as_str())));

    let part = |headers: &str| get(&server, "/packs/a.cones", headers);
    let rest = part("\r\nRange: bytes=99990-");
    assert_eq!((rest.status, rest.body.as_slice()), (206, &content[99_990..]));
    assert_eq!(rest.header("content-range"), Some("bytes 99990-99999/100000"));
    let same = part(&format!("\r\nRange: bytes=5-9\r\nIf-Range: {tag}"));
    assert_eq!((same.status, same.body.as_slice()), (206, &content[5..10]));
    let other = part("\r\nRange: bytes=5-9\r\nIf-Range: \"another\"");
    assert_eq!((other.status, other.body.len()), (200, content.len()), "another file than the client began with");
    let beyond = part("\r\nRange: bytes=100000-");
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */100000")));
    let known = part(&format!("\r\nIf-None-Match: {tag}"));
    assert_eq!((known.status, known.body.len()), (304, 0));
}

#[test]
fn nothing_outside_the_folder_is_sent() {
    let (_desk, server, _) = published();
    for target in [
        "/../secret",
        "/packs/../../secret",
        "/%2e%2e/secret",
        "/.%2e/secret",
        "/..%2fsecret",
        "/%2e%2e%2fsecret",
        "/..%5csecret",
        "/..\\secret",
        "/packs/..%00/../../secret",
        "/catalog.json%00.png",
        "//etc/passwd",
        "/etc/passwd",
        "/%2fetc/passwd",
        "/.publishing",
        "/%2epublishing",
        "/link",
        "/",
        "/packs",
        "/packs/",
        "http://localhost/../secret",
        "/gone",
    ] {
        let answer = get(&server, target, "");
        assert_eq!(answer.status, 404, "{target}");
        assert_eq!(answer.body, b"not found\n", "{target}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"] {
        let answer = ask(&server, &format!("{method} /catalog.json HTTP/1.1"));
        assert_eq!((answer.status, answer.header("allow")), (405, Some("get, head")), "{method}");
    }
    assert_eq!(ask(&server, "complete nonsense").status, 400);
    assert_eq!(get(&server, "/catalog.json", "").status, 200, "and it goes on");
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_it() {
    let (_desk, mut server, _) = published();
    assert_eq!(get(&server, "/catalog.json", "").status, 200);
    assert!(Command::new("kill").args(["-INT", &server.child.id().to_string()]).status().expect("kill runs").success());
    let status = server.child.wait().expect("it ends");
    assert_eq!(status.code(), Some(0), "{status}");
}

#[test]
fn what_may_surprise_is_said() {
    let desk = Desk::new();
    assert!(fail(1, cones(&["serve", &desk.path("gone"), "--port", "0"])).contains("gone"));
    let file = desk.write("file", "x");
    assert!(fail(1, cones(&["serve", &file, "--port", "0"])).contains("no folder"));
    fail(2, cones(&["serve", &file, "--host", "nowhere"]));
    for open in ["0.0.0.0", "192.168.1.7", "::"] {
        assert!(fail(2, cones(&["serve", &file, "--host", open])).contains("loopback"), "{open}");
    }

    std::fs::create_dir(desk.path("empty")).expect("a folder");
    let mut command = cones(&["serve", &desk.path("empty"), "--port", "0", "--host", "127.0.0.1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("cones runs");
    let mut line = [0; 8];
    child.stdout.take().expect("its output").read_exact(&mut line).expect("a URL");
    child.kill().expect("killed");
    let said = child.wait_with_output().expect("its messages").stderr;
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("no catalog.json"), "{said}");
    let (_desk, server, _) = published();
    let port = server.address().rsplit_once(':').expect("a port").1.to_owned();
    assert!(fail(1, cones(&["serve", &desk.path("empty"), "--port", &port])).contains("--port"), "the port is taken");
}
