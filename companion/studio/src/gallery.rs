//! Pictures that were kept, with their recipes inside.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cones_core::disk::atomic;
use cones_core::picture::recipe::Recipe;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::events::{Events, Topic};
use crate::folder::{self, Folder};
use crate::id::Id;

/// Pictures that are kept at once.
const MOST: usize = 2000;

/// The kept pictures.
#[derive(Debug)]
pub(crate) struct Gallery {
    folder: Arc<Folder>,
    events: Events,
    kept: Mutex<Vec<Kept>>,
}

/// A kept picture.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Kept {
    id: Id,
    /// As other image tools write it; none where the picture has no recipe.
    parameters: Option<String>,
    /// All of it.
    recipe: Option<Recipe>,
}

impl Kept {
    fn read(id: Id, path: &Path) -> Self {
        let recipe = Recipe::read(path).ok();
        Self { id, parameters: recipe.as_ref().map(Recipe::parameters), recipe }
    }
}

impl Gallery {
    pub(crate) fn open(folder: Arc<Folder>, events: Events) -> Self {
        let ids = folder::ids(&folder.join("gallery"), 'g', ".png");
        let kept = ids.into_iter().map(|id| Kept::read(id, &folder.kept(id))).collect();
        Self { folder, events, kept: Mutex::new(kept) }
    }

    /// All of them, the oldest first.
    pub(crate) fn list(&self) -> Vec<Kept> {
        self.lock().clone()
    }

    /// Keeps a copy of a picture.
    pub(crate) fn keep(&self, picture: &Path) -> Result<Kept> {
        let bytes = std::fs::read(picture).map_err(Error::io("read", picture))?;
        let mut kept = self.lock();
        if kept.len() >= MOST {
            return Err(Error::request(format!("{MOST} pictures are kept already"), "remove some"));
        }
        let id = Id::after('g', kept.iter().map(|kept| kept.id));
        let path = self.folder.kept(id);
        atomic::write(&path, &bytes)?;
        let new = Kept::read(id, &path);
        kept.push(new.clone());
        drop(kept);
        self.events.changed(Topic::Gallery);
        Ok(new)
    }

    /// The file of a kept picture.
    pub(crate) fn file(&self, id: Id) -> Result<PathBuf> {
        let there = self.lock().iter().any(|kept| kept.id == id);
        if there { Ok(self.folder.kept(id)) } else { Err(Error::unknown("picture", id)) }
    }

    pub(crate) fn remove(&self, id: Id) -> Result<()> {
        let path = self.file(id)?;
        std::fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        self.lock().retain(|kept| kept.id != id);
        self.events.changed(Topic::Gallery);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
