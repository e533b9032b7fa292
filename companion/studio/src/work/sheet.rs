//! A sheet: contexts across, strengths down.

use cones_core::CancelToken;
use cones_find::drawing::{self, Shown, contexts};

use crate::drawer::{Drawer, Of};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::job::{Progress, SheetWork};
use crate::studio::Studio;

/// Contexts of one sheet, and strengths.
const MOST: usize = 16;
/// Where nothing else is said: the base model, half, and whole.
const STRENGTHS: [f32; 3] = [0.0, 0.5, 1.0];
/// Contexts where nothing else is said.
const CONTEXTS: usize = 4;

/// The work with its defaults, checked.
///
/// # Errors
/// [`Error::Request`] naming what is wrong.
pub(crate) fn checked(studio: &Studio, mut work: SheetWork) -> Result<SheetWork> {
    if work.contexts.is_empty() {
        work.contexts = contexts().into_iter().take(CONTEXTS).collect();
    }
    if work.strengths.is_empty() {
        work.strengths = STRENGTHS.to_vec();
    }
    if work.contexts.len() > MOST || work.strengths.len() > MOST {
        return Err(Error::request("the sheet is too large", format!("take at most {MOST} contexts and strengths")));
    }
    if let Some(line) = work.contexts.iter().find(|line| !line.contains("{}")) {
        return Err(Error::request(format!("`{line}` has no place for the subject"), "write {} where it stands"));
    }
    if let Some(strength) = work.strengths.iter().find(|strength| !(0.0..=1.0).contains(*strength)) {
        return Err(Error::request(format!("a strength is {strength}"), "strengths go from 0 to 1"));
    }
    let (pack, _) = studio.subjects.pack(work.subject)?;
    let shown = Shown { subject: pack.subject(), class: pack.metadata.class };
    work.contexts.iter().try_for_each(|line| drawing::request(line, &[&shown], true).map(drop))?;
    Ok(work)
}

/// Draws, row by row.
pub(crate) fn run(studio: &Studio, drawer: &mut Drawer, job: Id, work: &SheetWork, cancel: &CancelToken) -> Result<()> {
    let (pack, sha256) = studio.subjects.pack(work.subject)?;
    let subject = pack.subject().from_pack(sha256);
    let all = work.contexts.len() * work.strengths.len();
    for (i, line) in work.contexts.iter().enumerate() {
        for (k, strength) in work.strengths.iter().enumerate() {
            let base = *strength == 0.0;
            let shown = Shown { subject: subject.clone().with_strength(*strength), class: pack.metadata.class.clone() };
            let mut request = drawing::request(line, &[&shown], !base)?.with_seed(work.seed);
            request.steps = work.steps;
            let done = i * work.strengths.len() + k;
            studio.queue.advance(job, |job| {
                job.progress = Progress { stage: "drawing".into(), done, of: all, ..Progress::default() };
            });
            let of = Of { base, strength: Some(*strength), ..Of::default() };
            drawer.draw((studio, job), &request, (of, &mut |_, _| {}), cancel)?;
        }
    }
    Ok(())
}
