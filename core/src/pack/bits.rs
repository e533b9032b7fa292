//! Bits, low bits first.

use super::bytes::Reader;
use crate::{Error, Result};

pub(super) struct BitWriter<'a> {
    bytes: &'a mut Vec<u8>,
    bits: u64,
    count: u32,
}

impl<'a> BitWriter<'a> {
    pub(super) fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self { bytes, bits: 0, count: 0 }
    }

    pub(super) fn put(&mut self, value: u64, count: u32) {
        for i in 0..count {
            self.bit(value >> i & 1);
        }
    }

    pub(super) fn unary(&mut self, value: u64) {
        for _ in 0..value {
            self.bit(1);
        }
        self.bit(0);
    }

    fn bit(&mut self, bit: u64) {
        self.bits |= bit << self.count;
        self.count += 1;
        if self.count == 8 {
            self.bytes.push(self.bits as u8);
            (self.bits, self.count) = (0, 0);
        }
    }

    pub(super) fn finish(self) {
        if self.count > 0 {
            self.bytes.push(self.bits as u8);
        }
    }
}

pub(super) struct BitReader<'a, 'b> {
    reader: &'b mut Reader<'a>,
    bits: u8,
    left: u32,
}

impl<'a, 'b> BitReader<'a, 'b> {
    pub(super) fn new(reader: &'b mut Reader<'a>) -> Self {
        Self { reader, bits: 0, left: 0 }
    }

    fn bit(&mut self) -> Result<u64> {
        if self.left == 0 {
            self.bits = self.reader.u8()?;
            self.left = 8;
        }
        let bit = self.bits & 1;
        self.bits >>= 1;
        self.left -= 1;
        Ok(u64::from(bit))
    }

    pub(super) fn take(&mut self, count: u32) -> Result<u64> {
        (0..count).try_fold(0, |value, i| Ok(value | self.bit()? << i))
    }

    pub(super) fn unary(&mut self, most: u64) -> Result<u64> {
        let mut value = 0;
        while self.bit()? == 1 {
            value += 1;
            if value > most {
                return Err(self.bad("name a neuron behind the layer's end"));
            }
        }
        Ok(value)
    }

    pub(super) fn bad(&self, reason: impl AsRef<str>) -> Error {
        self.reader.bad(reason)
    }

    pub(super) fn finish(self) -> Result<()> {
        if self.bits == 0 { Ok(()) } else { Err(self.bad("have bits set behind the last neuron")) }
    }
}
