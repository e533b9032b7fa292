//! Subject packs: written, read, damaged.

mod round_trip;
