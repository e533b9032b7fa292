//! Serials and clocks.

use cones_core::Error;
use cones_tests::publisher::{CREATED, GOOD_FOR};
use proptest::prelude::*;

use crate::{catalog, reason};

const DAY: u64 = 86_400;

#[test]
fn it_is_good_from_its_making_to_its_expiry() {
    let catalog = catalog();
    for now in [CREATED, CREATED + 1, CREATED + GOOD_FOR, CREATED - DAY] {
        assert!(catalog.check_fresh("test", now, None).is_ok(), "{now}");
    }
}

#[test]
fn past_its_time_it_is_refused() {
    let late = reason(catalog().check_fresh("test", CREATED + GOOD_FOR + 3 * DAY, None));
    assert!(late.contains("expired 3 days ago"), "{late}");
    let just = reason(catalog().check_fresh("test", CREATED + GOOD_FOR + 1, None));
    assert!(just.contains("expired 1 second ago"), "{just}");
}

#[test]
fn a_clock_that_is_far_behind_is_named() {
    match catalog().check_fresh("test", 0, None) {
        Err(Error::Untrusted { reason, hint, .. }) => {
            assert!(reason.contains("clock") && hint.contains("date and time"), "{reason}; {hint}");
        }
        other => panic!("{other:?}"),
    }
    assert!(catalog().check_fresh("test", CREATED - DAY - 1, None).is_err());
}

#[test]
fn an_older_one_than_was_seen_is_refused() {
    let catalog = catalog();
    for seen in [None, Some(0), Some(6), Some(7)] {
        assert!(catalog.check_fresh("test", CREATED, seen).is_ok(), "{seen:?}");
    }
    let older = reason(catalog.check_fresh("test", CREATED, Some(8)));
    assert!(older.contains("serial is 7") && older.contains('8'), "{older}");
}

proptest! {
    #[test]
    fn no_number_is_too_large(created: u64, expires: u64, now: u64, serial: u64, seen: Option<u64>) {
        let mut catalog = catalog();
        (catalog.created, catalog.expires, catalog.serial) = (created, expires, serial);
        let is_fresh = catalog.check_fresh("test", now, seen).is_ok();
        let expected = now <= expires && now.saturating_add(DAY) >= created && seen.is_none_or(|seen| serial >= seen);
        prop_assert_eq!(is_fresh, expected);
    }
}
