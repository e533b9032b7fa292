//! A download that Ctrl-C stops, and that is taken up again where it stopped.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::tool::{Desk, Served};

/// How much of a pack comes through before the line goes quiet.
const HALF: usize = 8192;

/// What the line was asked for, and whether it goes quiet within a pack.
#[derive(Default)]
struct Line {
    quiet: AtomicBool,
    silent_now: AtomicBool,
    ranges: AtomicU32,
}

/// A line to the server, at an address of its own.
fn connect(to: SocketAddr) -> (SocketAddr, Arc<Line>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (address, line) = (listener.local_addr().expect("an address"), Arc::new(Line::default()));
    let shared = Arc::clone(&line);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let line = Arc::clone(&shared);
            // A client that hangs up ends its thread.
            std::thread::spawn(move || forward(client, to, &line).ok());
        }
    });
    (address, line)
}

/// One request and its answer.
fn forward(mut client: TcpStream, to: SocketAddr, line: &Line) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !request.windows(4).any(|w| w == b"\r\n\r\n") {
        match client.read(&mut piece)? {
            0 => return Ok(()),
            count => request.extend_from_slice(&piece[..count]),
        }
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    let pack = text.lines().next().is_some_and(|l| l.contains(".cones"));
    if pack && text.to_lowercase().contains("\r\nrange: bytes=") {
        line.ranges.fetch_add(1, Ordering::SeqCst);
    }
    let mut server = TcpStream::connect(to)?;
    server.write_all(text.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes())?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    if !(pack && line.quiet.load(Ordering::SeqCst)) {
        return client.write_all(&answer);
    }
    client.write_all(&answer[..HALF.min(answer.len())])?;
    line.silent_now.store(true, Ordering::SeqCst);
    // Until the client hangs up.
    client.read(&mut piece).map(drop)
}

/// Whether a part of a download with something in it lies anywhere below a folder.
#[cfg(unix)]
fn has_part(folder: &std::path::Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| {
        let is_part = || entry.path().extension().is_some_and(|ending| ending == "part");
        has_part(&entry.path()) || is_part() && entry.metadata().is_ok_and(|found| found.len() > 0)
    })
}

#[cfg(unix)]
#[test]
fn a_download_stopped_by_ctrl_c_is_taken_up_again() {
    let desk = Desk::new();
    let (key, out) = (desk.key("a.key"), desk.path("public"));
    let picture = desk.path("noise.png");
    // Noise does not compress: the pack becomes larger than what comes through at first.
    let noise: Vec<u8> = (0..3 * 80 * 80u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    image::RgbImage::from_raw(80, 80, noise).expect("a picture").save(&picture).expect("saved");
    let rex = desk.pack("rex", "1", &["--preview", &picture]);
    assert!(std::fs::metadata(&rex).expect("the pack").len() > 2 * HALF as u64);
    desk.done(&["publish", &rex, "--out", &out, "--key", &key]);
    let server = Served::new(&out);
    let (address, line) = connect(server.address().parse().expect("an address"));
    let public = format!("{key}.pub");
    let url = format!("http://{address}/catalog.json");
    let install = ["packs", "install", "rex", "--catalog", &url, "--key", &public];

    line.quiet.store(true, Ordering::SeqCst);
    let child = desk.cones(&install).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("cones runs");
    let give_up = Instant::now() + Duration::from_secs(60);
    // The line is silent once it has sent the half; only what is on the disk can be gone on from.
    while !line.silent_now.load(Ordering::SeqCst) || !has_part(desk.path("installed").as_ref()) {
        assert!(Instant::now() < give_up, "it never asked for the pack");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("stopped"));
    assert_eq!(desk.done(&["packs", "list"]), "", "half a pack is no pack");
    assert_eq!(line.ranges.load(Ordering::SeqCst), 0);

    line.quiet.store(false, Ordering::SeqCst);
    assert!(desk.done(&install).starts_with("rex\t1\t"));
    assert_eq!(line.ranges.load(Ordering::SeqCst), 1, "the second half was asked for");
    assert!(desk.done(&["packs", "verify"]).contains("rex\twhole"));
}
