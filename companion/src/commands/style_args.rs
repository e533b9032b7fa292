//! Requests saved by name.

use std::path::PathBuf;

use clap::Args;
use cones_core::library::styles;
use cones_core::{Bundle, Style};

use crate::environment::path_or_variable;
use crate::failure::Failure;

const VARIABLE: &str = "CONES_STYLES";

/// Which styles are taken, and where they are.
#[derive(Debug, Args)]
pub(super) struct StyleArgs {
    /// A style: words around the prompts, and values where none is given here; of --styles, or one of the base model's presets. May
    /// be given several times.
    #[arg(long, value_name = "NAME", conflicts_with = "from")]
    style: Vec<String>,
    /// A file of styles: a list in JSON, or the styles.csv of AUTOMATIC1111's web UI; by default what CONES_STYLES says.
    #[arg(long, value_name = "FILE")]
    styles: Option<PathBuf>,
}

impl StyleArgs {
    /// The styles that are asked for.
    pub(super) fn chosen(&self, bundle: &Bundle) -> Result<Vec<Style>, Failure> {
        if self.style.is_empty() {
            return Ok(Vec::new());
        }
        let file = path_or_variable(self.styles.as_ref(), VARIABLE);
        let own = file.as_deref().map(styles::open).transpose()?.unwrap_or_default();
        let known = || own.iter().chain(&bundle.manifest().presets);
        self.style.iter().map(|name| Ok(styles::find(known(), name)?.clone())).collect()
    }
}
