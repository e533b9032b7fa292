//! The neurons of a layer, read block by block.

use super::bits::BitReader;
use super::split::{Axis, Counts, DEEPEST, FEWEST, is_dense};
use super::{count, golomb};
use crate::error::Result;

/// Bits of a word of the mask.
const WORD: usize = usize::BITS as usize;

/// One layer while it is read.
struct Decoder<'a, 'b> {
    bits: &'b mut BitReader<'a>,
    mask: &'b mut [usize],
}

/// The rows and columns of a block, by the index of their first weight in the layer.
#[derive(Clone, Copy)]
struct Block<'a> {
    rows: &'a [u32],
    columns: &'a [u32],
}

/// Reads one layer's neurons into the words of its empty mask and says how many there are.
pub(super) fn layer(bits: &mut BitReader<'_>, rows: usize, columns: usize, mask: &mut [usize]) -> Result<u64> {
    let count = count::read_count(bits, rows as u64 * columns as u64)?;
    if count > 0 {
        let rows: Vec<u32> = (0..rows).map(|row| (row * columns) as u32).collect();
        let columns: Vec<u32> = (0..columns as u32).collect();
        Decoder { bits, mask }.block(Block { rows: &rows, columns: &columns }, count, 0)?;
    }
    Ok(count)
}

impl Decoder<'_, '_> {
    /// Reads a block with `count` neurons.
    fn block(&mut self, block: Block<'_>, count: u64, depth: u32) -> Result<Counts> {
        let size = block.size();
        if count > size {
            return Err(self.bits.bad(format!("give a block of {size} weights {count} neurons")));
        }
        if depth == DEEPEST || count < FEWEST || count == size {
            return self.leaf(block, count);
        }
        let place = self.bits.place();
        let (counts, axis) = if self.bits.take(1)? == 1 {
            let axis = if self.bits.take(1)? == 1 { Axis::Columns } else { Axis::Rows };
            (self.split(block, count, depth, axis)?, Some(axis))
        } else {
            (self.leaf(block, count)?, None)
        };
        if counts.split(count) == axis { Ok(counts) } else { Err(self.other_split(place)) }
    }

    fn split(&mut self, block: Block<'_>, count: u64, depth: u32, axis: Axis) -> Result<Counts> {
        let place = self.bits.place();
        let lines = block.along(axis);
        let members = self.bits.number(lines.len() as u64)?;
        let mut dense = vec![golomb::is_inverse(lines.len() as u64, members); lines.len()];
        golomb::read(self.bits, lines.len() as u64, members, |line| dense[line as usize] ^= true)?;
        let (first, second) = part(lines, &dense, members as usize);
        let inside = self.bits.number(count)?;
        let first = self.block(block.with(axis, &first), inside, depth + 1)?;
        let second = self.block(block.with(axis, &second), count - inside, depth + 1)?;
        let right = first.along(axis).iter().all(|held| is_dense(*held, lines.len(), count))
            && !second.along(axis).iter().any(|held| is_dense(*held, lines.len(), count));
        if right { Ok(join(axis, &dense, first, &second)) } else { Err(self.other_split(place)) }
    }

    fn leaf(&mut self, block: Block<'_>, count: u64) -> Result<Counts> {
        let full = golomb::is_inverse(block.size(), count);
        let mut counts = if full { self.fill(block) } else { Counts::new(block.rows.len(), block.columns.len()) };
        // Neurons are counted up from none, what is missing down from all.
        let step = if full { u32::MAX } else { 1 };
        let width = Divisor::new(block.columns.len());
        golomb::read(self.bits, block.size(), count, |index| {
            let (row, column) = width.divide(index);
            let weight = (block.rows[row] + block.columns[column]) as usize;
            counts.rows[row] = counts.rows[row].wrapping_add(step);
            counts.columns[column] = counts.columns[column].wrapping_add(step);
            self.mask[weight / WORD] ^= 1 << (weight % WORD);
        })?;
        Ok(counts)
    }

    /// Makes every weight of a block a neuron.
    fn fill(&mut self, block: Block<'_>) -> Counts {
        for row in block.rows {
            for column in block.columns {
                let weight = (row + column) as usize;
                self.mask[weight / WORD] |= 1 << (weight % WORD);
            }
        }
        let (rows, columns) = (block.rows.len(), block.columns.len());
        Counts { rows: vec![columns as u32; rows], columns: vec![rows as u32; columns] }
    }

