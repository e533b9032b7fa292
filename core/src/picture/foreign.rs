//! Recipes of other programs: what can be drawn of them, and what cannot.

use std::path::Path;

use super::hires_recipe::{HiresRecipe, UPSCALER};
use super::infotext::{self, InfoText};
use super::texts::Texts;
use crate::error::Result;
use crate::sampling::scheduler::choice::Scheduler;
use crate::sampling::variation::Variation;
use crate::text::emphasis;

/// How another program says that it made a picture, as far as that can be drawn.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
#[non_exhaustive]
pub struct ForeignRecipe {
    /// The whole text, as the other program wrote it.
    pub text: String,
    /// The prompt, without what only other programs understand.
    pub prompt: String,
    /// The negative prompt, likewise.
    pub negative_prompt: String,
    /// Whether brackets weigh words in both prompts, as in the web UI; else they are taken out.
    pub prompt_weights: bool,
    /// Denoising steps.
    pub steps: Option<u32>,
    /// Guidance scale.
    pub guidance: Option<f32>,
    /// How far the guided prediction was brought back to the deviation of the prompt's own.
    pub guidance_rescale: Option<f32>,
    /// The scheduler.
    pub scheduler: Option<Scheduler>,
    /// How much of the noise in each step was fresh.
    pub eta: Option<f32>,
    /// The seed.
    pub seed: Option<u64>,
    /// The text encoder's last layers that were left out: one less than the web UI's "Clip skip".
    pub clip_skip: u32,
    /// Another seed's noise that was mixed in.
    pub variation: Option<Variation>,
    /// Pixels across and down, before a second pass.
    pub size: Option<(u32, u32)>,
    /// The second pass of a large picture.
    pub hires: Option<HiresRecipe>,
    /// What is not drawn as the text says, each in a sentence without a full stop.
    pub left_out: Vec<String>,
}

/// Settings that change no pixel.
const SAID_ONLY: [&str; 3] = ["Version", "Model hash", "VAE hash"];
/// Settings with the values at which they change nothing.
const AS_HERE: [(&str, &str); 3] = [("RNG", "CPU"), ("Face restoration", "None"), ("ENSD", "0")];

