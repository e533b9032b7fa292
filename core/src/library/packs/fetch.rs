//! Installing from a catalogue.

use std::fs::{self, OpenOptions};
use std::path::Path;

use crate::cancel::CancelToken;
use crate::clock::now;
use crate::error::{Error, Result};
use crate::library::address::shown;
use crate::library::catalog::{Catalog, PackEntry};
use crate::library::download::{Expected, Received, Watch};
use crate::library::source::Source;
use crate::model::manifest::Manifest;

use super::clean;
use crate::disk::lock::Lock;

use super::folder;
use super::index::{Record, list, typed};
use super::install::{self, checked};
use super::installed::Installed;
use super::store::PackStore;

impl PackStore {
    /// Downloads the newest version of a pack of a catalogue and installs it, in place of an installed pack of the same
    /// name and fingerprint. What is installed already is not downloaded again. With a manifest the pack for that base
    /// model is taken, and decoded before anything changes; without one the name must be there for one base model only.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::WrongModel`] when the catalogue has the name for other base models only;
    /// [`Error::BadRequest`] when it has it for several and no manifest is given; [`Error::Untrusted`] when the
    /// catalogue has expired, has an older version than is installed, would replace what another publisher vouched for, or is
    /// contradicted by the file; and as
    /// [`Downloader::file`](crate::library::download::Downloader::file) and [`install_file`](Self::install_file).
    pub fn install(
        &self,
        source: &Source<'_>,
        name: &str,
        manifest: Option<&Manifest>,
        watch: &mut dyn Watch,
        cancel: &CancelToken,
    ) -> Result<Installed> {
        source.catalog.check_fresh(&shown(source.url), now(), None)?;
        self.install_entry(source, find(source.catalog, name, manifest)?, manifest, watch, cancel)
    }

    /// Installs what the catalogue has in newer versions, of packs that were installed from catalogues of its publisher, and what it has
    /// in place of those that are here on the word of a revoked key; gives those that were replaced, as they are now. What a publisher has withdrawn is told by [`list`](Self::list) from the moment its
    /// catalogue was taken.
    ///
    /// # Errors
    /// As [`install`](Self::install), for the first pack that cannot be installed; those before it are.
    pub fn update(&self, source: &Source<'_>, watch: &mut dyn Watch, cancel: &CancelToken) -> Result<Vec<Installed>> {
        source.catalog.check_fresh(&shown(source.url), now(), None)?;
        let mut updated = Vec::new();
        let index = self.index()?;
        for record in index.packs() {
            let newest = source.catalog.pack(record.name(), Some(record.fingerprint));
            let is_theirs =
                |entry: &&PackEntry| record.publisher.is_some() && record.publisher == entry.signed_by.publisher;
            let is_better = |entry: &&PackEntry| {
                let is_other = entry.sha256 != record.sha256;
                entry.version > record.metadata.version || is_other && index.revocation(record).is_some()
            };
            if let Some(entry) = newest.filter(is_theirs).filter(is_better) {
                updated.push(self.install_entry(source, entry, None, watch, cancel)?);
            }
        }
        Ok(updated)
    }

    fn install_entry(
        &self,
        source: &Source<'_>,
        entry: &PackEntry,
        manifest: Option<&Manifest>,
        watch: &mut dyn Watch,
        cancel: &CancelToken,
    ) -> Result<Installed> {
        let url = entry.location(source.url)?;
        check(entry, manifest)?;
        if let Some(installed) = self.current(entry, manifest)? {
            return Ok(installed);
        }
        // Others who want the same pack wait here, and find it installed.
        let _lock = Lock::wait(&self.folder.download_lock(entry.sha256), cancel)?;
        if let Some(installed) = self.current(entry, manifest)? {
            return Ok(installed);
        }
        let file = self.folder.download(entry.sha256);
        let expected = Expected { bytes: entry.bytes, sha256: entry.sha256 };
        source.downloader.file(&url, &expected, &file, &mut Named { name: &entry.name, watch }, cancel)?;
        let installed = self.adopt(&file, entry, manifest)?;
        clean::clean_download(&self.folder, entry.sha256);
        Ok(installed)
    }

