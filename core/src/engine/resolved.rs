//! A request with every default filled in and every value checked.

use super::request::{Init, Request};
use super::word_box::WordBox;
use crate::error::{Error, Result};
use crate::model::bundle::{Bundle, TEXT_ENCODER};
use crate::model::manifest::{AdditionEmbedType, Manifest};
use crate::picture::LARGEST_SIDE;
use crate::picture::inpaint::Inpaint;
use crate::sampling::scheduler::choice::Scheduler;
use crate::subjects::scope::Scope;
use crate::subjects::subject::Subject;
use crate::text::GivenEmbeds;

/// A request with every default filled in and every value checked.
#[derive(Debug, Clone)]
pub(crate) struct ResolvedRequest {
    pub(crate) steps: usize,
    pub(crate) guidance: f32,
    pub(crate) guidance_rescale: f32,
    /// Whether the negative prompt takes part.
    pub(crate) guided: bool,
    /// Width of the embedding in which the U-Net takes the guidance scale, where it does.
    pub(crate) embedded: Option<usize>,
    pub(crate) scheduler: Scheduler,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// What the U-Net takes as `time_ids`, where it does.
    pub(crate) time_ids: Option<Vec<f32>>,
}

impl ResolvedRequest {
    /// Checks `request` against what the bundle can do.
    pub(crate) fn new(request: &Request, bundle: &Bundle) -> Result<Self> {
        let manifest = bundle.manifest();
        let steps = request.steps.unwrap_or(manifest.defaults.steps);
        let most = manifest.noise_schedule.num_train_timesteps;
        if steps == 0 || steps > most {
            return Err(Error::request("steps", format!("is {steps}; it must be 1 to {most}")));
        }
        let guidance = request.guidance.unwrap_or(manifest.defaults.guidance);
        if !guidance.is_finite() || guidance < 0.0 {
            return Err(Error::request("guidance", format!("is {guidance}; it must be 0 or more, and finite")));
        }
        let guidance_rescale = request.guidance_rescale.unwrap_or(0.0);
        unit("guidance_rescale", guidance_rescale, "of the guided prediction")?;
        if request.count == 0 || request.count > Request::MOST_PICTURES {
            let reason = format!("is {}; it must be 1 to {}", request.count, Request::MOST_PICTURES);
            return Err(Error::request("count", reason));
        }
        let guided = manifest.is_guided(guidance);
        match &request.prompt_embeds {
            Some(embeds) => check_embeds(request, embeds, guided, manifest)?,
            None if manifest.given_text.is_some() => return Err(reads_nothing(manifest)),
            None => {}
        }
        check_image(request, manifest)?;
        check_boxes(request)?;
        check_clip_skip(request.clip_skip, bundle)?;
        let scheduler = request.scheduler.unwrap_or(manifest.defaults.scheduler);
        let inpaint = request.init.as_ref().and_then(|init| Some((init, init.inpaint.as_ref()?)));
        if let Some((init, inpaint)) = inpaint {
            inpaint.check(&init.picture)?;
        }
        let own = (manifest.image.width, manifest.image.height);
        let (own_width, own_height) = match inpaint {
            Some((init, inpaint)) if request.width.is_none() && request.height.is_none() => {
                extended(init, inpaint, manifest.latent.multiple)?.unwrap_or(own)
            }
            _ => own,
        };
        let (width, height) = (request.width.unwrap_or(own_width), request.height.unwrap_or(own_height));
        if let Some(reason) = manifest.fixed.refuses(width, height) {
            return Err(Error::request("size", reason));
        }
        let width = side("width", width, manifest.latent.multiple)?;
        let height = side("height", height, manifest.latent.multiple)?;
        if let Some(init) = &request.init {
            unit("strength", init.strength, "of the init image")?;
        }
        if let Some(variation) = request.variation {
            unit("variation", variation.strength, "of the variation seed")?;
        }
        for subject in &request.subjects {
            check_subject(subject, bundle)?;
        }
        if !request.blend {
            check_twins(&request.subjects)?;
        }
        let embedded = manifest.time_cond_proj_dim.map(|width| width as usize);
        let time_ids = time_ids(request, manifest, width, height)?;
        let steps = steps as usize;
        Ok(Self { steps, guidance, guidance_rescale, guided, embedded, scheduler, width, height, time_ids })
    }
}

