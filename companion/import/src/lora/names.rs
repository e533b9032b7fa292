//! How tensors of LoRAs are called.
//!
//! ```text
//! unet.down_blocks.0.….attn2.to_k.lora_A.weight                                  PEFT, as diffusers writes it today
//! unet.down_blocks.0.….attn2.to_k.lora.down.weight                               diffusers before
//! unet.down_blocks.0.….attn2.processor.to_k_lora.down.weight                     diffusers' attention processors
//! text_encoder.text_model.….q_proj.lora_linear_layer.down.weight                 diffusers' text encoders
//! lora_unet_down_blocks_0_…_attn2_to_k.lora_down.weight, ….alpha                 Kohya
//! ```

use std::collections::BTreeMap;

/// Which of a pipeline's models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The U-Net.
    Unet,
    /// The text encoder.
    TextEncoder,
    /// The second text encoder, which Stable Diffusion XL has.
    SecondTextEncoder,
}

/// A module that a LoRA changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Module {
    /// The model that it is in.
    pub part: Part,
    /// Its name in that model, as the file writes it.
    pub name: String,
    /// Whether the file writes `_` for the dots of the name: then it cannot tell them from those of the words.
    pub underscored: bool,
}

/// What a tensor is to its module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Down,
    Up,
    Alpha,
}

/// Endings of names, with what the tensor is; the longer of two with the same end first.
const ENDINGS: [(&str, Role); 15] = [
    (".lora_A.default.weight", Role::Down),
    (".lora_B.default.weight", Role::Up),
    (".lora_A.weight", Role::Down),
    (".lora_B.weight", Role::Up),
    (".lora_linear_layer.down.weight", Role::Down),
    (".lora_linear_layer.up.weight", Role::Up),
    (".lora.down.weight", Role::Down),
    (".lora.up.weight", Role::Up),
    (".lora_down.weight", Role::Down),
    (".lora_up.weight", Role::Up),
    ("_lora.down.weight", Role::Down),
    ("_lora.up.weight", Role::Up),
    (".lora.alpha", Role::Alpha),
    ("_lora.alpha", Role::Alpha),
    (".alpha", Role::Alpha),
];
const PROCESSOR: &str = ".processor.";
/// Beginnings of names; none is diffusers' U-Net alone.
const KOHYA: [(&str, Part); 4] = [
    ("lora_unet_", Part::Unet),
    ("lora_te1_", Part::TextEncoder),
    ("lora_te2_", Part::SecondTextEncoder),
    ("lora_te_", Part::TextEncoder),
];
const DOTTED: [(&str, Part); 3] =
    [("unet.", Part::Unet), ("text_encoder.", Part::TextEncoder), ("text_encoder_2.", Part::SecondTextEncoder)];

/// The module and role of a tensor, if its name has one of the known forms.
pub(super) fn read(tensor: &str) -> Option<(Module, Role)> {
    let (stem, ending, role) = ENDINGS.iter().find_map(|(end, role)| Some((tensor.strip_suffix(end)?, *end, *role)))?;
    if let Some((name, part)) = KOHYA.iter().find_map(|(start, part)| Some((stem.strip_prefix(start)?, *part))) {
        return Some((Module { part, name: name.to_owned(), underscored: true }, role));
    }
    let stem = stem.strip_prefix("base_model.model.").unwrap_or(stem);
    let known = DOTTED.iter().find_map(|(start, part)| Some((stem.strip_prefix(start)?, *part)));
    let (name, part) = known.unwrap_or((stem, Part::Unet));
    let name = if ending.starts_with('_') { of_processor(name)? } else { name.to_owned() };
    // Names without a dot are of convolutions at a U-Net's ends, or of no module.
    let is_module = name.contains('.') || known.is_some() || ["conv_in", "conv_out"].contains(&name.as_str());
    is_module.then_some((Module { part, name, underscored: false }, role))
}

/// `x.attn2.processor.to_k` is `x.attn2.to_k`; what is `to_out` there has a number in the module.
fn of_processor(name: &str) -> Option<String> {
    let (attention, projection) = name.rsplit_once(PROCESSOR)?;
    let number = if projection == "to_out" { ".0" } else { "" };
    Some(format!("{attention}.{projection}{number}"))
}

impl Module {
    /// Whether it is the module of this name in that part, as diffusers and transformers call it.
    #[must_use]
    pub fn names(&self, part: Part, name: &str) -> bool {
        let same = || if self.underscored { self.name == name.replace('.', "_") } else { self.name == name };
        self.part == part && same()
    }
}

