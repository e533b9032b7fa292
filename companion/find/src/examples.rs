//! What the finder learns from: latents of pictures with their prompts.

use cones_core::model::manifest::Manifest;
use serde::{Deserialize, Serialize};

/// A prompt as the U-Net's K and V are made from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Caption {
    /// The prompt itself.
    pub text: String,
    /// What K and V are made from, `tokens × width`.
    pub embedding: Vec<f32>,
    /// The pooled embedding, of models with two text encoders; else nothing.
    pub pooled: Vec<f32>,
    /// Positions of each subject's trigger tokens; empty for a subject that the prompt does not name.
    pub triggers: Vec<Vec<usize>>,
}

/// What a picture is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Part {
    /// A picture that shows the subject, and its prompt holds the trigger.
    Subject,
    /// A picture that shows something of the subject's class, drawn by the model itself: prior preservation.
    Class,
    /// A picture that shows something else, drawn by the model itself: what must not suffer.
    Other,
    /// The subject beside something else, put together of two pictures; its prompt names both.
    Company,
}

/// One picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// What the picture is there for.
    pub part: Part,
    /// The picture's latent as the U-Net sees it.
    pub latent: Vec<f32>,
    /// Index of the picture's prompt.
    pub caption: usize,
}

/// All pictures with their prompts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Examples {
    /// The prompts.
    pub captions: Vec<Caption>,
    /// The pictures.
    pub pictures: Vec<Example>,
    /// Channels, height and width of a latent.
    pub shape: [usize; 3],
    /// Tokens of a prompt.
    pub tokens: usize,
}

/// Channels, height and width of a bundle's latents, and the tokens of its prompts.
pub(super) fn shape_of(manifest: &Manifest) -> ([usize; 3], usize) {
    let (width, height, scale) = (manifest.image.width, manifest.image.height, manifest.latent.scale);
    let shape = [manifest.latent.channels as usize, (height / scale) as usize, (width / scale) as usize];
    (shape, manifest.text.max_length as usize)
}

impl Examples {
    /// The pictures of one part.
    pub fn of_part(&self, part: Part) -> Vec<&Example> {
        self.pictures.iter().filter(|e| e.part == part).collect()
    }

    /// Whether every latent, prompt and reference to one is of the size that a bundle's are: files come from elsewhere too.
    pub fn fit(&self, manifest: &Manifest) -> bool {
        let width = manifest.layers.first().map_or(0, |layer| layer.columns as usize);
        let pooled = manifest.text_2.map_or(0, |second| second.projection_dim as usize);
        let latent: usize = self.shape.iter().product();
        (self.shape, self.tokens) == shape_of(manifest)
            && self.captions.iter().all(|caption| caption.embedding.len() == self.tokens * width)
            && self.captions.iter().all(|caption| caption.pooled.len() == pooled)
            && self.captions.iter().flat_map(|c| c.triggers.iter().flatten()).all(|token| *token < self.tokens)
            && self.pictures.iter().all(|p| p.caption < self.captions.len() && p.latent.len() == latent)
    }

    /// Appends the pictures of `others`; a prompt that is here already keeps what is known of it here.
    pub fn append(&mut self, others: Self) {
        let mut places = Vec::with_capacity(others.captions.len());
        for caption in others.captions {
            let known = self.captions.iter().position(|own| own.text == caption.text);
            places.push(known.unwrap_or_else(|| {
                self.captions.push(caption);
                self.captions.len() - 1
            }));
        }
        let moved = |e: Example| Some(Example { caption: *places.get(e.caption)?, ..e });
        self.pictures.extend(others.pictures.into_iter().filter_map(moved));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_that_both_have_keeps_what_is_known_of_it_first() {
        let examples = |captions: &[&str], pictures: &[usize], mark: usize| Examples {
            captions: captions
                .iter()
                .map(|text| Caption {
                    text: (*text).into(),
                    embedding: vec![],
                    pooled: vec![],
                    triggers: vec![vec![mark]],
                })
                .collect(),
            pictures: pictures
                .iter()
                .map(|caption| Example { part: Part::Class, latent: vec![mark as f32], caption: *caption })
                .collect(),
            ..Examples::default()
        };
        let mut own = examples(&["a", "b"], &[0, 1], 1);
        own.append(examples(&["c", "b"], &[1, 0, 1], 2));
        let texts: Vec<_> = own.captions.iter().map(|c| (c.text.as_str(), c.triggers[0][0])).collect();
        assert_eq!(texts, [("a", 1), ("b", 1), ("c", 2)]);
        let pictures: Vec<_> = own.pictures.iter().map(|e| (e.caption, e.latent[0])).collect();
        assert_eq!(pictures, [(0, 1.0), (1, 1.0), (1, 2.0), (2, 2.0), (1, 2.0)]);
    }
}
