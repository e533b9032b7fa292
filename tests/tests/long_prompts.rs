//! Prompts in chunks: on a base model whose U-Net takes one chunk alone, and with learned words in a negative prompt.

use cones_core::model::bundle::{UNET, mapped_twin};
use cones_core::subjects::pack::TokenEmbeddings;
use cones_core::{Bundle, CancelToken, ConceptMask, Engine, Error, Request, Subject};
use cones_onnx::{Model, info};
use cones_tests::base;
use cones_tests::hostile::Copy;
use half::f16;

fn request(prompt: &str) -> Request {
    Request::new(prompt).with_steps(2).with_seed(11).with_prompt_weights()
}

#[test]
fn what_does_not_fit_a_fixed_u_net_is_named() {
    let copy = Copy::new();
    for name in [UNET.to_owned(), mapped_twin(UNET)] {
        let mut model = Model::open(&copy.path().join(&name)).expect("a graph");
        let layers = base::bundle().manifest().layers.clone();
        for input in &mut model.graph_mut().expect("a graph").input {
            if layers.iter().any(|layer| layer.name == input.name()) {
                info::fix_at(input, 1, 32);
            }
        }
        let file = tempfile::NamedTempFile::new().expect("a file");
        model.save(file.path()).expect("a saved graph");
        copy.replace(&name, std::fs::read(file.path()).expect("the graph"));
    }
    let mut engine = Engine::new(Bundle::open(copy.path()).expect("a bundle"), base::options()).expect("an engine");
    let short = request("an (owl:1.2) at night");
    assert_eq!(base::draw(&mut engine, &short), base::draw(&mut base::shared(), &short));
    let long = request(&format!("{}a rocket", "owl ".repeat(30)));
    let refused = engine.generate(&long, &mut (), &CancelToken::new()).expect_err("two chunks");
    assert!(matches!(refused, Error::BadRequest { field: "prompt", .. }), "{refused}");
    let text = refused.to_string();
    assert!(text.contains("`a rocket`") && text.contains("32 tokens"), "{text}");
    base::draw(&mut engine, &short);
}

#[test]
fn learned_words_stand_in_negative_prompts_too_and_in_any_chunk() {
    let mut engine = base::shared();
    let width = base::text_width();
    let values = (0..2 * width).map(|i| f16::from_f32((i % 7) as f32 - 3.0)).collect();
    let nothing = ConceptMask::empty(&engine.bundle().manifest().layers);
    let ugly = Subject::new("ugly", nothing).on_trigger("<v1> dog").with_embeddings(TokenEmbeddings {
        width,
        values,
        in_place: false,
    });
    for negative in ["<v1> dog", "blue, (<v1> dog:1.3)", "owl BREAK (<v1> dog)"] {
        let off = request("an apple on grass").with_negative_prompt(negative);
        let on = off.clone().with_subject(ugly.clone());
        let (without, with) =
            (engine.embeddings(&off).expect("embeddings"), engine.embeddings(&on).expect("embeddings"));
        assert_ne!(without[0], with[0], "{negative}");
        assert_eq!(without[1], with[1], "{negative}: it is not in the prompt");
        assert_ne!(base::draw(&mut engine, &off), base::draw(&mut engine, &on), "{negative}");
        let generated = engine.generate(&on, &mut (), &CancelToken::new()).expect("a picture");
        assert!(generated.warnings.is_empty(), "{:?}", generated.warnings);
    }
}
