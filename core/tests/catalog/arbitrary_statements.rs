//! Whatever comes as a statement of keys: an error or a statement in order, never a panic.

use std::sync::OnceLock;

use cones_core::library::trust::{KeyStatement, TrustedKeys};
use cones_tests::publisher::{self, Publisher};
use proptest::prelude::*;

use crate::arbitrary::{cut_and_joined_at, values, with_bytes, with_values};

/// One set of keys for all cases: making one takes longer than a case.
fn keys() -> &'static [Publisher; 4] {
    static KEYS: OnceLock<[Publisher; 4]> = OnceLock::new();
    KEYS.get_or_init(|| [(); 4].map(|()| Publisher::new()))
}

fn statement() -> KeyStatement {
    let [root, one, two, stolen] = keys();
    publisher::statement(root, 3, &[one, two], &[stolen])
}

fn json() -> Vec<u8> {
    statement().encode().expect("in order")
}

/// Signed by the right key, so that the bytes themselves are looked at. What passes can be encoded and its keys can be asked.
fn read(json: &[u8]) {
    let root = &keys()[0];
    if let Ok(statement) = KeyStatement::verify("test", json, &root.sign(json), &root.key()) {
        statement.encode().expect("what was read can be written");
        let keys = TrustedKeys::stated(&root.key(), &statement).expect("what was read are keys");
        assert!(keys.verify("test", json, "no signature").is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn bytes(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        read(&bytes);
    }

    #[test]
    fn changed_bytes(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        read(&with_bytes(json(), &changes));
    }

    #[test]
    fn cut_and_joined(one in any::<prop::sample::Index>(), two in any::<prop::sample::Index>()) {
        cut_and_joined_at(&json(), one, two).iter().for_each(|json| read(json));
    }

    #[test]
    fn changed_values(changes in proptest::collection::vec((any::<prop::sample::Index>(), values()), 1..3)) {
        read(&with_values(serde_json::to_value(statement()).expect("JSON"), changes));
    }

    /// No signature that was changed counts, whoever made it.
    #[test]
    fn changed_signatures(at in any::<prop::sample::Index>(), byte in "[A-Za-z0-9+/]", whose in 0..4usize) {
        let [root, ..] = keys();
        let trusted = TrustedKeys::stated(&root.key(), &statement()).expect("keys");
        let right = keys()[whose].sign(b"x");
        let line = right.lines().nth(1).expect("four lines");
        let mut changed = line.to_owned();
        // The first characters hold algorithm and key, the last ones fill up.
        let at = 14 + at.index(line.len() - 18);
        changed.replace_range(at..=at, &byte);
        prop_assert_eq!(trusted.verify("test", b"x", &right).is_ok(), whose == 1 || whose == 2);
        if changed != line {
            prop_assert!(trusted.verify("test", b"x", &right.replace(line, &changed)).is_err());
        }
    }
}
