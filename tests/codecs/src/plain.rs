//! Lists of int32, as the paper keeps them, and bitmaps.

use crate::codec::{Codec, Sets, Shape};

/// Per layer a count and indices, each 4 bytes.
pub struct Int32;

impl Codec for Int32 {
    fn name(&self) -> &'static str {
        "int32"
    }

    fn encode(&self, sets: &Sets, _: &[Shape]) -> Vec<u8> {
        let list = |set: &Vec<u32>| [vec![set.len() as u32], set.clone()].concat();
        sets.iter().flat_map(list).flat_map(u32::to_le_bytes).collect()
    }

    fn decode(&self, bytes: &[u8], shapes: &[Shape]) -> Sets {
        let mut values = bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let mut list = || {
            let count = values.next().unwrap_or(0) as usize;
            values.by_ref().take(count).collect()
        };
        shapes.iter().map(|_| list()).collect()
    }
}

/// One bit per weight.
pub struct Bitmap;

impl Codec for Bitmap {
    fn name(&self) -> &'static str {
        "bitmap"
    }

    fn encode(&self, sets: &Sets, shapes: &[Shape]) -> Vec<u8> {
        let layer = |(set, shape): (&Vec<u32>, &Shape)| {
            let mut bits = vec![0u8; shape.size().div_ceil(8)];
            set.iter().for_each(|i| bits[*i as usize / 8] |= 1 << (i % 8));
            bits
        };
        sets.iter().zip(shapes).flat_map(layer).collect()
    }

    fn decode(&self, bytes: &[u8], shapes: &[Shape]) -> Sets {
        let mut rest = bytes;
        let mut layer = |shape: &Shape| {
            let (bits, behind) = rest.split_at(shape.size().div_ceil(8));
            rest = behind;
            let mut set = Vec::new();
            for (word, chunk) in bits.chunks(8).enumerate() {
                let mut left = chunk.iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
                while left != 0 {
                    set.push(word as u32 * 64 + left.trailing_zeros());
                    left &= left - 1;
                }
            }
            set
        };
        shapes.iter().map(&mut layer).collect()
    }
}
