//! Several processes, and processes that are killed.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cones_tests::server::Server;

use crate::setup::{LENGTH, Place, expected, whole};

/// What the other process downloads, and where to.
const URL: &str = "CONES_TEST_URL";
const TO: &str = "CONES_TEST_TO";

/// Not a test by itself: run by the tests below, in a process of its own.
#[test]
fn the_other_process() {
    let (Ok(url), Some(path)) = (std::env::var(URL), std::env::var_os(TO)) else { return };
    let place = Place::new();
    let path: &std::path::Path = path.as_ref();
    place.downloader.file(&url, &expected(&whole()), path, &mut (), &place.cancel).expect("a download");
}

fn start(server: &Server, place: &Place) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "processes::the_other_process"])
        .env(URL, server.url("/file"))
        .env(TO, place.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("another process")
}

#[test]
fn a_killed_process_is_gone_on_from() {
    // Each answer stops after another 40,000 bytes and waits to be killed.
    let server = Server::start(|asked, reply| {
        let end = asked.from().unwrap_or(0) + 40_000;
        reply.serve_until(asked, &whole(), end.min(LENGTH));
        if end < LENGTH {
            reply.hang();
        }
    });
    let place = Place::new();
    let mut came = 0;
    while came + 40_000 < LENGTH {
        let mut child = start(&server, &place);
        came += 40_000;
        while place.came() < came {
            assert!(child.try_wait().expect("a child").is_none(), "it ended by itself");
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
        assert!(!place.path().exists());
    }
    let mut last = start(&server, &place);
    assert!(last.wait().expect("ended").success());
    place.is_whole();
    let froms: Vec<usize> = server.asked().iter().map(|asked| asked.from().unwrap_or(0)).collect();
    assert_eq!(froms, (0..8).map(|n| n * 40_000).collect::<Vec<_>>());
}

#[test]
fn two_processes_and_two_threads_get_one_file_once() {
    let server = Server::start(|asked, reply| {
        // Long enough for all to have begun.
        std::thread::sleep(Duration::from_millis(300));
        reply.serve(asked, &whole());
    });
    let place = Place::new();
    let mut children = [start(&server, &place), start(&server, &place)];
    std::thread::scope(|scope| {
        let calls = [scope.spawn(|| place.get(&server)), scope.spawn(|| place.get(&server))];
        for call in calls {
            call.join().expect("a thread").expect("a download");
        }
    });
    for child in &mut children {
        assert!(child.wait().expect("ended").success());
    }
    place.is_whole();
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn whoever_waits_goes_on_when_the_other_is_killed() {
    let server = Server::start(|asked, reply| {
        reply.serve_until(asked, &whole(), if asked.nth == 0 { 100_000 } else { LENGTH });
        if asked.nth == 0 {
            reply.hang();
        }
    });
    let place = Place::new();
    let mut child = start(&server, &place);
    while place.came() < 100_000 {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::scope(|scope| {
        let call = scope.spawn(|| place.get(&server));
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(server.asked().len(), 1, "it waits");
        child.kill().expect("killed");
        child.wait().expect("ended");
        call.join().expect("a thread").expect("a download");
    });
    place.is_whole();
    assert_eq!(server.asked()[1].from(), Some(100_000));
}

#[test]
fn waiting_for_another_process_can_be_cancelled() {
    let server = Server::start(|_, reply| reply.hang());
    let place = Place::new();
    let mut child = start(&server, &place);
    while server.asked().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::scope(|scope| {
        let call = scope.spawn(|| place.get(&server));
        std::thread::sleep(Duration::from_millis(100));
        place.cancel.cancel();
        assert!(matches!(call.join().expect("a thread"), Err(cones_core::Error::Cancelled)));
    });
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert_eq!(server.asked().len(), 1);
}
