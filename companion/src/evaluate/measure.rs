//! A measure: both networks with what they know.

use std::collections::BTreeMap;
use std::path::Path;

use cones_core::{CancelToken, Picture, Sha256};
use cones_find::looks::Looks;

use super::alignment;
use super::instances::Instances;
use super::labels::Labels;
use super::network::{Network, Output};
use super::parts::parts;
use super::recolour::{TURNS, turned};
use super::scene::Scene;
use super::wanted::Wanted;
use crate::failure::Failure;

/// See [the module](super).
#[derive(Debug)]
pub struct Measure {
    embedding: Network,
    classifier: Network,
    /// Known instances.
    pub instances: Instances,
    /// What the classifier knows.
    pub labels: Labels,
    /// SHA-256 of the embedding's file, by which kept vectors are known again.
    network: String,
}

/// What one picture turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// For each subject that was asked for, what is nearest.
    pub nearest: Vec<Option<String>>,
    /// For each, how alike it is to its pictures.
    pub likeness: Vec<f64>,
    /// Whether the things asked for are there; none where none were.
    pub objects: Option<bool>,
    /// Whether the context asked for is there; none where none was.
    pub context: Option<bool>,
}

impl Measure {
    /// Opens a measure's folder.
    ///
    /// # Errors
    /// When a file of it is missing or is something else.
    pub fn open(folder: &Path, threads: Option<usize>) -> Result<Self, Failure> {
        if !folder.is_dir() {
            let hint = "hint: Toybox's is models/toybox/measure; name another with --measure";
            return Err(format!("`{}` is no folder with a measure\n{hint}", folder.display()).into());
        }
        let embedding = folder.join("embedding.onnx");
        Ok(Self {
            network: Sha256::digest(std::fs::read(&embedding).map_err(cones_core::Error::io("read", &embedding))?)
                .to_string(),
            embedding: Network::open(&embedding, threads)?,
            classifier: Network::open(&folder.join("classifier.onnx"), threads)?,
            instances: Instances::open(&folder.join("references.safetensors"))?,
            labels: Labels::open(&folder.join("labels.json"))?,
        })
    }

    /// What a subject looks like, by its pictures.
    ///
    /// # Errors
    /// What the network says; being cancelled.
    pub fn looks(
        &mut self,
        pictures: &[Picture],
        held_back: &[Picture],
        cancel: &CancelToken,
    ) -> Result<Looks, Failure> {
        let mut recoloured = Vec::new();
        for turn in TURNS {
            let turned: Vec<Picture> = pictures.iter().map(|picture| turned(picture, turn)).collect();
            recoloured.push(self.vectors(&turned, cancel)?);
        }
        let (pictures, held_back) = (self.vectors(pictures, cancel)?, self.vectors(held_back, cancel)?);
        Ok(Looks { network: self.network.clone(), pictures, held_back, recoloured })
    }

    /// Whether vectors that were kept are this measure's.
    pub fn saw(&self, looks: &Looks) -> bool {
        let width = self.instances.width();
        let fits = |vectors: &Vec<Vec<f32>>| vectors.iter().all(|vector| Some(vector.len()) == width);
        let all = [&looks.pictures, &looks.held_back].into_iter().chain(&looks.recoloured).all(fits);
        looks.network == self.network && !looks.pictures.is_empty() && all
    }

    /// The vectors of each picture: of itself, or, where several subjects are looked for, of its parts.
    fn seen(
        &mut self,
        pictures: &[Picture],
        several: bool,
        cancel: &CancelToken,
    ) -> Result<Vec<Vec<Vec<f32>>>, Failure> {
        if !several {
            return Ok(self.vectors(pictures, cancel)?.into_iter().map(|vector| vec![vector]).collect());
        }
        pictures.iter().map(|picture| self.vectors(&parts(picture), cancel)).collect()
    }

    fn vectors(&mut self, pictures: &[Picture], cancel: &CancelToken) -> Result<Vec<Vec<f32>>, Failure> {
        let seen = self.embedding.run(pictures, cancel)?;
        let whole = output(&seen, "embedding", pictures.is_empty())?;
        Ok((0..pictures.len()).map(|i| whole.of_picture(i).to_vec()).collect())
    }

    /// Judges pictures, each with what it was to show. `wanted`: whom each of them should show.
    ///
    /// # Errors
    /// What the networks say; being cancelled.
    pub fn judge(
        &mut self,
        pictures: &[Picture],
        scenes: &[Scene],
        wanted: &[&Wanted],
        cancel: &CancelToken,
    ) -> Result<Vec<Judged>, Failure> {
        let seen = self.seen(pictures, wanted.len() > 1, cancel)?;
        let named = self.classifier.run(pictures, cancel)?;
        let output = |from: &BTreeMap<String, Output>, name: &str| output(from, name, pictures.is_empty());
        let (objects, context) = (output(&named, "objects")?, output(&named, "context")?);
        let judge = |(i, scene): (usize, &Scene)| {
            let seen = seen.get(i).map(Vec::as_slice).unwrap_or_default();
            let nearest = |wanted: &&Wanted| alignment::nearest(seen, wanted.candidates()).map(str::to_owned);
            Judged {
                nearest: wanted.iter().map(nearest).collect(),
                likeness: wanted.iter().map(|wanted| wanted.likeness(seen)).collect(),
                objects: alignment::objects_right(objects.of_picture(i), scene),
                context: alignment::context_right(context.of_picture(i), scene),
            }
        };
        Ok(scenes.iter().enumerate().map(judge).collect())
    }
}

/// An output of a network; nothing where it saw no pictures.
fn output(from: &BTreeMap<String, Output>, name: &str, nothing: bool) -> Result<Output, Failure> {
    let found = from.get(name).cloned().or_else(|| nothing.then(Output::default));
    Ok(found.ok_or_else(|| format!("a network of the measure has no output `{name}`"))?)
}
