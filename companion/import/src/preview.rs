//! Fitting the linear map from latent to RGB that previews are made with.

use std::path::Path;

use cones_core::model::manifest::{Fixed, ImageSize, Latent, Preview, VaeScaling};
use cones_core::runtime::raw;
use ort::session::Session;
use ort::value::Tensor;

use crate::error::{Error, Result};
use crate::pictures;

/// Pictures encoded; the map has only a few dozen numbers.
const PICTURES: u32 = 24;
/// Pictures are at most this large: an encoder is convolutional, and the colours of a cell do not depend on the size.
const MAX_SIDE: u32 = 256;
/// Keeps the fit well-posed where channels go together; small against the latents' variance of about 1.
const RIDGE: f64 = 1e-3;

/// Encodes synthetic pictures and fits, by least squares, the average colour of the pixels under each latent cell.
///
/// `fixed` is the encoder's own size where it has one, and `image` the size the model was trained on.
///
/// # Errors
/// When ONNX Runtime is missing or fails on the encoder, or its latent has not the size it should have.
pub(super) fn fit(
    encoder: &Path,
    latent: Latent,
    scaling: VaeScaling,
    image: ImageSize,
    fixed: Fixed,
) -> Result<Preview> {
    const LOADING: &str = "loading `vae_encoder.onnx`";
    let environment = raw::environment()?;
    let builder = Session::builder(&environment).map_err(raw::failed(LOADING))?;
    let mut builder = builder.with_intra_op_spinning(false).map_err(raw::failed(LOADING))?;
    let mut session = builder.commit_from_file(encoder).map_err(raw::failed(LOADING))?;
    let free = image.width.min(image.height).min(MAX_SIDE);
    let cells = |fixed: Option<u32>| (fixed.unwrap_or(free) / latent.scale).max(1) as usize;
    let size = Cells { rows: cells(fixed.height), columns: cells(fixed.width), scale: latent.scale as usize };
    let mut sums = Sums::new(latent.channels as usize);
    for number in 0..PICTURES {
        let pixels = pictures::picture(number, size.height(), size.width());
        let encoded = encode(&mut session, &pixels, size)?;
        if encoded.len() != latent.channels as usize * size.count() {
            let (channels, Cells { rows, columns, .. }) = (latent.channels, size);
            let reason =
                format!("gives {} numbers for a picture, not {channels} by {rows} by {columns}", encoded.len());
            return Err(Error::interface(encoder, reason));
        }
        if !encoded.iter().all(|value| value.is_finite()) {
            return Err(Error::interface(encoder, "gives numbers that are not finite for a picture"));
        }
        sums.add(&encoded, &averages(&pixels, size), scaling);
    }
    Ok(sums.solve())
}

/// A picture's size.
#[derive(Debug, Clone, Copy)]
struct Cells {
    rows: usize,
    columns: usize,
    /// Pixels of a cell along one side.
    scale: usize,
}

impl Cells {
    fn height(self) -> usize {
        self.rows * self.scale
    }

    fn width(self) -> usize {
        self.columns * self.scale
    }

    fn count(self) -> usize {
        self.rows * self.columns
    }
}

/// Runs the encoder on one picture given in 0..1.
fn encode(session: &mut Session, pixels: &[f32], size: Cells) -> Result<Vec<f32>> {
    let stage = || "encoding a picture for the preview";
    let signed: Vec<f32> = pixels.iter().map(|value| 2.0 * value - 1.0).collect();
    let image = Tensor::from_array(([1, 3, size.height(), size.width()], signed)).map_err(raw::failed(stage()))?;
    let outputs = session.run(ort::inputs!["image" => image]).map_err(raw::failed(stage()))?;
    let (_, values) = outputs["latent"].try_extract_tensor::<f32>().map_err(raw::failed(stage()))?;
    Ok(values.to_vec())
}

/// Mean colour of the pixels under each cell, plane by plane.
fn averages(pixels: &[f32], size: Cells) -> Vec<f32> {
    let (height, width, scale) = (size.height(), size.width(), size.scale);
    let mut means = vec![0.0f32; 3 * size.count()];
    for (at, value) in pixels.iter().enumerate() {
        let (channel, y, x) = (at / (height * width), at / width % height, at % width);
        means[channel * size.count() + y / scale * size.columns + x / scale] += value / (scale * scale) as f32;
    }
    means
}

/// The normal equations of the fit. The last unknown is the bias.
#[derive(Debug)]
struct Sums {
    unknowns: usize,
    count: f64,
    products: Vec<f64>,
    targets: Vec<[f64; 3]>,
}

