//! Factors for neurons that were found, and what each precision makes of them.

use cones_core::subjects::pack::{Precision, to_precision};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::finder::{Chosen, Finder, Schedule, SearchOptions};
use crate::held_out::Losses;
use crate::method::Factors;
use crate::timesteps::Timesteps;

/// Adam's learning rate of factors, which lie around 0 to 1.
pub const RATE: f64 = 0.02;

/// What training factors came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Factored {
    /// Steps made.
    pub steps: usize,
    /// Seconds spent on them.
    pub seconds: f64,
    /// Held-out losses of the same neurons by precision, `binary` (shut, nothing trained) first.
    pub by_precision: Vec<(String, Losses)>,
}

/// Whether neurons can be kept in this precision.
///
/// # Errors
/// That of LoRAs holds none.
pub(crate) fn check(precision: Precision) -> Result<()> {
    if Precision::OF_NEURONS.contains(&precision) {
        return Ok(());
    }
    Err(cones_core::Error::request("precision", format!("`{precision}` is that of LoRAs; it holds no neurons")).into())
}

/// Trains factors at the neurons of `found`, measures every precision of them, and leaves `found` with those that
/// `wanted` can hold.
///
/// # Errors
/// What running the model says; being cancelled.
pub fn train(
    finder: &mut Finder<'_>,
    options: &SearchOptions,
    steps: usize,
    found: &mut Chosen,
    wanted: Precision,
) -> Result<Factored> {
    let masks = [found.mask.clone()];
    let mut method = Factors::new(finder.problem.base, &masks, RATE);
    // Other noise than the neurons were found with.
    let seed = options.schedule.seed ^ (1 << 32);
    let schedule = Schedule { steps, seed, timesteps: Timesteps::Even, ..options.schedule.clone() };
    let progress = finder.learn(&mut method, &schedule, None)?;
    let trained = method.masks(&masks)?.pop().unwrap_or_else(|| found.mask.clone());
    let held_out = finder.held_out(options.held_out, &options.schedule)?;
    let mut by_precision = Vec::new();
    for each in Precision::OF_NEURONS {
        let mask = to_precision(&trained, each)?;
        let losses = held_out.measure(finder.objective, &finder.problem.base.masked(&mask), finder.cancel)?;
        if each == wanted {
            found.chosen.losses = losses;
        }
        by_precision.push((each.to_string(), losses));
    }
    found.mask = to_precision(&trained, wanted)?;
    Ok(Factored { steps, seconds: progress.seconds, by_precision })
}
