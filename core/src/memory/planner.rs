//! The fastest arrangement that fits.

use super::arrangement::{Arrangement, Sizes, arrangements};
use super::estimate::stage;
use super::graph_memory::GraphMemory;
use super::plan::{MemoryPlan, StageMemory};
use super::profile::Profile;
use crate::engine::options::{EngineOptions, MemoryMode};
use crate::error::{Error, Result};
use crate::model::bundle::{
    ATTENTION, Bundle, ENCODER_HID_PROJ, TEXT_ENCODER, TEXT_ENCODER_2, UNET, UNET_PLAIN, VAE_DECODER, VAE_ENCODER,
};
use crate::model::safety::SafetyClassifier;
use crate::runtime::execution_provider::ExecutionProvider;
use crate::safety::checker::Checker;
use crate::units::megabytes;

/// Plans a request: the fastest arrangement of the mode that fits the budget of `options`, or what the system says there is
/// and `held` bytes that the engine holds already.
///
/// # Errors
/// [`Error::OutOfMemory`] where none fits; [`Error::BadBundle`] when the bundle's profile is damaged;
/// [`Error::ProviderUnavailable`].
pub fn plan(bundle: &Bundle, options: &EngineOptions, sizes: Sizes, held: u64) -> Result<MemoryPlan> {
    let profile = Profile::read(bundle)?;
    let provider = options.provider.resolve(bundle.manifest().form.as_ref())?;
    let classifier = Checker::new(bundle, options)?.map(|checker| checker.classifier.memory());
    let planner = Planner::new(bundle, profile.as_ref(), provider, options);
    planner.with_classifier(classifier.as_ref()).plan(sizes, held)
}