impl ForeignRecipe {
    /// Reads it out of a PNG, JPEG or WebP that another program wrote; none where there is no such text, or a recipe of ours.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io); [`Error::Picture`](crate::Error::Picture) when it is no picture.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let texts = Texts::read(path)?;
        Ok(texts.readable.filter(|_| texts.exact.is_none()).map(|text| Self::parse(&text)))
    }

    /// What can be drawn of a text.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let info = InfoText::parse(text);
        let mut recipe = Self { text: text.trim().to_owned(), ..Self::default() };
        let mut syntax = Vec::new();
        let prompts = [&info.prompt, &info.negative_prompt].map(|prompt| without_networks(prompt, &mut syntax));
        recipe.prompt_weights = prompts.iter().all(|prompt| emphasis::parse(prompt).is_ok());
        let [prompt, negative] = prompts;
        (recipe.prompt, recipe.negative_prompt) = if recipe.prompt_weights {
            (prompt, negative)
        } else {
            (plain(prompt, &mut syntax), plain(negative, &mut syntax))
        };
        for said in syntax {
            if !recipe.left_out.contains(&said) {
                recipe.left_out.push(said);
            }
        }
        for (name, value) in &info.settings {
            recipe.take(name, value, &info);
        }
        // The web UI draws its noise on the graphics card unless told otherwise.
        if !info.settings.is_empty() && info.setting("RNG").is_none() {
            recipe.left_out.push(
                "the noise: its generator is not named, and most of them give other numbers than PyTorch's on the CPU"
                    .into(),
            );
        }
        recipe
    }

    /// Takes one setting over, or says that it cannot be.
    fn take(&mut self, name: &str, value: &str, info: &InfoText) {
        let known = match name {
            "Steps" => parsed(value, &mut self.steps),
            "CFG scale" => {
                self.guidance = value.trim().parse().ok().filter(|scale: &f32| scale.is_finite());
                self.guidance.is_some()
            }
            infotext::RESCALE => {
                self.guidance_rescale = part(value);
                self.guidance_rescale.is_some()
            }
            "Eta" | "Eta DDIM" => {
                let sampler = info.setting("Sampler").and_then(|name| infotext::scheduler(name, None));
                let named = sampler.is_some_and(|kind| kind.eta().is_some() && infotext::eta(kind) == name);
                self.eta = part(value).filter(|_| named).or(self.eta);
                named && part(value).is_some()
            }
            "Seed" => parsed(value, &mut self.seed),
            "Size" => {
                let sides = value.split_once('x').map(|(w, h)| (w.trim().parse(), h.trim().parse()));
                if let Some((Ok(width), Ok(height))) = sides {
                    self.size = Some((width, height));
                }
                self.size.is_some()
            }
            "Sampler" => {
                self.scheduler = infotext::scheduler(value, info.setting("Schedule type"));
                self.scheduler.is_some()
            }
            "Clip skip" => {
                // The web UI counts the layer that is taken, from the end.
                let skipped = value.trim().parse().ok().and_then(|layer: u32| layer.checked_sub(1));
                self.clip_skip = skipped.unwrap_or(0);
                skipped.is_some()
            }
            // Taken with the sampler.
            "Schedule type" => true,
            "Variation seed" => {
                let seed = value.trim().parse();
                let strength = info.setting("Variation seed strength").and_then(part);
                self.variation = seed.ok().zip(strength).map(|(seed, strength)| Variation { seed, strength });
                self.variation.is_some()
            }
            // Taken with the seed.
            "Variation seed strength" => info.setting("Variation seed").is_some(),
            "Hires upscale" => {
                self.hires = hires(value, info);
                self.hires.is_some()
            }
            // Taken with how much it is enlarged.
            "Denoising strength" | "Hires steps" => info.setting("Hires upscale").is_some(),
            "Hires upscaler" => value == UPSCALER,
            _ => SAID_ONLY.contains(&name) || AS_HERE.contains(&(name, value)),
        };
        if !known {
            self.left_out.push(match name {
                "Model" => format!("the model `{value}`: the base model at hand draws"),
                _ => format!("`{name}: {value}`"),
            });
        }
    }
}

/// The second pass. Without a strength it is not known what was drawn.
fn hires(scale: &str, info: &InfoText) -> Option<HiresRecipe> {
    let scale = scale.trim().parse().ok().filter(|scale: &f32| scale.is_finite())?;
    let strength = part(info.setting("Denoising strength")?)?;
    // 0 stands for as many as in the first pass.
    let steps = info.setting("Hires steps").and_then(|steps| steps.trim().parse().ok()).filter(|steps| *steps > 0);
    Some(HiresRecipe { scale, strength, steps })
}

/// A number from 0 to 1.
fn part(text: &str) -> Option<f32> {
    text.trim().parse().ok().filter(|part| (0.0..=1.0).contains(part))
}

fn parsed<T: std::str::FromStr>(value: &str, into: &mut Option<T>) -> bool {
    *into = value.trim().parse().ok();
    into.is_some()
}

/// A prompt without the web UI's own syntax; `left_out` is told what went.
fn plain(mut words: String, left_out: &mut Vec<String>) -> String {
    if words.split_whitespace().any(|word| word == "BREAK") {
        left_out.push("`BREAK` in the prompt: all of it is one piece".into());
        words = words.split_whitespace().filter(|word| *word != "BREAK").collect::<Vec<_>>().join(" ");
    }
    if words.split_whitespace().any(|word| word == "AND") {
        left_out.push("`AND` in the prompt, which is drawn as a word".into());
    }
    without_weights(&words, left_out)
}

