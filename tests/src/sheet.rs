//! Contact sheets of equal pictures.

use cones_core::Picture;

use crate::golden;

/// A sheet below `tests/golden`, and the size of its cells.
#[derive(Debug)]
pub struct Sheet {
    whole: Picture,
    cell: (u32, u32),
}

impl Sheet {
    /// Reads the sheet `name`.
    pub fn open(name: &str, cell: (u32, u32)) -> Self {
        let whole = Picture::open(&golden::path(name)).unwrap_or_else(|error| panic!("{error}"));
        Self { whole, cell }
    }

    /// The picture in a column and row.
    pub fn cell(&self, column: usize, row: usize) -> Picture {
        let (width, height) = self.cell;
        let (across, line) = (3 * width as usize, 3 * self.whole.width as usize);
        let first = row * height as usize;
        let lines = self.whole.rgb.chunks_exact(line).skip(first).take(height as usize);
        let rgb: Vec<u8> = lines.flat_map(|l| &l[column * across..(column + 1) * across]).copied().collect();
        assert_eq!(rgb.len(), across * height as usize, "cell {column}, {row} lies outside the sheet");
        Picture { width, height, rgb }
    }
}
