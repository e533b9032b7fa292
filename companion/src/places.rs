//! Where packs and bundles are installed.

use std::path::PathBuf;

use clap::Args;
use cones_core::{BundleStore, PackStore};
use etcetera::BaseStrategy;

use crate::environment::path_or_variable;
use crate::failure::Failure;

/// The folder that holds what is installed: `packs/` and `bundles/`.
#[derive(Debug, Clone, Args)]
pub struct StoreArgs {
    /// Folder where packs and bundles are installed; by default `cones` in the user's data folder [env: CONES_STORE].
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

impl StoreArgs {
    /// The installed packs.
    pub fn packs(&self) -> Result<PackStore, Failure> {
        Ok(PackStore::open(self.folder()?.join("packs"))?)
    }

    /// The installed bundles.
    pub fn bundles(&self) -> Result<BundleStore, Failure> {
        Ok(BundleStore::open(self.folder()?.join("bundles"))?)
    }

    /// The installed bundles; none where nothing was ever installed, for looking does not make folders.
    pub fn bundles_if_any(&self) -> Result<Option<BundleStore>, Failure> {
        match self.folder() {
            Ok(folder) if folder.join("bundles").is_dir() => self.bundles().map(Some),
            _ => Ok(None),
        }
    }

    /// Where the studio keeps its subjects.
    pub fn studio(&self) -> Result<PathBuf, Failure> {
        Ok(self.folder()?.join("studio"))
    }

    fn folder(&self) -> Result<PathBuf, Failure> {
        path_or_variable(self.store.as_ref(), "CONES_STORE")
            .or_else(data_folder)
            .ok_or_else(|| "the user's data folder is not known here; say where with --store DIR".into())
    }
}

/// `cones` in the folder where the system keeps a user's data. On Windows the local one: models are too large to roam.
fn data_folder() -> Option<PathBuf> {
    let folders = etcetera::base_strategy::choose_native_strategy().ok()?;
    let folder = if cfg!(windows) { folders.cache_dir() } else { folders.data_dir() };
    Some(folder.join("cones"))
}
