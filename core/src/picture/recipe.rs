//! How a picture was made, kept inside its file.
//!
//! Two texts: `parameters`, as other image tools write and read it, for people; and `cones`, the same as JSON with everything needed to
//! draw the picture again. In a PNG they are chunks of text; JPEG and WebP have them in EXIF, as `UserComment` and `MakerNote`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::disk::hash::Sha256;
use crate::engine::micro_conditions::MicroConditions;
use crate::engine::request::Request;
use crate::engine::resolved::ResolvedRequest;
use crate::engine::word_box::WordBox;
use crate::error::{Error, Result};
use crate::model::bundle::Bundle;
pub use crate::picture::hires_recipe::HiresRecipe;
pub use crate::picture::init_recipe::{InitRecipe, InpaintRecipe};
pub use crate::picture::recipe_hash::mask_sha256;
use crate::picture::recipe_hash::prompt_embeds_sha256;
pub use crate::picture::subject_recipe::SubjectRecipe;
use crate::picture::texts::Texts;
use crate::safety::verdict::{Treatment, Verdict};
use crate::sampling::scheduler::choice::Scheduler;
use crate::sampling::variation::Variation;
use crate::subjects::places::Side;

/// Everything that decides a picture's pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Recipe {
    /// What drew it, as `cones 0.1.0`.
    pub software: String,
    /// The bundle's name.
    pub bundle: String,
    /// The bundle's fingerprint.
    pub fingerprint: Sha256,
    /// The prompt.
    pub prompt: String,
    /// The negative prompt.
    pub negative_prompt: String,
    /// Denoising steps.
    pub steps: u32,
    /// Guidance scale.
    pub guidance: f32,
    /// How far the guided prediction was brought back to the deviation of the prompt's own.
    #[serde(default, skip_serializing_if = "crate::units::is_nothing")]
    pub guidance_rescale: f32,
    /// The scheduler.
    pub scheduler: Scheduler,
    /// How much of the noise in each step was fresh, where the request said so; else what the scheduler has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta: Option<f32>,
    /// This picture's own seed.
    pub seed: u64,
    /// Another seed's noise that was mixed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variation: Option<Variation>,
    /// Pixels across, before a second pass.
    pub width: u32,
    /// Pixels down, before a second pass.
    pub height: u32,
    /// The second pass, where it was drawn large in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hires: Option<HiresRecipe>,
    /// The subjects that were on.
    pub subjects: Vec<SubjectRecipe>,
    /// The init image of img2img.
    pub init: Option<InitRecipe>,
    /// Whether brackets in the prompts weighed words, and long prompts went in chunks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prompt_weights: bool,
    /// The text encoder's last layers that were left out.
    #[serde(default, skip_serializing_if = "crate::units::is_zero")]
    pub clip_skip: u32,
    /// What the U-Net was told of the picture's size, where the request said anything.
    #[serde(default, skip_serializing_if = "MicroConditions::is_default")]
    pub micro_conditions: MicroConditions,
    /// SHA-256 of the embeddings that stood in the place of the prompts, where there were any: then the picture is drawn again from
    /// them alone, and not from the words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_embeds_sha256: Option<Sha256>,
    /// SHA-256 of the RGB bytes of the picture that was changed, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_sha256: Option<Sha256>,
    /// Where words of the prompt were drawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub boxes: Vec<WordBox>,
    /// What the safety classifier found, where the picture was blurred for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety: Option<Verdict>,
}

