//! From six pictures to a drawn subject and a phone that installs it.

use cones_core::library::Source;
use cones_core::{Bundle, CancelToken, Downloader, Pack, PackStore, Picture, PublicKey, Sha256};
use cones_find::pictures;
use serde_json::{Value, json};

use crate::client::ask;
use crate::desk::{Desk, Open, models};

/// As quick as it gets.
fn find(subject: &Value, steps: usize) -> Value {
    json!({
        "kind": "find", "subject": subject["id"], "steps": steps, "preview_every": 3, "preview_steps": 2, "seed": 4,
        "batch": 2, "drawn": 1, "held_out": 1,
    })
}

fn photos(studio: &Open, subject: &Value, class: &str) -> Value {
    let id = subject["id"].as_str().expect("a subject");
    let mut told = Value::Null;
    for i in 0..6 {
        let photo = std::fs::read(models(&format!("subjects/fluent-{class}/{i}.png"))).expect("a picture");
        let answer = studio.ask("POST", &format!("subjects/{id}/photos?name={i}%20{class}.png"), &photo);
        assert_eq!(answer.status, 200, "{}", answer.text());
        told = answer.json();
    }
    told
}

#[test]
fn six_pictures_become_a_subject_on_a_phone_though_the_studio_was_closed_on_the_way() {
    let desk = Desk::new();
    let studio = desk.open();
    let rex = studio.send("POST", "subjects", &json!({ "name": "Rex", "class": "dog" }));
    assert_eq!((rex["name"].as_str(), rex["trigger"].as_str()), (Some("rex"), Some("<v1> dog")));
    let rex = photos(&studio, &rex, "dog");
    assert_eq!(rex["warnings"], json!([]), "six different pictures in light");
    // What is learned from is what `cones find` would learn from.
    let part = studio.ask("GET", "subjects/s1/photos/p3/part.png", &[]);
    std::fs::write(desk.path().join("part.png"), &part.body).expect("written");
    let manifest = Bundle::open(cones_tests::base::folder()).expect("Toybox").manifest().clone();
    let (width, height) = (manifest.image.width, manifest.image.height);
    let whole = pictures::open_as(&models("subjects/fluent-dog/2.png"), width, height).expect("a picture");
    assert_eq!(Picture::open(&desk.path().join("part.png")).expect("a picture"), whole);

    let job = studio.push(find(&rex, 4));
    assert!(studio.refused(400, "POST", "jobs", find(&rex, 4).to_string().as_bytes()).contains("already"));
    let heard = studio.hear(|event| event["event"] == "progress" && event["progress"]["stage"] == "finding");
    assert!(heard.iter().any(|e| e["progress"]["stage"].as_str().is_some_and(|s| s.contains("pictures"))), "{heard:?}");
    let told = &heard.last().expect("a step")["progress"];
    assert!(told["loss"].as_f64().is_some_and(|loss| loss > 0.0) && told["of"] == 4, "{told}");
    assert!(told["seconds_left"].is_number(), "{told}");
    studio.close();

    // Closed in the middle, it goes on by itself, and knows what it had.
    let studio = desk.open();
    let done = studio.wait(&job);
    assert_eq!(done["state"], "done", "{done}");
    let history = done["history"].as_array().expect("losses");
    assert_eq!(history.len(), 4);
    let steps: Vec<_> = done["pictures"]
        .as_array()
        .expect("previews")
        .iter()
        .map(|p| (p["base"] == true, p["step"].as_u64()))
        .collect();
    assert!(
        steps.contains(&(true, None)) && steps.contains(&(false, Some(3))) && steps.contains(&(false, Some(4))),
        "{steps:?}"
    );
    let record = studio.get("subjects/s1/finding");
    assert_eq!(&record["history"], &done["history"]);
    let rex = studio.get("subjects")[0].clone();
    assert_eq!(rex["pack"]["neurons"], record["neurons"]);
    let left: Vec<_> = std::fs::read_dir(desk.path().join("subjects/s1/found")).expect("a folder").flatten().collect();
    assert_eq!(left.len(), 2, "the pack and its figures, nothing on the way: {left:?}");
    let pack = studio.ask("GET", "subjects/s1/pack", &[]);
    assert!(pack.header("content-disposition").is_some_and(|value| value.contains("rex.cones")), "{}", pack.head);
    let decoded = Pack::decode("rex", &pack.body, &manifest).expect("a pack");
    assert!(decoded.preview.is_some() && decoded.metadata.trigger == "<v1> dog");
    assert_eq!(rex["pack"]["sha256"], json!(Sha256::digest(&pack.body)));

    draws(&studio);
    publishes(&studio, &desk, &pack.body);
}

