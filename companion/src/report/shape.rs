//! The true shape of a thing in a picture, which a map of attention is held against.

use std::path::Path;

use cones_core::Picture;

use super::attention_map::Map;
use super::heat;
use crate::failure::Failure;

/// Which pixels of a picture are the thing's.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    inside: Vec<bool>,
}

impl Shape {
    /// Reads a picture that is white where the thing is and black elsewhere, cut and scaled as the picture it belongs to.
    ///
    /// # Errors
    /// As [`Picture::open`]; when nothing in it is white.
    pub fn open(path: &Path, width: u32, height: u32) -> Result<Self, Failure> {
        let drawn = Picture::open_mask_image(path)?.fitted(width, height)?;
        let inside: Vec<bool> = drawn
            .rgb
            .chunks_exact(3)
            .map(|pixel| pixel.iter().map(|v| u32::from(*v)).sum::<u32>() >= 3 * 128)
            .collect();
        if !inside.contains(&true) {
            return Err(format!(
                "`{}` shows no shape: nothing in it is white\nhint: white where the subject is, black elsewhere",
                path.display()
            )
            .into());
        }
        Ok(Self { inside })
    }

    /// The thing's share of the picture: the overlap of a map that is bright everywhere.
    pub fn share(&self) -> f64 {
        self.inside.iter().filter(|inside| **inside).count() as f64 / self.inside.len().max(1) as f64
    }

    /// Intersection over union with the bright part of a map, 0 to 1.
    pub fn overlap(&self, map: &Map) -> f64 {
        let bright = heat::bright_part(map);
        let count = |both: fn(bool, bool) -> bool| {
            self.inside.iter().zip(&bright).filter(|(inside, bright)| both(**inside, **bright)).count() as f64
        };
        count(|inside, bright| inside && bright) / count(|inside, bright| inside || bright).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of 4 × 4 whose left columns are white.
    fn left(columns: usize) -> Picture {
        let white = |i: usize| if i % 4 < columns { [255; 3] } else { [0; 3] };
        Picture { width: 4, height: 4, rgb: (0..16).flat_map(white).collect() }
    }

    /// The shape of such a picture, read from a file.
    fn shape(columns: usize) -> Result<Shape, Failure> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("shape.png");
        cones_core::picture::writing::save(&left(columns), None, &path).expect("a file");
        Shape::open(&path, 4, 4)
    }

    #[test]
    fn the_overlap_is_what_both_have_of_what_either_has() {
        let map = |columns: usize| {
            let at = |i: usize| if i % 4 < columns { 0.4 } else { 0.1 };
            Map { width: 4, height: 4, values: (0..16).map(at).collect() }
        };
        let half = shape(2).expect("a shape");
        assert_eq!(half.share(), 0.5);
        assert_eq!(half.overlap(&map(2)), 1.0);
        assert_eq!(half.overlap(&map(1)), 0.5);
        assert_eq!(half.overlap(&map(3)), 2.0 / 3.0);
        // A flat map has no bright part.
        assert_eq!(half.overlap(&map(0)), 0.0);
    }

    #[test]
    fn a_shape_without_white_is_named() {
        let error = shape(0).expect_err("nothing white").to_string();
        assert!(error.contains("shape.png") && error.contains("nothing in it is white"), "{error}");
    }
}
