//! Prepared examples on disk: an interrupted run, or another run on the same pictures, does not draw and encode again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use cones_core::disk::hash::{Hasher, Sha256};
use cones_core::model::bundle::MANIFEST;
use cones_core::{Bundle, Provider};
use cones_onnx::element;
use cones_onnx::proto::tensor_proto::DataType;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::examples::{Caption, Example, Examples, Part};
use crate::pictures;
use crate::prepare::ExampleSpec;

/// The tensor with pooled embeddings.
const POOLED: &str = "pooled";

/// Where examples are kept, and what they were made of.
#[derive(Debug, Clone)]
pub struct Cache {
    path: PathBuf,
    key: String,
}

#[derive(Serialize, Deserialize)]
struct Described {
    captions: Vec<(String, Vec<Vec<usize>>)>,
    pictures: Vec<(Part, usize)>,
    shape: [usize; 3],
    tokens: usize,
}

impl Cache {
    /// Examples of these pictures for this base model, in a file; where `path` is a folder, in a file there that is
    /// named after what they were made of.
    ///
    /// # Errors
    /// When a picture cannot be read.
    pub fn new(path: &Path, spec: &ExampleSpec<'_>, fingerprint: Sha256) -> Result<Self> {
        let mut digest = Hasher::new();
        let (class, trigger, flip, seed) = (spec.class, spec.trigger, spec.flip, spec.seed);
        let (drawn, others) = (spec.class_pictures, spec.other_pictures);
        digest.update(format!("1 {fingerprint} {class:?} {trigger:?} {flip} {seed} {drawn} {others}"));
        if spec.hold_back > 0 {
            digest.update(format!("hold back {}", spec.hold_back));
        }
        if spec.company > 0 {
            digest.update(format!("company {}", spec.company));
        }
        for file in pictures::list(spec.folder)?.iter().chain([&spec.captions()]) {
            match std::fs::read(file) {
                Ok(bytes) => digest.update(Sha256::digest(&bytes).as_bytes()),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(cones_core::Error::io("read", file)(error).into()),
            }
        }
        Ok(Self::keyed(path, digest))
    }

    /// The examples that `bundle` draws for itself, in a file in `folder` that is named after what they are made by: every
    /// file of the bundle (another form of the same base model draws other pictures), the provider, class, seed and counts.
    ///
    /// # Errors
    /// When the bundle's manifest cannot be read.
    pub fn shared(folder: &Path, bundle: &Bundle, spec: &ExampleSpec<'_>, provider: Provider) -> Result<Self> {
        let manifest = bundle.path().join(MANIFEST);
        let bytes = std::fs::read(&manifest).map_err(cones_core::Error::io("read", &manifest))?;
        let mut digest = Hasher::new();
        let (class, seed, drawn, others) = (spec.class, spec.seed, spec.class_pictures, spec.other_pictures);
        digest.update(format!("shared 1 {} {provider} {class:?} {seed} {drawn} {others}", Sha256::digest(&bytes)));
        Ok(Self::keyed(folder, digest))
    }

    fn keyed(path: &Path, digest: Hasher) -> Self {
        let key = digest.finish().to_string();
        let name = key.get(..16).unwrap_or_default();
        let path = if path.is_dir() { path.join(format!("{name}.examples")) } else { path.to_path_buf() };
        Self { path, key }
    }

    /// The file, whether or not it is there.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the examples; none where there are none, or they were made of something else, or are damaged.
    pub fn load(&self) -> Option<Examples> {
        let bytes = std::fs::read(&self.path).ok()?;
        let (_, header) = SafeTensors::read_metadata(&bytes).ok()?;
        let metadata = header.metadata().as_ref()?;
        if metadata.get("key") != Some(&self.key) {
            return None;
        }
        let described: Described = serde_json::from_str(metadata.get("examples")?).ok()?;
        let file = SafeTensors::deserialize(&bytes).ok()?;
        let rows = |name: &str, count: usize| -> Option<Vec<Vec<f32>>> {
            let data = file.tensor(name).ok().filter(|tensor| tensor.dtype() == Dtype::F32)?.data();
            let values = element::to_f32(data, DataType::Float as i32, usize::MAX)?;
            let rows: Vec<Vec<f32>> =
                values.chunks((values.len() / count.max(1)).max(1)).map(<[f32]>::to_vec).collect();
            (rows.len() == count).then_some(rows)
        };
        let (latents, embeddings) =
            (rows("latents", described.pictures.len())?, rows("embeddings", described.captions.len())?);
        // Of models with one text encoder there are none.
        let pooled = match file.names().into_iter().any(|name| name == POOLED) {
            true => rows(POOLED, described.captions.len())?,
            false => vec![Vec::new(); described.captions.len()],
        };
        let captions = described.captions.into_iter().zip(embeddings.into_iter().zip(pooled));
        let caption = |((text, triggers), (embedding, pooled))| Caption { text, embedding, pooled, triggers };
        let pictures = described.pictures.into_iter().zip(latents);
        Some(Examples {
            captions: captions.map(caption).collect(),
            pictures: pictures.map(|((part, caption), latent)| Example { part, latent, caption }).collect(),
            shape: described.shape,
            tokens: described.tokens,
        })
    }

