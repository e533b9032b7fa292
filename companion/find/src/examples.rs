//! What the finder learns from: latents of pictures with their prompts.

use serde::{Deserialize, Serialize};

/// A prompt as the U-Net's K and V are made from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Caption {
    /// The prompt itself.
    pub text: String,
    /// The text encoder's last hidden state, `tokens × width`.
    pub embedding: Vec<f32>,
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

impl Examples {
    /// The pictures of one part.
    pub fn of_part(&self, part: Part) -> Vec<&Example> {
        self.pictures.iter().filter(|e| e.part == part).collect()
    }
}
