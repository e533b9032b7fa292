//! Subjects as they are written on the command line.

use std::path::Path;
use std::str::FromStr;

use cones_core::{Bundle, ConceptMask, Scope, Subject};

use crate::cli::Failure;
use crate::mask_file::MaskFile;

/// `SOURCE[@STRENGTH]`, where SOURCE is a mask file or `random:SHARE[:SEED]`.
#[derive(Debug, Clone, PartialEq)]
pub struct SubjectSpec {
    source: String,
    strength: f32,
}

impl FromStr for SubjectSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (source, strength) = match text.rsplit_once('@') {
            Some((source, strength)) => {
                let value = strength.parse().map_err(|_| format!("`{strength}` after `@` is no number from 0 to 1"))?;
                (source, value)
            }
            None => (text, 1.0),
        };
        if source.is_empty() {
            return Err("a subject needs a file, or `random:SHARE`".into());
        }
        Ok(Self { source: source.into(), strength })
    }
}

impl SubjectSpec {
    /// Reads the mask for a bundle. A scope given here wins over the file's.
    pub fn open(&self, bundle: &Bundle, scope: Option<Scope>) -> Result<Subject, Failure> {
        let mut subject = match self.source.strip_prefix("random:") {
            Some(rest) => random(&self.source, rest, bundle)?,
            None => MaskFile::open(Path::new(&self.source))?.subject(bundle)?,
        };
        subject.strength = self.strength;
        if let Some(scope) = scope {
            subject.scope = scope;
        }
        Ok(subject)
    }

    /// The specification that draws a subject of a recipe again, if it needs no file.
    pub fn of_random(name: &str, strength: f32) -> Option<Self> {
        name.starts_with("random:").then(|| Self { source: name.into(), strength })
    }
}

fn random(name: &str, rest: &str, bundle: &Bundle) -> Result<Subject, Failure> {
    let (share, seed) = rest.split_once(':').unwrap_or((rest, "0"));
    let wrong = || format!("subject `{name}` is not `random:SHARE[:SEED]`, as `random:0.05:1`");
    let share: f64 = share.parse().map_err(|_| wrong())?;
    let seed: u64 = seed.parse().map_err(|_| wrong())?;
    if !(0.0..=1.0).contains(&share) {
        return Err(format!("subject `{name}`: the share must be 0 to 1").into());
    }
    Ok(Subject::new(name, ConceptMask::random(&bundle.manifest().layers, share, seed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strengths_stand_behind_an_at_sign() {
        let spec: SubjectSpec = "a/dog.safetensors@0.5".parse().expect("a specification");
        assert_eq!((spec.source.as_str(), spec.strength), ("a/dog.safetensors", 0.5));
        assert_eq!("dog".parse::<SubjectSpec>().expect("a specification").strength, 1.0);
        assert!("dog@much".parse::<SubjectSpec>().is_err());
        assert!("@1".parse::<SubjectSpec>().is_err());
    }
}
