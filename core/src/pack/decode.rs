//! The neurons of a layer, read block by block.

use bitvec::prelude::{BitSlice, Lsb0};

use super::bits::BitReader;
use super::split::{Axis, Counts, DEEPEST, FEWEST, is_dense};
use super::{golomb, layers};
use crate::Result;

/// One layer while it is read.
struct Decoder<'a, 'b> {
    bits: &'b mut BitReader<'a>,
    mask: &'b mut BitSlice<usize, Lsb0>,
}

/// Reads one layer's neurons into its empty mask and says how many there are.
pub(super) fn layer(bits: &mut BitReader<'_>, columns: usize, mask: &mut BitSlice<usize, Lsb0>) -> Result<u64> {
    let (size, width) = (mask.len(), columns.max(1));
    let count = layers::read_count(bits, size as u64)?;
    if count > 0 {
        // Indices of the first weight of each row.
        let rows: Vec<u32> = (0..size).step_by(width).map(|row| row as u32).collect();
        let columns: Vec<u32> = (0..width as u32).collect();
        Decoder { bits, mask }.block(&rows, &columns, count, 0)?;
    }
    Ok(count)
}

impl Decoder<'_, '_> {
    /// Reads a block with `count` neurons, made of these rows and columns.
    fn block(&mut self, rows: &[u32], columns: &[u32], count: u64, depth: u32) -> Result<Counts> {
        let size = rows.len() as u64 * columns.len() as u64;
        let place = self.bits.place();
        if count > size {
            return Err(self.bits.bad(format!("give a block of {size} weights {count} neurons")));
        }
        if depth == DEEPEST || count < FEWEST || count == size {
            return self.leaf(rows, columns, count);
        }
        let split = self.bits.take(1)? == 1;
        let (counts, axis) = if split {
            let axis = if self.bits.take(1)? == 1 { Axis::Columns } else { Axis::Rows };
            (self.split(rows, columns, count, depth, axis)?, Some(axis))
        } else {
            (self.leaf(rows, columns, count)?, None)
        };
        if counts.split(count) != axis {
            return Err(self.bits.bad_at(place, "split a block otherwise than the format says"));
        }
        Ok(counts)
    }

    fn split(&mut self, rows: &[u32], columns: &[u32], count: u64, depth: u32, axis: Axis) -> Result<Counts> {
        let place = self.bits.place();
        let lines = if axis == Axis::Rows { rows } else { columns };
        let members = self.bits.number(lines.len() as u64)?;
        let mut dense = vec![false; lines.len()];
        golomb::read(self.bits, lines.len() as u64, members, |line| {
            if let Some(dense) = dense.get_mut(line as usize) {
                *dense = true;
            }
        })?;
        let pick = |of: bool| lines.iter().zip(&dense).filter(|(_, d)| **d == of).map(|(line, _)| *line).collect();
        let (first, second): (Vec<u32>, Vec<u32>) = (pick(true), pick(false));
        let inside = self.bits.number(count)?;
        let parts = match axis {
            Axis::Rows => (
                self.block(&first, columns, inside, depth + 1)?,
                self.block(&second, columns, count - inside, depth + 1)?,
            ),
            Axis::Columns => {
                (self.block(rows, &first, inside, depth + 1)?, self.block(rows, &second, count - inside, depth + 1)?)
            }
        };
        let counts = join(axis, &dense, parts);
        let held = counts.along(axis);
        if held.iter().zip(&dense).any(|(held, dense)| is_dense(*held, lines.len(), count) != *dense) {
            return Err(self.bits.bad_at(place, "split a block otherwise than the format says"));
        }
        Ok(counts)
    }

    fn leaf(&mut self, rows: &[u32], columns: &[u32], count: u64) -> Result<Counts> {
        let size = rows.len() as u64 * columns.len() as u64;
        let mut counts = Counts::new(rows.len(), columns.len());
        let width = columns.len() as u32;
        golomb::read(self.bits, size, count, |index| {
            let index = index as u32;
            let (row, column) = ((index / width) as usize, (index % width) as usize);
            counts.rows[row] += 1;
            counts.columns[column] += 1;
            self.mask.set((rows[row] + columns[column]) as usize, true);
        })?;
        Ok(counts)
    }
}

/// The counts of a block from those of its dense and its sparse part.
fn join(axis: Axis, dense: &[bool], (first, second): (Counts, Counts)) -> Counts {
    let (Counts { rows: rows1, columns: columns1 }, Counts { rows: rows2, columns: columns2 }) = (first, second);
    match axis {
        Axis::Rows => Counts { rows: weave(dense, &rows1, &rows2), columns: add(columns1, &columns2) },
        Axis::Columns => Counts { rows: add(rows1, &rows2), columns: weave(dense, &columns1, &columns2) },
    }
}

fn weave(dense: &[bool], first: &[u32], second: &[u32]) -> Vec<u32> {
    let (mut first, mut second) = (first.iter(), second.iter());
    dense.iter().filter_map(|dense| if *dense { first.next() } else { second.next() }).copied().collect()
}

fn add(mut first: Vec<u32>, second: &[u32]) -> Vec<u32> {
    first.iter_mut().zip(second).for_each(|(a, b)| *a += b);
    first
}
