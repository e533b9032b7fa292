//! What has come of a file so far: `.NAME.part` beside the file, and `.NAME.part.json`, which says what it is a part of.
//!
//! A part is resumed whatever URL it came from, since the hash at the end decides; the validator alone belongs to a URL.
//! A part without its note, or of another file, is begun anew.

use std::fs::{File, OpenOptions};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::expected::Expected;
use crate::cancel::CancelToken;
use crate::disk::atomic;
use crate::disk::files;
use crate::disk::hash::{Hasher, Sha256};
use crate::disk::lock::Lock;
use crate::disk::space;
use crate::error::{Error, Result};

/// No note is longer.
const LONGEST_NOTE: u64 = 8192;

/// A part in the hands of one process.
pub(super) struct Part {
    expected: Expected,
    target: PathBuf,
    path: PathBuf,
    note: PathBuf,
    file: File,
    hasher: Hasher,
    length: u64,
    url: String,
    validator: Option<String>,
    /// Whether its bytes came in more than one answer, so that they may be of two states of the file.
    mixed: bool,
    _lock: Lock,
}

/// What the part is of.
#[derive(Serialize, Deserialize)]
struct Note {
    sha256: Sha256,
    bytes: u64,
    /// Without query: those of signed URLs change with the hour.
    url: String,
    validator: Option<String>,
}

impl Part {
    /// The part of `target`, with what earlier attempts left. Waits while another process is at it.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Cancelled`].
    pub(super) fn open(target: &Path, expected: &Expected, url: &str, cancel: &CancelToken) -> Result<Self> {
        let lock = Lock::wait(&files::beside(target, ".", ".lock"), cancel)?;
        let path = files::beside(target, ".", ".part");
        let note = files::beside(target, ".", ".part.json");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(Error::io("open", &path))?;
        let mut part = Self {
            expected: expected.clone(),
            target: target.to_path_buf(),
            path,
            note,
            file,
            hasher: Hasher::new(),
            length: 0,
            url: url.to_owned(),
            validator: None,
            mixed: false,
            _lock: lock,
        };
        part.resume(cancel)?;
        Ok(part)
    }

    /// Takes over what is there if it is of this file.
    fn resume(&mut self, cancel: &CancelToken) -> Result<()> {
        let found = self.file.metadata().map_err(Error::io("read", &self.path))?.len();
        let note = read_note(&self.note);
        let usable = |note: &Note| {
            note.sha256 == self.expected.sha256 && note.bytes == self.expected.bytes && found <= self.expected.bytes
        };
        match note.filter(usable) {
            Some(note) if found > 0 => {
                self.length = self.hasher.feed(&mut self.file, &self.path, cancel, |_| Ok(()))?;
                self.validator = note.validator.filter(|_| note.url == self.url);
                self.mixed = true;
                Ok(())
            }
            _ => self.restart(None),
        }
    }

    /// Empties it, for bytes of the state of the file that `validator` stands for.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::OutOfSpace`].
    pub(super) fn restart(&mut self, validator: Option<String>) -> Result<()> {
        // In this order, a kill in between leaves an empty part or one without validator.
        self.file.set_len(0).map_err(Error::io("write", &self.path))?;
        self.file.rewind().map_err(Error::io("write", &self.path))?;
        self.hasher = Hasher::new();
        (self.length, self.mixed, self.validator) = (0, false, validator);
        let Expected { bytes, sha256 } = self.expected.clone();
        let note = Note { sha256, bytes, url: self.url.clone(), validator: self.validator.clone() };
        // A struct of texts and numbers always has a JSON form.
        atomic::replace(&self.note, &serde_json::to_vec(&note).unwrap_or_default())
    }

    /// What follows comes in another answer.
    pub(super) fn resumed(&mut self) {
        self.mixed = true;
    }

    /// Bytes that are there.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// What stands for the state of the file that the bytes are of.
    pub(super) fn validator(&self) -> Option<&String> {
        self.validator.as_ref()
    }

    /// Whether its bytes came in more than one answer.
    pub(super) fn is_mixed(&self) -> bool {
        self.mixed
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::OutOfSpace`].
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let missing = self.expected.bytes.saturating_sub(self.length);
        if let Err(error) = self.file.write_all(bytes) {
            // Some of it may have been written; the next attempt goes on behind what was counted.
            let _ = self.file.set_len(self.length);
            return Err(space::io("write", &self.path, missing)(error));
        }
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// The SHA-256 of what is there.
    pub(super) fn sha256(&self) -> Sha256 {
        self.hasher.clone().finish()
    }

    /// Gives it its name. Length and hash must have been checked.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::OutOfSpace`].
    pub(super) fn finish(self) -> Result<()> {
        self.file.sync_all().map_err(space::io("write", &self.path, 0))?;
        std::fs::rename(&self.path, &self.target).map_err(Error::io("rename", &self.path))?;
        files::sync_folder(files::folder_of(&self.target));
        // A note without its part says nothing.
        let _ = std::fs::remove_file(&self.note);
        Ok(())
    }

    /// Removes it: going on with it would never give the file.
    pub(super) fn discard(mut self) {
        self.length = 0;
    }
}

impl Drop for Part {
    /// What holds nothing is not left lying about. The lock is still held here.
    fn drop(&mut self) {
        if self.length == 0 {
            let _ = std::fs::remove_file(&self.path);
            let _ = std::fs::remove_file(&self.note);
        }
    }
}

fn read_note(path: &Path) -> Option<Note> {
    let long = std::fs::metadata(path).ok()?.len() > LONGEST_NOTE;
    let bytes = if long { return None } else { std::fs::read(path).ok()? };
    let mut note: Note = serde_json::from_slice(&bytes).ok()?;
    // It goes into a request's head.
    note.validator = note.validator.filter(|v| v.bytes().all(|b| b == b' ' || b.is_ascii_graphic()));
    Some(note)
}
