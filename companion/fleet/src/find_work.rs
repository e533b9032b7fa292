//! The work for real: `cones_find` on the pictures of a subject.

use std::path::PathBuf;
use std::sync::Arc;

use cones_core::subjects::pack::{Metadata, Precision, to_precision};
use cones_core::{Bundle, CancelToken, ConceptMask, EngineOptions, Pack, Scope};
use cones_find::batch::Mixture;
use cones_find::finder::SearchOptions;
use cones_find::record::Record;
use cones_find::{FindOptions, find, make_shared, pictures, shared_file, warnings};
use cones_gradient::GradientOptions;

use crate::fetch::one_line;
use crate::subject::{Only, Subject};
use crate::work::{Job, Made, Trouble, Work};

/// From so many pictures on one is held back where nothing else is said, as `cones find` does.
const ENOUGH: usize = 7;
/// The learning rate of a trigger's embedding, as in `cones find`.
const TRIGGER_RATE: f64 = 0.1;

/// How all subjects of a run are worked on.
#[derive(Debug, Clone, Default)]
pub struct FindSettings {
    /// How pictures are drawn and encoded.
    pub engine: EngineOptions,
    /// How derivatives run.
    pub gradient: GradientOptions,
    /// What records say of the command that made them; no path and no secret belongs into it.
    pub command: Vec<String>,
}

/// Finds neurons.
#[derive(Debug, Clone)]
pub struct FindWork {
    bundle: Arc<Bundle>,
    settings: Arc<FindSettings>,
}

impl FindWork {
    /// Finds neurons of this base model.
    pub fn new(bundle: Bundle, settings: FindSettings) -> Self {
        Self { bundle: Arc::new(bundle), settings: Arc::new(settings) }
    }

    /// Runs what takes long on a thread of its own.
    async fn apart<T: Send + 'static>(
        &self,
        job: &Job,
        stop: &CancelToken,
        work: impl FnOnce(&Bundle, &FindSettings, &Job, &CancelToken) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        let (bundle, settings) = (Arc::clone(&self.bundle), Arc::clone(&self.settings));
        let (job, stop) = (job.clone(), stop.clone());
        let done = tokio::task::spawn_blocking(move || work(&bundle, &settings, &job, &stop)).await;
        done.unwrap_or_else(|error| Err(Trouble::Failed(format!("its work broke off: {}", one_line(&error)))))
    }
}

impl Work for FindWork {
    fn shared(&self, job: &Job) -> Result<Option<PathBuf>, Trouble> {
        let subject = &job.subject;
        // Before anything is drawn for it.
        if subject.rare_class != Some(true)
            && let Some(reason) = warnings::of_class(&self.bundle, &subject.class).map_err(of_find)?.into_iter().next()
        {
            return Err(Trouble::Failed(format!("{reason}, or say `rare_class`")));
        }
        pack(&self.bundle, job, &ConceptMask::empty(&self.bundle.manifest().layers), Precision::Binary)?;
        shared_file(&self.bundle, &options(&self.settings, job)?).map_err(of_find)
    }

    async fn make_shared(&self, job: &Job, stop: &CancelToken) -> Result<(), Trouble> {
        let make = |bundle: &Bundle, settings: &FindSettings, job: &Job, stop: &CancelToken| {
            make_shared(bundle, &options(settings, job)?, &mut (), stop).map_err(of_find)
        };
        self.apart(job, stop, make).await
    }

    async fn make(&self, job: &Job, stop: &CancelToken) -> Result<Made, Trouble> {
        self.apart(job, stop, found).await
    }
}

/// What is at fault: the subject, or this machine.
fn of_find(error: cones_find::Error) -> Trouble {
    use cones_core::Error as Core;
    match &error {
        _ if error.is_cancelled() => Trouble::Stopped,
        cones_find::Error::Memory { .. }
        | cones_find::Error::Core(
            Core::OutOfSpace { .. }
            | Core::OutOfMemory { .. }
            | Core::Io { .. }
            | Core::RuntimeMissing { .. }
            | Core::ProviderUnavailable { .. }
            | Core::BadBundle { .. },
        ) => Trouble::Worker(error.into()),
        _ => Trouble::Failed(one_line(&error)),
    }
}

fn found(bundle: &Bundle, settings: &FindSettings, job: &Job, stop: &CancelToken) -> Result<Made, Trouble> {
    let found = find(bundle, &options(settings, job)?, &mut (), stop).map_err(of_find)?;
    let mut made = pack(bundle, job, &found.mask, found.precision)?;
    made.embeddings.clone_from(&found.embeddings);
    let record = Record { command: settings.command.clone(), ..found.record };
    let of_pack = |error: cones_core::Error| Trouble::Failed(one_line(&error));
    Ok(Made {
        pack: made.encode().map_err(of_pack)?,
        neurons: record.neurons,
        record: serde_json::to_vec_pretty(&record).map_err(|error| Trouble::Failed(error.to_string()))?,
    })
}

