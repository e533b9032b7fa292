//! A publisher whose keys change: from the first key to a stolen one to the next, into one folder and without a new app.

use serde_json::Value;

use crate::tool::{Desk, Served, stderr};

/// What `cones publish` and `cones keys` are given besides.
fn run(desk: &Desk, command: &str, more: &[&str]) -> (bool, String) {
    let out = desk.path("public");
    let output = desk.cones(&[&[command, "--out", &out], more].concat()).output().expect("cones runs");
    (output.status.success(), format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output)))
}

#[track_caller]
fn done(desk: &Desk, command: &str, more: &[&str]) -> String {
    let (done, said) = run(desk, command, more);
    assert!(done, "{said}");
    said
}

#[track_caller]
fn fails(desk: &Desk, command: &str, more: &[&str]) -> String {
    let (done, said) = run(desk, command, more);
    assert!(!done, "{said}");
    said
}

fn serial(desk: &Desk) -> u64 {
    let catalog: Value = serde_json::from_slice(&desk.read("public/catalog.json")).expect("JSON");
    catalog["serial"].as_u64().expect("a number")
}

#[test]
fn a_stolen_key_is_revoked_and_the_next_one_goes_on() {
    let desk = Desk::new();
    let [root, one, two] = ["root.key", "one.key", "two.key"].map(|name| desk.key(name));
    let [root_pub, one_pub, two_pub] = [&root, &one, &two].map(|key| format!("{key}.pub"));
    let (rex, tin) = (desk.pack("rex", "1", &[]), desk.pack("tin", "1", &[]));
    // As ever: the key that the app pins signs.
    done(&desk, "publish", &[&rex, "--key", &root]);
    let user = Desk::new();
    let server = Served::new(&desk.path("public"));
    let catalog = ["--catalog", &server.url, "--key", &root_pub];
    user.done(&[&["packs", "install", "rex"], &catalog[..]].concat());

    // It becomes the root key, and a desk's key signs.
    let said = done(&desk, "keys", &["--root", &root, "--add", &one_pub]);
    assert!(said.contains("version 1") && said.contains("until 20") && said.contains("publish again"), "{said}");
    assert!(user.fails(1, &[&["packs", "available"], &catalog[..]].concat()).contains("signs nothing but that"));
    assert!(fails(&desk, "publish", &[&tin, "--key", &root]).contains("does not count"));
    let toybox = crate::tool::bundle();
    done(&desk, "publish", &[&tin, "--bundle", crate::tool::text(&toybox), "--key", &one]);
    assert_eq!(serial(&desk), 2);
    assert!(done(&desk, "keys", &[]).lines().any(|line| line.starts_with("counts\tRW")));
    user.done(&[&["packs", "install", "tin"], &catalog[..]].concat());

    // It is stolen, and the thief publishes.
    let thief = Desk::new();
    let mut stolen: Value = serde_json::from_slice(&desk.read("public/catalog.json")).expect("JSON");
    stolen["serial"] = 1_000_000.into();
    let json = thief.write("catalog.json", stolen.to_string());
    let key =
        cones_publish::SigningKey::open::<cones_publish::Error>(one.as_ref(), || Ok(String::new())).expect("a key");
    let signature = key.sign("catalog.json", stolen.to_string().as_bytes(), 0).expect("signed");
    let honest = (desk.read("public/catalog.json"), desk.read("public/catalog.json.minisig"));
    desk.write("public/catalog.json", std::fs::read(&json).expect("read"));
    desk.write("public/catalog.json.minisig", signature);
    user.done(&[&["packs", "available"], &catalog[..]].concat());
    desk.write("public/catalog.json", &honest.0);
    desk.write("public/catalog.json.minisig", &honest.1);
    assert!(user.fails(1, &[&["packs", "available"], &catalog[..]].concat()).contains("older"), "locked out, for now");

    let revoke = ["--root", &root, "--add", &two_pub, "--revoke", &one_pub, "--reason", "a stolen laptop"];
    let said = done(&desk, "keys", &revoke);
    assert!(said.contains("revoked\tRW") && said.contains("\ta stolen laptop") && said.contains("version 2"), "{said}");
    assert!(user.fails(1, &[&["packs", "available"], &catalog[..]].concat()).contains("revoked: a stolen laptop"));
    assert!(fails(&desk, "publish", &[&rex, "--key", &one]).contains("was revoked"));
    assert!(fails(&desk, "publish", &[&rex, "--key", &two]).contains("--take-over"));
    done(&desk, "publish", &[&rex, "--key", &two, "--take-over"]);
    assert_eq!(serial(&desk), 3);
    user.done(&[&["packs", "update"], &catalog[..]].concat());
    // Base models by their own address, too: their manifests are signed anew.
    let listed: Value = serde_json::from_slice(&desk.read("public/catalog.json")).expect("JSON");
    let url = server.url.replace("catalog.json", listed["bundles"][0]["url"].as_str().expect("a URL"));
    user.done(&["bundle", "install", &url, "--key", &root_pub, "--name", "toybox"]);
    // What the new key lists as well is good; nothing was downloaded again.
    let listed = user.json(&["packs", "list", "--json"]);
    assert!(listed.as_array().expect("packs").iter().all(|pack| pack["withdrawn"].is_null()), "{listed}");
    assert!(listed.as_array().expect("packs").iter().all(|pack| pack["publisher"] == listed[0]["publisher"]));
    done(&desk, "publish", &[&rex, "--key", &two]);
    assert_eq!(serial(&desk), 4);
}

