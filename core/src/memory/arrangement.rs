//! The ways in which a request can be carried out, from the fastest to the most sparing.

use crate::engine::options::MemoryMode;
use crate::model::bundle::Bundle;

/// How a graph is loaded. Both forms compute the same; their results differ by rounding, since products are summed up in
/// another order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoadForm {
    /// Weights become float32 and are packed for the processor: the least time for a step, the most memory, and seconds
    /// of loading.
    Fast,
    /// Weights stay in their file, mapped, and are converted as they are used: loaded at once, in little memory.
    Mapped,
}

/// How the stages of a request are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrangement {
    /// How graphs are loaded.
    pub form: LoadForm,
    /// Whether each graph is dropped once it was used.
    pub sequential: bool,
    /// Whether the branches of guidance run one after another.
    pub apart: bool,
}

/// What is to be drawn, as far as memory goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Whether guidance is on, so that the U-Net has two branches.
    pub guided: bool,
    /// Whether it starts from a picture.
    pub from_picture: bool,
    /// Chunks of the prompts: 1, or more of long ones with weights.
    pub chunks: u32,
    /// Whether words have boxes, so that a bias goes to attention.
    pub boxed: bool,
}

impl Sizes {
    /// Of a request that is silent about everything.
    #[must_use]
    pub fn by_default(bundle: &Bundle) -> Self {
        let manifest = bundle.manifest();
        let guided = manifest.is_guided(manifest.defaults.guidance);
        let (width, height) = (manifest.image.width, manifest.image.height);
        Self { width, height, guided, from_picture: false, chunks: 1, boxed: false }
    }
}

/// The arrangements a mode allows, fastest first.
pub(super) fn arrangements(mode: MemoryMode) -> &'static [Arrangement] {
    use LoadForm::{Fast, Mapped};
    const ALL: [Arrangement; 4] = [
        Arrangement { form: Fast, sequential: false, apart: false },
        Arrangement { form: Fast, sequential: true, apart: false },
        Arrangement { form: Mapped, sequential: true, apart: false },
        Arrangement { form: Mapped, sequential: true, apart: true },
    ];
    match mode {
        MemoryMode::Auto => &ALL,
        MemoryMode::Resident => &ALL[..1],
        MemoryMode::Sequential => &ALL[1..2],
        MemoryMode::Least => &ALL[3..],
    }
}

impl std::fmt::Display for Arrangement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.form {
            LoadForm::Fast => "fast",
            LoadForm::Mapped => "mapped",
        })?;
        f.write_str(if self.sequential { ", one graph after another" } else { ", all graphs staying" })?;
        f.write_str(if self.apart { ", one branch of guidance after another" } else { "" })
    }
}
