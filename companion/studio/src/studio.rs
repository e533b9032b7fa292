//! What the studio holds: the base model, subjects, queue and pictures, for the server and the worker alike.

use std::path::PathBuf;
use std::sync::Arc;

use cones_core::{Bundle, EngineOptions};
use cones_gradient::GradientOptions;
use serde::Serialize;

use crate::error::Result;
use crate::events::Events;
use crate::folder::Folder;
use crate::gallery::Gallery;
use crate::masks::Masks;
use crate::publishing::Publishing;
use crate::queue::Queue;
use crate::subjects::Subjects;

/// How a studio is opened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StudioOptions {
    /// The base model's folder.
    pub bundle: PathBuf,
    /// Where the studio keeps what it is given and makes; made if need be.
    pub folder: PathBuf,
    /// The port, on this machine's own loopback; 0 takes any that is free, `None` the usual one or, where that is taken, any.
    pub port: Option<u16>,
    /// How pictures are drawn and encoded.
    pub engine: EngineOptions,
    /// How derivatives run.
    pub gradient: GradientOptions,
}

impl StudioOptions {
    /// A studio for a base model, in a folder, on the usual port.
    pub fn new(bundle: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        Self {
            bundle: bundle.into(),
            folder: folder.into(),
            port: None,
            engine: EngineOptions::default(),
            gradient: GradientOptions::default(),
        }
    }
}

/// The studio.
#[derive(Debug)]
pub(crate) struct Studio {
    pub(crate) bundle: Arc<Bundle>,
    pub(crate) engine: EngineOptions,
    pub(crate) gradient: GradientOptions,
    pub(crate) folder: Arc<Folder>,
    pub(crate) events: Events,
    pub(crate) subjects: Subjects,
    pub(crate) queue: Queue,
    pub(crate) gallery: Gallery,
    pub(crate) masks: Masks,
    pub(crate) publishing: Publishing,
}

/// The base model, as a page is told of it.
#[derive(Debug, Serialize)]
pub(crate) struct Model {
    name: String,
    licence: String,
    width: u32,
    height: u32,
    steps: u32,
    guidance: f32,
    /// Steps that a request may have at the most.
    most_steps: u32,
}

impl Studio {
    /// Opens the base model and the folder.
    pub(crate) fn open(options: &StudioOptions) -> Result<Self> {
        let bundle = Arc::new(Bundle::open(&options.bundle)?);
        let folder = Arc::new(Folder::open(&options.folder)?);
        let events = Events::new();
        Ok(Self {
            subjects: Subjects::open(Arc::clone(&folder), Arc::clone(&bundle), events.clone()),
            queue: Queue::open(Arc::clone(&folder), events.clone())?,
            gallery: Gallery::open(Arc::clone(&folder), events.clone()),
            masks: Masks::open(Arc::clone(&folder)),
            publishing: Publishing::open(folder.join("publishing"), events.clone()),
            bundle,
            engine: options.engine.clone(),
            gradient: options.gradient.clone(),
            folder,
            events,
        })
    }

    /// The base model, as a page is told of it.
    pub(crate) fn model(&self) -> Model {
        let manifest = self.bundle.manifest();
        Model {
            name: manifest.name.clone(),
            licence: manifest.licence.clone(),
            width: manifest.image.width,
            height: manifest.image.height,
            steps: manifest.defaults.steps,
            guidance: manifest.defaults.guidance,
            most_steps: manifest.noise_schedule.num_train_timesteps,
        }
    }
}
