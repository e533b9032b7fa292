//! `cargo xtask bench pack`: bytes and decode speed of masks in several encodings, the one of subject packs among them.
//!
//! Bytes are given as a ratio to the sum over the layers of N·H(k/N): below 1 is possible where rows and columns
//! differ. Everything runs on one thread. The other encodings decode to lists of indices; a pack decodes to a mask, with
//! every check that a file from outside needs.

mod bitmaps;
mod bits;
mod codec;
mod entropy;
mod masks;
mod plain;
mod rice;
mod varint;

use std::error::Error;
use std::path::{Path, PathBuf};

use codec::{Codec, Measured, Sets, Shape, best, measure};
use cones_core::model::manifest::{Layer, Manifest};
use cones_core::subjects::pack::{Metadata, Precision};
use cones_core::{ConceptMask, Pack};
use masks::Spread;

const SHARES: [f64; 5] = [0.001, 0.003, 0.01, 0.05, 0.2];

fn main() -> Result<(), Box<dyn Error>> {
    let models = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("models"), PathBuf::from);
    let only = std::env::args().nth(2).unwrap_or_default();
    let mut manifest: Manifest = serde_json::from_slice(&std::fs::read(models.join("toybox/bundle/bundle.json"))?)?;
    heading();
    for name in ["fluent-dog", "fluent-owl", "fluent-robot"] {
        let file = models.join("packs").join(name).with_extension("cones");
        if !format!("learned {name}").contains(&only) {
            continue;
        }
        row("learned", name, &masks::learned(Path::new(&file), &manifest)?, &manifest)?;
    }
    for (model, layers) in [("Toybox", manifest.layers.clone()), ("SD 1.5", masks::stable_diffusion())] {
        manifest.layers = layers;
        for spread in Spread::ALL {
            for share in SHARES {
                let name = format!("{} {} %", spread.name(), share * 100.0);
                if format!("{model} {name}").contains(&only) {
                    row(model, &name, &spread.draw(&manifest.layers, share)?, &manifest)?;
                }
            }
        }
    }
    Ok(())
}

fn codecs() -> [Box<dyn Codec>; 8] {
    [
        Box::new(plain::Int32),
        Box::new(plain::Bitmap),
        Box::new(varint::VarintZstd),
        Box::new(bitmaps::Roaring),
        Box::new(rice::RiceByLayer),
        Box::new(rice::RiceByRow),
        Box::new(entropy::RangeGaps),
        Box::new(entropy::RangeWeights),
    ]
}

fn heading() {
    print!("| mask | neurons | bound, bytes | **pack** ");
    codecs().iter().for_each(|codec| print!("| {} ", codec.name()));
    println!("| int32 / pack | header |\n|{}", "---|".repeat(6 + codecs().len()));
}

/// Bytes in units of the bound, and millions of neurons decoded per second.
fn row(kind: &str, name: &str, mask: &ConceptMask, manifest: &Manifest) -> Result<(), Box<dyn Error>> {
    let sets: Sets = (0..mask.layers()).map(|l| mask.neurons(l).map(|n| n as u32).collect()).collect();
    let shape = |layer: &Layer| Shape { rows: layer.rows as usize, columns: layer.columns as usize };
    let shapes: Vec<Shape> = manifest.layers.iter().map(shape).collect();
    let bound = masks::entropy(mask);
    let cell = |measured: Measured| print!("| {:.3} · {:.0} ", measured.bytes as f64 / bound, measured.speed / 1e6);

    print!("| {kind} {name} | {} | {bound:.0} ", mask.count());
    let (pack, header) = pack(mask, manifest)?;
    cell(pack);
    let mut int32 = 0;
    for codec in codecs() {
        let measured = measure(codec.as_ref(), &sets, &shapes);
        if codec.name() == "int32" {
            int32 = measured.bytes;
        }
        cell(measured);
    }
    println!("| {:.1} | {header} |", int32 as f64 / pack.bytes as f64);
    Ok(())
}

/// The pack without its header, and the header's bytes.
fn pack(mask: &ConceptMask, manifest: &Manifest) -> Result<(Measured, usize), Box<dyn Error>> {
    let mut metadata = Metadata::new("fluent-dog", "<v1> dog", "dog");
    metadata.author = "Somebody Somewhere".into();
    metadata.licence = "MIT OR Apache-2.0".into();
    metadata.model.clone_from(&manifest.name);
    metadata.created = 1_750_000_000;
    let pack = Pack::new(metadata, manifest.fingerprint, mask.clone(), Precision::Binary);
    let bytes = pack.encode()?;
    assert!(Pack::decode("bench", &bytes, manifest)? == pack, "a pack does not give back what it was given");
    let header = usize::from(u16::from_le_bytes([bytes[10], bytes[11]]));
    let time = best(|| Pack::decode("bench", &bytes, manifest).map(|pack| pack.mask.layers()));
    let speed = mask.count() as f64 / time.as_secs_f64();
    Ok((Measured { bytes: bytes.len() - header, speed }, header))
}
