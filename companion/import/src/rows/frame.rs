//! Cutting a picture into blocks of rows, and putting it together again.

use cones_onnx::attribute;

use crate::rows::ink::Ink;
use crate::rows::region::Region;

/// Rows of a block at the lowest resolution that is cut, where they divide its rows. More of them take more memory, fewer
/// more time: rows of neighbours are worked on twice.
const ROWS: [i64; 2] = [4, 2];
/// Behind the end of any axis.
const END: i64 = i64::MAX;

/// Values that say how the picture is cut. Each has one entry for a block, along its first axis.
#[derive(Debug)]
pub(super) struct Frame {
    /// The number of blocks, in one dimension.
    count: String,
    /// Where the last row of the block above begins and ends, as (block, row): int64 [blocks, 2].
    pub(super) above: [String; 2],
    /// Where the first row of the block below begins and ends.
    pub(super) below: [String; 2],
    /// 0 for the uppermost block, which has none above, else 1: float32 [blocks, 1, 1, 1, 1].
    pub(super) has_above: String,
    /// 0 for the lowest block, else 1.
    pub(super) has_below: String,
}

impl Frame {
    /// Writes what the cutting needs to know, from the size of the picture that goes in.
    pub(super) fn new(ink: &mut Ink, region: &Region<'_>) -> Self {
        let height = ink.sizes(region.input, 2, 3);
        let per_row = ink.ints(&[1i64 << region.depth]);
        let rows = ink.node("Div", &[&height, &per_row]);
        let each = rows_each(ink, &rows);
        let count = ink.node("Div", &[&rows, &each]);
        let (zero, one, first) = (ink.int(0), ink.int(1), ink.ints(&[0]));
        let blocks = ink.node("Squeeze", &[&count, &first]);
        let number = ink.node("Range", &[&zero, &blocks, &one]);
        let last = ink.node("Sub", &[&blocks, &one]);
        let before = ink.node("Sub", &[&number, &one]);
        let next = ink.node("Add", &[&number, &one]);
        let (has_above, has_below) = (ink.node("Greater", &[&number, &zero]), ink.node("Less", &[&number, &last]));
        let flag = |ink: &mut Ink, value: &str| {
            let number = ink.float_of(value);
            ink.reshape(&number, &[-1, 1, 1, 1, 1])
        };
        let (has_above, has_below) = (flag(ink, &has_above), flag(ink, &has_below));
        // At the edges any block will do: its row is multiplied by 0.
        let (before, next) = (ink.node("Max", &[&before, &zero]), ink.node("Min", &[&next, &last]));
        let above = place(ink, &before, &count, [-1, END]);
        let below = place(ink, &next, &count, [0, 1]);
        Self { count, above, below, has_above, has_below }
    }

    /// Cuts `value` [1, channels, rows, width] into blocks.
    pub(super) fn cut(&self, ink: &mut Ink, value: &str) -> String {
        let (channels, width) = (ink.sizes(value, 1, 2), ink.sizes(value, 3, 4));
        let height = ink.sizes(value, 2, 3);
        let (one, rows) = (ink.ints(&[1]), ink.node("Div", &[&height, &self.count]));
        let shape = ink.concat(&[&one, &channels, &self.count, &rows, &width], 0);
        let apart = ink.node("Reshape", &[value, &shape]);
        ink.node_with("Transpose", &[&apart], vec![attribute::ints("perm", &[2, 0, 1, 3, 4])])
    }

    /// Puts `blocks` together as `value`.
    pub(super) fn join(&self, ink: &mut Ink, blocks: &str, value: &str) {
        let side_by_side = ink.node_with("Transpose", &[blocks], vec![attribute::ints("perm", &[1, 2, 0, 3, 4])]);
        let (leading, width) = (ink.sizes(&side_by_side, 0, 2), ink.sizes(&side_by_side, 4, 5));
        let rest = ink.ints(&[-1]);
        let shape = ink.concat(&[&leading, &rest, &width], 0);
        ink.node_named("Reshape", &[&side_by_side, &shape], Vec::new(), value);
    }
}

/// How many of so many rows make a block: the largest of [`ROWS`] that divides them, or 1.
pub(super) fn rows_of_block(rows: u64) -> u64 {
    ROWS.iter().map(|each| each.unsigned_abs()).find(|each| rows.is_multiple_of(*each)).unwrap_or(1)
}

/// Writes into the graph how many rows make a block.
fn rows_each(ink: &mut Ink, rows: &str) -> String {
    let mut each = ink.ints(&[1]);
    let zero = ink.ints(&[0]);
    for candidate in ROWS.iter().rev() {
        let candidate = ink.ints(&[*candidate]);
        let rest = ink.node("Mod", &[rows, &candidate]);
        let divides = ink.node("Equal", &[&rest, &zero]);
        each = ink.node("Where", &[&divides, &candidate, &each]);
    }
    each
}

/// Where rows `rows` of the blocks of these numbers begin and end.
fn place(ink: &mut Ink, blocks: &str, count: &str, rows: [i64; 2]) -> [String; 2] {
    let (axis, one) = (ink.ints(&[1]), ink.int(1));
    let next = ink.node("Add", &[blocks, &one]);
    let shape = ink.concat(&[count, &axis], 0);
    [(blocks, rows[0]), (&next, rows[1])].map(|(block, row)| {
        let block = ink.node("Unsqueeze", &[block, &axis]);
        let row = ink.ints(&[row]);
        let row = ink.node("Expand", &[&row, &shape]);
        ink.concat(&[&block, &row], 1)
    })
}
