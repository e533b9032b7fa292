//! The page that shows what packs do.

use std::path::Path;

use crate::tool::{Desk, bundle, models, text};

/// One prompt, one step, one thread: enough to see that every part is there.
const QUICK: [&str; 8] = ["--prompt", "a {} at night", "--steps", "1", "--seeds", "1", "--threads", "1"];

fn example(name: &str) -> String {
    text(&models(&format!("packs/{name}.cones"))).to_owned()
}

fn page(desk: &Desk, packs: &[&str]) -> String {
    let out = desk.path("page");
    let printed = desk.done(&[&["report"], packs, &["--out", &out], &QUICK].concat());
    assert_eq!(printed.trim(), text(&Path::new(&out).join("index.html")));
    String::from_utf8(desk.read("page/index.html")).expect("text")
}

/// A record as `cones find` leaves it, of a pack with so many neurons.
fn record(neurons: u64) -> String {
    let losses = |subject: f64| serde_json::json!({"subject": subject, "class": 0.13, "other": 0.14});
    let point = |neurons: u64, share: f64, subject: f64| serde_json::json!({"neurons": neurons, "share": share, "losses": losses(subject)});
    serde_json::json!({
        "command": ["cones", "find", "--trigger", "<v1> dog", "--out", "</code><script>alert(1)</script>"],
        "method": "learned", "scope": "trigger", "seed": 3, "neurons": neurons, "share": 0.05,
        "base": losses(0.4), "chosen": losses(0.3),
        "curve": [point(400, 0.001, 0.39), point(neurons, 0.05, 0.3), point(90_000, 0.2, 5.0)],
        "history": [0.5, 0.4, 0.45, 0.35],
        "seconds": {"preparing": 5.0, "steps": 30.0, "total": 40.0},
        "peak_memory": 451_000_000,
    })
    .to_string()
}

