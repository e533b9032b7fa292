//! Where a prompt's words are seen in a picture: cross-attention probabilities as a map over its pixels.
//!
//! A drawn picture is encoded, noise of a few timesteps is added, and the U-Net is asked once for each what its places
//! look at (as DAAM does along the denoising, Tang et al. 2023, arXiv 2210.04885). Attention grids are coarse, 8 × 8 for
//! Toybox: so the picture is also shown moved by a few pixels, which puts the grid's places elsewhere on it.

use cones_core::sampling::scheduler::Diffusion;
use cones_core::{CancelToken, Engine, Picture, Subject};
use cones_find::random::Random;
use cones_gradient::{GradientOptions, Sizes};

use super::attention_graph::{AttentionGraph, Grid};
use crate::failure::Failure;

/// Noise levels that are averaged, as shares of the schedule: with less there is nothing to ask the prompt, with more no
/// outline is left.
const LEVELS: [f64; 4] = [0.2, 0.35, 0.5, 0.65];
/// Places along a side that a map should have; a coarser grid is moved over the picture.
const FINE: usize = 32;
/// The most positions of the grid along a side.
const MOST: usize = 4;

/// How much each pixel of a picture looks at some words, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Probabilities, 0 to 1, averaged over heads, layers and noise levels, summed over the words' tokens.
    pub values: Vec<f32>,
}

/// Makes maps for pictures of a bundle's own size.
#[derive(Debug)]
pub struct Mapper {
    graph: AttentionGraph,
    diffusion: Diffusion,
    sizes: Sizes,
    scale: usize,
    seed: u64,
}

impl Mapper {
    /// Loads what it takes; none where the bundle's graphs hide the probabilities in fused nodes.
    ///
    /// # Errors
    /// When a graph is damaged or ONNX Runtime refuses it.
    pub fn load(engine: &Engine, options: &GradientOptions, seed: u64) -> Result<Option<Self>, Failure> {
        let bundle = engine.bundle();
        let manifest = bundle.manifest();
        let scale = manifest.latent.scale.max(1);
        let sizes = Sizes {
            batch: 1,
            height: (manifest.image.height / scale) as usize,
            width: (manifest.image.width / scale) as usize,
            tokens: manifest.text.max_length as usize,
        };
        let diffusion = Diffusion::new(&manifest.noise_schedule, manifest.prediction_type)?;
        let graph = AttentionGraph::load(bundle, sizes, options)?;
        Ok(graph.map(|graph| Self { graph, diffusion, sizes, scale: scale as usize, seed }))
    }

    /// Where `words` of `prompt` are seen in a picture, with the subjects switched on. None where the prompt does not
    /// hold the words.
    ///
    /// # Errors
    /// When the bundle has no VAE encoder, the picture another size than the bundle's;
    /// [`cones_core::Error::Cancelled`]; what ONNX Runtime says.
    pub fn map(
        &mut self,
        engine: &mut Engine,
        picture: &Picture,
        prompt: &str,
        words: &str,
        subjects: &[Subject],
        cancel: &CancelToken,
    ) -> Result<Option<Map>, Failure> {
        let positions = engine.positions(prompt, words, subjects)?;
        if positions.is_empty() {
            return Ok(None);
        }
        let keys_values = engine.key_values(prompt, subjects)?;
        let mut canvas = Canvas::new(picture, self.cell(), self.steps());
        let shifts = self.shifts();
        for (place, (x, y)) in (0..).zip(&shifts) {
            let latent = engine.encode_picture(&moved(picture, *x, *y), cancel)?;
            let mut random = Random::new(self.seed, place);
            let (mut noise, mut sample, mut target) =
                (vec![0.0; latent.len()], vec![0.0; latent.len()], vec![0.0; latent.len()]);
            for level in LEVELS {
                random.normal(&mut noise);
                let timestep = (level * self.diffusion.timesteps() as f64) as usize;
                self.diffusion.mix(timestep, &latent, &noise, &mut sample, &mut target)?;
                let maps = self.graph.run(&sample, timestep, &keys_values, &positions, cancel)?;
                for (grid, map) in self.graph.grids().zip(&maps) {
                    canvas.add(grid, map, (*x, *y));
                }
            }
        }
        Ok(Some(canvas.finish()))
    }

    /// Pixels between places of the finest grid.
    fn cell(&self) -> usize {
        let widest = self.graph.grids().map(|grid| grid.width).max().unwrap_or(1).max(1);
        (self.sizes.width * self.scale / widest).max(1)
    }

    /// How many positions the finest grid takes along a side.
    fn steps(&self) -> usize {
        let widest = self.graph.grids().map(|grid| grid.width).max().unwrap_or(1).max(1);
        FINE.div_ceil(widest).clamp(1, MOST).min(self.cell())
    }

    fn shifts(&self) -> Vec<(usize, usize)> {
        let (cell, steps) = (self.cell(), self.steps());
        let along = move |i: usize| i * cell / steps;
        (0..steps).flat_map(|y| (0..steps).map(move |x| (along(x), along(y)))).collect()
    }
}