/// Two subjects in one picture beside the base model, kept with its recipe.
fn draws(studio: &Open) {
    let cat = std::fs::read(models("packs/fluent-cat.cones")).expect("a pack");
    let tom = studio.ask("POST", "packs?name=tom.cones", &cat).json();
    assert_eq!((tom["id"].as_str(), tom["name"].as_str()), (Some("s2"), Some("fluent-cat")));
    let shared = studio.get("overlap?first=s1&second=s2");
    assert!(shared["shared"].as_u64().is_some() && shared["by_chance"].as_f64().is_some_and(|n| n > 0.0), "{shared}");
    let draw = |live: bool, strength: f64| {
        json!({
            "kind": "draw", "prompt": "a {rex} and a {fluent-cat} on grass", "seed": 3, "steps": 1, "beside_base": !live, "live": live,
            "subjects": [{ "subject": "s1", "strength": strength }, { "subject": "s2" }],
        })
    };
    let job = studio.push(draw(false, 1.0));
    let drawn = studio.wait(&job);
    let made = drawn["pictures"].as_array().expect("pictures");
    assert_eq!((drawn["state"].as_str(), made.len(), &made[0]["base"]), (Some("done"), 2, &json!(true)), "{drawn}");
    assert_eq!(made[0]["prompt"], "a dog and a cat on grass");
    let picture = studio.ask("GET", &format!("jobs/{job}/i2.png"), &[]);
    assert!(picture.body.starts_with(b"\x89PNG") && picture.header("content-type").as_deref() == Some("image/png"));
    // A slider that moves on leaves what waits behind.
    let moved: Vec<String> = [0.2, 0.5, 0.9].map(|strength| studio.push(draw(true, strength))).to_vec();
    let states: Vec<_> =
        moved.iter().map(|job| studio.wait(job)["state"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(states[2], "done", "{states:?}");
    assert!(states[..2].iter().any(|state| state == "cancelled"), "{states:?}");
    let kept = studio.send("POST", "gallery", &json!({ "job": job, "picture": "i2" }));
    assert!(kept["parameters"].as_str().is_some_and(|text| text.contains("Steps: 1")), "{kept}");
    assert_eq!(kept["recipe"]["subjects"][0]["name"], "rex");
    // Painted over: the left half is drawn anew, the right one keeps its bytes.
    let side = cones_tests::base::side();
    let left = |i: u32| [if i % side < side / 2 { 255 } else { 0 }; 3];
    let mask = Picture { width: side, height: side, rgb: (0..side * side).flat_map(left).collect() };
    let png = cones_core::picture::writing::encode(&mask, None, Default::default()).expect("a PNG");
    let held = studio.ask("POST", "masks", &png).json();
    let job = studio.push(json!({
        "kind": "draw", "prompt": "an apple on grass", "steps": 2,
        "init": { "picture": "g1", "strength": 1.0, "mask": held["mask"] },
    }));
    assert_eq!(studio.wait(&job)["state"], "done");
    let open = |bytes: &[u8]| {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        Picture::open(file.path()).expect("a picture")
    };
    let (before, after) = (open(&picture.body), open(&studio.ask("GET", &format!("jobs/{job}/i1.png"), &[]).body));
    let at = |picture: &Picture, x: u32| picture.rgb[3 * (10 * side + x) as usize..][..3].to_vec();
    assert_eq!(at(&before, side - 4), at(&after, side - 4));
    assert!((0..24).any(|x| at(&before, x) != at(&after, x)));
    let sheet = studio.push(
        json!({ "kind": "sheet", "subject": "s1", "contexts": ["a {} at night"], "strengths": [0, 1], "steps": 1 }),
    );
    let sheet = studio.wait(&sheet);
    assert_eq!(sheet["pictures"].as_array().map(Vec::len), Some(2), "{sheet}");
    assert_eq!(sheet["pictures"][0]["prompt"], "a dog at night");
}

/// Signed, shared, and installed as a phone does it.
fn publishes(studio: &Open, desk: &Desk, pack: &[u8]) {
    let wanted = json!({ "subjects": ["s1"], "publisher": "Anna & <Co>" });
    assert!(studio.refused(400, "POST", "publishing", wanted.to_string().as_bytes()).contains("no key"));
    assert!(studio.refused(400, "POST", "sharing", b"{}").contains("nothing is published"));
    let view = studio.send("POST", "publishing/key", &json!({ "password": null }));
    let key = PublicKey::parse(view["key"]["public"].as_str().expect("a key")).expect("a key");
    let view = studio.send("POST", "publishing", &wanted);
    assert_eq!((&view["listed"][0]["name"], &view["sharing"]), (&json!("rex"), &Value::Null), "not shared unasked");
    assert!(studio.refused(400, "POST", "sharing", b"{\"address\":\"8.8.8.8\"}").contains("local network"));
    let view = studio.send("POST", "sharing", &json!({ "address": "127.0.0.1" }));
    let url = view["sharing"]["url"].as_str().expect("a link").to_owned();
    let code = studio.ask("GET", "sharing/qr.svg", &[]);
    assert!(code.text().contains("<svg") && code.header("content-type").as_deref() == Some("image/svg+xml"));
    let app = view["sharing"]["app"].as_str().expect("a link for an app");
    assert!(app.starts_with("cones://catalog?url=http%3A%2F%2F127%2E0%2E0%2E1") && app.contains("&key=RW"), "{app}");
    assert_ne!(studio.ask("GET", "sharing/qr.svg?app=true", &[]).text(), code.text());
    let place = url.trim_start_matches("http://").trim_end_matches("/index.html");
    let page = ask(place.parse().expect("an address"), "GET", "/index.html", &[("Host", place)], &[]);
    assert!(page.status == 200 && page.text().contains("Anna &amp; &lt;Co&gt;") && page.text().contains(key.base64()));
    // Nothing but the published folder is there.
    for path in ["/../publisher.key", "/%2e%2e/publisher.key", "/publisher.key", "/.publishing"] {
        assert_eq!(ask(place.parse().expect("an address"), "GET", path, &[("Host", place)], &[]).status, 404, "{path}");
    }
    let phone = PackStore::open(desk.path().join("../phone")).expect("a store");
    let (downloader, cancel) = (Downloader::new(), CancelToken::new());
    let url = url.replace("index.html", "catalog.json");
    let catalog = phone.catalog(&downloader, &url, &key, &cancel).expect("a catalogue");
    let source = Source { downloader: &downloader, catalog: &catalog, url: &url };
    let installed = phone.install(&source, "rex", None, &mut (), &cancel).expect("installed");
    assert_eq!((installed.header.metadata.name.as_str(), installed.sha256), ("rex", Sha256::digest(pack)));
    let view = studio.send("DELETE", "sharing", &Value::Null);
    assert_eq!(view["sharing"], Value::Null);
    // The system is told to stop listening by a thread of its own.
    let gone = (0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(25));
        std::net::TcpStream::connect(place).is_err()
    });
    assert!(gone, "nobody listens any more");
}
