//! Several forms of one base model.

use cones_core::Sha256;
use cones_core::library::catalog::{BundleEntry, Catalog};
use cones_core::model::form::{Activations, Form, Weights};

use super::{catalog, reason};
use cones_tests::publisher::Publisher;

fn form(weights: Weights, activations: Activations, on_request: bool) -> Form {
    let mut form = Form::new(weights, activations, "cones 0.1.0");
    form.on_request = on_request;
    form
}

/// The catalogue with three further forms of its base model, each smaller than the one before.
fn several() -> Catalog {
    let mut catalog = catalog();
    let exact = catalog.bundles[0].clone();
    let forms = [
        form(Weights::Int4, Activations::Float, true),
        form(Weights::Int8, Activations::Int8, false),
        form(Weights::Int8, Activations::Float, false),
    ];
    for (form, megabytes) in forms.into_iter().zip([12, 15, 16]) {
        let url = format!("toybox-{form}/");
        let mut entry = exact.clone();
        (entry.form, entry.bytes, entry.url) = (Some(form), megabytes * 1_000_000, url);
        catalog.bundles.push(entry);
    }
    catalog
}

fn names<'a>(entries: impl IntoIterator<Item = &'a BundleEntry>) -> Vec<&'static str> {
    entries.into_iter().map(|entry| entry.identity().1).collect()
}

fn verified(catalog: &Catalog) -> cones_core::Result<Catalog> {
    let publisher = Publisher::new();
    let json = serde_json::to_vec(catalog).expect("JSON");
    Catalog::verify("catalog.json", &json, &publisher.sign(&json), &publisher.key())
}

#[test]
fn forms_are_kept_and_come_the_best_first() {
    let catalog = verified(&several()).expect("several forms of one base model");
    assert_eq!(names(catalog.forms("toybox")), ["exact", "int8", "int8-static", "int4"]);
    assert_eq!(catalog.bundle("toybox").map(|entry| entry.identity().1), Some("exact"));
    assert!(catalog.forms("dog").is_empty());
    // In a fixed order, whatever order they were put in.
    let json = String::from_utf8(several().encode().expect("a catalogue")).expect("text");
    let at = |url: &str| json.find(url).expect("listed");
    assert!(at("\"toybox/\"") < at("toybox-int4/") && at("toybox-int4/") < at("toybox-int8/"), "{json}");
}

#[test]
fn a_device_takes_the_best_that_fits_and_none_that_is_on_request() {
    let catalog = several();
    let taken = |megabytes: u64| {
        let fits = |entry: &BundleEntry| entry.bytes <= megabytes * 1_000_000;
        catalog.fitting("toybox", fits).map(|entry| entry.identity().1)
    };
    assert_eq!(taken(100), Some("exact"));
    assert_eq!(taken(20), Some("int8"));
    assert_eq!(taken(15), Some("int8-static"));
    // Nothing fits: the smallest of what is offered, and it will be said when it is loaded.
    assert_eq!(taken(13), Some("int8-static"));
    assert_eq!(catalog.fitting("dog", |_| true), None);
    let mut alone = catalog.clone();
    alone.bundles.retain(|entry| entry.form.as_ref().is_some_and(|form| form.on_request));
    assert_eq!(alone.fitting("toybox", |_| true).map(|entry| entry.identity().1), Some("int4"), "there is no other");
}

#[test]
fn forms_that_are_none_are_refused() {
    type Change = fn(&mut Catalog);
    let cases: [(&str, Change); 3] = [
        ("twice in the form int8-static", |c| c.bundles.push(c.bundles[2].clone())),
        ("different fingerprints", |c| c.bundles[1].fingerprint = Sha256::from_bytes([0xab; 32])),
        ("`form.tool`", |c| c.bundles[1].form.as_mut().expect("a form").tool = "x".repeat(65)),
    ];
    for (said, change) in cases {
        let mut catalog = several();
        change(&mut catalog);
        let found = reason(verified(&catalog));
        assert!(found.contains(said), "{found}");
        assert!(catalog.encode().is_err(), "{said}");
    }
}
