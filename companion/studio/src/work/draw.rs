//! Drawing a prompt.

use cones_core::{CancelToken, Init, Inpaint, Picture, Request, Subject as Switch};
use cones_find::drawing::{self, Shown};

use crate::drawer::{Drawer, Of};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::job::{DrawWork, InitWork, Progress, Switched};
use crate::studio::Studio;

/// Pictures of one job.
const MOST: u32 = 16;
/// Subjects in one picture.
const MOST_SUBJECTS: usize = 8;
/// Bytes of a prompt.
const LONGEST: usize = 4000;

/// What is refused before it waits for its turn.
///
/// # Errors
/// [`Error::Request`] naming what is wrong; what the engine refuses.
pub(crate) fn check(studio: &Studio, work: &DrawWork) -> Result<()> {
    if work.prompt.trim().is_empty() {
        return Err(Error::request("the prompt is empty", "say what to draw, as: a dog on grass"));
    }
    if work.prompt.len() > LONGEST || work.negative_prompt.len() > LONGEST {
        return Err(Error::request("the prompt is too long", format!("it may have {LONGEST} bytes")));
    }
    if !(1..=MOST).contains(&work.count) || work.subjects.len() > MOST_SUBJECTS {
        let hint = format!("ask for 1 to {MOST} pictures of at most {MOST_SUBJECTS} subjects");
        return Err(Error::request("that is too much for one job", hint));
    }
    let shown = shown(studio, &work.subjects)?;
    request(studio, work, &shown, true).map(drop)
}

/// Draws.
pub(crate) fn run(studio: &Studio, drawer: &mut Drawer, job: Id, work: &DrawWork, cancel: &CancelToken) -> Result<()> {
    let shown = shown(studio, &work.subjects)?;
    let sides: &[bool] = if work.beside_base && !shown.is_empty() { &[false, true] } else { &[true] };
    for (i, with) in sides.iter().enumerate() {
        let request = request(studio, work, &shown, *with)?;
        let of = Of { base: !with, ..Of::default() };
        let mut watch = |done: usize, all: usize| {
            let progress = Progress {
                stage: "drawing".into(),
                done: i * all + done,
                of: sides.len() * all,
                ..Progress::default()
            };
            studio.queue.advance(job, |job| job.progress = progress);
        };
        drawer.draw((studio, job), &request, (of, &mut watch), cancel)?;
    }
    Ok(())
}

/// The subjects that are on, with their packs.
fn shown(studio: &Studio, subjects: &[Switched]) -> Result<Vec<Shown>> {
    let open = |on: &Switched| -> Result<Shown> {
        let (pack, sha256) = studio.subjects.pack(on.subject)?;
        let subject: Switch = pack.subject().from_pack(sha256).with_strength(on.strength);
        Ok(Shown { subject, class: pack.metadata.class })
    };
    subjects.iter().map(open).collect()
}

/// What the engine is asked for; without the subjects by the base model, with their class words.
fn request(studio: &Studio, work: &DrawWork, shown: &[Shown], with: bool) -> Result<Request> {
    let set: Vec<&Shown> = shown.iter().collect();
    let mut request = drawing::request(&work.prompt, &set, with)?
        .with_negative_prompt(&work.negative_prompt)
        .with_seed(work.seed)
        .with_count(work.count);
    request.steps = work.steps;
    request.guidance = work.guidance;
    if let Some(init) = &work.init {
        request.init = Some(start(studio, init)?);
    }
    Ok(request)
}

/// The picture to start from.
fn start(studio: &Studio, init: &InitWork) -> Result<Init> {
    let start = Init::new(Picture::open(&studio.gallery.file(init.picture)?)?, init.strength);
    match init.mask {
        None => Ok(start),
        Some(mask) => {
            let mask = Picture::open_mask_image(&studio.masks.file(mask)?)?;
            Ok(start.with_inpaint(Inpaint::new(mask)))
        }
    }
}
