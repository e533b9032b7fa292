//! Keys and published folders.

use std::path::Path;

use crate::tool::{Desk, fail, models, stderr, succeed};

fn publish<'a>(key: &'a str, out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["publish", "--out", out, "--key", key], more].concat()
}

#[test]
fn keys_are_private_and_never_overwritten() {
    let desk = Desk::new();
    let (key, public) = (desk.path("a.key"), desk.path("a.key.pub"));
    let output = desk.cones(&["keygen", "--out", &key]).output().expect("cones runs");
    let printed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(String::from_utf8_lossy(&output.stderr).contains("no password"));
    let written = std::fs::read_to_string(&public).expect("the public key");
    assert_eq!(written.lines().nth(1), Some(printed.as_str()));
    assert!(cones_core::PublicKey::parse(&written).expect("a key").base64() == printed);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&key).expect("the key").permissions().mode() & 0o777, 0o600);
    }
    let before = desk.read("a.key");
    assert!(desk.fails(1, &["keygen", "--out", &key]).contains("never overwritten"));
    std::fs::remove_file(&key).expect("removed");
    assert!(desk.fails(1, &["keygen", "--out", &key]).contains("a.key.pub"), "nor is a public one");
    assert!(!before.is_empty() && !Path::new(&key).exists());
    assert!(desk.fails(1, &["keygen", "--out", &desk.path("b.key"), "--password"]).contains("CONES_KEY_PASSWORD"));
    assert!(!Path::new(&desk.path("b.key")).exists());
}

#[test]
fn a_password_is_asked_for_where_there_is_one() {
    let desk = Desk::new();
    let (key, out, pack) = (desk.path("a.key"), desk.path("public"), desk.pack("rex", "1", &[]));
    let with_password = |arguments: &[&str], password| {
        let mut command = desk.cones(arguments);
        command.env("CONES_KEY_PASSWORD", password);
        command
    };
    succeed(with_password(&["keygen", "--out", &key], "correct horse"));
    let arguments = publish(&key, &out, &[&pack]);
    assert!(desk.fails(1, &arguments).contains("CONES_KEY_PASSWORD"), "no terminal, no question");
    assert!(fail(1, with_password(&arguments, "wrong horse")).contains("Wrong password"));
    assert!(!Path::new(&out).join("catalog.json").exists());
    succeed(with_password(&arguments, "correct horse"));
    let junk = desk.write("junk.key", "untrusted comment: x\nRWRTY");
    assert!(fail(1, with_password(&publish(&junk, &out, &[&pack]), "x")).contains("junk.key"));
    assert!(desk.fails(1, &publish(&pack, &out, &[&pack])).contains("rex-1.cones"));
}

