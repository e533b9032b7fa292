//! Whose signature, over what.

use cones_core::Catalog;
use cones_core::library::catalog::MAX_CATALOG_BYTES;
use cones_tests::publisher::Publisher;

use crate::{catalog, reason};

#[test]
fn a_signed_catalogue_is_what_was_encoded() {
    let (publisher, catalog) = (Publisher::new(), catalog());
    let json = catalog.encode().expect("in order");
    let found = Catalog::verify("test", &json, &publisher.sign(&json), &publisher.key()).expect("signed");
    assert_eq!(found.encode().expect("in order"), json);
    assert_eq!(found.packs.len(), catalog.packs.len());
    assert_eq!(found.pack("rex", None).expect("listed").version, 2);
    assert_eq!(found.bundle("toybox"), catalog.bundles.first());
}

#[test]
fn encoding_has_one_order() {
    let one = catalog();
    let mut other = one.clone();
    other.packs.reverse();
    assert_eq!(one.encode().expect("in order"), other.encode().expect("in order"));
}

#[test]
fn another_publishers_signature_is_told_from_damage() {
    let (publisher, other) = (Publisher::new(), Publisher::new());
    let json = catalog().encode().expect("in order");
    let foreign = reason(Catalog::verify("test", &json, &other.sign(&json), &publisher.key()));
    assert!(foreign.contains("another publisher"), "{foreign}");
    let mut damaged = json.clone();
    damaged[40] ^= 1;
    let changed = reason(Catalog::verify("test", &damaged, &publisher.sign(&json), &publisher.key()));
    assert!(changed.contains("changed or damaged"), "{changed}");
}

/// Any bit of the signed bytes, any byte of the signature, its signed comment included.
#[test]
fn every_change_is_noticed() {
    let publisher = Publisher::new();
    let json = catalog().encode().expect("in order");
    let (signature, key) = (publisher.sign(&json), publisher.key());
    for at in (0..json.len()).step_by(7) {
        let mut changed = json.clone();
        changed[at] ^= 1 << (at % 8);
        reason(Catalog::verify("test", &changed, &signature, &key));
    }
    reason(Catalog::verify("test", &json[..json.len() - 1], &signature, &key));
    reason(Catalog::verify("test", &[json.as_slice(), b" "].concat(), &signature, &key));
    let comment = signature.lines().next().expect("four lines").len() + 1;
    for at in comment..signature.trim_end().len() {
        let mut changed = signature.clone().into_bytes();
        changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
        let changed = String::from_utf8(changed).expect("text");
        assert!(Catalog::verify("test", &json, &changed, &key).is_err(), "byte {at} of the signature");
    }
}

#[test]
fn what_is_no_signature_is_said_to_be_none() {
    let publisher = Publisher::new();
    let json = catalog().encode().expect("in order");
    let signature = publisher.sign(&json);
    let lines: Vec<_> = signature.lines().collect();
    let others = [
        String::new(),
        "<html>not found</html>".into(),
        lines[..3].join("\n"),
        lines[1..].join("\n"),
        "\0".repeat(5000),
        signature.replace("trusted comment: t", "comment: t"),
        format!("{}\n{}", "x".repeat(1 << 20), signature),
    ];
    for text in others {
        let reason = reason(Catalog::verify("test", &json, &text, &publisher.key()));
        assert!(reason.contains("no minisign signature"), "{reason}");
    }
}

/// The older form signs the bytes themselves; example from minisign-verify's own tests.
#[test]
fn the_older_form_is_refused_and_named() {
    let key = cones_core::PublicKey::parse("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3").expect("a key");
    let signature = "untrusted comment: signature from minisign secret key\n\
        RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=\n\
        trusted comment: timestamp:1555779966\tfile:test\n\
        QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==\n";
    let old = reason(Catalog::verify("test", b"test", signature, &key));
    assert!(old.contains("old form"), "{old}");
}

#[test]
fn the_length_is_limited_before_anything_is_looked_at() {
    let publisher = Publisher::new();
    let json = vec![b' '; MAX_CATALOG_BYTES as usize + 1];
    let long = reason(Catalog::verify("test", &json, "", &publisher.key()));
    assert!(long.contains("8388609"), "{long}");
}
