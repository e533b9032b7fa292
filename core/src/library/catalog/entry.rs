//! Entries: made from packs by a publisher, compared with packs on a device.

use crate::disk::hash::Sha256;
use crate::error::{Error, Result};
use crate::model::form;
use crate::subjects::pack::Header;

use super::listing::{BundleEntry, PackEntry};
use super::signed_by::SignedBy;
use super::withdrawal::Withdrawal;

impl PackEntry {
    /// The entry of a pack that is to be published at `url`. `bytes` is the whole file that `header` was read from.
    pub fn new(header: &Header, bytes: &[u8], url: impl Into<String>) -> Self {
        let metadata = &header.metadata;
        Self {
            name: metadata.name.clone(),
            version: metadata.version,
            bytes: bytes.len() as u64,
            sha256: Sha256::digest(bytes),
            url: url.into(),
            fingerprint: header.fingerprint,
            model: metadata.model.clone(),
            trigger: metadata.trigger.clone(),
            class: metadata.class.clone(),
            licence: metadata.licence.clone(),
            precision: header.precision,
            neurons: header.neurons,
            signed_by: SignedBy::default(),
        }
    }

    /// What no two entries of a catalogue share.
    pub(super) fn identity(&self) -> (&str, Sha256, u32) {
        (&self.name, self.fingerprint, self.version)
    }

    /// Checks that a pack, whose hash is as listed, says of itself what the catalogue said of it.
    ///
    /// # Errors
    /// [`Error::Untrusted`] naming what differs.
    pub(crate) fn check_header(&self, header: &Header) -> Result<()> {
        let metadata = &header.metadata;
        let same = [
            ("name", self.name == metadata.name),
            ("version", self.version == metadata.version),
            ("fingerprint", self.fingerprint == header.fingerprint),
            ("model", self.model == metadata.model),
            ("trigger", self.trigger == metadata.trigger),
            ("class", self.class == metadata.class),
            ("licence", self.licence == metadata.licence),
            ("precision", self.precision == header.precision),
            ("number of neurons", self.neurons == header.neurons),
        ];
        match same.iter().find(|(_, same)| !same) {
            None => Ok(()),
            Some((field, _)) => Err(Error::Untrusted {
                what: self.name.clone(),
                reason: format!("the pack's own {field} is not what the catalogue says"),
                hint: "ask its publisher for a catalogue that is in order".into(),
            }),
        }
    }
}

impl Withdrawal {
    /// The withdrawal of what a catalogue listed.
    pub fn new(entry: &PackEntry, reason: impl Into<String>) -> Self {
        Self {
            name: entry.name.clone(),
            fingerprint: entry.fingerprint,
            version: entry.version,
            sha256: entry.sha256,
            reason: reason.into(),
        }
    }
}

impl BundleEntry {
    /// What no two entries of a catalogue share: the base model's name and that of the form.
    pub fn identity(&self) -> (&str, &'static str) {
        (&self.name, form::name(self.form.as_ref()))
    }
}