/// The picture moved left and up; the last column and row are repeated where nothing is left.
fn moved(picture: &Picture, x: usize, y: usize) -> Picture {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let pixel = |row: usize, column: usize| {
        let at = 3 * ((row + y).min(height.saturating_sub(1)) * width + (column + x).min(width.saturating_sub(1)));
        picture.rgb.get(at..at + 3).unwrap_or(&[0; 3])
    };
    let rgb = (0..height).flat_map(|row| (0..width).flat_map(move |column| pixel(row, column))).copied().collect();
    Picture { width: picture.width, height: picture.height, rgb }
}

/// Sums up maps of several grids, each weighted by how near its places are to a pixel.
struct Canvas {
    width: usize,
    height: usize,
    /// Pixels between the places of the finest grid.
    cell: usize,
    /// How many positions it takes along a side.
    steps: usize,
    /// For each grid the weighted sums and the weights of every pixel.
    grids: Vec<(Grid, Vec<f32>, Vec<f32>)>,
}

impl Canvas {
    fn new(picture: &Picture, cell: usize, steps: usize) -> Self {
        Self { width: picture.width as usize, height: picture.height as usize, cell, steps, grids: Vec::new() }
    }

    /// Adds a map of a picture that was moved left and up by `shift`.
    fn add(&mut self, grid: Grid, map: &[f32], shift: (usize, usize)) {
        let (width, height) = (self.width, self.height);
        let across = self.tents(width, grid.width, shift.0);
        let down = self.tents(height, grid.height, shift.1);
        let place = self.grids.iter().position(|(known, ..)| *known == grid).unwrap_or(self.grids.len());
        if place == self.grids.len() {
            self.grids.push((grid, vec![0.0; width * height], vec![0.0; width * height]));
        }
        let Some((_, sums, weights)) = self.grids.get_mut(place) else { return };
        for (pixel, (sum, weight)) in sums.iter_mut().zip(weights).enumerate() {
            let (Some(x), Some(y)) = (across.get(pixel % width), down.get(pixel / width)) else { continue };
            for (row, by) in y {
                for (column, bx) in x {
                    *sum += bx * by * map.get(row * grid.width + column).copied().unwrap_or(0.0);
                    *weight += bx * by;
                }
            }
        }
    }

    /// For each of `pixels` the places of a grid (moved by `shift`) that are near, with weights that fall off linearly.
    fn tents(&self, pixels: usize, places: usize, shift: usize) -> Vec<Vec<(usize, f32)>> {
        let cell = pixels as f32 / places.max(1) as f32;
        // The finest grid's places lie a step apart once all its positions are in; others are too few for that. Two
        // steps: each position had noise of its own, which neighbours even out.
        let is_finest = cell <= self.cell as f32;
        let reach = if is_finest { (2.0 / self.steps.max(1) as f32).min(1.0) } else { 1.0 };
        let last = places.saturating_sub(1) as f32;
        let near = |pixel: usize| {
            // Where the pixel is in the moved picture, in units of the grid's places.
            let at = (pixel as f32 + 0.5 - shift as f32) / cell - 0.5;
            // Nothing lies beyond the outermost places.
            let at = if shift == 0 || !is_finest { at.clamp(0.0, last) } else { at.min(last) };
            let weighted = (0..places).map(|place| (place, 1.0 - (place as f32 - at).abs() / reach));
            weighted.filter(|(_, weight)| *weight > 0.0).collect()
        };
        (0..pixels).map(near).collect()
    }

    /// The mean over the grids.
    fn finish(self) -> Map {
        let mut values = vec![0.0; self.width * self.height];
        let count = self.grids.len().max(1) as f32;
        for (_, sums, weights) in &self.grids {
            for ((value, sum), weight) in values.iter_mut().zip(sums).zip(weights) {
                *value += if *weight > 0.0 { sum / weight / count } else { 0.0 };
            }
        }
        Map { width: self.width, height: self.height, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a grid would say of a picture whose left half is looked at, moved by some pixels.
    fn seen(grid: Grid, side: usize, shift: usize) -> Vec<f32> {
        let cell = side / grid.width;
        let at = |i: usize| if (i % grid.width) * cell + cell / 2 + shift < side / 2 { 1.0 } else { 0.0 };
        (0..grid.width * grid.height).map(at).collect()
    }

    #[test]
    fn moved_grids_draw_a_finer_map() {
        let picture = Picture { width: 32, height: 32, rgb: vec![0; 3 * 32 * 32] };
        let mut canvas = Canvas::new(&picture, 8, 4);
        let grid = Grid { width: 4, height: 4 };
        for shift in [0, 2, 4, 6] {
            for down in [0, 2, 4, 6] {
                canvas.add(grid, &seen(grid, 32, shift), (shift, down));
            }
        }
        let map = canvas.finish();
        let row = &map.values[..32];
        assert!(row[..12].iter().all(|v| *v > 0.99) && row[20..].iter().all(|v| *v < 0.01), "{row:?}");
    }

    #[test]
    fn a_moved_picture_keeps_its_size_and_repeats_its_edge() {
        let picture = Picture { width: 3, height: 1, rgb: vec![1, 1, 1, 2, 2, 2, 3, 3, 3] };
        assert_eq!(moved(&picture, 1, 0).rgb, [2, 2, 2, 3, 3, 3, 3, 3, 3]);
        assert_eq!(moved(&picture, 0, 5).rgb, picture.rgb);
    }
}
