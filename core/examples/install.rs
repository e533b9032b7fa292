//! A pack from a publisher's signed catalogue: only what carries the pinned key's signature gets in.
//!
//! ```sh
//! cargo run --release -p cones-core --example install -- packs https://example.org/catalog.json PUBLIC_KEY fluent-dog
//! ```

use std::io::Write;

use cones_core::library::Source;
use cones_core::library::download::Received;
use cones_core::{CancelToken, Downloader, PackStore, PublicKey};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [folder, url, key, name] = <[String; 4]>::try_from(given)
        .map_err(|_| "give a folder for packs, a catalogue's URL, its publisher's public key and a pack's name")?;
    let store = PackStore::open(folder)?;
    let (downloader, cancel) = (Downloader::new(), CancelToken::new());
    let catalog = store.catalog(&downloader, &url, &PublicKey::parse(&key)?, &cancel)?;
    let source = Source { downloader: &downloader, catalog: &catalog, url: &url };
    let mut watch = |received: Received<'_>| {
        let _ = writeln!(std::io::stderr(), "{}: {} of {} bytes", received.name, received.bytes, received.total);
    };
    let installed = store.install(&source, &name, None, &mut watch, &cancel)?;
    writeln!(std::io::stdout(), "{}", installed.path.display())?;
    Ok(())
}
