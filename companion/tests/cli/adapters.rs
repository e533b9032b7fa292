//! Textual-Inversion embeddings and LoRAs that people have: imported, looked into, drawn, and refused where they do not fit.

use std::path::Path;

use crate::tool::{Desk, golden, models, stderr, text};

/// A file of `tests/golden/make_adapters.py`.
fn file(name: &str) -> String {
    let folder = golden("x").parent().and_then(Path::parent).map(|masks| masks.join("adapters")).expect("a folder");
    text(&folder.join(format!("{name}.safetensors"))).to_owned()
}

/// A safetensors file with one matrix of zeros.
fn tensor(name: &str, rows: usize, columns: usize) -> Vec<u8> {
    let bytes = 4 * rows * columns;
    let header = format!(r#"{{"{name}":{{"dtype":"F32","shape":[{rows},{columns}],"data_offsets":[0,{bytes}]}}}}"#);
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; bytes]].concat()
}

#[test]
fn a_word_of_several_vectors_is_imported_drawn_and_drawn_again() {
    let (desk, width) = (Desk::new(), cones_tests::base::text_width());
    let (pack, other) = (desk.path("cat-toy.cones"), desk.path("negative.cones"));
    // The trigger is the word that the file gives it.
    let output = desk.cones(&["import-embedding", &file("learned_embeds"), "--out", &pack]).output().expect("runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{pack}\n"));
    assert!(
        stderr(&output).contains(&format!("3 vectors of {width} numbers in the place of `<cat-toy>`")),
        "{}",
        stderr(&output)
    );
    desk.done(&["import-embedding", &file("emb_params"), "--trigger", "easynegative", "--out", &other]);
    let printed = desk.done(&["inspect", &pack]);
    assert!(
        printed.contains(&format!("embeddings   3 tokens, {width} wide, in the place of the trigger")),
        "{printed}"
    );
    let packs = desk.json(&["inspect", "--json", &pack, &other])["packs"].clone();
    assert_eq!((&packs[0]["trigger"], &packs[1]["trigger"]), (&"<cat-toy>".into(), &"easynegative".into()));
    assert_eq!((&packs[0]["embeddings"]["in_place"], &packs[0]["precision"]), (&true.into(), &"binary".into()));

    let draw = |name: &str, more: &[&str]| {
        let out = desk.path(name);
        desk.done(&[&["generate", "--prompt", "a <cat-toy>, on grass", "--steps", "2", "--out", &out], more].concat());
        desk.read(name)
    };
    let base = draw("base.png", &[]);
    let with = draw("with.png", &["--subject", &pack, "--negative-prompt", "easynegative", "--subject", &other]);
    assert!(with != base && draw("off.png", &["--subject", &format!("{pack}:0")]).len() > 1000);
    let again = desk.path("again.png");
    desk.done(&[
        "generate",
        "--from",
        &desk.path("with.png"),
        "--subject",
        &pack,
        "--subject",
        &other,
        "--out",
        &again,
    ]);
    assert_eq!(desk.read("again.png"), with);

    let dog = models("packs/fluent-dog.cones");
    let united = desk.fails(1, &["unite", &pack, text(&dog), "--scope", "prompt", "--out", &desk.path("x.cones")]);
    assert!(united.contains("learned embeddings"), "{united}");
    let images = models("subjects/fluent-dog");
    let images = text(&images);
    let tuned =
        desk.fails(1, &["tune", "--packs", &pack, &other, "--images", images, images, "--out", &desk.path("t")]);
    assert!(tuned.contains("no neurons to tune"), "{tuned}");
}

#[test]
fn embeddings_of_other_forms_are_named() {
    let desk = Desk::new();
    let out = desk.path("x.cones");
    let refused =
        |name: &str, bytes: Vec<u8>| desk.fails(1, &["import-embedding", &desk.write(name, bytes), "--out", &out]);
    let error = refused("word.pt", b"PK\x03\x04\0\0data.pkl string_to_param".to_vec());
    assert!(error.contains("pickled") && error.contains("weights_only=True"), "{error}");
    let error = refused("sd2.safetensors", tensor("emb_params", 2, 1024));
    assert!(error.contains("1024 numbers") && error.contains("Stable Diffusion 2"), "{error}");
    let error = refused("rex.png", b"\x89PNG\r\n\x1a\n".to_vec());
    assert!(error.contains("is a picture") && error.contains("Textual-Inversion embedding"), "{error}");
    assert!(!Path::new(&out).exists());
}

