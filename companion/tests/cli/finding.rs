//! `cones find`, `unite`, `tune` and `evaluate` on Toybox, with a few steps only: that they work, not how well.

use std::path::{Path, PathBuf};

use crate::tool::{Desk, fail, models, stderr, text};

/// As quick as it gets.
const QUICK: [&str; 12] =
    ["--steps", "3", "--batch", "4", "--held-out", "4", "--drawn", "1", "--threads", "1", "--show", "0"];

fn subject(name: &str) -> String {
    text(&models(&format!("subjects/{name}"))).to_owned()
}

fn find(desk: &Desk, class: &str, out: &str, more: &[&str]) -> serde_json::Value {
    let images = subject(&format!("fluent-{class}"));
    let command = ["find", "--images", &images, "--class", class, "--out", out, "--json"];
    desk.json(&[&command[..], &QUICK, more].concat())
}

#[test]
fn six_pictures_become_a_pack_and_the_same_ones_the_same_pack() {
    let desk = Desk::new();
    let (first, second) = (desk.path("dog.cones"), desk.path("again.cones"));
    let cache = desk.path("cache");
    let record = find(&desk, "dog", &first, &["--seed", "4", "--examples", &cache]);
    assert_eq!(record["history"].as_array().map(Vec::len), Some(3));
    assert!(record.get("trigger").is_none(), "no words were learned: {record}");
    assert!(record["curve"].as_array().is_some_and(|curve| curve.len() >= 8), "{record}");
    assert!(record["neurons"].as_u64().is_some_and(|n| n > 0));
    assert!(record["base"]["company"].is_number() && record["chosen"]["company"].is_number(), "{record}");
    let alone = find(&desk, "dog", &second, &["--seed", "4", "--examples", &cache, "--alone"]);
    assert!(alone["base"]["company"].is_null() && alone["history"] != record["history"], "{alone}");
    let kept: serde_json::Value = serde_json::from_slice(&desk.read("dog.finding.json")).expect("a record");
    assert_eq!(kept["neurons"], record["neurons"]);
    // What the model drew for itself is kept apart, for others of the class: without the subject's own, all is as it was.
    let own = |file: &PathBuf| std::fs::read(file).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("<v1>"));
    let kept: Vec<PathBuf> = std::fs::read_dir(&cache).expect("a folder").flatten().map(|entry| entry.path()).collect();
    let (own, shared): (Vec<_>, Vec<_>) = kept.into_iter().partition(own);
    assert_eq!((own.len(), shared.len()), (2, 1), "in company and alone");
    own.iter().for_each(|file| std::fs::remove_file(file).expect("removed"));
    let drawn = std::fs::read(&shared[0]).expect("read");
    let again = find(&desk, "dog", &second, &["--seed", "4", "--examples", &cache]);
    assert_eq!(std::fs::read(&shared[0]).expect("read"), drawn);
    assert_eq!(again["history"], record["history"]);
    let of = |path: &str| desk.json(&["inspect", "--json", path])["packs"][0].clone();
    let (a, b) = (of(&first), of(&second));
    assert_eq!((&a["layers"], &a["neurons"]), (&b["layers"], &b["neurons"]));
    assert_eq!((a["trigger"].as_str(), a["scope"].as_str()), (Some("<v1> dog"), Some("trigger")));
    let hidden = std::fs::read_dir(Path::new(&first).parent().expect("a folder")).expect("a folder");
    let left: Vec<_> = hidden.flatten().filter(|e| e.file_name().to_string_lossy().starts_with('.')).collect();
    assert!(left.is_empty(), "{left:?}");
    let picture = desk.path("dog.png");
    desk.done(&["generate", "--prompt", "a {dog} on grass", "--subject", &first, "--steps", "2", "--out", &picture]);
}

