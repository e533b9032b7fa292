//! The subject in company: its pictures beside pictures of other things, so that its neurons let other things be.

use cones_core::{CancelToken, Engine, Request};

use crate::beside::{of_both, side_by_side};
use crate::error::Result;
use crate::examples::{Examples, Part};
use crate::observer::FindObserver;
use crate::prepare::{Captioned, ExampleSpec, add_example, captioned, empty_examples};
use crate::prompts;

/// Encodes `spec.company` pictures, each of the subject and of another thing that the model draws where the subject is.
///
/// # Errors
/// As [`encode_own`](crate::prepare::encode_own).
pub(crate) fn encode_company(
    engine: &mut Engine,
    spec: &ExampleSpec<'_>,
    observer: &mut dyn FindObserver,
    cancel: &CancelToken,
) -> Result<Examples> {
    let mut examples = empty_examples(engine);
    let own = captioned(engine, spec.folder, spec.class, spec.trigger, spec.hold_back)?;
    let things = prompts::things_but(spec.class);
    for i in 0..spec.company {
        let (Some(Captioned { prompt, picture, .. }), Some(thing)) =
            (own.get(i % own.len().max(1)), things.get(i % things.len().max(1)))
        else {
            break;
        };
        let other = prompts::replace_words(prompt, spec.trigger, thing).unwrap_or_else(|| prompts::plain(thing));
        let mut request = Request::new(other.clone());
        request.seed = spec.seed.wrapping_add(1000 * Part::Company as u64 + i as u64);
        let drawn = engine.generate(&request, &mut (), cancel)?;
        for drawn in &drawn.pictures {
            let (subject, thing) = ((prompt.as_str(), spec.trigger, picture), (other.as_str(), *thing, &drawn.picture));
            // Each picture now on the left and now on the right, of an even number of pictures too.
            let (left, right) = if (i + i / own.len()) % 2 == 0 { (subject, thing) } else { (thing, subject) };
            let both = of_both(left.0, right.0, [left.1, right.1]);
            let picture = side_by_side(left.2, right.2)?;
            add_example(engine, &mut examples, Part::Company, &both, &[spec.trigger], &picture, cancel)?;
        }
        observer.prepared("company", i + 1, spec.company);
    }
    Ok(examples)
}