#[test]
fn what_a_revoked_key_alone_vouched_for_is_named() {
    let desk = Desk::new();
    let [root, one, two] = ["root.key", "one.key", "two.key"].map(|name| desk.key(name));
    let [root_pub, one_pub, two_pub] = [&root, &one, &two].map(|key| format!("{key}.pub"));
    let (rex, tin) = (desk.pack("rex", "1", &[]), desk.pack("tin", "1", &[]));
    std::fs::create_dir(desk.path("public")).expect("a folder");
    let said = done(&desk, "keys", &["--root", &root, "--add", &one_pub, "--expires", "30"]);
    assert!(said.contains("version 1"), "{said}");
    let said = done(&desk, "publish", &[&rex, &tin, "--key", &one]);
    assert!(said.contains("statement of keys is taken until"), "it ends before the catalogue does: {said}");
    let server = Served::new(&desk.path("public"));
    let (user, catalog) = (Desk::new(), ["--catalog", &server.url, "--key", &root_pub]);
    user.done(&[&["packs", "install", "rex", "tin"], &catalog[..]].concat());
    done(&desk, "keys", &["--root", &root, "--add", &two_pub, "--revoke", &one_pub, "--reason", "lost"]);
    user.fails(1, &[&["packs", "available"], &catalog[..]].concat());
    let told = |arguments: &[&str]| stderr(&user.cones(arguments).output().expect("cones runs"));
    let said = told(&["packs", "list"]);
    assert!(said.contains("`tin`") && said.contains("`rex`") && said.contains("revoked: lost"), "{said}");
    done(&desk, "publish", &["--withdraw", "tin", "--reason", "a mistake", "--key", &two, "--take-over"]);
    let said = told(&[&["packs", "update"], &catalog[..]].concat());
    assert!(said.contains("`tin` has withdrawn it: a mistake") && !said.contains("`rex`"), "{said}");
}

#[test]
fn keys_are_added_retired_and_signed_anew() {
    let desk = Desk::new();
    let [root, one, two] = ["root.key", "one.key", "two.key"].map(|name| desk.key(name));
    let [one_pub, two_pub] = [&one, &two].map(|key| format!("{key}.pub"));
    let rex = desk.pack("rex", "1", &[]);
    assert!(fails(&desk, "keys", &[]).contains("no folder"));
    std::fs::create_dir(desk.path("public")).expect("a folder");
    assert!(fails(&desk, "keys", &[]).contains("no statement"));
    let said = done(&desk, "keys", &["--root", &root]);
    assert!(said.contains("no key counts"), "{said}");
    let added = ["--root", &root, "--add", &one_pub, "--add", &two_pub, "--from-serial", "40", "--json"];
    let out = desk.path("public");
    let statement = desk.json(&[&["keys", "--out", &out], &added[..]].concat());
    assert_eq!((&statement["version"], &statement["keys"][1]["from_serial"]), (&2.into(), &40.into()));
    let days = statement["expires"].as_u64().expect("a time") - statement["created"].as_u64().expect("a time");
    assert_eq!(days, 180 * 86_400);
    done(&desk, "publish", &[&rex, "--key", &one]);
    assert_eq!(serial(&desk), 40, "it begins where its root says");
    assert!(fails(&desk, "keys", &["--root", &root, "--retire", &one_pub]).contains("publish with another one first"));
    done(&desk, "publish", &[&rex, "--key", &two]);
    done(&desk, "keys", &["--root", &root, "--retire", &one_pub]);
    assert!(fails(&desk, "keys", &["--root", &root, "--retire", &one_pub]).contains("cannot be retired"));
    done(&desk, "publish", &[&rex, "--key", &two]);
    assert_eq!(serial(&desk), 42);
    assert!(fails(&desk, "publish", &[&rex, "--key", &one]).contains("does not count"));
    // Another root's hands are kept off, and a secret key is not taken for a public one.
    assert!(fails(&desk, "keys", &["--root", &two, "--add", &one_pub]).contains("another root key"));
    assert!(fails(&desk, "keys", &["--root", &root, "--add", &one]).contains("secret key"));
    // Cut off between two renames.
    let (old, signature) = (desk.read("public/keys.json"), desk.read("public/keys.json.minisig"));
    done(&desk, "keys", &["--root", &root]);
    let new = desk.read("public/keys.json");
    desk.write("public/keys.json", &old);
    desk.write("public/.keys.json.next", &new);
    assert!(done(&desk, "keys", &[]).contains("version 4"));
    desk.write("public/keys.json", &old);
    desk.write("public/keys.json.minisig", &signature);
    assert!(done(&desk, "keys", &[]).contains("version 3"));
    // Damaged, it is nobody's to publish by.
    desk.write("public/keys.json", &new);
    assert!(fails(&desk, "publish", &[&rex, "--key", &two]).contains("keys.json"));
    for wrong in [&["--add", &one_pub][..], &["--root", &root, "--expires", "401"], &["--root", &root, "--reason", "x"]]
    {
        desk.fails(2, &[&["keys", "--out", &out], wrong].concat());
    }
}
