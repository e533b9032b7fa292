//! Finding from start to end.

use std::path::PathBuf;
use std::time::Instant;

use cones_core::disk::hash::{Hasher, Sha256};
use cones_core::sampling::scheduler::Diffusion;
use cones_core::subjects::pack::{Precision, TokenEmbeddings};
use cones_core::{Bundle, CancelToken, ConceptMask, Engine, EngineOptions, SafetyPolicy, Scope};
use cones_gradient::GradientOptions;

use crate::cache::Cache;
use crate::checkpoint::Checkpoint;
use crate::error::Result;
use crate::examples::{Examples, Part};
use crate::finder::{Finder, Problem, SearchOptions};
use crate::graph_objective::GraphObjective;
use crate::objective::Objective;
use crate::observer::FindObserver;
use crate::prepare::{ExampleSpec, draw_shared, encode_own};
use crate::record::{LearnedTrigger, Record, Seconds, peak_memory};
use crate::trigger_objective::{self, TriggerObjective, TriggerSpec};
use crate::warnings::warnings;
use crate::weights::Weights;
use crate::{factors, pictures, room};

/// Of which subject neurons are found, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FindOptions {
    /// Folder with 1 to 10 pictures of the subject (PNG, JPEG, WebP). A `subject.json` there may hold captions.
    pub images: PathBuf,
    /// What kind of thing the subject is, as `dog`.
    pub class: String,
    /// The words that stand for the subject, as `<v1> dog`.
    pub trigger: String,
    /// Which rows of K and V the mask changes.
    pub scope: Scope,
    /// How many of the pictures, the last by name, are held back: nothing is learned from them, so that they can tell how well
    /// the subject was learned. One picture at least is learned from.
    pub hold_back: usize,
    /// How neurons are searched for. Its seed decides all that is random.
    pub search: SearchOptions,
    /// Adam's learning rate of the trigger's embedding, in units of the root mean square of the model's table; `None`
    /// leaves the embedding as it is.
    pub trigger_rate: Option<f64>,
    /// What the pack will keep of each neuron; all but `Binary` train a factor for it.
    pub precision: Precision,
    /// Steps in which factors are trained.
    pub factor_steps: usize,
    /// Pictures of the class, and as many of other things, that the model draws for itself.
    pub drawn: usize,
    /// Whether the subject's pictures are learned from alone; else also as many as `drawn` in which it stands beside another
    /// thing that the model drew: so its neurons let other things in a picture be.
    pub alone: bool,
    /// Whether the pictures are learned from mirrored, too.
    pub flip: bool,
    /// How pictures are drawn and encoded.
    pub engine: EngineOptions,
    /// How derivatives run.
    pub gradient: GradientOptions,
    /// Where the encoded pictures are kept: a file, or a folder for those of several runs.
    pub examples: PathBuf,
    /// A folder for the pictures that the model draws for itself, which subjects of one class and seed share: drawn once and
    /// kept; `None` keeps them with the subject's alone.
    pub shared: Option<PathBuf>,
    /// Whether [`Found::remove_interim`] leaves the encoded pictures for other runs.
    pub keep_examples: bool,
    /// Where an interrupted run keeps what it has learned.
    pub checkpoint: PathBuf,
}

impl FindOptions {
    /// The defaults for the subject of class `class` whose pictures are in `images`: 300 steps of twelve pictures by the
    /// method `Learned`, with scope `trigger` and a binary pack. The files of an interrupted run lie in the folder `work`,
    /// which must be there.
    pub fn new(images: impl Into<PathBuf>, class: impl Into<String>, work: impl Into<PathBuf>) -> Self {
        let (class, work): (String, PathBuf) = (class.into(), work.into());
        Self {
            images: images.into(),
            trigger: format!("<v1> {class}"),
            class,
            scope: Scope::Trigger,
            hold_back: 0,
            search: SearchOptions::new(Scope::Trigger),
            trigger_rate: None,
            precision: Precision::Binary,
            factor_steps: 100,
            drawn: 16,
            alone: false,
            flip: false,
            engine: EngineOptions::default(),
            gradient: GradientOptions::default(),
            examples: work.join("subject.examples"),
            shared: None,
            keep_examples: false,
            checkpoint: work.join("subject.finding"),
        }
    }

