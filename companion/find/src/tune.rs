//! Tuning several packs for pictures with all of their subjects, from start to end.

use std::path::PathBuf;

use cones_core::disk::hash::Hasher;
use cones_core::sampling::scheduler::Diffusion;
use cones_core::subjects::pack::{Precision, to_precision};
use cones_core::{
    Bundle, CancelToken, ConceptMask, Engine, EngineOptions, Error as CoreError, Pack, SafetyPolicy, Scope,
};
use cones_gradient::GradientOptions;

use crate::batch::Mixture;
use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::examples::Examples;
use crate::finder::{Finder, Problem, Schedule};
use crate::graph_objective::GraphObjective;
use crate::held_out::Losses;
use crate::joint::{self, Member};
use crate::method::{Factors, Learned, MethodTuning};
use crate::observer::FindObserver;
use crate::selection::Selection;
use crate::timesteps::Timesteps;
use crate::union::{check_neurons, check_unitable, unite};
use crate::weights::Weights;
use crate::{factors, room};

/// How packs are tuned.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TuneOptions {
    /// For each pack, in the same order, the folder with the pictures it was found in.
    pub images: Vec<PathBuf>,
    /// Training steps.
    pub steps: usize,
    /// Pictures in one step: 2 or more.
    pub batch: u16,
    /// Adam's learning rate: of the factors, by default [`factors::RATE`]; of the logits where packs are binary, by default
    /// [`MethodTuning`]'s.
    pub rate: Option<f64>,
    /// How much the classes count against the subjects.
    pub prior: f32,
    /// What the packs will keep of each neuron. With `Binary` other neurons are found, from the packs' on; with the others the
    /// neurons stay, and a factor for each of them is trained.
    pub precision: Precision,
    /// In which layers neurons or factors may change; what the packs have in the others stays.
    pub selection: Selection,
    /// Seed of everything random.
    pub seed: u64,
    /// Pictures of the classes, and as many of other things, that the model draws for itself.
    pub drawn: usize,
    /// Noisy pictures of each part that packs are measured on.
    pub held_out: usize,
    /// How pictures are drawn and encoded.
    pub engine: EngineOptions,
    /// How derivatives run.
    pub gradient: GradientOptions,
    /// Where an interrupted run keeps what it has learned; the folder is made if need be.
    pub checkpoint: PathBuf,
}

impl TuneOptions {
    /// The defaults: 200 steps of twelve pictures, which find other neurons.
    pub fn new(images: Vec<PathBuf>, checkpoint: impl Into<PathBuf>) -> Self {
        Self {
            images,
            steps: 200,
            batch: 12,
            rate: None,
            prior: 1.0,
            precision: Precision::Binary,
            selection: Selection::default(),
            seed: 0,
            drawn: 16,
            held_out: 48,
            engine: EngineOptions::default(),
            gradient: GradientOptions::default(),
            checkpoint: checkpoint.into(),
        }
    }

    fn schedule(&self, scope: Scope) -> Schedule {
        Schedule {
            steps: self.steps,
            mixture: Mixture::new(usize::from(self.batch), scope, self.prior),
            timesteps: Timesteps::Even,
            seed: self.seed,
            selection: self.selection.clone(),
        }
    }

    /// What decides the run: with the same key an interrupted one goes on.
    fn key(&self, packs: &[Pack], examples: &Examples) -> String {
        let mut digest = Hasher::new();
        digest.update(format!(
            "{} {} {:?} {} {} {} {:?}",
            self.steps, self.batch, self.rate, self.prior, self.seed, self.precision, self.selection
        ));
        for pack in packs {
            digest.update(format!("{} {:?} {}", pack.fingerprint, pack.metadata, pack.mask.count()));
            let learned = pack.embeddings.iter().flat_map(|learned| &learned.values);
            learned.for_each(|value| digest.update(value.to_le_bytes()));
        }
        for example in &examples.pictures {
            example.latent.iter().for_each(|value| digest.update(value.to_le_bytes()));
        }
        digest.finish().to_string()
    }
}

/// What tuning came to.
#[derive(Debug)]
pub struct Tuned {
    /// The scope that all packs have.
    pub scope: Scope,
    /// The tuned neurons: one mask for each pack, or with scope `prompt` one of their union.
    pub masks: Vec<ConceptMask>,
    /// Held-out losses of the base model.
    pub base: Losses,
    /// Held-out losses of the packs as they were.
    pub before: Losses,
    /// Held-out losses of the tuned packs.
    pub after: Losses,
    /// Training loss by step.
    pub history: Vec<f64>,
    /// Seconds spent on steps, those before an interruption included.
    pub seconds: f64,
    checkpoint: Checkpoint,
}

impl Tuned {
    /// Removes the file by which an interrupted run goes on; to be called once the packs stand.
    pub fn remove_interim(&self) {
        self.checkpoint.remove();
    }
}

