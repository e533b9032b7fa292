//! Graphs that are loaded when needed, for the shapes that are needed.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::bundle::Bundle;
use crate::options::EngineOptions;
use crate::provider::Setup;
use crate::session::{Graph, Options};
use crate::{Error, Result};

/// A graph that may be loaded, with the dimensions it was loaded for.
#[derive(Default)]
pub(crate) struct Slot(Option<(Vec<(&'static str, usize)>, Graph)>);

impl Slot {
    /// Drops the graph.
    pub(crate) fn unload(&mut self) {
        self.0 = None;
    }

    /// The graph, loaded anew if it was loaded for other dimensions.
    pub(crate) fn get(
        &mut self,
        bundle: &Bundle,
        name: &str,
        options: &EngineOptions,
        dimensions: Vec<(&'static str, usize)>,
    ) -> Result<&mut Graph> {
        if self.0.as_ref().is_some_and(|(loaded, _)| *loaded != dimensions) {
            self.0 = None;
        }
        if self.0.is_none() {
            let setup = Setup { threads: options.threads, cache: cache_folder(bundle, name, options)? };
            let options = Options { provider: options.provider, setup, dimensions: dimensions.clone() };
            let graph = Graph::load(&bundle.file(name)?, &options)?;
            log::debug!("{name} runs on {}", graph.provider());
            self.0 = Some((dimensions, graph));
        }
        match &mut self.0 {
            Some((_, graph)) => Ok(graph),
            None => Err(Error::bundle(bundle.path(), format!("`{name}` was not loaded"))),
        }
    }
}

/// The compiled-model folder of one graph: its key is the graph's own hash and the runtime's build, since ONNX
/// Runtime's key knows neither weights nor version.
fn cache_folder(bundle: &Bundle, name: &str, options: &EngineOptions) -> Result<Option<PathBuf>> {
    let Some(root) = &options.cache else { return Ok(None) };
    let hashes: String = bundle.manifest().files.values().map(|entry| entry.sha256.as_str()).collect();
    let key = Sha256::digest(format!("{name} {hashes} {}", crate::runtime::build_info()?));
    let folder = root.join(crate::fingerprint::hex(&key[..8]));
    std::fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    Ok(Some(folder))
}

/// The shapes a text encoder is loaded for.
pub(crate) fn text_dimensions(bundle: &Bundle) -> Vec<(&'static str, usize)> {
    vec![("batch", 1), ("tokens", bundle.manifest().text.max_length as usize)]
}
