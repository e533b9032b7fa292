//! Where packs and bundles are installed.

use std::path::PathBuf;

use clap::Args;
use cones_core::{BundleStore, PackStore};

use crate::cli::Failure;

/// The folder that holds what is installed: `packs/` and `bundles/`.
#[derive(Debug, Clone, Args)]
pub struct StoreArgs {
    /// Folder where packs and bundles are installed; by default `cones` in the user's data folder.
    #[arg(long, env = "CONES_STORE", value_name = "DIR")]
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

    /// The same, unless nothing was ever installed: looking does not make folders.
    pub fn bundles_if_any(&self) -> Result<Option<BundleStore>, Failure> {
        match self.folder() {
            Ok(folder) if folder.join("bundles").is_dir() => self.bundles().map(Some),
            _ => Ok(None),
        }
    }

    fn folder(&self) -> Result<PathBuf, Failure> {
        self.store
            .clone()
            .or_else(data_folder)
            .ok_or_else(|| "the user's data folder is not known here; say where with --store DIR".into())
    }
}

/// `cones` in the folder where the system keeps a user's data.
fn data_folder() -> Option<PathBuf> {
    // The XDG specification: a relative path is to be ignored.
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || set("HOME").map(|home| home.join(".local/share"));
    let windows = || set("LOCALAPPDATA");
    Some(set("XDG_DATA_HOME").or_else(home).or_else(windows)?.join("cones"))
}
