//! Graphs that are loaded when needed, for the shapes that are needed.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::bundle::{Bundle, TEXT_ENCODER, mapped_twin};
use crate::memory::{LoadForm, heap};
use crate::options::EngineOptions;
use crate::provider::Setup;
use crate::session::{Graph, Options};
use crate::{Error, Result};

/// A graph that may be loaded, with what it was loaded for.
#[derive(Default)]
pub(crate) struct Slot(Option<(Wanted, Graph)>);

/// What a graph is loaded for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Its file in the bundle.
    pub(crate) name: &'static str,
    pub(crate) form: LoadForm,
    pub(crate) dimensions: Vec<(&'static str, usize)>,
}

impl Slot {
    /// Drops the graph; its memory goes back to the system.
    pub(crate) fn unload(&mut self) {
        if self.0.take().is_some() {
            heap::give_back();
        }
    }

    /// What the graph is loaded for, if it is.
    pub(crate) fn loaded(&self) -> Option<&Wanted> {
        self.0.as_ref().map(|(wanted, _)| wanted)
    }

    /// The graph, loaded anew if it was loaded for something else.
    pub(crate) fn get(&mut self, bundle: &Bundle, options: &EngineOptions, wanted: Wanted) -> Result<&mut Graph> {
        if self.0.as_ref().is_some_and(|(loaded, _)| *loaded != wanted) {
            self.unload();
        }
        if self.0.is_none() {
            let graph = load(bundle, options, &wanted)?;
            log::debug!("{} runs on {}, loaded {:?}", wanted.name, graph.provider(), wanted.form);
            self.0 = Some((wanted, graph));
        }
        match &mut self.0 {
            Some((_, graph)) => Ok(graph),
            None => Err(Error::bundle(bundle.path(), "a graph was not loaded")),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.unload();
    }
}

/// Loads the twin whose weights stay mapped, where it is wanted and there is one.
fn load(bundle: &Bundle, options: &EngineOptions, wanted: &Wanted) -> Result<Graph> {
    let twin = mapped_twin(wanted.name);
    let has_twin = wanted.form == LoadForm::Mapped && bundle.manifest().files.contains_key(&twin);
    let file = bundle.file(if has_twin { &twin } else { wanted.name })?;
    let setup = Setup { threads: options.threads, cache: cache_folder(bundle, wanted.name, options)? };
    let form = bundle.manifest().form.as_ref();
    let in_fixed_ranges = form.is_some_and(|form| form.in_fixed_ranges(wanted.name));
    let options = Options {
        provider: options.provider,
        setup,
        form: wanted.form,
        float_activations: form.is_some() && !in_fixed_ranges,
        packs: in_fixed_ranges,
        dimensions: wanted.dimensions.clone(),
    };
    let mut graph = Graph::load(&file, &options)?;
    if has_twin {
        graph.weights = weights(bundle);
    }
    Ok(graph)
}

/// The files of weights beside a bundle's graphs.
fn weights(bundle: &Bundle) -> Vec<PathBuf> {
    let names = bundle.manifest().files.keys().filter(|name| name.ends_with(".weights"));
    names.filter_map(|name| bundle.file(name).ok()).collect()
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

/// What a text encoder is loaded for.
pub(crate) fn text(bundle: &Bundle, form: LoadForm) -> Wanted {
    let dimensions = vec![("batch", 1), ("tokens", bundle.manifest().text.max_length as usize)];
    Wanted { name: TEXT_ENCODER, form, dimensions }
}
