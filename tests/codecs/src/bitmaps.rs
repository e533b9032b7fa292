//! Roaring bitmaps, one per layer, in the portable format.

use roaring::RoaringBitmap;

use crate::codec::{Codec, Sets, Shape};

pub struct Roaring;

impl Codec for Roaring {
    fn name(&self) -> &'static str {
        "Roaring"
    }

    fn encode(&self, sets: &Sets, _: &[Shape]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for set in sets {
            let mut bitmap: RoaringBitmap = set.iter().copied().collect();
            bitmap.optimize();
            bitmap.serialize_into(&mut bytes).unwrap_or_default();
        }
        bytes
    }

    fn decode(&self, bytes: &[u8], shapes: &[Shape]) -> Sets {
        let mut rest = bytes;
        let mut layer = || RoaringBitmap::deserialize_from(&mut rest).unwrap_or_default().into_iter().collect();
        shapes.iter().map(|_| layer()).collect()
    }
}
