//! Graphs that would have ONNX Runtime read files that are none of the bundle's.

use cones_core::model::bundle::UNET;
use cones_core::model::external_data::check;
use cones_core::{Error, Result};
use cones_tests::base;
use cones_tests::hostile::{Copy, field, graph_with_weights_in, number_of, tensor_in};
use proptest::prelude::*;

use super::{blamed, draw};

/// What is said of a file with these bytes.
fn checked(bytes: &[u8]) -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.onnx");
    std::fs::write(&path, bytes).expect("a file");
    check(&path)
}

#[track_caller]
fn refused(bytes: &[u8]) -> String {
    match checked(bytes) {
        Err(Error::BadBundle { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_graph_of_the_base_model_keeps_to_its_folder() {
    let bundle = base::bundle();
    let graphs = bundle.manifest().files.keys().filter(|name| name.ends_with(".onnx"));
    let files: Vec<_> = graphs.map(|name| base::folder().join(name)).collect();
    assert!(files.len() > 4);
    files.iter().for_each(|file| check(file).expect("in order"));
}

/// The base model's own graph, with one name in it changed: nothing is drawn, whatever ONNX Runtime would have read.
#[test]
fn weights_elsewhere_are_not_read() {
    for location in ["../t.weights", "/tmp/weights", "a/et.weights", "..\\t.weights", "C:et.weights", "./et.weights"] {
        let copy = Copy::new();
        for name in
            base::bundle().manifest().files.keys().filter(|name| name.starts_with("unet.") && name.ends_with("onnx"))
        {
            let mut bytes = copy.read(name);
            let ours = b"unet.weights";
            let places: Vec<usize> =
                (0..bytes.len() - ours.len()).filter(|at| bytes[*at..].starts_with(ours)).collect();
            assert!(!places.is_empty(), "{name}");
            // The last of many.
            let at = places[places.len() - 1];
            bytes[at..at + ours.len()].copy_from_slice(location.as_bytes());
            copy.replace(name, bytes);
        }
        blamed(draw(copy.path()), UNET, location);
    }
}

/// Wherever ONNX has room for a tensor.
#[test]
fn no_place_of_a_tensor_is_overlooked() {
    let in_graph = |graph: Vec<u8>| field(7, graph);
    let in_attribute = |attribute: Vec<u8>| in_graph(field(1, field(5, attribute)));
    type Place<'a> = (&'a str, Box<dyn Fn(Vec<u8>) -> Vec<u8> + 'a>);
    let places: Vec<Place<'_>> = vec![
        ("an initializer", Box::new(|t| in_graph(field(5, t)))),
        ("a sparse one's values", Box::new(|t| in_graph(field(15, field(1, t))))),
        ("a sparse one's places", Box::new(|t| in_graph(field(15, field(2, t))))),
        ("a constant", Box::new(|t| in_attribute(field(5, t)))),
        ("several of an attribute", Box::new(|t| in_attribute([field(10, tensor_in("x")), field(10, t)].concat()))),
        ("a sparse constant", Box::new(|t| in_attribute(field(22, field(1, t))))),
        ("several sparse constants", Box::new(|t| in_attribute(field(23, field(2, t))))),
        ("a branch", Box::new(|t| in_attribute(field(6, field(5, t))))),
        ("several branches", Box::new(|t| in_attribute(field(11, field(1, field(5, field(5, t))))))),
        ("a function", Box::new(|t| field(25, field(7, field(5, field(5, t)))))),
        ("a function's default", Box::new(|t| field(25, field(11, field(5, t))))),
        ("training's first values", Box::new(|t| field(20, field(1, field(5, t))))),
        ("training itself", Box::new(|t| field(20, field(2, field(5, t))))),
        ("the second graph of a file", Box::new(|t| [in_graph(Vec::new()), in_graph(field(5, t))].concat())),
    ];
    for (place, put) in places {
        checked(&put(tensor_in("unet.weights"))).unwrap_or_else(|error| panic!("{place}: {error}"));
        assert!(refused(&put(tensor_in("../x"))).contains("`../x`"), "{place}");
        // Behind what is skipped unread.
        let behind = [field(9, vec![0xff; 100_000]), tensor_in("/x")].concat();
        assert!(refused(&put(behind)).contains("`/x`"), "{place}");
    }
}

#[test]
fn names_that_other_readers_would_take_otherwise_are_refused() {
    for location in ["", ".", "..", "a/b", "a\\b", "C:x", "x:y", "*/_ORT_MEM_ADDR_/*", "x\0", "nul", "\u{e9}", "~"] {
        assert!(refused(&graph_with_weights_in(location)).contains("outside the bundle's folder"), "{location:?}");
    }
    let entry = |fields: &[Vec<u8>]| field(7, field(5, field(13, fields.concat())));
    let (key, good, bad) = (field(1, "location"), field(2, "x"), field(2, "../x"));
    for fields in [
        [key.clone(), bad.clone(), good.clone()],
        [key.clone(), good.clone(), bad.clone()],
        [bad.clone(), good.clone(), key.clone()],
        [bad.clone(), key.clone(), field(1, "offset")],
        [key.clone(), vec![8, 1], bad.clone()],
    ] {
        assert!(refused(&entry(&fields)).contains("outside"), "{fields:?}");
    }
    checked(&entry(&[field(1, "checksum"), bad])).expect("no place");
    assert!(refused(&entry(&[key.clone(), field(2, vec![0xff])])).contains("outside"), "no text");
    assert!(refused(&entry(&[key, field(2, "x".repeat(5000))])).contains("too long"));
}

/// What is not read in one way alone is not read at all.
#[test]
fn damaged_files_are_refused() {
    let whole = graph_with_weights_in("x");
    for end in 3..whole.len() {
        refused(&whole[..end]);
    }
    for (bytes, said) in [
        (vec![0], "no number"),
        (vec![0x3b, 0x3c], "unknown kind"),
        (vec![0x3f], "unknown kind"),
        ([&number_of((1 << 35) | 58)[..], &[0]].concat(), "no number"),
        (vec![0xff; 11], "does not end"),
        (vec![58, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], "behind its end"),
        (vec![9, 0, 0], "behind its end"),
        (vec![13, 0], "behind its end"),
        (vec![8], "behind its end"),
        (field(7, [5 << 3 | 2, 100]), "behind its end"),
    ] {
        assert!(refused(&bytes).contains(said), "{bytes:?}: {}", refused(&bytes));
    }
    let mut deep = Vec::new();
    for _ in 0..200 {
        deep = field(1, field(5, field(6, deep)));
    }
    assert!(refused(&field(7, deep)).contains("too deeply"));
    checked(&[]).expect("nothing leads nowhere");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_comes_is_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = checked(&bytes);
        let _ = checked(&field(7, &bytes));
        let _ = checked(&field(7, field(5, field(13, bytes))));
    }
}
