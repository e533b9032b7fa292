//! Full and read-only file systems, mounted where the system lets an ordinary process do that.

use std::process::Command;

use crate::Place;

/// Runs a script with a small file system on the store's folder. None where that is not allowed.
fn mounted(place: &Place, size: &str, script: &str) -> Option<String> {
    let mut names = Command::new("true");
    names.env("STORE", place.path()).env("WORKER", env!("CARGO_BIN_EXE_store_worker"));
    names.env("REX", place.file("rex", 1)).env("MIA", place.file("mia", 1));
    let output = cones_tests::mounted::run(&place.path(), &format!("size={size}"), script, &names)?;
    Some(cones_tests::mounted::said(&output))
}

#[test]
fn a_full_disk_is_named_and_changes_nothing() {
    let place = Place::new();
    let script = "$WORKER install $STORE $REX
        head -c 2500k /dev/zero > $STORE/filler
        $WORKER install $STORE $MIA
        ls $STORE/objects | wc -l
        rm $STORE/filler
        $WORKER install $STORE $MIA";
    let Some(text) = mounted(&place, "3m", script) else { return };
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    assert_eq!(lines[..2], ["installed: rex", "list: 1"]);
    assert!(lines[2].starts_with("install: OutOfSpace { path: ") && lines[2].contains("objects"), "{text}");
    assert_eq!(lines[3..], ["list: 1", "1", "installed: mia", "list: 2"]);
}

/// Else there would be no way back from a disk that is full to the last byte.
#[test]
fn packs_can_be_removed_from_a_full_disk() {
    let place = Place::new();
    let script = "$WORKER install $STORE $REX
        $WORKER install $STORE $MIA
        cat /dev/zero > $STORE/filler || true
        $WORKER remove $STORE rex
        ls $STORE $STORE/objects
        rm $STORE/filler
        $WORKER install $STORE $REX";
    let Some(text) = mounted(&place, "3m", script) else { return };
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..5], ["installed: rex", "list: 1", "installed: mia", "list: 2", "removed: true"], "{text}");
    assert!(!text.contains(".new"), "{text}");
    assert_eq!(text.lines().filter(|line| line.ends_with(".cones")).count(), 1, "{text}");
    assert_eq!(lines[lines.len() - 2..], ["installed: rex", "list: 2"], "{text}");
}

/// Packs that come with an app lie where nobody may write.
#[test]
fn a_read_only_store_is_read() {
    let place = Place::new();
    let script = "$WORKER install $STORE $REX
        rmdir $STORE/downloads
        mount -o remount,ro $STORE
        $WORKER install $STORE $MIA
        umount $STORE
        mount -t tmpfs -o ro tmpfs $STORE
        $WORKER install $STORE $MIA";
    let Some(text) = mounted(&place, "3m", script) else { return };
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..2], ["installed: rex", "list: 1"]);
    assert!(
        lines[2].starts_with("install: Io { action: \"open\"") && lines[2].contains("ReadOnlyFilesystem"),
        "{text}"
    );
    assert_eq!(lines[3], "list: 1");
    // An empty one is opened too: that nothing is in it can be said.
    assert!(lines[4].starts_with("install: Io {") && lines[4].contains("ReadOnlyFilesystem"), "{text}");
    assert_eq!(lines[5], "list: 0", "{text}");
}
