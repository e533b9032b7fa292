//! What a bundle at a URL has to be.

use crate::disk::hash::Sha256;
use crate::error::{Error, Result};

use super::plan::InstallPlan;

/// What the caller of [`BundleStore::install_url`](super::BundleStore::install_url) wants there. A signature says who made a bundle;
/// whoever serves the address may serve any that its publisher ever signed, and it is installed under its own name. What is left out is
/// not asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expectation<'a> {
    /// The name it has, and will be installed by.
    pub name: Option<&'a str>,
    /// The fingerprint of its base model, which all its forms share.
    pub fingerprint: Option<Sha256>,
}

impl Expectation<'_> {
    /// Checks a signed manifest before any file of it is asked for.
    ///
    /// # Errors
    /// [`Error::Untrusted`] naming what differs.
    pub(super) fn check(&self, plan: &InstallPlan) -> Result<()> {
        let manifest = &plan.manifest;
        let reason = match (self.name, self.fingerprint) {
            (Some(name), _) if name != manifest.name => {
                let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
                format!("it is the bundle `{}`, not `{name}`", manifest.name)
            }
            (_, Some(fingerprint)) if fingerprint != manifest.fingerprint => {
                format!("its fingerprint is {}, not {fingerprint}", manifest.fingerprint)
            }
            _ => return Ok(()),
        };
        let hint = "check the address; if it is right, ask its publisher, or install by a catalogue".into();
        Err(Error::Untrusted { what: plan.what.clone(), reason, hint })
    }
}
