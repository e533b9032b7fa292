//! What can be typed: limits, variables, completion, manual pages, devices.

use crate::tool::{Desk, cones, fail, models, succeed, text};

#[test]
fn what_is_absurd_is_refused_before_any_work() {
    let desk = Desk::new();
    let (images, pack) = (models("subjects/fluent-dog"), models("packs/fluent-dog.cones"));
    let out = desk.path("x.cones");
    let find = ["find", "--images", text(&images), "--class", "dog", "--out", &out];
    let tune = ["tune", "--packs", text(&pack), text(&pack), "--images", text(&images), text(&images), "--out", &out];
    for more in [
        ["--share", "150"],
        ["--share", "0"],
        ["--steps", "0"],
        ["--steps", "99999999999"],
        ["--rate", "1000"],
        ["--rate", "NaN"],
        ["--rho", "1e9"],
        ["--prior", "inf"],
        ["--pressure", "1e9"],
        ["--held-out", "0"],
        ["--batch", "1"],
        ["--drawn", "0"],
        ["--factor-steps", "x"],
        ["--threads", "40000000"],
    ] {
        let error = fail(2, desk.cones(&[&find[..], &more].concat()));
        assert!(error.contains(more[0]), "{more:?}: {error}");
    }
    for more in [["--steps", "0"], ["--rate", "1000"], ["--prior", "NaN"], ["--held-out", "0"], ["--threads", "0"]] {
        let error = fail(2, desk.cones(&[&tune[..], &more].concat()));
        assert!(error.contains(more[0]), "{more:?}: {error}");
    }
    let learned = fail(2, desk.cones(&[&find[..], &["--learn-trigger", "--trigger-rate", "50"]].concat()));
    assert!(learned.contains("--trigger-rate"), "{learned}");
    let bundle = crate::tool::bundle();
    for arguments in [
        &["quantise", text(&bundle), "--out", &out, "--weights", "int8", "--threads", "40000000"][..],
        &["sheet", "--out", &out, "--steps", "0"],
        &["report", text(&pack), "--out", &out, "--steps", "2000"],
        &["import", "--onnx", "x", "--weights", "x", "--out", "x", "--steps", "0"],
    ] {
        fail(2, desk.cones(arguments));
    }
}

#[test]
fn usage_and_help_hold_nothing_of_what_the_environment_gave() {
    let mut command = cones(&["generate"]);
    command.env("CONES_STORE", "/a/private/place").env("CONES_CATALOG", "https://example.org/private");
    let error = fail(2, command);
    assert!(error.contains("Usage: cones generate") && !error.contains("private"), "{error}");
    assert!(!error.contains("--bundle") && !error.contains("--store"), "{error}");
    let mut command = cones(&["packs", "install", "--help"]);
    command.env("CONES_STORE", "/a/private/place");
    // However it is broken into lines.
    let help = succeed(command).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        help.contains("[env: CONES_STORE]") && help.contains("[env: CONES_KEY]") && !help.contains("private"),
        "{help}"
    );
}

#[test]
fn shells_and_readers_of_manuals_are_served() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = desk.done(&["completion", shell]);
        assert!(script.contains("generate") && script.contains("negative-prompt"), "{shell}");
    }
    assert!(desk.done(&["man"]).contains(".TH cones 1"));
    let folder = desk.path("man1");
    let pages = desk.done(&["man", "--out", &folder]);
    for page in ["cones.1", "cones-generate.1", "cones-packs.1", "cones-packs-install.1"] {
        assert!(pages.lines().any(|line| line.ends_with(&format!("/{page}"))), "{page} in {pages}");
    }
    assert!(!pages.contains("bench") && !pages.contains("help"), "{pages}");
    let page = String::from_utf8(desk.read("man1/cones-generate.1")).expect("text");
    assert!(page.contains("negative") && page.contains("Examples"), "{page}");
}

#[test]
fn devices_are_told_as_json() {
    let devices = Desk::new().json(&["devices", "--json"]);
    let providers = devices["providers"].as_array().expect("providers");
    let of = |name: &str| providers.iter().find(|provider| provider["name"] == name).expect("known");
    assert_eq!((of("cpu")["available"].as_bool(), of("cpu").get("reason")), (Some(true), None));
    assert!(of("nnapi")["reason"].is_string() && of("nnapi")["hint"].is_string(), "{devices}");
    assert_eq!(devices["bundle"]["name"], "toybox");
    assert!(devices["bundle"]["memory"]["least"].as_u64() < devices["bundle"]["memory"]["all graphs staying"].as_u64());
}