#[test]
fn precisions_are_compared_at_the_same_neurons() {
    let desk = Desk::new();
    let out = desk.path("dog.cones");
    let more = ["--scope", "prompt", "--precision", "quaternary", "--factor-steps", "2", "--share", "1"];
    let record = find(&desk, "dog", &out, &more);
    let names: Vec<&str> = record["factors"]["by_precision"]
        .as_array()
        .expect("factors")
        .iter()
        .filter_map(|entry| entry[0].as_str())
        .collect();
    assert_eq!(names, ["binary", "quaternary", "float16", "float32"]);
    let pack = desk.json(&["inspect", "--json", &out])["packs"][0].clone();
    assert_eq!(pack["precision"].as_str(), Some("quaternary"));
    let weights = f64::from(cones_tests::base::attention_weights());
    assert_eq!(pack["neurons"].as_u64(), Some((weights / 100.0).round() as u64), "a hundredth");
}

#[test]
fn packs_are_united_and_tuned() {
    let desk = Desk::new();
    let pack = |name: &str, class: &str, trigger: &str| desk.pack(name, "1", &["--class", class, "--trigger", trigger]);
    let (dog, owl) = (pack("dog", "dog", "<v1> dog"), pack("owl", "owl", "<v2> owl"));
    let neurons = desk.json(&["inspect", "--json", &dog])["packs"][0]["neurons"].as_u64().expect("a number");
    let both = desk.path("both.cones");
    let refused = desk.fails(1, &["unite", &dog, &owl, "--out", &both]);
    assert!(refused.contains("--scope prompt") && refused.contains("`dog`"), "{refused}");
    let printed = desk.done(&["unite", &dog, &owl, "--scope", "prompt", "--out", &both]);
    assert!(printed.contains(&format!("neurons of {neurons} + {neurons}")), "{printed}");
    let united = desk.json(&["inspect", "--json", &both])["packs"][0].clone();
    assert_eq!(
        (united["trigger"].as_str(), united["scope"].as_str()),
        (Some("<v1> dog and a <v2> owl"), Some("prompt"))
    );

    let (out, images) = (desk.path("tuned"), [subject("fluent-dog"), subject("fluent-owl")]);
    let tune = ["tune", "--packs", &dog, &owl, "--images", &images[0], &images[1], "--out", &out, "--json"];
    let quick = ["--steps", "2", "--batch", "4", "--held-out", "4", "--drawn", "2"];
    let summary = desk.json(&[&tune[..], &quick, &["--precision", "float16"]].concat());
    assert_eq!(summary["packs"].as_array().map(Vec::len), Some(2));
    let tuned = desk.json(&["inspect", "--json", &format!("{out}/owl.cones")])["packs"][0].clone();
    assert_eq!((tuned["version"].as_u64(), tuned["precision"].as_str()), (Some(2), Some("float16")));
    assert_eq!(tuned["neurons"].as_u64(), Some(neurons));
    // Binary packs have no factors: it is neurons that change.
    desk.json(&[&tune[..], &quick, &["--rate", "1"]].concat());
    let found = desk.json(&["inspect", "--json", &format!("{out}/owl.cones")])["packs"][0].clone();
    assert_eq!(found["precision"].as_str(), Some("binary"));
    assert!(found["neurons"].as_u64().is_some_and(|count| count > 0 && count != neurons), "{found}");

    let same = pack("same", "owl", "<v1> dog");
    let twins = desk.fails(1, &["tune", "--packs", &dog, &same, "--images", &images[0], &images[1], "--out", &out]);
    assert!(twins.contains("same trigger"), "{twins}");
    let uneven =
        desk.fails(2, &["tune", "--packs", &dog, &owl, "--images", &images[0], &images[1], &images[1], "--out", &out]);
    assert!(uneven.contains("2 packs and 3 folders"), "{uneven}");
}

