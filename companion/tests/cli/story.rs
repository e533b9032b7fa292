//! From a mask to a published pack to a picture, and the picture again.

use crate::tool::{Desk, Served};

/// Two steps and one thread.
const QUICK: [&str; 4] = ["--steps", "2", "--threads", "1"];

#[test]
fn a_pack_travels_from_a_publisher_into_a_picture_that_can_be_drawn_again() {
    // The publisher's desk.
    let publisher = Desk::new();
    let (rex, tin) = (publisher.pack("rex", "1", &[]), publisher.path("tin.cones"));
    let factors = crate::tool::golden("factors.safetensors");
    publisher.done(&["import-mask", crate::tool::text(&factors), "--out", &tin, "--name", "tin"]);
    assert!(publisher.done(&["inspect", &rex, &tin]).contains("shared by rex and tin"));
    let (key, out) = (publisher.key("publisher.key"), publisher.path("public"));
    publisher.done(&["publish", &rex, &tin, "--out", &out, "--key", &key]);
    let server = Served::new(&out);

    // A user's desk, which knows a URL and a public key.
    let user = Desk::new();
    let pinned = cones_core::PublicKey::parse(&String::from_utf8(publisher.read("publisher.key.pub")).expect("text"))
        .expect("a key");
    let catalog = ["--catalog", &server.url, "--key", pinned.base64()];
    assert_eq!(user.done(&[&["packs", "available"], &catalog[..]].concat()).lines().count(), 2);
    user.done(&[&["packs", "install", "rex", "tin"], &catalog[..]].concat());
    drop(server);
    let listed = user.json(&["packs", "list", "--json"]);
    let hash = |name: &str| {
        let packs = listed.as_array().expect("packs");
        packs.iter().find(|p| p["name"] == name).and_then(|p| p["sha256"].as_str()).expect("installed").to_owned()
    };
    let own = cones_core::Sha256::digest(std::fs::read(&rex).expect("the publisher's file"));
    assert_eq!(hash("rex"), own.to_string());

    let (first, again) = (user.path("first.png"), user.path("again.png"));
    let subjects = ["--subject", "rex:0.8", "--subject", "tin"];
    let prompts = ["--prompt", "a {rex} and a {tin} on {{grass}}", "--negative-prompt", "no {rex}"];
    user.done(&[&["generate", "--out", &first], &subjects[..], &prompts, &QUICK].concat());
    let recipe = user.json(&["recipe", "--json", &first]);
    assert_eq!(recipe["prompt"], "a <v1> dog and a <v2> cat on {grass}");
    assert_eq!(recipe["negative_prompt"], "no <v1> dog");
    assert_eq!(recipe["subjects"][0]["pack_sha256"], hash("rex"));
    assert_eq!(
        (&recipe["subjects"][1]["pack_sha256"], &recipe["subjects"][1]["strength"]),
        (&hash("tin").into(), &1.0.into())
    );
    let readable = user.done(&["recipe", &first]);
    assert!(readable.contains("Subject: \"rex:0.8:") && readable.contains(&hash("rex")[..10]), "{readable}");

    // Again from the recipe alone; then with a pack file instead of what is installed.
    user.done(&["generate", "--from", &first, "--threads", "1", "--out", &again]);
    assert_eq!(user.read("first.png"), user.read("again.png"));
    assert_eq!(user.done(&["packs", "remove", "rex"]), "rex\n");
    let error = user.fails(1, &["generate", "--from", &first, "--out", &again]);
    assert!(
        error.contains("`rex`") && error.contains(&hash("rex")) && error.contains("cones packs install"),
        "{error}"
    );
    user.done(&["generate", "--from", &first, "--subject", &rex, "--threads", "1", "--out", &again]);
    assert_eq!(user.read("first.png"), user.read("again.png"));

    // Another pack of the same name is not taken for it; the same neurons with another description are.
    let sparse = crate::tool::golden("factors.safetensors");
    let impostor = user.path("impostor.cones");
    user.done(&["import-mask", crate::tool::text(&sparse), "--out", &impostor, "--name", "rex"]);
    user.done(&["packs", "install", &impostor]);
    let error = user.fails(1, &["generate", "--from", &first, "--out", &again]);
    assert!(error.contains("another one") && error.contains(&hash("rex")), "{error}");
    let described = user.pack("rex", "2", &["--author", "somebody else"]);
    user.done(&["packs", "install", &described]);
    user.done(&["generate", "--from", &first, "--threads", "1", "--out", &again]);
    let pixels = |name: &str| image::open(user.path(name)).expect("a picture").to_rgb8();
    assert_eq!(pixels("first.png"), pixels("again.png"));

    // What is typed wins over the recipe, and names its subjects too.
    user.done(&["generate", "--from", &first, "--prompt", "a {tin}", "--threads", "1", "--out", &again]);
    assert_eq!(user.json(&["recipe", "--json", &again])["prompt"], "a <v2> cat");
}
