//! What is put before the model of a picture that is drawn anew in part, and how what it draws is pasted back.

use super::Picture;
use super::inpaint::Inpaint;
use super::part::Part;
use super::region::Region;
use crate::error::{Error, Result};

/// Levels from here on are redrawn by the model; diffusers' `binarize`. Below it they are only blended.
const REDRAWN: u8 = 128;

/// A picture under work.
#[derive(Debug)]
pub(crate) struct Canvas {
    /// What comes out, but for what is drawn.
    original: Picture,
    /// Over the original.
    region: Region,
    /// What of the original is drawn anew.
    part: Part,
    /// Where that part lies in what the model gets.
    place: Part,
    /// What the model gets, at the size of the request.
    pub(crate) picture: Picture,
    /// The region over that.
    pub(crate) redrawn: Region,
}

impl Canvas {
    /// Prepares a picture for a request of this size.
    ///
    /// # Errors
    /// [`Error::BadRequest`] as [`Inpaint::check`], and where nothing is to be redrawn.
    pub(crate) fn new(picture: &Picture, inpaint: &Inpaint, width: u32, height: u32) -> Result<Self> {
        inpaint.check(picture)?;
        let (whole, region) = (inpaint.outpaint.added(picture), inpaint.region(picture)?);
        let Some(bounds) = region.bounds() else {
            return Err(nothing("is black all over: white is redrawn"));
        };
        match inpaint.padding_mask_crop {
            Some(padding) => {
                let part = bounds.padded(padding, (width, height), (whole.width, whole.height));
                let (picture, place) = whole.cut(part)?.filled(width, height, super::SHARP)?;
                let redrawn = region.to_picture().cut(part)?.filled(width, height, super::SOFT)?.0;
                Ok(Self { original: whole, region, part, place, picture, redrawn: Region::of(&redrawn) })
            }
            None => {
                let original = whole.fitted(width, height)?;
                let region = Region::of(&region.to_picture().fitted_by(width, height, super::SOFT)?);
                if region.is_empty() {
                    return Err(nothing("is black all over what is left of the picture at the size of the request"));
                }
                let part = Part::whole(&original);
                let (picture, redrawn) = (original.clone(), region.clone());
                Ok(Self { original, region, part, place: part, picture, redrawn })
            }
        }
    }

    /// For each cell of the latent, `scale` pixels wide and high, 1 where it is redrawn and 0 where it is kept: the pixel in
    /// its corner decides, as `torch.nn.functional.interpolate` has it.
    ///
    /// # Errors
    /// [`Error::BadRequest`] where no cell is redrawn.
    pub(crate) fn cells(&self, scale: u32) -> Result<Vec<f32>> {
        let (scale, width) = (scale.max(1) as usize, self.redrawn.width.max(1) as usize);
        let rows = self.redrawn.levels.chunks_exact(width).step_by(scale);
        let cell = |level: &u8| if *level < REDRAWN { 0.0 } else { 1.0 };
        let cells: Vec<f32> = rows.flat_map(|row| row.iter().step_by(scale).map(cell)).collect();
        if cells.iter().all(|cell| *cell == 0.0) {
            return Err(nothing(&format!(
                "is too small or too dark to redraw anything: the model draws cells of {scale} x {scale} pixels; \
                 let it grow, or draw only the masked part"
            )));
        }
        Ok(cells)
    }

    /// What the model gets, as `3 × height × width` in -1..1, with 0 where it is redrawn.
    pub(crate) fn kept_planes(&self) -> Vec<f32> {
        let mut planes = self.picture.to_planes();
        for plane in planes.chunks_exact_mut(self.redrawn.levels.len().max(1)) {
            let redrawn = plane.iter_mut().zip(&self.redrawn.levels).filter(|(_, level)| **level >= REDRAWN);
            redrawn.for_each(|(value, _)| *value = 0.0);
        }
        planes
    }

    /// What the model drew, on the original: pixels outside the region keep their bytes.
    ///
    /// # Errors
    /// [`Error::BadRequest`] where it has another size than was asked for.
    pub(crate) fn pasted(&self, drawn: &Picture) -> Result<Picture> {
        let drawn = drawn.cut(self.place)?.scaled(self.part.width, self.part.height, super::SHARP)?;
        let mut out = self.original.clone();
        let (across, own) = (out.width.max(1) as usize, self.part.width.max(1) as usize);
        for (y, row) in drawn.rgb.chunks_exact(3 * own).enumerate() {
            let start = (self.part.top as usize + y) * across + self.part.left as usize;
            let levels = self.region.levels.get(start..start + own).unwrap_or_default();
            let kept = out.rgb.get_mut(3 * start..3 * (start + own)).unwrap_or_default();
            for ((kept, new), level) in kept.chunks_exact_mut(3).zip(row.chunks_exact(3)).zip(levels) {
                kept.iter_mut().zip(new).for_each(|(kept, new)| *kept = super::mixed(*kept, *new, *level));
            }
        }
        Ok(out)
    }
}

