//! What is worth knowing before a finding starts, though it can go on.

use std::path::PathBuf;

use cones_core::model::bundle::TOKENIZER;
use cones_core::text::tokenizer::Tokenizer;
use cones_core::{Bundle, Picture};

use crate::error::{Error, Result};
use crate::photos::{self, Photo};
use crate::pictures;
use crate::prepare::{CAPTIONS, ExampleSpec, captions};

/// A word in more pieces than this is hardly one that the model has learned.
const PIECES: usize = 2;

/// Names with a caption and without a picture.
fn captions_of_nothing(spec: &ExampleSpec<'_>, found: &[PathBuf]) -> Result<Vec<String>> {
    let there: Vec<_> = found.iter().filter_map(|path| path.file_name()).collect();
    let captions = captions(&spec.captions())?;
    Ok(captions.into_keys().filter(|name| !there.iter().any(|there| *there == name.as_str())).collect())
}

/// What may make the result poor.
///
/// # Errors
/// When there are no pictures, the class is empty, or the tokenizer cannot be read.
pub fn warnings(bundle: &Bundle, spec: &ExampleSpec<'_>) -> Result<Vec<String>> {
    if spec.class.trim().is_empty() {
        return Err(Error::NoClass);
    }
    let mut warnings = Vec::new();
    let found = pictures::list(spec.folder)?;
    let left_out = pictures::left_out(spec.folder)?;
    if !left_out.is_empty() {
        warnings.push(format!("left out, for only PNG, JPEG and WebP are read: {}", left_out.join(", ")));
    }
    let missing = captions_of_nothing(spec, &found)?;
    if !missing.is_empty() {
        warnings.push(format!("`{}` has captions for files that are not there: {}", CAPTIONS, missing.join(", ")));
    }
    if found.len() > photos::MOST_HELPFUL {
        warnings.push(format!(
            "`{}` holds {} pictures; more than {} make no better pack, and different ones may make none at all",
            spec.folder.display(),
            found.len(),
            photos::MOST_HELPFUL
        ));
    }
    // One that cannot be read is counted: it is told of when it is to be learned from.
    warnings.extend(photos::too_few(found.len()));
    warnings.extend(photos::poor(&seen(&found)?));
    warnings.extend(of_class(bundle, spec.class)?);
    Ok(warnings)
}

/// The pictures as they are seen from afar, with the names of their files. More than a subject has are not looked at.
fn seen(found: &[PathBuf]) -> Result<Vec<(String, Photo)>> {
    let mut seen = Vec::new();
    for path in found.iter().take(photos::MOST_HELPFUL) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if let Ok(picture) = Picture::open(path) {
            seen.push((name, Photo::new(&picture)?));
        }
    }
    Ok(seen)
}

/// What is to be said of the class word.
///
/// # Errors
/// When the tokenizer cannot be read.
pub fn of_class(bundle: &Bundle, class: &str) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    let tokenizer = Tokenizer::open(&bundle.file(TOKENIZER)?, bundle.manifest().text)?;
    for word in class.split_whitespace() {
        let pieces = tokenizer.ids(word)?.len();
        if pieces > PIECES {
            warnings.push(format!(
                "the model's tokenizer splits the class word `{word}` into {pieces} pieces, so the model hardly knows it; \
                 a more common word for the same kind of thing works better"
            ));
        }
    }
    Ok(warnings)
}