    /// The entry's very pack, if it is installed and whole. Refuses an entry that is older than what is installed.
    fn current(&self, entry: &PackEntry, manifest: Option<&Manifest>) -> Result<Option<Installed>> {
        let index = self.index()?;
        let installed = index.exactly(&entry.name, entry.fingerprint);
        Self::check_version(&index, entry)?;
        let Some(record) = installed.filter(|record| record.sha256 == entry.sha256) else {
            Self::check_publisher(installed, &entry.name, entry.signed_by.publisher.as_deref())?;
            return Ok(None);
        };
        let path = self.folder.object(record.sha256);
        Ok(checked(&path, entry, manifest).ok().map(|(header, _)| self.installed_as(&index, record, header)))
    }

    /// Installs a file that was downloaded to the store's own folder. It does not stay there, except where the store
    /// could not take it.
    fn adopt(&self, file: &Path, entry: &PackEntry, manifest: Option<&Manifest>) -> Result<Installed> {
        let (header, bytes) = match checked(file, entry, manifest) {
            Ok(checked) => checked,
            Err(error @ Error::Io { .. }) => return Err(error),
            Err(error) => {
                // It would be the same again.
                let _ = fs::remove_file(file);
                return Err(error);
            }
        };
        let record = Record::new(&header, &bytes, &entry.signed_by);
        self.commit(header, record, Some(entry), |path, lock| move_in(file, path, lock))
    }
}

/// Checks how long a file may be before anything is asked for. A catalogue that was not made by
/// [`Catalog::verify`] may hold anything.
fn check(entry: &PackEntry, manifest: Option<&Manifest>) -> Result<()> {
    let most = install::most_bytes(manifest);
    if entry.bytes <= most {
        return Ok(());
    }
    let reason = format!("the catalogue gives its length as {} bytes; such a pack has at most {most}", entry.bytes);
    let hint = "ask its publisher for a catalogue that is in order".into();
    Err(Error::Untrusted { what: typed(&entry.name), reason, hint })
}

/// Flushes a file and moves it to its place.
fn move_in(file: &Path, path: &Path, lock: &Lock) -> Result<()> {
    // Some systems flush only what is open for writing.
    let flushed = OpenOptions::new().write(true).open(file).and_then(|open| open.sync_all());
    flushed.map_err(Error::io("flush", file))?;
    folder::rename(file, path, lock)
}

/// The newest version of a pack for the manifest's base model, or for the only one there is.
fn find<'a>(catalog: &'a Catalog, name: &str, manifest: Option<&Manifest>) -> Result<&'a PackEntry> {
    let newest = catalog.pack(name, None).ok_or_else(|| not_found(catalog, name))?;
    let others = || catalog.packs.iter().filter(|entry| entry.name == name);
    let models = || {
        let mut models: Vec<_> = others().map(|entry| format!("`{}`", entry.model)).collect();
        models.sort_unstable();
        models.dedup();
        list(models.into_iter())
    };
    match manifest {
        Some(manifest) => catalog.pack(name, Some(manifest.fingerprint)).ok_or_else(|| Error::WrongModel {
            subject: name.into(),
            reason: format!("the catalogue has it for {}, not for `{}`", models(), manifest.name),
        }),
        None if others().any(|entry| entry.fingerprint != newest.fingerprint) => {
            Err(Error::request("name", format!("`{name}` is in the catalogue for {}; say for which", models())))
        }
        None => Ok(newest),
    }
}

fn not_found(catalog: &Catalog, name: &str) -> Error {
    let mut names: Vec<_> = catalog.packs.iter().map(|entry| entry.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let names = list(names.into_iter().map(|name| format!("`{name}`")));
    let hint = if names.is_empty() { "it lists no pack".into() } else { format!("it lists {names}") };
    Error::NotFound { name: typed(name), place: "is in the catalogue".into(), hint }
}

/// Tells people the pack's name in place of its file's, which is a hash.
struct Named<'a> {
    name: &'a str,
    watch: &'a mut dyn Watch,
}

impl Watch for Named<'_> {
    fn received(&mut self, received: Received<'_>) {
        self.watch.received(Received { name: self.name, ..received });
    }
}
