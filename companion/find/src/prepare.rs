//! From pictures and a class word to examples: prompts and pictures encoded once, class pictures drawn by the model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cones_core::text::tokenizer::Tokenizer;
use cones_core::{CancelToken, Drawn, Engine, Picture, Request};
use serde::Deserialize;

use crate::beside::{of_both, side_by_side};
use crate::error::{Error, Result};
use crate::examples::{Caption, Example, Examples, Part, shape_of};
use crate::observer::FindObserver;
use crate::{pictures, prompts};

/// A file in the folder of pictures that may hold `captions` by file name, as JSON.
pub(super) const CAPTIONS: &str = "subject.json";

/// Of which subject, and from how many pictures, examples are made.
#[derive(Debug, Clone, PartialEq)]
pub struct ExampleSpec<'a> {
    /// The folder with the subject's pictures.
    pub folder: &'a Path,
    /// The subject's class, as `dog`.
    pub class: &'a str,
    /// The words that stand for it, as `<v1> dog`.
    pub trigger: &'a str,
    /// How many of the pictures, the last ones, are not learned from.
    pub hold_back: usize,
    /// Also learn from the pictures mirrored.
    pub flip: bool,
    /// How many pictures of the class the model draws for itself, and how many of other things.
    pub class_pictures: usize,
    /// How many pictures of other things the model draws, to measure harm on.
    pub other_pictures: usize,
    /// How many pictures show the subject beside another thing, which the model draws for it.
    pub company: usize,
    /// Seed of the first drawn picture.
    pub seed: u64,
}

impl ExampleSpec<'_> {
    /// The file that may hold captions.
    pub(super) fn captions(&self) -> PathBuf {
        self.folder.join(CAPTIONS)
    }
}

#[derive(Deserialize)]
struct Described {
    #[serde(default)]
    captions: BTreeMap<String, String>,
}

/// Encodes the subject's pictures and prompts, alone and in company.
///
/// # Errors
/// When there are no pictures, one cannot be read, the trigger is no part of the prompts' tokens, or the model fails.
pub fn encode_own(
    engine: &mut Engine,
    spec: &ExampleSpec<'_>,
    observer: &mut dyn FindObserver,
    cancel: &CancelToken,
) -> Result<Examples> {
    let mut examples = empty_examples(engine);
    let own = captioned(engine, spec.folder, spec.class, spec.trigger, spec.hold_back)?;
    for (i, Captioned { prompt, picture, .. }) in own.iter().enumerate() {
        cancel.check()?;
        add_example(engine, &mut examples, Part::Subject, prompt, &[spec.trigger], picture, cancel)?;
        if spec.flip {
            let mirrored = pictures::mirrored(picture);
            add_example(engine, &mut examples, Part::Subject, prompt, &[spec.trigger], &mirrored, cancel)?;
        }
        observer.prepared("subject", i + 1, own.len());
    }
    add_company(engine, &mut examples, spec, &own, observer, cancel)?;
    Ok(examples)
}

/// Encodes `spec.company` pictures, each of the subject beside another thing that the model draws where the subject is: so that
/// its neurons let other things be.
fn add_company(
    engine: &mut Engine,
    examples: &mut Examples,
    spec: &ExampleSpec<'_>,
    own: &[Captioned],
    observer: &mut dyn FindObserver,
    cancel: &CancelToken,
) -> Result<()> {
    let things = prompts::things_but(spec.class);
    let pairs = own.iter().cycle().zip(things.iter().cycle()).take(spec.company);
    for (i, (Captioned { prompt, picture, .. }, thing)) in pairs.enumerate() {
        let other = prompts::replace_words(prompt, spec.trigger, thing).unwrap_or_else(|| prompts::plain(thing));
        for drawn in draw_one(engine, &other, Part::Company, i, spec.seed, cancel)? {
            let (subject, thing) = ((prompt.as_str(), spec.trigger, picture), (other.as_str(), *thing, &drawn.picture));
            // Each picture now on the left and now on the right, of an even number of pictures too.
            let (left, right) = if (i + i / own.len()).is_multiple_of(2) { (subject, thing) } else { (thing, subject) };
            let both = of_both(left.0, right.0, [left.1, right.1]);
            let picture = side_by_side(left.2, right.2)?;
            add_example(engine, examples, Part::Company, &both, &[spec.trigger], &picture, cancel)?;
        }
        observer.prepared("company", i + 1, spec.company);
    }
    Ok(())
}

/// Draws and encodes pictures of the class and of other things: what subjects of one class and seed have in common.
///
/// # Errors
/// When the model fails.
pub fn draw_shared(
    engine: &mut Engine,
    spec: &ExampleSpec<'_>,
    observer: &mut dyn FindObserver,
    cancel: &CancelToken,
) -> Result<Examples> {
    let mut examples = empty_examples(engine);
    let class = prompts::of_class(spec.class, spec.class_pictures);
    add_drawn(engine, &mut examples, Part::Class, &class, spec.seed, observer, cancel)?;
    let others = prompts::of_others(spec.class, spec.other_pictures);
    add_drawn(engine, &mut examples, Part::Other, &others, spec.seed, observer, cancel)?;
    Ok(examples)
}

