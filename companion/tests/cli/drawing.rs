//! Drawing pictures: exit status, what goes where, and pictures that can be drawn again.

use std::path::Path;
use std::process::Output;

use cones_tests::base;
use serde_json::Value;
use tempfile::TempDir;

use crate::tool::{bundle, cones, fail, stderr, succeed, text};

fn run(arguments: &[&str]) -> Output {
    cones(arguments).output().expect("cones runs")
}

fn done(arguments: &[&str]) -> String {
    succeed(cones(arguments))
}

fn fails(status: i32, arguments: &[&str]) -> String {
    fail(status, cones(arguments))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Two steps and one thread, after the given arguments.
fn generate(arguments: &[&str], out: &Path) -> String {
    done(&[&["generate", "--steps", "2", "--threads", "1", "--out", text(out)], arguments].concat())
}

#[test]
fn one_picture_is_drawn_and_its_path_printed() {
    let folder = folder();
    let out = folder.path().join("new/dog.png");
    let output = run(&["generate", "--prompt", "a dog", "--steps", "2", "--out", text(&out)]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{}\n", out.display()));
    assert_eq!(stderr(&output), "", "no messages where nothing is wrong and no terminal listens");
    assert!(std::fs::read(&out).expect("a picture").starts_with(b"\x89PNG"));
}

#[test]
fn several_pictures_are_numbered_in_a_file_and_named_by_seed_in_a_folder() {
    let folder = folder();
    let printed = generate(&["--prompt", "a dog", "--count", "3", "--seed", "5"], &folder.path().join("many"));
    let names: Vec<_> = printed.lines().map(|l| Path::new(l).file_name().expect("a name").to_owned()).collect();
    assert_eq!(names, ["5.png", "6.png", "7.png"]);
    let printed = generate(&["--prompt", "a dog", "--count", "2", "--seed", "5"], &folder.path().join("d.png"));
    let names: Vec<_> = printed.lines().map(|l| Path::new(l).file_name().expect("a name").to_owned()).collect();
    assert_eq!(names, ["d-0.png", "d-1.png"]);
    let same =
        |a: &str, b: &str| std::fs::read(folder.path().join(a)).ok() == std::fs::read(folder.path().join(b)).ok();
    assert!(same("many/5.png", "d-0.png") && same("many/6.png", "d-1.png"), "equal requests give equal files");
    assert!(!same("d-0.png", "d-1.png"));
}

#[test]
fn variations_and_large_pictures_are_drawn_again_from_their_recipes() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let varied = ["--prompt", "a dog", "--variation-seed", "5", "--variation-strength", "0.3", "--hires", "1.5"];
    let printed = generate(&[&varied[..], &["--count", "2"]].concat(), &path("many"));
    let names: Vec<_> = printed.lines().map(|l| Path::new(l).file_name().expect("a name").to_owned()).collect();
    assert_eq!(names, ["5.png", "6.png"], "what tells them apart");
    let large = 3 * base::side() / 2;
    assert_eq!(image::image_dimensions(path("many/6.png")).expect("a picture"), (large, large));
    done(&["generate", "--from", text(&path("many/6.png")), "--threads", "1", "--out", text(&path("again.png"))]);
    assert!(
        std::fs::read(path("many/6.png")).expect("a picture") == std::fs::read(path("again.png")).expect("a picture")
    );
    let out = path("x.png");
    for (wrong, says) in [
        (&["--variation-strength", "0.3"][..], "--variation-seed"),
        (&["--variation-seed", "3"], "--variation-strength"),
        (&["--variation-seed", "3", "--variation-strength", "2"], "0 to 1"),
        (&["--hires-steps", "3"], "--hires TIMES"),
        (&["--hires", "2", "--init", "a.png"], "--init"),
    ] {
        let said = fails(2, &[&["generate", "--prompt", "a dog", "--out", text(&out)], wrong].concat());
        assert!(said.contains(says), "{said}");
    }
    let said = fails(2, &["generate", "--prompt", "a dog", "--hires", "9", "--out", text(&out)]);
    assert!(said.contains("at most 8"), "{said}");
}

#[test]
fn the_json_summary_says_what_was_drawn() {
    let folder = folder();
    let out = folder.path().join("dog.png");
    let long = format!("{}on grass", "dog ".repeat(30));
    let arguments = ["generate", "--prompt", &long, "--steps", "2", "--seed", "3", "--json", "--out", text(&out)];
    let output = run(&arguments);
    let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON and nothing else");
    assert_eq!(summary["pictures"][0]["path"], text(&out));
    assert_eq!(summary["pictures"][0]["recipe"]["seed"], 3);
    assert_eq!(summary["steps"], 2);
    assert!(summary["seconds"]["total"].as_f64().expect("seconds") > 0.0);
    assert!(summary["warnings"][0].as_str().expect("a warning").contains("`on grass`"));
    assert!(stderr(&output).contains("warning: ") && stderr(&output).contains("`on grass`"));
}

#[test]
fn brackets_weigh_words_where_that_is_asked_for_and_in_what_is_drawn_again() {
    let folder = folder();
    let [first, again, text_alone] = ["first.png", "again.png", "text.png"].map(|name| folder.path().join(name));
    generate(&["--prompt", "a (dog:1.4) BREAK on \\(grass\\)", "--prompt-weights", "--seed", "4"], &first);
    let recipe: Value = serde_json::from_str(&done(&["recipe", "--json", text(&first)])).expect("JSON");
    assert_eq!(recipe["prompt_weights"], true);
    done(&["generate", "--from", text(&first), "--threads", "1", "--out", text(&again)]);
    assert_eq!(std::fs::read(&first).expect("a picture"), std::fs::read(&again).expect("a picture"));
    let out = ["--prompt-weights=false", "--from", text(&first), "--threads", "1", "--out", text(&text_alone)];
    done(&[&["generate"], &out[..]].concat());
    let recipe: Value = serde_json::from_str(&done(&["recipe", "--json", text(&text_alone)])).expect("JSON");
    assert!(recipe.get("prompt_weights").is_none());
    let error = fails(2, &["generate", "-p", "a [dog:cat:0.5]", "--prompt-weights", "-o", text(&again)]);
    assert!(error.contains("`[dog:cat:0.5]`"), "{error}");
}

#[test]
fn a_recipe_is_read_back_and_draws_the_same_bytes() {
    let folder = folder();
    let (first, again) = (folder.path().join("first.png"), folder.path().join("again.png"));
    let arguments = [
        "--prompt",
        "a dog \"x\" 🐶",
        "--negative-prompt",
        "a cat",
        "--seed",
        "9",
        "--scheduler",
        "euler-a",
        "--guidance",
        "3.3",
        "--subject",
        "random:5:3@0.7",
        "--subject",
        "random:1",
    ];
    generate(&arguments, &first);
    let readable = done(&["recipe", text(&first)]);
    assert!(
        readable
            .starts_with("a dog \"x\" 🐶\nNegative prompt: a cat\nSteps: 2, Sampler: Euler a, CFG scale: 3.3, Seed: 9"),
        "{readable}"
    );
    let exact: Value = serde_json::from_str(&done(&["recipe", "--json", text(&first)])).expect("JSON");
    assert_eq!(exact["subjects"][0]["name"], "random:5:3");
    done(&["generate", "--from", text(&first), "--threads", "1", "--out", text(&again)]);
    assert_eq!(std::fs::read(&first).expect("a picture"), std::fs::read(&again).expect("a picture"));

    // What is typed wins over the recipe.
    done(&["generate", "--from", text(&first), "--seed", "10", "--threads", "1", "--out", text(&again)]);
    assert_ne!(std::fs::read(&first).expect("a picture"), std::fs::read(&again).expect("a picture"));
    assert!(done(&["recipe", text(&again)]).contains("Seed: 10"));
}

#[test]
fn a_picture_from_a_picture_wants_its_start_again() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    generate(&["--prompt", "a dog"], &path("start.png"));
    let start = path("start.png");
    generate(&["--prompt", "a cat", "--init", text(&start), "--strength", "0.5"], &path("cat.png"));
    let cat = path("cat.png");
    let out = path("again.png");
    let error = fails(1, &["generate", "--from", text(&cat), "--out", text(&out)]);
    assert!(error.contains("--init"), "{error}");
    done(&["generate", "--from", text(&cat), "--init", text(&start), "--threads", "1", "--out", text(&out)]);
    assert_eq!(std::fs::read(&cat).expect("a picture"), std::fs::read(&out).expect("a picture"));
}