impl Sums {
    fn new(channels: usize) -> Self {
        let unknowns = channels + 1;
        Self { unknowns, count: 0.0, products: vec![0.0; unknowns * unknowns], targets: vec![[0.0; 3]; unknowns] }
    }

    fn add(&mut self, encoded: &[f32], colours: &[f32], scaling: VaeScaling) {
        let cells = colours.len() / 3;
        for cell in 0..cells {
            let scale = |value: f32| (f64::from(value) - scaling.shift_factor) * scaling.scaling_factor;
            let mut row: Vec<f64> =
                (0..self.unknowns - 1).map(|channel| scale(encoded[channel * cells + cell])).collect();
            row.push(1.0);
            for (i, left) in row.iter().enumerate() {
                for (j, right) in row.iter().enumerate() {
                    self.products[i * self.unknowns + j] += left * right;
                }
                for (channel, target) in self.targets[i].iter_mut().enumerate() {
                    *target += left * f64::from(colours[channel * cells + cell]);
                }
            }
            self.count += 1.0;
        }
    }

    /// Gauss-Jordan elimination with row exchange. A column without a pivot (a dead latent channel) gets weight 0.
    fn solve(mut self) -> Preview {
        let n = self.unknowns;
        for i in 0..n - 1 {
            self.products[i * n + i] += RIDGE * self.count;
        }
        for column in 0..n {
            let size = |row: &usize| self.products[row * n + column].abs();
            let pivot = (column..n).max_by(|a, b| size(a).total_cmp(&size(b))).unwrap_or(column);
            if self.products[pivot * n + column].abs() < f64::MIN_POSITIVE {
                continue;
            }
            for k in 0..n {
                self.products.swap(column * n + k, pivot * n + k);
            }
            self.targets.swap(column, pivot);
            for row in (0..n).filter(|row| *row != column) {
                let factor = self.products[row * n + column] / self.products[column * n + column];
                for k in 0..n {
                    self.products[row * n + k] -= factor * self.products[column * n + k];
                }
                for channel in 0..3 {
                    self.targets[row][channel] -= factor * self.targets[column][channel];
                }
            }
        }
        let solution = |i: usize| {
            let pivot = self.products[i * n + i];
            self.targets[i].map(|target| if pivot == 0.0 { 0.0 } else { round(target / pivot) })
        };
        Preview { weight: (0..n - 1).map(solution).collect(), bias: solution(n - 1) }
    }
}

/// To four decimals: a preview needs no more, and the last bits of a fit differ between machines.
fn round(value: f64) -> f32 {
    ((value * 1e4).round() / 1e4) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_the_mean_of_its_pixels() {
        // Three colours, 2 rows and 4 columns of pixels: two cells.
        let size = Cells { rows: 1, columns: 2, scale: 2 };
        let plane = [1.0, 3.0, 0.0, 0.0, 5.0, 7.0, 0.0, 8.0];
        let pixels: Vec<f32> = [1.0, 2.0, 3.0].iter().flat_map(|factor| plane.map(|value| value * factor)).collect();
        assert_eq!(averages(&pixels, size), [4.0, 2.0, 8.0, 4.0, 12.0, 6.0]);
    }

    #[test]
    fn finds_a_linear_map() {
        let scaling = VaeScaling { scaling_factor: 0.5, shift_factor: 0.25 };
        let mut sums = Sums::new(2);
        let latent: Vec<f32> = (0..200).map(|at| ((at * 37 % 101) as f32 - 50.0) / 5.0).collect();
        let scaled = |value: f32| (value - 0.25) * 0.5;
        let colour = |a: f32, b: f32| [0.5 + 0.1 * a, 0.25 - 0.05 * b, 0.02 * (a + b)];
        let mut colours = vec![0.0; 300];
        for cell in 0..100 {
            for (channel, value) in colour(scaled(latent[cell]), scaled(latent[100 + cell])).into_iter().enumerate() {
                colours[channel * 100 + cell] = value;
            }
        }
        sums.add(&latent, &colours, scaling);
        let preview = sums.solve();
        for (found, expected) in preview.weight.iter().flatten().zip([0.1, 0.0, 0.02, 0.0, -0.05, 0.02]) {
            assert!((found - expected).abs() < 1e-3, "{preview:?}");
        }
        for (found, expected) in preview.bias.iter().zip([0.5, 0.25, 0.0]) {
            assert!((found - expected).abs() < 1e-3, "{preview:?}");
        }
    }
}
