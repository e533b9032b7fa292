//! Pictures a little like one that is there, and larger ones.

/// Another seed, and how much of its noise is mixed in.
#[derive(Debug, Clone, Copy, PartialEq, uniffi::Record)]
pub struct Variation {
    /// The other seed. Of several pictures all have one seed, and each has the next variation seed.
    pub seed: u64,
    /// 0 (the picture as it is) to 1 (the other seed's picture).
    pub strength: f32,
}

/// The second pass of a large picture: it is enlarged and drawn on from there, so that nothing is drawn twice as in large
/// pictures of one pass.
#[derive(Debug, Clone, Copy, PartialEq, uniffi::Record)]
pub struct Hires {
    /// How many times as wide and as high, above 1, at most 8.
    #[uniffi(default = 2.0)]
    pub scale: f32,
    /// How much of the enlarged picture is drawn anew, 0 to 1.
    #[uniffi(default = 0.7)]
    pub strength: f32,
    /// Denoising steps of the second pass before `strength` cuts them; those of the request by default.
    #[uniffi(default)]
    pub steps: Option<u32>,
}

impl From<Variation> for cones_core::Variation {
    fn from(variation: Variation) -> Self {
        Self::new(variation.seed, variation.strength)
    }
}

impl From<cones_core::Variation> for Variation {
    fn from(variation: cones_core::Variation) -> Self {
        Self { seed: variation.seed, strength: variation.strength }
    }
}

impl From<Hires> for cones_core::Hires {
    fn from(hires: Hires) -> Self {
        let mut core = Self::new(hires.scale).with_strength(hires.strength);
        core.steps = hires.steps;
        core
    }
}

impl From<cones_core::picture::recipe::HiresRecipe> for Hires {
    fn from(hires: cones_core::picture::recipe::HiresRecipe) -> Self {
        Self { scale: hires.scale, strength: hires.strength, steps: hires.steps }
    }
}
