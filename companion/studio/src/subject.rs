//! A subject: its photos, what it is called, and the pack that was found.

use cones_core::Sha256;
use cones_find::photos::{self, Photo};
use serde::{Deserialize, Serialize};

use crate::crop::Crop;
use crate::error::{Error, Result};
use crate::id::Id;

/// A subject.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Subject {
    pub(crate) id: Id,
    /// What it is called in prompts, and its pack by; as packs are named.
    pub(crate) name: String,
    /// What kind of thing it is.
    pub(crate) class: String,
    /// The words that stand for it.
    pub(crate) trigger: String,
    pub(crate) photos: Vec<Shot>,
    /// What was found, or brought along.
    pub(crate) pack: Option<FoundPack>,
    /// What is to be said of the class word.
    #[serde(default)]
    pub(crate) class_warnings: Vec<String>,
    /// When it was made, in seconds since 1970 (UTC).
    pub(crate) created: u64,
}

/// A photo of a subject.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Shot {
    pub(crate) id: Id,
    /// What its file was called.
    pub(crate) name: String,
    /// Pixels across, upright.
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) crop: Crop,
    /// What is seen in it, in words; empty where nobody said.
    #[serde(default)]
    pub(crate) caption: String,
    /// Counts changes of the crop.
    #[serde(default)]
    pub(crate) version: u32,
    /// The part that is learned from, seen from afar.
    pub(crate) look: Photo,
}

/// A subject's pack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FoundPack {
    /// The name that stands in it.
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) neurons: u64,
    /// Share (0 to 1) of all weights.
    pub(crate) share: f64,
    pub(crate) bytes: u64,
    pub(crate) sha256: Sha256,
    /// Whether the figures of its finding are beside it.
    pub(crate) found_here: bool,
    pub(crate) created: u64,
}

/// A subject as a page is told of it.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    id: Id,
    name: String,
    class: String,
    trigger: String,
    photos: Vec<ShotView>,
    pack: Option<FoundPack>,
    /// What may make a finding poor.
    warnings: Vec<String>,
    created: u64,
}

#[derive(Debug, Serialize)]
struct ShotView {
    id: Id,
    name: String,
    width: u32,
    height: u32,
    crop: Crop,
    caption: String,
    version: u32,
}

impl Subject {
    /// As a page is told of it.
    pub(crate) fn view(&self) -> View {
        let seen: Vec<(String, Photo)> =
            self.photos.iter().map(|shot| (shot.name.clone(), shot.look.clone())).collect();
        let mut warnings = photos::warnings(&seen);
        warnings.extend(self.class_warnings.iter().cloned());
        let shown = |shot: &Shot| ShotView {
            id: shot.id,
            name: shot.name.clone(),
            width: shot.width,
            height: shot.height,
            crop: shot.crop,
            caption: shot.caption.clone(),
            version: shot.version,
        };
        View {
            id: self.id,
            name: self.name.clone(),
            class: self.class.clone(),
            trigger: self.trigger.clone(),
            photos: self.photos.iter().map(shown).collect(),
            pack: self.pack.clone(),
            warnings,
            created: self.created,
        }
    }

    /// One of its photos.
    pub(crate) fn shot(&self, id: Id) -> Result<&Shot> {
        self.photos.iter().find(|shot| shot.id == id).ok_or_else(|| Error::unknown("photo", id))
    }
}

impl Shot {
    /// The file that is learned from; names sort as the photos were added.
    pub(crate) fn file(id: Id) -> String {
        let name = id.to_string();
        format!("p{:0>6}.png", name.trim_start_matches('p'))
    }
}

/// What is said of a subject.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    pub(crate) name: String,
    pub(crate) class: String,
    /// `<v1> CLASS` where it is left out.
    #[serde(default)]
    pub(crate) trigger: String,
}

impl Said {
    /// Name, class and trigger without what surrounds words, the trigger filled in.
    ///
    /// # Errors
    /// [`Error::Request`] for what cannot stand in a pack.
    pub(crate) fn checked(mut self) -> Result<Self> {
        self.name = pack_name(&self.name);
        self.class = self.class.trim().to_owned();
        self.trigger = self.trigger.split_whitespace().collect::<Vec<_>>().join(" ");
        if self.class.is_empty() {
            return Err(Error::request("the kind of thing is missing", "say what it is in a word, as dog"));
        }
        if self.trigger.is_empty() {
            self.trigger = format!("<v1> {}", self.class);
        }
        if self.name.is_empty() {
            return Err(Error::request("the name is missing", "call it something with letters or digits, as rex"));
        }
        Ok(self)
    }
}

/// A name as packs have it: `Rex & Co` is `rex-co`.
fn pack_name(text: &str) -> String {
    let mut name = String::new();
    for c in text.trim().to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' | '_' => name.push(c),
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    name.truncate(64);
    name.trim_matches(['-', '_']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_becomes_what_a_pack_holds() {
        let said = |name: &str, class: &str, trigger: &str| {
            Said { name: name.into(), class: class.into(), trigger: trigger.into() }.checked()
        };
        let rex = said(" Rex & Co. ", " dog ", "").expect("a subject");
        assert_eq!((rex.name.as_str(), rex.class.as_str(), rex.trigger.as_str()), ("rex-co", "dog", "<v1> dog"));
        assert_eq!(said("_x_", "a", "  <v2>\n a ").expect("a subject").trigger, "<v2> a");
        for (name, class) in [("", "dog"), ("-- ü", "dog"), ("rex", " ")] {
            assert!(said(name, class, "").is_err_and(|error| error.hint().is_some()), "{name} {class}");
        }
    }
}
