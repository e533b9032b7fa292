//! The second pass of a large picture, as it is asked for.

use crate::error::{Error, Result};

/// The second pass of a large picture.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Hires {
    /// How many times as wide and as high, above 1, at most 8; sides are rounded to multiples that the bundle draws.
    pub scale: f32,
    /// How much of the enlarged picture is drawn anew, 0 to 1; diffusers' `strength`. 0.7 by custom.
    pub strength: f32,
    /// Denoising steps of the second pass before `strength` cuts them; those of the request by default.
    pub steps: Option<u32>,
}

impl Hires {
    /// The most that a picture is enlarged.
    pub const MOST: f32 = 8.0;

    /// So many times as large, with seven tenths drawn anew.
    #[must_use]
    pub fn new(scale: f32) -> Self {
        Self { scale, strength: 0.7, steps: None }
    }

    /// Draws this much anew, 0 to 1.
    #[must_use]
    pub fn with_strength(mut self, strength: f32) -> Self {
        self.strength = strength;
        self
    }

    /// Takes this many steps.
    #[must_use]
    pub fn with_steps(mut self, steps: u32) -> Self {
        self.steps = Some(steps);
        self
    }

    /// The size that it makes of another one.
    pub(crate) fn size(&self, (width, height): (u32, u32), multiple: u32) -> Result<(u32, u32)> {
        if !(self.scale > 1.0 && self.scale <= Self::MOST) {
            let reason = format!("enlarges {} times; it must be above 1 and at most {}", self.scale, Self::MOST);
            return Err(Error::request("hires", reason));
        }
        let multiple = multiple.max(1);
        // At most 8192 times 8, which float64 holds.
        let side = |side: u32| {
            let parts = f64::from(side) * f64::from(self.scale) / f64::from(multiple);
            (parts.round().max(1.0) as u32).saturating_mul(multiple)
        };
        Ok((side(width), side(height)))
    }
}
