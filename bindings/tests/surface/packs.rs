//! Packs on the device.

use std::sync::Arc;

use cones::{ConesError, PackInfo, PackStore, Precision, Request, Scope, SubjectChoice, read_pack};
use cones_core::Pack;
use cones_tests::{base, small};

use crate::base::{bundle, drawn, folder, open, request, text, within};

/// A pack for the base model that draws something else.
fn pack(name: &str) -> Pack {
    small::pack(name, 1, base::bundle().manifest())
}

fn store(folder: &tempfile::TempDir) -> Arc<PackStore> {
    PackStore::open(within(folder, "packs")).expect("a store")
}

fn install(store: &PackStore, folder: &tempfile::TempDir, pack: &Pack) -> PackInfo {
    store.install_file(text(&small::file(folder.path(), pack)), Some(bundle())).expect("installed")
}

fn choose(name: &str, strength: f32) -> Vec<SubjectChoice> {
    vec![SubjectChoice { name: name.into(), strength, scope: Some(Scope::Prompt) }]
}

#[test]
fn packs_install_list_verify_remove() {
    let folder = folder();
    let store = store(&folder);
    assert!(store.list().expect("a list").is_empty());
    let mut made = pack("rex");
    made.preview = Some(std::fs::read(png(&folder)).expect("a preview"));
    let info = install(&store, &folder, &made);
    assert_eq!((info.name.as_str(), info.version, info.trigger.as_str()), ("rex", 1, "<v1> dog"));
    assert_eq!((info.subject_class.as_str(), info.scope, info.precision), ("dog", Scope::Trigger, Precision::Binary));
    assert_eq!(info.neurons as usize, made.mask.count());
    assert_eq!(info.preview, made.preview);
    assert_eq!(store.list().expect("a list"), std::slice::from_ref(&info));
    assert_eq!(store.get("rex".into(), None).expect("a pack"), info);
    assert!(store.verify().expect("verified").is_empty());

    std::fs::write(&info.path, b"something else").expect("written");
    let damaged = store.verify().expect("verified");
    assert_eq!(damaged.iter().map(|d| d.pack.name.as_str()).collect::<Vec<_>>(), ["rex"]);
    assert!(damaged[0].reason.contains("bad pack"), "{}", damaged[0].reason);

    assert!(store.remove("rex".into(), None).expect("removed"));
    assert!(!store.remove("rex".into(), None).expect("nothing to remove"));
    assert!(matches!(store.get("rex".into(), None), Err(ConesError::NotFound { .. })));
}

#[test]
fn a_pack_can_be_looked_at_before_it_is_installed() {
    let folder = folder();
    let made = pack("rex");
    let path = text(&small::file(folder.path(), &made));
    let info = read_pack(path.clone()).expect("a pack");
    assert_eq!((info.name.as_str(), info.path.as_str()), ("rex", path.as_str()));
    assert_eq!(info.sha256, store(&folder).install_file(path.clone(), None).expect("installed").sha256);
    std::fs::write(&path, b"no pack").expect("written");
    assert!(matches!(read_pack(path), Err(ConesError::BadPack { .. })));
    assert!(matches!(read_pack(within(&folder, "nothing")), Err(ConesError::Io { .. })));
}

#[test]
fn an_installed_pack_is_drawn_and_switched_off_exactly() {
    let folder = folder();
    let store = store(&folder);
    let info = install(&store, &folder, &pack("rex"));
    let engine = open(Some(store.clone()));
    let draw = |subjects| {
        engine.generate(Request { subjects, ..request(3) }, None, None).expect("a picture").pictures.swap_remove(0)
    };
    let base = drawn(request(3));
    let with = draw(choose("rex", 1.0));
    assert_ne!(with.rgba(), base);
    let recipe = with.recipe().expect("a recipe");
    assert_eq!((recipe.subjects[0].name.as_str(), recipe.subjects[0].strength), ("rex", 1.0));
    assert_eq!(recipe.subjects[0].pack_sha256, Some(info.sha256));
    assert_eq!(draw(choose("rex", 0.0)).rgba(), base);
    // The pack's own scope is its trigger, which the prompt does not hold.
    let own = vec![SubjectChoice { name: "rex".into(), strength: 1.0, scope: None }];
    assert_eq!(draw(own).rgba(), base);
    assert_eq!(draw(Vec::new()).rgba(), base);
    // Named in the prompt, its trigger stands there.
    let named = Request {
        prompt: "a {rex} on grass".into(),
        subjects: vec![SubjectChoice { name: "rex".into(), strength: 1.0, scope: None }],
        ..request(1)
    };
    let named = engine.generate(named, None, None).expect("a picture");
    assert_eq!(named.pictures[0].recipe().expect("a recipe").prompt, "a <v1> dog on grass");
}

