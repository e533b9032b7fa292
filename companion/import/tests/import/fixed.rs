//! Exports that are fixed to a batch or a size.

use std::path::Path;

use cones_onnx::{info, names, node, tensor};
use cones_tests::psnr::psnr;

use crate::fixture::{edit_graph, export, import, imported, manifest, told};
use crate::run::draw;

/// Declares the inputs of an export's graphs for so many samples and one size: of the U-Net, and of the others.
fn fix(export: &Path, unet: usize, others: usize, [rows, columns]: [usize; 2]) {
    let inputs = [
        ("unet", "sample", vec![unet, 4, rows, columns]),
        ("unet", "timestep", vec![unet]),
        ("unet", "encoder_hidden_states", vec![unet, 8, 12]),
        ("text_encoder", "input_ids", vec![others, 8]),
        ("vae_decoder", "latent", vec![others, 4, rows, columns]),
        ("vae_encoder", "image", vec![others, 3, 2 * rows, 2 * columns]),
    ];
    for (graph, name, dims) in inputs {
        edit_graph(&export.join(format!("{graph}.onnx")), |graph| {
            let input = graph.input.iter_mut().find(|input| input.name() == name).expect("an input");
            assert!(info::fix(input, &dims), "{name} {dims:?}");
        });
    }
}

#[test]
fn a_fixed_batch_draws_the_pictures_of_a_free_one() {
    let free = imported("torchscript");
    for (unet, others) in [(1, 1), (2, 1), (3, 2)] {
        let export = export("torchscript");
        fix(export.path(), unet, others, [8, 8]);
        let out = import(export.path()).unwrap_or_else(|error| panic!("{unet}, {others}: {error}"));
        let bundle = out.path().join("bundle");
        let fixed = manifest(&bundle).fixed;
        assert_eq!((fixed.batch, fixed.width, fixed.height), (u32::try_from(unet).ok(), Some(16), Some(16)));
        for guidance in [1.0, 7.5] {
            let drawn = |bundle: &Path| {
                let drawn = draw(bundle, |request| request.with_guidance(guidance));
                drawn.unwrap_or_else(|error| panic!("{unet}, {others}, {guidance}: {error}")).pictures.remove(0).picture
            };
            let ratio = psnr(&drawn(&bundle), &drawn(&free));
            // One grey level of one channel in 30 is 63 dB.
            assert!(ratio > 60.0, "{unet}, {others}, {guidance}: {ratio} dB");
        }
    }
}

#[test]
fn other_sizes_are_refused_with_the_one_that_works() {
    let export = export("plain");
    fix(export.path(), 1, 1, [4, 12]);
    let out = import(export.path()).expect("an import");
    let bundle = out.path().join("bundle");
    let manifest = manifest(&bundle);
    assert_eq!((manifest.image.width, manifest.image.height), (24, 8), "what is drawn without asking");
    let drawn = draw(&bundle, |request| request).expect("a picture");
    assert_eq!((drawn.pictures[0].picture.width, drawn.pictures[0].picture.height), (24, 8));
    for (width, height) in [(16, 16), (24, 16), (8, 24), (25, 8)] {
        let error = draw(&bundle, |request| request.with_size(width, height)).expect_err("another size").to_string();
        assert!(error.contains(&format!("is {width} x {height}")) && error.contains("24 x 8 pixels alone"), "{error}");
    }
}

#[test]
fn graphs_that_do_not_go_together_are_refused() {
    let refused = |graph: &str, name: &str, dims: &[usize]| {
        let export = export("plain");
        fix(export.path(), 1, 1, [8, 8]);
        let other = crate::fixture::export("plain");
        let file = format!("{graph}.onnx");
        std::fs::copy(other.path().join(&file), export.path().join(&file)).expect("a copy");
        edit_graph(&export.path().join(&file), |graph| {
            let input = graph.input.iter_mut().find(|input| input.name() == name).expect("an input");
            assert!(info::fix(input, dims), "{dims:?}");
        });
        told(&import(export.path()).expect_err("graphs that do not go together"))
    };
    let error = refused("vae_decoder", "latent", &[1, 4, 4, 8]);
    assert!(error.contains("for 8 pixels in height") && error.contains("unet.onnx"), "{error}");
    let error = refused("unet", "encoder_hidden_states", &[1, 5, 12]);
    assert!(error.contains("prompts of 5 tokens; the tokenizer makes 8"), "{error}");
    let error = refused("unet", "sample", &[1, 4, 7, 8]);
    assert!(error.contains("for 16 pixels in height") && error.contains("for 14"), "{error}");
}

#[test]
fn a_batch_that_is_fixed_without_a_word_is_found() {
    for samples in [1u32, 2] {
        let export = export("torchscript");
        edit_graph(&export.path().join("unet.onnx"), |graph| {
            names::redirect(graph, "sample", "sample.shaped");
            graph.initializer.push(tensor::int64s("example", &[4], &[i64::from(samples), 4, -1, 8]));
            graph.node.insert(0, node::new("Reshape", &["sample", "example"], "sample.shaped"));
        });
        let out = import(export.path()).expect("an import");
        let bundle = out.path().join("bundle");
        assert_eq!(manifest(&bundle).fixed.batch, Some(samples));
        for guidance in [1.0, 7.5] {
            draw(&bundle, |request| request.with_guidance(guidance)).expect("a picture");
        }
    }
}
