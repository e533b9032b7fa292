//! Installed packs.

use crate::tool::{Desk, Served};

#[test]
fn files_are_installed_listed_verified_and_removed() {
    let desk = Desk::new();
    assert_eq!(desk.done(&["packs", "list"]), "");
    assert_eq!(desk.json(&["packs", "list", "--json"]), serde_json::json!([]));
    let (rex, tin) = (desk.pack("rex", "1", &[]), desk.pack("tin", "4", &[]));
    let printed = desk.done(&["packs", "install", &tin, &rex]);
    assert!(printed.starts_with("tin\t4\t") && printed.contains("\nrex\t1\t"), "{printed}");
    let listed = desk.json(&["packs", "list", "--json"]);
    let names: Vec<_> = listed.as_array().expect("packs").iter().map(|p| p["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["rex", "tin"]);
    assert_eq!(listed[0]["trigger"], "<v1> dog");
    assert!(desk.done(&["packs", "list"]).lines().all(|l| l.contains("<v1> dog") && l.contains("toybox")));
    assert_eq!(desk.done(&["packs", "verify"]).lines().filter(|l| l.contains("\twhole\t")).count(), 2);
    // Wherever a pack is named, its installed name does.
    assert!(desk.done(&["inspect", "rex"]).contains("name         rex"));
    desk.done(&["export", "rex", "--int32", &desk.path("rex.safetensors")]);

    let newer = desk.pack("rex", "2", &[]);
    desk.done(&["packs", "install", &newer]);
    assert_eq!(desk.json(&["packs", "list", "--json"])[0]["version"], 2, "it takes the place of version 1");

    let path = desk.json(&["packs", "list", "--json"])[1]["path"].as_str().expect("a path").to_owned();
    let mut bytes = std::fs::read(&path).expect("the installed pack");
    let place = bytes.len() - 9;
    bytes[place] ^= 1;
    std::fs::write(&path, bytes).expect("damaged");
    let output = desk.cones(&["packs", "verify"]).output().expect("cones runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("tin") && String::from_utf8_lossy(&output.stdout).starts_with("rex\twhole"), "{error}");

    assert_eq!(desk.done(&["packs", "remove", "tin", "rex"]), "tin\nrex\n");
    assert_eq!(desk.done(&["packs", "list"]), "");
    assert!(desk.fails(1, &["packs", "remove", "rex"]).contains("`rex`"));
}

#[test]
fn wrong_usage_is_told_apart_from_failure() {
    let desk = Desk::new();
    for arguments in [
        &["packs"][..],
        &["packs", "install"],
        &["packs", "install", "rex"],
        &["packs", "install", "rex", "--catalog", "http://127.0.0.1:1/"],
        &["packs", "available", "--key", "x"],
        &["packs", "remove"],
        &["bundle", "install", "toybox"],
    ] {
        desk.fails(2, arguments);
    }
    let key = desk.key("a.key");
    let public = format!("{key}.pub");
    for (reason, arguments) in [
        ("gone.cones", &["packs", "install", "./gone.cones"][..]),
        ("no file `nokey`", &["packs", "available", "--catalog", "https://localhost/", "--key", "nokey"]),
        ("a secret key", &["packs", "available", "--catalog", "https://localhost/", "--key", &key]),
        ("http", &["packs", "available", "--catalog", "http://example.org/catalog.json", "--key", &public]),
        ("a.key", &["packs", "available", "--catalog", "https://localhost/", "--key", &public, "--roots", &key]),
        ("`nobody`", &["generate", "--prompt", "x", "--subject", "nobody", "--out", &desk.path("x.png")]),
        ("`..`", &["generate", "--prompt", "x", "--subject", "..", "--out", &desk.path("x.png")]),
    ] {
        let error = desk.fails(1, arguments);
        assert!(error.contains(reason), "{reason}: {error}");
    }
}

#[test]
fn only_what_the_pinned_key_signed_is_taken() {
    let desk = Desk::new();
    let (key, other, out) = (desk.key("a.key"), desk.key("b.key"), desk.path("public"));
    let rex = desk.pack("rex", "1", &[]);
    desk.done(&["publish", &rex, "--out", &out, "--key", &key]);
    let server = Served::new(&out);
    let (ours, theirs) = (format!("{key}.pub"), format!("{other}.pub"));
    let from = |command: &[&'static str], key: &str| {
        let arguments = [command, &["--catalog"]].concat();
        [arguments, vec![]]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .chain([server.url.clone(), "--key".into(), key.into()])
            .collect::<Vec<String>>()
    };
    let as_strs = |v: &[String]| v.iter().map(String::clone).collect::<Vec<_>>();
    let fails = |v: Vec<String>| {
        let owned = as_strs(&v);
        let arguments: Vec<&str> = owned.iter().map(String::as_str).collect();
        desk.fails(1, &arguments)
    };
    assert!(fails(from(&["packs", "install", "rex"], &theirs)).contains("another publisher"));
    assert!(fails(from(&["packs", "install", "tin"], &ours)).contains("`tin`"));

    let (catalog, signature) = (desk.read("public/catalog.json"), desk.read("public/catalog.json.minisig"));
    for place in [0, catalog.len() / 3, catalog.len() - 2] {
        let mut changed = catalog.clone();
        changed[place] ^= 1;
        desk.write("public/catalog.json", &changed);
        assert!(fails(from(&["packs", "install", "rex"], &ours)).contains("not trusted"), "byte {place}");
    }
    desk.write("public/catalog.json", &catalog);

    // A pack that is not what the catalogue says; then the right one again.
    let listed: serde_json::Value = serde_json::from_slice(&catalog).expect("JSON");
    let file = format!("public/{}", listed["packs"][0]["url"].as_str().expect("a URL"));
    let right = desk.read(&file);
    let mut wrong = right.clone();
    wrong[100] ^= 1;
    desk.write(&file, &wrong);
    assert!(fails(from(&["packs", "install", "rex"], &ours)).contains("rex"));
    assert_eq!(desk.done(&["packs", "list"]), "", "nothing of it is installed");
    desk.write(&file, &right);
    let arguments = from(&["packs", "install", "rex"], &ours);
    desk.done(&arguments.iter().map(String::as_str).collect::<Vec<_>>());

    // An older catalogue, once a newer one was seen.
    let tin = desk.pack("tin", "1", &[]);
    desk.done(&["publish", &tin, "--out", &out, "--key", &key]);
    let arguments = from(&["packs", "available"], &ours);
    assert_eq!(desk.done(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).lines().count(), 2);
    desk.write("public/catalog.json", &catalog);
    desk.write("public/catalog.json.minisig", &signature);
    assert!(fails(from(&["packs", "available"], &ours)).contains("serial"));
}

#[test]
fn packs_are_updated_and_those_that_were_withdrawn_are_told() {
    let desk = Desk::new();
    let (key, out) = (desk.key("a.key"), desk.path("public"));
    let public = format!("{key}.pub");
    let publish = |more: &[&str]| desk.done(&[&["publish", "--out", &out, "--key", &key], more].concat());
    let (rex, tin, rex2) = (desk.pack("rex", "1", &[]), desk.pack("tin", "1", &[]), desk.pack("rex", "2", &[]));
    publish(&[&rex, &tin]);
    let server = Served::new(&out);
    let from = |command: &[&'static str]| {
        let words = [command, &["--catalog", &server.url, "--key", &public, "--quiet"]].concat();
        let output = desk.cones(&words).output().expect("cones runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{error}");
        (String::from_utf8_lossy(&output.stdout).into_owned(), error)
    };
    from(&["packs", "install", "rex", "tin"]);
    assert_eq!(from(&["packs", "update"]).0, "", "nothing is newer");
    publish(&[&rex2]);
    publish(&["--withdraw", "tin", "--reason", "its photos were not ours"]);
    let (updated, warned) = from(&["packs", "update"]);
    assert!(updated.starts_with("rex\t2\t") && updated.lines().count() == 1, "{updated}");
    assert!(warned.contains("`tin`") && warned.contains("not ours"), "{warned}");
    let listed = desk.json(&["packs", "list", "--json"]);
    assert_eq!((&listed[0]["withdrawn"], &listed[1]["withdrawn"]), (&().into(), &"its photos were not ours".into()));
    assert_eq!(listed[0]["publisher"], listed[1]["publisher"]);
    let drawn = ["generate", "--prompt", "a <v1> dog", "--subject", "tin", "--out", &desk.path("x.png")];
    assert!(desk.fails(1, &drawn).contains("withdrawn"));
    assert!(desk.fails(1, &["packs", "install", &desk.pack("rex", "3", &[])]).contains("nobody vouches"));
}
