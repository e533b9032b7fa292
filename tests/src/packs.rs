//! Subject packs to write, damage and mend.

use std::path::Path;

use cones_core::model::bundle::MANIFEST;
use cones_core::model::manifest::{Layer, Manifest};
use cones_core::subjects::pack::{Header, Metadata, Pack, Precision, to_precision};
use cones_core::{ConceptMask, LowRank, LowRankChange, Sha256};
use half::f16;

use crate::base;

pub use crate::mend::{HEADER_LENGTH, PARTS, SUM, TEXTS, mend, parts};

/// The base model's manifest, without its graphs.
pub fn manifest() -> Manifest {
    let path = base::folder().join(MANIFEST);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Of a made-up model with these layers, rows and columns each. What it is called and its fingerprint stay the same
/// whatever becomes of the base model, so files for it can be kept.
pub fn manifest_of(shapes: &[(u32, u32)]) -> Manifest {
    let name = |i: usize| format!("block.{}.{}", i / 2, if i.is_multiple_of(2) { "to_k" } else { "to_v" });
    let layers =
        shapes.iter().enumerate().map(|(i, (rows, columns))| Layer { name: name(i), rows: *rows, columns: *columns });
    let mut made_up = manifest();
    made_up.name = "made-up".into();
    made_up.layers = layers.collect();
    made_up.fingerprint =
        Sha256::from_bytes([0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef].repeat(4).try_into().expect("32 bytes"));
    made_up
}

/// A pack with ordinary metadata. The mask's factors are made to fit the precision.
pub fn pack(manifest: &Manifest, mask: &ConceptMask, precision: Precision) -> Pack {
    let mut metadata = Metadata::new("rex", "<v1> dog", "dog");
    metadata.version = 3;
    metadata.author = "Somebody".into();
    metadata.licence = "MIT".into();
    metadata.model.clone_from(&manifest.name);
    metadata.tool = "cones-tests".into();
    metadata.created = 1_750_000_000;
    let mask = to_precision(mask, precision).unwrap_or_else(|error| panic!("{error}"));
    Pack::new(metadata, manifest.fingerprint, mask, precision)
}

/// A pack of low-rank matrices with ordinary metadata and these ranks, layer by layer; 0 for a layer that stays.
pub fn low_rank_pack(manifest: &Manifest, ranks: &[usize], seed: u64) -> Pack {
    let mut plain = pack(manifest, &ConceptMask::empty(&manifest.layers), Precision::Binary).metadata;
    plain.class = "style".into();
    Pack::of_low_rank(plain, manifest, low_rank(&manifest.layers, ranks, seed))
}

/// Low-rank matrices of these ranks, their values between -0.5 and 0.5.
pub fn low_rank(layers: &[Layer], ranks: &[usize], seed: u64) -> LowRank {
    let mut state = seed;
    let mut values = |count: usize| -> Vec<f16> {
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f16::from_f32((state >> 40) as f32 / (1u64 << 24) as f32 - 0.5) + f16::ZERO
        };
        (0..count).map(next).collect()
    };
    let change = |(layer, &rank): (&Layer, &usize)| {
        let (down, up) = (values(rank * layer.columns as usize), values(rank * layer.rows as usize));
        (rank > 0).then_some(LowRankChange { rank, scale: 0.5, down, up })
    };
    let changes = layers.iter().zip(ranks).map(change).collect();
    LowRank::new(layers, changes).unwrap_or_else(|error| panic!("{error}"))
}

/// A mask whose rows and columns differ much, as those of learned masks do: `share` of the weights where the row and
/// the column are of the densest eighth, a hundredth of that elsewhere.
pub fn structured(layers: &[Layer], share: f64, seed: u64) -> ConceptMask {
    let (dense, sparse) = (ConceptMask::random(layers, share, seed), ConceptMask::random(layers, share / 100.0, !seed));
    let list = |(index, layer): (usize, &Layer)| {
        let columns = layer.columns as usize;
        let chosen = |n: &usize| (n / columns).is_multiple_of(8) && (n % columns) % 8 == 3;
        dense.neurons(index).filter(chosen).chain(sparse.neurons(index)).collect()
    };
    let lists: Vec<Vec<usize>> = layers.iter().enumerate().map(list).collect();
    ConceptMask::from_indices(layers, &lists).unwrap_or_else(|error| panic!("{error}"))
}

/// A mask with `share` of the weights of every fifth row and of one column, and a twentieth of that elsewhere: enough in
/// few of its lines that even a small layer is written in several blocks.
pub fn crossed(layers: &[Layer], share: f64, seed: u64) -> ConceptMask {
    let (dense, sparse) = (ConceptMask::random(layers, share, seed), ConceptMask::random(layers, share / 20.0, !seed));
    let list = |(index, layer): (usize, &Layer)| {
        let columns = layer.columns as usize;
        let chosen = |n: &usize| (n / columns).is_multiple_of(5) || n % columns == 3;
        dense.neurons(index).filter(chosen).chain(sparse.neurons(index)).collect()
    };
    let lists: Vec<Vec<usize>> = layers.iter().enumerate().map(list).collect();
    ConceptMask::from_indices(layers, &lists).unwrap_or_else(|error| panic!("{error}"))
}

/// The masks that were learned for Toybox, as `models/packs` has them, over a manifest of its layers.
pub fn learned(manifest: &Manifest) -> Vec<(&'static str, ConceptMask)> {
    let mask = |name| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../models/packs/{name}.cones"));
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let fingerprint = Header::read(name, &bytes).unwrap_or_else(|error| panic!("{error}")).fingerprint;
        let mut manifest = manifest.clone();
        manifest.fingerprint = fingerprint;
        Pack::decode(name, &bytes, &manifest).unwrap_or_else(|error| panic!("{error}")).mask
    };
    ["fluent-dog", "fluent-owl", "fluent-robot"].map(|name| (name, mask(name))).into()
}
