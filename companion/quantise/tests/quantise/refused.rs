//! Bad input: what is refused, in what words, and that nothing is left behind.

use std::fs;
use std::path::Path;

use cones_core::model::bundle::UNET;
use cones_core::model::form::Weights;
use cones_core::{Bundle, CancelToken, Engine, Provider};
use cones_onnx::proto::TensorProto;
use cones_onnx::{Model, element, tensor};
use cones_quantise::{Error, prompts, quantise};
use cones_tests::base;
use tempfile::TempDir;

use crate::setup::{fixed, form, made, weights_only};

fn try_make(bundle: &Bundle, out: &Path) -> Result<(), Error> {
    let told = &mut |_, _, _| ();
    quantise(bundle, out, &weights_only(Weights::Int8), told, &CancelToken::new()).map(drop)
}

/// A copy of the base model whose graph `name` was changed; sizes are made to fit, so that it opens.
fn changed(name: &str, change: impl FnOnce(&mut Model)) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for entry in fs::read_dir(base::folder()).expect("the base model") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("a copy");
    }
    let file = folder.path().join(name);
    let mut model = Model::open(&base::folder().join(name)).expect("a graph");
    change(&mut model);
    model.save(&file).expect("saved");
    let mut manifest = base::bundle().manifest().clone();
    manifest.files.get_mut(name).expect("listed").bytes = fs::metadata(&file).expect("a file").len();
    fs::write(folder.path().join("bundle.json"), serde_json::to_vec(&manifest).expect("JSON")).expect("written");
    folder
}

/// Gives the first weight of more than a thousand numbers another first number.
fn spoil(model: &mut Model, number: f64) -> String {
    let Model { proto, source } = model;
    let graph = proto.graph.as_mut().expect("a graph");
    let is_weight = |t: &&mut TensorProto| t.dims.len() == 4 && t.dims.iter().product::<i64>() > 10_000;
    let weight = graph.initializer.iter_mut().find(is_weight).expect("a convolution's");
    let kind = weight.data_type.expect("a type");
    let mut bytes = source.bytes(weight).expect("its bytes").to_vec();
    let first = element::from_f64(&[number], kind);
    bytes[..first.len()].copy_from_slice(&first);
    *weight = tensor::raw(weight.name(), kind, &weight.dims.clone(), bytes);
    weight.name().to_owned()
}

#[test]
fn a_small_form_is_not_quantised_again() {
    let small = Bundle::open(form("int8")).expect("a bundle");
    let out = tempfile::tempdir().expect("a temporary folder");
    let error = try_make(&small, &out.path().join("again")).expect_err("twice");
    assert!(matches!(&error, Error::Already { form: "int8", .. }), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("quantise the exact bundle")), "{error}");
    assert_eq!(fs::read_dir(out.path()).expect("a folder").count(), 0);
}

#[test]
fn weights_that_are_no_numbers_are_named_and_nothing_is_left() {
    for (number, said) in [(f64::NAN, "NaN"), (f64::NEG_INFINITY, "an infinite number")] {
        let mut name = String::new();
        let folder = changed("unet.onnx", |model| name = spoil(model, number));
        let bundle = Bundle::open(folder.path()).expect("it opens");
        let out = tempfile::tempdir().expect("a temporary folder");
        let error = try_make(&bundle, &out.path().join("small")).expect_err("not finite");
        let Error::Weight { weight, what, .. } = &error else { panic!("{error}") };
        assert_eq!(*what, said);
        assert!(name.starts_with(weight.as_str()), "{weight} of {name}");
        assert_eq!(fs::read_dir(out.path()).expect("a folder").count(), 0, "nothing is left");
    }
}

#[test]
fn a_graph_without_weights_is_refused() {
    let folder = changed("unet.onnx", |model| {
        for n in &mut model.graph_mut().expect("a graph").node {
            if ["Conv", "MatMul", "Gemm"].contains(&n.op_type()) {
                n.domain = Some("elsewhere".into());
            }
        }
    });
    let out = tempfile::tempdir().expect("a temporary folder");
    let error = try_make(&Bundle::open(folder.path()).expect("it opens"), &out.path().join("small")).expect_err("none");
    assert!(error.to_string().contains("no weights that can be kept in fewer bits"), "{error}");
}

#[test]
fn four_bits_fall_back_to_eight_where_blocks_do_not_come_out_even() {
    // Toybox's attention and its text encoder are as wide as some blocks of 32: even. A matrix of 100 inputs is not.
    let (mut inputs, mut before) = (0, 0);
    let width = i64::from(base::text_width());
    let folder = changed("text_encoder.onnx", |model| {
        let Model { proto, source } = model;
        let graph = proto.graph.as_mut().expect("a graph");
        let index = graph.initializer.iter().position(|t| t.dims == [width, width]).expect("a square matrix");
        let name = graph.initializer[index].name().to_owned();
        let kind = graph.initializer[index].data_type.expect("a type");
        let bytes = source.bytes(&graph.initializer[index]).expect("its bytes");
        let row = bytes.len() / width as usize;
        // 100 rows of it; what they are multiplied with is cut to 100 columns.
        inputs = 100;
        graph.initializer[index] = tensor::raw(&name, kind, &[100, width], bytes[..100 * row].to_vec());
        before = graph.node.len();
        cut_input(graph, &name, inputs);
        assert!(graph.node.len() > before);
    });
    let out = tempfile::tempdir().expect("a temporary folder");
    let bundle = Bundle::open(folder.path()).expect("it opens");
    let told = &mut |_, _, _| ();
    let options = weights_only(Weights::Int4);
    let made = quantise(&bundle, &out.path().join("small"), &options, told, &CancelToken::new()).expect("made");
    let (_, done) = made.graphs.iter().find(|(name, _)| *name == "text_encoder.onnx").expect("the text encoder");
    assert_eq!((done.uneven, done.int8), (1, 100 * width as usize), "{done:?}");
    assert!(done.int4 > 0);
}