    fn other_split(&self, place: u64) -> crate::error::Error {
        self.bits.bad_at(place, "split a block otherwise than the format says")
    }
}

impl<'a> Block<'a> {
    fn size(self) -> u64 {
        self.rows.len() as u64 * self.columns.len() as u64
    }

    fn along(self, axis: Axis) -> &'a [u32] {
        match axis {
            Axis::Rows => self.rows,
            Axis::Columns => self.columns,
        }
    }

    fn with<'b>(self, axis: Axis, lines: &'b [u32]) -> Block<'b>
    where
        'a: 'b,
    {
        match axis {
            Axis::Rows => Block { rows: lines, columns: self.columns },
            Axis::Columns => Block { rows: self.rows, columns: lines },
        }
    }
}

/// Division of an index below 2^32 by the width of a block: by multiplication, which is several times as fast.
#[derive(Clone, Copy)]
struct Divisor {
    width: u64,
    /// 2^64 / width, rounded up; the error stays below 1 / width for all indices.
    inverse: u128,
}

impl Divisor {
    fn new(width: usize) -> Self {
        let width = (width as u64).max(1);
        Self { width, inverse: (1u128 << 64).div_ceil(u128::from(width)) }
    }

    /// Quotient and remainder.
    #[inline]
    fn divide(self, index: u64) -> (usize, usize) {
        let quotient = ((u128::from(index) * self.inverse) >> 64) as u64;
        (quotient as usize, (index - quotient * self.width) as usize)
    }
}

/// The dense lines, of which there are `members`, and the others. Without a branch on what cannot be foreseen.
fn part(lines: &[u32], dense: &[bool], members: usize) -> (Vec<u32>, Vec<u32>) {
    let mut parts = [vec![0; members + 1], vec![0; lines.len() - members + 1]];
    let mut ends = [0; 2];
    for (line, dense) in lines.iter().zip(dense) {
        let [first, second] = &mut parts;
        first[ends[0]] = *line;
        second[ends[1]] = *line;
        ends[0] += usize::from(*dense);
        ends[1] += usize::from(!*dense);
    }
    let [mut first, mut second] = parts;
    first.truncate(members);
    second.truncate(lines.len() - members);
    (first, second)
}

/// The counts of a block from those of its dense and its sparse part.
fn join(axis: Axis, dense: &[bool], first: Counts, second: &Counts) -> Counts {
    match axis {
        Axis::Rows => {
            Counts { rows: weave(dense, &first.rows, &second.rows), columns: add(first.columns, &second.columns) }
        }
        Axis::Columns => {
            Counts { rows: add(first.rows, &second.rows), columns: weave(dense, &first.columns, &second.columns) }
        }
    }
}

/// The counts of dense and other lines in the order of the lines. Without a branch, as [`part`].
fn weave(dense: &[bool], first: &[u32], second: &[u32]) -> Vec<u32> {
    let (parts, mut ends) = ([second, first], [0; 2]);
    let next = |dense: &bool| {
        let of = usize::from(*dense);
        ends[of] += 1;
        parts[of].get(ends[of] - 1).copied().unwrap_or_default()
    };
    dense.iter().map(next).collect()
}

fn add(mut first: Vec<u32>, second: &[u32]) -> Vec<u32> {
    first.iter_mut().zip(second).for_each(|(a, b)| *a += b);
    first
}

#[cfg(test)]
mod tests {
    use super::Divisor;

    #[test]
    fn multiplication_divides_exactly() {
        for width in (1..=300).chain([767, 768, 769, 1280, 32_767, 65_535, 65_536]) {
            let last = u64::from(u32::MAX);
            let near = |index: u64| [index.saturating_sub(1), index, (index + 1).min(last)];
            let multiples = [0, 1, 2, 1000, last / width - 1, last / width].map(|q| q * width);
            for index in multiples.into_iter().chain([last]).flat_map(near) {
                let (quotient, remainder) = Divisor::new(width as usize).divide(index);
                assert_eq!((quotient as u64, remainder as u64), (index / width, index % width), "{index} / {width}");
            }
        }
    }
}
