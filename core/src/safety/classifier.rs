//! A classifier on disk, ready to be asked.

use std::fmt;
use std::path::{Path, PathBuf};

use super::policy::SafetyPolicy;
use super::verdict::Verdict;
use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::memory::{GraphMemory, LoadForm, heap};
use crate::model::bundle::Bundle;
use crate::model::safety::{Activation, SafetyClassifier};
use crate::picture::Picture;
use crate::runtime::execution_provider::{ExecutionProvider, ProviderOptions};
use crate::runtime::finite;
use crate::runtime::session::{Graph, Options};

/// What a folder beside a bundle holds next to its graph: the [`SafetyClassifier`] as JSON.
pub const DESCRIPTION: &str = "safety.json";
/// No description is longer; what claims to be is not read.
const MAX_DESCRIPTION_BYTES: u64 = 64 << 10;

/// A classifier of pictures. Its graph is loaded when it is first asked.
///
/// It runs on the CPU whatever the engine runs on: the same picture has the same score on every device.
pub struct Classifier {
    graph: PathBuf,
    description: SafetyClassifier,
    threads: Option<usize>,
    loaded: Option<(LoadForm, Graph)>,
}

impl Classifier {
    /// The graph at `graph`, as `description` has it.
    ///
    /// # Errors
    /// [`Error::BadBundle`] where the description cannot be used.
    pub fn new(graph: impl Into<PathBuf>, description: SafetyClassifier) -> Result<Self> {
        let graph = graph.into();
        description.check().map_err(|reason| Error::bundle(&graph, reason))?;
        Ok(Self { graph, description, threads: None, loaded: None })
    }

    /// The classifier in a folder that holds `safety.onnx` and `safety.json`.
    ///
    /// # Errors
    /// [`Error::BadBundle`] naming the file that is missing or damaged.
    pub fn open(folder: &Path) -> Result<Self> {
        let graph = folder.join(SafetyClassifier::FILE);
        if !graph.is_file() {
            return Err(Error::bundle(graph, "the file is missing"));
        }
        Self::new(graph, describe(&folder.join(DESCRIPTION))?)
    }

    /// A bundle's own, if it brings one.
    pub(crate) fn of(bundle: &Bundle) -> Result<Option<Self>> {
        let Some(description) = bundle.manifest().safety.clone() else { return Ok(None) };
        Self::new(bundle.file(SafetyClassifier::FILE)?, description).map(Some)
    }

    /// Uses this many threads inside one node.
    pub(crate) fn with_threads(mut self, threads: Option<usize>) -> Self {
        self.threads = threads;
        self
    }

    /// How it is given pictures.
    pub fn description(&self) -> &SafetyClassifier {
        &self.description
    }

    /// What its graph takes; where that was not counted, as much as its file, which holds its weights.
    pub(crate) fn memory(&self) -> GraphMemory {
        self.description.memory.clone().unwrap_or_else(|| {
            let bytes = std::fs::metadata(&self.graph).map_or(0, |file| file.len());
            GraphMemory::of_weights(bytes)
        })
    }

    /// The score of a picture.
    ///
    /// # Errors
    /// [`Error::BadBundle`] where the graph is not as the description has it, [`Error::NotFinite`], [`Error::Runtime`]; with
    /// [`Error::Cancelled`] there is no score either.
    pub fn score(&mut self, picture: &Picture, cancel: &CancelToken) -> Result<f32> {
        self.score_in(LoadForm::Fast, picture, cancel)
    }

    /// What comes of a picture under a policy.
    pub(crate) fn judge(
        &mut self,
        form: LoadForm,
        picture: &Picture,
        policy: SafetyPolicy,
        cancel: &CancelToken,
    ) -> Result<Verdict> {
        Ok(Verdict::new(self.score_in(form, picture, cancel)?, self.description.threshold, policy))
    }

    /// Drops the graph; it is loaded again when it is asked next.
    pub(crate) fn unload(&mut self) {
        if self.loaded.take().is_some() {
            heap::give_back();
        }
    }

    /// How it is loaded, if it is.
    pub(crate) fn loaded(&self) -> Option<LoadForm> {
        self.loaded.as_ref().map(|(form, _)| *form)
    }

    fn score_in(&mut self, form: LoadForm, picture: &Picture, cancel: &CancelToken) -> Result<f32> {
        let (shape, tensor) = (self.description.shape(), self.description.tensor(picture)?);
        let graph = self.load(form)?;
        let input = graph.only_input()?;
        let (_, outputs) = graph.run(&input, &shape, tensor, cancel)?;
        finite::check(SafetyClassifier::FILE, &outputs)?;
        let outputs = activated(outputs, self.description.activation);
        let score = |place: &u32| outputs.get(*place as usize).copied();
        let score: Option<f32> = self.description.outputs.iter().map(score).sum();
        score.ok_or_else(|| {
            let reason = format!("it has {} outputs, and none at one of {:?}", outputs.len(), self.description.outputs);
            Error::bundle(&self.graph, reason)
        })
    }

    fn load(&mut self, form: LoadForm) -> Result<&mut Graph> {
        if self.loaded().is_some_and(|loaded| loaded != form) {
            self.unload();
        }
        if self.loaded.is_none() {
            let options = Options {
                provider: ExecutionProvider::Cpu,
                provider_options: ProviderOptions { threads: self.threads, cache: None },
                form,
                float_activations: false,
                packs: false,
                dimensions: Vec::new(),
            };
            self.loaded = Some((form, Graph::load(&self.graph, None, &options)?));
        }
        match &mut self.loaded {
            Some((_, graph)) => Ok(graph),
            None => Err(Error::bundle(&self.graph, "the graph was not loaded")),
        }
    }
}

/// Reads a description.
///
/// # Errors
/// [`Error::BadBundle`] naming the file.
pub fn describe(path: &Path) -> Result<SafetyClassifier> {
    use std::io::Read;
    let bad = |reason: String| Error::bundle(path, reason);
    let file = std::fs::File::open(path).map_err(|error| bad(format!("cannot open it: {error}")))?;
    let mut text = String::new();
    let read = file.take(MAX_DESCRIPTION_BYTES + 1).read_to_string(&mut text);
    read.map_err(|error| bad(format!("cannot read it: {error}")))?;
    if text.len() as u64 > MAX_DESCRIPTION_BYTES {
        return Err(bad(format!("it is longer than {MAX_DESCRIPTION_BYTES} bytes")));
    }
    let description: SafetyClassifier =
        serde_json::from_str(&text).map_err(|error| bad(format!("no description of a classifier: {error}")))?;
    description.check().map_err(bad)?;
    Ok(description)
}

fn activated(mut outputs: Vec<f32>, activation: Activation) -> Vec<f32> {
    match activation {
        Activation::None => {}
        Activation::Sigmoid => outputs.iter_mut().for_each(|x| *x = 1.0 / (1.0 + (-*x).exp())),
        Activation::Softmax => {
            let most = outputs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            outputs.iter_mut().for_each(|x| *x = (*x - most).exp());
            let sum: f32 = outputs.iter().sum();
            outputs.iter_mut().for_each(|x| *x /= sum);
        }
    }
    outputs
}

impl fmt::Debug for Classifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Classifier").field("graph", &self.graph).field("description", &self.description).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_become_shares() {
        assert_eq!(activated(vec![1000.0, 1000.0], Activation::Softmax), [0.5, 0.5]);
        assert_eq!(activated(vec![0.0, 1000.0, -1000.0], Activation::Sigmoid), [0.5, 1.0, 0.0]);
        assert_eq!(activated(vec![3.0], Activation::None), [3.0]);
    }
}
