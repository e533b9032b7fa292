//! Values of a catalogue that later steps rely on, or that are shown to people.

use std::collections::{BTreeMap, BTreeSet};

use super::limits::{MAX_PACK_BYTES, MAX_SERIALS_A_SECOND};
use super::listing::{BundleEntry, Catalog, PackEntry};
use super::location;
use super::withdrawal::Withdrawal;
use crate::subjects::pack::metadata::{check_text, check_trigger};

const MOST_PACKS: usize = 10_000;
const MOST_BUNDLES: usize = 1_000;
const MOST_WITHDRAWN: usize = 10_000;
const MAX_BUNDLE_BYTES: u64 = 64 << 30;
/// As a bundle's `bundle.json` itself is limited.
const MAX_MANIFEST_BYTES: u64 = 4 << 20;
/// More than any model has weights in its cross-attention.
const MOST_NEURONS: u64 = 1 << 40;
/// What a double holds exactly: other readers of JSON know no larger whole numbers.
const LARGEST_EXACT: u64 = 1 << 53;

/// What is wrong with the catalogue's values, if anything.
pub(super) fn check(catalog: &Catalog) -> Result<(), String> {
    check_text("publisher", &catalog.publisher)?;
    if catalog.publisher.trim().is_empty() {
        return Err("`publisher` is empty".into());
    }
    most("serial", catalog.serial, LARGEST_EXACT)?;
    most("created", catalog.created, LARGEST_EXACT)?;
    most("expires", catalog.expires, LARGEST_EXACT)?;
    if catalog.expires < catalog.created {
        return Err("it expires before it was made".into());
    }
    if catalog.serial > catalog.created.saturating_mul(MAX_SERIALS_A_SECOND) {
        let serial = catalog.serial;
        return Err(format!("its serial is {serial}: nobody has published so often by the time of its making"));
    }
    most("number of packs", catalog.packs.len() as u64, MOST_PACKS as u64)?;
    most("number of bundles", catalog.bundles.len() as u64, MOST_BUNDLES as u64)?;
    let mut packs = BTreeSet::new();
    for (i, entry) in catalog.packs.iter().enumerate() {
        check_pack(entry).map_err(|reason| format!("in pack {}{}: {reason}", i + 1, named(&entry.name)))?;
        if !packs.insert(entry.identity()) {
            return Err(format!("it lists version {} of pack `{}` twice", entry.version, entry.name));
        }
    }
    check_withdrawn(catalog)?;
    let (mut bundles, mut fingerprints) = (BTreeSet::new(), BTreeMap::new());
    for (i, entry) in catalog.bundles.iter().enumerate() {
        check_bundle(entry).map_err(|reason| format!("in bundle {}{}: {reason}", i + 1, named(&entry.name)))?;
        if !bundles.insert(entry.identity()) {
            let (name, form) = entry.identity();
            return Err(format!("it lists bundle `{name}` twice in the form {form}"));
        }
        if *fingerprints.entry(&entry.name).or_insert(&entry.fingerprint) != &entry.fingerprint {
            return Err(format!("the forms of bundle `{}` have different fingerprints", entry.name));
        }
    }
    Ok(())
}

fn check_withdrawn(catalog: &Catalog) -> Result<(), String> {
    most("number of withdrawn packs", catalog.withdrawn.len() as u64, MOST_WITHDRAWN as u64)?;
    let mut seen = BTreeSet::new();
    for (i, withdrawal) in catalog.withdrawn.iter().enumerate() {
        let Withdrawal { name, version, reason, .. } = withdrawal;
        let texts = check_text("name", name).and_then(|()| check_text("reason", reason));
        texts.map_err(|wrong| format!("in withdrawn pack {}{}: {wrong}", i + 1, named(name)))?;
        if *version == 0 {
            return Err(format!("it withdraws version 0 of pack `{name}`; versions count from 1"));
        }
        if !seen.insert(withdrawal.identity()) {
            return Err(format!("it withdraws pack `{name}` twice"));
        }
        let is_withdrawn = |entry: &&PackEntry| {
            (&entry.name, entry.fingerprint) == (name, withdrawal.fingerprint) && entry.version <= *version
        };
        if let Some(entry) = catalog.packs.iter().find(is_withdrawn) {
            return Err(format!("it lists version {} of pack `{name}` and withdraws it", entry.version));
        }
    }
    Ok(())
}

fn check_pack(entry: &PackEntry) -> Result<(), String> {
    check_text("name", &entry.name)?;
    if entry.version == 0 {
        return Err("its version is 0; versions count from 1".into());
    }
    if entry.bytes == 0 {
        return Err("its length is 0".into());
    }
    most("length", entry.bytes, MAX_PACK_BYTES)?;
    most("number of neurons", entry.neurons, MOST_NEURONS)?;
    check_text("model", &entry.model)?;
    check_text("trigger", &entry.trigger)?;
    check_trigger(&entry.trigger, entry.precision)?;
    check_text("class", &entry.class)?;
    check_text("licence", &entry.licence)?;
    location::check(&entry.url)
}

fn check_bundle(entry: &BundleEntry) -> Result<(), String> {
    check_text("name", &entry.name)?;
    most("manifest's length", entry.manifest.bytes, MAX_MANIFEST_BYTES)?;
    most("length", entry.bytes, MAX_BUNDLE_BYTES)?;
    if entry.manifest.bytes == 0 || entry.bytes < entry.manifest.bytes {
        return Err("its length is less than that of its manifest".into());
    }
    check_text("licence", &entry.licence)?;
    if let Some(form) = &entry.form {
        check_text("form.tool", &form.tool)?;
    }
    location::check(&entry.url)
}

/// The entry's name behind its number, where it can be shown.
fn named(name: &str) -> String {
    if check_text("name", name).is_ok() { format!(" (`{name}`)") } else { String::new() }
}

fn most(field: &str, value: u64, limit: u64) -> Result<(), String> {
    if value <= limit { Ok(()) } else { Err(format!("its {field} is {value}; at most {limit} is allowed")) }
}
