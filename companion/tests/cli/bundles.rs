//! Base models over the network.

use crate::tool::{Desk, Served, bundle, text};

#[test]
fn a_base_model_is_published_installed_used_by_name_and_removed() {
    let desk = Desk::new();
    let (key, out, toybox) = (desk.key("a.key"), desk.path("public"), bundle());
    let rex = desk.pack("rex", "1", &[]);
    desk.done(&["publish", &rex, "--bundle", text(&toybox), "--out", &out, "--key", &key]);
    let server = Served::new(&out);
    let public = format!("{key}.pub");
    let catalog = ["--catalog", &server.url, "--key", &public];

    let folder = desk.done(&[&["bundle", "install", "toybox"], &catalog[..]].concat()).trim().to_owned();
    let listed = desk.done(&["bundle", "list"]);
    assert!(listed.starts_with("toybox\t") && listed.contains(&folder), "{listed}");
    assert!(desk.done(&["bundle", "show", "toybox", "--verify"]).contains("hashes right"));

    // Away from this repository, with nothing but what is installed.
    std::fs::create_dir(desk.path("away")).expect("a folder");
    let away = |arguments: &[&str]| {
        let mut command = desk.cones(arguments);
        command.env_remove("CONES_BUNDLE").current_dir(desk.path("away"));
        command
    };
    let picture = desk.path("away/rex.png");
    crate::tool::succeed(away(&[&["packs", "install", "rex"], &catalog[..]].concat()));
    let draw = ["generate", "--bundle", "toybox", "--subject", "rex", "--prompt", "a {rex}", "--steps", "1"];
    crate::tool::succeed(away(&[&draw[..], &["--out", &picture]].concat()));
    // It is the default model there, too.
    let plain = ["generate", "--prompt", "a dog", "--steps", "1", "--out", &picture];
    crate::tool::succeed(away(&plain));
    assert!(crate::tool::succeed(away(&["inspect", "rex"])).contains("by head"), "the installed model is found");
    let error = crate::tool::fail(1, away(&["generate", "--bundle", "toy", "--prompt", "x", "--out", &picture]));
    assert!(error.contains("`toy`") && error.contains("toybox"), "{error}");

    assert_eq!(desk.done(&["bundle", "remove", "toybox"]), "toybox\n");
    assert_eq!(desk.done(&["bundle", "list"]), "");
    // The one of the checkout that the command was built from is left, and without that there is none.
    crate::tool::succeed(away(&plain));
    let mut nowhere = away(&plain);
    nowhere.env("CONES_CHECKOUT", "");
    let error = crate::tool::fail(1, nowhere);
    assert!(error.contains("no base model is at hand") && error.contains("cones bundle install toybox"), "{error}");
    assert!(desk.fails(1, &["bundle", "remove", "toybox"]).contains("`toybox`"));

    // By the URL of its folder, whose manifest is signed on its own.
    let listed = desk.json(&[&["packs", "available", "--json"], &catalog[..]].concat());
    let url = server.url.replace("catalog.json", listed["bundles"][0]["url"].as_str().expect("a URL"));
    let other = ["bundle", "install", &url, "--key", &public, "--name", "toy"];
    assert!(desk.fails(1, &other).contains("it is the bundle `toybox`, not `toy`"));
    desk.fails(2, &[&["bundle", "install", "toybox", "--name", "toybox"], &catalog[..]].concat());
    let fingerprint = listed["bundles"][0]["fingerprint"].as_str().expect("a fingerprint");
    desk.done(&["bundle", "install", &url, "--key", &public, "--name", "toybox", "--fingerprint", fingerprint]);
    let other = format!("{}.pub", desk.key("b.key"));
    desk.done(&["bundle", "remove", "toybox"]);
    assert!(desk.fails(1, &["bundle", "install", &url, "--key", &other]).contains("another publisher"));
    assert_eq!(desk.done(&["bundle", "list"]), "");
}
