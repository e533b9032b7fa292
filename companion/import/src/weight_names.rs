//! Which tensors of a U-Net's weights are which layers.
//!
//! diffusers names layers by the module they are in. Checkpoints in one file keep the names of Stable Diffusion's first
//! publication (LDM), which number the blocks through: `model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2`
//! is `down_blocks.1.attentions.0.transformer_blocks.0.attn2`. Which number is which block depends on how many layers a
//! block has; that stands in the U-Net's configuration.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::json::Json;
use crate::kind::Kind;
use crate::safetensors_file::SafetensorsFile;

/// What may stand before a U-Net's names in a file that holds more than it.
const PREFIXES: [&str; 2] = ["model.diffusion_model.", "unet."];

/// The layer that a tensor of diffusers' name is: `x.attn2.to_k.weight` → `x.attn2.to_k`.
pub(super) fn diffusers(tensor: &str) -> Option<String> {
    let name = tensor.strip_suffix(".weight")?;
    (name.ends_with(".attn2.to_k") || name.ends_with(".attn2.to_v")).then(|| name.to_owned())
}

/// The layout of a U-Net, as its configuration has it.
#[derive(Debug)]
pub(super) struct Blocks {
    layers_per_block: u32,
    in_channels: u64,
    /// `down_blocks.0.attentions.1`, …: every attention that there is.
    attentions: BTreeSet<String>,
}

impl Blocks {
    /// Reads `unet/config.json` in a folder.
    pub(super) fn read(configurations: &Path) -> Result<Self> {
        Self::of(&Json::read(&configurations.join("unet/config.json"))?)
    }

    fn of(unet: &Json) -> Result<Self> {
        let layers_per_block = layers_per_block(unet)?;
        let mut attentions = BTreeSet::new();
        for (key, side, layers) in [
            ("down_block_types", "down_blocks", layers_per_block),
            ("up_block_types", "up_blocks", layers_per_block.saturating_add(1)),
        ] {
            for (block, kind) in unet.array(key)?.iter().enumerate() {
                let has_attention = kind.as_str().is_some_and(|kind| kind.starts_with("CrossAttn"));
                let layers = if has_attention { layers } else { 0 };
                attentions.extend((0..layers).map(|layer| format!("{side}.{block}.attentions.{layer}")));
            }
        }
        if unet.str_or("mid_block_type", "UNetMidBlock2DCrossAttn")?.contains("CrossAttn") {
            attentions.insert("mid_block.attentions.0".into());
        }
        Ok(Self { layers_per_block, in_channels: u64::from(unet.u32("in_channels")?), attentions })
    }

    /// The layers of a file that holds a U-Net by either kind of name, alone or with the rest of a model: the tensor and
    /// the layer of each.
    ///
    /// # Errors
    /// When the file's U-Net is not the one that the configuration describes.
    pub(super) fn layers(&self, file: &SafetensorsFile) -> Result<Vec<(String, String)>> {
        let layer = |tensor: String| {
            let name = PREFIXES.iter().find_map(|prefix| tensor.strip_prefix(prefix)).unwrap_or(&tensor);
            let layer = self.diffusers_name(name).or_else(|| diffusers(name).filter(|name| is_own(name)))?;
            Some((tensor, layer))
        };
        let found: Vec<(String, String)> = file.names().into_iter().filter_map(layer).collect();
        if found.is_empty() {
            return Err(Error::weights(file.path(), "it has no U-Net's cross-attention (`attn2.to_k`, `attn2.to_v`)"));
        }
        self.check(file, &found)?;
        Ok(found)
    }

    /// `input_blocks.1.1.x.attn2.to_k.weight` → `down_blocks.0.attentions.0.x.attn2.to_k`.
    fn diffusers_name(&self, tensor: &str) -> Option<String> {
        let layer = diffusers(tensor)?;
        let (side, rest) = layer.split_once('.')?;
        let (number, rest) = rest.split_once('.')?;
        let number: u32 = number.parse().ok()?;
        let in_a_block = self.layers_per_block.checked_add(1)?;
        if side == "middle_block" {
            return (number == 1).then(|| format!("mid_block.attentions.0.{rest}"));
        }
        // Behind a block's ResNet, which is number 0 in it.
        let rest = rest.strip_prefix("1.")?;
        // The first input block is the convolution that all begins with.
        let (name, number) = match side {
            "input_blocks" => ("down_blocks", number.checked_sub(1)?),
            "output_blocks" => ("up_blocks", number),
            _ => return None,
        };
        Some(format!("{name}.{}.attentions.{}.{rest}", number / in_a_block, number % in_a_block))
    }

