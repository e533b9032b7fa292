//! When and how a block of weights is split into a denser and a sparser one.
//!
//! Masks are no noise: some rows of a projection (parts of a head) and some columns (of the text embedding) hold many
//! more neurons than others. Telling which those are costs about a bit per row or column and saves more where the
//! counts vary more than by chance. The rule is part of the format: a reader checks it, so that one mask has one code.

/// No block is split further than this.
pub(super) const DEEPEST: u32 = 6;
/// Blocks with fewer neurons are never split.
pub(super) const FEWEST: u64 = 16;
/// More rows or columns than any projection has; a bundle has no more either.
pub(super) const LINES: usize = 1 << 16;

/// Rows or columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    Rows,
    Columns,
}

/// How many neurons each row and each column of a block holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    pub(super) rows: Vec<u32>,
    pub(super) columns: Vec<u32>,
}

impl Counts {
    pub(super) fn new(rows: usize, columns: usize) -> Self {
        Self { rows: vec![0; rows], columns: vec![0; columns] }
    }

    pub(super) fn along(&self, axis: Axis) -> &[u32] {
        match axis {
            Axis::Rows => &self.rows,
            Axis::Columns => &self.columns,
        }
    }

    /// Along which axis a block with `count` neurons is split: that whose lines differ more, if they differ by enough.
    pub(super) fn split(&self, count: u64) -> Option<Axis> {
        let (rows, columns) = (gain(&self.rows, count), gain(&self.columns, count));
        let (axis, gain) = if rows >= columns { (Axis::Rows, rows) } else { (Axis::Columns, columns) };
        (gain > 0).then_some(axis)
    }
}

/// n times the sum over the lines of squared deviations from the mean, less 2.5 times what chance (a Poisson
/// distribution) would give; twice that. A line holds at most 2^16 neurons and there are as many lines at most, so
/// squares and their sum fit u64, and the product i128.
fn gain(lines: &[u32], count: u64) -> i128 {
    let squares: u64 = lines.iter().map(|c| u64::from(*c) * u64::from(*c)).sum();
    let (lines, squares, count) = (lines.len() as i128, i128::from(squares), i128::from(count));
    lines * (2 * squares - 5 * count) - 2 * count * count
}

/// Whether a line with `held` of the block's `count` neurons, in `lines` lines, goes to the denser part.
#[inline]
pub(super) fn is_dense(held: u32, lines: usize, count: u64) -> bool {
    u64::from(held) * lines as u64 >= count
}
