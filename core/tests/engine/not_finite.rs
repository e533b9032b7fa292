//! Numbers that are none end a request with the graph's name, and not in a black picture.

use cones_core::model::bundle::ATTENTION;
use cones_core::{Bundle, CancelToken, Engine, Error};
use cones_tests::base;
use cones_tests::hostile::Copy;

use super::request;

/// The graph and the step that are named, and the hint.
fn refused(engine: &mut Engine, wanted: &cones_core::Request) -> (&'static str, Option<u32>, String) {
    match engine.generate(wanted, &mut (), &CancelToken::new()) {
        Err(Error::NotFinite { graph, step, hint, .. }) => (graph, step, hint),
        other => panic!("{other:?}"),
    }
}

#[test]
fn weights_that_are_none_are_told_by_the_graph_they_reach() {
    let copy = Copy::new();
    let mut bytes = copy.read(ATTENTION);
    // The last values of the file, whatever their type: all bits set are no number.
    let end = bytes.len();
    bytes[end - 4096..].fill(0xff);
    copy.write(ATTENTION, bytes);
    let mut engine = Engine::new(Bundle::open(copy.path()).expect("a bundle"), base::options()).expect("an engine");
    let (graph, step, hint) = refused(&mut engine, &request("a dog"));
    assert_eq!((graph, step), ("unet.onnx", Some(1)));
    assert!(hint.contains("float16"), "{hint}");
}

#[test]
fn a_guidance_that_overflows_is_told_as_that_and_the_engine_goes_on() {
    let mut engine = base::shared();
    let mut wanted = request("a dog");
    wanted.guidance = Some(1e38);
    let (graph, _, hint) = refused(&mut engine, &wanted);
    assert!(graph == "unet.onnx" && hint.contains("guidance"), "{graph}: {hint}");
    wanted.guidance = Some(4.0);
    assert_eq!(base::draw(&mut engine, &wanted), base::draw(&mut base::engine(), &wanted));
}
