//! Packs from Python's masks and back, and looking into packs.

use std::collections::BTreeMap;
use std::path::Path;

use cones_core::{Bundle, ConceptMask};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::tool::{Desk, bundle, golden, models, text};

/// A safetensors file as names to numbers: int32 as they are, float32 by their bits.
fn tensors(bytes: &[u8]) -> BTreeMap<String, Vec<i32>> {
    let file = SafeTensors::deserialize(bytes).expect("a safetensors file");
    let numbers = |tensor: &TensorView<'_>| {
        assert_eq!(tensor.shape().len(), 1);
        let (words, rest) = tensor.data().as_chunks::<4>();
        assert!(rest.is_empty());
        words.iter().map(|word| i32::from_le_bytes(*word)).collect()
    };
    file.tensors().iter().map(|(name, tensor)| (name.clone(), numbers(tensor))).collect()
}

/// Writes a mask file.
fn mask(desk: &Desk, name: &str, lists: &[(&str, &[i32])], metadata: &[(&str, &str)]) -> String {
    let bytes: Vec<Vec<u8>> =
        lists.iter().map(|(_, list)| list.iter().flat_map(|i| i.to_le_bytes()).collect()).collect();
    let views = lists.iter().zip(&bytes).map(|((name, list), bytes)| {
        let dtype = if name.ends_with(".factors") { Dtype::F32 } else { Dtype::I32 };
        (*name, TensorView::new(dtype, vec![list.len()], bytes).expect("a tensor"))
    });
    let metadata = metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    desk.write(name, safetensors::serialize(views, Some(metadata)).expect("can be written"))
}

#[test]
fn a_mask_of_python_becomes_a_pack_and_the_same_mask_again() {
    let desk = Desk::new();
    let (pack, back) = (desk.pack("rex", "3", &[]), desk.path("back.safetensors"));
    let bundle = Bundle::open(bundle()).expect("the bundle");
    let expected = ConceptMask::random(&bundle.manifest().layers, 0.01, 7);
    let found = desk.json(&["inspect", &pack, "--json"]);
    assert_eq!(found["packs"][0]["neurons"], expected.count(), "Python drew the same neurons");
    for (i, layer) in found["packs"][0]["layers"].as_array().expect("layers").iter().enumerate() {
        assert_eq!(layer["neurons"], expected.neurons(i).count());
        assert_eq!((&layer["heads"], layer["groups"].as_array().map(Vec::len)), (&true.into(), Some(4)));
    }

    assert_eq!(desk.done(&["export", &pack, "--int32", &back]), format!("{back}\n"));
    let python = std::fs::read(golden("binary.safetensors")).expect("the golden mask");
    assert_eq!(tensors(&desk.read("back.safetensors")), tensors(&python));
    let once = desk.read("back.safetensors");
    desk.done(&["export", &pack, "--int32", &back]);
    assert_eq!(desk.read("back.safetensors"), once, "the same bytes each time");

    // What the file says of itself makes the trip too; the names of tool and model are added.
    let read =
        |bytes: &[u8]| SafeTensors::read_metadata(bytes).expect("a header").1.metadata().clone().expect("metadata");
    let (before, after) = (read(&python), read(&once));
    for (key, value) in before.iter().filter(|(key, _)| *key != "name") {
        assert_eq!(after.get(key), Some(value), "{key}");
    }
    let again = desk.path("again.cones");
    let mut command = desk.cones(&["import-mask", &back, "--out", &again]);
    command.env("SOURCE_DATE_EPOCH", "1700000000");
    crate::tool::succeed(command);
    assert_eq!(desk.read("again.cones"), desk.read("rex-3.cones"), "and back it is the same pack");
}

