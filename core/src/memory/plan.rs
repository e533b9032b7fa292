//! What a request will take, and the fastest arrangement that fits.

use super::pages;
use super::profile::{GraphMemory, Profile};
use crate::bundle::{ATTENTION, TEXT_ENCODER, UNET, UNET_PLAIN, VAE_DECODER, VAE_ENCODER};
use crate::options::{EngineOptions, MemoryMode};
use crate::{Bundle, Error, Provider, Result};

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
}

impl Sizes {
    /// Of a request that is silent about everything.
    #[must_use]
    pub fn of(bundle: &Bundle) -> Self {
        let manifest = bundle.manifest();
        let guided = manifest.defaults.guidance > 1.0;
        Self { width: manifest.image.width, height: manifest.image.height, guided, from_picture: false }
    }
}

/// What one stage takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageMemory {
    /// The graph's file.
    pub graph: &'static str,
    /// The most bytes at any moment of the stage, beside what the process holds anyway.
    pub peak: u64,
    /// How many of them are clean pages of files, which the system can take away.
    pub mapped: u64,
    /// Bytes that stay while the graph is loaded and does not run.
    pub held: u64,
}

/// What a request will take, before anything is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryPlan {
    /// How it is carried out.
    pub arrangement: Arrangement,
    /// What the stages take, in their order; empty where nothing is known.
    pub stages: Vec<StageMemory>,
    /// The most bytes at any moment, beside what the process holds anyway; `None` where nothing is known.
    pub peak: Option<u64>,
    /// What there is; `None` where neither the app nor the system says.
    pub budget: Option<u64>,
    /// Why this arrangement, in words.
    pub reason: String,
}

/// The arrangements a mode allows, fastest first.
fn arrangements(mode: MemoryMode) -> &'static [Arrangement] {
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

/// How an engine begins, before it knows a request: as for one that is silent about everything, or else most sparingly.
pub(crate) fn first_arrangement(bundle: &Bundle, profile: Option<&Profile>, options: &EngineOptions) -> Arrangement {
    let sparing = arrangements(options.memory).last().copied().unwrap_or(arrangements(MemoryMode::Least)[0]);
    plan_with(bundle, profile, options, Sizes::of(bundle), 0).map_or(sparing, |plan| plan.arrangement)
}

/// Plans a request: the fastest arrangement of the mode that fits the budget of `options`, or what the system says there is
/// and `held` bytes that the engine holds already.
///
/// # Errors
/// [`Error::OutOfMemory`] where none fits; [`Error::BadBundle`] when the bundle's profile is damaged.
pub fn plan(bundle: &Bundle, options: &EngineOptions, sizes: Sizes, held: u64) -> Result<MemoryPlan> {
    let profile = Profile::of(bundle)?;
    plan_with(bundle, profile.as_ref(), options, sizes, held)
}

pub(crate) fn plan_with(
    bundle: &Bundle,
    profile: Option<&Profile>,
    options: &EngineOptions,
    sizes: Sizes,
    held: u64,
) -> Result<MemoryPlan> {
    let budget = options.budget.or_else(|| Some(super::available()?.saturating_add(held)));
    let (allowed, whose) = (arrangements(options.memory), if options.budget.is_some() { "budget" } else { "memory" });
    let foreign = !matches!(options.provider, Provider::Cpu | Provider::Xnnpack | Provider::Auto);
    let unknown = |reason: &str| MemoryPlan {
        arrangement: allowed[0],
        stages: Vec::new(),
        peak: None,
        budget,
        reason: reason.to_owned(),
    };
    if foreign {
        // Weights are on the provider's own device, or compiled into something of its own.
        let reason = format!("what provider {} takes is not known", options.provider);
        return Ok(unknown(&reason));
    }
    let Some(profile) = profile else {
        return Ok(unknown("the bundle has no memory profile; import it again to get one"));
    };
    let mut refused: Vec<(Arrangement, u64)> = Vec::new();
    for arrangement in allowed {
        let Some(stages) = stages(bundle, profile, options, sizes, *arrangement) else {
            return Ok(unknown("the bundle's memory profile does not cover all of its graphs"));
        };
        let peak = peak(bundle, &stages, arrangement.sequential);
        if budget.is_none_or(|budget| peak <= budget) {
            let reason = reason(&refused, *arrangement, peak, budget, whose);
            return Ok(MemoryPlan { arrangement: *arrangement, stages, peak: Some(peak), budget, reason });
        }
        refused.push((*arrangement, peak));
    }
    let needed = refused.iter().map(|(_, peak)| *peak).min().unwrap_or(u64::MAX);
    let fitting = |sizes| {
        let arrangement = allowed.last()?;
        let peak = peak(bundle, &stages(bundle, profile, options, sizes, *arrangement)?, arrangement.sequential);
        budget.is_none_or(|budget| peak <= budget).then_some(())
    };
    Err(Error::OutOfMemory {
        needed,
        available: budget.unwrap_or(0),
        hint: hint(bundle, options, sizes, fitting, plan_least(bundle, profile, options, sizes)),
    })
}

