//! What can be seen of photos before anything is learned from them: too few, too dark, too much alike.

use cones_core::Picture;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// From so many photos on a subject can be told from where it happens to stand.
pub const ENOUGH: usize = 3;
/// As many as the help speaks of.
pub const MOST_HELPFUL: usize = 10;

/// Side of the small picture that photos are compared by.
const SIDE: u32 = 16;
/// Mean difference of two small pictures, of 255, below which they show the same. On photos of skimage's, shifted by 3 %, enlarged by
/// 5 %, turned by 3° or a little brighter, it is 3 to 15; of the held-out subjects of Toybox in different places 31 and more.
const ALIKE: f64 = 14.0;
/// A photo is dark where 95 % of the small picture is darker than this, of 255: a subject before a black wall is not.
const DARK: u8 = 70;

/// A photo as seen from afar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Photo {
    /// `SIDE × SIDE` pixels, 3 bytes each.
    small: Vec<u8>,
}

impl Photo {
    /// Sees a picture, cut to its middle square.
    ///
    /// # Errors
    /// When the picture's bytes do not match its size.
    pub fn new(picture: &Picture) -> Result<Self> {
        Ok(Self { small: picture.fitted(SIDE, SIDE).map_err(Error::Scaling)?.rgb })
    }

    /// Whether nearly all of it is dark.
    #[must_use]
    pub fn is_dark(&self) -> bool {
        let mut light: Vec<u8> = self.small.chunks_exact(3).map(luma).collect();
        light.sort_unstable();
        light.get(light.len() * 95 / 100).is_none_or(|bright| *bright < DARK)
    }

    /// Whether both show the same: one photo twice, or two of one moment.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let apart: u64 = self.small.iter().zip(&other.small).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        (apart as f64) < ALIKE * self.small.len().max(1) as f64
    }
}

/// How light a pixel is (BT.601).
fn luma(rgb: &[u8]) -> u8 {
    let sum: u32 = rgb.iter().zip([299, 587, 114]).map(|(byte, weight)| u32::from(*byte) * weight).sum();
    // At most 255.
    (sum / 1000) as u8
}

/// What may make a finding in these photos poor, in sentences; each photo with the name that people know it by.
#[must_use]
pub fn warnings(photos: &[(String, Photo)]) -> Vec<String> {
    too_few(photos.len()).into_iter().chain(poor(photos)).collect()
}

/// What may make a finding in these photos poor, however many there are.
pub(crate) fn poor(photos: &[(String, Photo)]) -> Vec<String> {
    let mut warnings = Vec::new();
    let dark: Vec<&str> = photos.iter().filter(|(_, photo)| photo.is_dark()).map(|(name, _)| name.as_str()).collect();
    if !dark.is_empty() {
        warnings.push(format!("too dark to learn from: {}; take them again in more light", dark.join(", ")));
    }
    for (i, (name, photo)) in photos.iter().enumerate() {
        if let Some((before, _)) = photos.iter().take(i).find(|(_, other)| photo.is_like(other)) {
            warnings.push(format!(
                "{name} and {before} are nearly the same picture, which counts as one: different places and sides of the \
                 subject teach more"
            ));
        }
    }
    warnings
}

/// What is to be said of so few photos, if anything.
pub(crate) fn too_few(count: usize) -> Option<String> {
    let there = match count {
        1 => "there is one picture only: its",
        2 => "there are two pictures only: their",
        _ => return None,
    };
    Some(format!(
        "{there} place and background will be taken for part of the subject; {ENOUGH} to {MOST_HELPFUL} pictures in \
         different places tell them apart"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A light square on a dark ground, or the other way round.
    fn picture(ground: u8, square: u8, left: usize) -> Picture {
        let pixel = |i: usize| {
            let (x, y) = (i % 64, i / 64);
            if (left..left + 24).contains(&x) && (20..44).contains(&y) { [square; 3] } else { [ground; 3] }
        };
        Picture { width: 64, height: 64, rgb: (0..64 * 64).flat_map(pixel).collect() }
    }

    fn photo(ground: u8, square: u8, left: usize) -> Photo {
        Photo::new(&picture(ground, square, left)).expect("a picture")
    }

    #[test]
    fn a_light_subject_in_the_dark_is_not_dark() {
        assert!(photo(10, 60, 20).is_dark());
        assert!(!photo(10, 200, 20).is_dark());
        assert!(!photo(120, 20, 20).is_dark());
    }

    #[test]
    fn one_moment_twice_is_told_from_another_place() {
        let first = photo(40, 220, 20);
        assert!(first.is_like(&first) && first.is_like(&photo(44, 226, 21)));
        assert!(!first.is_like(&photo(200, 220, 20)) && !first.is_like(&photo(40, 220, 40)));
    }

    #[test]
    fn each_warning_names_its_photos() {
        let named = |name: &str, photo: Photo| (name.to_owned(), photo);
        let same = photo(40, 220, 20);
        let told = warnings(&[named("a.jpg", same.clone()), named("b.jpg", same)]);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("two pictures only") && told[1].contains("b.jpg and a.jpg"), "{told:?}");
        let told =
            warnings(&[named("d", photo(9, 9, 20)), named("e", photo(200, 9, 0)), named("f", photo(120, 255, 40))]);
        assert!(told.len() == 1 && told[0].contains("too dark to learn from: d;"), "{told:?}");
        assert!(warnings(&[]).is_empty());
    }
}
