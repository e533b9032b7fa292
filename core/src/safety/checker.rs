//! What is shown of a picture or preview, once the safety classifier has seen it.

use crate::cancel::CancelToken;
use crate::engine::options::EngineOptions;
use crate::error::{Error, Result};
use crate::memory::LoadForm;
use crate::model::bundle::Bundle;
use crate::picture::Picture;
use crate::safety::blur::blurred;
use crate::safety::classifier::Classifier;
use crate::safety::policy::SafetyPolicy;
use crate::safety::verdict::{Treatment, Verdict};

/// What is shown: the picture, unless it was refused, and what was found in it, if anybody looked.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    pub(crate) picture: Option<Picture>,
    pub(crate) verdict: Option<Verdict>,
}

/// Who looks at pictures, and what is done then.
#[derive(Debug)]
pub(crate) struct Checker {
    policy: SafetyPolicy,
    pub(crate) classifier: Classifier,
}

impl Checker {
    /// The checker of an engine; `None` where there is no classifier, or none is to be asked.
    ///
    /// # Errors
    /// [`Error::BadRequest`] where a policy is asked for and there is no classifier: nobody is to believe that somebody
    /// looks. [`Error::BadBundle`].
    pub(crate) fn new(bundle: &Bundle, options: &EngineOptions) -> Result<Option<Self>> {
        if options.safety == Some(SafetyPolicy::Off) {
            return Ok(None);
        }
        let classifier = match &options.safety_classifier {
            Some(folder) => Some(Classifier::open(folder)?),
            None => Classifier::of(bundle)?,
        };
        match (classifier, options.safety) {
            (Some(classifier), policy) => {
                let classifier = classifier.with_threads(options.threads);
                Ok(Some(Self { policy: policy.unwrap_or_default(), classifier }))
            }
            (None, None) => Ok(None),
            (None, Some(policy)) => {
                let name = &bundle.manifest().name;
                let reason = format!(
                    "is `{policy}`, and `{name}` comes without a classifier; `cones bundle add-safety` adds one"
                );
                Err(Error::request("safety", reason))
            }
        }
    }

    /// What is shown of a picture. Where nobody can look, nothing is: the error goes up.
    pub(crate) fn look(&mut self, form: LoadForm, picture: Picture, cancel: &CancelToken) -> Result<Shown> {
        let verdict = self.classifier.judge(form, &picture, self.policy, cancel)?;
        let picture = match verdict.treatment {
            Treatment::Passed | Treatment::Reported => Some(picture),
            Treatment::Blurred => Some(blurred(&picture)?),
            Treatment::Refused => None,
        };
        Ok(Shown { picture, verdict: Some(verdict) })
    }
}

/// What is shown of a picture, whether somebody looks or not.
pub(crate) fn shown(
    checker: Option<&mut Checker>,
    form: LoadForm,
    picture: Picture,
    cancel: &CancelToken,
) -> Result<Shown> {
    match checker {
        Some(checker) => checker.look(form, picture, cancel),
        None => Ok(Shown { picture: Some(picture), verdict: None }),
    }
}
