//! Two latents side by side, as an export takes and gives them whose bundle has them as channels.

use crate::runner::Given;

/// Puts the second half of a sample's channels on the right of the first.
pub(super) fn side_by_side(sample: &mut Given) {
    let [_, channels, _, width] = &mut sample.shape[..] else { return };
    let (left, right) = sample.values.split_at(sample.values.len() / 2);
    let rows = left.chunks_exact((*width).max(1)).zip(right.chunks_exact((*width).max(1)));
    sample.values = rows.flat_map(|(left, right)| left.iter().chain(right)).copied().collect();
    (*channels, *width) = (*channels / 2, *width * 2);
}

/// The left half of each row of twice `columns`.
pub(super) fn left_half(values: &[f32], columns: usize) -> Vec<f32> {
    values.chunks_exact((2 * columns).max(1)).flat_map(|row| &row[..columns]).copied().collect()
}
