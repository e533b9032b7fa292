//! Packs as `tests/golden/make_packs.py` reads them, which knows the format from `models/README.md` alone.

use std::collections::BTreeMap;

use cones_core::model::manifest::Manifest;
use cones_core::subjects::pack::{Metadata, Pack, Precision, TokenEmbeddings};
use cones_core::{ConceptMask, Sha256};
use cones_tests::{golden, packs};
use half::f16;
use serde::Deserialize;

/// What Python read.
#[derive(Debug, Deserialize)]
struct Golden {
    file: String,
    shapes: Vec<(u32, u32)>,
    metadata: Metadata,
    fingerprint: Sha256,
    precision: Precision,
    neurons: Vec<usize>,
    indices: Vec<Sha256>,
    factors: Sha256,
    preview: usize,
    width: u32,
    in_place: bool,
    embeddings: Sha256,
    ranks: Vec<usize>,
    scales: Vec<f32>,
    matrices: Sha256,
}

#[test]
fn packs_are_read_as_python_reads_them() {
    write_if_asked();
    let all: Vec<Golden> = golden::json("packs/packs.json");
    assert_eq!(all.len(), made().len());
    for expected in all {
        let name = &expected.file;
        let bytes = golden::read(&format!("packs/{name}"));
        let pack = Pack::decode(name, &bytes, &packs::manifest_of(&expected.shapes)).expect(name);
        assert_eq!(pack.encode().expect(name), bytes, "{name}");
        assert_eq!((&pack.metadata, &pack.fingerprint), (&expected.metadata, &expected.fingerprint), "{name}");
        assert_eq!(
            (pack.precision, pack.preview.map_or(0, |p| p.len())),
            (expected.precision, expected.preview),
            "{name}"
        );

        let layers = 0..pack.mask.layers();
        let list = |layer| pack.mask.neurons(layer).flat_map(|neuron| (neuron as i32).to_le_bytes());
        let counts: Vec<usize> = layers.clone().map(|layer| pack.mask.neurons(layer).count()).collect();
        let hashes: Vec<Sha256> = layers.clone().map(|layer| sha256(list(layer))).collect();
        assert_eq!((counts, hashes), (expected.neurons, expected.indices), "{name}");
        let factors = layers.filter_map(|layer| pack.mask.factors(layer)).flatten().flat_map(|f| f.to_le_bytes());
        assert_eq!(sha256(factors), expected.factors, "{name}");
        let in_place = pack.embeddings.as_ref().is_some_and(|e| e.in_place);
        let (width, values) = pack.embeddings.map_or((0, Vec::new()), |e| (e.width, e.values));
        let values = values.into_iter().flat_map(f16::to_le_bytes);
        let found = (width, in_place, sha256(values));
        assert_eq!(found, (expected.width, expected.in_place, expected.embeddings), "{name}");
        let changes: Vec<_> = pack.low_rank.iter().flat_map(|low_rank| low_rank.changes()).collect();
        let ranks: Vec<usize> = changes.iter().map(|change| change.map_or(0, |c| c.rank)).collect();
        let scales: Vec<f32> = changes.iter().flatten().map(|change| change.scale).collect();
        let matrices =
            changes.into_iter().flatten().flat_map(|c| c.down.iter().chain(&c.up)).flat_map(|v| v.to_le_bytes());
        assert_eq!((ranks, scales, sha256(matrices)), (expected.ranks, expected.scales, expected.matrices), "{name}");
    }
}

fn sha256(bytes: impl Iterator<Item = u8>) -> Sha256 {
    Sha256::digest(bytes.collect::<Vec<u8>>())
}

/// The files: a learned mask, and small ones with everything that the format has.
fn made() -> BTreeMap<&'static str, (Manifest, Pack)> {
    let toybox: Vec<(u32, u32)> = packs::manifest().layers.iter().map(|layer| (layer.rows, layer.columns)).collect();
    let toybox = packs::manifest_of(&toybox);
    let (_, dog) = packs::learned(&toybox_named(&toybox)).swap_remove(0);
    let small = packs::manifest_of(&[(30, 24), (1, 24), (18, 7), (40, 40)]);
    let random = |share| ConceptMask::random(&small.layers, share, 5);
    let weighted = |mask: &ConceptMask, levels: &[f32]| {
        let layer = |layer| mask.neurons(layer).map(|neuron| levels[neuron % levels.len()]).collect();
        mask.clone().with_factors((0..mask.layers()).map(layer).collect()).expect("one each")
    };
    let uneven = packs::crossed(&small.layers, 0.6, 5);
    let mut full = packs::pack(&small, &weighted(&random(0.3), &[0.1, -1.5, 2.25]), Precision::Float16);
    full.preview = Some(include_bytes!("../../../tests/hostile/preview.png").to_vec());
    full.embeddings =
        Some(TokenEmbeddings { width: 3, values: [0.5, -0.25, 7.0].map(f16::from_f32).to_vec(), in_place: false });
    let mut in_place = packs::pack(&small, &random(0.0), Precision::Binary);
    let values = [0.5, -0.25, 7.0, 0.0].map(f16::from_f32).to_vec();
    in_place.embeddings = Some(TokenEmbeddings { width: 2, values, in_place: true });
    let dense = weighted(&random(0.8), &[0.1, 0.2, -3.5e-20]);
    BTreeMap::from([
        ("learned.cones", (toybox.clone(), packs::pack(&toybox, &dog, Precision::Binary))),
        (
            "quaternary.cones",
            (small.clone(), packs::pack(&small, &weighted(&uneven, &[0.0, 0.5, 1.25]), Precision::Quaternary)),
        ),
        ("float16.cones", (small.clone(), full)),
        ("float32.cones", (small.clone(), packs::pack(&small, &dense, Precision::Float32))),
        ("in-place.cones", (small.clone(), in_place)),
        ("low-rank.cones", (small.clone(), packs::low_rank_pack(&small, &[4, 0, 7, 1], 5))),
        ("all.cones", (small.clone(), packs::pack(&small, &random(1.0), Precision::Binary))),
        ("none.cones", (small.clone(), packs::pack(&small, &random(0.0), Precision::Quaternary))),
    ])
}

/// The made-up model with the names that the learned masks go by.
fn toybox_named(shapes: &Manifest) -> Manifest {
    let mut named = shapes.clone();
    named.layers = packs::manifest().layers;
    named
}

/// After a change of the format: then `python tests/golden/make_packs.py`.
fn write_if_asked() {
    if std::env::var_os("CONES_WRITE_GOLDEN").is_none() {
        return;
    }
    let mut shapes = BTreeMap::new();
    for (name, (manifest, pack)) in made() {
        let bytes = pack.encode().expect("within the limits");
        std::fs::write(golden::path(&format!("packs/{name}")), bytes).expect("can be written");
        shapes.insert(name, manifest.layers.iter().map(|layer| (layer.rows, layer.columns)).collect::<Vec<_>>());
    }
    let text = serde_json::to_string(&shapes).expect("plain values") + "\n";
    std::fs::write(golden::path("packs/shapes.json"), text).expect("can be written");
}
