//! Models of few steps, styles and presets, as the command has them.

use cones_tests::hostile::Copy;
use serde_json::json;

use crate::tool::{Desk, stderr, text};

#[test]
fn values_go_into_the_recipe_and_out_of_it_again() {
    let desk = Desk::new();
    let out = desk.path("dog.png");
    let more = ["--scheduler", "tcd", "--eta", "0.5", "--guidance-rescale", "0.7", "--steps", "2", "--threads", "1"];
    desk.done(&[&["generate", "-p", "a dog", "-o", &out], &more[..]].concat());
    let recipe = desk.json(&["recipe", "--json", &out]);
    assert_eq!((recipe["scheduler"].as_str(), recipe["eta"].as_f64()), (Some("tcd"), Some(0.5)));
    let said = desk.done(&["recipe", &out]);
    assert!(said.contains("Sampler: TCD,") && said.contains("CFG rescale: 0.7, Eta: 0.5,"), "{said}");
    desk.done(&["generate", "--from", &out, "--threads", "1", "-o", &desk.path("again.png")]);
    assert_eq!(desk.read("again.png"), desk.read("dog.png"));
    // Another scheduler has no share of fresh noise.
    desk.done(&["generate", "--from", &out, "--scheduler", "euler", "--threads", "1", "-o", &desk.path("euler.png")]);
    for (option, value, field) in [("--eta", "2", "`eta`"), ("--guidance-rescale", "-1", "guidance_rescale")] {
        let option = format!("{option}={value}");
        let error = desk.fails(2, &["generate", "-p", "x", "-o", &out, "--scheduler", "tcd", "--steps", "2", &option]);
        assert!(error.contains(field), "{error}");
    }
    let error = desk.fails(2, &["generate", "-p", "x", "-o", &out, "--scheduler", "euler", "--eta", "0.5"]);
    assert!(error.contains("ddim and tcd"), "{error}");
}

#[test]
fn styles_of_a_file_and_of_the_bundle_stand_around_the_words_and_leave_what_is_typed() {
    let desk = Desk::new();
    let table = desk
        .write("styles.csv", "name,prompt,negative_prompt\nNight,\"{prompt} at night, dark\",day\nSnow,in the snow,\n");
    let bundle = Copy::new();
    bundle.edit(|manifest| {
        manifest["presets"] = json!([{ "name": "fast", "steps": 2, "scheduler": "dpm++2m", "guidance": 3 }])
    });
    let folder = text(bundle.path()).to_owned();
    let out = desk.path("dog.png");
    let common = ["generate", "--bundle", &folder, "--threads", "1", "-p", "a dog", "-o", &out, "--json"];
    let styles = ["--styles", &table, "--style", "Night", "--style", "Snow", "--style", "fast", "--guidance", "2"];
    let summary = desk.json(&[&common[..], &styles].concat());
    let recipe = &summary["pictures"][0]["recipe"];
    assert_eq!(recipe["prompt"], "a dog at night, dark, in the snow");
    assert_eq!((recipe["negative_prompt"].as_str(), recipe["steps"].as_u64()), (Some("day"), Some(2)));
    assert_eq!((recipe["scheduler"].as_str(), recipe["guidance"].as_f64()), (Some("dpm++2m"), Some(2.0)));
    assert!(summary["defaults"].is_null(), "{summary}");
    // What nobody asks for is the bundle's, and said.
    let summary = desk.json(&[&common[..], &["--steps", "1"]].concat());
    let guidance = cones_tests::base::bundle().manifest().defaults.guidance;
    assert_eq!(summary["defaults"], json!({ "scheduler": "ddim", "guidance": guidance }));
    let error = desk.fails(2, &[&common[..], &["--style", "Dawn", "--styles", &table]].concat());
    assert!(error.contains("`Dawn`") && error.contains("`Night`, `Snow`, `fast`"), "{error}");
    let shown = desk.done(&["bundle", "show", &folder]);
    let drawn = format!("ddim, 20 steps, guidance {guidance}");
    assert!(shown.contains("presets      fast") && shown.contains(&drawn), "{shown}");
    // A preset that cannot be drawn is no preset.
    bundle.edit(|manifest| manifest["presets"][0]["steps"] = json!(0));
    let output = desk.cones(&["bundle", "show", &folder]).output().expect("cones runs");
    assert!(stderr(&output).contains("preset `fast`"), "{}", stderr(&output));
}