impl Recipe {
    pub(crate) fn of(request: &Request, plan: &ResolvedRequest, bundle: &Bundle, picture: u32) -> Self {
        let (seed, variation) = request.seeds_of(picture);
        Self {
            software: concat!("cones ", env!("CARGO_PKG_VERSION")).into(),
            bundle: bundle.manifest().name.clone(),
            fingerprint: bundle.manifest().fingerprint,
            prompt: request.prompt.clone(),
            negative_prompt: request.negative_prompt.clone(),
            // At most the training steps, which came from a u32.
            steps: u32::try_from(plan.steps).unwrap_or(u32::MAX),
            guidance: plan.guidance,
            guidance_rescale: plan.guidance_rescale,
            scheduler: plan.scheduler,
            eta: request.eta,
            seed,
            variation,
            width: plan.width,
            height: plan.height,
            hires: None,
            subjects: request.subjects.iter().map(|subject| SubjectRecipe::of(subject, request.blend)).collect(),
            init: request.init.as_ref().map(InitRecipe::of),
            prompt_weights: request.prompt_weights,
            clip_skip: request.clip_skip,
            micro_conditions: request.micro_conditions,
            prompt_embeds_sha256: request.prompt_embeds.as_ref().map(prompt_embeds_sha256),
            image_sha256: request.image.as_ref().map(|image| Sha256::digest(&image.rgb)),
            boxes: request.boxes.clone(),
            safety: None,
        }
    }

    /// Says that the picture was blurred, where it was.
    pub(crate) fn with_verdict(mut self, verdict: Option<Verdict>) -> Self {
        self.safety = verdict.filter(|verdict| verdict.treatment == Treatment::Blurred);
        self
    }

    /// The prompt as [`Request::filled`] takes it: `{NAME}` where a subject was named, braces doubled.
    pub fn typed_prompt(&self) -> String {
        self.typed(&self.prompt, Side::Prompt)
    }

    /// The negative prompt in the same way.
    pub fn typed_negative_prompt(&self) -> String {
        self.typed(&self.negative_prompt, Side::Negative)
    }

    fn typed(&self, text: &str, side: Side) -> String {
        let places = |subject: &SubjectRecipe| subject.places.clone().unwrap_or_default().on(side).to_vec();
        let named = self.subjects.iter().flat_map(|s| places(s).into_iter().map(move |start| (start, s)));
        let mut named: Vec<(usize, &SubjectRecipe)> = named.collect();
        named.sort_by_key(|(start, _)| *start);
        let plain = |text: &str| text.replace('{', "{{").replace('}', "}}");
        let (mut typed, mut done) = (String::new(), 0);
        for (start, subject) in named {
            // A recipe is outside data: what does not stand there is left as it is.
            let stands = text.get(start..).is_some_and(|rest| rest.starts_with(&subject.trigger));
            let Some(before) = text.get(done..start).filter(|_| stands) else { continue };
            typed.push_str(&format!("{}{{{}}}", plain(before), subject.name));
            done = start + subject.trigger.len();
        }
        typed + &plain(text.get(done..).unwrap_or_default())
    }

    /// Whether every subject took every occurrence of its trigger, whoever else has the same: nobody was named.
    pub fn blends(&self) -> bool {
        self.subjects.iter().all(|subject| subject.places.is_none())
    }