#[test]
fn wrong_usage_exits_with_2() {
    let out = ["--out", "x.png"];
    for arguments in [
        vec![],
        vec!["draw"],
        vec!["generate"],
        [&["generate"], &out[..]].concat(),
        vec!["generate", "--prompt", "a dog"],
        [&["generate", "--prompt", "a dog", "--steps", "many"], &out[..]].concat(),
        [&["generate", "--prompt", "a dog", "--scheduler", "plms"], &out[..]].concat(),
        [&["generate", "--prompt", "a dog", "--provider", "gpu"], &out[..]].concat(),
        [&["generate", "--prompt", "a dog", "--scope", "all"], &out[..]].concat(),
        [&["generate", "--prompt", "a dog", "--subject", "x@much"], &out[..]].concat(),
        [&["generate", "--prompt", "a dog", "--subject", "x:much"], &out[..]].concat(),
        [&["generate", "--prompt", "a dog", "--strength", "0.5"], &out[..]].concat(),
        [&["generate", "--prompt", "a dog", "--seed", "-2"], &out[..]].concat(),
        vec!["recipe"],
    ] {
        fails(2, &arguments);
    }
}

#[test]
fn values_out_of_range_are_wrong_usage_and_name_the_field() {
    let folder = folder();
    let out = folder.path().join("x.png");
    for (field, arguments) in [
        ("steps", vec!["--steps", "0"]),
        ("guidance", vec!["--guidance", "NaN"]),
        ("count", vec!["--count", "0"]),
        ("width", vec!["--width", "63"]),
        ("height", vec!["--height", "100000"]),
        ("strength", vec!["--subject", "random:10@1.5"]),
        ("strength", vec!["--init", "x.png", "--strength", "1.5"]),
        ("trigger", vec!["--subject", "random:10", "--scope", "trigger"]),
        ("threads", vec!["--threads", "0"]),
        ("threads", vec!["--threads", "40000000"]),
        ("scale", vec!["--scale", "0"]),
        ("scale", vec!["--scale", "17"]),
        ("random:200", vec!["--subject", "random:200"]),
        ("random:x", vec!["--subject", "random:x"]),
        ("other half", vec!["--negative-prompt", "a }"]),
        ("sheet", vec!["--sheet", "x.gif"]),
        ("preview", vec!["--preview", "x"]),
    ] {
        let error = fails(2, &[&["generate", "--prompt", "a dog", "--out", text(&out)], &arguments[..]].concat());
        assert!(error.starts_with("error: ") && error.contains(field), "{field}: {error}");
        assert!(!out.exists());
    }
}

