//! A rectangular part of a picture: which one is drawn anew, and how it comes to the size of the request and back.

use image::imageops::FilterType;

use super::Picture;
use crate::error::Result;

/// A rectangle of pixels inside a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Part {
    /// All of a picture.
    pub(crate) fn whole(picture: &Picture) -> Self {
        Self { left: 0, top: 0, width: picture.width, height: picture.height }
    }

    /// This part with `padding` around it, widened to the aspect of `size` as far as a picture of the size `whole` goes;
    /// diffusers' `get_crop_region`, which is AUTOMATIC1111's.
    pub(crate) fn padded(self, padding: u32, size: (u32, u32), whole: (u32, u32)) -> Self {
        let across = Span::of(self.left, self.width).padded(padding, whole.0);
        let down = Span::of(self.top, self.height).padded(padding, whole.1);
        let aspect = f64::from(size.0) / f64::from(size.1.max(1));
        let (across, down) = if across.length() as f64 / down.length() as f64 > aspect {
            (across, down.widened((across.length() as f64 / aspect) as i64, whole.1))
        } else {
            (across.widened((down.length() as f64 * aspect) as i64, whole.0), down)
        };
        let ((left, width), (top, height)) = (across.sides(), down.sides());
        Self { left, top, width, height }
    }
}

/// From a pixel up to the one before another.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: i64,
    to: i64,
}

impl Span {
    fn of(from: u32, length: u32) -> Self {
        Self { from: i64::from(from), to: i64::from(from) + i64::from(length) }
    }

    fn length(self) -> i64 {
        (self.to - self.from).max(1)
    }

    fn padded(self, padding: u32, most: u32) -> Self {
        let padding = i64::from(padding);
        Self { from: (self.from - padding).max(0), to: (self.to + padding).min(i64::from(most)) }
    }

    /// To this length around its middle, moved inside 0 to `most`, and cut where it is longer than that.
    fn widened(self, length: i64, most: u32) -> Self {
        let most = i64::from(most);
        let more = (length - self.length()).max(0);
        let from = self.from - more / 2;
        let to = self.to + (more - more / 2);
        let over = (to - most).max(0);
        let (from, to) = (from - over, to - over);
        let under = (-from).max(0);
        Self { from: from + under, to: (to + under).min(most) }
    }

    /// Start and length, both inside a side of a picture.
    fn sides(self) -> (u32, u32) {
        (u32::try_from(self.from).unwrap_or(0), u32::try_from(self.length()).unwrap_or(u32::MAX))
    }
}

impl Picture {
    /// A part of it.
    pub(crate) fn cut(&self, part: Part) -> Result<Self> {
        if part == Part::whole(self) {
            return Ok(self.clone());
        }
        let cut = image::imageops::crop_imm(&self.buffer()?, part.left, part.top, part.width, part.height).to_image();
        Ok(Self { width: cut.width(), height: cut.height(), rgb: cut.into_raw() })
    }

    /// At another size, nothing stretched and nothing lost: what stays free at two sides is filled with the pixels of its
    /// edges. Also where in it the picture itself lies.
    pub(crate) fn filled(&self, width: u32, height: u32, filter: FilterType) -> Result<(Self, Part)> {
        let (own_width, own_height) = (u64::from(self.width.max(1)), u64::from(self.height.max(1)));
        let (wanted_width, wanted_height) = (u64::from(width), u64::from(height));
        // At most what is wanted, so they fit.
        let (across, down) = if wanted_width * own_height < own_width * wanted_height {
            (width, (own_height * wanted_width / own_width).max(1) as u32)
        } else {
            ((own_width * wanted_height / own_height).max(1) as u32, height)
        };
        let place = Part { left: width / 2 - across / 2, top: height / 2 - down / 2, width: across, height: down };
        let scaled = self.scaled(across, down, filter)?;
        Ok((scaled.spread(place, width, height), place))
    }

    /// A picture of this size with this one at `place`, and the pixels of its edges around it.
    pub(crate) fn spread(&self, place: Part, width: u32, height: u32) -> Self {
        if (self.width, self.height) == (width, height) {
            return self.clone();
        }
        let across = self.width.max(1) as usize;
        let near = |at: u32, from: u32, length: u32| at.saturating_sub(from).min(length.saturating_sub(1)) as usize;
        let mut rgb = Vec::with_capacity(3 * width as usize * height as usize);
        for y in 0..height {
            let row = near(y, place.top, self.height) * across;
            for x in 0..width {
                let pixel = 3 * (row + near(x, place.left, self.width));
                rgb.extend_from_slice(self.rgb.get(pixel..pixel + 3).unwrap_or(&[0; 3]));
            }
        }
        Self { width, height, rgb }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_those_of_diffusers() {
        // VaeImageProcessor.get_crop_region of diffusers 0.42.1: (bounds, padding, size, picture) to the region.
        let part = |left, top, right: u32, bottom: u32| Part { left, top, width: right - left, height: bottom - top };
        for (bounds, padding, size, whole, expected) in [
            (part(40, 50, 60, 90), 0, (64, 64), (200, 150), part(30, 50, 70, 90)),
            (part(40, 50, 61, 90), 4, (64, 64), (200, 150), part(27, 46, 75, 94)),
            (part(0, 0, 10, 3), 32, (64, 64), (200, 150), part(0, 0, 42, 42)),
            (part(190, 140, 200, 150), 5, (96, 64), (200, 150), part(178, 135, 200, 150)),
            (part(0, 70, 200, 75), 10, (64, 64), (200, 150), part(0, 0, 200, 150)),
            (part(90, 0, 95, 150), 3, (64, 64), (200, 150), part(18, 0, 168, 150)),
            (part(3, 3, 4, 4), 0, (64, 64), (8, 8), part(3, 3, 4, 4)),
        ] {
            assert_eq!(bounds.padded(padding, size, whole), expected, "{bounds:?}");
        }
        let hostile = part(0, 0, 3, 3).padded(u32::MAX, (1, 8192), (8, 8));
        assert_eq!(hostile, part(0, 0, 8, 8));
    }

    #[test]
    fn what_stays_free_is_filled_with_the_edges() {
        let picture = Picture { width: 2, height: 1, rgb: vec![1, 1, 1, 9, 9, 9] };
        let (filled, place) = picture.filled(2, 3, FilterType::Lanczos3).expect("a picture");
        assert_eq!((filled.width, filled.height), (2, 3));
        assert_eq!(filled.rgb, [1, 1, 1, 9, 9, 9].repeat(3));
        assert_eq!(place, Part { left: 0, top: 1, width: 2, height: 1 });
        assert_eq!(filled.cut(place).expect("a part"), picture);
        let (wide, place) = picture.filled(4, 1, FilterType::Nearest).expect("a picture");
        assert_eq!(wide.rgb, [1, 1, 1, 1, 1, 1, 9, 9, 9, 9, 9, 9]);
        assert_eq!(place, Part { left: 1, top: 0, width: 2, height: 1 });
        assert!(Picture { width: 5, ..wide }.filled(3, 3, FilterType::Nearest).is_err());
    }
}
