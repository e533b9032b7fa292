//! Arguments of commands that draw pictures for people.

use std::path::PathBuf;

use clap::Args;
use cones_core::{EngineOptions, SafetyPolicy};

/// What is done with pictures that are not safe.
#[derive(Debug, Args)]
pub(super) struct SafetyArgs {
    /// What is done with pictures and previews that a classifier finds not safe: blur, refuse, report or off; blur where the
    /// bundle brings a classifier (`cones bundle add-safety`).
    #[arg(long, value_name = "POLICY")]
    safety: Option<SafetyPolicy>,
    /// A folder with a classifier to ask instead of the bundle's own.
    #[arg(long, value_name = "FOLDER")]
    safety_classifier: Option<PathBuf>,
}

impl SafetyArgs {
    /// `options`, with pictures looked at as the arguments say.
    pub(super) fn applied(&self, mut options: EngineOptions) -> EngineOptions {
        options.safety = self.safety;
        options.safety_classifier.clone_from(&self.safety_classifier);
        options
    }
}
