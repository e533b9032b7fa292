//! What a device remembers of publishers: how far each has counted, which keys count, what was withdrawn.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::statement::KeyStatement;
use crate::disk::atomic;
use crate::error::{Error, Result};
use crate::library::catalog::withdrawal::Withdrawal;

/// What claims to be longer is not read.
const MAX_BYTES: u64 = 64 << 20;

/// By the key that the app pins.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// The highest serial of a catalogue that was seen with the pinned key's own signature.
    #[serde(default)]
    serials: BTreeMap<String, u64>,
    /// What the newest catalogue that was seen withdraws.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    withdrawn: BTreeMap<String, Vec<Withdrawal>>,
    /// What the pinned key said of others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    keys: BTreeMap<String, Stated>,
}

/// A root key's newest statement, and how far the keys that it names have counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stated {
    statement: KeyStatement,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    serials: BTreeMap<String, u64>,
}

impl Memory {
    /// Reads it from a file of its own. What is damaged is no memory: the other file has it.
    pub(crate) fn read(path: &Path) -> Self {
        let mut text = Vec::new();
        match File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut text)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::default(),
            Err(error) => log::warn!("what a store remembers of publishers cannot be read: {error}"),
            Ok(_) => match serde_json::from_slice(&text) {
                Ok(memory) => return memory,
                Err(error) => log::warn!("what a store remembers of publishers is damaged: {error}"),
            },
        }
        Self::default()
    }

    /// Writes it, by somebody who holds the store's lock.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let json = serde_json::to_vec(self).map_err(|error| Error::io("write", path)(error.into()))?;
        atomic::replace(path, &json)
    }

    /// Both together: of each key the higher numbers, of each statement the newer one.
    pub(crate) fn with(mut self, other: Self) -> Self {
        raise(&mut self.serials, other.serials);
        for (root, stated) in other.keys {
            match self.keys.get_mut(&root) {
                None => drop(self.keys.insert(root, stated)),
                Some(own) => {
                    if own.statement.version < stated.statement.version {
                        own.statement = stated.statement;
                    }
                    raise(&mut own.serials, stated.serials);
                }
            }
        }
        for (root, withdrawn) in other.withdrawn {
            self.withdrawn.entry(root).or_insert(withdrawn);
        }
        self
    }

    /// The newest statement that was seen of a root key.
    pub(crate) fn statement(&self, root: &str) -> Option<&KeyStatement> {
        self.keys.get(root).map(|stated| &stated.statement)
    }

    /// Notes a statement whose signature is right; says whether it is news. What it says of time is not asked here: a revocation holds
    /// by any clock.
    ///
    /// # Errors
    /// [`Error::Untrusted`] where a newer one was seen, or another one of that version.
    pub(crate) fn note(&mut self, what: &str, statement: &KeyStatement) -> Result<bool> {
        let refuse =
            |reason: String, hint: &str| Err(Error::Untrusted { what: what.into(), reason, hint: hint.into() });
        match self.keys.get_mut(&statement.root) {
            None => {
                let stated = Stated { statement: statement.clone(), serials: BTreeMap::new() };
                self.keys.insert(statement.root.clone(), stated);
                Ok(true)
            }
            Some(own) if own.statement == *statement => Ok(false),
            Some(own) if own.statement.version < statement.version => {
                own.statement = statement.clone();
                Ok(true)
            }
            Some(own) if own.statement.version == statement.version => refuse(
                format!("it is another version {} of the keys than the one that was seen before", statement.version),
                "ask its publisher to sign one with a higher version",
            ),
            Some(own) => refuse(
                format!(
                    "its version is {}, and {} was seen before: it is an older one",
                    statement.version, own.statement.version
                ),
                "get the publisher's newest one; if this goes on, somebody may be bringing a revoked key back",
            ),
        }
    }

    /// The highest serial that was seen from the keys that count for a root. What a revoked key counted to keeps nobody out.
    pub(crate) fn serial(&self, root: &str) -> Option<u64> {
        match self.keys.get(root) {
            None => self.serials.get(root).copied(),
            Some(stated) => {
                let keys = stated.statement.keys.iter();
                keys.filter_map(|delegated| self.serial_of(root, &delegated.key)).max()
            }
        }
    }

    /// The highest serial that was seen from one key of a root.
    pub(crate) fn serial_of(&self, root: &str, key: &str) -> Option<u64> {
        let serials = if key == root { Some(&self.serials) } else { self.keys.get(root).map(|stated| &stated.serials) };
        serials?.get(key).copied()
    }

    /// Notes that a catalogue was seen: its serial, and what it withdraws.
    pub(crate) fn saw(&mut self, root: &str, key: &str, serial: u64, withdrawn: &[Withdrawal]) {
        if key == root {
            self.serials.insert(root.into(), serial);
        } else if let Some(stated) = self.keys.get_mut(root) {
            stated.serials.insert(key.into(), serial);
        }
        if withdrawn.is_empty() {
            self.withdrawn.remove(root);
        } else {
            self.withdrawn.insert(root.into(), withdrawn.to_vec());
        }
    }

    /// Why a key of a root was revoked, if it was.
    pub(crate) fn revocation(&self, root: &str, key: &str) -> Option<&str> {
        self.statement(root)?.revocation(key)
    }

    /// Everything that is withdrawn, each with the pinned key of who withdrew it.
    pub(crate) fn withdrawn(&self) -> impl Iterator<Item = (&str, &Withdrawal)> {
        self.withdrawn.iter().flat_map(|(root, list)| list.iter().map(move |withdrawal| (root.as_str(), withdrawal)))
    }
}

fn raise(serials: &mut BTreeMap<String, u64>, others: BTreeMap<String, u64>) {
    for (key, serial) in others {
        let own = serials.entry(key).or_default();
        *own = serial.max(*own);
    }
}
