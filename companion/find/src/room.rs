//! Whether the steps will fit into memory, asked before anything is drawn or loaded.

use cones_core::{Bundle, ExecutionProvider, memory};
use cones_gradient::{Footprint, GradientOptions, Memory, Sizes, text, unet};

use crate::error::{Error, Result};

/// An error that says what to change, where a step of `batch` pictures would not fit. Where the system does not say how
/// much is free, and on devices with memory of their own, nothing is checked. `learns_trigger`: the text encoder is
/// differentiated beside the U-Net, one prompt at a time.
pub(crate) fn check(bundle: &Bundle, batch: usize, options: &GradientOptions, learns_trigger: bool) -> Result<()> {
    let Some(free) = memory::available().filter(|_| options.provider == ExecutionProvider::Cpu) else { return Ok(()) };
    let manifest = bundle.manifest();
    let scale = manifest.latent.scale.max(1);
    let sizes = Sizes {
        batch,
        height: (manifest.image.height / scale) as usize,
        width: (manifest.image.width / scale) as usize,
        tokens: manifest.text.max_length as usize,
    };
    let need = |options: &GradientOptions| -> Result<Need> {
        let beside = if learns_trigger { text::footprint(bundle, 1, options)?.total() } else { 0 };
        Ok(Need { steps: unet::footprint(bundle, sizes, options)?, beside })
    };
    let enough = need(options)?;
    if enough.total() <= free {
        return Ok(());
    }
    let less = match options.memory {
        Memory::Normal => Some(need(&GradientOptions { memory: Memory::Low, ..options.clone() })?),
        Memory::Low => None,
    };
    Err(refusal(enough, less, free, batch as u64))
}

/// What has to fit.
#[derive(Debug, Clone, Copy)]
struct Need {
    /// The steps themselves.
    steps: Footprint,
    /// Bytes that are taken however many pictures a step has.
    beside: u64,
}

impl Need {
    fn total(self) -> u64 {
        self.steps.total().saturating_add(self.beside)
    }

    fn batch_within(self, bytes: u64, batch: u64) -> u64 {
        self.steps.batch_within(bytes.saturating_sub(self.beside), batch)
    }
}

/// What is needed, what is there, and the ways out.
fn refusal(need: Need, less: Option<Need>, free: u64, batch: u64) -> Error {
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    let mut ways = Vec::new();
    if let Some(less) = less.filter(|less| less.total() <= free) {
        ways.push(format!("--low-memory (about {})", gigabytes(less.total())));
    }
    let within = need.batch_within(free, batch);
    if within >= 2 {
        ways.push(format!("--batch {within}"));
    } else if let Some(within) =
        less.map(|less| less.batch_within(free, batch)).filter(|within| *within >= 2 && *within < batch)
    {
        ways.push(format!("--low-memory --batch {within}"));
    }
    let hint = if ways.is_empty() { "close other programs, or take a smaller model".into() } else { ways.join(" or ") };
    let (need, free) = (gigabytes(need.total()), gigabytes(free));
    let reason = format!("steps of {batch} pictures need about {need} of memory, and {free} are free");
    Error::Memory { reason, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;

    fn need(memory: Memory, weights: u64, values: u64) -> Need {
        Need { steps: Footprint { weights: weights * GB, activations: values * GB, memory }, beside: 0 }
    }

    fn told(error: &Error) -> String {
        format!("{error}; {}", error.hint().unwrap_or_default())
    }

    #[test]
    fn a_refusal_names_what_would_fit() {
        // Ten for the weights, and sixteen for twelve pictures.
        let normal = need(Memory::Normal, 5, 10);
        let text = told(&refusal(normal, Some(need(Memory::Low, 3, 2)), 18 * GB, 12));
        let said = "steps of 12 pictures need about 26.0 GB of memory, and 18.0 GB are free; ";
        assert_eq!(text, format!("{said}--low-memory (about 14.5 GB) or --batch 6"));
        // A text encoder beside it leaves room for fewer.
        let text = told(&refusal(Need { beside: 2 * GB, ..normal }, None, 18 * GB, 12));
        assert!(text.contains("need about 28.0 GB") && text.ends_with("; --batch 4"), "{text}");
        // Low memory alone leaves room for a part of the pictures.
        let text = told(&refusal(normal, Some(need(Memory::Low, 3, 2)), 11_500_000_000, 12));
        assert!(text.ends_with("; --low-memory --batch 6"), "{text}");
    }

    #[test]
    fn a_refusal_offers_nothing_that_would_not_fit() {
        let text = told(&refusal(need(Memory::Normal, 4, 10), Some(need(Memory::Low, 4, 8)), 3 * GB, 12));
        assert!(text.ends_with("; close other programs, or take a smaller model"), "{text}");
        let text = told(&refusal(need(Memory::Low, 3, 4), None, 15 * GB, 12));
        assert!(text.ends_with("; --batch 6"), "{text}");
    }
}
