//! What several subjects are tuned on together: each one's pictures, and pictures with two of them side by side.

use std::path::Path;

use cones_core::{CancelToken, Engine, Subject};

use crate::beside::{of_both, side_by_side};
use crate::error::Result;
use crate::examples::{Examples, Part};
use crate::observer::FindObserver;
use crate::prepare::{Captioned, add_drawn, add_example, captioned, empty_examples};
use crate::prompts;

/// Pictures side by side of each two subjects.
const PAIRS: usize = 12;

/// One of the subjects.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member<'a> {
    /// The folder with its pictures.
    pub folder: &'a Path,
    /// The subject's class, as `dog`.
    pub class: &'a str,
    /// The words that stand for it, as `<v1> dog`.
    pub trigger: &'a str,
}

/// Encodes the subjects' pictures alone and side by side, and draws `drawn` pictures of their classes and of other things.
///
/// # Errors
/// When there are no pictures, one cannot be read, a trigger is no part of a prompt's tokens, or the model fails.
pub fn prepare(
    engine: &mut Engine,
    members: &[Member<'_>],
    drawn: usize,
    seed: u64,
    observer: &mut dyn FindObserver,
    cancel: &CancelToken,
) -> Result<Examples> {
    let mut examples = empty_examples(engine);
    let mut pictures = Vec::new();
    for (i, member) in members.iter().enumerate() {
        let own = captioned(engine, member.folder, member.class, member.trigger, 0)?;
        for Captioned { prompt, picture, .. } in &own {
            cancel.check()?;
            add_example(engine, &mut examples, Part::Subject, prompt, &named(members, &[i]), picture, cancel)?;
        }
        pictures.push(own);
        observer.prepared("subject", i + 1, members.len());
    }
    let of_two: Vec<(usize, usize)> =
        (0..members.len()).flat_map(|first| (first + 1..members.len()).map(move |second| (first, second))).collect();
    for (done, &(first, second)) in of_two.iter().enumerate() {
        for i in 0..PAIRS {
            cancel.check()?;
            // Every other time the second stands on the left.
            let (left, right) = if i % 2 == 0 { (first, second) } else { (second, first) };
            let [own_left, own_right] = [left, right].map(|member| pictures.get(member).map_or(&[][..], Vec::as_slice));
            // First each with the other's picture of the same number, then with the next one's.
            let pair = own_left
                .get((i / 2) % own_left.len().max(1))
                .zip(own_right.get((i / 2 + i / 6) % own_right.len().max(1)));
            let Some((left_one, right_one)) = pair else { continue };
            let triggers = [left, right].map(|member| members.get(member).map_or("", |m| m.trigger));
            let prompt = of_both(&left_one.prompt, &right_one.prompt, triggers);
            let picture = side_by_side(&left_one.picture, &right_one.picture)?;
            add_example(
                engine,
                &mut examples,
                Part::Subject,
                &prompt,
                &named(members, &[left, right]),
                &picture,
                cancel,
            )?;
        }
        observer.prepared("paired", done + 1, of_two.len());
    }
    let mut of_classes = Vec::new();
    for member in members {
        of_classes.extend(prompts::of_class(member.class, drawn.div_ceil(members.len())));
    }
    add_drawn(engine, &mut examples, Part::Class, &of_classes, seed, observer, cancel)?;
    let classes: Vec<&str> = members.iter().map(|member| member.class).collect();
    add_drawn(
        engine,
        &mut examples,
        Part::Other,
        &prompts::of_others(&classes.join(" "), drawn),
        seed,
        observer,
        cancel,
    )?;
    Ok(examples)
}

/// Encodes the prompts anew that name a subject with learned embeddings.
///
/// # Errors
/// When embeddings do not fit their trigger or the model, or the model fails.
pub fn embed(engine: &mut Engine, examples: &mut Examples, subjects: &[Subject]) -> Result<()> {
    if subjects.iter().any(|subject| subject.embeddings.is_some()) {
        for caption in &mut examples.captions {
            caption.embedding = engine.embed_with(&caption.text, subjects)?;
        }
    }
    Ok(())
}

/// The triggers that a prompt holds, in the members' order; empty for the others.
fn named<'a>(members: &[Member<'a>], holds: &[usize]) -> Vec<&'a str> {
    members.iter().enumerate().map(|(i, member)| if holds.contains(&i) { member.trigger } else { "" }).collect()
}
