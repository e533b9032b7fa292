//! One step of a bundle's U-Net and its derivative with respect to K and V, on zeros: `unet_gradient BUNDLE`.

use std::io::Write;

use cones_core::{Bundle, CancelToken};
use cones_gradient::{Batch, GradientOptions, Sizes, UnetGradient};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("give a bundle's folder")?;
    let bundle = Bundle::open(&folder)?;
    let manifest = bundle.manifest();
    let scale = manifest.latent.scale;
    let [height, width] = [manifest.image.height, manifest.image.width].map(|pixels| (pixels / scale) as usize);
    let tokens = manifest.text.max_length as usize;
    let sizes = Sizes { batch: 1, height, width, tokens };
    let mut unet = UnetGradient::new(&bundle, sizes, &GradientOptions::default())?;

    let latent = vec![0.0; manifest.latent.channels as usize * height * width];
    let keys_values: Vec<Vec<f32>> = manifest.layers.iter().map(|l| vec![0.0; tokens * l.rows as usize]).collect();
    let target = vec![1.0; latent.len()];
    let batch = Batch {
        sample: &latent,
        timesteps: &[500.0],
        keys_values: &keys_values,
        target: &target,
        text_embeds: &[],
        weights: &[1.0],
    };
    let loss = unet.step(&batch, &CancelToken::new())?;

    let mut out = std::io::stdout();
    writeln!(out, "loss {loss}")?;
    for (number, layer) in manifest.layers.iter().enumerate() {
        let length = unet.gradient(number)?.iter().map(|slope| slope * slope).sum::<f32>().sqrt();
        writeln!(out, "{length:10.6} {}", layer.name)?;
    }
    Ok(())
}