/// Without `<lora:name:0.8>` and its like.
fn without_networks(prompt: &str, left_out: &mut Vec<String>) -> String {
    let mut out = String::new();
    let mut rest = prompt;
    while let Some(start) = rest.find('<') {
        let (before, behind) = rest.split_at(start);
        out.push_str(before);
        let inside = behind.find('>').map(|end| &behind[..=end]);
        match inside {
            // `<v1>` is a word like others.
            Some(network) if network.contains(':') => {
                left_out.push(format!("the network `{network}`"));
                rest = &behind[network.len()..];
            }
            _ => {
                out.push('<');
                rest = &behind[1..];
            }
        }
    }
    out.push_str(rest);
    out.trim().to_owned()
}

/// Without the brackets that weigh words, `(word:1.2)` and `[word]`, and with the brackets that were escaped.
fn without_weights(prompt: &str, left_out: &mut Vec<String>) -> String {
    let mut out = String::new();
    // For each bracket that is open, where what it holds begins.
    let mut open: Vec<(char, usize)> = Vec::new();
    let (mut weighed, mut edited, mut escaped) = (false, false, false);
    for c in prompt.chars() {
        match c {
            '(' | ')' | '[' | ']' | '\\' if escaped => out.push(c),
            '\\' => {
                escaped = true;
                continue;
            }
            '(' | '[' => {
                open.push((c, out.len()));
                out.push(c);
            }
            ')' | ']' => match open.pop() {
                Some((opening, start)) if (opening == '(') == (c == ')') => {
                    let inside = out.split_off(start).split_off(1);
                    let first = inside.split([':', '|']).next().unwrap_or_default();
                    if c == ')' {
                        weighed = true;
                        let weight = inside.rsplit_once(':').filter(|(_, number)| number.trim().parse::<f32>().is_ok());
                        out.push_str(weight.map_or(inside.as_str(), |(words, _)| words));
                    } else if first.len() < inside.len() {
                        edited = true;
                        out.push_str(first);
                    } else {
                        weighed = true;
                        out.push_str(&inside);
                    }
                }
                other => {
                    open.extend(other);
                    out.push(c);
                }
            },
            _ => {
                if escaped {
                    out.push('\\');
                }
                out.push(c);
            }
        }
        escaped = false;
    }
    if escaped {
        out.push('\\');
    }
    if weighed {
        left_out.push("weights of words, as `(word:1.2)`: all weigh the same".into());
    }
    if edited {
        left_out.push("words that change between steps, as `[from:to:0.5]`: the first stay".into());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_drawn_is_taken_and_the_rest_is_named() {
        let text = "(masterpiece:1.2), a <lora:oil:0.8> dog \\(brown\\) with [cat:owl:0.5] and <v1> hat\n\
                    Negative prompt: ((blurry))\n\
                    Steps: 30, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 7, Size: 512x768, \
                    Model hash: 00ff, Model: v1-5, Clip skip: 2, Hires upscale: 2, RNG: CPU, Version: v1.9.0";
        let recipe = ForeignRecipe::parse(text);
        assert_eq!(recipe.prompt, "masterpiece, a  dog (brown) with cat and <v1> hat");
        assert_eq!((recipe.negative_prompt.as_str(), recipe.prompt_weights), ("blurry", false));
        assert_eq!((recipe.steps, recipe.guidance, recipe.seed), (Some(30), Some(6.5), Some(7)));
        assert_eq!(recipe.scheduler, Some(Scheduler::DpmSolverPlusPlus2MKarras));
        assert_eq!(recipe.size, Some((512, 768)));
        let left = recipe.left_out.join("\n");
        for named in ["<lora:oil:0.8>", "(word:1.2)", "[from:to:0.5]", "`Hires upscale: 2`", "v1-5"] {
            assert!(left.contains(named), "{named} in {left}");
        }
        assert_eq!((recipe.left_out.len(), recipe.clip_skip), (5, 1), "{left}");
        assert_eq!(ForeignRecipe::parse("x\nSteps: 1, Seed: 2, Clip skip: 1").clip_skip, 0);
        let odd = ForeignRecipe::parse("x\nSteps: 1, Seed: 2, Clip skip: 0, RNG: CPU");
        assert_eq!((odd.clip_skip, odd.left_out.len()), (0, 1));
    }

    #[test]
    fn weights_are_kept_where_all_of_both_prompts_can_be_drawn() {
        let text = "(masterpiece:1.2), a <lora:oil:0.8> dog \\(brown\\) BREAK [cat]\nNegative prompt: ((blurry))\n\
                    Steps: 30, Sampler: DDIM, CFG scale: 6, RNG: CPU";
        let recipe = ForeignRecipe::parse(text);
        assert_eq!(recipe.prompt, "(masterpiece:1.2), a  dog \\(brown\\) BREAK [cat]");
        assert_eq!((recipe.negative_prompt.as_str(), recipe.prompt_weights), ("((blurry))", true));
        assert_eq!(recipe.left_out, ["the network `<lora:oil:0.8>`"]);
        let joined = ForeignRecipe::parse(&text.replace("[cat]", "AND a cat"));
        assert_eq!((joined.negative_prompt.as_str(), joined.prompt_weights), ("blurry", false));
    }

    #[test]
    fn variations_and_second_passes_are_taken() {
        let text = "a dog\nSteps: 20, Sampler: DDIM, CFG scale: 7, Seed: 5, Size: 512x512, Variation seed: 9, \
                    Variation seed strength: 0.25, Denoising strength: 0.6, Hires upscale: 1.5, Hires steps: 8, \
                    Hires upscaler: Lanczos, RNG: CPU";
        let recipe = ForeignRecipe::parse(text);
        assert_eq!(recipe.left_out, [""; 0]);
        assert_eq!(recipe.variation, Some(Variation { seed: 9, strength: 0.25 }));
        assert_eq!(recipe.hires, Some(HiresRecipe { scale: 1.5, strength: 0.6, steps: Some(8) }));
        let other =
            ForeignRecipe::parse(&text.replace("Lanczos", "Latent").replace("Variation seed: 9", "Variation seed: x"));
        assert_eq!(other.left_out, ["`Variation seed: x`", "`Hires upscaler: Latent`"]);
        assert!(other.variation.is_none() && other.hires.is_some());
        // From a picture, and not in two passes.
        let from = ForeignRecipe::parse("a dog\nSteps: 20, CFG scale: inf, Denoising strength: 0.6, RNG: CPU");
        assert_eq!(from.left_out, ["`CFG scale: inf`", "`Denoising strength: 0.6`"]);
    }

    #[test]
    fn a_sampler_that_is_not_known_is_named_and_so_is_the_noise() {
        let recipe = ForeignRecipe::parse("a dog\nSteps: 20, Sampler: DPM++ SDE Karras, CFG scale: x, Seed: -1");
        assert_eq!((recipe.scheduler, recipe.guidance, recipe.seed), (None, None, None));
        let left = recipe.left_out.join("\n");
        for named in ["DPM++ SDE Karras", "`CFG scale: x`", "`Seed: -1`", "the noise"] {
            assert!(left.contains(named), "{named} in {left}");
        }
    }

    #[test]
    fn a_plain_prompt_is_left_alone() {
        for prompt in ["a dog on grass", "a dog :) smiling", "C:\\dogs", "an open ( bracket", "a ] and a )", "<3"] {
            let recipe = ForeignRecipe::parse(prompt);
            assert_eq!((recipe.prompt.as_str(), recipe.left_out.len()), (prompt, 0), "{:?}", recipe.left_out);
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text in "[ a-z():\\[\\]<>|\\\\,.0-9\n]{0,60}") {
            let _ = ForeignRecipe::parse(&text);
        }
    }
}
