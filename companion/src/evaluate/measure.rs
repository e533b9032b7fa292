//! A measure: both networks with what they know.

use std::path::Path;

use cones_core::{CancelToken, Picture};

use super::alignment::{self, Seen};
use super::instances::Instances;
use super::labels::Labels;
use super::network::{Network, Output};
use super::scene::Scene;
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
}

/// What one picture turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// For each class that was asked for, the nearest instance.
    pub nearest: Vec<Option<String>>,
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
        Ok(Self {
            embedding: Network::open(&folder.join("embedding.onnx"), threads)?,
            classifier: Network::open(&folder.join("classifier.onnx"), threads)?,
            instances: Instances::open(&folder.join("references.safetensors"))?,
            labels: Labels::open(&folder.join("labels.json"))?,
        })
    }

    /// Judges pictures, each with what it was to show. `classes`: whose instances are looked for.
    ///
    /// # Errors
    /// What the networks say; being cancelled.
    pub fn judge(
        &mut self,
        pictures: &[Picture],
        scenes: &[Scene],
        classes: &[&str],
        cancel: &CancelToken,
    ) -> Result<Vec<Judged>, Failure> {
        let seen = self.embedding.run(pictures, cancel)?;
        let named = self.classifier.run(pictures, cancel)?;
        let output = |from: &std::collections::BTreeMap<String, Output>, name: &str| {
            from.get(name).cloned().ok_or_else(|| format!("a network of the measure has no output `{name}`"))
        };
        let (whole, local) = (output(&seen, "embedding")?, output(&seen, "local")?);
        let (presence, objects, context) =
            (output(&seen, "presence")?, output(&named, "objects")?, output(&named, "context")?);
        let judge = |(i, scene): (usize, &Scene)| {
            let seen =
                Seen { whole: whole.of_picture(i), local: local.of_picture(i), presence: presence.of_picture(i) };
            let nearest = |class: &&str| {
                let known = self.instances.of_class(class)?;
                alignment::nearest(&seen, known, classes.len() > 1).map(str::to_owned)
            };
            Judged {
                nearest: classes.iter().map(nearest).collect(),
                objects: alignment::objects_right(objects.of_picture(i), scene),
                context: alignment::context_right(context.of_picture(i), scene),
            }
        };
        Ok(scenes.iter().enumerate().map(judge).collect())
    }
}
