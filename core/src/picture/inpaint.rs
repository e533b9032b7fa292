//! Which pixels of a picture are drawn anew (inpainting), and what is added around it (outpainting).

use super::Picture;
use super::part::Part;
use super::region::Region;
use crate::error::{Error, Result};

/// The furthest that a region grows or is feathered, in pixels.
pub const FURTHEST: u32 = 1024;
/// Pixels along one side of a picture with what is added.
const LARGEST_SIDE: u64 = 16_384;
/// Pixels of a picture with what is added.
const MOST_PIXELS: u64 = 32_000_000;

/// The part of the init picture that is drawn anew; all else keeps its bytes.
///
/// In this order: `mask_image` is stretched to the size of the init picture, the added strips of `outpaint` join it, what is
/// to be redrawn grows by `grow` pixels and its edge is softened over `feather` pixels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inpaint {
    /// diffusers' `mask_image`: a picture of any size; white is redrawn, black is kept, grey is blended. May be missing
    /// where `outpaint` says what is drawn.
    pub mask_image: Option<Picture>,
    /// How many pixels of the init picture the white part grows to each side, up to [`FURTHEST`].
    pub grow: u32,
    /// How soft its edge becomes: the radius of a Gaussian blur in pixels of the init picture (AUTOMATIC1111's "mask
    /// blur"), up to [`FURTHEST`].
    pub feather: u32,
    /// diffusers' `padding_mask_crop`, AUTOMATIC1111's "only masked": draws only what is to be redrawn, with so many pixels
    /// of the init picture around it, at the full size of the request, and pastes it back; the picture that comes out has
    /// the init picture's size. `None` draws the whole picture at the size of the request.
    pub padding_mask_crop: Option<u32>,
    /// Strips that are added around the init picture, all of them to be drawn.
    pub outpaint: Margins,
}

/// Pixels that are added to each side of a picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Margins {
    /// On the left.
    pub left: u32,
    /// Above.
    pub top: u32,
    /// On the right.
    pub right: u32,
    /// Below.
    pub bottom: u32,
}

impl Inpaint {
    /// Draws the white part of a mask picture anew.
    #[must_use]
    pub fn new(mask_image: Picture) -> Self {
        Self { mask_image: Some(mask_image), ..Self::default() }
    }

    /// Draws strips around a picture.
    #[must_use]
    pub fn outpaint(margins: Margins) -> Self {
        Self { outpaint: margins, ..Self::default() }
    }

    /// Lets the region grow by so many pixels to each side.
    #[must_use]
    pub fn with_grow(mut self, pixels: u32) -> Self {
        self.grow = pixels;
        self
    }

    /// Softens the region's edge over so many pixels.
    #[must_use]
    pub fn with_feather(mut self, pixels: u32) -> Self {
        self.feather = pixels;
        self
    }

    /// Draws the region alone, with so many pixels around it.
    #[must_use]
    pub fn with_padding_mask_crop(mut self, padding: u32) -> Self {
        self.padding_mask_crop = Some(padding);
        self
    }

    /// Adds strips around the picture.
    #[must_use]
    pub fn with_outpaint(mut self, margins: Margins) -> Self {
        self.outpaint = margins;
        self
    }

    /// Refuses what can be refused without looking at pixels.
    pub(crate) fn check(&self, picture: &Picture) -> Result<()> {
        for (field, pixels) in [("grow", self.grow), ("feather", self.feather)] {
            if pixels > FURTHEST {
                return Err(Error::request(field, format!("is {pixels} pixels; at most {FURTHEST} make sense")));
            }
        }
        if let Some(padding) = self.padding_mask_crop.filter(|padding| u64::from(*padding) > LARGEST_SIDE) {
            let reason = format!("is {padding} pixels; at most {LARGEST_SIDE} make sense");
            return Err(Error::request("padding_mask_crop", reason));
        }
        match &self.mask_image {
            None if self.outpaint.is_none() => {
                return Err(Error::request(
                    "mask_image",
                    "is missing, and `outpaint` adds nothing: nothing is to be drawn",
                ));
            }
            Some(mask) if !mask.is_whole() => {
                return Err(Error::request("mask_image", "has another number of bytes than its size says"));
            }
            _ => {}
        }
        let (width, height) = self.outpaint.around(picture);
        if width.max(height) > LARGEST_SIDE || width * height > MOST_PIXELS {
            let most = MOST_PIXELS / 1_000_000;
            let reason = format!(
                "makes {width} x {height} pixels of it; at most {LARGEST_SIDE} a side and {most} million are drawn"
            );
            return Err(Error::request("outpaint", reason));
        }
        Ok(())
    }

