//! What a publisher signed and should not have.

use cones_core::library::catalog::{Catalog, MAX_PACK_BYTES};
use cones_core::{Error, Result};
use cones_tests::publisher::Publisher;
use serde_json::{Value, json};

use crate::{catalog, reason};

/// Signs a catalogue that was changed as JSON, and reads it.
fn signed(change: impl FnOnce(&mut Value)) -> Result<Catalog> {
    let publisher = Publisher::new();
    let mut value = serde_json::to_value(catalog()).expect("JSON");
    change(&mut value);
    let json = value.to_string();
    Catalog::verify("test", json.as_bytes(), &publisher.sign(json.as_bytes()), &publisher.key())
}

#[test]
fn unchanged_it_is_in_order() {
    assert_eq!(signed(|_| {}).expect("in order"), catalog());
    // Fields that may be absent.
    assert!(signed(|c| drop(c.as_object_mut().expect("an object").remove("bundles"))).is_ok());
    // Other keys of one publisher's packs: the same name for another model, an absolute address.
    assert!(signed(|c| c["packs"][0]["fingerprint"] = json!("cd".repeat(32))).is_ok());
    assert!(signed(|c| c["packs"][0]["url"] = json!("https://cdn.example/a?b=c")).is_ok());
}

#[test]
fn a_newer_schema_asks_for_an_update() {
    let newer = signed(|c| {
        c["schema"] = json!(2);
        c["something"] = json!("new");
    });
    match newer {
        Err(Error::Untrusted { reason, hint, .. }) => {
            assert!(reason.contains("schema 2") && hint.contains("update"), "{reason}; {hint}");
        }
        other => panic!("{other:?}"),
    }
    assert!(reason(signed(|c| c["schema"] = json!(0))).contains("schema 0"));
}