#[test]
fn one_page_holds_everything_and_reaches_for_nothing() {
    let desk = Desk::new();
    let page = page(&desk, &[&example("fluent-dog")]);
    for part in [
        "fluent-dog",
        "&lt;v1&gt; dog at night",
        "base: a dog at night",
        "no record of how fluent-dog was found",
        "fluent-dog.finding.json",
        "to_k, by head",
        "up 1.1.0 to_v",
        cones_tests::base::bundle().manifest().fingerprint.to_string().as_str(),
        "concept neurons",
        "prefers-color-scheme: dark",
        "width=device-width",
    ] {
        assert!(page.contains(part), "{part}");
    }
    // The preview, the base model and three strengths, then picture, map and outline before and after.
    assert_eq!(page.matches("<img").count(), 1 + 4 + 6);
    assert_eq!(page.matches("src=\"").count(), page.matches("src=\"data:image/").count());
    assert!(page.contains("where &lt;v1&gt; dog is seen"), "attention maps are there");
    for outside in ["http://", "https://", "<script", "<link", "url(", "@import", " onload", " onerror"] {
        let page = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn a_record_becomes_curves_timings_and_a_command() {
    let desk = Desk::new();
    let pack = desk.path("rex.cones");
    std::fs::copy(example("fluent-dog"), &pack).expect("a copy");
    let neurons = desk.json(&["inspect", "--json", &pack])["packs"][0]["neurons"].as_u64().expect("a number");
    desk.write("rex.finding.json", record(neurons));
    let found = page(&desk, &[&pack]);
    for part in [
        "Training loss over 4 steps",
        "Held-out loss by share of neurons shut",
        "chosen: 5.00 %",
        "(−25.0 %)",
        "451 MB",
        "30 s for 4 steps",
        "'&lt;v1&gt; dog'",
    ] {
        assert!(found.contains(part), "{part}");
    }
    assert!(!found.contains("<script") && !found.contains("record of another one"));
    desk.write("rex.finding.json", record(7));
    assert!(page(&desk, &[&pack]).contains("record of another one"));
    desk.write("rex.finding.json", "nothing of the kind");
    let error = desk.fails(1, &["report", &pack, "--out", &desk.path("other")]);
    assert!(error.contains("rex.finding.json") && !Path::new(&desk.path("other")).exists(), "{error}");
}

#[test]
fn several_packs_are_drawn_together_and_compared() {
    let desk = Desk::new();
    let page = page(&desk, &[&example("fluent-dog"), &example("fluent-owl")]);
    for part in [
        "fluent-dog + fluent-owl",
        "a &lt;v1&gt; dog and a &lt;v1&gt; owl at night",
        "base: a dog and an owl at night",
        "fluent-dog and fluent-owl",
        "They share",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(page.matches("<img").count(), 2 + 3 * 4 + 2 * 6);
}

/// A folder with one picture of the dog, and its true shape.
fn pictures(desk: &Desk) -> String {
    let (shapes, folder) = (models("shapes/fluent-dog"), desk.path("pictures"));
    std::fs::create_dir_all(Path::new(&folder).join("shapes")).expect("a folder");
    for name in ["0.png", "subject.json", "shapes/0.png"] {
        std::fs::copy(shapes.join(name), Path::new(&folder).join(name)).expect("a copy");
    }
    folder
}

#[test]
fn attention_in_given_pictures_is_held_against_their_shapes() {
    let desk = Desk::new();
    let (pack, out) = (example("fluent-dog"), desk.path("page"));
    let report = |folder: &str| {
        desk.json(&[&["report", &pack, "--pictures", folder, "--out", &out, "--json"][..], &QUICK].concat())
    };
    let told = report(&pictures(&desk));
    let overlap = &told["overlaps"][0];
    assert_eq!((overlap["pack"].as_str(), overlap["pictures"].as_u64()), (Some("fluent-dog"), Some(1)));
    // The drawing's share of the picture.
    let shape = image::open(models("shapes/fluent-dog/shapes/0.png")).expect("a shape").to_luma8();
    let white = shape.pixels().filter(|level| level[0] > 127).count() as f64;
    let everywhere = overlap["everywhere"].as_f64().expect("a number");
    assert!((everywhere - white / shape.len() as f64).abs() < 1e-9, "{everywhere}");
    let seen = ["off", "on"].map(|side| overlap[side].as_f64().expect("a number"));
    assert!(
        seen.iter().all(|overlap| *overlap > everywhere && *overlap < 1.0),
        "the dog is where the map is bright: {seen:?}"
    );
    let page = String::from_utf8(desk.read("page/index.html")).expect("text");
    assert!(page.contains("In the pictures that were given") && page.contains("overlap "), "the page says it");
    assert_eq!(page.matches("<img").count(), 1 + 4 + 6 + 6);

    desk.write("pictures/shapes/0.png", "no picture");
    let error = desk.fails(1, &["report", &pack, "--pictures", &desk.path("pictures"), "--out", &out]);
    assert!(error.contains("shapes") && error.contains("0.png"), "{error}");
    std::fs::remove_file(desk.path("pictures/shapes/0.png")).expect("it was there");
    assert_eq!(report(&desk.path("pictures"))["overlaps"], serde_json::json!([]));
    let error = desk.fails(2, &["report", &pack, "--pictures", "a", "b", "--out", &out]);
    assert!(error.contains("a folder for each pack: 2 for 1"), "{error}");
}

#[test]
fn what_a_pack_says_is_never_markup() {
    let desk = Desk::new();
    let hostile = "\"><script>alert(1)</script><img src=x onerror=alert(2)>";
    let pack = desk.pack("rex", "1", &["--author", hostile, "--licence", hostile, "--class", "<b>dog</b>"]);
    let page = page(&desk, &[&pack]);
    assert!(page.contains("&lt;script&gt;alert(1)"));
    for markup in ["<script", "<img src=x", "<b>dog"] {
        assert!(!page.contains(markup), "{markup}");
    }
}

#[test]
fn what_cannot_be_reported_is_said_before_anything_is_drawn() {
    let desk = Desk::new();
    let out = desk.path("page");
    let error = desk.fails(1, &["report", &desk.path("gone.cones"), "--out", &out]);
    assert!(error.contains("gone.cones"), "{error}");
    let junk = desk.write("junk.cones", "nothing of the kind");
    assert!(desk.fails(1, &["report", &junk, "--out", &out]).contains("junk.cones"));
    assert!(desk.fails(1, &["report", "nobody", "--out", &out]).contains("`nobody`"));
    desk.fails(2, &["report", "--out", &out]);
    desk.fails(2, &["report", &example("fluent-dog")]);
    desk.fails(2, &["report", &example("fluent-dog"), "--out", &out, "--seeds", "0"]);
    assert!(!Path::new(&out).exists());
    let file = desk.write("file", "in the way");
    assert!(desk.fails(1, &["report", &example("fluent-dog"), "--out", &file]).contains("file"));
    let zero = desk.fails(2, &["report", &example("fluent-dog"), "--out", &out, "--steps", "0"]);
    assert!(zero.contains("steps") && !Path::new(&out).join("index.html").exists(), "{zero}");
}

/// The bundle of the tests without one of its files.
fn bundle_without(desk: &Desk, file: &str) -> String {
    let copy = desk.path("bundle");
    std::fs::create_dir_all(&copy).expect("a folder");
    for entry in std::fs::read_dir(bundle()).expect("the bundle") {
        let entry = entry.expect("a file");
        std::fs::copy(entry.path(), Path::new(&copy).join(entry.file_name())).expect("a copy");
    }
    let mut manifest: serde_json::Value = serde_json::from_slice(&desk.read("bundle/bundle.json")).expect("JSON");
    manifest["files"].as_object_mut().expect("files").remove(file);
    desk.write("bundle/bundle.json", manifest.to_string());
    std::fs::remove_file(Path::new(&copy).join(file)).expect("the file was there");
    copy
}

#[test]
fn where_a_bundle_hides_its_attention_a_note_says_so() {
    for file in ["unet.plain.onnx", "vae_encoder.onnx"] {
        let desk = Desk::new();
        let bundle = bundle_without(&desk, file);
        let page = page(&desk, &[&example("fluent-dog"), "--bundle", &bundle]);
        assert!(page.contains("No maps: the bundle has no") && page.contains(file), "{file}");
        assert_eq!(page.matches("<img").count(), 1 + 4);
    }
}

#[test]
fn prompts_without_the_trigger_have_no_maps_and_a_warning() {
    let desk = Desk::new();
    let out = desk.path("page");
    let arguments =
        ["report", &example("fluent-dog"), "--out", &out, "--prompt", "a cat", "--steps", "1", "--seeds", "3"];
    let output = desk.cones(&arguments).output().expect("cones runs");
    let warning = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && warning.contains("warning: ") && warning.contains("<v1> dog"), "{warning}");
    let page = String::from_utf8(desk.read("page/index.html")).expect("text");
    assert!(page.contains("None of the prompts holds the trigger &lt;v1&gt; dog"));
    assert_eq!(page.matches("<img").count(), 1 + 3 * 4);
}
