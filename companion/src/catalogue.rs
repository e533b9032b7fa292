//! Publishers' catalogues as they are named on the command line.

use clap::Args;
use cones_core::catalog::{CATALOG, Catalog};
use cones_core::{CancelToken, Downloader, PackStore, PublicKey};

use crate::cli::{Failure, Usage};
use crate::keys;

/// Where a catalogue is, and whose it has to be.
#[derive(Debug, Clone, Args)]
pub struct CatalogArgs {
    /// URL of the publisher's catalog.json, or of the folder it is in.
    #[arg(long, env = "CONES_CATALOG", value_name = "URL")]
    catalog: Option<String>,
    /// The publisher's public key: a file, or the 56 characters themselves.
    #[arg(long, env = "CONES_KEY", value_name = "PUBKEY")]
    key: Option<String>,
}

impl CatalogArgs {
    /// The catalogue's URL.
    pub fn url(&self) -> Result<String, Failure> {
        let given = self.catalog.as_deref();
        let given = given.ok_or_else(|| Usage("say where the catalogue is with --catalog URL".into()))?;
        Ok(if given.ends_with('/') { format!("{given}{CATALOG}") } else { given.to_owned() })
    }

    /// The publisher's key.
    pub fn key(&self) -> Result<PublicKey, Failure> {
        let given = self.key.as_deref();
        keys::public(given.ok_or_else(|| Usage("say whose it has to be with --key PUBKEY".into()))?)
    }

    /// Gets the catalogue and checks it; the store remembers the newest that was seen.
    pub fn get(&self, store: &PackStore, downloader: &Downloader, cancel: &CancelToken) -> Result<Catalog, Failure> {
        Ok(store.catalog(downloader, &self.url()?, &self.key()?, cancel)?)
    }
}