    /// Writes the examples.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, examples: &Examples) -> Result<()> {
        let described = Described {
            captions: examples.captions.iter().map(|c| (c.text.clone(), c.triggers.clone())).collect(),
            pictures: examples.pictures.iter().map(|p| (p.part, p.caption)).collect(),
            shape: examples.shape,
            tokens: examples.tokens,
        };
        let bytes = |values: &mut dyn Iterator<Item = &Vec<f32>>| -> Vec<u8> {
            values.flatten().flat_map(|value| value.to_le_bytes()).collect()
        };
        let latents = bytes(&mut examples.pictures.iter().map(|p| &p.latent));
        let embeddings = bytes(&mut examples.captions.iter().map(|c| &c.embedding));
        let pooled = bytes(&mut examples.captions.iter().map(|c| &c.pooled));
        let named = [("latents", &latents), ("embeddings", &embeddings), (POOLED, &pooled)];
        let tensors = named.into_iter().filter(|(name, bytes)| *name != POOLED || !bytes.is_empty());
        let tensors = tensors.map(|(name, bytes)| {
            let view = TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes);
            Ok((name, view.map_err(Error::unwritable(&self.path))?))
        });
        let tensors = tensors.collect::<Result<Vec<_>>>()?;
        let metadata = HashMap::from([
            ("key".to_owned(), self.key.clone()),
            ("examples".to_owned(), serde_json::to_string(&described).map_err(Error::unwritable(&self.path))?),
        ]);
        let file = safetensors::serialize(tensors, Some(metadata)).map_err(Error::unwritable(&self.path))?;
        Ok(cones_core::disk::atomic::write_private(&self.path, &file)?)
    }

    /// Removes the file after a finished run.
    pub fn remove(&self) {
        // What cannot be removed does no harm: its key tells a later run whether it is its own.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Examples {
        let caption =
            |text: &str, triggers| Caption { text: text.into(), embedding: vec![0.5, -1.0], pooled: vec![], triggers };
        Examples {
            captions: vec![caption("a <v1> dog", vec![vec![1, 2]]), caption("a dog", vec![vec![]])],
            pictures: vec![
                Example { part: Part::Subject, latent: vec![1.0, 2.0, 3.0], caption: 0 },
                Example { part: Part::Other, latent: vec![4.0, 5.0, 6.0], caption: 1 },
            ],
            shape: [1, 1, 3],
            tokens: 2,
        }
    }

    #[test]
    fn what_is_kept_comes_back_and_only_for_the_same_pictures() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache { path: folder.path().join("c"), key: "k".into() };
        assert_eq!(cache.load(), None);
        cache.save(&examples()).expect("can be written");
        assert_eq!(cache.load(), Some(examples()));
        let mut both = examples();
        both.captions.iter_mut().zip([[1.0f32, 2.0], [3.0, 4.0]]).for_each(|(c, pooled)| c.pooled = pooled.to_vec());
        cache.save(&both).expect("can be written");
        assert_eq!(cache.load(), Some(both), "of two text encoders");
        cache.save(&examples()).expect("can be written");
        assert_eq!(Cache { key: "other".into(), ..cache.clone() }.load(), None);
        let mut bytes = std::fs::read(&cache.path).expect("there");
        bytes.truncate(bytes.len() - 4);
        std::fs::write(&cache.path, bytes).expect("can be written");
        assert_eq!(cache.load(), None, "damaged");
        cache.remove();
        assert!(!cache.path.exists());
    }
}
