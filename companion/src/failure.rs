//! What ends a command early, and the exit status that tells it.

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// Arguments that are wrong together, which clap cannot see.
    #[error("{0}")]
    Usage(String),
    /// What the command itself found out, in a sentence.
    #[error("{0}")]
    Other(String),
    /// Drawing, packs, bundles, downloads.
    #[error(transparent)]
    Core(#[from] cones_core::Error),
    /// Finding and tuning.
    #[error(transparent)]
    Find(#[from] cones_find::Error),
    /// Finding many.
    #[error(transparent)]
    Fleet(#[from] cones_fleet::Error),
    /// Derivatives.
    #[error(transparent)]
    Gradient(#[from] cones_gradient::Error),
    /// Importing.
    #[error(transparent)]
    Import(#[from] cones_import::Error),
    /// Reading ONNX files.
    #[error(transparent)]
    Onnx(#[from] cones_onnx::Error),
    /// Quantising.
    #[error(transparent)]
    Quantise(#[from] cones_quantise::Error),
    /// Keys, published folders and their server.
    #[error(transparent)]
    Publish(#[from] cones_publish::Error),
    /// The studio.
    #[error(transparent)]
    Studio(#[from] cones_studio::Error),
    /// Reading and writing.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Failure {
    /// Whether it is no fault at all: Ctrl-C stopped the command, wherever it was.
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Core(error) => error.is_cancelled(),
            Self::Find(error) => error.is_cancelled(),
            Self::Gradient(error) => error.is_cancelled(),
            Self::Import(error) => error.is_cancelled(),
            Self::Onnx(error) => error.is_cancelled(),
            Self::Quantise(error) => error.is_cancelled(),
            Self::Publish(error) => error.is_cancelled(),
            Self::Studio(error) => error.is_cancelled(),
            Self::Usage(_) | Self::Other(_) | Self::Io(_) | Self::Fleet(_) => false,
        }
    }

    /// What to do about it, where the libraries say so apart from what went wrong.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Core(error) => error.hint(),
            Self::Find(error) => error.hint(),
            Self::Fleet(error) => error.hint(),
            Self::Gradient(error) => error.hint(),
            Self::Import(error) => error.hint(),
            Self::Onnx(error) => error.hint(),
            Self::Quantise(error) => error.hint(),
            Self::Publish(error) => error.hint(),
            Self::Studio(error) => error.hint(),
            Self::Usage(_) | Self::Other(_) | Self::Io(_) => None,
        }
    }

    /// All that is told of it: what went wrong with what was behind that, and the hint on a line of its own.
    pub fn whole(&self) -> String {
        let hint = self.hint().map_or_else(String::new, |hint| format!("\nhint: {hint}"));
        format!("{}{hint}", cones_core::with_sources(self))
    }

    /// Whether the reader of our output went away, as `head` does: nothing is wrong then.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }

    /// The exit status that tells it: 130 for Ctrl-C, 2 for wrong usage, 1 for all else.
    pub fn status(&self) -> u8 {
        match self {
            _ if self.is_cancelled() => 130,
            _ if self.is_usage() => 2,
            _ => 1,
        }
    }

    /// Whether another command line is all it takes: the arguments contradict each other, or a value is none that can be.
    fn is_usage(&self) -> bool {
        match self {
            Self::Usage(_) => true,
            Self::Core(error) => is_bad_request(error),
            Self::Find(cones_find::Error::Core(error)) => is_bad_request(error),
            Self::Quantise(cones_quantise::Error::Core(error)) => is_bad_request(error),
            Self::Publish(cones_publish::Error::Core(error)) => is_bad_request(error),
            _ => false,
        }
    }
}

/// Fields whose values come from the command line; others, as `mask`, are read out of files, whose fault is no usage.
const TYPED: [&str; 22] = [
    "prompt",
    "prompt_embeds",
    "prompt_weights",
    "hires",
    "variation",
    "steps",
    "guidance",
    "guidance_rescale",
    "eta",
    "scheduler",
    "count",
    "width",
    "height",
    "strength",
    "outpaint",
    "subjects",
    "trigger",
    "threads",
    "budget",
    "safety",
    "clip_skip",
    "style",
];

fn is_bad_request(error: &cones_core::Error) -> bool {
    matches!(error, cones_core::Error::BadRequest { field, .. } if TYPED.contains(field))
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self::Other(reason)
    }
}

impl From<&str> for Failure {
    fn from(reason: &str) -> Self {
        Self::Other(reason.to_owned())
    }
}

/// Errors of libraries that nobody acts upon: their words are what is shown.
macro_rules! in_words {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Other(error.to_string())
            }
        })*
    };
}

in_words!(
    Box<dyn std::error::Error + Send + Sync>,
    ctrlc::Error,
    image::ImageError,
    jiff::Error,
    ndarray::ShapeError,
    serde_json::Error,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancelling_is_recognised_wherever_it_happens() {
        let core = || cones_core::Error::Cancelled;
        let gradient = || cones_gradient::Error::from(core());
        for failure in [
            Failure::from(core()),
            Failure::from(cones_onnx::Error::from(core())),
            Failure::from(gradient()),
            Failure::from(cones_find::Error::from(gradient())),
            Failure::from(cones_import::Error::from(gradient())),
            Failure::from(cones_quantise::Error::from(cones_import::Error::from(core()))),
        ] {
            assert!(failure.is_cancelled() && failure.status() == 130, "{failure}");
        }
        assert_eq!(Failure::Usage(String::new()).status(), 2);
        let refused = || cones_core::Error::request("steps", "is 0");
        assert_eq!(Failure::from(refused()).status(), 2);
        assert_eq!(Failure::from(cones_find::Error::from(refused())).status(), 2);
        assert_eq!(Failure::from(cones_core::Error::request("mask", "of a file")).status(), 1);
        assert_eq!(Failure::from("a reason").status(), 1);
    }
}