fn nothing(reason: &str) -> Error {
    Error::request("mask_image", reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::inpaint::Margins;

    fn even(width: u32, height: u32, level: u8) -> Picture {
        Picture { width, height, rgb: vec![level; 3 * width as usize * height as usize] }
    }

    /// Every pixel another.
    fn photo(width: u32, height: u32) -> Picture {
        let rgb = (0..3 * width * height).map(|i| (i * 37 % 251) as u8).collect();
        Picture { width, height, rgb }
    }

    fn mask(width: u32, height: u32, on: std::ops::Range<u32>, level: u8) -> Picture {
        let pixel = |i: u32| [if on.contains(&(i % width)) && on.contains(&(i / width)) { level } else { 0 }; 3];
        Picture { width, height, rgb: (0..width * height).flat_map(pixel).collect() }
    }

    #[test]
    fn pixels_outside_keep_their_bytes_and_those_inside_are_drawn() {
        for padding in [None, Some(0), Some(3), Some(1000)] {
            let photo = photo(64, 64);
            let mut inpaint = Inpaint::new(mask(64, 64, 16..40, 255)).with_feather(2);
            inpaint.padding_mask_crop = padding;
            let canvas = Canvas::new(&photo, &inpaint, 64, 64).expect("a canvas");
            let out = canvas.pasted(&even(64, 64, 200)).expect("a picture");
            let (mut kept, mut drawn, mut between) = (0, 0, 0);
            let levels = inpaint.region(&photo).expect("a region").levels;
            for ((out, own), level) in out.rgb.chunks(3).zip(photo.rgb.chunks(3)).zip(levels) {
                match level {
                    0 => assert_eq!((out, kept += 1).0, own),
                    255 => assert_eq!((out, drawn += 1).0, [200; 3]),
                    _ => between += 1,
                }
            }
            assert!(kept > 2000 && drawn > 100 && between > 100, "{kept}, {drawn}, {between}");
        }
    }

    #[test]
    fn only_the_masked_part_is_drawn_at_full_size() {
        let photo = photo(100, 40);
        let inpaint = Inpaint::new(mask(100, 40, 10..20, 255)).with_padding_mask_crop(3);
        let canvas = Canvas::new(&photo, &inpaint, 64, 64).expect("a canvas");
        assert_eq!(canvas.part, Part { left: 7, top: 7, width: 16, height: 16 });
        assert_eq!((canvas.picture.width, canvas.picture.height), (64, 64));
        assert_eq!(canvas.picture, photo.cut(canvas.part).and_then(|part| part.resized(64, 64)).expect("a part"));
        let out = canvas.pasted(&even(64, 64, 9)).expect("a picture");
        assert_eq!((out.width, out.height), (100, 40), "the photo's own size");
        let changed = out.rgb.chunks(3).zip(photo.rgb.chunks(3)).filter(|(out, own)| out != own).count();
        assert!((95..=100).contains(&changed), "{changed} pixels");
    }

    #[test]
    fn a_part_of_another_aspect_comes_back_where_it_was() {
        // Wider than the photo is high: the part cannot become square.
        let photo = photo(64, 10);
        let inpaint = Inpaint::new(even(64, 10, 255)).with_padding_mask_crop(0);
        let canvas = Canvas::new(&photo, &inpaint, 64, 64).expect("a canvas");
        assert_eq!(canvas.pasted(&canvas.picture).expect("a picture"), photo);
    }

    #[test]
    fn the_corner_of_a_cell_decides() {
        let cells = |on, level| {
            let inpaint = Inpaint::new(mask(16, 16, on, level));
            Canvas::new(&photo(16, 16), &inpaint, 16, 16).and_then(|canvas| canvas.cells(4))
        };
        let on = |cells: Result<Vec<f32>>| cells.map(|cells| cells.iter().sum::<f32>()).ok();
        assert_eq!(on(cells(4..8, 255)), Some(1.0));
        assert_eq!(on(cells(4..9, 255)), Some(4.0));
        assert_eq!(on(cells(3..8, 128)), Some(1.0));
        assert_eq!(on(cells(4..8, 127)), None, "too dark");
        let small = cells(5..8, 255).expect_err("no corner").to_string();
        assert!(small.contains("4 x 4 pixels"), "{small}");
        assert!(cells(0..0, 255).expect_err("black").to_string().contains("black all over"));
    }

    #[test]
    fn outpainting_keeps_the_picture() {
        let photo = photo(16, 16);
        let margins = Margins { left: 16, ..Margins::default() };
        let canvas = Canvas::new(&photo, &Inpaint::outpaint(margins), 32, 16).expect("a canvas");
        let out = canvas.pasted(&even(32, 16, 7)).expect("a picture");
        assert_eq!(out.cut(Part { left: 16, top: 0, width: 16, height: 16 }).expect("a part"), photo);
        assert_eq!(out.cut(Part { left: 0, top: 0, width: 16, height: 16 }).expect("a part"), even(16, 16, 7));
    }
}
