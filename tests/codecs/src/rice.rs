//! Golomb-Rice codes of the gaps, with a parameter per layer or per row.

use crate::bits::{Reader, Writer};
use crate::codec::{Codec, Sets, Shape};

pub struct RiceByLayer;
pub struct RiceByRow;

/// The Rice parameter for `count` of `size`.
fn parameter(size: usize, count: usize) -> u32 {
    let mean = 0.6931 * size as f64 / count.max(1) as f64;
    mean.log2().ceil().max(0.0) as u32
}

fn write(bits: &mut Writer, parameter: u32, set: impl Iterator<Item = u32>) {
    let mut next = 0;
    for index in set {
        let gap = u64::from(index - next);
        bits.unary(gap >> parameter);
        bits.put(gap & ((1 << parameter) - 1), parameter);
        next = index + 1;
    }
}

#[inline]
fn read(bits: &mut Reader<'_>, parameter: u32, count: usize, start: u32, set: &mut Vec<u32>) {
    let mut next = start;
    for _ in 0..count {
        let gap = bits.unary() << parameter | bits.take(parameter);
        set.push(next + gap as u32);
        next += gap as u32 + 1;
    }
}

impl Codec for RiceByLayer {
    fn name(&self) -> &'static str {
        "Rice by layer"
    }

    fn encode(&self, sets: &Sets, shapes: &[Shape]) -> Vec<u8> {
        let mut bits = Writer::default();
        for (set, shape) in sets.iter().zip(shapes) {
            bits.put(set.len() as u64, 24);
            write(&mut bits, parameter(shape.size(), set.len()), set.iter().copied());
        }
        bits.finish()
    }

    fn decode(&self, bytes: &[u8], shapes: &[Shape]) -> Sets {
        let mut bits = Reader::new(bytes);
        let mut layer = |shape: &Shape| {
            let count = bits.take(24) as usize;
            let mut set = Vec::with_capacity(count);
            read(&mut bits, parameter(shape.size(), count), count, 0, &mut set);
            set
        };
        shapes.iter().map(&mut layer).collect()
    }
}

/// Each row's count is itself a Rice code around the layer's mean.
impl Codec for RiceByRow {
    fn name(&self) -> &'static str {
        "Rice by row"
    }

    fn encode(&self, sets: &Sets, shapes: &[Shape]) -> Vec<u8> {
        let mut bits = Writer::default();
        for (set, shape) in sets.iter().zip(shapes) {
            bits.put(set.len() as u64, 24);
            let counts = parameter(shape.rows + set.len(), shape.rows);
            let mut rest = set.as_slice();
            for row in 0..shape.rows {
                let end = ((row + 1) * shape.columns) as u32;
                let (inside, behind) = rest.split_at(rest.partition_point(|i| *i < end));
                rest = behind;
                let count = inside.len() as u64;
                bits.unary(count >> counts);
                bits.put(count & ((1 << counts) - 1), counts);
                let start = end - shape.columns as u32;
                write(&mut bits, parameter(shape.columns, inside.len()), inside.iter().map(|i| i - start));
            }
        }
        bits.finish()
    }

    fn decode(&self, bytes: &[u8], shapes: &[Shape]) -> Sets {
        let mut bits = Reader::new(bytes);
        // By a table: a logarithm for each row would be what is measured.
        let widest = shapes.iter().map(|s| s.columns).max().unwrap_or(0);
        let mut layer = |shape: &Shape| {
            let total = bits.take(24) as usize;
            let counts = parameter(shape.rows + total, shape.rows);
            let table: Vec<u32> = (0..=widest).map(|count| parameter(shape.columns, count)).collect();
            let mut set = Vec::with_capacity(total);
            for row in 0..shape.rows {
                let count = (bits.unary() << counts | bits.take(counts)) as usize;
                read(&mut bits, table[count], count, (row * shape.columns) as u32, &mut set);
            }
            set
        };
        shapes.iter().map(&mut layer).collect()
    }
}