#[test]
fn packs_of_one_trigger_are_told_apart_by_their_names() {
    let folder = folder();
    let store = store(&folder);
    for name in ["rex", "bob"] {
        install(&store, &folder, &pack(name));
    }
    let engine = open(Some(store));
    let choose = |name: &str| SubjectChoice { name: name.into(), strength: 1.0, scope: None };
    let draw = |prompt: &str, subjects: &[&str]| {
        let subjects = subjects.iter().map(|name| choose(name)).collect();
        let drawn = engine.generate(Request { prompt: prompt.into(), subjects, ..request(2) }, None, None)?;
        Ok(drawn.pictures[0].clone())
    };
    let refused = |prompt: &str, subjects: &[&str]| -> String {
        let error: ConesError = draw(prompt, subjects).map(drop).expect_err("refused");
        let ConesError::BadRequest { details, reason, .. } = error else { panic!("{error:?}") };
        format!("{details}: {reason}")
    };
    let bare = refused("a <v1> dog", &["rex", "bob"]);
    assert!(bare.starts_with("prompt") && bare.contains("`{rex}` or `{bob}`"), "{bare}");
    let twice = refused("a {rex}", &["rex", "rex"]);
    assert!(twice.contains("2 subjects of that name"), "{twice}");
    assert!(refused("a dog", &["rex", "rex"]).contains("`rex` twice"));

    let both = draw("a {rex} and a {bob}", &["rex", "bob"]).expect("a picture");
    assert_ne!(both.rgba(), draw("a {bob} and a {rex}", &["rex", "bob"]).expect("a picture").rgba());
    let recipe = both.recipe().expect("a recipe");
    assert_eq!(recipe.prompt, "a <v1> dog and a <v1> dog");
    assert_eq!(recipe.typed_prompt, "a {rex} and a {bob}");
    assert_eq!(both.rgba(), draw(&recipe.typed_prompt, &["rex", "bob"]).expect("a picture").rgba());
}

#[test]
fn subjects_that_cannot_be_had_say_why() {
    let folder = folder();
    let store = store(&folder);
    let mut foreign = small::pack("other", 1, &small::manifest("another"));
    foreign.metadata.model = "another".into();
    store.install_file(text(&small::file(folder.path(), &foreign)), None).expect("installed");
    let engine = open(Some(store.clone()));
    let error =
        |subjects| engine.generate(Request { subjects, ..request(1) }, None, None).map(drop).expect_err("refused");
    assert!(matches!(error(choose("nobody", 1.0)), ConesError::NotFound { .. }));
    assert!(matches!(error(choose("other", 1.0)), ConesError::WrongModel { .. }));
    install(&store, &folder, &pack("rex"));
    assert!(matches!(error(choose("rex", 1.5)), ConesError::BadRequest { .. }));
    let without = open(None).generate(Request { subjects: choose("rex", 1.0), ..request(1) }, None, None);
    assert!(matches!(without, Err(ConesError::BadRequest { details, .. }) if details == "subjects"));
    assert!(engine.generate(request(1), None, None).is_ok());
}

fn png(folder: &tempfile::TempDir) -> String {
    let path = within(folder, "preview.png");
    let rgba = [90; 4 * 16 * 16];
    cones::Picture::from_rgba(16, 16, &rgba).expect("a picture").save(path.clone()).expect("saved");
    path
}