/// What the U-Net is told of the picture's size, where it takes that.
fn time_ids(request: &Request, manifest: &Manifest, width: u32, height: u32) -> Result<Option<Vec<f32>>> {
    let told = &request.micro_conditions;
    if manifest.text_2.is_some() {
        return told.time_ids(width, height).map(|ids| Some(ids.to_vec()));
    }
    if manifest.addition_embed_type == Some(AdditionEmbedType::Time) {
        return told.size_ids(width, height).map(|ids| Some(ids.to_vec()));
    }
    if request.micro_conditions.is_default() {
        return Ok(None);
    }
    let reason = format!(
        "say of what size the picture is to look, and the U-Net of `{}` is told of no size: models of two text encoders are, as \
         Stable Diffusion XL",
        manifest.name
    );
    Err(Error::request("micro_conditions", reason))
}

/// For a prompt in words to a model that reads none.
fn reads_nothing(manifest: &Manifest) -> Error {
    let Manifest { name, text, .. } = manifest;
    let (most, width) = (text.max_length, text.hidden_size);
    let reason = format!(
        "are missing: `{name}` has no text encoder, and takes a prompt as embeddings of an app's own, {width} numbers for each of up \
         to {most} tokens"
    );
    Error::request("prompt_embeds", reason)
}

fn check_embeds(request: &Request, embeds: &GivenEmbeds, guided: bool, manifest: &Manifest) -> Result<()> {
    for (asked, what) in [(request.prompt_weights, "prompt_weights"), (request.clip_skip > 0, "clip_skip")] {
        if asked {
            let reason = "says how a prompt is encoded, and with `prompt_embeds` none is: leave it out";
            return Err(Error::request(what, reason));
        }
    }
    embeds.check(manifest, guided, &request.subjects)
}

fn check_image(request: &Request, manifest: &Manifest) -> Result<()> {
    match &request.image {
        Some(_) if !manifest.takes_image() => {
            let reason = format!(
                "is a picture to be changed, and `{}` takes none: start from it (`init`), or take a base model that does, as DreamLite",
                manifest.name
            );
            Err(Error::request("image", reason))
        }
        Some(image) if !image.is_whole() => {
            Err(Error::request("image", "has another number of bytes than its size says"))
        }
        _ => Ok(()),
    }
}

fn check_boxes(request: &Request) -> Result<()> {
    let (count, most) = (request.boxes.len(), WordBox::MOST);
    if count > most {
        return Err(Error::request("boxes", format!("are {count}; there may be {most}")));
    }
    let inpaint = request.init.as_ref().and_then(|init| init.inpaint.as_ref());
    if count > 0 && inpaint.is_some_and(|inpaint| inpaint.padding_mask_crop.is_some()) {
        let reason =
            "are parts of the whole picture, and with `padding_mask_crop` a part alone is drawn: leave out one of both";
        return Err(Error::request("boxes", reason));
    }
    request.boxes.iter().try_for_each(WordBox::check)
}

fn check_clip_skip(layers: u32, bundle: &Bundle) -> Result<()> {
    let most = bundle.manifest().text.clip_skip;
    if layers > 0 && most == 0 {
        let reason = "it gives its last layer alone, and the request leaves layers out (`clip_skip`)";
        let hint = "import this base model again with this version, or leave out no layer";
        return Err(Error::bad_bundle(bundle.path().join(TEXT_ENCODER), reason, hint));
    }
    if layers > most {
        return Err(Error::request("clip_skip", format!("is {layers}; this bundle leaves out {most} layers at most")));
    }
    Ok(())
}

