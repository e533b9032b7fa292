//! What one graph takes of memory, counted in bytes of its values.

use serde::{Deserialize, Serialize};

/// What one graph takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphMemory {
    /// Bytes of the weights that stay in their file when the graph is loaded mapped.
    pub mapped: u64,
    /// Bytes of all other constants then, in the type they are computed with.
    pub constants: u64,
    /// Bytes of all constants when the graph is loaded fast, in the type they are computed with.
    pub folded: u64,
    /// Bytes of values between nodes, at some sizes.
    pub points: Vec<Point>,
}

/// The most bytes of values that are held at once, at one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// Samples in one run.
    pub batch: u64,
    /// Cells of the latent, height times width; 0 for a graph that knows no picture.
    pub cells: u64,
    /// When the graph is loaded mapped: weights that are converted for one node count as values.
    pub mapped: u64,
    /// When the graph is loaded fast.
    pub fast: u64,
}

impl GraphMemory {
    /// Of a graph that holds this many bytes of weights, computed with as they are, and whose values nobody counted.
    pub(crate) fn of_weights(bytes: u64) -> Self {
        let point = Point { batch: 1, cells: 0, mapped: 0, fast: 0 };
        Self { mapped: 0, constants: bytes, folded: bytes, points: vec![point] }
    }

    /// The most bytes of values at another size: mapped, then fast. `None` where nothing is known of such a batch.
    ///
    /// Values grow with the picture's area, and where attention holds whole matrices with its square: a parabola through
    /// the three sizes of the profile nearest to the one asked for.
    #[must_use]
    pub fn values(&self, batch: u64, cells: u64) -> Option<(u64, u64)> {
        let mut points: Vec<&Point> = self.points.iter().filter(|point| point.batch == batch).collect();
        points.sort_by_key(|point| point.cells.abs_diff(cells));
        points.truncate(3);
        let at = |value: fn(&Point) -> u64| parabola(&points, cells, value);
        Some((at(|point| point.mapped)?, at(|point| point.fast)?))
    }
}

/// Lagrange's polynomial through the points.
fn parabola(points: &[&Point], cells: u64, value: fn(&Point) -> u64) -> Option<u64> {
    let mut sum = 0.0;
    for (i, point) in points.iter().enumerate() {
        let mut term = value(point) as f64;
        for (_, other) in points.iter().enumerate().filter(|(j, _)| *j != i) {
            // Two points of the same size say nothing of others.
            let gap = point.cells as f64 - other.cells as f64;
            term *= if gap == 0.0 { return None } else { (cells as f64 - other.cells as f64) / gap };
        }
        sum += term;
    }
    // Between the points of a kinked curve a parabola may go below zero.
    (!points.is_empty()).then_some(sum.max(0.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(points: &[(u64, u64)]) -> GraphMemory {
        let point = |&(cells, mapped)| Point { batch: 2, cells, mapped, fast: mapped / 2 };
        GraphMemory { points: points.iter().map(point).collect(), ..GraphMemory::default() }
    }

    #[test]
    fn values_follow_a_parabola_through_the_nearest_three_points() {
        let square = |cells: u64| 10 + 3 * cells + cells * cells;
        let known = graph(&[(4, square(4)), (16, square(16)), (64, square(64)), (10_000, 7)]);
        assert_eq!(known.values(2, 32), Some((square(32), square(32) / 2)));
        assert_eq!(known.values(2, 16).map(|(mapped, _)| mapped), Some(square(16)));
        assert_eq!(known.values(1, 16), None, "no such batch");
        assert_eq!(graph(&[(0, 9)]).values(2, 4096), Some((9, 4)), "a graph that knows no picture");
        assert_eq!(graph(&[(4, 1), (4, 2)]).values(2, 8), None);
        assert_eq!(graph(&[(1, 0), (2, 100)]).values(2, 0), Some((0, 0)), "never below zero");
    }
}