/// No examples yet, of the shape of a bundle's.
pub(super) fn empty_examples(engine: &Engine) -> Examples {
    let (shape, tokens) = shape_of(engine.bundle().manifest());
    Examples { shape, tokens, ..Examples::default() }
}

/// A picture of a folder, as the model takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Captioned {
    /// Its file.
    pub file: PathBuf,
    /// Its caption with the trigger in the place of the class word.
    pub prompt: String,
    /// Its middle part, in the bundle's size.
    pub picture: Picture,
}

/// The pictures of a folder but the last `hold_back`, in the bundle's size, each with a prompt that holds the trigger.
///
/// # Errors
/// When there are none, or one cannot be read.
pub fn captioned(
    engine: &Engine,
    folder: &Path,
    class: &str,
    trigger: &str,
    hold_back: usize,
) -> Result<Vec<Captioned>> {
    let image = &engine.bundle().manifest().image;
    let captions = captions(&folder.join(CAPTIONS))?;
    let mut found = Vec::new();
    for file in pictures::split(folder, hold_back)?.0 {
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let prompt = match captions.get(&name) {
            Some(caption) => prompts::with_trigger(caption, class, trigger),
            None => prompts::plain(trigger),
        };
        let picture = pictures::open_as(&file, image.width, image.height)?;
        found.push(Captioned { file, prompt, picture });
    }
    Ok(found)
}

/// Captions by file name, where the folder has them.
pub(super) fn captions(path: &Path) -> Result<BTreeMap<String, String>> {
    match std::fs::read(path) {
        Ok(bytes) => {
            let described: Described = serde_json::from_slice(&bytes)
                .map_err(|error| Error::file(path, format!("is not a description of pictures: {error}")))?;
            Ok(described.captions)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(cones_core::Error::io("read", path)(error).into()),
    }
}

/// Pictures that the model draws itself.
pub(super) fn add_drawn(
    engine: &mut Engine,
    examples: &mut Examples,
    part: Part,
    prompts: &[String],
    seed: u64,
    observer: &mut dyn FindObserver,
    cancel: &CancelToken,
) -> Result<()> {
    let what = if part == Part::Class { "class" } else { "other" };
    for (i, prompt) in prompts.iter().enumerate() {
        for drawn in draw_one(engine, prompt, part, i, seed, cancel)? {
            add_example(engine, examples, part, prompt, &[""], &drawn.picture, cancel)?;
        }
        observer.prepared(what, i + 1, prompts.len());
    }
    Ok(())
}

/// What the model draws of the `i`th prompt of a part.
fn draw_one(
    engine: &mut Engine,
    prompt: &str,
    part: Part,
    i: usize,
    seed: u64,
    cancel: &CancelToken,
) -> Result<Vec<Drawn>> {
    let mut request = Request::new(prompt);
    // Each part its own seeds: the same noise would tie a class picture to another one.
    request.seed = seed.wrapping_add(1000 * part as u64 + i as u64);
    Ok(engine.generate(&request, &mut (), cancel)?.pictures)
}

/// Encodes a picture and, where it is new, its prompt.
pub(super) fn add_example(
    engine: &mut Engine,
    examples: &mut Examples,
    part: Part,
    prompt: &str,
    triggers: &[&str],
    picture: &Picture,
    cancel: &CancelToken,
) -> Result<()> {
    let caption = match examples.captions.iter().position(|c| c.text == prompt) {
        Some(known) => known,
        None => {
            examples.captions.push(caption(engine, prompt, triggers)?);
            examples.captions.len() - 1
        }
    };
    let latent = engine.encode_picture(picture, cancel)?;
    examples.pictures.push(Example { part, latent, caption });
    Ok(())
}

/// A prompt that names those of the subjects whose triggers are given; an empty trigger is not looked for.
pub(super) fn caption(engine: &mut Engine, prompt: &str, triggers: &[&str]) -> Result<Caption> {
    let places = |tokenizer: &Tokenizer, trigger: &str| tokenizer.positions(&tokenizer.encode(prompt)?, trigger);
    let mut found = Vec::new();
    for trigger in triggers {
        let positions = places(engine.tokenizer(), trigger)?;
        let second = engine.tokenizer_2().map(|tokenizer| places(tokenizer, trigger)).transpose()?;
        if second.is_some_and(|second| second != positions) {
            return Err(Error::Trigger {
                trigger: (*trigger).to_owned(),
                reason: format!("stands at other tokens of the second text encoder in the prompt `{prompt}`"),
                hint: "leave out marks before it, as `!`, of which the two tokenizers make different numbers of tokens"
                    .into(),
            });
        }
        if positions.is_empty() && !trigger.is_empty() {
            return Err(Error::Trigger {
                trigger: (*trigger).to_owned(),
                reason: format!("is cut off or split in the prompt `{prompt}`"),
                hint: "take a shorter caption, or another trigger".into(),
            });
        }
        found.push(positions);
    }
    let embeds = engine.encode_prompt(prompt)?;
    let (embedding, pooled) = (embeds.prompt_embeds, embeds.pooled_prompt_embeds);
    Ok(Caption { text: prompt.to_owned(), embedding, pooled, triggers: found })
}