#[test]
fn what_is_not_there_exits_with_1_and_is_named() {
    let folder = folder();
    let out = folder.path().join("x.png");
    for (field, arguments) in [
        ("no/such.safetensors", vec!["--subject", "no/such.safetensors"]),
        ("no/such.png", vec!["--init", "no/such.png"]),
        ("no/such.png", vec!["--from", "no/such.png"]),
        ("no/such.cones", vec!["--subject", "no/such.cones"]),
        ("no/such/bundle", vec!["--bundle", "no/such/bundle"]),
        ("nnapi", vec!["--provider", "nnapi"]),
    ] {
        let error = fails(1, &[&["generate", "--prompt", "a dog", "--out", text(&out)], &arguments[..]].concat());
        assert!(error.starts_with("error: ") && error.contains(field), "{field}: {error}");
        assert!(!out.exists());
    }
}

#[test]
fn files_that_are_not_what_they_should_be_are_named() {
    let folder = folder();
    let file = folder.path().join("thing.png");
    std::fs::write(&file, b"nothing of the kind").expect("a file");
    let out = folder.path().join("x.png");
    let arguments = |option| ["generate", "--prompt", "a dog", "--out", text(&out), option, text(&file)];
    for error in [
        fails(1, &["recipe", text(&file)]),
        fails(1, &arguments("--from")),
        fails(1, &arguments("--init")),
        fails(1, &arguments("--subject")),
    ] {
        assert!(error.contains("thing.png"), "{error}");
    }
}

