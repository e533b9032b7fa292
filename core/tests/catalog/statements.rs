//! What a root key signed, and should not have.

use cones_core::library::trust::{KeyStatement, MAX_STATEMENT_BYTES, MAX_STATEMENT_SECONDS};
use cones_core::{Error, Result};
use cones_tests::publisher::{self, CREATED, GOOD_FOR, Publisher};
use serde_json::{Value, json};

use crate::reason;

/// A root, two keys that count and one that was revoked.
struct Keys {
    root: Publisher,
    others: [Publisher; 3],
}

impl Keys {
    fn new() -> Self {
        Self { root: Publisher::new(), others: [Publisher::new(), Publisher::new(), Publisher::new()] }
    }

    fn statement(&self) -> KeyStatement {
        let [one, two, stolen] = &self.others;
        publisher::statement(&self.root, 3, &[one, two], &[stolen])
    }

    /// Signs the statement after it was changed as JSON, and reads it.
    fn signed(&self, change: impl FnOnce(&mut Value)) -> Result<KeyStatement> {
        let mut value = serde_json::to_value(self.statement()).expect("JSON");
        change(&mut value);
        self.read(value.to_string().as_bytes())
    }

    fn read(&self, json: &[u8]) -> Result<KeyStatement> {
        KeyStatement::verify("test", json, &self.root.sign(json), &self.root.key())
    }
}

#[test]
fn unchanged_it_is_in_order_and_written_in_one_order() {
    let keys = Keys::new();
    assert_eq!(keys.signed(|_| {}).expect("in order"), keys.statement());
    assert!(keys.signed(|s| drop(s.as_object_mut().expect("an object").remove("revoked"))).is_ok());
    let mut turned = keys.statement();
    turned.keys.reverse();
    let json = keys.statement().encode().expect("in order");
    assert_eq!(turned.encode().expect("in order"), json);
    let read = keys.read(&json).expect("signed");
    assert_eq!(read.revocation(keys.others[2].key().base64()), Some("a stolen laptop"));
    assert_eq!(read.revocation(keys.others[0].key().base64()), None);
}

#[test]
fn only_its_own_root_signs_it() {
    let keys = Keys::new();
    let json = keys.statement().encode().expect("in order");
    let by = |signer: &Publisher, pinned: &Publisher| {
        reason(KeyStatement::verify("test", &json, &signer.sign(&json), &pinned.key()))
    };
    let one = &keys.others[0];
    assert!(by(one, &keys.root).contains("another publisher"), "a key that counts is no root");
    // An app that pins one of the keys does not take their word for its root's.
    assert!(by(one, one).contains("its root key is"));
    let mut changed = json.clone();
    changed[30] ^= 1;
    let text = reason(KeyStatement::verify("test", &changed, &keys.root.sign(&json), &keys.root.key()));
    assert!(text.contains("changed or damaged"), "{text}");
}

#[test]
fn a_newer_schema_asks_for_an_update() {
    let newer = Keys::new().signed(|s| s["schema"] = json!(2));
    let Err(Error::Untrusted { reason, hint, .. }) = newer else { panic!("{newer:?}") };
    assert!(reason.contains("schema 2") && hint.contains("update"), "{reason}; {hint}");
}

