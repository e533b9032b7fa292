//! What is worth knowing before a finding starts, though it can go on.

use cones_core::Bundle;
use cones_core::model::bundle::TOKENIZER;
use cones_core::text::tokenizer::Tokenizer;

use crate::error::{Error, Result};
use crate::pictures;
use crate::prepare::ExampleSpec;

/// A word in more pieces than this is hardly one that the model has learned.
const PIECES: usize = 2;

/// What may make the result poor.
///
/// # Errors
/// When there are no pictures, the class is empty, or the tokenizer cannot be read.
pub fn warnings(bundle: &Bundle, spec: &ExampleSpec<'_>) -> Result<Vec<String>> {
    if spec.class.trim().is_empty() {
        return Err(Error::NoClass);
    }
    let mut warnings = Vec::new();
    if pictures::list(spec.folder)?.len() == 1 {
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
