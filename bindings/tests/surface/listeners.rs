//! Progress, previews, and listeners that do what they should not.

use std::sync::Arc;
use std::sync::Mutex;

use cones::{CancelToken, ConesError, Stage};

use crate::base::{Acting, Taking, drawn, engine, plain, request, thrown};

#[test]
fn progress_comes_in_order() {
    let listener = Acting::new(|_| Ok(()));
    let two = cones::Request { count: 2, ..request(3) };
    engine().generate(two, Some(listener.clone()), None).expect("pictures");
    let seen: Vec<_> = listener.seen().iter().map(|p| (p.stage, p.picture, p.step)).collect();
    let steps = |picture| (1..=3).map(move |step| (Stage::Denoising, picture, step));
    let ends = |picture| [(Stage::Decoding, picture, 3), (Stage::Finished, picture, 3)];
    let expected: Vec<_> =
        [(Stage::Preparing, 0, 0)].into_iter().chain(steps(0)).chain(ends(0)).chain(steps(1)).chain(ends(1)).collect();
    assert_eq!(seen, expected);
    assert!(listener.seen().iter().all(|p| p.pictures == 2 && p.steps == 3 && p.preview.is_none()));
}

#[test]
fn preview_has_the_size_announced() {
    let info = engine().info();
    let scale = info.preview_scale.expect("Toybox has previews");
    let listener = Acting::new(|_| Ok(()));
    let wide = cones::Request { width: Some(2 * info.width), preview_every: 2, ..request(4) };
    engine().generate(wide, Some(listener.clone()), None).expect("a picture");
    let mut with = Vec::new();
    for progress in listener.seen() {
        if let Some(preview) = progress.preview {
            assert_eq!((preview.width, preview.height), (2 * info.width / scale, info.height / scale));
            assert_eq!(preview.rgba.len() as u32, 4 * preview.width * preview.height);
            assert!(preview.rgba.chunks(4).all(|pixel| pixel[3] == 255));
            with.push(progress.step);
        }
    }
    assert_eq!(with, [2, 4]);
}

#[test]
fn pictures_come_one_by_one_and_those_that_are_kept_come_once() {
    let three = cones::Request { count: 3, ..request(2) };
    let all: Vec<_> = engine().generate(three.clone(), None, None).expect("pictures").pictures;
    let listener = Taking::new(|index| Ok(index != 1));
    let generated = engine().generate(three, Some(listener.clone()), None).expect("pictures");
    let given = listener.given();
    assert_eq!(given.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 1, 2]);
    for ((_, given), all) in given.iter().zip(&all) {
        assert_eq!((given.rgba(), given.recipe()), (all.rgba(), all.recipe()));
    }
    let left: Vec<_> = generated.pictures.iter().map(|picture| picture.rgba()).collect();
    assert_eq!(left, [all[1].rgba()]);
}

#[test]
fn a_listener_that_cannot_take_a_picture_stops_the_others_and_has_what_came() {
    let listener = Taking::new(|index| if index == 1 { Err(thrown()) } else { Ok(true) });
    let many = cones::Request { count: 1000, ..request(2) };
    let result = engine().generate(many, Some(listener.clone()), None);
    assert!(matches!(result, Err(ConesError::ListenerFailed { .. })), "{result:?}");
    assert_eq!(listener.given().len(), 2);
    let first = drawn(request(2));
    assert_eq!(listener.given()[0].1.rgba(), first, "what it was given stands, and the engine draws as before");
}

#[test]
fn a_throwing_listener_stops_cleanly() {
    let before = drawn(request(3));
    for fails_at in [Stage::Preparing, Stage::Denoising, Stage::Decoding, Stage::Finished] {
        let listener = Acting::new(move |p| if p.stage == fails_at { Err(thrown()) } else { Ok(()) });
        let cancel = CancelToken::new();
        let result = engine().generate(request(3), Some(listener.clone()), Some(cancel.clone()));
        match result.expect_err("the listener failed") {
            ConesError::ListenerFailed { reason, hint, .. } => {
                assert_eq!(reason, "on purpose");
                assert!(!hint.is_empty());
            }
            other => panic!("{other:?}"),
        }
        assert!(!cancel.is_cancelled(), "the caller's token is the caller's");
        let calls = listener.seen();
        assert_eq!(calls.last().map(|p| p.stage), Some(fails_at), "it is not called again");
        assert_eq!(drawn(request(3)), before, "the engine draws as before");
    }
}

#[test]
fn a_listener_that_cancels_is_a_cancel() {
    let cancel = CancelToken::new();
    let own = cancel.clone();
    let listener = Acting::new(move |p| {
        if p.step == 1 {
            own.cancel();
        }
        Ok(())
    });
    let error = engine().generate(request(20), Some(listener.clone()), Some(cancel)).expect_err("cancelled");
    assert!(matches!(error, ConesError::Cancelled { .. }), "{error:?}");
    assert_eq!(listener.seen().last().map(|p| p.step), Some(1));
}

#[test]
fn a_listener_that_calls_back_is_told_that_the_engine_is_busy() {
    let before = drawn(request(2));
    let engine = engine();
    let answers = Arc::new(Mutex::new(Vec::new()));
    let listener = {
        let (engine, answers) = (engine.clone(), answers.clone());
        Acting::new(move |_| {
            // What does not draw is answered at once.
            assert_eq!(engine.info().width, cones_tests::base::side());
            answers.lock().expect("no panic").push(engine.generate(plain("a cat"), None, None).map(drop));
            Ok(())
        })
    };
    let generated = engine.generate(request(2), Some(listener), None).expect("a picture");
    assert_eq!(generated.pictures[0].rgba(), before);
    let answers = answers.lock().expect("no panic");
    assert_eq!(answers.len(), 5);
    assert!(answers.iter().all(|answer| matches!(answer, Err(ConesError::Busy { .. }))), "{answers:?}");
}

#[test]
fn a_listener_that_panics_leaves_the_engine_usable() {
    let before = drawn(request(2));
    let listener = Acting::new(|p| if p.step == 1 { panic!("on purpose") } else { Ok(()) });
    let engine = engine();
    let caught =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| engine.generate(request(2), Some(listener), None)));
    assert!(caught.is_err(), "UniFFI makes an internal error of it");
    assert_eq!(drawn(request(2)), before);
}
