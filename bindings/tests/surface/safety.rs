//! Pictures that are not safe, as an app gets them.

use std::sync::Arc;

use cones::{Engine, EngineOptions, Picture, SafetyPolicy, Treatment};
use cones_tests::classifier;

use crate::base::{self, Acting};

fn engine(copy: &cones_tests::hostile::Copy, safety: Option<SafetyPolicy>) -> Arc<Engine> {
    let options = EngineOptions { safety, ..base::options() };
    Engine::open(base::text(copy.path()), None, options).expect("an engine")
}

fn treatment(picture: &Picture) -> Option<Treatment> {
    picture.verdict().map(|verdict| verdict.treatment)
}

#[test]
fn an_app_is_told_what_was_done_with_pictures_and_previews() {
    // Nothing is safe to this one.
    let copy = classifier::bundle(0.0);
    let request = || cones::Request { preview_every: 1, ..base::request(2) };
    let blurring = engine(&copy, None);
    assert_eq!(blurring.info().safety.as_deref(), Some("red"));
    assert_eq!(base::engine().info().safety, None);
    let ear = Acting::new(|_| Ok(()));
    let generated = blurring.generate(request(), Some(ear.clone()), None).expect("a picture");
    let picture = &generated.pictures[0];
    assert_eq!((treatment(picture), generated.refused.len()), (Some(Treatment::Blurred), 0));
    assert_eq!(picture.recipe().and_then(|recipe| recipe.safety), picture.verdict());
    let previews: Vec<_> = ear.seen().into_iter().filter(|seen| seen.preview.is_some()).collect();
    assert!(previews.len() == 2 && previews.iter().all(|seen| seen.verdict.is_some()), "{previews:?}");
    let plain = base::drawn(base::request(2));
    assert_ne!(picture.rgba(), plain);

    let ear = Acting::new(|_| Ok(()));
    let refusing = engine(&copy, Some(SafetyPolicy::Refuse));
    let generated = refusing.generate(request(), Some(ear.clone()), None).expect("no picture");
    assert!(generated.pictures.is_empty());
    let refused: Vec<_> = generated.refused.iter().map(|it| (it.picture, it.seed, it.verdict.treatment)).collect();
    assert_eq!(refused, [(0, 7, Treatment::Refused)]);
    assert!(ear.seen().iter().all(|seen| seen.preview.is_none()));

    for (policy, expected) in [(SafetyPolicy::Report, Some(Treatment::Reported)), (SafetyPolicy::Off, None)] {
        let generated = engine(&copy, Some(policy)).generate(request(), None, None).expect("a picture");
        assert_eq!((generated.pictures[0].rgba(), treatment(&generated.pictures[0])), (plain.clone(), expected));
    }
    let options = EngineOptions { safety: Some(SafetyPolicy::Blur), ..base::options() };
    let error = Engine::open(base::bundle(), None, options).expect_err("no classifier");
    assert!(matches!(error, cones::ConesError::BadRequest { .. }), "{error}");
}
