//! Subjects as they are written on the command line.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use cones_core::{Bundle, ConceptMask, Scope, Subject};

use crate::failure::Failure;
use crate::pack_file::{PackFile, is_file_name};
use crate::places::StoreArgs;
use cones_import::MaskFile;

/// `[NAME=]SOURCE[:STRENGTH]` or `[NAME=]SOURCE[@STRENGTH]`, where SOURCE is an installed pack's name, a file or
/// `random:PERCENT[:SEED]` (whose strength stands behind `@` only), and NAME is what it is called in prompts.
#[derive(Debug, Clone, PartialEq)]
pub struct SubjectSpec {
    name: Option<String>,
    source: Source,
    strength: f32,
}

/// What a share in percent is of.
const PERCENT: f64 = 100.0;

#[derive(Debug, Clone, PartialEq)]
enum Source {
    /// Drawn anew: the whole text `random:SHARE[:SEED]`, and what of its share is everything: 100, for it is in percent.
    Random(String, f64),
    /// A pack or mask file.
    File(PathBuf),
    /// An installed pack.
    Installed(String),
}

impl FromStr for SubjectSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, text) = named(text);
        let (source, strength) = split(text)?;
        if source.is_empty() {
            return Err("a subject needs a pack's name, a file, or `random:PERCENT`".into());
        }
        let source = if source.starts_with("random:") {
            Source::Random(source.into(), PERCENT)
        } else if is_file_name(source) {
            Source::File(source.into())
        } else {
            Source::Installed(source.into())
        };
        Ok(Self { name: name.map(str::to_owned), source, strength })
    }
}

/// A name before `=`, and the rest. What cannot be a pack's name is part of a path.
fn named(text: &str) -> (Option<&str>, &str) {
    let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match text.split_once('=') {
        Some((name, rest)) if !name.is_empty() && name.chars().all(of_name) => (Some(name), rest),
        _ => (None, text),
    }
}

/// What stands before and behind the last `@` or `:`.
fn split(text: &str) -> Result<(&str, f32), String> {
    let number = |text: &str, sign: char| {
        text.parse::<f32>().map_err(|_| format!("`{text}` after `{sign}` is no number from 0 to 1"))
    };
    if let Some((source, strength)) = text.rsplit_once('@') {
        return Ok((source, number(strength, '@')?));
    }
    match text.rsplit_once(':') {
        Some(_) if text.starts_with("random:") => Ok((text, 1.0)),
        Some((source, strength)) => match number(strength, ':') {
            Ok(strength) => Ok((source, strength)),
            // A colon may be part of a path, never of a name.
            Err(_) if is_file_name(text) => Ok((text, 1.0)),
            Err(error) => Err(error),
        },
        None => Ok((text, 1.0)),
    }
}

impl SubjectSpec {
    /// Reads the subject for a bundle. A scope given here wins over the file's.
    pub fn open(&self, bundle: &Bundle, store: &StoreArgs, scope: Option<Scope>) -> Result<Subject, Failure> {
        let mut subject = match &self.source {
            Source::Random(text, whole) => random(text, *whole, bundle)?,
            Source::File(path) if is_mask(path) => MaskFile::open(path)?.subject(bundle)?,
            Source::File(path) => PackFile::open(path)?.subject(bundle.manifest())?,
            Source::Installed(name) => store.packs()?.subject(name, bundle.manifest())?,
        };
        subject.strength = self.strength;
        if let Some(name) = &self.name {
            subject.name.clone_from(name);
        }
        if let Some(scope) = scope {
            subject.scope = scope;
        }
        Ok(subject)
    }

    /// The specifications of which one draws a subject of a recipe again, if it needs no file: first versions of this program wrote
    /// the share as a part of 1.
    pub fn of_random(name: &str, strength: f32) -> Vec<Self> {
        let drawn = |whole| Self { name: None, source: Source::Random(name.into(), whole), strength };
        if name.starts_with("random:") { [PERCENT, 1.0].map(drawn).into() } else { Vec::new() }
    }
}

fn is_mask(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "safetensors")
}

fn random(name: &str, whole: f64, bundle: &Bundle) -> Result<Subject, Failure> {
    let wrong = || Failure::Usage(format!("subject `{name}` is not `random:PERCENT[:SEED]`, as `random:5:1`"));
    let rest = name.strip_prefix("random:").ok_or_else(wrong)?;
    let (share, seed) = rest.split_once(':').unwrap_or((rest, "0"));
    let share = share.parse::<f64>().map_err(|_| wrong())? / whole;
    let seed: u64 = seed.parse().map_err(|_| wrong())?;
    if !(0.0..=1.0).contains(&share) {
        return Err(Failure::Usage(format!("subject `{name}`: the share must be 0 to 100 percent")));
    }
    Ok(Subject::new(name, ConceptMask::random(&bundle.manifest().layers, share, seed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(source: Source, strength: f32) -> SubjectSpec {
        SubjectSpec { name: None, source, strength }
    }

    #[test]
    fn a_name_may_stand_before_an_equals_sign() {
        let bob: SubjectSpec = "bob=packs/rex.cones:0.5".parse().expect("a file");
        assert_eq!(bob, SubjectSpec { name: Some("bob".into()), ..spec(Source::File("packs/rex.cones".into()), 0.5) });
        let path = "./a=b.cones";
        assert_eq!(path.parse::<SubjectSpec>().expect("a file"), spec(Source::File(path.into()), 1.0));
        assert!("bob=".parse::<SubjectSpec>().is_err());
    }

    #[test]
    fn strengths_stand_behind_a_colon_or_an_at_sign() {
        let file = |path: &str| Source::File(path.into());
        let installed = |name: &str| Source::Installed(name.into());
        let random = |text: &str| Source::Random(text.into(), PERCENT);
        for (text, expected) in [
            ("dog", spec(installed("dog"), 1.0)),
            ("dog:0.5", spec(installed("dog"), 0.5)),
            ("dog@0.5", spec(installed("dog"), 0.5)),
            ("dog-1.5", spec(installed("dog-1.5"), 1.0)),
            ("a/dog.safetensors@0.5", spec(file("a/dog.safetensors"), 0.5)),
            ("dog.cones:1", spec(file("dog.cones"), 1.0)),
            ("./dog", spec(file("./dog"), 1.0)),
            ("C:\\packs\\dog.cones", spec(file("C:\\packs\\dog.cones"), 1.0)),
            ("C:\\packs\\dog.cones:0.25", spec(file("C:\\packs\\dog.cones"), 0.25)),
            ("random:5", spec(random("random:5"), 1.0)),
            ("random:5:3", spec(random("random:5:3"), 1.0)),
            ("random:0.5:3@0.7", spec(random("random:0.5:3"), 0.7)),
        ] {
            assert_eq!(text.parse::<SubjectSpec>().expect(text), expected, "{text}");
        }
        for text in ["dog@much", "dog:much", "@1", ":1", "", "dog:", "dog@"] {
            assert!(text.parse::<SubjectSpec>().is_err(), "{text}");
        }
    }
}