#[test]
fn of_several_packs_each_is_installed_that_can_be() {
    let desk = Desk::new();
    let (rex, tin, junk) =
        (desk.pack("rex", "1", &[]), desk.pack("tin", "1", &[]), desk.write("junk.cones", "no pack"));
    let output = desk.cones(&["packs", "install", &rex, &junk, &tin]).output().expect("cones runs");
    let (said, printed) = (crate::tool::stderr(&output), String::from_utf8_lossy(&output.stdout).into_owned());
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(printed.starts_with("rex\t1\t") && printed.contains("\ntin\t1\t"), "{printed}");
    assert!(said.contains("junk.cones") && said.contains("not installed: "), "{said}");
    assert_eq!(desk.done(&["packs", "list"]).lines().count(), 2);
    // Of several to remove none goes if one is not there.
    let error = desk.fails(1, &["packs", "remove", "rex", "gone"]);
    assert!(error.contains("`gone`"), "{error}");
    assert_eq!(desk.done(&["packs", "list"]).lines().count(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_store_that_cannot_be_made_holds_nothing() {
    // Not even root makes folders there.
    for (store, command) in [("/sys/cones", "packs"), ("/sys/cones", "bundle")] {
        let mut list = cones(&[command, "list"]);
        list.env("CONES_STORE", store);
        let output = list.output().expect("cones runs");
        assert!(output.status.success() && output.stdout.is_empty(), "{}", crate::tool::stderr(&output));
        assert!(crate::tool::stderr(&output).contains("is installed"), "{}", crate::tool::stderr(&output));
    }
    let desk = Desk::new();
    let pack = desk.pack("rex", "1", &[]);
    let mut install = cones(&["packs", "install", &pack]);
    install.env("CONES_STORE", "/sys/cones");
    assert!(fail(1, install).contains("/sys/cones"));
}

#[test]
fn no_password_is_asked_for_a_key_that_will_not_be_written() {
    let desk = Desk::new();
    let key = desk.key("a.key");
    let error = desk.fails(1, &["keygen", "--out", &key, "--password"]);
    assert!(error.contains("never overwritten"), "{error}");
    let error = desk.fails(1, &["keygen", "--out", &desk.path("no/such/a.key"), "--password"]);
    assert!(error.contains("no folder"), "{error}");
}

#[test]
fn a_record_names_no_folder() {
    let desk = Desk::new();
    let images = models("subjects/fluent-dog");
    let find = ["find", "--images", text(&images), "--class", "dog", "-o", &desk.path("dog.cones"), "--share", "1"];
    let quick = ["--steps", "1", "--batch", "4", "--held-out", "1", "--drawn", "1", "--threads", "2", "--show", "0"];
    let table = desk.done(&[&find[..], &quick].concat());
    assert!(
        table.lines().next().is_some_and(|heads| heads.contains("neurons") && heads.contains("subject")),
        "{table}"
    );
    let record = String::from_utf8(desk.read("dog.finding.json")).expect("text");
    assert!(record.contains("fluent-dog") && record.contains("dog.cones"), "{record}");
    assert!(!record.contains(text(&images)) && !record.contains(&desk.path("")), "{record}");
}

#[test]
fn find_names_what_it_does_not_use() {
    let desk = Desk::new();
    let folder = desk.path("many");
    std::fs::create_dir(&folder).expect("a folder");
    for i in 0..11 {
        desk.write(&format!("many/{i}.png"), b"no picture, which ends it once the warnings stand");
    }
    desk.write("many/IMG_1.HEIC", b"x");
    desk.write("many/wave.gif", b"x");
    desk.write("many/subject.json", r#"{"captions": {"1.png": "a dog", "gone.png": "a dog on grass"}}"#);
    let command = ["find", "--images", &folder, "--class", "dog", "--out", &desk.path("x.cones"), "--threads", "1"];
    let said = desk.fails(1, &command);
    assert!(said.contains("IMG_1.HEIC, wave.gif"), "{said}");
    assert!(said.contains("not there: gone.png") && said.contains("11 pictures"), "{said}");
}
