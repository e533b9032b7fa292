//! `store.json`: what is installed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use crate::disk::hash::Sha256;
use crate::error::{Error, Result};
use crate::library::catalog::MAX_PACK_BYTES;
use crate::library::catalog::listing::Catalog;
use crate::library::catalog::signed_by::SignedBy;
use crate::library::trust::memory::Memory;
use crate::model::manifest::Manifest;
use crate::subjects::pack::{Header, Metadata, Precision};

use crate::disk::lock::Lock;

use super::folder::{self, Folder};

/// The format of the folder that this version reads and writes.
const FORMAT: u32 = 1;
/// Of some 50,000 packs. What claims to be longer is not read.
const MAX_BYTES: u64 = 64 << 20;
/// How many names a message lists.
const MOST_NAMES: usize = 12;

/// The whole of `store.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Index {
    format: u32,
    /// What was seen of publishers; [`Folder::memory`] has it as well.
    #[serde(flatten)]
    pub(super) memory: Memory,
    /// By name and fingerprint, of which each pair is there once.
    packs: Vec<Record>,
}

/// One installed pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) sha256: Sha256,
    pub(super) bytes: u64,
    pub(super) fingerprint: Sha256,
    precision: Precision,
    neurons: u64,
    pub(super) metadata: Metadata,
    /// The pinned key of the publisher whose catalogue it was installed from; none where nobody vouched for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) publisher: Option<String>,
    /// The key that had signed that catalogue, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed_by: Option<String>,
}

impl Record {
    pub(super) fn new(header: &Header, bytes: &[u8], signed_by: &SignedBy) -> Self {
        Self {
            sha256: Sha256::digest(bytes),
            bytes: bytes.len() as u64,
            fingerprint: header.fingerprint,
            precision: header.precision,
            neurons: header.neurons,
            metadata: header.metadata.clone(),
            publisher: signed_by.publisher.clone(),
            signed_by: signed_by.key.clone(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.metadata.name
    }

    pub(super) fn header(&self, preview: Option<Vec<u8>>) -> Header {
        Header {
            metadata: self.metadata.clone(),
            fingerprint: self.fingerprint,
            precision: self.precision,
            neurons: self.neurons,
            preview,
        }
    }

    /// Takes the word of another key of the same publisher, or of one where nobody had vouched; says whether that is news.
    pub(super) fn vouch(&mut self, signed_by: &SignedBy) -> bool {
        let same = (&self.publisher, &self.signed_by) == (&signed_by.publisher, &signed_by.key);
        if !same {
            self.publisher.clone_from(&signed_by.publisher);
            self.signed_by.clone_from(&signed_by.key);
        }
        !same
    }

    /// On whose word it is here.
    pub(super) fn signed_by(&self) -> SignedBy {
        SignedBy { publisher: self.publisher.clone(), key: self.signed_by.clone() }
    }

    fn key(&self) -> (&str, Sha256) {
        (&self.metadata.name, self.fingerprint)
    }
}

impl Index {
    /// Reads it; none when there is none or it is damaged, and is to be made anew.
    ///
    /// # Errors
    /// [`Error::BadStore`] when a newer version wrote it; [`Error::Io`].
    pub(super) fn read(folder: &Folder) -> Result<Option<Self>> {
        let path = folder.index();
        let mut text = Vec::new();
        match File::open(&path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut text)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(Error::io("read", &path))?,
        };
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        if let Ok(Version { format }) = serde_json::from_slice(&text)
            && format > FORMAT
        {
            return Err(Error::BadStore {
                path: folder.path().to_path_buf(),
                reason: format!("it has format {format}; this version reads format {FORMAT}"),
                hint: "update this software, or use another folder".into(),
            });
        }
        match serde_json::from_slice::<Self>(&text) {
            Ok(index) if index.is_sound() => Ok(Some(index)),
            Ok(_) => Ok(damaged("its values are out of order")),
            Err(error) => Ok(damaged(&error.to_string())),
        }
    }

    /// Replaces the file.
    pub(super) fn write(&self, folder: &Folder, lock: &Lock) -> Result<()> {
        let path = folder.index();
        let json = serde_json::to_vec(self).map_err(|error| Error::io("write", &path)(error.into()))?;
        folder::replace(&path, &json, lock)
    }

    /// Makes it anew from the packs that are there. Of two packs of one name and base model the newer is taken. Who vouched for
    /// them is lost; what was seen of publishers is remembered besides.
    pub(super) fn rebuild(folder: &Folder, lock: &Lock) -> Result<Self> {
        let index = Self::scan(folder)?;
        index.write(folder, lock)?;
        Ok(index)
    }

    /// The packs that lie there, as an index that is not written.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn scan(folder: &Folder) -> Result<Self> {
        let mut found = Vec::new();
        let objects = folder.objects();
        let entries = match fs::read_dir(&objects) {
            // Nothing was ever installed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            entries => Some(entries.map_err(Error::io("list", &objects))?),
        };
        for entry in entries.into_iter().flatten() {
            let entry = entry.map_err(Error::io("list", &objects))?;
            let name = entry.file_name();
            let Some(hash) = folder::hash_of(&name) else { continue };
            let read = folder::read(&entry.path(), MAX_PACK_BYTES).and_then(|bytes| {
                Ok(Record::new(&Header::read(&hash.to_string(), &bytes)?, &bytes, &SignedBy::default()))
            });
            match read {
                Ok(record) if record.sha256 == hash => found.push(record),
                Ok(_) => left_out("its hash is not its name"),
                Err(error) => left_out(&error.to_string()),
            }
        }
        found.sort_by_key(|record| (record.metadata.version, record.metadata.created));
        let mut index = Self { format: FORMAT, memory: Memory::read(&folder.memory()), packs: Vec::new() };
        for record in found {
            index.put(record);
        }
        Ok(index)
    }

