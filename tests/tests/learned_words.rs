//! Learned embeddings against a table of embeddings edited by hand, and what they leave alone.

use cones_core::attention::KeyValues;
use cones_core::model::bundle::{EMBEDDING_OFFSETS, TEXT_ENCODER, TOKENIZER};
use cones_core::subjects::pack::TokenEmbeddings;
use cones_core::text::tokenizer::Tokenizer;
use cones_core::{Bundle, CancelToken, ConceptMask, Engine, Error, Request, Subject};
use cones_onnx::proto::{GraphProto, TensorProto};
use cones_onnx::{Model, element, lookup, names};
use cones_tests::base;
use cones_tests::hostile::Copy;
use half::f16;

/// A short request: enough steps for a picture to depend on everything.
fn request(prompt: &str) -> Request {
    Request::new(prompt).with_steps(4).with_seed(11)
}

/// A subject of 5 % of the weights.
fn subject(bundle: &Bundle, seed: u64) -> Subject {
    Subject::new(format!("random {seed}"), ConceptMask::random(&bundle.manifest().layers, 0.05, seed))
}

const PROMPT: &str = "a <v1> dog and a <v2> cat on grass";

fn table(graph: &mut GraphProto) -> &mut TensorProto {
    let name = lookup::embedding_table(graph, "input_ids").expect("a table").1.name().to_owned();
    graph.initializer.iter_mut().find(|tensor| tensor.name() == name).expect("the table")
}

/// A bundle whose text encoder is changed.
fn edited(edit: impl FnOnce(&mut GraphProto)) -> Copy {
    let copy = Copy::new();
    let mut model = Model::open(&copy.path().join(TEXT_ENCODER)).expect("a graph");
    edit(model.graph_mut().expect("a graph"));
    let file = tempfile::NamedTempFile::new().expect("a file");
    model.save(file.path()).expect("a saved graph");
    copy.replace(TEXT_ENCODER, std::fs::read(file.path()).expect("the graph"));
    copy
}

/// A bundle in whose table the rows of some words are twice as large, which float16 holds exactly.
fn doubled(words: &[&str]) -> Copy {
    let ids: Vec<u32> = words.iter().map(|word| id(&base::bundle(), word)).collect();
    edited(|graph| {
        let table = table(graph);
        let (rows, kind) = (table.dims[0] as usize, table.data_type.expect("a type"));
        let mut bytes = table.raw_data.clone().expect("small tables are inside").to_vec();
        let each = bytes.len() / rows;
        for id in ids {
            let row = &mut bytes[id as usize * each..][..each];
            let values = element::to_f32(row, kind, each).expect("numbers");
            let twice: Vec<f64> = values.iter().map(|value| 2.0 * f64::from(*value)).collect();
            row.copy_from_slice(&element::from_f64(&twice, kind));
        }
        table.raw_data = Some(bytes.into());
    })
}

/// The one token of a word. The shared engine is not asked: a test may hold it.
fn id(bundle: &Bundle, word: &str) -> u32 {
    let tokenizer = Tokenizer::open(&bundle.file(TOKENIZER).expect("a tokenizer"), bundle.manifest().text);
    let ids = tokenizer.and_then(|tokenizer| tokenizer.ids(word)).expect("a word");
    assert_eq!(ids.len(), 1, "{word}");
    ids[0]
}

/// `times` a word's own row for its token, and nothing for the class word's.
fn own_row(bundle: &Bundle, word: &str, times: f32) -> TokenEmbeddings {
    let id = id(bundle, word);
    let mut model = Model::open(&bundle.file(TEXT_ENCODER).expect("a graph")).expect("a graph");
    let table = table(model.graph_mut().expect("a graph")).clone();
    let (width, kind) = (table.dims[1] as usize, table.data_type.expect("a type"));
    let values = element::to_f32(&table.raw_data.expect("inside"), kind, usize::MAX).expect("numbers");
    let row = values[id as usize * width..][..width].iter().map(|value| f16::from_f32(times * value));
    TokenEmbeddings { width: width as u32, values: row.chain(vec![f16::ZERO; width]).collect(), in_place: false }
}

/// A subject that shuts nothing, with learned embeddings.
fn learned(bundle: &Bundle, trigger: &str, times: f32) -> Subject {
    let word = trigger.split(' ').next().unwrap_or_default();
    let nothing = ConceptMask::empty(&bundle.manifest().layers);
    Subject::new(trigger, nothing).on_trigger(trigger).with_embeddings(own_row(bundle, word, times))
}

fn engine(copy: &Copy) -> Engine {
    Engine::new(Bundle::open(copy.path()).expect("a bundle"), base::options()).expect("an engine")
}

fn assert_same(found: &KeyValues, expected: &KeyValues) {
    assert!(found.layers == expected.layers, "K and V differ");
}

#[test]
fn learned_embeddings_are_a_table_edited_by_hand() {
    let bundle = base::bundle();
    let (first, second) = (learned(&bundle, "<v1> dog", 1.0), learned(&bundle, "<v2> cat", 1.0));
    let expected = |words: &[&str]| engine(&doubled(words)).key_values(PROMPT, &[]).expect("K and V");
    let of = |subjects: &[Subject]| base::shared().key_values(PROMPT, subjects).expect("K and V");
    assert!(of(&[]).layers != of(std::slice::from_ref(&first)).layers, "the embedding changes nothing");
    assert_same(&of(std::slice::from_ref(&first)), &expected(&["<v1>"]));
    assert_same(&of(std::slice::from_ref(&second)), &expected(&["<v2>"]));
    assert_same(&of(&[first, second]), &expected(&["<v1>", "<v2>"]));
}