    /// Names that do not fit the configuration would be given to the wrong layers.
    fn check(&self, file: &SafetensorsFile, found: &[(String, String)]) -> Result<()> {
        let attention = |layer: &String| layer.split_once(".transformer_blocks.").map(|(name, _)| name.to_owned());
        let in_file: BTreeSet<String> = found.iter().filter_map(|(_, layer)| attention(layer)).collect();
        let wrong = |reason: String| {
            Error::config(
                file.path(),
                reason,
                "the configurations must be those of a model of the same kind as the file",
            )
        };
        if let Some(name) = in_file.symmetric_difference(&self.attentions).next() {
            let (has, lacks) = ("the file has", "the configuration of the U-Net names");
            let (has, lacks) = if in_file.contains(name) { (has, "the configuration") } else { (lacks, "the file") };
            return Err(wrong(format!("{has} `{name}`, {lacks} does not")));
        }
        let prefixes = PREFIXES.iter().chain([&""]);
        let first = |prefix| ["input_blocks.0.0.weight", "conv_in.weight"].map(|name| format!("{prefix}{name}"));
        for name in prefixes.flat_map(first) {
            if let Some([_, channels, ..]) = file.shape(&name)
                && *channels as u64 != self.in_channels
            {
                let expected = self.in_channels;
                return Err(wrong(format!(
                    "its U-Net takes {channels} channels, that of the configuration {expected}"
                )));
            }
        }
        Ok(())
    }
}

/// Of a U-Net, and not of what else may be in a file.
fn is_own(layer: &str) -> bool {
    ["down_blocks.", "mid_block.", "up_blocks."].iter().any(|side| layer.starts_with(side))
}

/// One number for all blocks, as all models that were ever published in one file have.
fn layers_per_block(unet: &Json) -> Result<u32> {
    let one = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| (1..=64).contains(n));
    let number = match unet.get("layers_per_block") {
        None => Some(2),
        Some(Value::Array(all)) if all.windows(2).all(|pair| pair[0] == pair[1]) => all.first().and_then(one),
        Some(value) => one(value),
    };
    number.ok_or_else(|| unet.wrong("layers_per_block", "a number of layers, the same in every block"))
}

/// The file must be safetensors, told by its beginning and not by its name.
pub(super) fn open(path: &Path) -> Result<SafetensorsFile> {
    match Kind::of(path) {
        Kind::Checkpoint | Kind::CheckpointXl | Kind::UnetWeights => SafetensorsFile::open(path),
        kind => Err(Error::kind(path, kind, "weights of Stable Diffusion as safetensors")),
    }
}

/// Why a U-Net's folder has no weights of the name that is wanted: what lies there in its place.
pub(super) fn others(unet: &Path, wanted: &str) -> Error {
    const OTHERS: [&str; 3] = [
        "diffusion_pytorch_model.bin",
        "diffusion_pytorch_model.fp16.bin",
        "diffusion_pytorch_model.non_ema.safetensors",
    ];
    match OTHERS.iter().map(|name| unet.join(name)).find(|path| path.is_file()) {
        Some(path) => Error::kind(&path, Kind::of(&path), format!("`{wanted}` in its place")),
        None => Error::weights(unet, format!("there is no `{wanted}` here")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The configuration of a U-Net and the names that diffusers' own conversion gives, for U-Nets of different layouts.
    #[test]
    fn names_become_those_of_diffusers_own_conversion() {
        let cases: Vec<Value> = cones_tests::golden::json("configs/ldm_names.json");
        assert!(cases.len() >= 3);
        for case in cases {
            let unet = Json::of(Path::new("config.json"), case["config"].clone());
            let blocks = Blocks::of(&unet).expect("a layout");
            let names = case["names"].as_object().expect("names");
            assert!(names.len() >= 4);
            let mut attentions = BTreeSet::new();
            for (ldm, expected) in names {
                let expected = expected.as_str().expect("a name").strip_suffix(".weight").expect("a weight");
                assert_eq!(blocks.diffusers_name(ldm).as_deref(), Some(expected), "{ldm}");
                attentions.insert(expected.split_once(".transformer_blocks.").expect("an attention").0.to_owned());
            }
            assert_eq!(blocks.attentions, attentions);
        }
    }

    #[test]
    fn names_of_other_things_are_no_layers() {
        let unet = json!({
            "layers_per_block": 2, "in_channels": 4,
            "down_block_types": ["CrossAttnDownBlock2D"], "up_block_types": ["CrossAttnUpBlock2D"],
        });
        let blocks = Blocks::of(&Json::of(Path::new("config.json"), unet)).expect("a layout");
        for name in [
            "input_blocks.1.1.transformer_blocks.0.attn1.to_k.weight",
            "input_blocks.1.1.transformer_blocks.0.attn2.to_q.weight",
            "input_blocks.0.1.attn2.to_k.weight",
            "input_blocks.1.0.attn2.to_k.weight",
            "input_blocks.x.1.attn2.to_k.weight",
            "middle_block.0.attn2.to_k.weight",
            "output_blocks.99999999999.1.attn2.to_k.weight",
            "attn2.to_k.weight",
        ] {
            assert_eq!(blocks.diffusers_name(name).as_deref(), None, "{name}");
        }
    }
}
