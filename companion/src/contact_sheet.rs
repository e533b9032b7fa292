//! Several pictures on one.

use std::path::Path;

use cones_core::picture::writing;
use cones_core::{Error, Picture};

/// Gap between pictures, in pixels.
const GAP: u32 = 4;
/// Pixels along the longer side of a sheet, about. Pictures are shrunk where they would make it longer.
const LONGEST: u32 = 4096;
/// Pictures up to so many pixels across are shown twice as large.
const SMALL: u32 = 128;

/// A sheet on which pictures are put as they come; none is kept.
#[derive(Debug)]
pub struct ContactSheet {
    columns: u32,
    rows: u32,
    /// The sheet, once the first picture has said how large a cell is.
    sheet: Option<Sheet>,
    put: u32,
}

#[derive(Debug)]
struct Sheet {
    pixels: image::RgbImage,
    cell: [u32; 2],
}

impl ContactSheet {
    /// A sheet for `count` pictures in rows of `columns`.
    #[must_use]
    pub fn new(columns: usize, count: usize) -> Self {
        let columns = u32::try_from(columns.max(1)).unwrap_or(u32::MAX);
        let rows = u32::try_from(count).unwrap_or(u32::MAX).div_ceil(columns).max(1);
        Self { columns, rows, sheet: None, put: 0 }
    }

    /// A sheet for `count` pictures, about as wide as high.
    #[must_use]
    pub fn square(count: usize) -> Self {
        let columns = (1..=count.max(1)).find(|columns| columns * columns >= count).unwrap_or(1);
        Self::new(columns, count)
    }

    /// Puts the next picture on. All have the size of the first; others are fitted to it. What is more than was said finds no place.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the bytes do not match width and height.
    pub fn put(&mut self, picture: &Picture) -> Result<(), Error> {
        let (columns, rows) = (self.columns, self.rows);
        let sheet = self.sheet.get_or_insert_with(|| Sheet::new(columns, rows, picture));
        let (column, row) = (self.put % columns, self.put / columns);
        self.put += 1;
        if row >= rows {
            return Ok(());
        }
        let [width, height] = sheet.cell;
        let times = (width / picture.width.max(1)).max(1);
        let shown = if picture.width * times == width && picture.height * times == height {
            picture.enlarged(times)
        } else {
            picture.fitted(width, height)?
        };
        if let Some(pixels) = image::RgbImage::from_raw(width, height, shown.rgb) {
            let at = |place: u32, size: u32| i64::from(GAP + place * (size + GAP));
            image::imageops::replace(&mut sheet.pixels, &pixels, at(column, width), at(row, height));
        }
        Ok(())
    }

    /// Writes the sheet; says whether there was a picture to write.
    ///
    /// # Errors
    /// As [`writing::save`].
    pub fn save(self, path: &Path) -> Result<bool, Error> {
        let Some(sheet) = self.sheet else { return Ok(false) };
        let (width, height) = sheet.pixels.dimensions();
        writing::save(&Picture { width, height, rgb: sheet.pixels.into_raw() }, None, path)?;
        Ok(true)
    }
}

impl Sheet {
    fn new(columns: u32, rows: u32, picture: &Picture) -> Self {
        let (width, height) = (picture.width.max(1), picture.height.max(1));
        let times = if width <= SMALL { 2 } else { 1 };
        // Of a large number of large pictures each becomes small, of a row of a thousand a pixel.
        let room = |count: u32| (LONGEST / count).saturating_sub(GAP).max(1);
        let fits = |times: u32| width * times <= room(columns) && height * times <= room(rows);
        let cell = match (fits(times), fits(1)) {
            (true, _) => [width * times, height * times],
            (false, true) => [width, height],
            (false, false) => {
                let by = (f64::from(room(columns)) / f64::from(width)).min(f64::from(room(rows)) / f64::from(height));
                [width, height].map(|side| ((f64::from(side) * by) as u32).max(1))
            }
        };
        let side = |count: u32, size: u32| GAP + count * (size + GAP);
        let pixels = image::RgbImage::from_pixel(side(columns, cell[0]), side(rows, cell[1]), image::Rgb([255; 3]));
        Self { pixels, cell }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(side: u32, value: u8) -> Picture {
        Picture { width: side, height: side, rgb: vec![value; 3 * (side * side) as usize] }
    }

    fn saved(sheet: ContactSheet) -> Picture {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("sheet.png");
        assert!(sheet.save(&path).expect("written"));
        Picture::open(&path).expect("a picture")
    }

    #[test]
    fn pictures_stand_in_rows_small_ones_twice_as_large() {
        let mut sheet = ContactSheet::square(3);
        for value in [10, 20, 30] {
            sheet.put(&plain(8, value)).expect("put");
        }
        let sheet = saved(sheet);
        assert_eq!((sheet.width, sheet.height), (4 + 2 * 20, 4 + 2 * 20));
        let at = |x: usize, y: usize| sheet.rgb[3 * (y * sheet.width as usize + x)];
        assert_eq!([at(4, 4), at(19, 19), at(24, 4), at(4, 24), at(24, 24), at(0, 0)], [10, 10, 20, 30, 255, 255]);
    }

    #[test]
    fn many_large_ones_are_shrunk_and_more_than_were_said_find_no_place() {
        let mut sheet = ContactSheet::square(1000);
        sheet.put(&plain(512, 9)).expect("put");
        let mut one = ContactSheet::new(1, 1);
        one.put(&plain(200, 1)).expect("put");
        one.put(&plain(100, 2)).expect("no place");
        assert_eq!(saved(one).width, 208);
        let sheet = saved(sheet);
        assert!(sheet.width <= LONGEST + GAP && sheet.height <= LONGEST + GAP, "{} x {}", sheet.width, sheet.height);
        assert_eq!(sheet.rgb[3 * (GAP * sheet.width + GAP) as usize], 9);
    }

    #[test]
    fn without_a_picture_nothing_is_written() {
        assert!(!ContactSheet::square(4).save("/no/such/folder/x.png".as_ref()).expect("nothing to write"));
    }
}
