//! A region of a picture: how much of each pixel is redrawn.

use std::collections::VecDeque;

use super::Picture;
use super::part::Part;

/// A level for each pixel, row by row from the top left: 0 keeps it, 255 redraws it, what lies between is blended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) levels: Vec<u8>,
}

impl Region {
    /// The brightness of a picture, as Pillow's `convert("L")` has it: white is redrawn.
    pub(crate) fn of(picture: &Picture) -> Self {
        let levels = picture.rgb.chunks_exact(3).map(brightness).collect();
        Self { width: picture.width, height: picture.height, levels }
    }

    /// As a picture in grey.
    pub(crate) fn to_picture(&self) -> Picture {
        let rgb = self.levels.iter().flat_map(|level| [*level; 3]).collect();
        Picture { width: self.width, height: self.height, rgb }
    }

    /// Whether every pixel is kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.levels.iter().all(|level| *level == 0)
    }

    /// The smallest part that holds all that is redrawn, even in part.
    pub(crate) fn bounds(&self) -> Option<Part> {
        let width = self.width.max(1) as usize;
        let rows = || self.levels.chunks_exact(width).map(|row| row.iter().any(|level| *level > 0));
        let (top, last) = (rows().position(|on| on)?, rows().rposition(|on| on)?);
        let of_row = |row: &[u8]| Some((row.iter().position(|l| *l > 0)?, row.iter().rposition(|l| *l > 0)?));
        let (left, right) = self
            .levels
            .chunks_exact(width)
            .filter_map(of_row)
            .reduce(|(left, right), (from, to)| (left.min(from), right.max(to)))?;
        // All below the sides, which are u32.
        let side = |from: usize, to: usize| (from as u32, (to + 1 - from) as u32);
        let ((left, width), (top, height)) = (side(left, right), side(top, last));
        Some(Part { left, top, width, height })
    }

    /// Each pixel as high as the highest within `pixels` of it, across and down.
    pub(crate) fn grown(self, pixels: u32) -> Self {
        let reach = pixels as usize;
        if reach == 0 { self } else { self.by_lines(|line| highest(line, reach)) }
    }

    /// Softened as Pillow's `GaussianBlur(pixels)`: by three box blurs.
    pub(crate) fn feathered(self, pixels: u32) -> Self {
        if pixels == 0 { self } else { self.by_lines(|line| blurred(line, box_radius(pixels))) }
    }

    /// `change` applied to each row, then to each column.
    fn by_lines(mut self, change: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        for _ in 0..2 {
            let width = self.width.max(1) as usize;
            let rows = self.levels.len() / width;
            let mut turned = vec![0; self.levels.len()];
            for (y, row) in self.levels.chunks_exact(width).enumerate() {
                for (x, level) in change(row).into_iter().enumerate().take(width) {
                    turned[x * rows + y] = level;
                }
            }
            self = Self { width: self.height, height: self.width, levels: turned };
        }
        self
    }
}

/// ITU-R 601 in Pillow's fixed point.
fn brightness(rgb: &[u8]) -> u8 {
    const FACTORS: [u32; 3] = [19_595, 38_470, 7_471];
    let sum: u32 = rgb.iter().zip(FACTORS).map(|(channel, factor)| u32::from(*channel) * factor).sum();
    // The factors add up to 2^16, so it fits.
    ((sum + 0x8000) >> 16) as u8
}

/// The highest level within `reach` of each: candidates wait in a queue that falls.
fn highest(line: &[u8], reach: usize) -> Vec<u8> {
    let mut queue: VecDeque<usize> = VecDeque::new();
    let mut out = Vec::with_capacity(line.len());
    let mut next = 0;
    for place in 0..line.len() {
        while next < line.len() && next <= place.saturating_add(reach) {
            while queue.back().is_some_and(|last| line[*last] <= line[next]) {
                queue.pop_back();
            }
            queue.push_back(next);
            next += 1;
        }
        while queue.front().is_some_and(|first| first.saturating_add(reach) < place) {
            queue.pop_front();
        }
        out.push(queue.front().map_or(0, |first| line[*first]));
    }
    out
}

/// Box blurs that make up a Gaussian one.
const PASSES: f64 = 3.0;

/// The radius of a box, three of which make a Gaussian of this deviation; its fraction weighs the two ends.
///
/// Source: Gwosdek et al. 2011, "Theoretical Foundations of Gaussian Convolution by Extended Box Filtering"; Pillow's `BoxBlur.c`.
fn box_radius(pixels: u32) -> f64 {
    let variance = f64::from(pixels) * f64::from(pixels) / PASSES;
    let whole = (((12.0 * variance + 1.0).sqrt() - 1.0) / 2.0).floor();
    let part = (2.0 * whole + 1.0) * (whole * (whole + 1.0) - 3.0 * variance);
    whole + part / (6.0 * (variance - (whole + 1.0) * (whole + 1.0)))
}

