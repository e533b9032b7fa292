//! The store itself: what is installed, installed anew and removed.

use std::path::{Path, PathBuf};

use crate::cancel::CancelToken;
use crate::clock::now;
use crate::error::{Error, Result};
use crate::library::address::Address;
use crate::library::catalog::{BundleEntry, Catalog, PublicKey};
use crate::library::download::{Downloader, Received, Watch};
use crate::library::source::Source;
use crate::model::bundle::{MANIFEST, MAX_MANIFEST_BYTES};
use crate::subjects::pack::metadata::check_text;

use super::expectation::Expectation;
use super::folder::Folder;
use super::plan::InstallPlan;
use super::staging::Staging;

/// A folder of installed bundles. Any number of processes and threads may use one folder at once.
///
/// A bundle that is removed or replaced while an engine has it open goes on working there, except that Windows deletes
/// no file that is in use.
#[derive(Debug, Clone)]
pub struct BundleStore {
    pub(super) folder: Folder,
}

impl BundleStore {
    /// Opens the store in a folder, which is made if need be. Puts right what killed processes left. A store that cannot
    /// be written to can be read.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let folder = Folder::make(path.as_ref())?;
        if let Err(error) = folder.recover() {
            log::debug!("a bundle store cannot be put in order: {error}");
        }
        Ok(Self { folder })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folders of the installed bundles, by name. They are not opened.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn list(&self) -> Result<Vec<(String, PathBuf)>> {
        let names = self.folder.names()?.into_iter();
        Ok(names.map(|name| (name.clone(), self.folder.bundle(&name))).collect())
    }

    /// The folder of an installed bundle.
    ///
    /// # Errors
    /// [`Error::NotFound`] with the names that are installed; [`Error::Io`].
    pub fn get(&self, name: &str) -> Result<PathBuf> {
        let names = self.folder.names()?;
        if names.iter().any(|found| found == name) {
            return Ok(self.folder.bundle(name));
        }
        Err(not_found(name, "is installed", "installed", names.iter().map(String::as_str)))
    }

    /// Downloads a bundle of a catalogue, the best form of it that this device has the memory for, file by file, resuming
    /// what came before, in place of an installed one of the same name, whatever form that has; gives its folder. Files that a bundle of this store has already are not downloaded, so that installing
    /// a bundle again mends it. `watch` counts all files together.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Untrusted`] when the catalogue has expired or is contradicted by what comes;
    /// [`Error::BadBundle`]; [`Error::BadStore`] when something else stands in its place; and as [`Downloader::file`].
    pub fn install(
        &self,
        source: &Source<'_>,
        name: &str,
        watch: &mut dyn Watch,
        cancel: &CancelToken,
    ) -> Result<PathBuf> {
        let entry =
            source.catalog.fitting(name, super::choice::fits).ok_or_else(|| not_listed(source.catalog, name))?;
        if source.catalog.forms(name).len() > 1 {
            log::info!("{}", super::choice::describe(entry));
        }
        self.install_entry(source, entry, watch, cancel)
    }

    /// Installs the form of a bundle that the caller names: `exact`, or as [`Form::name`](crate::model::form::Form::name) gives it.
    ///
    /// # Errors
    /// As [`install`](Self::install); [`Error::NotFound`] with the forms that are listed.
    pub fn install_form(
        &self,
        source: &Source<'_>,
        name: &str,
        form: &str,
        watch: &mut dyn Watch,
        cancel: &CancelToken,
    ) -> Result<PathBuf> {
        let forms = source.catalog.forms(name);
        if forms.is_empty() {
            return Err(not_listed(source.catalog, name));
        }
        let names = || forms.iter().map(|entry| entry.identity().1);
        let entry = forms.iter().find(|entry| entry.identity().1 == form);
        let entry = entry.ok_or_else(|| {
            not_found(&format!("{name} in the form {form}"), "is in the catalogue", "it lists the forms", names())
        })?;
        self.install_entry(source, entry, watch, cancel)
    }

    fn install_entry(
        &self,
        source: &Source<'_>,
        entry: &BundleEntry,
        watch: &mut dyn Watch,
        cancel: &CancelToken,
    ) -> Result<PathBuf> {
        source.catalog.check_fresh(source.url, now(), None)?;
        let base = Address::parse(&entry.location(source.url)?)?;
        let manifest = base.join(MANIFEST)?;
        let limit = entry.manifest.bytes.min(MAX_MANIFEST_BYTES);
        let plan = InstallPlan::new(&manifest.shown(), source.downloader.small_at(&manifest, limit, cancel)?)?;
        plan.check_entry(entry)?;
        self.download(source.downloader, &base, plan, watch, cancel)
    }