    pub(super) fn packs(&self) -> &[Record] {
        &self.packs
    }

    /// The pack of this name and fingerprint.
    pub(super) fn exactly(&self, name: &str, fingerprint: Sha256) -> Option<&Record> {
        self.packs.iter().find(|record| record.key() == (name, fingerprint))
    }

    /// The pack of this name for one base model, or for the only one it is installed for.
    pub(super) fn find(&self, name: &str, fingerprint: Option<Sha256>) -> Result<&Record> {
        let mut named = self.packs.iter().filter(|record| record.name() == name);
        if let Some(fingerprint) = fingerprint {
            return named.find(|record| record.fingerprint == fingerprint).ok_or_else(|| self.not_found(name));
        }
        let first = named.next().ok_or_else(|| self.not_found(name))?;
        if named.next().is_some() {
            let reason = format!("`{name}` is installed for {}; say for which", self.models(name));
            return Err(Error::request("name", reason));
        }
        Ok(first)
    }

    /// The pack of this name for the base model of `manifest`.
    pub(super) fn find_for(&self, name: &str, manifest: &Manifest) -> Result<&Record> {
        match self.exactly(name, manifest.fingerprint) {
            Some(record) => Ok(record),
            None if self.packs.iter().any(|record| record.name() == name) => Err(Error::WrongModel {
                subject: name.into(),
                reason: format!("it is installed for {}, not for `{}`", self.models(name), manifest.name),
            }),
            None => Err(self.not_found(name)),
        }
    }

    /// Takes packs out; see [`PackStore::remove`](super::PackStore::remove).
    pub(super) fn take(&mut self, name: &str, fingerprint: Option<Sha256>) -> Vec<Record> {
        let is_meant =
            |record: &mut Record| record.name() == name && fingerprint.is_none_or(|f| record.fingerprint == f);
        self.packs.extract_if(.., is_meant).collect()
    }

    /// Puts a pack in, and gives the one whose place it takes.
    pub(super) fn put(&mut self, record: Record) -> Option<Record> {
        match self.packs.binary_search_by(|other| other.key().cmp(&record.key())) {
            Ok(at) => self.packs.get_mut(at).map(|place| std::mem::replace(place, record)),
            Err(at) => {
                self.packs.insert(at, record);
                None
            }
        }
    }