#[test]
fn a_missing_runtime_is_an_error_with_a_hint() {
    let folder = folder();
    let junk = folder.path().join("libonnxruntime.so");
    std::fs::write(&junk, b"not a library").expect("a file");
    for library in [Path::new("/no/such/libonnxruntime.so"), &junk, folder.path()] {
        for arguments in [&["devices"][..], &["generate", "--prompt", "a dog", "--out", "x.png"]] {
            let output = cones(arguments).env("ORT_DYLIB_PATH", library).output().expect("cones runs");
            let error = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{error}");
            assert!(error.contains("ONNX Runtime is missing") && error.contains("cargo xtask setup"), "{error}");
            assert!(!error.contains("panicked") && output.stdout.is_empty(), "{error}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_of_something_else_is_an_error_too() {
    let output = cones(&["devices"]).env("ORT_DYLIB_PATH", "libc.so.6").output().expect("cones runs");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
}

/// The width of a terminal.
const WIDTH: usize = 100;

/// Whether a line of running text is as long as the terminal lets it be, where its sentence goes on in the next one.
fn is_filled(line: &str, next: &str) -> bool {
    let is_text = |line: &str| line.starts_with(|first: char| !first.is_whitespace());
    let goes_on = is_text(line) && is_text(next) && !line.ends_with(['.', ':']);
    let word = next.split(' ').next().unwrap_or_default();
    !goes_on || line.len() + 1 + word.len() > WIDTH
}

#[test]
fn help_shows_examples() {
    for command in [
        "generate",
        "recipe",
        "sheet",
        "report",
        "import",
        "quantise",
        "compare",
        "inspect",
        "import-mask",
        "export",
        "keygen",
        "publish",
        "serve",
        "packs list",
        "packs available",
        "packs install",
        "packs remove",
        "packs verify",
        "bundle show",
        "bundle install",
        "bundle list",
        "bundle remove",
        "devices",
        "completion",
        "man",
        "find",
        "find-many",
        "tune",
        "unite",
        "evaluate",
        "keys",
        "studio",
        "import-lora",
        "import-embedding",
    ] {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let mut narrow = cones(&words);
        narrow.env("COLUMNS", WIDTH.to_string());
        let help = succeed(narrow);
        assert!(help.contains("Example") && help.contains(&format!("cones {command}")), "{help}");
        assert!(help.lines().zip(help.lines().skip(1)).all(|(line, next)| is_filled(line, next)), "{help}");
    }
    assert!(done(&["--help"]).contains("Exit status"));
    assert!(done(&["--version"]).starts_with("cones "));
}

#[test]
fn a_sheet_shows_each_prompt_and_subject() {
    let folder = folder();
    let out = folder.path().join("sheet");
    let printed = done(&[
        "sheet",
        "--prompt",
        "a dog",
        "--prompt",
        "a cat",
        "--subject",
        "random:5",
        "--steps",
        "1",
        "--threads",
        "1",
        "--out",
        text(&out),
    ]);
    assert_eq!(printed.lines().count(), 5, "{printed}");
    for name in ["0-00.png", "0-01.png", "1-00.png", "1-01.png"] {
        assert!(done(&["recipe", text(&out.join(name))]).contains("Steps: 1"));
    }
    let sheet = image::open(out.join("sheet.png")).expect("a sheet");
    assert!(sheet.width() > 2 * base::side() && sheet.height() > 2 * base::side());
}

#[test]
fn devices_and_bundle_are_described() {
    let devices = done(&["devices"]);
    assert!(devices.lines().any(|l| l.starts_with("cpu") && l.contains("available")), "{devices}");
    for provider in ["cuda", "coreml", "xnnpack", "nnapi"] {
        assert!(devices.lines().any(|l| l.starts_with(provider)), "{devices}");
    }
    let bundle = bundle();
    let bundle = text(&bundle);
    assert!(done(&["bundle", "show", bundle, "--verify"]).contains("hashes right"));
    let manifest: Value = serde_json::from_str(&done(&["bundle", "show", bundle, "--json"])).expect("JSON");
    assert_eq!(manifest["schema"], 1);
}