    fn example_spec(&self) -> ExampleSpec<'_> {
        ExampleSpec {
            folder: &self.images,
            class: &self.class,
            trigger: &self.trigger,
            hold_back: self.hold_back,
            flip: self.flip,
            class_pictures: self.drawn,
            other_pictures: self.drawn,
            company: if self.alone { 0 } else { self.drawn },
            seed: self.search.schedule.seed,
        }
    }

    /// The search, with batches that hold pictures in company where there are such.
    fn search(&self) -> SearchOptions {
        let mut search = self.search.clone();
        if !self.alone {
            search.schedule.mixture = search.schedule.mixture.in_company();
        }
        search
    }

    /// What decides the run: with the same key an interrupted one goes on.
    fn key(&self, examples: &Examples, fingerprint: Sha256) -> String {
        let mut digest = Hasher::new();
        digest.update(format!("{fingerprint} {:?} {}", self.search(), self.scope));
        if let Some(rate) = self.trigger_rate {
            digest.update(format!("trigger {rate}"));
        }
        for example in examples.pictures.iter().filter(|e| e.part != Part::Other) {
            digest.update(&examples.captions[example.caption].text);
            example.latent.iter().for_each(|value| digest.update(value.to_le_bytes()));
        }
        digest.finish().to_string()
    }
}

/// The neurons of a subject, with all that a pack of them needs.
#[derive(Debug)]
pub struct Found {
    /// The neurons; with factors where `precision` is not binary.
    pub mask: ConceptMask,
    /// The least precision from [`FindOptions::precision`] on that can hold the factors.
    pub precision: Precision,
    /// The trigger's embedding, where it was learned.
    pub embeddings: Option<TokenEmbeddings>,
    /// The figures. Its `command` is empty: only a caller knows it.
    pub record: Record,
    checkpoint: Checkpoint,
    cache: Option<Cache>,
}

impl Found {
    /// Removes the files by which an interrupted run goes on; to be called once the pack stands.
    pub fn remove_interim(&self) {
        self.checkpoint.remove();
        if let Some(cache) = &self.cache {
            cache.remove();
        }
    }
}

/// Finds the concept neurons of a subject. Interrupted, the same call goes on where it was, and the result is the same.
///
/// # Errors
/// When there are no pictures, the trigger cannot be found in the prompts or has nothing to be learned, the steps would
/// not fit into memory, or the model fails; [`Error::is_cancelled`](crate::Error::is_cancelled) once `cancel` says so,
/// after what was learned has been written down.
pub fn find(
    bundle: &Bundle,
    options: &FindOptions,
    observer: &mut dyn FindObserver,
    cancel: &CancelToken,
) -> Result<Found> {
    factors::check(options.precision)?;
    let start = Instant::now();
    let (manifest, spec) = (bundle.manifest(), options.example_spec());
    let search = options.search();
    let size = search.schedule.mixture.size();
    let warnings = warnings(bundle, &spec)?;
    if options.trigger_rate.is_some() {
        trigger_objective::check(bundle)?;
    }
    room::check(bundle, size, &options.gradient, options.trigger_rate.is_some())?;
    warnings.iter().for_each(|warning| observer.warned(warning));
    let cache = Cache::new(&options.examples, &spec, manifest.fingerprint)?;
    let examples = match cache.load().filter(|kept| kept.fit(manifest)) {
        Some(examples) => examples,
        None => {
            let examples = prepare(bundle, options, observer, cancel)?;
            cache.save(&examples)?;
            examples
        }
    };
    let preparing = start.elapsed().as_secs_f64();
    let base = Weights::read(bundle.attention());
    let diffusion = Diffusion::new(&manifest.noise_schedule, manifest.prediction_type)?;
    let objective = GraphObjective::new(bundle, &examples, &base, options.scope, size, options.gradient.clone())?;
    let mut objective: Box<dyn Objective + '_> = match options.trigger_rate {
        Some(rate) => {
            let spec = TriggerSpec { trigger: &options.trigger, class: &options.class, rate };
            Box::new(TriggerObjective::new(objective, bundle, &examples, &spec, &options.gradient)?)
        }
        None => Box::new(objective),
    };
    let checkpoint = Checkpoint::new(&options.checkpoint, options.key(&examples, manifest.fingerprint));
    let problem = Problem { layers: &manifest.layers, base: &base, examples: &examples, diffusion: &diffusion };
    let mut finder = Finder { problem, objective: objective.as_mut(), observer, cancel };
    let mut chosen = finder.find(&search, Some(&checkpoint))?;
    let factors = match options.precision {
        Precision::Binary => None,
        // Fine-tuning has trained them already.
        _ if !chosen.mask.is_binary() => None,
        precision => Some(factors::train(&mut finder, &search, options.factor_steps, &mut chosen, precision)?),
    };
    let precision = match options.precision {
        // Fine-tuning has a factor for every weight; where a weight is next to nothing, float16 cannot hold it.
        Precision::Binary if !chosen.mask.is_binary() => Precision::Float32,
        precision => precision,
    };
    let embeddings = objective.trigger().map(|trigger| trigger.embeddings());
    let record = Record {
        command: Vec::new(),
        method: options.search.method.to_string(),
        scope: options.scope.to_string(),
        seed: options.search.schedule.seed,
        neurons: chosen.chosen.neurons,
        share: chosen.chosen.share,
        base: chosen.base,
        trigger: embeddings.as_ref().zip(chosen.trigger).map(|(learned, alone)| LearnedTrigger::new(learned, alone)),
        chosen: chosen.chosen.losses,
        curve: chosen.curve,
        factors,
        held_back: file_names(&pictures::split(&options.images, options.hold_back)?.1),
        looks: None,
        history: chosen.history,
        seconds: Seconds { preparing, steps: chosen.seconds, total: start.elapsed().as_secs_f64() },
        peak_memory: peak_memory(),
    };
    let cache = (!options.keep_examples).then_some(cache);
    Ok(Found { mask: chosen.mask, precision, embeddings, record, checkpoint, cache })
}