#[test]
fn publishing_again_adds_replaces_and_counts() {
    let desk = Desk::new();
    let (key, out) = (desk.key("a.key"), desk.path("public"));
    let (rex, tin, rex2) = (desk.pack("rex", "1", &[]), desk.pack("tin", "1", &[]), desk.pack("rex", "2", &[]));
    let first = desk.json(&publish(&key, &out, &[&rex, "--publisher", "Rex & Co", "--expires", "30", "--json"]));
    assert_eq!((&first["serial"], &first["publisher"]), (&1.into(), &"Rex & Co".into()));
    assert_eq!(first["expires"].as_u64().expect("a time") - first["created"].as_u64().expect("a time"), 30 * 86_400);

    let by_default = desk.cones(&publish(&key, &out, &[&tin])).output().expect("cones runs");
    let (listed, said) = (String::from_utf8_lossy(&by_default.stdout), stderr(&by_default));
    let written: serde_json::Value = serde_json::from_slice(&desk.read("public/catalog.json")).expect("JSON");
    assert_eq!(
        written["expires"].as_u64().expect("a time") - written["created"].as_u64().expect("a time"),
        90 * 86_400
    );
    let until = jiff::Timestamp::from_second(written["expires"].as_i64().expect("a time")).expect("a moment");
    assert!(said.contains(&format!("until {}; publish again before", until.strftime("%Y-%m-%d"))), "{said}");
    assert_eq!(listed.lines().count(), 3, "two packs and the catalogue: {listed}");
    let third = desk.json(&publish(&key, &out, &[&rex2, "--json"]));
    assert_eq!((&third["serial"], &third["publisher"]), (&3.into(), &"Rex & Co".into()));
    let versions: Vec<_> =
        third["packs"].as_array().expect("packs").iter().map(|p| (&p["name"], &p["version"])).collect();
    assert_eq!(versions, [(&"rex".into(), &2.into()), (&"tin".into(), &1.into())]);
    for pack in third["packs"].as_array().expect("packs").iter().chain(first["packs"].as_array().expect("packs")) {
        let file = Path::new(&out).join(pack["url"].as_str().expect("a URL"));
        let hash = cones_core::Sha256::digest(std::fs::read(&file).expect("the old file stays too"));
        assert_eq!(hash.to_string(), pack["sha256"]);
    }

    assert!(desk.fails(1, &publish(&key, &out, &[&rex])).contains("version 3"), "older than what is listed");
    let other = desk.pack("tin", "1", &["--class", "robot"]);
    assert!(desk.fails(1, &publish(&key, &out, &[&other])).contains("version 2"), "another version 1");
    desk.done(&publish(&key, &out, &[&rex2]));
    let left = desk.json(&publish(&key, &out, &["--withdraw", "tin", "--reason", "a mistake", "--json"]));
    assert_eq!(left["packs"].as_array().map(Vec::len), Some(1));
    let withdrawn = &left["withdrawn"][0];
    assert_eq!(
        (&withdrawn["name"], &withdrawn["version"], &withdrawn["reason"]),
        (&"tin".into(), &1.into(), &"a mistake".into())
    );
    assert!(desk.fails(1, &publish(&key, &out, &[&tin])).contains("version 2"), "it stays withdrawn");
    assert_eq!(left["serial"], 5);
    assert!(desk.fails(1, &publish(&key, &out, &["--withdraw", "tin"])).contains("`tin`"));
    desk.fails(2, &publish(&key, &out, &[]));
    desk.fails(2, &publish(&key, &out, &[&rex2, "--expires", "0"]));
    desk.fails(2, &publish(&key, &out, &[&rex2, "--expires", "401"]));
}

#[test]
fn only_its_own_key_adds_to_a_catalogue() {
    let desk = Desk::new();
    let (ours, theirs, out) = (desk.key("ours.key"), desk.key("theirs.key"), desk.path("public"));
    let (rex, tin) = (desk.pack("rex", "1", &[]), desk.pack("tin", "1", &[]));
    desk.done(&publish(&ours, &out, &[&rex]));
    let before = (desk.read("public/catalog.json"), desk.read("public/catalog.json.minisig"));
    assert!(desk.fails(1, &publish(&theirs, &out, &[&tin])).contains("another publisher"));
    let unchanged = || before == (desk.read("public/catalog.json"), desk.read("public/catalog.json.minisig"));
    assert!(unchanged());
    assert_eq!(std::fs::read_dir(desk.path("public/packs")).expect("packs").count(), 1, "nothing of theirs is there");

    // One byte changed, or no signature: it is not ours to overwrite.
    let mut changed = before.0.clone();
    let place = changed.len() / 2;
    changed[place] ^= 1;
    desk.write("public/catalog.json", &changed);
    desk.fails(1, &publish(&ours, &out, &[&tin]));
    desk.write("public/catalog.json", &before.0);
    std::fs::remove_file(desk.path("public/catalog.json.minisig")).expect("removed");
    assert!(desk.fails(1, &publish(&ours, &out, &[&tin])).contains("no signature"));
}