fn blurred(line: &[u8], radius: f64) -> Vec<u8> {
    let mut values: Vec<f64> = line.iter().map(|level| f64::from(*level)).collect();
    for _ in 0..PASSES as usize {
        values = boxed(&values, radius);
    }
    values.into_iter().map(|value| value.clamp(0.0, 255.0).round() as u8).collect()
}

/// The mean of what lies within `radius`, the ends weighed by its fraction; beyond the line its ends go on.
fn boxed(values: &[f64], radius: f64) -> Vec<f64> {
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return Vec::new() };
    let reach = radius.floor() as usize;
    let end_weight = radius - radius.floor();
    let mut sums = Vec::with_capacity(values.len() + 1);
    sums.push(0.0);
    for value in values {
        sums.push(sums[sums.len() - 1] + value);
    }
    let at = |place: isize| match usize::try_from(place) {
        Ok(place) => values.get(place).unwrap_or(last),
        Err(_) => first,
    };
    let mean = |place: usize| {
        let below = reach.saturating_sub(place) as f64 * first;
        let above = (place + reach).saturating_sub(values.len() - 1) as f64 * last;
        let inside = sums[(place + reach + 1).min(values.len())] - sums[place.saturating_sub(reach)];
        let ends = at(place as isize - reach as isize - 1) + at((place + reach + 1) as isize);
        (below + inside + above + end_weight * ends) / (2.0 * radius + 1.0)
    };
    (0..values.len()).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(width: u32, levels: &[u8]) -> Region {
        Region { width, height: levels.len() as u32 / width, levels: levels.to_vec() }
    }

    #[test]
    fn white_is_redrawn_and_colours_count_by_their_brightness() {
        // Pillow 13: Image.new("RGB", (1, 1), colour).convert("L").
        let rgb = [[255; 3], [0; 3], [255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 200, 30]];
        let picture = Picture { width: 6, height: 1, rgb: rgb.concat() };
        assert_eq!(Region::of(&picture).levels, [255, 0, 76, 150, 29, 124]);
        let grey: Vec<u8> = (0..=255).collect();
        assert_eq!(Region::of(&region(16, &grey).to_picture()).levels, grey);
    }

    #[test]
    fn bounds_hold_what_is_redrawn_in_part() {
        let mut levels = [0; 20];
        assert_eq!(region(5, &levels).bounds(), None);
        (levels[6], levels[13]) = (1, 255);
        assert_eq!(region(5, &levels).bounds(), Some(Part { left: 1, top: 1, width: 3, height: 2 }));
    }

    #[test]
    fn growing_reaches_so_many_pixels_to_each_side() {
        let mut levels = [0; 49];
        (levels[24], levels[0]) = (200, 9);
        let grown = region(7, &levels).grown(2);
        for (place, level) in grown.levels.iter().enumerate() {
            let (x, y) = (place % 7, place / 7);
            let near = |middle: usize| x.abs_diff(middle) <= 2 && y.abs_diff(middle) <= 2;
            assert_eq!(
                *level,
                if near(3) {
                    200
                } else if near(0) {
                    9
                } else {
                    0
                },
                "{x}, {y}"
            );
        }
        assert_eq!(region(7, &levels).grown(1024).levels, [200; 49]);
        assert_eq!(region(7, &levels).grown(0).levels, levels);
    }

    #[test]
    fn feathering_is_pillows() {
        // Pillow 13: a row of 24 pixels, the middle 8 white, by GaussianBlur(2) and GaussianBlur(5); every second one.
        let mut levels = [0; 24];
        levels[8..16].fill(255);
        for (pixels, expected) in PILLOW {
            let blurred = region(24, &levels).feathered(pixels);
            for (place, level) in expected.into_iter().enumerate() {
                let found = blurred.levels[2 * place];
                assert!(found.abs_diff(level) <= 1, "{pixels} at {}: {found} instead of {level}", 2 * place);
            }
        }
        assert_eq!(region(24, &[77; 48]).feathered(9).levels, [77; 48], "what is even stays");
    }

    const PILLOW: [(u32, [u8; 12]); 2] = [
        (2, [0, 0, 10, 59, 152, 227, 243, 196, 103, 28, 2, 0]),
        (5, [21, 38, 63, 92, 119, 138, 142, 130, 106, 77, 49, 28]),
    ];
}