/// The file of what subjects of this class and seed share, where [`FindOptions::shared`] names a folder for it; whether or
/// not it is there.
///
/// # Errors
/// When the bundle's manifest cannot be read.
pub fn shared_file(bundle: &Bundle, options: &FindOptions) -> Result<Option<PathBuf>> {
    Ok(shared_cache(bundle, options)?.map(|cache| cache.path().to_path_buf()))
}

/// Draws what subjects of this class and seed share into [`shared_file`], where it is not there already.
///
/// # Errors
/// When the model fails, the file cannot be written, or `cancel` says so.
pub fn make_shared(
    bundle: &Bundle,
    options: &FindOptions,
    observer: &mut dyn FindObserver,
    cancel: &CancelToken,
) -> Result<()> {
    if let Some(cache) = shared_cache(bundle, options)?
        && cache.load().is_none_or(|kept| !kept.fit(bundle.manifest()))
    {
        cache.save(&draw_shared(&mut engine(bundle, options)?, &options.example_spec(), observer, cancel)?)?;
    }
    Ok(())
}

fn shared_cache(bundle: &Bundle, options: &FindOptions) -> Result<Option<Cache>> {
    let Some(folder) = &options.shared else { return Ok(None) };
    let provider = options.engine.provider;
    Cache::shared(folder, bundle, &options.example_spec(), provider).map(Some)
}

/// What is learned from is what is drawn: no classifier is asked.
fn engine(bundle: &Bundle, options: &FindOptions) -> Result<Engine> {
    Ok(Engine::new(Bundle::open(bundle.path())?, options.engine.clone().with_safety(SafetyPolicy::Off))?)
}

/// The subject's own examples, and those that it shares.
fn prepare(
    bundle: &Bundle,
    options: &FindOptions,
    observer: &mut dyn FindObserver,
    cancel: &CancelToken,
) -> Result<Examples> {
    // The engine goes before the derivative comes: its graphs would only take memory from it.
    let (mut engine, spec) = (engine(bundle, options)?, options.example_spec());
    let mut examples = encode_own(&mut engine, &spec, observer, cancel)?;
    let kept = shared_cache(bundle, options)?;
    let known = kept.as_ref().and_then(Cache::load).filter(|known| known.fit(bundle.manifest()));
    examples.append(match known {
        Some(known) => known,
        None => {
            let drawn = draw_shared(&mut engine, &spec, observer, cancel)?;
            if let Some(kept) = &kept {
                kept.save(&drawn)?;
            }
            drawn
        }
    });
    Ok(examples)
}

fn file_names(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned()).collect()
}
