//! The alphas that diffusers writes into a LoRA's metadata, where PEFT trained it with others than its ranks.

use serde_json::{Map, Value};

use super::names::{Module, Part};
use super::refusal::refused;
use crate::error::Result;
use crate::safetensors_file::SafetensorsFile;

/// The metadata's entry: PEFT's configuration of each model, its keys behind the model's name.
const ENTRY: &str = "lora_adapter_metadata";

/// Alphas by module.
#[derive(Debug, Default)]
pub(super) struct Alphas {
    config: Map<String, Value>,
}

impl Alphas {
    pub(super) fn read(file: &SafetensorsFile) -> Result<Self> {
        let Some(text) = file.metadata(ENTRY) else { return Ok(Self::default()) };
        let bad = |reason: String| refused(file.path(), reason, "save it again with diffusers' `save_lora_weights`");
        let config = serde_json::from_str::<Map<String, Value>>(text)
            .map_err(|error| bad(format!("its metadata `{ENTRY}` is not a JSON object ({error})")))?;
        for (key, what) in [("use_rslora", "rank-stabilised (rsLoRA)"), ("use_dora", "a DoRA")] {
            let is_on = |(name, value): (&String, &Value)| name.ends_with(key) && value.as_bool() == Some(true);
            if config.iter().any(is_on) {
                return Err(bad(format!("it is {what}, and a plain LoRA is wanted")));
            }
        }
        Ok(Self { config })
    }

    /// The alpha of a module; none where it is the rank.
    pub(super) fn of(&self, module: &Module) -> Option<f32> {
        let part = match module.part {
            Part::Unet => "unet",
            Part::TextEncoder => "text_encoder",
            Part::SecondTextEncoder => "text_encoder_2",
        };
        let pattern = self.config.get(&format!("{part}.alpha_pattern")).and_then(Value::as_object);
        let ends = |key: &str| module.name == key || module.name.ends_with(&format!(".{key}"));
        let own = pattern.into_iter().flatten().find(|(key, _)| ends(key)).map(|(_, alpha)| alpha);
        let alpha = own.or_else(|| self.config.get(&format!("{part}.lora_alpha")))?;
        alpha.as_f64().map(|alpha| alpha as f32)
    }
}
