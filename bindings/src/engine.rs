//! The engine: a base model, drawing pictures.

use std::path::PathBuf;
use std::sync::Arc;

use crate::listener::Relay;
use crate::turn::Turn;
use crate::{
    BundleInfo, CancelToken, ConesError, Generated, Listener, MemoryMode, MemoryPlan, PackStore, Provider, Request,
    SafetyPolicy, cancel,
};

/// How an engine runs. Everything may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, uniffi::Record)]
pub struct EngineOptions {
    /// Where the graphs run; the CPU if left out.
    #[uniffi(default)]
    pub provider: Option<Provider>,
    /// What stays loaded; what fits if left out.
    #[uniffi(default)]
    pub memory: Option<MemoryMode>,
    /// Bytes that drawing may take beside what the process holds anyway; what the system says there is if left out.
    #[uniffi(default)]
    pub budget: Option<u64>,
    /// Threads inside one node; one for each physical core if left out.
    #[uniffi(default)]
    pub threads: Option<u32>,
    /// Folder for compiled models, for providers that compile (CoreML). Safe to delete.
    #[uniffi(default)]
    pub cache: Option<String>,
    /// What is done with pictures that a classifier finds not safe; blurred if left out. To ask for anything but `Off` where the base
    /// model brings no classifier, and none is named, is a `BadRequest`.
    #[uniffi(default)]
    pub safety: Option<SafetyPolicy>,
    /// A folder with a classifier (`safety.onnx` and `safety.json`) that is asked instead of the base model's own.
    #[uniffi(default)]
    pub safety_classifier: Option<String>,
}

/// A base model ready to draw. Calls from several threads wait for each other.
#[derive(Debug, uniffi::Object)]
pub struct Engine {
    info: BundleInfo,
    packs: Option<Arc<PackStore>>,
    engine: Turn<cones_core::Engine>,
}

#[uniffi::export]
impl Engine {
    /// Opens the base model in a folder. Graphs are loaded when first needed. Subjects of requests come from `packs`.
    #[uniffi::constructor(default(packs = None, options))]
    pub fn open(
        bundle: String,
        packs: Option<Arc<PackStore>>,
        options: EngineOptions,
    ) -> Result<Arc<Self>, ConesError> {
        let bundle = cones_core::Bundle::open(bundle)?;
        let info = BundleInfo::from(&bundle);
        let engine = Turn::new(cones_core::Engine::new(bundle, options.into())?);
        Ok(Arc::new(Self { info, packs, engine }))
    }

    /// What the base model says of itself. Never waits.
    pub fn info(&self) -> BundleInfo {
        self.info.clone()
    }

    /// What a request will take of memory, and how it will be carried out; [`ConesError::OutOfMemory`] where it does not
    /// fit. Loads nothing. Waits for a call that is under way.
    pub fn memory_plan(&self, request: Request) -> Result<MemoryPlan, ConesError> {
        let engine = self.engine.take(&cancel::token(None))?;
        let resolved = request.resolve(engine.value.bundle(), self.packs.as_deref())?;
        Ok(engine.value.memory_plan(&resolved)?.into())
    }

    /// Draws the pictures of a request; returns when they are drawn. The listener is called on this thread.
    ///
    /// Another thread's call that is under way is waited for. A cancel stops it within a step, or while it waits; then,
    /// and after any other error, the engine is as usable as before.
    #[uniffi::method(default(listener = None, cancel = None))]
    pub fn generate(
        &self,
        request: Request,
        listener: Option<Arc<dyn Listener>>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Generated, ConesError> {
        let own = cancel::token(cancel).child();
        let mut engine = self.engine.take(&own)?;
        let resolved = request.resolve(engine.value.bundle(), self.packs.as_deref())?;
        let mut relay = Relay::new(listener, request.preview_every, own.clone());
        let result = engine.value.generate(&resolved, &mut relay, &own);
        relay.outcome(result)
    }
}

impl Engine {
    /// Draws a request of a queue, whose errors are the core's.
    ///
    /// # Errors
    /// As [`cones_core::Engine::generate`], and those of the packs.
    pub(crate) fn draw(
        &self,
        request: &Request,
        observer: &mut dyn cones_core::Observer,
        cancel: &cones_core::CancelToken,
    ) -> cones_core::Result<cones_core::Generated> {
        // A queue's thread never has it already, so that waiting for it ends with it or with a cancel.
        let mut engine = self.engine.take(cancel).map_err(|_| cones_core::Error::Cancelled)?;
        let resolved = request.resolve(engine.value.bundle(), self.packs.as_deref())?;
        engine.value.generate(&resolved, observer, cancel)
    }
}

impl From<EngineOptions> for cones_core::EngineOptions {
    fn from(options: EngineOptions) -> Self {
        let mut core = Self::default();
        core.provider = options.provider.map(Into::into).unwrap_or_default();
        core.memory = options.memory.map(Into::into).unwrap_or_default();
        core.budget = options.budget;
        core.threads = options.threads.map(|threads| threads as usize);
        core.cache = options.cache.map(PathBuf::from);
        core.safety = options.safety.map(Into::into);
        core.safety_classifier = options.safety_classifier.map(PathBuf::from);
        core
    }
}
