//! A recipe as other image tools write and read it, for people.

use crate::engine::word_box::WordBox;
use crate::picture::infotext;
use crate::picture::recipe::Recipe;

impl Recipe {
    /// The text that image tools read: prompt, negative prompt, one line of settings, in AUTOMATIC1111's words. A subject is written as its name,
    /// strength, and the first digits of the hashes of its mask and, where it came from one, of its pack.
    pub fn parameters(&self) -> String {
        let mut text = self.prompt.clone();
        if !self.negative_prompt.is_empty() {
            text.push_str(&format!("\nNegative prompt: {}", self.negative_prompt));
        }
        let (sampler, schedule) = infotext::sampler(self.scheduler);
        let schedule = schedule.map_or_else(String::new, |kind| format!(", Schedule type: {kind}"));
        let model_hash = self.fingerprint.short(10);
        text.push_str(&format!(
            "\nSteps: {}, Sampler: {sampler}{schedule}, CFG scale: {}, Seed: {}, Size: {}x{}, Model hash: {model_hash}, \
             Model: {}",
            self.steps, self.guidance, self.seed, self.width, self.height, self.bundle
        ));
        if self.guidance_rescale > 0.0 {
            text.push_str(&format!(", {}: {}", infotext::RESCALE, self.guidance_rescale));
        }
        if let Some(eta) = self.eta {
            text.push_str(&format!(", {}: {eta}", infotext::eta(self.scheduler)));
        }
        if let Some(variation) = self.variation {
            text.push_str(&format!(
                ", Variation seed: {}, Variation seed strength: {}",
                variation.seed, variation.strength
            ));
        }
        if let Some(init) = &self.init {
            text.push_str(&init.parameters());
        }
        if let Some(hires) = &self.hires {
            text.push_str(&hires.parameters());
        }
        for subject in &self.subjects {
            let name = infotext::unquoted(&subject.name);
            text.push_str(&format!(", Subject: \"{name}:{}:{}", subject.strength, subject.mask_sha256.short(10)));
            if let Some(pack) = &subject.pack_sha256 {
                text.push_str(&format!(":{}", pack.short(10)));
            }
            text.push('"');
        }
        if self.clip_skip > 0 {
            // The web UI counts the layer that is taken, from the end.
            text.push_str(&format!(", Clip skip: {}", self.clip_skip.saturating_add(1)));
        }
        if let Some(hash) = &self.prompt_embeds_sha256 {
            text.push_str(&format!(", Prompt embeds: {}", hash.short(10)));
        }
        if let Some(hash) = &self.image_sha256 {
            text.push_str(&format!(", Image: {}", hash.short(10)));
        }
        for WordBox { words, left, top, right, bottom } in &self.boxes {
            text.push_str(&format!(", Box: \"{}:{left}:{top}:{right}:{bottom}\"", infotext::unquoted(words)));
        }
        if self.safety.is_some() {
            text.push_str(", Safety: blurred");
        }
        // The noise is that of PyTorch's generator on the CPU.
        text.push_str(&format!(", RNG: CPU, Version: {}", self.software));
        text
    }
}
