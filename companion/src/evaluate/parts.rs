//! Parts of a picture with several subjects, in each of which one of them may be.

use std::ops::Range;

use cones_core::Picture;

/// Sides of parts and the steps between them are counted in these: the picture has so many across and down.
const CELLS: u32 = 8;
/// Sides of parts, in cells.
const SIDES: Range<u32> = 3..7;

/// Parts of a picture from 3/8 to 6/8 of its sides, at each eighth: 86.
pub fn parts(picture: &Picture) -> Vec<Picture> {
    let places = |side: u32| 0..=CELLS - side;
    let all = SIDES.flat_map(|side| places(side).flat_map(move |top| places(side).map(move |left| (side, top, left))));
    all.map(|(side, top, left)| part(picture, side, top, left)).collect()
}

/// A square of cells.
fn part(picture: &Picture, side: u32, top: u32, left: u32) -> Picture {
    let (across, down) = (pixels(picture.width, left, side), pixels(picture.height, top, side));
    let row = 3 * picture.width.max(1) as usize;
    let columns = 3 * across.start as usize..3 * across.end as usize;
    let rows = picture.rgb.chunks_exact(row).skip(down.start as usize).take(down.len());
    let rgb = rows.flat_map(|row| row.get(columns.clone()).unwrap_or_default()).copied().collect();
    Picture { width: across.end - across.start, height: down.end - down.start, rgb }
}

/// Pixels of some cells of a side; one at least, if the side has one.
fn pixels(length: u32, first: u32, count: u32) -> Range<u32> {
    let at = |cell: u32| (u64::from(length) * u64::from(cell) / u64::from(CELLS)) as u32;
    at(first)..at(first + count).max(at(first) + 1).min(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_from_everywhere() {
        let rgb = (0..16 * 8).flat_map(|pixel: u32| [(pixel % 16) as u8, (pixel / 16) as u8, 7]).collect();
        let all = parts(&Picture { width: 16, height: 8, rgb });
        assert_eq!(all.len(), 36 + 25 + 16 + 9);
        let (first, last) = (&all[0], &all[85]);
        assert_eq!((first.width, first.height, &first.rgb[..6]), (6, 3, &[0, 0, 7, 1, 0, 7][..]));
        assert_eq!((last.width, last.height, &last.rgb[..3]), (12, 6, &[4, 2, 7][..]));
        assert!(all.iter().all(|part| part.rgb.len() == 3 * (part.width * part.height) as usize));
        assert_eq!(last.rgb[last.rgb.len() - 3..], [15, 7, 7]);
    }

    #[test]
    fn a_picture_too_small_for_cells_has_parts_of_a_pixel() {
        let all = parts(&Picture { width: 1, height: 3, rgb: vec![9; 9] });
        assert!(all.iter().all(|part| part.width == 1 && part.height > 0 && !part.rgb.is_empty()));
        assert!(parts(&Picture { width: 0, height: 0, rgb: Vec::new() }).iter().all(|part| part.rgb.is_empty()));
    }
}
