//! Subject packs: written, read, damaged on purpose.

mod arbitrary;
mod canonical;
mod errors;
mod limits;
mod round_trip;
mod sizes;