#[test]
fn a_lora_of_keys_and_values_is_imported_drawn_installed_and_published() {
    let desk = Desk::new();
    let pack = desk.path("style.cones");
    let output = desk.cones(&["import-lora", &file("peft"), "--out", &pack]).output().expect("runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{pack}\n"), "{}", stderr(&output));
    let size = desk.read("style.cones").len();
    assert!(stderr(&output).contains(&format!("14 of 14 layers, rank 4, {size} bytes")), "{}", stderr(&output));
    let printed = desk.done(&["inspect", &pack]);
    for part in ["precision    low-rank", "scope        prompt", "matrices     of 14 layers, ranks 4 to 4, "] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    let found = desk.json(&["inspect", "--json", &pack])["packs"][0].clone();
    assert_eq!((&found["precision"], &found["low_rank"]["layers"]), (&"low-rank".into(), &14.into()));
    assert!(found["layers"].is_null() && found["neurons"] == 0, "{found}");

    let draw = |name: &str, subject: &str| {
        let out = desk.path(name);
        desk.done(&["generate", "--prompt", "a dog", "--steps", "2", "--subject", subject, "--out", &out]);
        desk.read(name)
    };
    let whole = draw("whole.png", &pack);
    assert!(draw("half.png", &format!("{pack}:0.5")) != whole);
    // A strength can be baked in.
    let half = desk.path("half.cones");
    desk.done(&["import-lora", &file("peft"), "--strength", "0.5", "--out", &half]);
    let pixels = |name: &str| image::open(desk.path(name)).expect("a picture").to_rgb8().into_raw();
    draw("baked.png", &half);
    assert!(pixels("baked.png") == pixels("half.png"));
    let again = desk.path("again.png");
    desk.done(&["generate", "--from", &desk.path("whole.png"), "--subject", &pack, "--out", &again]);
    assert_eq!(desk.read("again.png"), whole);

    desk.done(&["packs", "install", &pack]);
    assert!(desk.done(&["packs", "list"]).contains("style"));
    desk.done(&["generate", "--prompt", "a dog", "--steps", "1", "--subject", "style", "--out", &desk.path("i.png")]);
    let key = desk.key("publisher");
    desk.done(&["publish", &pack, "--out", &desk.path("site"), "--key", &key]);
    assert!(String::from_utf8_lossy(&desk.read("site/catalog.json")).contains("low-rank"));
}

#[test]
fn what_cannot_be_done_with_a_lora_is_refused_by_name() {
    let desk = Desk::new();
    let (pack, dog, out) = (desk.path("style.cones"), models("packs/fluent-dog.cones"), desk.path("x.cones"));
    let dog = text(&dog);
    desk.done(&["import-lora", &file("kohya"), "--out", &pack]);
    let images = models("subjects/fluent-dog");
    let images = text(&images);
    let says =
        |error: String, parts: &[&str]| parts.iter().for_each(|part| assert!(error.contains(part), "{part}: {error}"));
    let mask = desk.path("mask.safetensors");
    says(desk.fails(1, &["export", &pack, "--int32", &mask]), &["`style` holds low-rank matrices", "no mask"]);
    says(
        desk.fails(1, &["unite", &pack, dog, "--scope", "prompt", "--out", &out]),
        &["`style` holds low-rank matrices"],
    );
    let (tuned, picture) = (desk.path("t"), desk.path("x.png"));
    let tune = ["tune", "--packs", &pack, dog, "--images", images, images, "--out", &tuned];
    says(desk.fails(1, &tune), &["`style` holds low-rank matrices"]);
    says(desk.fails(1, &["inspect", &pack, "--picture", &picture]), &["a heat map shows neurons"]);
    let draw = ["generate", "--prompt", "a dog", "--out", &picture, "--subject", &pack];
    says(desk.fails(1, &[&draw[..], &["--scope", "trigger"]].concat()), &["all words"]);
    says(desk.fails(2, &["import-lora", &file("kohya"), "--strength", "0", "--out", &out]), &["--strength"]);
    let whole = desk.fails(1, &["import-lora", &file("tiny-lora"), "--out", &out]);
    says(whole, &["are no keys or values", "attn1_to_q", "text encoder: mlp_fc1 (1)", "--merge FILE"]);
    let word = file("learned_embeds");
    says(
        desk.fails(1, &["import-lora", &word, "--out", &out]),
        &["is a Textual-Inversion embedding", "import-embedding"],
    );
    assert!(!Path::new(&out).exists());
}
