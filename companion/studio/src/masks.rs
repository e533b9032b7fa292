//! What was painted over pictures: white is drawn anew.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use cones_core::Picture;
use cones_core::disk::atomic;

use crate::error::{Error, Result};
use crate::folder::{self, Folder};
use crate::id::Id;

/// Masks that are held; older ones are forgotten.
const HELD: usize = 40;

/// The masks.
#[derive(Debug)]
pub(crate) struct Masks {
    folder: Arc<Folder>,
    held: Mutex<Vec<Id>>,
}

impl Masks {
    pub(crate) fn open(folder: Arc<Folder>) -> Self {
        let held = folder::ids(&folder.join("masks"), 'm', ".png");
        Self { folder, held: Mutex::new(held) }
    }

    /// Holds the bytes of a mask's file.
    pub(crate) fn add(&self, bytes: &[u8]) -> Result<Id> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let id = Id::after('m', held.iter().copied());
        let path = self.folder.mask(id);
        atomic::write(&path, bytes)?;
        if let Err(error) = Picture::open_mask_image(&path) {
            let _ = std::fs::remove_file(&path);
            return Err(Error::request(format!("the mask cannot be read: {error}"), "send a PNG, white where to draw"));
        }
        held.push(id);
        while held.len() > HELD {
            let _ = std::fs::remove_file(self.folder.mask(held.remove(0)));
        }
        Ok(id)
    }

    /// The file of a mask.
    pub(crate) fn file(&self, id: Id) -> Result<PathBuf> {
        let there = self.held.lock().unwrap_or_else(PoisonError::into_inner).contains(&id);
        if there { Ok(self.folder.mask(id)) } else { Err(Error::unknown("mask", id)) }
    }
}