#[test]
fn a_triggers_embedding_is_learned_drawn_and_kept() {
    let (desk, width) = (Desk::new(), cones_tests::base::text_width());
    let dog = desk.path("dog.cones");
    let record = find(&desk, "dog", &dog, &["--share", "1", "--learn-trigger"]);
    assert_eq!(
        (record["trigger"]["tokens"].as_u64(), record["trigger"]["width"].as_u64()),
        (Some(2), Some(u64::from(width)))
    );
    assert!(record["trigger"]["distance"].as_f64().is_some_and(|distance| distance > 0.0), "{record}");
    assert!(record["trigger"]["alone"]["subject"].as_f64() != record["base"]["subject"].as_f64(), "{record}");
    let owl = desk.pack("owl", "1", &["--class", "owl", "--trigger", "<v2> owl"]);
    let printed = desk.done(&["inspect", &dog]);
    assert!(printed.contains(&format!("embeddings   2 tokens, {width} wide")), "{printed}");
    let packs = desk.json(&["inspect", "--json", &dog, &owl])["packs"].clone();
    assert!(packs[0]["embeddings"]["tokens"].as_u64() == Some(2) && packs[1]["embeddings"].is_null(), "{packs}");

    let (drawn, again) = (desk.path("dog.png"), desk.path("again.png"));
    desk.done(&["generate", "--prompt", "a {dog} on grass", "--subject", &dog, "--steps", "2", "--out", &drawn]);
    desk.done(&["generate", "--from", &drawn, "--subject", &dog, "--out", &again]);
    assert_eq!(desk.read("dog.png"), desk.read("again.png"));

    let united = desk.fails(1, &["unite", &dog, &owl, "--scope", "prompt", "--out", &desk.path("both.cones")]);
    assert!(united.contains("`dog` has learned embeddings") && united.contains("hint:"), "{united}");
    let (out, images) = (desk.path("tuned"), [subject("fluent-dog"), subject("fluent-owl")]);
    let tune = ["tune", "--packs", &dog, &owl, "--images", &images[0], &images[1], "--out", &out, "--json"];
    desk.json(&[&tune[..], &["--steps", "2", "--batch", "4", "--held-out", "4", "--drawn", "2"]].concat());
    let of = |name: &str| desk.json(&["inspect", "--json", &format!("{out}/{name}.cones")])["packs"][0].clone();
    assert_eq!(of("dog")["embeddings"], packs[0]["embeddings"]);
    assert!(of("owl")["embeddings"].is_null());

    let images = subject("fluent-dog");
    let find = ["find", "--images", &images, "--class", "dog", "--out", &dog, "--learn-trigger"];
    let bare = desk.fails(1, &[&find[..], &["--trigger", "dog"], &QUICK].concat());
    assert!(bare.contains("no word besides the class word"), "{bare}");
}

#[test]
fn pictures_that_cannot_be_used_are_named_and_poor_ones_warned_of() {
    let desk = Desk::new();
    let out = desk.path("x.cones");
    let folder = desk.path("empty");
    std::fs::create_dir(&folder).expect("a folder");
    let find = |class: &str| {
        let command = ["find", "--images", &folder, "--class", class, "--out", &out];
        desk.cones(&[&command[..], &QUICK].concat())
    };
    assert!(fail(1, find("dog")).contains("no pictures in"), "empty");
    desk.write("empty/0.png", b"no picture");
    let unreadable = fail(1, find("dog"));
    assert!(unreadable.contains("0.png"), "{unreadable}");
    // Both warnings stand before the failure.
    let warned = fail(1, find("xqzzy"));
    assert!(warned.contains("one picture only") && warned.contains("splits the class word `xqzzy`"), "{warned}");
    assert!(fail(1, find(" ")).contains("the class is empty"));
    let images = subject("fluent-dog");
    let named = desk.fails(1, &["find", "--images", &images, "--class", "dog", "--name", "My dog!", "--out", &out]);
    assert!(named.contains("name") && named.contains("My dog!"), "{named}");
    assert!(!Path::new(&out).exists());
}