#[test]
fn strength_lies_between_the_tables_embedding_and_the_learned_one() {
    let bundle = base::bundle();
    let of = |subject: Subject| base::shared().key_values(PROMPT, &[subject]).expect("K and V");
    let whole = of(learned(&bundle, "<v1> dog", 1.0));
    assert_same(&of(learned(&bundle, "<v1> dog", 2.0).with_strength(0.5)), &whole);
    let off = of(learned(&bundle, "<v1> dog", 1.0).with_strength(0.0));
    assert_same(&off, &base::shared().key_values(PROMPT, &[]).expect("K and V"));
}

#[test]
fn masks_apply_to_the_embedded_prompt() {
    let bundle = base::bundle();
    let mask = subject(&bundle, 3).on_trigger("<v1> dog");
    let both = mask.clone().with_embeddings(own_row(&bundle, "<v1>", 1.0));
    let found = base::shared().key_values(PROMPT, &[both]).expect("K and V");
    assert_same(&found, &engine(&doubled(&["<v1>"])).key_values(PROMPT, &[mask]).expect("K and V"));
}

#[test]
fn a_prompt_without_the_trigger_is_the_base_models() {
    let mut engine = base::shared();
    let off = request("a dog on grass");
    let mut on = off.clone();
    let word = own_row(&base::bundle(), "cat", 1.0);
    on.subjects = vec![subject(engine.bundle(), 1).on_trigger("<v1> dog").with_embeddings(word)];
    assert_eq!(base::draw(&mut engine, &off), base::draw(&mut engine, &on));
    (on.prompt, on.negative_prompt) = ("a <v1> dog on grass".into(), "an apple".into());
    assert_ne!(base::draw(&mut engine, &off), base::draw(&mut engine, &on));
    let recipe = engine.generate(&on, &mut (), &CancelToken::new()).expect("a picture").pictures[0].recipe.clone();
    assert!(recipe.subjects[0].embeddings_sha256.is_some() && recipe.subjects[0].is_of(&on.subjects[0]));
    assert!(!recipe.subjects[0].is_of(&subject(engine.bundle(), 1)), "the same mask without the embeddings");
}

#[test]
fn embeddings_that_do_not_fit_are_told_before_any_work() {
    let mut engine = base::shared();
    let good = own_row(&base::bundle(), "cat", 1.0);
    let width = good.width as usize;
    let mut refused = |prompt: &str, embeddings: TokenEmbeddings, says: &[&str]| {
        let mut request = request(prompt);
        request.subjects = vec![subject(engine.bundle(), 1).on_trigger("<v1> dog").with_embeddings(embeddings)];
        let error = engine.generate(&request, &mut (), &CancelToken::new()).expect_err("a misfit");
        assert!(matches!(error, Error::WrongModel { .. }), "{error}");
        assert!(says.iter().all(|part| error.to_string().contains(part)), "{error}");
    };
    let of = |values: Vec<f16>| TokenEmbeddings { width: width as u32, values, in_place: false };
    let rows = ["embeddings of 3 tokens", "makes 2 tokens of its trigger `<v1> dog`"];
    refused("a <v1> dog", of(vec![f16::ONE; 3 * width]), &rows);
    refused("a dog", of(vec![f16::ONE; 3 * width]), &rows);
    refused("a <v1> dog", of(vec![f16::NAN; 2 * width]), &["no number"]);
    refused("a <v1> dog", TokenEmbeddings { width: 0, values: vec![], in_place: false }, &["of 0 tokens"]);
    let narrow = TokenEmbeddings { width: 4, values: vec![f16::ONE; 8], in_place: false };
    refused("a <v1> dog", narrow, &["4 wide", &width.to_string()]);
}

#[test]
fn a_bundle_from_before_learned_embeddings_draws_all_else_the_same() {
    let older = edited(|graph| {
        graph.input.retain(|input| input.name() != EMBEDDING_OFFSETS);
        let sum =
            graph.node.iter().position(|n| n.input.iter().any(|input| input == EMBEDDING_OFFSETS)).expect("a sum");
        let sum = graph.node.remove(sum);
        names::redirect(graph, &sum.output[0], &sum.input[0]);
    });
    let mut older = engine(&older);
    let expected = base::shared().key_values(PROMPT, &[]).expect("K and V");
    assert_same(&older.key_values(PROMPT, &[]).expect("K and V"), &expected);
    let learned = learned(&base::bundle(), "<v1> dog", 1.0);
    let error = older.key_values(PROMPT, std::slice::from_ref(&learned)).expect_err("no such input");
    let text = format!("{error}; {}", error.hint().unwrap_or_default());
    assert!(matches!(error, Error::BadBundle { .. }), "{text}");
    for part in [TEXT_ENCODER, EMBEDDING_OFFSETS, "<v1> dog", "import or install this base model again"] {
        assert!(text.contains(part), "{text}");
    }
    older.key_values("a cat", &[learned]).expect("a prompt that does not name it");
}