#[test]
fn wrong_values_are_named() {
    let long = "x".repeat(200);
    let pack = |field: &'static str, value: Value| (format!("/packs/1/{field}"), value, field);
    let bundle = |field: &'static str, value: Value| (format!("/bundles/0/{field}"), value, field);
    let cases = [
        ("/publisher".into(), json!(""), "publisher"),
        ("/publisher".into(), json!("a\u{1b}[31mb"), "publisher"),
        ("/publisher".into(), json!(long), "publisher"),
        ("/serial".into(), json!(1u64 << 60), "serial"),
        ("/serial".into(), json!(-1), "-1"),
        ("/serial".into(), json!(1.5), "1.5"),
        ("/expires".into(), json!(5), "expires"),
        ("/expires".into(), json!(u64::MAX), "expires"),
        ("/packs".into(), json!({}), "expected a sequence"),
        pack("name", json!("../../etc/passwd")),
        pack("name", json!("Rex")),
        pack("name", json!("")),
        pack("name", json!(".")),
        pack("name", json!("rex\u{0}")),
        pack("version", json!(0)),
        ("/packs/1/version".into(), json!(1u64 << 33), "8589934592"),
        ("/packs/1/bytes".into(), json!(0), "length"),
        ("/packs/1/bytes".into(), json!(MAX_PACK_BYTES + 1), "length"),
        ("/packs/1/sha256".into(), json!("ab".repeat(31)), "of a SHA-256"),
        ("/packs/1/sha256".into(), json!(format!("{}/../", "ab".repeat(30))), "of a SHA-256"),
        ("/packs/1/fingerprint".into(), json!("g".repeat(64)), "of a SHA-256"),
        pack("trigger", json!("")),
        pack("trigger", json!("a\u{202e}b")),
        pack("model", json!(long)),
        pack("class", json!("a\nb")),
        pack("licence", json!(long)),
        ("/packs/1/url".into(), json!("../x"), "leaves"),
        ("/packs/1/url".into(), json!("http://example.org/x"), "only HTTPS"),
        ("/packs/1/url".into(), json!(""), "URL"),
        ("/packs/1/precision".into(), json!("int4"), "int4"),
        ("/packs/1/neurons".into(), json!(u64::MAX), "neurons"),
        bundle("name", json!("toy/box")),
        ("/bundles/0/fingerprint".into(), json!(""), "of a SHA-256"),
        ("/bundles/0/manifest/sha256".into(), json!(""), "of a SHA-256"),
        ("/bundles/0/manifest/bytes".into(), json!(5 << 20), "manifest"),
        ("/bundles/0/manifest/bytes".into(), json!(0), "manifest"),
        ("/bundles/0/bytes".into(), json!(999), "manifest"),
        ("/bundles/0/bytes".into(), json!(1u64 << 40), "length"),
        bundle("licence", json!("\u{feff}")),
        ("/bundles/0/url".into(), json!("file:///x"), "file"),
    ];
    for (pointer, value, said) in cases {
        let text = reason(signed(|c| *c.pointer_mut(&pointer).expect(&pointer) = value.clone()));
        assert!(text.contains(said), "{pointer} = {value}: {text}");
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
}

#[test]
fn missing_and_doubled_fields_are_refused_and_tomorrows_are_passed_over() {
    for pointer in ["/packs/0", "/bundles/0", ""] {
        let fields = serde_json::to_value(catalog()).expect("JSON");
        for field in fields.pointer(pointer).expect("an object").as_object().expect("an object").keys() {
            if field != "bundles" {
                let text = reason(signed(|c| {
                    c.pointer_mut(pointer).expect("an object").as_object_mut().expect("an object").remove(field);
                }));
                assert!(text.contains(field.as_str()), "{text}");
            }
        }
        let tomorrow = signed(|c| c.pointer_mut(pointer).expect("an object")["new"] = json!({ "a": 1 }));
        assert_eq!(tomorrow.expect("a field that nobody knows is passed over"), catalog());
    }
    let publisher = Publisher::new();
    let json = String::from_utf8(catalog().encode().expect("in order")).expect("text");
    let doubled = json.replacen("\"serial\": 7", "\"serial\": 9, \"serial\": 7", 1);
    let text =
        reason(Catalog::verify("test", doubled.as_bytes(), &publisher.sign(doubled.as_bytes()), &publisher.key()));
    assert!(text.contains("duplicate"), "{text}");
}

#[test]
fn doubled_entries_are_refused() {
    let twice = |list: &'static str| {
        signed(|c| {
            let first = c[list][0].clone();
            c[list].as_array_mut().expect("a list").push(first);
        })
    };
    assert!(reason(twice("packs")).contains("twice"));
    assert!(reason(twice("bundles")).contains("twice"));
}

#[test]
fn the_number_of_entries_is_limited() {
    let many = |list: &'static str, count: usize| {
        signed(|c| {
            let first = c[list][0].clone();
            let entry = |i| {
                let mut entry = first.clone();
                entry["name"] = json!(format!("n{i}"));
                entry
            };
            c[list] = (0..count).map(entry).collect();
        })
    };
    assert!(many("packs", 10_000).is_ok());
    assert!(reason(many("packs", 10_001)).contains("10001"));
    assert!(reason(many("bundles", 1001)).contains("1001"));
}

/// What readers refuse is not published.
#[test]
fn a_publisher_is_told_before_signing() {
    let wrong = |change: fn(&mut Catalog)| {
        let mut catalog = catalog();
        change(&mut catalog);
        match catalog.encode() {
            Err(Error::BadRequest { field: "catalog", reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    };
    assert!(wrong(|c| c.packs[0].name = "..".into()).contains("name"));
    assert!(wrong(|c| c.schema = 9).contains("schema"));
    assert!(wrong(|c| c.packs[1] = c.packs[0].clone()).contains("twice"));
}

#[test]
fn no_nesting_is_too_deep() {
    let publisher = Publisher::new();
    let json = format!("{{\"schema\": {}1", "[".repeat(1 << 20));
    let text = reason(Catalog::verify("test", json.as_bytes(), &publisher.sign(json.as_bytes()), &publisher.key()));
    assert!(text.contains("no catalogue"), "{text}");
}
