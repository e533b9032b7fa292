//! The neurons of a layer, written block by block.

use super::bits::BitWriter;
use super::split::{Axis, Counts, DEEPEST, FEWEST, is_dense};
use super::{count, golomb};

/// The neurons of a block: row and column within it, in row-major order.
struct Block {
    rows: usize,
    columns: usize,
    neurons: Vec<(u32, u32)>,
}

/// Writes one layer's neurons, given by index, rising.
pub(super) fn layer(bits: &mut BitWriter, size: usize, columns: usize, neurons: impl Iterator<Item = usize>) {
    let columns = columns.max(1);
    let neurons: Vec<_> = neurons.map(|n| ((n / columns) as u32, (n % columns) as u32)).collect();
    count::write_count(bits, neurons.len() as u64, size as u64);
    block(bits, &Block { rows: size / columns, columns, neurons }, 0);
}

fn block(bits: &mut BitWriter, whole: &Block, depth: u32) {
    let (size, count) = (whole.rows as u64 * whole.columns as u64, whole.neurons.len() as u64);
    if depth < DEEPEST && count >= FEWEST && count < size {
        let counts = whole.counts();
        let axis = counts.split(count);
        bits.put(u64::from(axis.is_some()), 1);
        if let Some(axis) = axis {
            return split(bits, whole, axis, counts.along(axis), depth);
        }
    }
    let indices = whole.neurons.iter().map(|(r, c)| u64::from(*r) * whole.columns as u64 + u64::from(*c));
    golomb::write(bits, size, count, indices);
}

fn split(bits: &mut BitWriter, whole: &Block, axis: Axis, held: &[u32], depth: u32) {
    let (lines, count) = (held.len(), whole.neurons.len() as u64);
    let dense: Vec<bool> = held.iter().map(|held| is_dense(*held, lines, count)).collect();
    let members = dense.iter().filter(|dense| **dense).count() as u64;
    bits.put(u64::from(axis == Axis::Columns), 1);
    bits.number(members, lines as u64);
    let indices = (0..).zip(&dense).filter(|(_, dense)| **dense).map(|(line, _)| line);
    golomb::write(bits, lines as u64, members, indices);
    let (first, second) = whole.part(axis, &dense);
    bits.number(first.neurons.len() as u64, count);
    block(bits, &first, depth + 1);
    block(bits, &second, depth + 1);
}

impl Block {
    fn counts(&self) -> Counts {
        let mut counts = Counts::new(self.rows, self.columns);
        for (row, column) in &self.neurons {
            for (counts, line) in [(&mut counts.rows, row), (&mut counts.columns, column)] {
                if let Some(count) = counts.get_mut(*line as usize) {
                    *count += 1;
                }
            }
        }
        counts
    }

    /// The dense lines and the others, each a block of its own.
    fn part(&self, axis: Axis, dense: &[bool]) -> (Self, Self) {
        let members = dense.iter().filter(|dense| **dense).count();
        let shape = |lines: usize, neurons| match axis {
            Axis::Rows => Self { rows: lines, columns: self.columns, neurons },
            Axis::Columns => Self { rows: self.rows, columns: lines, neurons },
        };
        let mut places = [0u32; 2];
        let places: Vec<(bool, u32)> = dense
            .iter()
            .map(|dense| {
                let place = &mut places[usize::from(*dense)];
                *place += 1;
                (*dense, *place - 1)
            })
            .collect();
        let mut parts = [Vec::new(), Vec::new()];
        for &(row, column) in &self.neurons {
            let line = if axis == Axis::Rows { row } else { column };
            if let Some(&(dense, place)) = places.get(line as usize) {
                parts[usize::from(dense)].push(if axis == Axis::Rows { (place, column) } else { (row, place) });
            }
        }
        let [sparse, dense] = parts;
        (shape(members, dense), shape(places.len() - members, sparse))
    }
}
