//! Publishers' catalogues as they are named on the command line.

use std::path::PathBuf;

use clap::Args;
use cones_core::library::catalog::{CATALOG, Catalog};
use cones_core::{CancelToken, Downloader, Error, PackStore, PublicKey};

use crate::environment::{path_or_variable, words_or_variable};
use crate::failure::Failure;

/// Where a catalogue is, and whose it has to be.
#[derive(Debug, Clone, Args)]
pub struct CatalogArgs {
    /// URL of the publisher's catalog.json, or of the folder it is in [env: CONES_CATALOG].
    #[arg(long, value_name = "URL")]
    catalog: Option<String>,
    /// The publisher's public key: a file, or the 56 characters themselves [env: CONES_KEY].
    #[arg(long, value_name = "PUBKEY")]
    key: Option<String>,
    /// Certificates (PEM) of the authorities to trust in place of the usual ones, for a server with its own [env: CONES_ROOTS].
    #[arg(long, value_name = "FILE")]
    roots: Option<PathBuf>,
}

impl CatalogArgs {
    /// The catalogue's URL.
    pub fn url(&self) -> Result<String, Failure> {
        let given = words_or_variable(self.catalog.as_ref(), "CONES_CATALOG");
        let given = given.ok_or_else(|| Failure::Usage("say where the catalogue is with --catalog URL".into()))?;
        Ok(if given.ends_with('/') { format!("{given}{CATALOG}") } else { given })
    }

    /// The publisher's key.
    pub fn key(&self) -> Result<PublicKey, Failure> {
        let given = words_or_variable(self.key.as_ref(), "CONES_KEY");
        let given = given.ok_or_else(|| Failure::Usage("say whose it has to be with --key PUBKEY".into()))?;
        Ok(cones_publish::keys::public(&given)?)
    }

    /// What downloads.
    pub fn downloader(&self) -> Result<Downloader, Failure> {
        let Some(path) = &path_or_variable(self.roots.as_ref(), "CONES_ROOTS") else { return Ok(Downloader::new()) };
        let pem = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        let trusting = Downloader::new().with_roots(&pem);
        Ok(trusting.map_err(|error| format!("certificates `{}`: {error}", path.display()))?)
    }

    /// Gets the catalogue and checks it; the store remembers the newest that was seen.
    pub fn get(&self, store: &PackStore, downloader: &Downloader, cancel: &CancelToken) -> Result<Catalog, Failure> {
        Ok(store.catalog(downloader, &self.url()?, &self.key()?, cancel)?)
    }
}
