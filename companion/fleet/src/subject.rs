//! A subject as a line of the manifest describes it.

use std::fmt;

use cones_core::Scope;
use cones_core::subjects::pack::Precision;
use cones_find::selection::Projection;
use cones_find::timesteps::Timesteps;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// One line of a manifest. What is left out is as in `cones find`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The pack's name.
    pub name: String,
    /// What kind of thing it is, as `dog`.
    pub class: String,
    /// A folder, or files, as URLs or as paths seen from the manifest's folder. In CSV several files are parted by `|`.
    #[serde(deserialize_with = "one_or_more")]
    pub pictures: Vec<String>,
    /// The words that stand for it; `<v1> CLASS` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// Which rows of K and V the mask changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// Training steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// Pictures in one step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// The share of weights to shut, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// What the pack keeps per neuron.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// Steps in which factors are trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor_steps: Option<usize>,
    /// Whether the trigger's embedding is learned too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learn_trigger: Option<bool>,
    /// How many of the pictures, the last by name, are not learned from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_back: Option<usize>,
    /// Pictures of the class, and as many of other things, that the model draws for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<usize>,
    /// Noisy pictures of each part that masks are measured on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<usize>,
    /// Whether pictures are learned from mirrored, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flip: Option<bool>,
    /// Whether the subject's pictures are learned from alone, and none in which it stands beside another thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alone: Option<bool>,
    /// Among what neurons are looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Only>,
    /// How often each timestep is learned from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timesteps: Option<Timesteps>,
    /// Seed of everything random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Who made the pack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// An SPDX expression or a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Whether a class word that the model hardly knows is taken all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rare_class: Option<bool>,
}

/// Among what neurons are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Only {
    /// `to_k`
    Keys,
    /// `to_v`
    Values,
    /// Both
    Both,
}

impl Only {
    /// None for both.
    pub(crate) fn projection(self) -> Option<Projection> {
        match self {
            Self::Keys => Some(Projection::Keys),
            Self::Values => Some(Projection::Values),
            Self::Both => None,
        }
    }
}

impl Subject {
    /// What is wrong with it, as far as the line alone tells.
    ///
    /// # Errors
    /// A sentence.
    pub fn check(&self) -> Result<(), String> {
        let ordinary = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let plain = self.name.chars().all(|c| ordinary(c) || matches!(c, '-' | '_' | '.'));
        if !(1..=64).contains(&self.name.len()) || !self.name.starts_with(ordinary) || !plain {
            return Err(format!(
                "the name `{}` is none that a pack can have: 1 to 64 of a-z 0-9 - _ . that start with a letter or digit",
                shortened(&self.name)
            ));
        }
        if self.class.trim().is_empty() {
            return Err("the class is empty: say what kind of thing it is, as `dog`".into());
        }
        if self.pictures.iter().all(|picture| picture.trim().is_empty()) {
            return Err("names no pictures".into());
        }
        self.check_numbers()
    }

    fn check_numbers(&self) -> Result<(), String> {
        let within = |field: &str, value: Option<usize>, least: usize, most: usize| match value {
            Some(value) if value < least || value > most => {
                Err(format!("`{field}` is {value}; it must be {least} to {most}"))
            }
            _ => Ok(()),
        };
        within("steps", self.steps, 1, 10_000_000)?;
        within("batch", self.batch, 2, 512)?;
        within("factor_steps", self.factor_steps, 0, 10_000_000)?;
        within("drawn", self.drawn, 1, 1000)?;
        within("held_out", self.held_out, 1, 100_000)?;
        match self.share {
            Some(share) if !(share > 0.0 && share <= 100.0) => {
                Err(format!("`share` is {share}; it must be above 0, and 100 at most"))
            }
            _ => Ok(()),
        }
    }
}

/// The start of what may be long.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

/// One text, parted by `|`, or a list of them.
fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct OneOrMore;
    impl<'de> Visitor<'de> for OneOrMore {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a folder, or a list of files")
        }

        fn visit_str<E>(self, text: &str) -> Result<Vec<String>, E> {
            Ok(text.split('|').map(|file| file.trim().to_owned()).filter(|file| !file.is_empty()).collect())
        }

        // In CSV a folder may be called 7.
        fn visit_u64<E>(self, number: u64) -> Result<Vec<String>, E> {
            Ok(vec![number.to_string()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<String>, A::Error> {
            let mut found = Vec::new();
            while let Some(item) = items.next_element()? {
                found.push(item);
            }
            Ok(found)
        }
    }
    deserializer.deserialize_any(OneOrMore)
}
