//! Publishing: packs and base models into a folder that any static file server can serve, under a signed catalogue.
//!
//! ```text
//! catalog.json, catalog.json.minisig
//! keys.json, keys.json.minisig         where a root key has handed signing over
//! packs/NAME-VERSION-HASH.cones
//! bundles/NAME-HASH/bundle.json, bundle.json.minisig and what it lists
//! ```
//!
//! Files have their hash in their name and are never changed, so a device that still holds the last catalogue can finish
//! its download. The catalogue is written last.

mod bundles;
pub(crate) mod folder;
mod packs;

use std::path::Path;

use cones_core::library::catalog::{BundleEntry, CATALOG, Catalog, Withdrawal};
use cones_core::library::trust::{KeyStatement, TrustedKeys};
use cones_core::{Bundle, PublicKey};
use folder::Folder;
pub use packs::PackSource;

use crate::error::{Error, Result};
use crate::keys::SigningKey;
use crate::statement::keys_that_signed;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// What is to be published.
#[derive(Debug, Default)]
pub struct Publication {
    /// Packs to add, or to put in place of older versions.
    pub packs: Vec<PackSource>,
    /// Base models to add or replace.
    pub bundles: Vec<Bundle>,
    /// Names of packs and base models to take out of the catalogue. Their files stay. Devices that have such a pack are told.
    pub withdrawn: Vec<String>,
    /// Why, for people.
    pub reason: String,
    /// Who publishes, for people; by default as before, else the first pack's author.
    pub publisher: Option<String>,
    /// For how many days devices take the catalogue; at most 400.
    pub days: u64,
    /// Go on with a catalogue that is signed with a key which was revoked since: whoever stole it may have written there.
    pub take_over: bool,
    /// Seconds since 1970 (UTC).
    pub now: u64,
}

/// Writes the publication into `path` and gives the new catalogue. What is there must be ours, and is added to: signed with this key or,
/// where a root key's statement is there, with one that it names.
///
/// # Errors
/// Where what is there is not ours, the key does not count by the statement, or something cannot be published.
pub fn publish(path: &Path, publication: &Publication, key: &SigningKey) -> Result<Catalog> {
    let folder = Folder::open(path)?;
    let public = key.public()?;
    let keys = match folder.statement()? {
        None => TrustedKeys::pinned(&public),
        Some(statement) => counting(&statement, &public)?,
    };
    let mut catalog = match there(&folder, &keys, publication.take_over)? {
        Some(catalog) => catalog,
        None => Catalog::new("", 0, 0, 0),
    };
    if let Some(publisher) = publication.publisher.clone().or_else(|| publication.default_publisher(&catalog)) {
        catalog.publisher = publisher;
    }
    for name in &publication.withdrawn {
        withdraw(&mut catalog, name, &publication.reason)?;
    }
    // Everything is checked before anything is written.
    let (mut packs, mut bundles) = (Vec::new(), Vec::new());
    for file in &publication.packs {
        let entry = packs::entry(file, &catalog)?;
        catalog.packs.retain(|p| (&p.name, &p.fingerprint) != (&entry.name, &entry.fingerprint));
        catalog.packs.push(entry.clone());
        packs.push((file, entry));
    }
    for bundle in &publication.bundles {
        let entry = bundles::entry(bundle)?;
        // Forms of another base model of the same name would be refused, for they take other packs.
        let replaced = |b: &BundleEntry| b.identity() == entry.identity() || b.fingerprint != entry.fingerprint;
        catalog.bundles.retain(|b| b.name != entry.name || !replaced(b));
        catalog.bundles.push(entry.clone());
        bundles.push((bundle, entry));
    }
    // Counting is what makes a new catalogue new; a device refuses a lower number than it has seen.
    catalog.serial = catalog.serial.saturating_add(1).max(keys.from_serial(&public));
    catalog.created = publication.now;
    catalog.expires = publication.now.saturating_add(publication.days.saturating_mul(DAY));
    let json = catalog.encode()?;
    for (file, entry) in &packs {
        folder.write(&entry.url, &file.bytes)?;
    }
    for (bundle, entry) in &bundles {
        bundles::write(&folder, bundle, entry, key, publication.now)?;
    }
    for entry in &catalog.bundles {
        bundles::sign_anew(&folder, entry, &keys, key, publication.now)?;
    }
    folder.replace(CATALOG, &json, &key.sign(CATALOG, &json, publication.now)?)?;
    Ok(serde_json::from_slice(&json)?)
}

/// The keys that count by a statement, if that of the publisher is among them.
fn counting(statement: &KeyStatement, public: &PublicKey) -> Result<TrustedKeys> {
    let keys = TrustedKeys::stated(&PublicKey::parse(&statement.root)?, statement)?;
    if keys.count(public) {
        return Ok(keys);
    }
    let (key, version) = (public.base64(), statement.version);
    Err(match statement.revocation(key) {
        Some(_) => format!("the key {key} was revoked by version {version} of the statement of keys; take another one"),
        None => format!(
            "the key {key} does not count by version {version} of the statement of keys\nhint: take one that does, or add it with \
             `cones keys --add`"
        ),
    }
    .into())
}

/// The catalogue in the folder, if one of our keys signed it.
fn there(folder: &Folder, keys: &TrustedKeys, take_over: bool) -> Result<Option<Catalog>> {
    let hint = "only its own publisher's key adds to a catalogue; take that one, or another folder";
    let Some(statement) = keys.statement() else { return folder.catalog(keys, hint) };
    let all = keys_that_signed(statement)?;
    let is_revoked = |signer: &PublicKey| statement.revocation(signer.base64()).is_some();
    if !take_over && folder.signer(&all)?.as_ref().is_some_and(is_revoked) {
        let refused = "the catalogue there is signed with a key that was revoked: whoever has that key may have written it\nhint: look at \
                       what it lists; if all of that is yours, add --take-over";
        return Err(Error::Refused(refused.into()));
    }
    folder.catalog(&all, hint)
}

impl Publication {
    fn default_publisher(&self, catalog: &Catalog) -> Option<String> {
        if !catalog.publisher.is_empty() {
            return None;
        }
        let authors = self.packs.iter().filter_map(|p| Some(p.header().ok()?.metadata.author));
        Some(authors.into_iter().find(|a| !a.is_empty()).unwrap_or_else(|| "unnamed".into()))
    }
}

fn withdraw(catalog: &mut Catalog, name: &str, reason: &str) -> Result<()> {
    let before = catalog.packs.len() + catalog.bundles.len();
    for entry in catalog.packs.extract_if(.., |p| p.name == name) {
        let same = |other: &Withdrawal| (&other.name, other.fingerprint) == (&entry.name, entry.fingerprint);
        catalog.withdrawn.retain(|other| !same(other));
        catalog.withdrawn.push(Withdrawal::new(&entry, reason));
    }
    catalog.bundles.retain(|b| b.name != name);
    if catalog.packs.len() + catalog.bundles.len() == before {
        return Err(format!("the catalogue lists no `{name}` that could be withdrawn").into());
    }
    Ok(())
}
