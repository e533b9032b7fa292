//! The weights stand once in the repository: what `models/toybox/pipeline.py` makes of Toybox's bundle is the very files that
//! training saved. The same is done here without Python, from `models/toybox/diffusers/weights.json`.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use cones_onnx::Model;
use half::f16;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// One safetensors file of the pipeline.
#[derive(Deserialize)]
struct Recorded {
    sha256: String,
    /// Shape, and the hash of its values where a weight's name does not tell it.
    tensors: BTreeMap<String, (Vec<usize>, Option<String>)>,
}

/// A weight as training saved it: float16.
#[derive(Clone)]
struct Weight {
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Weight {
    fn new(shape: Vec<usize>, values: impl IntoIterator<Item = f32>) -> Self {
        Self { shape, bytes: values.into_iter().flat_map(|value| f16::from_f32(value).to_le_bytes()).collect() }
    }

    /// Rows as columns, where there are two dimensions.
    fn transposed(&self) -> Option<Self> {
        let &[rows, columns] = self.shape.as_slice() else { return None };
        let pair = |at: usize| [self.bytes[2 * at], self.bytes[2 * at + 1]];
        let bytes = (0..columns).flat_map(|c| (0..rows).flat_map(move |r| pair(r * columns + c))).collect();
        Some(Self { shape: vec![columns, rows], bytes })
    }

    fn hash(&self) -> String {
        hex(&self.bytes)[..24].to_owned()
    }
}

/// The weights of one part, by name and by hash.
#[derive(Default)]
struct Held {
    named: HashMap<String, Weight>,
    hashed: HashMap<String, Weight>,
}

impl Held {
    fn of(part: &str) -> Self {
        let graphs: &[&str] = match part {
            "unet" => &["unet.onnx"],
            "vae" => &["vae_decoder.onnx", "vae_encoder.onnx"],
            "text_encoder" => &["text_encoder.onnx"],
            other => panic!("no graph holds {other}"),
        };
        let mut held = Self::default();
        for graph in graphs {
            let model = Model::open(&toybox().join("bundle").join(graph)).expect("a graph");
            for tensor in &model.graph().expect("a graph").initializer {
                // Shapes and axes are whole numbers.
                let Ok(values) = model.source.values(tensor) else { continue };
                let shape = tensor.dims.iter().map(|&n| usize::try_from(n).expect("a size")).collect();
                let name = tensor.name().trim_end_matches(".float16");
                held.add(name.trim_start_matches("model."), Weight::new(shape, values));
            }
        }
        if part == "unet" {
            let file = std::fs::read(toybox().join("bundle/attention.safetensors")).expect("keys and values");
            for (name, view) in SafeTensors::deserialize(&file).expect("keys and values").tensors() {
                assert_eq!(view.dtype(), Dtype::F16);
                let weight = Weight { shape: view.shape().to_vec(), bytes: view.data().to_vec() };
                held.add(&format!("{name}.weight"), weight);
            }
        }
        held
    }

    fn add(&mut self, name: &str, weight: Weight) {
        for way in weight.transposed().into_iter().chain([weight.clone()]) {
            self.hashed.insert(way.hash(), way);
        }
        self.named.insert(name.to_owned(), weight);
    }
}

fn toybox() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/toybox")
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_bundle_holds_the_very_files_that_training_saved() {
    let record = std::fs::read(toybox().join("diffusers/weights.json")).expect("the record");
    let record: BTreeMap<String, Recorded> = serde_json::from_slice(&record).expect("the record");
    assert_eq!(record.len(), 3);
    for (file, recorded) in record {
        let held = Held::of(file.split('/').next().unwrap_or_default());
        let tensors: BTreeMap<&String, TensorView<'_>> = recorded
            .tensors
            .iter()
            .map(|(name, (shape, hash))| {
                let weight = hash.as_ref().map_or_else(|| held.named.get(name), |hash| held.hashed.get(hash));
                let weight = weight.unwrap_or_else(|| panic!("the bundle does not hold {name} of {file}"));
                (name, TensorView::new(Dtype::F16, shape.clone(), &weight.bytes).expect("as many values as recorded"))
            })
            .collect();
        let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        let bytes = serialize(tensors, Some(metadata)).expect("a safetensors file");
        assert_eq!(hex(&bytes), recorded.sha256, "{file}");
    }
}