/// What the least arrangement takes, whatever the mode.
fn plan_least(bundle: &Bundle, profile: &Profile, options: &EngineOptions, sizes: Sizes) -> Option<u64> {
    let arrangement = arrangements(MemoryMode::Least)[0];
    Some(peak(bundle, &stages(bundle, profile, options, sizes, arrangement)?, true))
}

/// What would fit in the place of a request that does not.
fn hint(
    bundle: &Bundle,
    options: &EngineOptions,
    sizes: Sizes,
    fitting: impl Fn(Sizes) -> Option<()>,
    least: Option<u64>,
) -> String {
    let has_choice = !matches!(options.memory, MemoryMode::Auto | MemoryMode::Least);
    if let Some(least) = least.filter(|least| has_choice && options.budget.is_none_or(|budget| *least <= budget)) {
        return format!("memory mode `auto` or `least` takes {}", megabytes(least));
    }
    let multiple = bundle.manifest().latent.multiple.max(1);
    let (mut width, mut height) = (sizes.width, sizes.height);
    while width > multiple || height > multiple {
        // Both sides smaller by about a tenth, in whole multiples.
        let smaller = |side: u32| ((side - side / 10).saturating_sub(1) / multiple * multiple).max(multiple);
        (width, height) = (smaller(width), smaller(height));
        if fitting(Sizes { width, height, ..sizes }).is_some() {
            return format!("{width} x {height} pixels would fit");
        }
    }
    "no size fits; close other programs, give a larger budget, or take a smaller form of this base model".into()
}

fn reason(
    refused: &[(Arrangement, u64)],
    arrangement: Arrangement,
    peak: u64,
    budget: Option<u64>,
    whose: &str,
) -> String {
    let Some(budget) = budget else { return format!("{arrangement} takes {}", megabytes(peak)) };
    let others = refused.iter().map(|(other, peak)| format!("; {other} would take {}", megabytes(*peak)));
    let others: String = others.collect();
    format!("{arrangement} takes {} of {} of {whose}{others}", megabytes(peak), megabytes(budget))
}

/// In millions of bytes, rounded up.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
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

/// The stages of a request; `None` where the profile does not know one of the graphs.
fn stages(
    bundle: &Bundle,
    profile: &Profile,
    options: &EngineOptions,
    sizes: Sizes,
    arrangement: Arrangement,
) -> Option<Vec<StageMemory>> {
    let scale = u64::from(bundle.manifest().latent.scale.max(1));
    let cells = (u64::from(sizes.width) / scale) * (u64::from(sizes.height) / scale);
    let plain = !options.provider.takes_fused_graph() && profile.graphs.contains_key(UNET_PLAIN);
    let unet = if plain { UNET_PLAIN } else { UNET };
    let batch = if sizes.guided && !arrangement.apart { 2 } else { 1 };
    let mut stages = vec![(TEXT_ENCODER, 1, 0)];
    if sizes.from_picture {
        stages.push((VAE_ENCODER, 1, cells));
    }
    stages.extend([(unet, batch, cells), (VAE_DECODER, 1, cells)]);
    let form = bundle.manifest().form.as_ref();
    let each = |(graph, batch, cells)| {
        let packed = form.is_some_and(|form| form.in_fixed_ranges(graph));
        stage(graph, profile.graphs.get(graph)?, batch, cells, arrangement.form, packed)
    };
    stages.into_iter().map(each).collect()
}