    /// Reads the recipe out of a PNG, JPEG or WebP that [`save`](crate::picture::writing::save) wrote.
    ///
    /// # Errors
    /// [`Error::Picture`] when the file is none of these or holds no recipe; [`Error::Io`].
    pub fn read(path: &Path) -> Result<Self> {
        let bad = |reason: String| Error::picture(path, reason);
        let texts = Texts::read(path)?;
        let Some(exact) = texts.exact else {
            return Err(bad(match (texts.readable, texts.others.as_slice()) {
                (Some(_), _) => "it holds no recipe of ours, but another program's text on how it was made".into(),
                (None, []) => "it holds no recipe; what sent or changed it may have removed it".into(),
                (None, others) => format!("it holds no recipe, only the texts {}", others.join(", ")),
            }));
        };
        serde_json::from_str(&exact).map_err(|error| bad(format!("its recipe is damaged: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Picture;
    use crate::picture::format::PictureFormat;
    use crate::picture::writing::{encode, save};
    use crate::subjects::places::Places;
    use crate::subjects::scope::Scope;

    fn recipe() -> Recipe {
        Recipe {
            software: "cones 0".into(),
            bundle: "toybox".into(),
            fingerprint: Sha256::from_bytes([1; 32]),
            prompt: "ein Hund, \"groß\"\nSteps: 3 🐶".into(),
            negative_prompt: "cat".into(),
            steps: 20,
            guidance: 4.5,
            guidance_rescale: 0.0,
            scheduler: Scheduler::Ddim,
            eta: None,
            seed: u64::MAX,
            variation: None,
            width: 2,
            height: 1,
            hires: None,
            subjects: vec![SubjectRecipe {
                name: "x, \"y\"".into(),
                trigger: "<v1> dog".into(),
                scope: Scope::Trigger,
                strength: 0.75,
                mask_sha256: Sha256::from_bytes([0xff; 32]),
                embeddings_sha256: None,
                pack_sha256: Some(Sha256::from_bytes([0xdd; 32])),
                places: Some(Places { prompt: vec![4], negative_prompt: vec![] }),
            }],
            init: Some(InitRecipe { strength: 0.6, rgb_sha256: Sha256::from_bytes([0xee; 32]), inpaint: None }),
            prompt_weights: false,
            clip_skip: 0,
            micro_conditions: MicroConditions::default(),
            prompt_embeds_sha256: None,
            image_sha256: None,
            boxes: Vec::new(),
            safety: None,
        }
    }

    #[test]
    fn a_saved_recipe_reads_back_the_same() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("p.png");
        let picture = Picture { width: 2, height: 1, rgb: vec![1, 2, 3, 250, 251, 252] };
        save(&picture, &recipe(), &path).expect("saved");
        assert_eq!(Recipe::read(&path).expect("a recipe"), recipe());
        assert_eq!(Picture::open(&path).expect("a picture"), picture);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing temporary is left");
    }

    #[test]
    fn every_format_holds_the_recipe_and_the_exact_ones_the_pixels() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let rgb = (0..16u8 * 8).flat_map(|i| [i, 2 * (i % 100), 255 - i]).collect();
        let picture = Picture { width: 16, height: 8, rgb };
        for (name, start) in
            [("p.png", &b"\x89PNG"[..]), ("p.jpg", b"\xff\xd8\xff"), ("p.jpeg", b"\xff\xd8"), ("p.webp", b"RIFF")]
        {
            let path = folder.path().join(name);
            save(&picture, &recipe(), &path).expect("saved");
            assert!(std::fs::read(&path).expect("a file").starts_with(start), "{name}");
            assert_eq!(Recipe::read(&path).expect("a recipe"), recipe(), "{name}");
            let opened = Picture::open(&path).expect("a picture");
            let most = opened.rgb.iter().zip(&picture.rgb).map(|(a, b)| a.abs_diff(*b)).max();
            let exact = !name.contains("jp");
            assert!(if exact { most == Some(0) } else { most < Some(60) }, "{name}: {most:?}");
            save(&picture, None, &path).expect("saved");
            assert!(Recipe::read(&path).expect_err("none").to_string().contains("no recipe"), "{name}");
        }
        let refused = save(&picture, None, &folder.path().join("p.gif")).expect_err("no GIF").to_string();
        assert!(refused.contains("p.gif") && refused.contains(".webp"), "{refused}");
    }

    #[test]
    fn what_a_format_does_not_hold_is_refused() {
        let picture = Picture { width: 1, height: 1, rgb: vec![0; 3] };
        let mut long = recipe();
        long.prompt = "dog ".repeat(20_000);
        let refused = encode(&picture, &long, PictureFormat::Jpeg).expect_err("too long");
        assert!(refused.contains("JPEG"), "{refused}");
        assert!(encode(&picture, &long, PictureFormat::WebP).is_ok());
        let broken = Picture { width: 2, ..picture };
        assert!(PictureFormat::ALL.iter().all(|format| encode(&broken, None, *format).is_err()));
    }

    #[test]
    fn pictures_without_recipe_say_so() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("p.png");
        image::RgbImage::new(2, 2).save(&path).expect("saved");
        let error = Recipe::read(&path).expect_err("no recipe");
        assert!(error.to_string().contains("no recipe"), "{error}");
        std::fs::write(&path, b"not a png").expect("written");
        assert!(matches!(Recipe::read(&path), Err(Error::Picture { .. })));
    }

    #[test]
    fn recipes_from_before_packs_are_read_and_written_as_they_were() {
        let mut old = recipe();
        (old.subjects[0].pack_sha256, old.subjects[0].places) = (None, None);
        let json = serde_json::to_string(&old).expect("JSON");
        assert!(!json.contains("pack") && !json.contains("places") && !json.contains("weights"), "{json}");
        assert!(!json.contains("variation") && !json.contains("hires"), "{json}");
        assert_eq!(serde_json::from_str::<Recipe>(&json).expect("a recipe"), old);
        assert!(old.parameters().contains(", Subject: \"x y:0.75:ffffffffff\","), "{}", old.parameters());
        assert!(recipe().parameters().contains(", Subject: \"x y:0.75:ffffffffff:dddddddddd\","));
    }

    #[test]
    fn recipes_of_inpainting_come_back_and_others_stay_as_they_were() {
        assert!(!serde_json::to_string(&recipe()).expect("JSON").contains("inpaint"));
        let mut part = recipe();
        part.init.as_mut().expect("an init image").inpaint = Some(InpaintRecipe {
            mask_image_sha256: Some(Sha256::from_bytes([7; 32])),
            grow: 3,
            feather: 4,
            padding_mask_crop: Some(32),
            outpaint: crate::picture::inpaint::Margins { left: 1, top: 2, right: 3, bottom: 4 },
        });
        let json = serde_json::to_string(&part).expect("JSON");
        assert_eq!(serde_json::from_str::<Recipe>(&json).expect("a recipe"), part);
        let text = part.parameters();
        let words = ", Denoising strength: 0.6, Mask blur: 4, Inpaint area: Only masked, Masked area padding: 32,";
        assert!(text.contains(words), "{text}");
    }

    #[test]
    fn prompts_are_typed_again_with_the_names_that_were_in_them() {
        let mut named = recipe();
        named.prompt = "a <v1> dog, a <v1> dog and {a} <v1> dog".into();
        let mut second = named.subjects[0].clone();
        (named.subjects[0].name, second.name) = ("rex".into(), "tin".into());
        named.subjects[0].places = Some(Places { prompt: vec![2, 999], negative_prompt: vec![0] });
        second.places = Some(Places { prompt: vec![14, 15], negative_prompt: vec![] });
        named.subjects.push(second);
        assert_eq!(named.typed_prompt(), "a {rex}, a {tin} and {{a}} <v1> dog");
        assert_eq!(named.typed_negative_prompt(), "cat", "no trigger stands there");
        assert!(!named.blends());
        named.subjects.iter_mut().for_each(|subject| subject.places = None);
        assert_eq!(named.typed_prompt(), "a <v1> dog, a <v1> dog and {{a}} <v1> dog");
        assert!(named.blends());
    }

    #[test]
    fn a_recipe_with_anything_else_in_place_of_a_hash_is_damaged() {
        for hash in ["", "ab", "ééééééééééé"] {
            let mut json = serde_json::to_value(recipe()).expect("JSON");
            json["subjects"][0]["mask_sha256"] = hash.into();
            assert!(serde_json::from_value::<Recipe>(json).is_err(), "{hash}");
        }
    }

    #[test]
    fn the_last_line_is_what_other_tools_parse() {
        let text = recipe().parameters();
        let last = text.lines().last().expect("a line");
        assert!(last.starts_with("Steps: 20, Sampler: DDIM, CFG scale: 4.5, Seed: 18446744073709551615, Size: 2x1"));
        assert!(last.contains(", RNG: CPU, "), "{last}");
        let skipped = Recipe { clip_skip: 1, ..recipe() };
        assert!(skipped.parameters().contains(", Clip skip: 2,"), "{}", skipped.parameters());
        assert_eq!(super::super::foreign::ForeignRecipe::parse(&skipped.parameters()).clip_skip, 1);
        let karras = Recipe { scheduler: Scheduler::DpmSolverPlusPlus2MKarras, ..recipe() }.parameters();
        assert!(karras.contains(", Sampler: DPM++ 2M, Schedule type: Karras, CFG"), "{karras}");
        let read = super::super::foreign::ForeignRecipe::parse(&karras);
        assert_eq!((read.steps, read.scheduler), (Some(20), Some(Scheduler::DpmSolverPlusPlus2MKarras)));
    }
}
