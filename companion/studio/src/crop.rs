//! Cutting a photo out and putting it straight.

use cones_core::Picture;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// No part is smaller than this share of the largest that fits.
const SMALLEST: f64 = 0.05;
/// Samples across one pixel of the result, where much of the photo falls into it.
const FINEST: f64 = 8.0;

/// Which part of a photo is taken: a rectangle of the base model's shape.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Crop {
    /// Its middle, as a share of the photo's width.
    pub x: f64,
    /// Its middle, as a share of the photo's height.
    pub y: f64,
    /// How large it is, as a share of the largest that fits into the upright photo.
    pub size: f64,
    /// By how much the photo is turned against the clock's hands to be straight, in degrees.
    pub angle: f64,
}

impl Default for Crop {
    /// The largest part around the middle, as `cones find` takes it.
    fn default() -> Self {
        Self { x: 0.5, y: 0.5, size: 1.0, angle: 0.0 }
    }
}

impl Crop {
    /// Refuses what is no part of a photo.
    ///
    /// # Errors
    /// [`Error::Request`] naming the value.
    pub(crate) fn check(&self) -> Result<()> {
        for (name, value, least, most) in [
            ("x", self.x, 0.0, 1.0),
            ("y", self.y, 0.0, 1.0),
            ("size", self.size, SMALLEST, 1.0),
            ("angle", self.angle, -180.0, 180.0),
        ] {
            if !(least..=most).contains(&value) {
                let hint = format!("`{name}` goes from {least} to {most}");
                return Err(Error::request(format!("`{name}` of the crop is {value}"), hint));
            }
        }
        Ok(())
    }

    /// The part of a photo, at a size.
    ///
    /// # Errors
    /// When the photo's bytes do not match its size.
    pub(crate) fn of(&self, photo: &Picture, width: u32, height: u32) -> Result<Picture> {
        if *self == Self::default() {
            return Ok(photo.fitted(width, height)?);
        }
        let (across, down) = (f64::from(photo.width), f64::from(photo.height));
        // Pixels of the photo in one pixel of the result.
        let scale = self.size * (across / f64::from(width)).min(down / f64::from(height));
        let finer = scale.ceil().clamp(1.0, FINEST) as u32;
        let (wide, high) = (width * finer, height * finer);
        let step = scale / f64::from(finer);
        let (sine, cosine) = self.angle.to_radians().sin_cos();
        let mut rgb = Vec::with_capacity(3 * wide as usize * high as usize);
        for row in 0..high {
            for column in 0..wide {
                let u = (f64::from(column) + 0.5 - f64::from(wide) / 2.0) * step;
                let v = (f64::from(row) + 0.5 - f64::from(high) / 2.0) * step;
                let x = self.x * across + u * cosine - v * sine - 0.5;
                let y = self.y * down + u * sine + v * cosine - 0.5;
                rgb.extend(between(photo, x, y));
            }
        }
        Ok(Picture { width: wide, height: high, rgb }.resized(width, height)?)
    }
}

/// The colour at a place between pixels; outside, that of the edge.
fn between(photo: &Picture, x: f64, y: f64) -> [u8; 3] {
    let (x, y) = (x.clamp(0.0, f64::from(photo.width.max(1) - 1)), y.clamp(0.0, f64::from(photo.height.max(1) - 1)));
    let (left, top) = (x.floor(), y.floor());
    let (fx, fy) = (x - left, y - top);
    let at = |dx: u32, dy: u32, channel: usize| {
        let (x, y) = ((left as u32 + dx).min(photo.width - 1), (top as u32 + dy).min(photo.height - 1));
        let place = 3 * (y as usize * photo.width as usize + x as usize) + channel;
        f64::from(photo.rgb.get(place).copied().unwrap_or(0))
    };
    [0, 1, 2].map(|channel| {
        let above = at(0, 0, channel) * (1.0 - fx) + at(1, 0, channel) * fx;
        let below = at(0, 1, channel) * (1.0 - fx) + at(1, 1, channel) * fx;
        (above * (1.0 - fy) + below * fy).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red grows to the right, green downwards.
    fn slopes(width: u32, height: u32) -> Picture {
        let rgb = (0..height).flat_map(|y| (0..width).flat_map(move |x| [x as u8, y as u8, 7])).collect();
        Picture { width, height, rgb }
    }

    #[test]
    fn an_untouched_photo_is_cut_as_the_finder_cuts_it() {
        let photo = slopes(90, 60);
        assert_eq!(Crop::default().of(&photo, 30, 30).expect("a part"), photo.fitted(30, 30).expect("a part"));
    }

    #[test]
    fn a_part_is_taken_where_it_lies() {
        let part = Crop { x: 0.25, y: 0.5, size: 0.5, angle: 0.0 }.of(&slopes(200, 100), 50, 50).expect("a part");
        // 50 pixels around (50, 50): from 25 on.
        assert_eq!((part.width, part.rgb[0], part.rgb[1]), (50, 25, 25));
        assert_eq!(part.rgb[3 * (49 * 50 + 49)], 74);
    }

    #[test]
    fn a_quarter_turn_puts_right_what_lay_on_its_side() {
        let part = Crop { angle: 90.0, ..Crop::default() }.of(&slopes(64, 64), 64, 64).expect("a part");
        // To the right of the result the photo goes downwards, and downwards to the left.
        assert_eq!(&part.rgb[..3], &[63, 0, 7]);
        assert_eq!(&part.rgb[3 * 63..3 * 64], &[63, 63, 7]);
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for bad in [
            Crop { x: -0.1, ..Crop::default() },
            Crop { y: f64::NAN, ..Crop::default() },
            Crop { size: 0.0, ..Crop::default() },
            Crop { angle: 181.0, ..Crop::default() },
        ] {
            assert!(bad.check().is_err_and(|error| error.hint().is_some()), "{bad:?}");
        }
        // A corner reaches over the edge, and has its colour.
        let corner = Crop { x: 0.0, y: 0.0, size: 1.0, angle: 30.0 }.of(&slopes(9, 9), 4, 4).expect("a part");
        assert_eq!(corner.rgb.len(), 48);
    }
}
