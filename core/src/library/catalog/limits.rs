//! Names and limits of a catalogue.

/// The schema version this crate reads and writes.
pub const SCHEMA: u32 = 1;
/// The catalogue's file name; the signature's is the same with `.minisig` behind it.
pub const CATALOG: &str = "catalog.json";
/// No catalogue is longer than this, in bytes.
pub const MAX_CATALOG_BYTES: u64 = 8 << 20;
/// No signature is longer than this, in bytes; minisign's are about 300.
pub const MAX_SIGNATURE_BYTES: u64 = 4 << 10;
/// No pack of a catalogue is longer than this, in bytes.
pub const MAX_PACK_BYTES: u64 = 256 << 20;
