//! Several processes at one store.

use std::process::{Child, Stdio};

use crate::{Place, installed, worker};

#[test]
fn two_processes_share_a_store() {
    share(2, 150);
}

#[test]
fn eight_processes_share_a_store() {
    share(8, 75);
}

/// Each installs, removes, lists, loads and verifies so many times, and checks what it sees.
fn share(processes: u32, times: u32) {
    let place = Place::new();
    let folder = place.packs().join("toybox");
    for name in ["ada", "bob", "cid"] {
        (1..=3).for_each(|version| drop(place.file(name, version)));
    }
    place.open().install_file(&folder.join("ada-1.cones"), None).expect("installed");
    let start = |seed: u32| -> Child {
        let mut command = worker(&["share", &seed.to_string(), &times.to_string()], [&place.path(), &folder]);
        command.stderr(Stdio::piped()).spawn().expect("a process")
    };
    let children: Vec<Child> = (1..=processes).map(start).collect();
    for child in children {
        let output = child.wait_with_output().expect("an end");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let store = place.open();
    assert!(store.verify().expect("verified").is_empty());
    assert_eq!(place.files("objects").len(), installed(&store).len());
}

/// Somebody holds the lock and does not come to an end: what reads goes on, the store can be opened, and nobody waits.
#[test]
fn a_store_that_somebody_has_locked_can_be_opened_and_read() {
    let place = Place::new();
    place.open().install_file(&place.file("rex", 1), None).expect("installed");
    let held = cones_core::disk::lock::Lock::attempt(&place.path().join(".lock")).expect("a lock").expect("it is free");
    let begun = std::time::Instant::now();
    let store = place.open();
    assert!(store.load("rex", &place.manifest).is_ok() && installed(&store) == [("rex".to_owned(), 1)]);
    assert!(begun.elapsed() < std::time::Duration::from_secs(30), "it waited: {:?}", begun.elapsed());
    drop(held);
    store.remove("rex", None).expect("removed");
}