/// Cuts what is multiplied with the weight `stored` to its first `columns` columns.
fn cut_input(graph: &mut cones_onnx::proto::GraphProto, stored: &str, columns: i64) {
    use cones_onnx::{graph as tidy, node};
    let cast = tidy::readers(graph, stored)[0];
    let weight = graph.node[cast].output[0].clone();
    let at = tidy::readers(graph, &weight)[0];
    let x = graph.node[at].input[0].clone();
    for (name, value) in [("cut.start", 0), ("cut.end", columns), ("cut.axis", -1)] {
        graph.initializer.push(tensor::int64s(name, &[1], &[value]));
    }
    graph.node[at].input[0] = "cut.x".into();
    graph.node.insert(at, node::new("Slice", &[&x, "cut.start", "cut.end", "cut.axis"], "cut.x"));
}

#[test]
fn a_file_without_prompts_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("prompts.txt");
    fs::write(&file, "# nothing\n\n   \n").expect("written");
    let error = prompts::read(&file).expect_err("no prompt");
    assert!(matches!(error, Error::NoPrompts { .. }), "{error}");
    assert!(prompts::read(&folder.path().join("none.txt")).is_err());
    fs::write(&file, "# two\na dog \n\n a cat\n").expect("written");
    assert_eq!(prompts::read(&file).expect("two"), ["a dog", "a cat"]);
}

#[test]
fn a_cancelled_run_leaves_nothing_and_a_folder_that_is_there_is_kept() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let small = out.path().join("small");
    let cancel = CancelToken::new();
    let mut stages = Vec::new();
    let told = &mut |stage, done: usize, _: usize| {
        stages.push(stage);
        if done == 1 && stages.len() > 2 {
            cancel.cancel();
        }
    };
    let error = quantise(&base::bundle(), &small, &fixed(0.05), told, &cancel).expect_err("cancelled");
    assert!(matches!(error, Error::Core(cones_core::Error::Cancelled)), "{error}");
    assert_eq!(fs::read_dir(out.path()).expect("a folder").count(), 0, "nothing is left");

    fs::create_dir(&small).expect("a folder");
    fs::write(small.join("mine.txt"), "mine").expect("written");
    let error = try_make(&base::bundle(), &small).expect_err("it is there");
    assert!(error.to_string().contains("is there already"), "{error}");
    assert!(small.join("mine.txt").exists());
}

#[test]
fn a_provider_that_does_not_run_the_form_is_refused_by_name() {
    let folder = form("int8");
    for provider in [Provider::CoreMl, Provider::Nnapi] {
        let bundle = Bundle::open(&folder).expect("a bundle");
        let error = Engine::new(bundle, base::options().with_provider(provider)).expect_err("refused");
        let text = format!("{error}; {}", error.hint().unwrap_or_default());
        assert!(matches!(error, cones_core::Error::ProviderUnavailable { .. }), "{text}");
        assert!(text.contains("of the form int8") && text.contains("another form"), "{text}");
    }
    let auto = base::options().with_provider(Provider::Auto);
    assert!(Engine::new(Bundle::open(&folder).expect("a bundle"), auto).is_ok(), "auto takes one that does");
}

#[test]
fn a_manifest_of_an_unknown_form_is_refused() {
    let folder = made(&weights_only(Weights::Int8));
    let path = folder.path().join("bundle/bundle.json");
    let text = fs::read_to_string(&path).expect("a manifest");
    fs::write(&path, text.replace("\"int8\"", "\"int3\"")).expect("written");
    let error = Bundle::open(folder.path().join("bundle")).expect_err("unknown").to_string();
    assert!(error.contains("int3"), "{error}");
}

#[test]
fn ranges_of_a_model_for_inpainting_are_refused() {
    let folder = changed(UNET, |_| ());
    let mut manifest = Bundle::open(folder.path()).expect("a bundle").manifest().clone();
    (manifest.schema, manifest.in_channels) = (2, Some(2 * manifest.latent.channels + 1));
    fs::write(folder.path().join("bundle.json"), serde_json::to_vec(&manifest).expect("JSON")).expect("written");
    let (bundle, out) = (Bundle::open(folder.path()).expect("a bundle"), folder.path().join("small"));
    let refused = quantise(&bundle, &out, &fixed(0.05), &mut |_, _, _| (), &CancelToken::new()).map(drop);
    let error = refused.expect_err("no region is given");
    assert!(error.to_string().contains("for inpainting") && error.hint().is_some(), "{error}");
    assert!(!out.exists());
}
