//! Whether the steps will fit into memory, asked before anything is drawn or loaded.

use cones_core::{Bundle, Provider};

use crate::cli::Failure;
use crate::gradient::{Footprint, Memory, Settings, Sizes, unet};
use crate::memory;

/// An error that says what to change, where a step of `batch` pictures would not fit. Where the system does not say how
/// much is free, and on devices with memory of their own, nothing is checked.
pub(super) fn check(bundle: &Bundle, batch: usize, settings: &Settings) -> Result<(), Failure> {
    let Some(free) = memory::available().filter(|_| settings.provider == Provider::Cpu) else { return Ok(()) };
    let manifest = bundle.manifest();
    let scale = manifest.latent.scale.max(1);
    let sizes = Sizes {
        batch,
        height: (manifest.image.height / scale) as usize,
        width: (manifest.image.width / scale) as usize,
        tokens: manifest.text.max_length as usize,
    };
    let need = unet::footprint(bundle, sizes, settings)?;
    if need.total() <= free {
        return Ok(());
    }
    let less = match settings.memory {
        Memory::Normal => Some(unet::footprint(bundle, sizes, &Settings { memory: Memory::Low, ..settings.clone() })?),
        Memory::Low => None,
    };
    Err(refusal(need, less, free, batch as u64).into())
}

/// What is needed, what is there, and the ways out.
fn refusal(need: Footprint, less: Option<Footprint>, free: u64, batch: u64) -> String {
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
    let way = if ways.is_empty() { "close other programs, or take a smaller model".into() } else { ways.join(" or ") };
    let (need, free) = (gigabytes(need.total()), gigabytes(free));
    format!("steps of {batch} pictures need about {need} of memory, and {free} are free\nhint: {way}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;

    fn of(weights: u64, activations: u64) -> Footprint {
        Footprint { weights: weights * GB, activations: activations * GB }
    }

    #[test]
    fn a_refusal_names_what_would_fit() {
        let text = refusal(of(2, 10), Some(of(2, 4)), 7 * GB, 12);
        assert_eq!(
            text,
            "steps of 12 pictures need about 12.0 GB of memory, and 7.0 GB are free\n\
             hint: --low-memory (about 6.0 GB) or --batch 6"
        );
        let text = refusal(of(2, 24), Some(of(2, 12)), 5 * GB, 12);
        assert!(text.ends_with("hint: --low-memory --batch 3"), "{text}");
    }

    #[test]
    fn a_refusal_offers_nothing_that_would_not_fit() {
        let text = refusal(of(4, 10), Some(of(4, 8)), 3 * GB, 12);
        assert!(text.ends_with("hint: close other programs, or take a smaller model"), "{text}");
        let text = refusal(of(4, 10), None, 9 * GB, 12);
        assert!(text.ends_with("hint: --batch 6"), "{text}");
    }
}