    /// Whether a file of this hash is listed.
    pub(super) fn lists(&self, sha256: Sha256) -> bool {
        self.packs.iter().any(|record| record.sha256 == sha256)
    }

    /// Takes what is remembered in the other file as well.
    pub(super) fn remembering(mut self, folder: &Folder) -> Self {
        self.memory = self.memory.with(Memory::read(&folder.memory()));
        self
    }

    /// Has a catalogue vouch for the installed packs that it lists; says whether that is news. So a pack outlasts the key that vouched
    /// for it first.
    pub(super) fn vouch(&mut self, catalog: &Catalog) -> bool {
        let listed: BTreeMap<(&str, Sha256), Sha256> =
            catalog.packs.iter().map(|entry| ((entry.name.as_str(), entry.fingerprint), entry.sha256)).collect();
        let mut news = false;
        for record in &mut self.packs {
            let is_theirs = record.publisher.is_some() && record.publisher == catalog.signed_by.publisher;
            if is_theirs && listed.get(&record.key()) == Some(&record.sha256) {
                news |= record.vouch(&catalog.signed_by);
            }
        }
        news
    }

    /// Why the key was revoked on whose word alone a pack is here, if it was.
    pub(super) fn revocation(&self, record: &Record) -> Option<&str> {
        let publisher = record.publisher.as_deref()?;
        self.memory.revocation(publisher, record.signed_by.as_deref().unwrap_or(publisher))
    }

    /// By which words of its publisher a pack was withdrawn, if it was: by name and version, or with the key that had vouched for it.
    /// Others can withdraw nothing of a publisher's; a file that nobody vouched for is known by its hash.
    pub(super) fn withdrawal(&self, record: &Record) -> Option<String> {
        let named = self.memory.withdrawn().filter(|(_, w)| (w.name.as_str(), w.fingerprint) == record.key());
        let mut meant = named.filter(|(publisher, w)| match &record.publisher {
            Some(own) => own == publisher && record.metadata.version <= w.version,
            None => record.sha256 == w.sha256,
        });
        if let Some((_, withdrawal)) = meant.next() {
            return Some(withdrawal.reason.clone());
        }
        let why = self.revocation(record)?;
        let colon = if why.is_empty() { "" } else { ": " };
        Some(format!("the key that had signed for it was revoked{colon}{why}"))
    }

    fn is_sound(&self) -> bool {
        let ordered = self.packs.is_sorted_by(|a, b| a.key() < b.key());
        self.format == FORMAT && ordered && self.packs.iter().all(|record| record.bytes <= MAX_PACK_BYTES)
    }

    /// The base models that a name is installed for, for people.
    fn models(&self, name: &str) -> String {
        let model = |record: &Record| format!("`{}` ({}…)", record.metadata.model, record.fingerprint.short(8));
        list(self.packs.iter().filter(|record| record.name() == name).map(model))
    }

    fn not_found(&self, name: &str) -> Error {
        let mut names: Vec<&str> = self.packs.iter().map(Record::name).collect();
        names.dedup();
        let hint = match names.is_empty() {
            true => "nothing is installed yet; install a pack first".into(),
            false => format!("installed are {}", list(names.into_iter().map(|name| format!("`{name}`")))),
        };
        Error::NotFound { name: typed(name), place: "is installed".into(), hint }
    }
}

/// A list for people, with an end.
pub(super) fn list(mut items: impl Iterator<Item = String>) -> String {
    let mut shown: Vec<String> = items.by_ref().take(MOST_NAMES).collect();
    let more = items.count();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    shown.join(", ")
}

/// What somebody typed for a name, fit to be shown.
pub(super) fn typed(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

fn damaged(reason: &str) -> Option<Index> {
    log::warn!("a pack store's list is damaged and is made anew");
    log::debug!("it is damaged: {reason}");
    None
}

fn left_out(reason: &str) {
    log::warn!("a damaged pack is left out of a pack store's new list");
    log::debug!("it is left out: {reason}");
}
