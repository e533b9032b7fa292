//! What is encoded: masks of Toybox's and of Stable Diffusion 1.5's layers, random, structured and learned.

use std::error::Error;
use std::path::Path;

use cones_core::model::manifest::{Layer, Manifest};
use cones_core::{ConceptMask, Pack};

/// How a mask's neurons are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// Evenly.
    Random,
    /// Rows differ: each has its own rate, the square of a normal deviate.
    Rows,
    /// The same with columns.
    Columns,
    /// The largest of |x_ij · r_i · c_j|, all normal: what a threshold on a gradient, an outer product, leaves.
    Product,
}

impl Spread {
    pub const ALL: [Self; 4] = [Self::Random, Self::Rows, Self::Columns, Self::Product];

    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Rows => "rows",
            Self::Columns => "columns",
            Self::Product => "product",
        }
    }

    /// A mask with about `share` of the weights of each layer.
    pub fn draw(self, layers: &[Layer], share: f64) -> Result<ConceptMask, Box<dyn Error>> {
        if self == Self::Random {
            return Ok(ConceptMask::random(layers, share, 1));
        }
        let mut random = Random(2);
        let lists: Vec<Vec<usize>> = layers.iter().map(|layer| self.layer(layer, share, &mut random)).collect();
        Ok(ConceptMask::from_indices(layers, &lists)?)
    }

    fn layer(self, layer: &Layer, share: f64, random: &mut Random) -> Vec<usize> {
        let (rows, columns) = (layer.rows as usize, layer.columns as usize);
        let rates = |count: usize, varies: bool, random: &mut Random| -> Vec<f64> {
            (0..count).map(|_| if varies { random.normal().powi(2) } else { 1.0 }).collect()
        };
        let by_row = rates(rows, self != Self::Columns, random);
        let by_column = rates(columns, self != Self::Rows, random);
        let rate = |index: usize| by_row[index / columns] * by_column[index % columns];
        if self != Self::Product {
            return (0..rows * columns).filter(|i| random.uniform() < (share * rate(*i)).min(0.95)).collect();
        }
        let scores: Vec<f64> = (0..rows * columns).map(|i| random.normal().powi(2) * rate(i)).collect();
        let mut sorted = scores.clone();
        let place = ((1.0 - share) * sorted.len() as f64) as usize;
        let threshold = *sorted.select_nth_unstable_by(place, f64::total_cmp).1;
        (0..scores.len()).filter(|i| scores[*i] > threshold).collect()
    }
}

/// The 32 projections of Stable Diffusion 1.5: 19,169,280 weights.
pub fn stable_diffusion() -> Vec<Layer> {
    let blocks =
        [("down_blocks.0", 320, 2), ("down_blocks.1", 640, 2), ("down_blocks.2", 1280, 2), ("mid_block", 1280, 1)];
    let up = [("up_blocks.1", 1280, 3), ("up_blocks.2", 640, 3), ("up_blocks.3", 320, 3)];
    let mut layers = Vec::new();
    for (block, rows, count) in blocks.into_iter().chain(up) {
        for attention in 0..count {
            for projection in ["to_k", "to_v"] {
                let name = format!("{block}.attentions.{attention}.transformer_blocks.0.attn2.{projection}");
                layers.push(Layer { name, rows, columns: 768 });
            }
        }
    }
    layers
}

/// A mask that was learned: that of a pack of `models/packs`.
pub fn learned(file: &Path, manifest: &Manifest) -> Result<ConceptMask, Box<dyn Error>> {
    Ok(Pack::decode(&file.display().to_string(), &std::fs::read(file)?, manifest)?.mask)
}

/// Sum over the layers of N·H(k/N), in bytes: what a code needs that knows each layer's density and nothing else.
pub fn entropy(mask: &ConceptMask) -> f64 {
    let bits = |layer| {
        let (size, p) = (mask.size(layer) as f64, mask.layer_density(layer));
        let term = |p: f64| if p > 0.0 { -p * p.log2() } else { 0.0 };
        size * (term(p) + term(1.0 - p))
    };
    (0..mask.layers()).map(bits).sum::<f64>() / 8.0
}

/// Steele, Lea & Flood's splitmix64.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