    /// The region over a picture with its added strips.
    pub(crate) fn region(&self, picture: &Picture) -> Result<Region> {
        let inner = match &self.mask_image {
            Some(mask) => mask.scaled(picture.width, picture.height, super::SOFT)?,
            None => Picture { width: picture.width, height: picture.height, rgb: vec![0; picture.rgb.len()] },
        };
        let inner = Region::of(&inner);
        Ok(self.outpaint.joined(inner).grown(self.grow).feathered(self.feather))
    }
}

impl Margins {
    /// Whether nothing is added.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Width and height of a picture with these strips; a picture's sides are `u32`, so these fit.
    #[must_use]
    pub fn around(&self, picture: &Picture) -> (u64, u64) {
        let side = |own: u32, one: u32, other: u32| u64::from(own) + u64::from(one) + u64::from(other);
        (side(picture.width, self.left, self.right), side(picture.height, self.top, self.bottom))
    }

    /// A picture with these strips, each of their pixels as the nearest of the picture's edge. The size was checked.
    pub(crate) fn added(&self, picture: &Picture) -> Picture {
        let (width, height) = self.around(picture);
        picture.spread(self.place(picture.width, picture.height), width as u32, height as u32)
    }

    /// A region over a picture with these strips, all of them redrawn.
    fn joined(&self, inner: Region) -> Region {
        if self.is_none() {
            return inner;
        }
        let place = self.place(inner.width, inner.height);
        let (width, height) = (self.left + inner.width + self.right, self.top + inner.height + self.bottom);
        let mut levels = vec![255; width as usize * height as usize];
        let rows = levels.chunks_exact_mut(width.max(1) as usize).skip(place.top as usize);
        for (row, own) in rows.zip(inner.levels.chunks_exact(inner.width.max(1) as usize)) {
            let from = place.left as usize;
            row[from..from + own.len()].copy_from_slice(own);
        }
        Region { width, height, levels }
    }

    /// Where the picture lies in what it becomes.
    fn place(&self, width: u32, height: u32) -> Part {
        Part { left: self.left, top: self.top, width, height }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, level: u8) -> Picture {
        Picture { width, height, rgb: vec![level; 3 * width as usize * height as usize] }
    }

    #[test]
    fn strips_are_filled_with_the_edges_and_all_redrawn() {
        let two = Picture { width: 2, height: 1, rgb: vec![1, 1, 1, 9, 9, 9] };
        let margins = Margins { left: 1, top: 0, right: 2, bottom: 1 };
        let added = margins.added(&two);
        assert_eq!((added.width, added.height), (5, 2));
        assert_eq!(added.rgb, [[1; 6].as_slice(), &[9; 9]].concat().repeat(2));
        let region = Inpaint::outpaint(margins).region(&two).expect("a region");
        assert_eq!((region.width, region.height), (5, 2));
        assert_eq!(region.levels, [255, 0, 0, 255, 255, 255, 255, 255, 255, 255]);
    }

    #[test]
    fn masks_of_any_size_are_stretched_over_the_picture() {
        let mut mask = picture(4, 2, 0);
        mask.rgb[6..12].fill(255);
        mask.rgb[18..24].fill(255);
        let region = Inpaint::new(mask).region(&picture(16, 4, 7)).expect("a region");
        assert_eq!((region.width, region.height), (16, 4));
        for row in region.levels.chunks_exact(16) {
            assert_eq!((&row[..6], &row[10..]), ([0; 6].as_slice(), [255; 6].as_slice()));
            assert!(row.is_sorted(), "no ringing: {row:?}");
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_refused_by_field() {
        let field = |inpaint: &Inpaint| match inpaint.check(&picture(8, 8, 0)) {
            Err(Error::BadRequest { field, reason }) => Some((field, reason)),
            _ => None,
        };
        let refused = |inpaint: &Inpaint| field(inpaint).map(|(field, _)| field);
        assert_eq!(refused(&Inpaint::default()), Some("mask_image"));
        assert_eq!(refused(&Inpaint::new(Picture { width: 3, ..picture(2, 2, 0) })), Some("mask_image"));
        assert_eq!(refused(&Inpaint::new(picture(1, 1, 0)).with_grow(FURTHEST + 1)), Some("grow"));
        assert_eq!(refused(&Inpaint::new(picture(1, 1, 0)).with_feather(u32::MAX)), Some("feather"));
        let padded = Inpaint::new(picture(1, 1, 0)).with_padding_mask_crop(16_385);
        assert_eq!(refused(&padded), Some("padding_mask_crop"));
        for margins in [
            Margins { left: u32::MAX, top: u32::MAX, right: u32::MAX, bottom: u32::MAX },
            Margins { left: 16_384, ..Margins::default() },
            Margins { left: 6000, top: 6000, ..Margins::default() },
        ] {
            assert_eq!(refused(&Inpaint::outpaint(margins)), Some("outpaint"), "{margins:?}");
        }
        assert_eq!(refused(&Inpaint::outpaint(Margins { left: 1, ..Margins::default() })), None);
    }
}
