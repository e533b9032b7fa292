//! Several at once, and readers beside them.

use std::sync::atomic::{AtomicBool, Ordering};

use cones_core::CancelToken;
use cones_core::library::bundles::{Handover, Voucher};
use cones_tests::tiny;

use crate::setup::{Place, asked, serving_but, toy};

#[test]
fn several_install_one_bundle_and_each_file_comes_once() {
    let place = Place::new();
    let files = place.signed(toy(1));
    let server = serving_but(&files, |_, _| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        false
    });
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..3).map(|_| scope.spawn(|| place.install(&server))).collect();
        for call in calls {
            call.join().expect("a thread").expect("installed");
        }
    });
    place.holds(&[&files]);
    let large: Vec<String> = asked(&server).into_iter().filter(|name| !name.starts_with("bundle.json")).collect();
    assert_eq!(large.len(), 5, "{large:?}");
}

/// Whoever looks sees one bundle or the other, at any moment.
#[cfg(target_os = "linux")]
#[test]
fn a_name_is_never_without_its_bundle_while_it_is_replaced() {
    let place = Place::new();
    for version in [1, 2] {
        tiny::write(&toy(version), &place.beside(&version.to_string()));
    }
    let store = place.open();
    let put = |version: u64| {
        let from = place.beside(&version.to_string());
        store.install_folder(&from, Voucher::Nobody, Handover::Copy, &mut (), &CancelToken::new()).expect("installed");
    };
    put(1);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looks = 0u32;
            while !done.load(Ordering::SeqCst) {
                let path = store.get("toy").expect("it is there");
                std::fs::read(path.join("bundle.json")).expect("a manifest");
                looks += 1;
            }
            looks
        });
        (0..20).for_each(|n| put(1 + n % 2));
        done.store(true, Ordering::SeqCst);
        assert!(reader.join().expect("a thread") > 0);
    });
    place.holds(&[&toy(2)]);
}

#[test]
fn different_bundles_are_installed_and_removed_at_once() {
    let place = Place::new();
    let names = ["a", "b", "c"];
    for name in names {
        tiny::write(&tiny::bundle(name, 1), &place.beside(name));
    }
    std::thread::scope(|scope| {
        for name in names {
            let place = &place;
            scope.spawn(move || {
                for _ in 0..5 {
                    let store = place.open();
                    let from = place.beside(name);
                    let cancel = CancelToken::new();
                    store.install_folder(&from, Voucher::Nobody, Handover::Copy, &mut (), &cancel).expect("installed");
                    store.get(name).expect("it is there");
                    assert!(store.remove(name).expect("an answer"));
                }
            });
        }
    });
    place.holds(&[]);
}