/// ONNX Runtime's library, once its code was run.
const LIBRARY: u64 = 38_000_000;

/// What of the engine is there whatever is drawn: the library, and the K/V weights, which stay in their file.
fn engine(bundle: &Bundle) -> u64 {
    let weights = bundle.manifest().files.get(ATTENTION).map_or(0, |file| file.bytes);
    LIBRARY.saturating_add(weights)
}

fn peak(bundle: &Bundle, stages: &[StageMemory], sequential: bool) -> u64 {
    let (mut held, mut most) = (0, 0);
    for stage in stages {
        most = most.max(held + stage.peak);
        if !sequential {
            held += stage.held;
        }
    }
    engine(bundle) + most.max(held)
}

/// `packed`: its constants are whole numbers, which are packed however it is loaded.
fn stage(
    graph: &'static str,
    memory: &GraphMemory,
    batch: u64,
    cells: u64,
    form: LoadForm,
    packed: bool,
) -> Option<StageMemory> {
    let (mapped_values, fast_values) = memory.values(batch, cells)?;
    let held = memory.held(form, packed);
    Some(match form {
        LoadForm::Mapped => {
            let values = times(mapped_values, if packed { PACKED_VALUES } else { MAPPED_VALUES });
            let peak = held + LOADING + values;
            StageMemory { graph, peak, mapped: memory.clean(), held }
        }
        LoadForm::Fast => {
            // The arena of a run stays.
            let held = held + times(fast_values, FAST_VALUES);
            let loading = times(memory.folded, FAST_LOADING) + GRAPH;
            StageMemory { graph, peak: LOADING + loading.max(held), mapped: 0, held }
        }
    })
}

impl GraphMemory {
    /// Bytes that stay while the graph is loaded and does not run.
    pub(crate) fn held(&self, form: LoadForm, packed: bool) -> u64 {
        let own = match form {
            LoadForm::Mapped if packed => times(self.constants, PACKED) + self.clean(),
            LoadForm::Mapped => times(self.constants, CONSTANTS) + self.clean(),
            LoadForm::Fast => times(self.folded, FAST_HELD),
        };
        own.saturating_add(GRAPH)
    }

    /// Pages of mapped weights that are there at once.
    fn clean(&self) -> u64 {
        if pages::ARE_LET_GO { self.mapped.min(pages::FEW) } else { self.mapped }
    }
}

fn times(bytes: u64, factor: f64) -> u64 {
    (bytes as f64 * factor) as u64
}

/// A loaded graph beside its weights: nodes and plans.
const GRAPH: u64 = 4_000_000;
/// The graph's message and what is made of it, until it is loaded; later buffers of the nodes.
const LOADING: u64 = 7_000_000;

// What was measured, as a multiple of what the profile says. `tests/tests/memory.rs` compares.
/// Constants that do not stay in a file: the file's copy and the computed one.
const CONSTANTS: f64 = 1.5;
/// Whole-number constants, once packed in the place of the file's.
const PACKED: f64 = 0.97;
/// Values between whole-number kernels, with what these kernels hold for themselves.
const PACKED_VALUES: f64 = 1.8;
/// Values without an arena: nearly nothing is lost.
const MAPPED_VALUES: f64 = 1.05;
/// Weights and their packed copies, once loaded.
const FAST_HELD: f64 = 1.2;
/// Weights and their packed copies, while they are packed.
const FAST_LOADING: f64 = 1.58;
/// Values in an arena, which grows by doubling.
const FAST_VALUES: f64 = 1.2;