#[test]
fn factors_follow_their_neurons_whatever_their_order() {
    let desk = Desk::new();
    let (pack, back) = (desk.path("f.cones"), desk.path("back.safetensors"));
    let file = golden("factors.safetensors");
    let python = tensors(&std::fs::read(&file).expect("the golden mask"));
    for precision in [&[][..], &["--precision", "float32"]] {
        desk.done(&[&["import-mask", text(&file), "--out", &pack, "--name", "f"], precision].concat());
        desk.done(&["export", &pack, "--int32", &back]);
        let ours = tensors(&desk.read("back.safetensors"));
        for (name, values) in &python {
            // Python's lists run from the last neuron to the first.
            let ascending: Vec<i32> = values.iter().rev().copied().collect();
            assert_eq!(ours[name], ascending, "{name}");
        }
        assert!(ours.iter().all(|(name, values)| python.contains_key(name) || values.is_empty()));
    }
    // Seventeen factors do not fit four levels, and it is said how far they were moved.
    let mut command =
        desk.cones(&["import-mask", text(&file), "--out", &pack, "--name", "f", "--precision", "quaternary"]);
    let output = command.output().expect("cones runs");
    let note = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && note.contains("quaternary") && note.contains("up to 0."), "{note}");
    assert_eq!(desk.json(&["inspect", &pack, "--json"])["packs"][0]["precision"], "quaternary");
}

#[test]
fn options_win_over_what_the_file_says() {
    let desk = Desk::new();
    let preview = models("subjects/fluent-dog/3.png");
    let options =
        ["--trigger", "<v9> cat", "--class", "cat", "--scope", "prompt", "--author", "Me", "--licence", "CC0-1.0"];
    let pack = desk.pack("rex.2", "9", &[&options[..], &["--preview", text(&preview)]].concat());
    let found = &desk.json(&["inspect", &pack, "--json"])["packs"][0];
    for (field, value) in [
        ("name", "rex.2"),
        ("trigger", "<v9> cat"),
        ("class", "cat"),
        ("scope", "prompt"),
        ("author", "Me"),
        ("licence", "CC0-1.0"),
        ("model", "toybox"),
    ] {
        assert_eq!(found[field], value, "{field}");
    }
    assert_eq!((&found["version"], &found["created"]), (&9.into(), &1_700_000_000.into()));
    assert_eq!(found["preview_bytes"], std::fs::metadata(preview).expect("the picture").len());
}

#[test]
fn masks_that_are_wrong_are_refused_with_the_reason() {
    let desk = Desk::new();
    let bundle = Bundle::open(bundle()).expect("the bundle");
    let first = &bundle.manifest().layers[0];
    let layer = first.name.as_str();
    let beyond = (first.rows * first.columns) as i32;
    let factors = format!("{layer}.factors");
    let nan = [f32::NAN.to_bits() as i32];
    let good = [("name", "x"), ("trigger", "<v1> dog")];
    for (reason, lists, metadata) in [
        ("negative", vec![(layer, &[-1][..])], good.to_vec()),
        (beyond.to_string().as_str(), vec![(layer, &[beyond][..])], good.to_vec()),
        ("twice", vec![(layer, &[5, 3, 5][..])], good.to_vec()),
        ("2 indices", vec![(layer, &[5, 3][..]), (&factors, &[0][..])], good.to_vec()),
        ("NaN", vec![(layer, &[5][..]), (&factors, &nan[..])], good.to_vec()),
        ("`other.to_k`", vec![("other.to_k", &[5][..])], good.to_vec()),
        ("fingerprint", vec![(layer, &[5][..])], [&good[..], &[("fingerprint", "0123")]].concat()),
        ("--trigger", vec![(layer, &[5][..])], vec![("name", "x")]),
        ("`name`", vec![(layer, &[5][..])], vec![("name", "../x"), ("trigger", "t")]),
        ("version", vec![(layer, &[5][..])], [&good[..], &[("version", "1.0")]].concat()),
        ("scope", vec![(layer, &[5][..])], [&good[..], &[("scope", "all")]].concat()),
        ("--precision", vec![(layer, &[5][..])], [&good[..], &[("precision", "int8")]].concat()),
    ] {
        let file = mask(&desk, "m.safetensors", &lists, &metadata);
        let error = desk.fails(1, &["import-mask", &file, "--out", &desk.path("x.cones")]);
        assert!(error.starts_with("error: ") && error.contains(reason), "{reason}: {error}");
    }
    let good = mask(&desk, "m.safetensors", &[(layer, &[5])], &good);
    let large = desk.write("large.png", vec![0; 64 * 1024 + 1]);
    let text_file = desk.write("text.png", "no picture");
    for (preview, reason) in [(&large, "65536"), (&text_file, "PNG"), (&desk.path("gone.png"), "gone.png")] {
        let error = desk.fails(1, &["import-mask", &good, "--out", &desk.path("x.cones"), "--preview", preview]);
        assert!(error.contains(reason), "{error}");
    }
    assert!(!Path::new(&desk.path("x.cones")).exists());
    desk.done(&["import-mask", &good, "--out", &desk.path("x.cones")]);
}

