//! One engine, many threads.

use cones::{CancelToken, Request};

use crate::base::{drawn, engine, request};

#[test]
fn threads_queue_and_draw_what_they_would_draw_alone() {
    let alone: Vec<_> = (0..4).map(|seed| drawn(Request { seed, ..request(2) })).collect();
    let engine = engine();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|seed| {
                let engine = &engine;
                scope.spawn(move || {
                    let again = || engine.generate(Request { seed, ..request(2) }, None, None).expect("a picture");
                    [again(), again()].map(|generated| generated.pictures[0].rgba())
                })
            })
            .collect();
        for (thread, alone) in threads.into_iter().zip(&alone) {
            assert!(thread.join().expect("no panic").iter().all(|pixels| pixels == alone));
        }
    });
}

#[test]
fn a_cancel_of_one_thread_leaves_the_others_alone() {
    let alone = drawn(request(3));
    let engine = engine();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|i| {
                let engine = &engine;
                let cancel = CancelToken::new();
                if i % 2 == 1 {
                    cancel.cancel();
                }
                scope.spawn(move || engine.generate(request(3), None, Some(cancel)))
            })
            .collect();
        for (i, thread) in threads.into_iter().enumerate() {
            let result = thread.join().expect("no panic");
            assert_eq!(result.is_err(), i % 2 == 1);
            if let Ok(generated) = result {
                assert_eq!(generated.pictures[0].rgba(), alone);
            }
        }
    });
}
