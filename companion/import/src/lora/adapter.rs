//! One module's tensors in a LoRA's file.

use std::collections::BTreeMap;

use super::alphas::Alphas;
use super::names::{self, Module, Role};
use super::refusal::{AGAIN, refused};
use crate::error::{Error, Result};
use crate::safetensors_file::SafetensorsFile;

/// What a LoRA adds to one module.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapter {
    /// The module.
    pub module: Module,
    /// Columns of the one matrix, and rows of the other.
    pub rank: usize,
    /// What their product is multiplied by: `alpha / rank`, or 1 where the file gives no alpha.
    pub scale: f32,
    /// The tensors' names.
    pub(super) down: String,
    pub(super) up: String,
}

/// Relatives of LoRA, and what their tensors have in their names.
const RELATIVES: [(&str, &str); 13] = [
    ("dora_scale", "a DoRA"),
    ("lora_magnitude_vector", "a DoRA"),
    (".hada_", "a LoHa"),
    (".lokr_", "a LoKr"),
    (".oft_", "an OFT"),
    (".boft_", "a BOFT"),
    (".on_input", "an IA3"),
    (".lora_mid.", "a LoCon with Tucker's decomposition (`lora_mid`)"),
    (".diff_b", "a full difference of biases (`diff_b`)"),
    (".diff", "a full difference (`diff`)"),
    ("lora_B.bias", "a LoRA with biases"),
    ("bundle_emb.", "a LoRA with learned words in it (`bundle_emb`)"),
    ("lora_transformer_", "a LoRA for a model that has a transformer instead of a U-Net"),
];

#[derive(Default)]
struct Tensors {
    down: Option<String>,
    up: Option<String>,
    alpha: Option<String>,
}

/// All modules of a file.
pub(super) fn all(file: &SafetensorsFile) -> Result<Vec<Adapter>> {
    let names = file.names();
    let is_relative = |part: &str| names.iter().any(|name| name.contains(part));
    if let Some((_, what)) = RELATIVES.iter().find(|(part, _)| is_relative(part)) {
        let hint = "load it with diffusers, save and export the pipeline, and give that to `cones import`";
        return Err(refused(file.path(), format!("it is {what}, and a plain LoRA is wanted"), hint));
    }
    let mut modules: BTreeMap<Module, Tensors> = BTreeMap::new();
    let mut unknown = Vec::new();
    for name in names {
        let Some((module, role)) = names::read(&name) else {
            unknown.push(name);
            continue;
        };
        let tensors = modules.entry(module).or_default();
        let place = match role {
            Role::Down => &mut tensors.down,
            Role::Up => &mut tensors.up,
            Role::Alpha => &mut tensors.alpha,
        };
        if let Some(other) = place.replace(name.clone()) {
            return Err(refused(file.path(), format!("`{other}` and `{name}` are the same matrix"), AGAIN));
        }
    }
    if !unknown.is_empty() {
        return Err(unknown_names(file, &unknown));
    }
    let alphas = Alphas::read(file)?;
    let adapters: Vec<Adapter> =
        modules.into_iter().map(|(module, tensors)| adapter(file, module, tensors, &alphas)).collect::<Result<_>>()?;
    if adapters.is_empty() {
        return Err(refused(file.path(), "it holds no tensors", AGAIN));
    }
    Ok(adapters)
}

fn unknown_names(file: &SafetensorsFile, unknown: &[String]) -> Error {
    const SHOWN: usize = 4;
    let list: Vec<String> = unknown.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = if unknown.len() > SHOWN { format!(" and {} more", unknown.len() - SHOWN) } else { String::new() };
    let reason = format!("these tensors are none of a LoRA in diffusers' or Kohya's names: {}{more}", list.join(", "));
    refused(
        file.path(),
        reason,
        "load it with diffusers, save and export the pipeline, and give that to `cones import`",
    )
}

fn adapter(file: &SafetensorsFile, module: Module, tensors: Tensors, alphas: &Alphas) -> Result<Adapter> {
    let bad = |reason: String| refused(file.path(), reason, AGAIN);
    let name = module.name.clone();
    let (Some(down), Some(up)) = (tensors.down, tensors.up) else {
        return Err(bad(format!("of module `{name}` one of the two matrices is missing")));
    };
    let side = |tensor: &str, at: usize| file.shape(tensor).and_then(|shape| shape.get(at)).copied().unwrap_or(0);
    let rank = side(&down, 0);
    if rank == 0 || side(&up, 1) != rank {
        let (down, up) = (file.shape(&down).unwrap_or_default(), file.shape(&up).unwrap_or_default());
        return Err(bad(format!(
            "the matrices of module `{name}` have shapes {down:?} and {up:?}, which is no product"
        )));
    }
    let alpha = match &tensors.alpha {
        Some(tensor) => match file.values(tensor)?.as_slice() {
            [alpha] => Some(*alpha),
            values => return Err(bad(format!("`{tensor}` holds {} numbers instead of one", values.len()))),
        },
        None => alphas.of(&module),
    };
    let scale = alpha.map_or(1.0, |alpha| alpha / rank as f32);
    if !scale.is_finite() {
        return Err(bad(format!("the alpha of module `{name}` is no finite number")));
    }
    Ok(Adapter { module, rank, scale, down, up })
}