#[test]
fn wrong_values_are_named() {
    let keys = Keys::new();
    let key = keys.others[0].key().base64().to_owned();
    let cases: Vec<(&str, Value, &str)> = vec![
        ("/root", json!(""), "root"),
        ("/root", json!(key), "its root key is"),
        ("/version", json!(0), "version"),
        ("/version", json!(1u64 << 60), "version"),
        ("/version", json!(-1), "-1"),
        ("/created", json!(u64::MAX), "created"),
        ("/expires", json!(5), "expires"),
        ("/expires", json!(CREATED + MAX_STATEMENT_SECONDS + 1), "expires"),
        ("/expires", json!(u64::MAX), "expires"),
        ("/keys", json!({}), "expected a sequence"),
        ("/keys/0/key", json!("RW"), "key 1"),
        ("/keys/0/key", json!(format!(" {key}")), "56 characters alone"),
        ("/keys/0/key", json!(format!("untrusted comment: x\n{key}")), "56 characters alone"),
        ("/keys/1/key", json!(key), "twice"),
        ("/keys/1/from_serial", json!(u64::MAX), "least serial"),
        ("/keys/1/from_serial", json!(1.5), "1.5"),
        ("/revoked/0/key", json!("x"), "revoked key 1"),
        ("/revoked/0/key", json!(key), "twice"),
        ("/revoked/0/reason", json!("two\nlines"), "revoked key 1"),
        ("/revoked/0/reason", json!("x".repeat(129)), "129"),
    ];
    for (pointer, value, said) in cases {
        let text = reason(keys.signed(|s| {
            let (at, field) = pointer.rsplit_once('/').expect("a field");
            s.pointer_mut(at).expect(pointer)[field] = value.clone();
        }));
        assert!(text.contains(said), "{pointer} = {value}: {text}");
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
}

#[test]
fn missing_and_doubled_fields_are_refused_and_tomorrows_are_passed_over() {
    let keys = Keys::new();
    for field in ["schema", "root", "version", "created", "expires", "keys"] {
        let text = reason(keys.signed(|s| drop(s.as_object_mut().expect("an object").remove(field))));
        assert!(text.contains(field), "{text}");
    }
    assert_eq!(keys.signed(|s| s["new"] = json!({ "a": 1 })).expect("passed over"), keys.statement());
    let json = String::from_utf8(keys.statement().encode().expect("in order")).expect("text");
    let doubled = json.replacen("\"version\": 3", "\"version\": 9, \"version\": 3", 1);
    assert!(reason(keys.read(doubled.as_bytes())).contains("duplicate"));
}

#[test]
fn lengths_and_numbers_are_limited() {
    let keys = Keys::new();
    let long = vec![b' '; MAX_STATEMENT_BYTES as usize + 1];
    let text = reason(KeyStatement::verify("test", &long, "", &keys.root.key()));
    assert!(text.contains("131073"), "the length is looked at before the signature: {text}");
    let text = reason(keys.signed(|s| s["keys"] = (0..33).map(|_| s["keys"][0].clone()).collect()));
    assert!(text.contains("33"), "{text}");
    let text = reason(keys.signed(|s| s["revoked"] = (0..257).map(|_| s["revoked"][0].clone()).collect()));
    assert!(text.contains("257"), "{text}");
    let deep = format!("{{\"schema\": {}1", "[".repeat(50_000));
    assert!(reason(keys.read(deep.as_bytes())).contains("no statement"));
}

#[test]
fn past_its_time_or_by_a_clock_that_is_far_behind_it_is_refused() {
    let statement = Keys::new().statement();
    for now in [CREATED, CREATED + GOOD_FOR, CREATED - 86_400] {
        statement.check_fresh("test", now).expect("fresh");
    }
    assert!(reason(statement.check_fresh("test", CREATED + GOOD_FOR + 1)).contains("expired 1 second ago"));
    assert!(reason(statement.check_fresh("test", CREATED - 86_401)).contains("clock"));
}

/// What readers refuse is not published.
#[test]
fn a_publisher_is_told_before_signing() {
    let wrong = |change: fn(&mut KeyStatement)| {
        let mut statement = Keys::new().statement();
        change(&mut statement);
        match statement.encode() {
            Err(Error::BadRequest { field: "keys", reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    };
    assert!(wrong(|s| s.schema = 9).contains("schema"));
    assert!(wrong(|s| s.version = 0).contains("version"));
    assert!(wrong(|s| s.keys[1] = s.keys[0].clone()).contains("twice"));
    assert!(wrong(|s| s.expires += 500 * 86_400).contains("expires"));
}