#[test]
fn a_pack_is_evaluated_against_the_base_model() {
    let desk = Desk::new();
    let pack = text(&models("packs/fluent-dog.cones")).to_owned();
    let (measure, drawn) = (text(&models("toybox/measure")).to_owned(), desk.path("drawn"));
    let prompts = desk.write("prompts", "# two contexts\na {} on grass\n\na {fluent-dog} at night\n");
    let command = ["evaluate", "--packs", &pack, "--measure", &measure, "--prompts", &prompts];
    let more = ["--count", "2", "--steps", "8", "--out", &drawn, "--json"];
    let rows = desk.json(&[&command[..], &more].concat());
    let row = &rows[0];
    assert_eq!((row["with"]["pictures"].as_u64(), row["base"]["pictures"].as_u64()), (Some(4), Some(4)));
    // Toybox draws a dog in its place whether it is the right one or not.
    assert!(row["base"]["context"].as_f64().is_some_and(|share| share >= 0.75), "{rows}");
    assert!(row["base"]["objects"].as_f64().is_some_and(|share| share >= 0.75), "{rows}");
    assert_eq!(std::fs::read_dir(format!("{drawn}/fluent-dog/packs")).expect("pictures").count(), 4);
    let none = desk.fails(1, &["evaluate", "--packs", &pack, "--measure", &desk.path("none")]);
    assert!(none.contains("--measure"), "{none}");
    desk.write("prompts", "# nothing\n");
    assert!(desk.fails(1, &command).contains("holds no prompt"));
}

#[test]
fn a_pack_of_ones_own_is_judged_by_the_pictures_it_was_found_in() {
    let desk = Desk::new();
    let (images, out, measure) = (desk.path("photos"), desk.path("rex.cones"), models("toybox/measure"));
    let measure = text(&measure);
    std::fs::create_dir(&images).expect("a folder");
    for (i, from) in [0, 1, 2, 3, 4, 5, 0].into_iter().enumerate() {
        let picture = std::fs::read(models(&format!("subjects/fluent-dog/{from}.png"))).expect("a picture");
        desk.write(&format!("photos/{i}.png"), picture);
    }
    let find = ["find", "--images", &images, "--class", "dog", "--out", &out, "--measure", measure, "--show", "1"];
    let quick: Vec<&str> = QUICK.into_iter().filter(|word| !matches!(*word, "--show" | "0")).collect();
    let found = desk.json(&[&find[..], &quick, &["--json"]].concat());
    assert_eq!(found["held_back"], serde_json::json!(["6.png"]), "one of seven");
    let count = |field: &str| found["looks"][field].as_array().map(Vec::len);
    assert_eq!((count("pictures"), count("held_back"), count("recoloured")), (Some(6), Some(1), Some(2)));
    assert_eq!(found["evaluation"]["with"]["pictures"], 1);
    assert!(found["evaluation"]["base"]["alike"].as_f64().is_some_and(|alike| alike < 0.9), "{found}");
    let sheet = image::image_dimensions(desk.path("rex.preview.png")).expect("a sheet");
    assert!(sheet.1 > sheet.0, "the base model above, the pack below: {sheet:?}");

    let prompts = desk.write("prompts", "a {} on grass\n");
    let evaluate = ["evaluate", "--packs", &out, "--measure", measure, "--prompts", &prompts, "--count", "1"];
    let quick = ["--steps", "4", "--no-base", "--json"];
    let marks = |more: &[&str]| {
        let rows = desk.json(&[&evaluate[..], &quick, more].concat());
        ["real", "others"].map(|mark| rows[0]["marks"][0][mark].as_f64().expect("a mark"))
    };
    // The picture that was held back is one of the others once more.
    let kept = marks(&[]);
    assert!(kept[0] > 0.999 && kept[1] < 0.5, "{kept:?}");
    assert_eq!(marks(&["--images", &images]), kept);
    std::fs::remove_file(desk.path("rex.finding.json")).expect("removed");
    assert!(desk.fails(1, &evaluate).contains("--images DIR"));
    let without = marks(&["--subject-images", &images]);
    assert!((without[1] - kept[1]).abs() < 0.01, "{without:?} {kept:?}");
    let two = desk.fails(1, &[&evaluate[..], &["--images", &images, &images]].concat());
    assert!(two.contains("1 packs and 2 folders"), "{two}");
}

