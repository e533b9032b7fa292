//! Names and limits of a catalogue.

/// The schema version this crate reads and writes.
pub const SCHEMA: u32 = 1;
/// The catalogue's file name; the signature's is the same with `.minisig` behind it.
pub const CATALOG: &str = "catalog.json";
/// No catalogue is longer than this, in bytes.
pub const MAX_CATALOG_BYTES: u64 = 8 << 20;
/// No catalogue is good for longer than this after it was made, in seconds: 400 days. Whoever steals a key gets no more out of one
/// signature.
pub const MAX_CATALOG_SECONDS: u64 = 400 * 86_400;
/// No serial is higher than this many for each second since 1970 at which it was signed: no publisher publishes so often, and a thief
/// who counts as far as that is overtaken by the clock.
pub const MAX_SERIALS_A_SECOND: u64 = 1000;
/// No signature is longer than this, in bytes; minisign's are about 300.
pub const MAX_SIGNATURE_BYTES: u64 = 4 << 10;
/// No pack of a catalogue is longer than this, in bytes.
pub const MAX_PACK_BYTES: u64 = 256 << 20;
