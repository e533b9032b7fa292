//! One engine over the built-in base model, and listeners of all kinds.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cones::{CallbackError, Engine, EngineOptions, GenerateProgress, Listener, PackStore, Picture, Request};

/// The base model's folder.
pub(crate) fn bundle() -> String {
    text(&cones_tests::base::folder())
}

/// One thread each: tests run beside each other.
pub(crate) fn options() -> EngineOptions {
    EngineOptions { threads: Some(1), ..EngineOptions::default() }
}

/// One engine for all tests: that it stays usable after each is part of what is tested.
pub(crate) fn engine() -> Arc<Engine> {
    static ENGINE: OnceLock<Arc<Engine>> = OnceLock::new();
    ENGINE.get_or_init(|| open(None)).clone()
}

/// A fresh engine.
pub(crate) fn open(packs: Option<Arc<PackStore>>) -> Arc<Engine> {
    Engine::open(bundle(), packs, options()).expect("an engine")
}

/// A few steps from seed 7.
pub(crate) fn request(steps: u32) -> Request {
    Request { steps: Some(steps), seed: 7, ..plain("a dog on grass") }
}

/// Everything left out, as the generated code leaves it out.
pub(crate) fn plain(prompt: &str) -> Request {
    Request {
        prompt: prompt.into(),
        negative_prompt: String::new(),
        subjects: Vec::new(),
        steps: None,
        guidance: None,
        scheduler: None,
        seed: 0,
        count: 1,
        width: None,
        height: None,
        init: None,
        preview_every: 0,
        prompt_weights: false,
        variation: None,
        hires: None,
        clip_skip: 0,
        guidance_rescale: None,
        eta: None,
        style: None,
        micro_conditions: None,
        prompt_embeds: None,
        image: None,
        boxes: Vec::new(),
    }
}

/// The pixels of a request's first picture, drawn by the shared engine.
pub(crate) fn drawn(request: Request) -> Vec<u8> {
    engine().generate(request, None, None).expect("a picture").pictures[0].rgba()
}

/// What a listener does when it is called.
type Act = Box<dyn Fn(&GenerateProgress) -> Result<(), CallbackError> + Send + Sync>;

/// Keeps what it is told, then acts.
pub(crate) struct Acting {
    seen: Mutex<Vec<GenerateProgress>>,
    act: Act,
}

impl Acting {
    pub(crate) fn new(
        act: impl Fn(&GenerateProgress) -> Result<(), CallbackError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { seen: Mutex::default(), act: Box::new(act) })
    }

    /// Everything it was told.
    pub(crate) fn seen(&self) -> Vec<GenerateProgress> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Listener for Acting {
    fn on_progress(&self, progress: GenerateProgress) -> Result<(), CallbackError> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(progress.clone());
        (self.act)(&progress)
    }

    fn on_picture(&self, _: u32, _: Arc<Picture>) -> Result<bool, CallbackError> {
        Ok(false)
    }
}

/// What is done with a picture: `true` keeps it.
type Take = Box<dyn Fn(u32) -> Result<bool, CallbackError> + Send + Sync>;

/// Is given pictures.
pub(crate) struct Taking {
    given: Mutex<Vec<(u32, Arc<Picture>)>>,
    take: Take,
}

impl Taking {
    pub(crate) fn new(take: impl Fn(u32) -> Result<bool, CallbackError> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { given: Mutex::default(), take: Box::new(take) })
    }

    /// Every picture it was given, with its number.
    pub(crate) fn given(&self) -> Vec<(u32, Arc<Picture>)> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Listener for Taking {
    fn on_progress(&self, _: GenerateProgress) -> Result<(), CallbackError> {
        Ok(())
    }

    fn on_picture(&self, index: u32, picture: Arc<Picture>) -> Result<bool, CallbackError> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).push((index, picture));
        (self.take)(index)
    }
}

/// What the host throws.
pub(crate) fn thrown() -> CallbackError {
    CallbackError::Failed { reason: "on purpose".into() }
}

/// A folder that is gone with the value.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A path as it crosses.
pub(crate) fn text(path: &Path) -> String {
    path.to_str().expect("a path in Unicode").into()
}

/// A file in a folder, as it crosses.
pub(crate) fn within(folder: &tempfile::TempDir, name: &str) -> String {
    text(&PathBuf::from(folder.path()).join(name))
}