#[test]
fn a_publisher_that_died_between_two_renames_is_made_up_for() {
    let desk = Desk::new();
    let (key, out) = (desk.key("a.key"), desk.path("public"));
    let (rex, tin) = (desk.pack("rex", "1", &[]), desk.pack("tin", "1", &[]));
    let files = || (desk.read("public/catalog.json"), desk.read("public/catalog.json.minisig"));
    desk.done(&publish(&key, &out, &[&rex]));
    let old = files();
    desk.done(&publish(&key, &out, &[&tin]));
    let new = files();
    // Died before, between and after the renames, and while the first of the new files was all there was.
    for (catalog, signature, next, next_signature, serial) in [
        (&old.0, &old.1, Some(&new.0), Some(&new.1), 3),
        (&old.0, &new.1, Some(&new.0), None, 3),
        (&old.0, &old.1, Some(&new.0), None, 2),
        (&old.0, &old.1, Some(&new.0), Some(&old.1), 2),
        (&new.0, &new.1, None, None, 3),
    ] {
        desk.write("public/catalog.json", catalog);
        desk.write("public/catalog.json.minisig", signature);
        for (name, bytes) in [(".catalog.json.next", next), (".catalog.json.minisig.next", next_signature)] {
            if let Some(bytes) = bytes {
                desk.write(&format!("public/{name}"), bytes);
            }
        }
        let catalog = desk.json(&publish(&key, &out, &[&rex, "--json"]));
        assert_eq!(catalog["serial"], serial);
        let left: Vec<_> = std::fs::read_dir(&out)
            .expect("the folder")
            .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
            .filter(|name| name.ends_with(".next") || name.ends_with(".part"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn one_publishes_at_a_time_and_clears_what_a_killed_one_left() {
    let desk = Desk::new();
    let (key, out, rex) = (desk.key("a.key"), desk.path("public"), desk.pack("rex", "1", &[]));
    std::fs::create_dir_all(desk.path("public/bundles/toybox-0123")).expect("a folder");
    let left = ["public/.cones-Ab12cd.part", "public/bundles/toybox-0123/.cones-xY34zw.part"];
    for name in left {
        desk.write(name, "half");
    }
    let other = std::fs::File::create(desk.path("public/.publishing")).expect("a file");
    other.lock().expect("locked");
    assert!(desk.fails(1, &publish(&key, &out, &[&rex])).contains("another process"));
    assert!(left.iter().all(|name| Path::new(&desk.path(name)).exists()), "they may be the other's");
    drop(other);
    desk.done(&publish(&key, &out, &[&rex]));
    assert!(!left.iter().any(|name| Path::new(&desk.path(name)).exists()));
}

#[test]
fn packs_that_are_damaged_are_not_published() {
    let desk = Desk::new();
    let (key, out) = (desk.key("a.key"), desk.path("public"));
    let mut bytes = std::fs::read(desk.pack("rex", "1", &[])).expect("the pack");
    let place = bytes.len() - 10;
    bytes[place] ^= 4;
    let pack = desk.write("damaged.cones", &bytes);
    assert!(desk.fails(1, &publish(&key, &out, &[&pack])).contains("damaged.cones"));
    assert!(!Path::new(&desk.path("public/catalog.json")).exists());
    let damaged = desk.path("bundle");
    copy(&models("toybox/bundle"), Path::new(&damaged));
    let weights = Path::new(&damaged).join("tokenizer.json");
    let mut bytes = std::fs::read(&weights).expect("a file");
    bytes[20] ^= 1;
    std::fs::write(&weights, bytes).expect("written");
    assert!(desk.fails(1, &publish(&key, &out, &["--bundle", &damaged])).contains("tokenizer.json"));
    assert!(!Path::new(&desk.path("public/bundles")).exists());
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the bundle") {
        let source = entry.expect("an entry").path();
        std::fs::copy(&source, to.join(source.file_name().expect("a name"))).expect("a copy");
    }
}
