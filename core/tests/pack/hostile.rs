//! The files of `tests/hostile`: each gives the error that `expected.json` says, and is as the code beside this makes it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cones_core::Error;
use cones_core::model::manifest::Manifest;
use cones_core::subjects::pack::{Header, Pack};

use crate::hostile_files::{self, Expected};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/hostile")
}

fn expected() -> Vec<Expected> {
    let text = fs::read_to_string(folder().join("expected.json")).expect("is there");
    serde_json::from_str(&text).expect("is a list of what is expected")
}

fn kind(error: &Error) -> (&'static str, Option<u64>) {
    match error {
        Error::BadPack { at, .. } => ("bad pack", *at),
        Error::WrongModel { .. } => ("wrong model", None),
        _ => ("another error", None),
    }
}

#[test]
fn hostile_files_give_the_errors_that_are_expected() {
    write_if_asked();
    let manifest = hostile_files::manifest();
    let wrong: Vec<String> = expected().iter().filter_map(|expected| check(expected, &manifest).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check(expected: &Expected, manifest: &Manifest) -> Result<(), String> {
    let name = &expected.file;
    let bytes = fs::read(folder().join(name)).map_err(|error| format!("{name}: {error}"))?;
    let Err(error) = Pack::decode(name, &bytes, manifest) else { return Err(format!("{name} is read")) };
    let text = error.to_string();
    let said = text.contains(&expected.says) || error.hint().is_some_and(|hint| hint.contains(&expected.says));
    if kind(&error) != (expected.error.as_str(), expected.at) || !said {
        return Err(format!("{name}: `{}` at {:?} was expected, not `{text}`", expected.says, expected.at));
    }
    // Without a model, what only a model can tell passes; nothing else does.
    match Header::read(name, &bytes) {
        Err(other) if other.to_string() != text => Err(format!("{name}: `{text}` and, without a model, `{other}`")),
        _ => Ok(()),
    }
}

#[test]
fn every_hostile_file_has_its_entry() {
    write_if_asked();
    let listed: BTreeSet<String> = expected().into_iter().map(|expected| expected.file).collect();
    let entries = fs::read_dir(folder()).expect("is there").map(|entry| entry.expect("can be read").path());
    let packs = entries.filter(|path| path.extension().is_some_and(|extension| extension == "cones"));
    let found: BTreeSet<String> = packs.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect();
    assert_eq!(found, listed);
    assert!(found.len() > 50, "{} files", found.len());
}

#[test]
fn hostile_files_are_as_they_are_made() {
    write_if_asked();
    let made = hostile_files::all();
    assert_eq!(expected(), made.iter().map(|(expected, _)| expected.clone()).collect::<Vec<_>>());
    for (expected, bytes) in made {
        assert_eq!(fs::read(folder().join(&expected.file)).expect("is there"), bytes, "{}", expected.file);
    }
}

fn write_if_asked() {
    if std::env::var_os("CONES_WRITE_HOSTILE").is_none() {
        return;
    }
    let made = hostile_files::all();
    for (expected, bytes) in &made {
        fs::write(folder().join(&expected.file), bytes).expect("can be written");
    }
    let list: Vec<&Expected> = made.iter().map(|(expected, _)| expected).collect();
    let text = serde_json::to_string_pretty(&list).expect("plain values") + "\n";
    fs::write(folder().join("expected.json"), text).expect("can be written");
}