    /// Downloads a bundle by the URL of its folder, or of its `bundle.json`, which must be signed
    /// (`bundle.json.minisig` beside it) with the pinned key or with one that it has handed signing over to (see
    /// [`trust`](crate::library::trust)). As [`install`](Self::install) in all else. Nothing tells here whether a newer
    /// version was published, nor which of its publisher's bundles is meant, but for what is `expected`: catalogues tell both.
    ///
    /// # Errors
    /// As [`install`](Self::install); [`Error::Untrusted`] where it is not what is expected.
    pub fn install_url(
        &self,
        downloader: &Downloader,
        url: &str,
        key: &PublicKey,
        expected: &Expectation<'_>,
        watch: &mut dyn Watch,
        cancel: &CancelToken,
    ) -> Result<PathBuf> {
        let address = Address::parse(url)?;
        let base = if address.is_file(MANIFEST) { address } else { address.folder()? };
        let manifest = base.join(MANIFEST)?;
        let keys = self.follow(downloader, &manifest, key, cancel)?;
        let json = downloader.signed(&manifest, MAX_MANIFEST_BYTES, cancel, |json, signature| {
            keys.verify(&manifest.shown(), json, signature)?;
            Ok(json.to_vec())
        })?;
        let plan = InstallPlan::new(&manifest.shown(), json)?;
        expected.check(&plan)?;
        self.download(downloader, &base, plan, watch, cancel)
    }

    /// Removes a bundle by name; says whether there was one.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn remove(&self, name: &str) -> Result<bool> {
        // Whatever else stands in the folder is nobody's bundle.
        if check_text("name", name).is_ok() { self.folder.remove(name) } else { Ok(false) }
    }

    /// Gives up what came of interrupted installs, except where one is going on; gives the bytes that this frees.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn clear_interrupted(&self) -> Result<u64> {
        self.folder.clear(|_| true)
    }

    /// Gets the files of a plan from `base` and makes them a bundle.
    fn download(
        &self,
        downloader: &Downloader,
        base: &Address,
        plan: InstallPlan,
        watch: &mut dyn Watch,
        cancel: &CancelToken,
    ) -> Result<PathBuf> {
        let mut staging = Staging::begin(&self.folder, plan, cancel)?;
        staging.adopt(cancel)?;
        staging.check_space()?;
        let total = staging.plan.total;
        let wanted: Vec<_> = staging.plan.files().map(|(name, known)| (name.to_owned(), known)).collect();
        let mut sum = Sum { watch, before: 0, total };
        for (name, known) in wanted {
            if staging.has(&name) {
                sum.received(Received { name: &name, bytes: known.bytes, total: known.bytes });
            } else {
                downloader.file_at(&base.join(&name)?, &known, &staging.file(&name), &mut sum, cancel)?;
                staging.came(&name);
            }
            sum.before += known.bytes;
        }
        staging.publish()
    }
}

/// Adds up what comes of several files.
struct Sum<'a> {
    watch: &'a mut dyn Watch,
    /// Bytes of the files before the current one.
    before: u64,
    total: u64,
}

impl Watch for Sum<'_> {
    fn received(&mut self, received: Received<'_>) {
        let bytes = self.before + received.bytes;
        self.watch.received(Received { name: received.name, bytes, total: self.total });
    }
}

fn not_listed(catalog: &Catalog, name: &str) -> Error {
    let mut names: Vec<&str> = catalog.bundles.iter().map(|entry| entry.name.as_str()).collect();
    names.dedup();
    not_found(name, "is in the catalogue", "it lists", names.into_iter())
}

fn not_found<'a>(name: &str, place: &str, there: &str, names: impl Iterator<Item = &'a str>) -> Error {
    let names: Vec<String> = names.take(20).map(|name| format!("`{name}`")).collect();
    let hint = if names.is_empty() { "there is none yet".into() } else { format!("{there}: {}", names.join(", ")) };
    let name = name.chars().filter(|c| !c.is_control()).take(64).collect();
    Error::NotFound { name, place: place.into(), hint }
}