/// Modules in a few words: what kind they are, and how many of each.
pub(crate) fn summary(modules: &[&Module]) -> String {
    const SHOWN: usize = 24;
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for module in modules {
        *kinds.entry(kind(module)).or_default() += 1;
    }
    let mut list: Vec<String> = kinds.iter().take(SHOWN).map(|(kind, count)| format!("{kind} ({count})")).collect();
    if kinds.len() > SHOWN {
        list.push(format!("{} more", kinds.len() - SHOWN));
    }
    list.join(", ")
}

/// The last words of a module's name, without numbers of blocks: `attn1.to_q`, `ff.net.2`, `text encoder: self_attn.q_proj`.
fn kind(module: &Module) -> String {
    // What a module of a transformer or of a residual block begins with.
    const BEGINNINGS: [&str; 12] = [
        "attn1",
        "attn2",
        "ff",
        "self_attn",
        "mlp",
        "proj_in",
        "proj_out",
        "conv1",
        "conv2",
        "conv_shortcut",
        "time_emb_proj",
        "conv",
    ];
    let separator = if module.underscored { '_' } else { '.' };
    let name = &module.name;
    let begins = |at: usize| at == 0 || name[..at].ends_with(separator);
    let found = |word: &&str| name.match_indices(*word).map(|(at, _)| at).filter(|at| begins(*at)).last();
    let last = BEGINNINGS.iter().filter_map(found).min();
    let own = last.and_then(|at| name.get(at..)).unwrap_or(name);
    match module.part {
        Part::Unet => own.to_owned(),
        Part::TextEncoder => format!("text encoder: {own}"),
        Part::SecondTextEncoder => format!("second text encoder: {own}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYER: &str = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k";

    #[test]
    fn every_way_to_call_a_layer_is_read() {
        let flat = LAYER.replace('.', "_");
        for (name, role) in [
            (format!("unet.{LAYER}.lora_A.weight"), Role::Down),
            (format!("unet.{LAYER}.lora_B.default.weight"), Role::Up),
            (format!("base_model.model.unet.{LAYER}.lora_A.weight"), Role::Down),
            (format!("{LAYER}.lora.up.weight"), Role::Up),
            (format!("unet.{}", LAYER.replace("attn2.", "attn2.processor.") + "_lora.down.weight"), Role::Down),
            (format!("lora_unet_{flat}.lora_down.weight"), Role::Down),
            (format!("lora_unet_{flat}.alpha"), Role::Alpha),
        ] {
            let (module, found) = read(&name).expect("a known form");
            assert!(module.names(Part::Unet, LAYER) && found == role, "{name}: {module:?} {found:?}");
        }
        let (module, _) = read("unet.a.attn1.processor.to_out_lora.up.weight").expect("a known form");
        assert!(module.names(Part::Unet, "a.attn1.to_out.0"));
        let name = "text_model.encoder.layers.0.self_attn.q_proj";
        for tensor in [
            format!("text_encoder.{name}.lora_linear_layer.down.weight"),
            format!("lora_te_{}.lora_down.weight", name.replace('.', "_")),
            format!("lora_te1_{}.lora_down.weight", name.replace('.', "_")),
        ] {
            assert!(read(&tensor).expect("a known form").0.names(Part::TextEncoder, name), "{tensor}");
        }
        for tensor in ["unet.conv_in.lora_A.weight", "conv_in.lora.down.weight", "lora_unet_conv_in.lora_down.weight"] {
            assert!(read(tensor).expect("a known form").0.names(Part::Unet, "conv_in"), "{tensor}");
        }
        for tensor in ["x.lora_A.weight", "unet.a.b.weight", "lora_unet_x.diff", "a_lora.down.weight", ""] {
            assert_eq!(read(tensor), None, "{tensor}");
        }
    }

    #[test]
    fn modules_are_summed_up_by_kind() {
        let of = |tensor: &str| read(tensor).expect("a known form").0;
        let modules = [
            of("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight"),
            of("lora_unet_up_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight"),
            of("unet.mid_block.attentions.0.transformer_blocks.0.ff.net.2.lora_A.weight"),
            of("lora_unet_down_blocks_0_resnets_1_conv1.lora_down.weight"),
            of("lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight"),
        ];
        let all: Vec<&Module> = modules.iter().collect();
        assert_eq!(summary(&all), "attn1_to_q (2), conv1 (1), ff.net.2 (1), text encoder: mlp_fc1 (1)");
    }
}