/// Trains a factor for each neuron of several packs, with all of them switched on; where packs are to be binary, finds other
/// neurons, from theirs on. Interrupted, the same call goes on where it was, and the result is the same.
///
/// # Errors
/// When two packs have one trigger, or packs of scope `prompt` hold learned embeddings; when scopes differ, pictures are
/// missing, the steps would not fit into memory, or the model fails;
/// [`Error::is_cancelled`](crate::Error::is_cancelled) once `cancel` says so.
pub fn tune(
    bundle: &Bundle,
    packs: &[Pack],
    options: &TuneOptions,
    observer: &mut dyn FindObserver,
    cancel: &CancelToken,
) -> Result<Tuned> {
    factors::check(options.precision)?;
    let scope = check(packs)?;
    let schedule = options.schedule(scope);
    let size = schedule.mixture.size();
    room::check(bundle, size, &options.gradient, false)?;
    if let Some(folder) = options.checkpoint.parent() {
        std::fs::create_dir_all(folder).map_err(CoreError::io("create", folder))?;
    }
    let examples = examples(bundle, packs, options, observer, cancel)?;
    let masks = match scope {
        Scope::Trigger => packs.iter().map(|pack| pack.mask.clone()).collect(),
        Scope::Prompt => vec![unite(packs, &bundle.manifest().layers)?],
    };
    let weights = Weights::read(bundle.attention());
    let base = weights.stacked(masks.len());
    let manifest = bundle.manifest();
    let diffusion = Diffusion::new(&manifest.noise_schedule, manifest.prediction_type)?;
    let mut objective = GraphObjective::new(bundle, &examples, &weights, scope, size, options.gradient.clone())?;
    let problem = Problem { layers: &manifest.layers, base: &base, examples: &examples, diffusion: &diffusion };
    let mut finder = Finder { problem, objective: &mut objective, observer, cancel };
    let checkpoint = Checkpoint::new(&options.checkpoint, options.key(packs, &examples));
    let (tuned, progress) = match options.precision {
        Precision::Binary => {
            let rate = options.rate.unwrap_or(MethodTuning::default().rate);
            let tuning = MethodTuning { rate, pressure: MethodTuning::pressure(scope), ..MethodTuning::default() };
            let mut method = Learned::from_masks(&base, &masks, &tuning);
            let progress = finder.learn(&mut method, &schedule, Some(&checkpoint))?;
            (method.masks(&manifest.layers)?, progress)
        }
        precision => {
            let mut method = Factors::new(&base, &masks, options.rate.unwrap_or(factors::RATE));
            let progress = finder.learn(&mut method, &schedule, Some(&checkpoint))?;
            let kept = |mask: &ConceptMask| to_precision(mask, precision);
            (method.masks(&masks)?.iter().map(kept).collect::<cones_core::Result<Vec<_>>>()?, progress)
        }
    };
    let held_out = finder.held_out(options.held_out, &schedule)?;
    let mut measure = |masks: &[ConceptMask]| held_out.measure(finder.objective, &masked(&weights, masks), cancel);
    let (base, before, after) = (measure(&[])?, measure(&masks)?, measure(&tuned)?);
    let (history, seconds) = (progress.history, progress.seconds);
    Ok(Tuned { scope, masks: tuned, base, before, after, history, seconds, checkpoint })
}

/// The scope that all packs have, if they can be tuned together.
fn check(packs: &[Pack]) -> Result<Scope> {
    check_neurons(packs)?;
    let in_place = |pack: &&Pack| pack.embeddings.as_ref().is_some_and(|embeddings| embeddings.in_place);
    if let Some(pack) = packs.iter().find(in_place) {
        return Err(Error::Packs {
            reason: format!("`{}` was imported as a learned word, and has no neurons to tune", pack.metadata.name),
            hint: "switch it on beside the others, with a --subject for each".into(),
        });
    }
    let metadata: Vec<_> = packs.iter().map(|pack| &pack.metadata).collect();
    for (i, pack) in metadata.iter().enumerate() {
        if let Some(twin) = metadata.iter().take(i).find(|known| known.trigger == pack.trigger) {
            let names = (&twin.name, &pack.name, &pack.trigger);
            return Err(Error::Packs {
                reason: format!("`{}` and `{}` have the same trigger `{}`", names.0, names.1, names.2),
                hint: "a prompt could not tell them apart; find one of them with another".into(),
            });
        }
    }
    let scope = metadata.first().map(|pack| pack.scope).unwrap_or_default();
    if let Some(other) = metadata.iter().find(|pack| pack.scope != scope) {
        let reason = format!(
            "the packs have different scopes: `{}` changes the rows of its trigger or of the whole prompt, and the others do not",
            other.name
        );
        return Err(Error::Packs { reason, hint: "tune packs of one scope together".into() });
    }
    if scope == Scope::Prompt {
        check_unitable(packs)?;
    }
    Ok(scope)
}

/// The subjects' pictures alone and side by side, encoded.
fn examples<'a>(
    bundle: &Bundle,
    packs: &'a [Pack],
    options: &'a TuneOptions,
    observer: &mut dyn FindObserver,
    cancel: &CancelToken,
) -> Result<Examples> {
    let member = |(pack, folder): (&'a Pack, &'a PathBuf)| Member {
        folder,
        class: &pack.metadata.class,
        trigger: &pack.metadata.trigger,
    };
    let members: Vec<Member<'_>> = packs.iter().zip(&options.images).map(member).collect();
    // What is learned from is what is drawn: no classifier is asked.
    // The engine goes before the derivative comes: its graphs would only take memory from it.
    let mut engine = Engine::new(Bundle::open(bundle.path())?, options.engine.clone().with_safety(SafetyPolicy::Off))?;
    let mut examples = joint::prepare(&mut engine, &members, options.drawn, options.seed, observer, cancel)?;
    // Embeddings that a pack has learned stay as they are, also where the base weights are measured.
    joint::embed(&mut engine, &mut examples, &packs.iter().map(Pack::subject).collect::<Vec<_>>())?;
    Ok(examples)
}

/// The weights of each subject with its mask; without masks, the base weights for whatever subject.
fn masked(weights: &Weights, masks: &[ConceptMask]) -> Weights {
    let layers = masks.iter().flat_map(|mask| weights.masked(mask).layers).collect::<Vec<_>>();
    if layers.is_empty() { weights.clone() } else { Weights { layers } }
}
