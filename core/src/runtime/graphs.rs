//! Graphs that are loaded when needed, for the shapes that are needed.

use std::path::PathBuf;

use crate::disk::hash::Sha256;
use crate::error::{Error, Result};
use crate::memory::{LoadForm, heap};
use crate::model::attention_bias;
use crate::model::bundle::{Bundle, mapped_twin};
use crate::runtime::execution_provider::{ExecutionProvider, ProviderOptions};
use crate::runtime::session::{Graph, Options};

/// A graph that may be loaded, with what it was loaded for.
#[derive(Default)]
pub(crate) struct Slot(Option<(Purpose, Graph)>);

/// Where graphs run.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) provider: ExecutionProvider,
    /// Threads inside one node; `None` leaves it to ONNX Runtime.
    pub(crate) threads: Option<usize>,
    /// Folder for compiled models.
    pub(crate) cache: Option<PathBuf>,
}

/// What a graph is loaded for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Purpose {
    /// Its file in the bundle.
    pub(crate) name: &'static str,
    pub(crate) form: LoadForm,
    pub(crate) dimensions: Vec<(&'static str, usize)>,
    /// Whether its cross-attention takes a bias, which the file's does not.
    pub(crate) is_biased: bool,
}

impl Purpose {
    /// A graph as its file has it.
    pub(crate) fn new(name: &'static str, form: LoadForm, dimensions: Vec<(&'static str, usize)>) -> Self {
        Self { name, form, dimensions, is_biased: false }
    }
}

impl Slot {
    /// Drops the graph; its memory goes back to the system.
    pub(crate) fn unload(&mut self) {
        if self.0.take().is_some() {
            heap::give_back();
        }
    }

    /// What the graph is loaded for, if it is.
    pub(crate) fn loaded(&self) -> Option<&Purpose> {
        self.0.as_ref().map(|(purpose, _)| purpose)
    }

    /// The graph, loaded anew if it was loaded for something else.
    pub(crate) fn get(&mut self, bundle: &Bundle, place: &Place, purpose: Purpose) -> Result<&mut Graph> {
        if self.0.as_ref().is_some_and(|(loaded, _)| *loaded != purpose) {
            self.unload();
        }
        if self.0.is_none() {
            let graph = load(bundle, place, &purpose)?;
            log::debug!("{} runs on {}, loaded {:?}", purpose.name, graph.provider(), purpose.form);
            self.0 = Some((purpose, graph));
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

/// Loads the twin whose weights stay mapped, where it is purpose and there is one.
fn load(bundle: &Bundle, place: &Place, purpose: &Purpose) -> Result<Graph> {
    let twin = mapped_twin(purpose.name);
    let has_twin = purpose.form == LoadForm::Mapped && bundle.manifest().files.contains_key(&twin);
    let file = bundle.file(if has_twin { &twin } else { purpose.name })?;
    let cache = cache_folder(bundle, purpose, place)?;
    let biased = purpose.is_biased.then(|| attention_bias::add(&file, bundle.manifest())).transpose()?;
    let provider_options = ProviderOptions { threads: place.threads, cache };
    let in_fixed_ranges = bundle.in_fixed_ranges(purpose.name);
    let options = Options {
        provider: place.provider,
        provider_options,
        form: purpose.form,
        float_activations: bundle.manifest().form.is_some() && !in_fixed_ranges,
        packs: in_fixed_ranges,
        dimensions: purpose.dimensions.clone(),
    };
    let mut graph = Graph::load(&file, biased.as_deref(), &options)?;
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
fn cache_folder(bundle: &Bundle, purpose: &Purpose, place: &Place) -> Result<Option<PathBuf>> {
    let Some(root) = &place.cache else { return Ok(None) };
    let hashes: String = bundle.manifest().files.values().map(|entry| entry.sha256.to_string()).collect();
    let (name, biased) = (purpose.name, if purpose.is_biased { " biased" } else { "" });
    let key = Sha256::digest(format!("{name}{biased} {hashes} {}", crate::runtime::environment::build_info()?));
    let folder = root.join(key.short(16));
    std::fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    Ok(Some(folder))
}

/// What a text encoder is loaded for, by its name.
pub(crate) fn text(name: &'static str, bundle: &Bundle, form: LoadForm) -> Purpose {
    let dimensions = vec![("batch", 1), ("tokens", bundle.manifest().text.max_length as usize)];
    Purpose::new(name, form, dimensions)
}
