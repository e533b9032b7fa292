//! Reading little-endian values with the byte of each error, and writing them.

use crate::error::{Error, Result};

/// A part of a pack file, read from front to back. Nothing it is asked for is allocated.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    pack: &'a str,
    part: &'static str,
    bytes: &'a [u8],
    /// Where `bytes` begins in the file.
    start: usize,
    at: usize,
}

impl<'a> Reader<'a> {
    /// Over `bytes`, which begin at byte `start` of the file; messages call them `part`.
    pub(super) fn new(pack: &'a str, part: &'static str, bytes: &'a [u8], start: usize) -> Self {
        Self { pack, part, bytes, start, at: 0 }
    }

    /// The place of the next byte in the file.
    pub(super) fn place(&self) -> u64 {
        (self.start + self.at) as u64
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// An error at the next byte.
    pub(super) fn bad(&self, reason: impl AsRef<str>) -> Error {
        self.bad_at(self.place(), reason)
    }

    /// An error at a byte that was seen before.
    pub(super) fn bad_at(&self, place: u64, reason: impl AsRef<str>) -> Error {
        bad(self.pack, self.part, place, reason)
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        match self.bytes.get(self.at..).and_then(|rest| rest.get(..count)) {
            Some(taken) => {
                self.at += count;
                Ok(taken)
            }
            None => Err(self.bad(format!("needs {count} bytes and has {}", self.left()))),
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Everything has to have been read.
    pub(super) fn end(&self) -> Result<()> {
        if self.left() == 0 { Ok(()) } else { Err(self.bad(format!("has {} bytes too many", self.left()))) }
    }
}

/// An error in a part of the file.
pub(super) fn bad(pack: &str, part: &str, place: u64, reason: impl AsRef<str>) -> Error {
    Error::pack(pack, Some(place), format!("its {part} {}", reason.as_ref()))
}