#[test]
fn packs_are_described_in_tables_and_pictures() {
    let desk = Desk::new();
    let (rex, tin) = (desk.pack("rex", "1", &[]), desk.path("tin.cones"));
    let factors = golden("factors.safetensors");
    desk.done(&["import-mask", text(&factors), "--out", &tin, "--name", "tin"]);
    let (png, svg) = (desk.path("map.png"), desk.path("map.svg"));
    let report = desk.done(&["inspect", &rex, &tin, "--picture", &png]);
    for part in
        ["trigger      <v1> dog", "trigger      <v2> cat", "down 1.0.0 to_k", "by head", "shared by rex and tin"]
    {
        assert!(report.contains(part), "{part}: {report}");
    }
    assert!(image::open(&png).expect("a PNG").width() > 200);
    desk.done(&["inspect", &rex, &tin, "--picture", &svg]);
    let svg = String::from_utf8(desk.read("map.svg")).expect("text");
    assert!(svg.contains("rex 1: ") && svg.contains("tin 1: ") && svg.ends_with("</svg>\n"));
    // Two layers of four heads in each of seven blocks, twice, under a scale.
    assert!(svg.matches("<rect").count() > 2 * 14 * 4);

    let found = desk.json(&["inspect", &rex, &tin, "--json"]);
    let shared: u64 = found["overlaps"][0]["layers"]
        .as_array()
        .expect("layers")
        .iter()
        .map(|l| l["shared"].as_u64().expect("a count"))
        .sum();
    let bundle = Bundle::open(bundle()).expect("the bundle");
    let layers = &bundle.manifest().layers;
    let (a, b) = (ConceptMask::random(layers, 0.01, 7), ConceptMask::random(layers, 0.004, 8));
    let without_mid = (0..layers.len()).filter(|i| !layers[*i].name.starts_with("mid_block"));
    let expected: usize = without_mid.map(|i| a.neurons(i).filter(|n| b.neurons(i).any(|m| m == *n)).count()).sum();
    assert_eq!(shared, expected as u64);
}

#[test]
fn without_its_base_model_a_pack_still_says_what_it_is() {
    let desk = Desk::new();
    let pack = desk.pack("rex", "1", &[]);
    let elsewhere = |arguments: &[&str]| {
        let mut command = desk.cones(arguments);
        command.env_remove("CONES_BUNDLE").env("CONES_CHECKOUT", "").current_dir(desk.path(""));
        command
    };
    let output = elsewhere(&["inspect", &pack]).output().expect("cones runs");
    let (report, note) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && report.contains("<v1> dog") && !report.contains("to_k"), "{report}");
    assert!(note.contains("`toybox`") && note.contains("--bundle"), "{note}");
    let error = crate::tool::fail(1, elsewhere(&["inspect", &pack, "--picture", &desk.path("x.png")]));
    assert!(error.contains("--bundle") && !Path::new(&desk.path("x.png")).exists(), "{error}");
    crate::tool::fail(1, elsewhere(&["export", &pack, "--int32", &desk.path("x.safetensors")]));

    desk.fails(2, &["inspect"]);
    desk.fails(2, &["inspect", &pack, "--picture", "x.gif"]);
    let junk = desk.write("junk.cones", "nothing of the kind");
    assert!(desk.fails(1, &["inspect", &junk]).contains("junk.cones"));
    assert!(desk.fails(1, &["inspect", "nobody"]).contains("`nobody`"));
}

#[test]
fn the_example_packs_are_whole_and_for_toybox() {
    let desk = Desk::new();
    for name in ["fluent-dog", "fluent-owl", "fluent-robot"] {
        let file = models(&format!("packs/{name}.cones"));
        let found = &desk.json(&["inspect", text(&file), "--json"])["packs"][0];
        assert_eq!((&found["name"], &found["model"]), (&name.into(), &"toybox".into()));
        let neurons = found["neurons"].as_u64().expect("a count");
        let counted: u64 =
            found["layers"].as_array().expect("decoded").iter().filter_map(|l| l["neurons"].as_u64()).sum();
        assert_eq!(neurons, counted);
        assert!(neurons > 10_000 && found["preview_bytes"].as_u64() > Some(1000));
    }
}
