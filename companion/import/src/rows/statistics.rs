//! From the means and squares of a value's blocks to the scale and shift that normalise it.

use crate::rows::ink::Ink;
use crate::rows::norm::Norm;

/// What a pass finds out of a value that will be normalised: float32 [blocks, 1, channels, 1, 1] each.
#[derive(Debug, Clone)]
pub(super) struct Statistics {
    /// Means of each channel in each block.
    pub(super) means: String,
    /// Sums of squares of the distances from these means.
    pub(super) squares: String,
}

impl Statistics {
    /// Writes them into the body that makes `block` [1, channels, rows, width].
    pub(super) fn new(ink: &mut Ink, block: &str) -> Self {
        let means = ink.reduce("ReduceMean", block, &[2, 3]);
        // Squares of the distances: the difference of large sums would lose what a float32 does not hold.
        let distances = ink.node("Sub", &[block, &means]);
        let squares = ink.reduce("ReduceSumSquare", &distances, &[2, 3]);
        Self { means, squares }
    }

    /// Scale and shift [1, channels, 1, 1] that do to a block what the group norm does; `blocks` is all of the value.
    ///
    /// All blocks and all channels of a group have as many elements, so means of means are means.
    pub(super) fn affine(&self, ink: &mut Ink, norm: &Norm<'_>, blocks: &str) -> [String; 2] {
        let apart = [0, norm.groups, -1];
        let (means, squares) = (ink.reshape(&self.means, &apart), ink.reshape(&self.squares, &apart));
        let mean = ink.reduce("ReduceMean", &means, &[0, 2]);
        let distances = ink.node("Sub", &[&means, &mean]);
        let between = ink.node("Mul", &[&distances, &distances]);
        let sizes = ink.sizes(blocks, 3, 5);
        let count = ink.reduce("ReduceProd", &sizes, &[0]);
        let count = ink.float_of(&count);
        let within = ink.node("Div", &[&squares, &count]);
        let variances = ink.node("Add", &[&within, &between]);
        let variance = ink.reduce("ReduceMean", &variances, &[0, 2]);
        let epsilon = ink.floats(&[norm.epsilon], &[]);
        let variance = ink.node("Add", &[&variance, &epsilon]);
        let deviation = ink.node("Sqrt", &[&variance]);
        let groups = [1, norm.groups, -1];
        let (scale, shift) = (ink.reshape(norm.scale, &groups), ink.reshape(norm.shift, &groups));
        let scale = ink.node("Div", &[&scale, &deviation]);
        let moved = ink.node("Mul", &[&mean, &scale]);
        let shift = ink.node("Sub", &[&shift, &moved]);
        [scale, shift].map(|value| ink.reshape(&value, &[1, -1, 1, 1]))
    }
}
