//! Finding a subject's neurons, with previews on the way.

use std::collections::BTreeMap;

use cones_core::subjects::pack::{Metadata, to_precision};
use cones_core::{CancelToken, Pack, Picture};
use cones_find::batch::Mixture;
use cones_find::drawing::Shown;
use cones_find::record::Record;
use cones_find::{FindOptions, find};

use super::finding::Finding;
use crate::drawer::{Drawer, preview};
use crate::error::{Error, Result};
use crate::folder;
use crate::id::Id;
use crate::job::FindWork;
use crate::studio::Studio;
use crate::subject::{Shot, Subject};

/// From so many photos on one is held back, as `cones find` does.
const ENOUGH: usize = 7;

/// What is refused before it waits for its turn.
///
/// # Errors
/// [`Error::Request`] naming what is wrong.
pub(crate) fn check(studio: &Studio, work: &FindWork) -> Result<()> {
    let subject = studio.subjects.get(work.subject)?;
    if subject.photos.is_empty() {
        return Err(Error::request(format!("`{}` has no photos yet", subject.name), "add three to ten"));
    }
    for (name, value, least, most) in [
        ("steps", work.steps, 1, 100_000),
        ("batch", work.batch, 2, 512),
        ("drawn", work.drawn, 1, 1000),
        ("held_out", work.held_out, 1, 4096),
    ] {
        if !(least..=most).contains(&value) {
            return Err(Error::request(format!("`{name}` is {value}"), format!("it goes from {least} to {most}")));
        }
    }
    Ok(())
}

/// Finds, and makes the pack of its subject. Stopped, the same work goes on where it was.
pub(crate) fn run(studio: &Studio, drawer: &mut Drawer, job: Id, work: &FindWork, cancel: &CancelToken) -> Result<()> {
    // Derivatives take the memory that the engine holds.
    drawer.rest();
    let subject = studio.subjects.get(work.subject)?;
    let options = options(studio, &subject, work)?;
    studio.queue.advance(job, |job| job.history.clear());
    let mut finding = Finding::new(studio, drawer, job, work, &subject, cancel);
    let found = find(&studio.bundle, &options, &mut finding, cancel)?;
    let mut metadata = Metadata::new(&subject.name, &subject.trigger, &subject.class);
    metadata.model.clone_from(&studio.bundle.manifest().name);
    let before = subject.pack.as_ref().filter(|pack| pack.name == subject.name);
    metadata.version = before.map_or(1, |pack| pack.version.saturating_add(1));
    let mask = to_precision(&found.mask, found.precision)?;
    let mut pack = Pack::new(metadata, studio.bundle.manifest().fingerprint, mask, found.precision);
    pack.embeddings.clone_from(&found.embeddings);
    if work.preview_every > 0 {
        let shown = Shown { subject: pack.subject(), class: subject.class.clone() };
        finding.preview(found.record.history.len(), &shown)?;
        pack.preview = last_picture(studio, job);
    }
    studio.subjects.set_pack(subject.id, &pack, true)?;
    let file = studio.subjects.pack_file(subject.id)?;
    found.record.save(&file)?;
    found.remove_interim();
    Ok(())
}

fn options(studio: &Studio, subject: &Subject, work: &FindWork) -> Result<FindOptions> {
    let (pictures, found) = (studio.subjects.pictures(subject.id), studio.subjects.found(subject.id));
    folder::make(&found)?;
    write_captions(studio, subject)?;
    let mut options = FindOptions::new(pictures, &subject.class, found);
    options.trigger.clone_from(&subject.trigger);
    options.hold_back = usize::from(subject.photos.len() >= ENOUGH);
    options.search.schedule.steps = work.steps;
    options.search.schedule.mixture = Mixture::new(work.batch, options.scope, 1.0);
    options.search.schedule.seed = work.seed;
    options.search.held_out = work.held_out;
    options.drawn = work.drawn;
    options.engine = studio.engine.clone();
    options.gradient = studio.gradient.clone();
    Ok(options)
}

/// Writes what was said of the photos where the finder reads it.
fn write_captions(studio: &Studio, subject: &Subject) -> Result<()> {
    let said = subject.photos.iter().filter(|shot| !shot.caption.is_empty());
    let captions: BTreeMap<String, &str> = said.map(|shot| (Shot::file(shot.id), shot.caption.as_str())).collect();
    let file = studio.subjects.pictures(subject.id).join("subject.json");
    folder::write_json(&file, &BTreeMap::from([("captions", captions)]))
}

/// The last picture of the job that shows the subject, as a pack holds it.
fn last_picture(studio: &Studio, job: Id) -> Option<Vec<u8>> {
    let pictures = studio.queue.get(job).ok()?.pictures;
    let last = pictures.iter().rev().find(|picture| !picture.base && !picture.blurred)?;
    preview(&Picture::open(&studio.folder.job(job).join(format!("{}.png", last.name))).ok()?)
}

/// The figures of a subject's finding; none where it was not found here.
pub(crate) fn record(studio: &Studio, subject: Id) -> Result<Option<Record>> {
    Ok(Record::read(&studio.subjects.pack_file(subject)?)?)
}
