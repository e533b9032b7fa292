//! Gaps as LEB128 numbers, compressed by zstd.

use crate::codec::{Codec, Sets, Shape};

pub struct VarintZstd;

impl Codec for VarintZstd {
    fn name(&self) -> &'static str {
        "varint + zstd"
    }

    fn encode(&self, sets: &Sets, _: &[Shape]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for set in sets {
            write(&mut bytes, set.len() as u32);
            let mut next = 0;
            for index in set {
                write(&mut bytes, index - next);
                next = index + 1;
            }
        }
        zstd::encode_all(bytes.as_slice(), 19).unwrap_or_default()
    }

    fn decode(&self, bytes: &[u8], shapes: &[Shape]) -> Sets {
        let bytes = zstd::decode_all(bytes).unwrap_or_default();
        let mut bytes = bytes.iter().copied();
        let mut layer = || {
            let count = read(&mut bytes) as usize;
            let mut set = Vec::with_capacity(count);
            let mut next = 0;
            for _ in 0..count {
                let index = next + read(&mut bytes);
                set.push(index);
                next = index + 1;
            }
            set
        };
        shapes.iter().map(|_| layer()).collect()
    }
}

fn write(bytes: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn read(bytes: &mut impl Iterator<Item = u8>) -> u32 {
    let (mut value, mut shift) = (0, 0);
    for byte in bytes {
        value |= u32::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            break;
        }
    }
    value
}
