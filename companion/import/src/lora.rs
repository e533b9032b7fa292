//! LoRAs (Hu et al. 2021) as people share them: for some modules of a model two matrices whose product is added to the weights.
//!
//! A LoRA of the cross-attention's keys and values alone becomes a pack ([`Lora::low_rank`]): these weights are not in the U-Net's
//! graph. One that touches other modules is merged into the weights at import (`ImportOptions::merge`).

mod adapter;
mod alphas;
mod matrix;
mod names;
mod refusal;

use std::path::Path;

use cones_core::model::manifest::Layer;
use cones_core::{LowRank, LowRankChange};

pub use adapter::Adapter;
pub use names::{Module, Part};

pub(crate) use names::summary;

use refusal::{AGAIN, refused};

use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::safetensors_file::SafetensorsFile;

/// A LoRA's file, its modules told apart.
#[derive(Debug)]
pub struct Lora {
    file: SafetensorsFile,
    /// Every module that it changes, in the order of their names.
    pub adapters: Vec<Adapter>,
}

impl Lora {
    /// Reads which modules a safetensors file changes, in the names of diffusers (PEFT's, and those from before) or Kohya's.
    ///
    /// # Errors
    /// Relatives of LoRA (DoRA, LoHa, LoKr, OFT, …) are refused by name, and so are names of no known form, which are listed.
    pub fn open(path: &Path) -> Result<Self> {
        match Kind::of(path) {
            Kind::Lora | Kind::OtherTensors | Kind::BrokenTensors | Kind::Unknown => {}
            kind => return Err(Error::kind(path, kind, "a LoRA in safetensors")),
        }
        let file = SafetensorsFile::open(path)?;
        let adapters = adapter::all(&file)?;
        Ok(Self { file, adapters })
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The low-rank change of a bundle's layers, `strength` times as strong.
    ///
    /// # Errors
    /// When it changes anything but layers of the bundle, which is listed; when a matrix is of another size or not finite.
    pub fn low_rank(&self, layers: &[Layer], strength: f32) -> Result<LowRank> {
        let place = |adapter: &Adapter| layers.iter().position(|layer| adapter.module.names(Part::Unet, &layer.name));
        let is_other = |adapter: &&Adapter| place(adapter).is_none();
        let others: Vec<&Module> = self.adapters.iter().filter(is_other).map(|adapter| &adapter.module).collect();
        if !others.is_empty() {
            let (count, all) = (others.len(), self.adapters.len());
            let list = names::summary(&others);
            let reason = format!("{count} of its {all} modules are no keys or values of the cross-attention: {list}");
            let hint = "a pack holds keys and values (`attn2.to_k`, `attn2.to_v`) alone: merge it into a model, with \
                        `cones import … --merge FILE`";
            return Err(self.refused(reason, hint));
        }
        let mut changes: Vec<Option<LowRankChange>> = vec![None; layers.len()];
        for adapter in &self.adapters {
            let Some(at) = place(adapter) else { continue };
            let change = matrix::low_rank(&self.file, adapter, &layers[at], strength)?;
            if changes[at].replace(change).is_some() {
                return Err(self.refused(format!("it changes `{}` twice", layers[at].name), AGAIN));
            }
        }
        Ok(LowRank::new(layers, changes)?)
    }

    /// What it adds to a module's weights, `scale · up · down`, row-major and with the shape that PyTorch gives them.
    ///
    /// # Errors
    /// When a matrix does not fit into that shape or is not finite.
    pub(crate) fn delta(&self, adapter: &Adapter, shape: &[usize], strength: f32) -> Result<Vec<f32>> {
        matrix::delta(&self.file, adapter, shape, strength)
    }

    pub(crate) fn refused(&self, reason: impl Into<String>, hint: &str) -> Error {
        refused(self.path(), reason, hint)
    }
}