fn side(field: &'static str, pixels: u32, multiple: u32) -> Result<u32> {
    if pixels == 0 || pixels > LARGEST_SIDE || !pixels.is_multiple_of(multiple) {
        let reason = format!("is {pixels}; this bundle draws multiples of {multiple} up to {LARGEST_SIDE}");
        return Err(Error::request(field, reason));
    }
    Ok(pixels)
}

/// The size of a picture with strips around it, where it is drawn as a whole: that is what is to come out.
fn extended(init: &Init, inpaint: &Inpaint, multiple: u32) -> Result<Option<(u32, u32)>> {
    if inpaint.outpaint.is_none() || inpaint.padding_mask_crop.is_some() {
        return Ok(None);
    }
    let (width, height) = init.size();
    let multiple = u64::from(multiple.max(1));
    if !width.is_multiple_of(multiple) || !height.is_multiple_of(multiple) {
        let more = [width, height].map(|side| side.next_multiple_of(multiple) - side);
        let reason = format!(
            "makes {width} x {height} pixels of the picture, but this bundle draws multiples of {multiple}: \
             add {} more across and {} more down, or give width and height",
            more[0], more[1]
        );
        return Err(Error::request("outpaint", reason));
    }
    // Checked to be at most 16,384.
    Ok(Some((width as u32, height as u32)))
}

fn unit(field: &'static str, value: f32, of: &str) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        Ok(())
    } else {
        Err(Error::request(field, format!("{of} is {value}; it must be 0 to 1")))
    }
}

fn check_subject(subject: &Subject, bundle: &Bundle) -> Result<()> {
    unit("strength", subject.strength, &format!("of subject `{}`", subject.name))?;
    if !subject.mask.fits(&bundle.manifest().layers) {
        return Err(Error::WrongModel {
            subject: subject.name.clone(),
            reason: format!("its mask is over other layers than those of `{}`", bundle.manifest().name),
        });
    }
    if subject.embeddings.is_some() && bundle.manifest().text_2.is_some() {
        return Err(Error::WrongModel {
            subject: subject.name.clone(),
            reason: format!(
                "its learned embeddings are for one text encoder, and `{}` has two",
                bundle.manifest().name
            ),
        });
    }
    if let Some(low_rank) = &subject.low_rank {
        if !low_rank.fits(&bundle.manifest().layers) {
            return Err(Error::WrongModel {
                subject: subject.name.clone(),
                reason: format!(
                    "its low-rank matrices are over other layers than those of `{}`",
                    bundle.manifest().name
                ),
            });
        }
        if subject.scope == Scope::Trigger {
            let reason =
                format!("of subject `{}` is `trigger`, but its low-rank matrices change all words", subject.name);
            return Err(Error::request("scope", reason));
        }
    }
    if subject.scope == Scope::Trigger && subject.trigger.trim().is_empty() {
        let reason = format!("of subject `{}` is empty, but its scope is `trigger`", subject.name);
        return Err(Error::request("trigger", reason));
    }
    Ok(())
}

/// One pack twice would apply twice: factors multiply.
fn check_twins(subjects: &[Subject]) -> Result<()> {
    let on: Vec<&Subject> = subjects.iter().filter(|subject| subject.strength > 0.0).collect();
    for (i, subject) in on.iter().enumerate() {
        let same = |other: &&&Subject| {
            let words = (&other.name, &other.trigger) == (&subject.name, &subject.trigger);
            let learned = other.embeddings == subject.embeddings && other.low_rank == subject.low_rank;
            words && learned && other.mask == subject.mask
        };
        if on.iter().take(i).any(|other| same(&other)) {
            let reason =
                format!("hold `{}` twice; give it once, and name it in the prompt as often as wanted", subject.name);
            return Err(Error::request("subjects", reason));
        }
    }
    Ok(())
}
