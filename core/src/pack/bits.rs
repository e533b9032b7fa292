//! A stream of bits, low bits first, read and written through a 64-bit window.

use super::bytes::Reader;
use crate::{Error, Result};

/// The most bits that are put or taken at once: what is left of a window after a byte's remainder.
pub(super) const MOST: u32 = 56;

/// Writes bits behind the bytes that are there.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    window: u64,
    filled: u32,
}

impl BitWriter {
    /// The low `count` bits of `value`; `count` is at most [`MOST`] and the others are 0.
    pub(super) fn put(&mut self, value: u64, count: u32) {
        self.window |= value << self.filled;
        self.filled += count;
        while self.filled >= 8 {
            self.bytes.push(self.window as u8);
            self.window >>= 8;
            self.filled -= 8;
        }
    }

    /// `value` zeros, then a one.
    pub(super) fn unary(&mut self, mut value: u64) {
        while value >= u64::from(MOST) {
            self.put(0, MOST);
            value -= u64::from(MOST);
        }
        self.put(1 << value, value as u32 + 1);
    }

    /// A number from 0 to `most`, in as many bits as `most` has.
    pub(super) fn number(&mut self, value: u64, most: u64) {
        self.put(value, length(most));
    }

    /// The bytes, the last one filled up with zeros.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.filled > 0 {
            self.bytes.push(self.window as u8);
        }
        self.bytes
    }
}

/// Bits of a number without leading zeros.
pub(super) fn length(value: u64) -> u32 {
    u64::BITS - value.leading_zeros()
}

/// Reads a part of a pack bit by bit.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    part: Reader<'a>,
    bytes: &'a [u8],
    /// The next byte that is not in the window.
    at: usize,
    window: u64,
    /// Bits of the window that count.
    filled: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(part: Reader<'a>) -> Self {
        Self { bytes: part.rest(), part, at: 0, window: 0, filled: 0 }
    }

    /// The byte of the file that holds the next bit.
    pub(super) fn place(&self) -> u64 {
        self.part.place() + (self.at as u64 * 8 - u64::from(self.filled)) / 8
    }

    /// Fills the window to at least [`MOST`] bits, or with all there are.
    #[inline]
    fn refill(&mut self) {
        match self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            Some(next) => {
                // Bits above `filled` come in twice, with the same value.
                self.window |= u64::from_le_bytes(*next) << self.filled;
                self.at += ((63 - self.filled) / 8) as usize;
                self.filled |= 56;
            }
            None => self.refill_at_the_end(),
        }
    }

    #[cold]
    fn refill_at_the_end(&mut self) {
        // Drops bits above `filled`, which would come in a second time at another place.
        self.window &= u64::MAX.checked_shr(64 - self.filled).unwrap_or(0);
        while let Some(&byte) = self.bytes.get(self.at).filter(|_| self.filled <= MOST) {
            self.window |= u64::from(byte) << self.filled;
            self.at += 1;
            self.filled += 8;
        }
    }

    /// The next `count` bits, at most [`MOST`].
    #[inline]
    pub(super) fn take(&mut self, count: u32) -> Result<u64> {
        if self.filled < count {
            self.refill();
            if self.filled < count {
                return Err(self.cut_off());
            }
        }
        let value = self.window & ((1 << count) - 1);
        self.consume(count);
        Ok(value)
    }

    #[inline]
    fn consume(&mut self, count: u32) {
        self.window >>= count;
        self.filled -= count;
    }

    /// How many zeros come before the next one; an error when they are more than `most`.
    #[inline]
    pub(super) fn unary(&mut self, most: u64) -> Result<u64> {
        if self.filled < MOST {
            self.refill();
        }
        let zeros = self.window.trailing_zeros();
        if zeros < self.filled && u64::from(zeros) <= most {
            self.consume(zeros + 1);
            return Ok(u64::from(zeros));
        }
        self.long_unary(most)
    }

    #[cold]
    fn long_unary(&mut self, most: u64) -> Result<u64> {
        let mut value = 0;
        loop {
            self.refill();
            let zeros = self.window.trailing_zeros().min(self.filled);
            value += u64::from(zeros);
            if value > most {
                return Err(self.bad("go on behind the end of a layer"));
            }
            let ends = zeros < self.filled;
            self.consume(zeros);
            if ends {
                self.consume(1);
                return Ok(value);
            }
            if self.at == self.bytes.len() {
                return Err(self.cut_off());
            }
        }
    }

    /// A number from 0 to `most`, in as many bits as `most` has.
    pub(super) fn number(&mut self, most: u64) -> Result<u64> {
        let place = self.place();
        let value = self.take(length(most))?;
        if value <= most {
            Ok(value)
        } else {
            Err(self.bad_at(place, format!("give a number as {value}; it is {most} at most")))
        }
    }

    /// Only the zeros that fill the last byte may be left.
    pub(super) fn finish(mut self) -> Result<()> {
        let left = (self.bytes.len() - self.at) * 8 + self.filled as usize;
        if left >= 8 {
            return Err(self.bad(format!("have {} bytes too many", left / 8)));
        }
        let place = self.place();
        if self.take(left as u32)? == 0 {
            Ok(())
        } else {
            Err(self.bad_at(place, "have bits set behind the last neuron"))
        }
    }

    fn cut_off(&self) -> Error {
        self.bad("end in the middle of a layer")
    }

    pub(super) fn bad(&self, reason: impl AsRef<str>) -> Error {
        self.bad_at(self.place(), reason)
    }

    pub(super) fn bad_at(&self, place: u64, reason: impl AsRef<str>) -> Error {
        self.part.bad_at(place, reason)
    }
}