#[test]
fn a_finding_ends_with_what_it_came_to_and_how_to_draw_it() {
    let desk = Desk::new();
    let (images, out) = (subject("fluent-dog"), desk.path("my dog.cones"));
    let (measure, find) = (models("toybox/measure"), ["find", "--images", &images, "--class", "dog", "--name", "rex"]);
    let quick: Vec<&str> = QUICK.into_iter().filter(|word| !matches!(*word, "--show" | "0")).collect();
    let more = ["--out", &out, "--measure", text(&measure), "--show", "1"];
    let output = desk.cones(&[&find[..], &quick, &more].concat()).output().expect("cones runs");
    let (printed, said) = (String::from_utf8_lossy(&output.stdout).into_owned(), stderr(&output));
    assert!(output.status.success(), "{said}");
    let lines: Vec<&str> = printed.lines().collect();
    assert!(lines.ends_with(&[&desk.path("my dog.preview.png"), &out]), "{printed}");
    for row in ["base", "pack", "others", "real"] {
        assert!(lines.iter().any(|line| line.starts_with("rex ") && line.contains(row)), "{row}: {printed}");
    }
    let command = said.lines().find_map(|line| line.strip_prefix("draw it: cones ")).expect("the command");
    assert!(command.contains("'a {rex} on grass'") && command.contains(&format!("'{out}'")), "{command}");
    desk.done(&[
        "generate",
        "--prompt",
        "a {rex} on grass",
        "--subject",
        &out,
        "--steps",
        "1",
        "--out",
        &desk.path("x.png"),
    ]);
}

#[test]
fn lines_that_cannot_be_are_reported_and_wrong_usage_is_refused() {
    let desk = Desk::new();
    let (manifest, out) = (desk.path("subjects.csv"), desk.path("packs"));
    std::fs::create_dir(desk.path("nothing")).expect("a folder");
    std::fs::write(&manifest, "name,class,pictures\nBad,dog,nothing\nrex,dog,nothing\n").expect("written");
    let many = ["find-many", &manifest, "--out", &out];
    let output = desk.cones(&many).output().expect("cones runs");
    let (printed, told) = (String::from_utf8_lossy(&output.stdout).into_owned(), stderr(&output));
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("2 of 2 lines came to nothing"), "{told}");
    assert!(printed.contains("line 2") && printed.contains("no PNG, JPEG or WebP pictures in `nothing`"), "{printed}");
    let report: serde_json::Value = serde_json::from_slice(&desk.read("packs/report.json")).expect("a report");
    assert_eq!((report["lines"].as_u64(), report["failed"].as_u64()), (Some(2), Some(2)));
    // Two processes, and nothing left to do for either.
    let output = desk.cones(&[&many[..], &["--workers", "2", "--json"]].concat()).output().expect("cones runs");
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("a report"), report);
    for wrong in [&["--shard", "2/2"][..], &["--lease", "1"], &["--workers", "0"]] {
        let error = desk.fails(2, &[&many[..], wrong].concat());
        assert!(error.contains(wrong[0]), "{error}");
    }
    let missing = desk.fails(1, &["find-many", &desk.path("none.csv"), "--out", &out]);
    assert!(missing.contains("no manifest"), "{missing}");
    let place = desk.fails(1, &["find-many", &manifest, "--out", "https://example.org/packs"]);
    assert!(place.contains("hint: a folder, or a URL"), "{place}");
}
