//! Whatever comes: an error or a catalogue in order, never a panic.

use std::sync::OnceLock;

use cones_core::library::catalog::{Catalog, PublicKey};
use cones_tests::publisher::Publisher;
use proptest::prelude::*;
use serde_json::Value;

use crate::catalog;

/// One key for all cases: making one takes longer than a case.
fn publisher() -> &'static (Publisher, PublicKey) {
    static PUBLISHER: OnceLock<(Publisher, PublicKey)> = OnceLock::new();
    PUBLISHER.get_or_init(|| {
        let publisher = Publisher::new();
        let key = publisher.key();
        (publisher, key)
    })
}

/// Signed by the right key, so that the bytes themselves are looked at. What passes can be encoded, hence is in order.
fn read(json: &[u8]) {
    let (publisher, key) = publisher();
    if let Ok(catalog) = Catalog::verify("test", json, &publisher.sign(json), key) {
        catalog.encode().expect("what was read can be written");
        for entry in &catalog.packs {
            let url = entry.location("https://example.org/a/b/catalog.json").expect("an address");
            assert!(url.starts_with("https://") || url.starts_with("http://"), "{url}");
        }
    }
}

fn json() -> Vec<u8> {
    catalog().encode().expect("in order")
}

/// Every place of a JSON value that holds no others.
fn leaves(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| leaves(v, format!("{at}/{i}"), found)),
        Value::Object(map) => map.iter().for_each(|(k, v)| leaves(v, format!("{at}/{k}"), found)),
        _ => found.push(at),
    }
}

pub(crate) fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z0-9./:%\\\\?#@-]{0,40}".prop_map(Value::from),
        "[0-9a-f]{64}".prop_map(Value::from),
        Just(Value::Null),
        Just(Value::Array(vec![])),
    ]
}

/// The file with some bytes changed.
pub(crate) fn with_bytes(mut json: Vec<u8>, changes: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    for (at, byte) in changes {
        let at = at.index(json.len());
        json[at] = *byte;
    }
    json
}

/// The file cut off, and its beginning before some end of it.
pub(crate) fn cut_and_joined_at(json: &[u8], one: prop::sample::Index, two: prop::sample::Index) -> [Vec<u8>; 2] {
    let beginning = &json[..one.index(json.len())];
    [beginning.to_vec(), [beginning, &json[two.index(json.len())..]].concat()]
}

/// The file with some of its values changed.
pub(crate) fn with_values(mut json: Value, changes: Vec<(prop::sample::Index, Value)>) -> Vec<u8> {
    let mut places = Vec::new();
    leaves(&json, String::new(), &mut places);
    for (at, value) in changes {
        *json.pointer_mut(&places[at.index(places.len())]).expect("a place") = value;
    }
    json.to_string().into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn bytes(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        read(&bytes);
    }

    #[test]
    fn signatures(bytes in proptest::collection::vec(any::<u8>(), 0..500), text in "\\PC{0,200}") {
        let key = &publisher().1;
        prop_assert!(Catalog::verify("test", &bytes, &text, key).is_err());
        prop_assert!(Catalog::verify("test", &bytes, &String::from_utf8_lossy(&bytes), key).is_err());
    }

    /// The four lines as they should be, with other values in them.
    #[test]
    fn signatures_of_the_right_form(one in proptest::collection::vec(any::<u8>(), 72), two in proptest::array::uniform32(any::<u8>())) {
        let (publisher, key) = publisher();
        let right = publisher.sign(b"x");
        let mut lines: Vec<String> = right.lines().map(str::to_owned).collect();
        let scrambled = |line: &str, with: &[u8]| -> String {
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            line.bytes().enumerate().map(|(i, b)| match with.get(i % with.len()) {
                // The first characters hold algorithm and key.
                Some(w) if i > 13 && b != b'=' && w % 3 == 0 => char::from(alphabet[usize::from(w / 4)]),
                _ => char::from(b),
            }).collect()
        };
        lines[1] = scrambled(&lines[1], &one);
        lines[3] = scrambled(&lines[3], &two);
        let changed = lines.join("\n");
        let result = Catalog::verify("test", b"x", &changed, key);
        prop_assert!(result.is_err());
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
        read(&with_values(serde_json::to_value(catalog()).expect("JSON"), changes));
    }
}
