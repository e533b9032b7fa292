//! What is done with pictures that are not safe.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// What is done with a picture that the classifier finds not safe. Previews are treated alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SafetyPolicy {
    /// `blur`: it is shown beyond recognition, and its recipe says so.
    #[default]
    Blur,
    /// `refuse`: nobody gets its pixels; a verdict stands in their place.
    Refuse,
    /// `report`: it is shown as it is, with the verdict beside it.
    Report,
    /// `off`: no classifier is asked.
    Off,
}

impl SafetyPolicy {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Blur, Self::Refuse, Self::Report, Self::Off];

    /// Its name, as on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Blur => "blur",
            Self::Refuse => "refuse",
            Self::Report => "report",
            Self::Off => "off",
        }
    }
}

impl fmt::Display for SafetyPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for SafetyPolicy {
    type Err = Error;

    /// # Errors
    /// [`Error::BadRequest`] naming `safety` and listing the names there are.
    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::request("safety", format!("must be one of {names}, not `{name}`"))
        })
    }
}
