//! Reading a catalogue: what is signed, whole and fresh.

use super::check;
use super::key::PublicKey;
use super::limits::{MAX_CATALOG_BYTES, MAX_CATALOG_SECONDS, SCHEMA};
use super::listing::{BundleEntry, Catalog, PackEntry};
use super::signed_by::SignedBy;
use crate::disk::hash::Sha256;
use crate::error::{Error, Result};
use crate::library::signed::{self, refused};
use crate::library::trust::keys::TrustedKeys;
use crate::library::trust::span::{CLOCK_TOLERANCE, DAY, span};

impl Catalog {
    /// Checks the signature over `json`, then schema, limits, names and hashes. Serial and expiry are checked by
    /// [`check_fresh`](Self::check_fresh). `what` is what messages call it, usually its URL.
    ///
    /// # Errors
    /// [`Error::Untrusted`] saying why.
    pub fn verify(what: &str, json: &[u8], signature: &str, key: &PublicKey) -> Result<Self> {
        Self::verify_by(what, json, signature, &TrustedKeys::pinned(key))
    }

    /// As [`verify`](Self::verify), where the pinned key may have handed signing over to others.
    ///
    /// # Errors
    /// [`Error::Untrusted`] saying why.
    pub fn verify_by(what: &str, json: &[u8], signature: &str, keys: &TrustedKeys) -> Result<Self> {
        if json.len() as u64 > MAX_CATALOG_BYTES {
            let reason = format!("it has {} bytes; a catalogue has at most {MAX_CATALOG_BYTES}", json.len());
            return Err(refused(what, reason));
        }
        let key = keys.verify(what, json, signature)?;
        let mut catalog: Self = signed::read(what, "catalogue", SCHEMA, json)?;
        check::check(&catalog).map_err(|reason| refused(what, reason))?;
        let from = keys.from_serial(key);
        if catalog.serial < from {
            let reason = format!("its serial is {}, and its publisher's key counts from {from} on", catalog.serial);
            let hint = "get the publisher's newest one; if this goes on, somebody may be holding updates back";
            return Err(Error::Untrusted { what: what.into(), reason, hint: hint.into() });
        }
        catalog.expires = catalog.expires.min(catalog.created.saturating_add(MAX_CATALOG_SECONDS));
        catalog.signed_by = SignedBy::new(keys.root().base64(), key.base64());
        for entry in &mut catalog.packs {
            entry.signed_by = catalog.signed_by.clone();
        }
        Ok(catalog)
    }

    /// Refuses a catalogue that is past its time, or older than one that was seen before. `now` is in seconds since
    /// 1970 (UTC), `seen` the highest serial that was seen from its key. A device whose clock is more than a day behind
    /// the time of signing cannot tell whether anything is past its time, so that is refused as well.
    ///
    /// # Errors
    /// [`Error::Untrusted`].
    pub fn check_fresh(&self, what: &str, now: u64, seen: Option<u64>) -> Result<()> {
        let refuse =
            |reason: String, hint: &str| Err(Error::Untrusted { what: what.into(), reason, hint: hint.into() });
        if now > self.expires {
            let reason = format!("it expired {} ago by this device's clock", span(now - self.expires));
            return refuse(reason, "get the publisher's newest one, and check the device's date and time");
        }
        if now.saturating_add(CLOCK_TOLERANCE) < self.created {
            let reason = format!("it was signed {} after what this device's clock says", span(self.created - now));
            return refuse(reason, "set the device's date and time");
        }
        match seen {
            Some(seen) if self.serial < seen => {
                let reason = format!("its serial is {}, and {seen} was seen before: it is an older one", self.serial);
                refuse(reason, "get the publisher's newest one; if this goes on, somebody may be holding updates back")
            }
            _ => Ok(()),
        }
    }

    /// The newest version of a pack for a base model with this fingerprint; of any, if none is given.
    pub fn pack(&self, name: &str, fingerprint: Option<Sha256>) -> Option<&PackEntry> {
        self.packs
            .iter()
            .filter(|p| p.name == name && fingerprint.is_none_or(|f| p.fingerprint == f))
            .max_by_key(|p| p.version)
    }

    /// A base model by name: its exact bundle, or else the best form that is listed.
    pub fn bundle(&self, name: &str) -> Option<&BundleEntry> {
        self.forms(name).into_iter().next()
    }

    /// Every form of a base model, the best first: exact, 8-bit weights, 8-bit activations too, 4-bit weights; those that
    /// are for devices that ask for them ([`Form::on_request`](crate::model::form::Form::on_request)) last.
    pub fn forms(&self, name: &str) -> Vec<&BundleEntry> {
        let mut forms: Vec<&BundleEntry> = self.bundles.iter().filter(|b| b.name == name).collect();
        forms.sort_by_key(|entry| entry.form.as_ref().map(|f| (f.on_request, f.weights, f.activations)));
        forms
    }

    /// The form of a base model for a device: the best that `fits`, else the smallest; none that is on request, unless no
    /// other is listed.
    pub fn fitting(&self, name: &str, fits: impl Fn(&BundleEntry) -> bool) -> Option<&BundleEntry> {
        let forms = self.forms(name);
        let is_offered = |entry: &&&BundleEntry| entry.form.as_ref().is_none_or(|form| !form.on_request);
        let offered: Vec<&BundleEntry> = forms.iter().filter(is_offered).copied().collect();
        let among = if offered.is_empty() { forms } else { offered };
        among.iter().find(|entry| fits(entry)).or_else(|| among.iter().min_by_key(|entry| entry.bytes)).copied()
    }

    /// The bytes to sign and publish: indented JSON in a fixed order. What [`verify`](Self::verify) would refuse is not
    /// encoded.
    ///
    /// # Errors
    /// [`Error::BadRequest`] saying what is wrong with it.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let bad = |reason: String| Error::request("catalog", format!("cannot be published: {reason}"));
        if self.schema != SCHEMA {
            return Err(bad(format!("it has schema {} instead of {SCHEMA}", self.schema)));
        }
        check::check(self).map_err(bad)?;
        if self.expires - self.created > MAX_CATALOG_SECONDS {
            let days = MAX_CATALOG_SECONDS / DAY;
            return Err(bad(format!(
                "it is good for {}; at most {days} days are taken",
                span(self.expires - self.created)
            )));
        }
        let mut sorted = self.clone();
        sorted.packs.sort_by(|a, b| a.identity().cmp(&b.identity()));
        sorted.bundles.sort_by(|a, b| a.identity().cmp(&b.identity()));
        sorted.withdrawn.sort_by(|a, b| a.identity().cmp(&b.identity()));
        let mut json = serde_json::to_vec_pretty(&sorted).map_err(|error| bad(error.to_string()))?;
        json.push(b'\n');
        if json.len() as u64 > MAX_CATALOG_BYTES {
            return Err(bad(format!("it has {} bytes; at most {MAX_CATALOG_BYTES} are read", json.len())));
        }
        Ok(json)
    }
}