/// The whole pack, as far as the mask is known; a wrong name or licence shows before long work starts.
fn pack(bundle: &Bundle, job: &Job, mask: &ConceptMask, precision: Precision) -> Result<Pack, Trouble> {
    let (subject, manifest) = (&job.subject, bundle.manifest());
    let mut metadata = Metadata::new(subject.name.clone(), trigger(subject), subject.class.clone());
    metadata.scope = subject.scope.unwrap_or(Scope::Trigger);
    metadata.created = job.created;
    metadata.author = subject.author.clone().unwrap_or_default();
    metadata.licence = subject.licence.clone().unwrap_or_default();
    metadata.model.clone_from(&manifest.name);
    let of_pack = |error: cones_core::Error| Trouble::Failed(one_line(&error));
    let pack = Pack::new(metadata, manifest.fingerprint, to_precision(mask, precision).map_err(of_pack)?, precision);
    pack.encode().map_err(of_pack)?;
    Ok(pack)
}

fn trigger(subject: &Subject) -> String {
    subject.trigger.clone().unwrap_or_else(|| format!("<v1> {}", subject.class))
}

/// What a line says, as the finder takes it.
fn options(settings: &FindSettings, job: &Job) -> Result<FindOptions, Trouble> {
    let subject = &job.subject;
    let scope = subject.scope.unwrap_or(Scope::Trigger);
    let mut options = FindOptions::new(job.pictures(), &subject.class, &job.folder);
    options.trigger = trigger(subject);
    options.scope = scope;
    let enough = || Ok::<_, Trouble>(usize::from(pictures::list(&job.pictures()).map_err(of_find)?.len() >= ENOUGH));
    options.hold_back = subject.hold_back.map_or_else(enough, Ok)?;
    options.search = search(subject, scope);
    options.trigger_rate = subject.learn_trigger.unwrap_or(false).then_some(TRIGGER_RATE);
    options.precision = subject.precision.unwrap_or(Precision::Binary);
    options.factor_steps = subject.factor_steps.unwrap_or(options.factor_steps);
    options.drawn = subject.drawn.unwrap_or(options.drawn);
    options.flip = subject.flip.unwrap_or(false);
    options.alone = subject.alone.unwrap_or(false);
    options.engine = settings.engine.clone();
    options.gradient = settings.gradient.clone();
    options.shared = Some(job.shared.clone());
    options.checkpoint = job.checkpoint();
    Ok(options)
}

fn search(subject: &Subject, scope: Scope) -> SearchOptions {
    let mut search = SearchOptions::new(scope);
    let share = subject.share.map(|percent| percent / 100.0);
    search.tuning.share = share.unwrap_or(search.tuning.share);
    search.schedule.steps = subject.steps.unwrap_or(search.schedule.steps);
    if let Some(batch) = subject.batch {
        search.schedule.mixture = Mixture::new(batch, scope, search.schedule.mixture.prior);
    }
    search.schedule.seed = subject.seed.unwrap_or(0);
    search.schedule.selection.only = subject.only.map_or(search.schedule.selection.only, Only::projection);
    search.schedule.timesteps = subject.timesteps.unwrap_or(search.schedule.timesteps);
    search.held_out = subject.held_out.unwrap_or(search.held_out);
    search.share = share;
    search
}

#[cfg(test)]
mod tests {
    use cones_find::selection::Projection;
    use cones_find::timesteps::Timesteps;

    use super::*;

    #[test]
    fn a_line_says_among_what_and_when_it_is_looked_for() {
        let line = r#"{"name":"rex","class":"dog","pictures":"p"}"#;
        let mut subject: Subject = serde_json::from_str(line).expect("a line");
        let plain = SearchOptions::new(Scope::Trigger).schedule;
        let of_line = |subject: &Subject| search(subject, Scope::Trigger).schedule;
        assert_eq!(of_line(&subject).selection.only, plain.selection.only);
        assert_eq!(of_line(&subject).timesteps, plain.timesteps);
        subject.only = Some(Only::Both);
        subject.timesteps = Some(Timesteps::Even);
        assert_eq!(of_line(&subject).selection.only, None);
        assert_eq!(of_line(&subject).timesteps, Timesteps::Even);
        subject.only = Some(Only::Keys);
        assert_eq!(of_line(&subject).selection.only, Some(Projection::Keys));
    }

    #[test]
    fn a_machine_that_is_full_is_not_the_subjects_fault() {
        let full = cones_find::Error::Memory { reason: "no".into(), hint: String::new() };
        assert!(matches!(of_find(full), Trouble::Worker(_)));
        assert!(matches!(of_find(cones_find::Error::NoClass), Trouble::Failed(_)));
        assert!(matches!(of_find(cones_core::Error::Cancelled.into()), Trouble::Stopped));
    }
}