/// What plans are made from.
pub(crate) struct Planner<'a> {
    bundle: &'a Bundle,
    profile: Option<&'a Profile>,
    provider: ExecutionProvider,
    mode: MemoryMode,
    /// Bytes that the app allows; `None` asks the system.
    budget: Option<u64>,
    /// What the safety classifier takes, where one is asked.
    classifier: Option<&'a GraphMemory>,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(
        bundle: &'a Bundle,
        profile: Option<&'a Profile>,
        provider: ExecutionProvider,
        options: &EngineOptions,
    ) -> Self {
        Self { bundle, profile, provider, mode: options.memory, budget: options.budget, classifier: None }
    }

    /// Pictures and previews are shown to a classifier.
    pub(crate) fn with_classifier(mut self, memory: Option<&'a GraphMemory>) -> Self {
        self.classifier = memory;
        self
    }

    /// How an engine begins, before it knows a request: as for one that is silent about everything, or else most sparingly.
    pub(crate) fn first_arrangement(&self) -> Arrangement {
        let sparing = arrangements(self.mode).last().copied().unwrap_or(arrangements(MemoryMode::Least)[0]);
        self.plan(Sizes::by_default(self.bundle), 0).map_or(sparing, |plan| plan.arrangement)
    }

    /// The fastest arrangement that fits, with what it takes; `held` bytes are the engine's own already.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] with what would fit.
    pub(crate) fn plan(&self, sizes: Sizes, held: u64) -> Result<MemoryPlan> {
        let budget = self.budget.or_else(|| Some(super::system::available()?.saturating_add(held)));
        let allowed = arrangements(self.mode);
        let unknown = |reason: &str| MemoryPlan {
            arrangement: allowed[0],
            stages: Vec::new(),
            peak: None,
            budget,
            reason: reason.to_owned(),
        };
        if !self.provider.computes_in_main_memory() {
            // Weights are on the provider's own device, or compiled into something of its own.
            return Ok(unknown(&format!("what provider {} takes is not known", self.provider)));
        }
        let Some(profile) = self.profile else {
            return Ok(unknown("the bundle has no memory profile; import it again to get one"));
        };
        let whose = if self.budget.is_some() { "budget" } else { "memory" };
        let mut refused: Vec<(Arrangement, u64)> = Vec::new();
        for arrangement in allowed {
            let Some(stages) = self.stages(profile, sizes, *arrangement) else {
                return Ok(unknown("the bundle's memory profile does not cover all of its graphs"));
            };
            let peak = peak(self.bundle, &stages, arrangement.sequential);
            if budget.is_none_or(|budget| peak <= budget) {
                let reason = reason(&refused, *arrangement, peak, budget, whose);
                return Ok(MemoryPlan { arrangement: *arrangement, stages, peak: Some(peak), budget, reason });
            }
            refused.push((*arrangement, peak));
        }
        let needed = refused.iter().map(|(_, peak)| *peak).min().unwrap_or(u64::MAX);
        Err(Error::OutOfMemory { needed, available: budget.unwrap_or(0), hint: self.hint(profile, sizes, budget) })
    }

    /// What would fit in the place of a request that does not.
    fn hint(&self, profile: &Profile, sizes: Sizes, budget: Option<u64>) -> String {
        let has_choice = !matches!(self.mode, MemoryMode::Auto | MemoryMode::Least);
        let least = self.peak(profile, sizes, arrangements(MemoryMode::Least)[0]);
        if let Some(least) = least.filter(|least| has_choice && self.budget.is_none_or(|budget| *least <= budget)) {
            return format!("memory mode `auto` or `least` takes {}", megabytes(least));
        }
        let sparing = arrangements(self.mode).last().copied().unwrap_or(arrangements(MemoryMode::Least)[0]);
        let fits = |sizes| {
            let peak = self.peak(profile, sizes, sparing);
            peak.is_some_and(|peak| budget.is_none_or(|budget| peak <= budget))
        };
        let multiple = self.bundle.manifest().latent.multiple.max(1);
        let (mut width, mut height) = (sizes.width, sizes.height);
        let free = |width, height| self.bundle.manifest().fixed.refuses(width, height).is_none();
        while width > multiple || height > multiple {
            // Both sides smaller by about a tenth, in whole multiples.
            let smaller = |side: u32| ((side - side / 10).saturating_sub(1) / multiple * multiple).max(multiple);
            (width, height) = (smaller(width), smaller(height));
            if free(width, height) && fits(Sizes { width, height, ..sizes }) {
                return format!("{width} x {height} pixels would fit");
            }
        }
        "no size fits; close other programs, give a larger budget, or take a smaller form of this base model".into()
    }

    /// The most bytes of a request at any moment; `None` where the profile does not know one of the graphs.
    fn peak(&self, profile: &Profile, sizes: Sizes, arrangement: Arrangement) -> Option<u64> {
        Some(peak(self.bundle, &self.stages(profile, sizes, arrangement)?, arrangement.sequential))
    }

    /// What prompts take that the profile does not know: K and V of all branches three times (kept for the next request, with
    /// subjects, and bound to the graph), and, of chunks beside the first, attention's scores of one layer at a time. With boxes all
    /// scores are there, for ONNX Runtime has no flash attention with a bias, and the bias itself: of all sizes of the grid together
    /// less than 4/3 of the finest.
    fn prompts(&self, sizes: Sizes, batch: u64, cells: u64) -> u64 {
        let manifest = self.bundle.manifest();
        let length = u64::from(manifest.text.max_length);
        let all = u64::from(sizes.chunks.max(1)) * length;
        let more = if sizes.boxed { all } else { u64::from(sizes.chunks.saturating_sub(1)) * length };
        let bias = if sizes.boxed { batch.saturating_mul(cells) * 4 / 3 } else { 0 };
        let rows = || manifest.layers.iter().map(|layer| u64::from(layer.rows));
        let branches = if sizes.guided { 2 } else { 1 };
        // The finest layers have the least rows and the most queries, one for each cell; heads have 32 rows at least.
        let heads = rows().min().unwrap_or(0).div_ceil(32);
        let scores = batch.saturating_mul(heads).saturating_mul(cells);
        let values = 3 * branches * rows().sum::<u64>();
        all.saturating_mul(values.saturating_add(bias)).saturating_add(more.saturating_mul(scores)).saturating_mul(4)
    }

    /// The stages of a request; `None` where the profile does not know one of the graphs.
    fn stages(&self, profile: &Profile, sizes: Sizes, arrangement: Arrangement) -> Option<Vec<StageMemory>> {
        let scale = u64::from(self.bundle.manifest().latent.scale.max(1));
        let cells = (u64::from(sizes.width) / scale) * (u64::from(sizes.height) / scale);
        let plain = !self.provider.takes_fused_graph() && profile.graphs.contains_key(UNET_PLAIN);
        let unet = if plain { UNET_PLAIN } else { UNET };
        let branches = if sizes.guided { 2 } else { 1 };
        let batch = self.bundle.manifest().fixed.samples(branches, arrangement.apart) as u64;
        let manifest = self.bundle.manifest();
        let mut stages = Vec::new();
        stages.extend(manifest.given_text.is_none().then_some((TEXT_ENCODER, 1, 0)));
        stages.extend(manifest.projects_text().then_some((ENCODER_HID_PROJ, 1, 0)));
        stages.extend(manifest.text_2.map(|_| (TEXT_ENCODER_2, 1, 0)));
        // A U-Net that takes a region is given the latent of a picture always.
        if sizes.from_picture || self.bundle.manifest().takes_region() {
            stages.push((VAE_ENCODER, 1, cells));
        }
        stages.extend([(unet, batch, cells), (VAE_DECODER, 1, cells)]);
        let each = |(graph, batch, cells)| {
            let packed = self.bundle.in_fixed_ranges(graph);
            let mut stage = stage(graph, profile.graphs.get(graph)?, batch, cells, arrangement.form, packed)?;
            if graph == unet {
                stage.peak += self.prompts(sizes, batch, cells);
            }
            Some(stage)
        };
        let mut stages = stages.into_iter().map(each).collect::<Option<Vec<_>>>()?;
        if let Some(memory) = self.classifier {
            let look = stage(SafetyClassifier::FILE, memory, 1, 0, arrangement.form, false)?;
            // It looks at previews too, while the U-Net is there.
            stages.iter_mut().filter(|stage| stage.graph == unet).for_each(|stage| stage.peak += look.peak);
            stages.push(look);
        }
        Some(stages)
    }
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

/// ONNX Runtime's library, once its code was run.
const LIBRARY: u64 = 35_000_000;

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
