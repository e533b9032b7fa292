//! What is worth knowing before a finding starts, though it can go on.

use std::path::PathBuf;

use cones_core::Bundle;
use cones_core::model::bundle::TOKENIZER;
use cones_core::text::tokenizer::Tokenizer;

use crate::error::{Error, Result};
use crate::pictures;
use crate::prepare::{CAPTIONS, ExampleSpec, captions};

/// A word in more pieces than this is hardly one that the model has learned.
const PIECES: usize = 2;

/// As many pictures as the help speaks of.
const MOST_HELPFUL: usize = 10;

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
    if found.len() > MOST_HELPFUL {
        warnings.push(format!(
            "`{}` holds {} pictures; more than {MOST_HELPFUL} make no better pack, and different ones may make none at all",
            spec.folder.display(),
            found.len()
        ));
    }
    if found.len() == 1 {
        warnings.push(format!(
            "`{}` holds one picture only: its place and background will be taken for part of the subject; 3 to 10 \
             pictures in different places tell them apart",
            spec.folder.display()
        ));
    }
    let tokenizer = Tokenizer::open(&bundle.file(TOKENIZER)?, bundle.manifest().text)?;
    for word in spec.class.split_whitespace() {
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
