//! A stream of bits, low bits first, read and written through a 64-bit window.

use super::bytes::Reader;
use crate::error::{Error, Result};

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

/// Why no more can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The bits are at their end.
    CutOff,
    /// More zeros came than there may be.
    TooFar,
}

/// Bytes seen through a window of 64 bits. Small and copied into the loops that it is fast in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'a> {
    bytes: &'a [u8],
    /// The next byte that is not in the window.
    at: usize,
    bits: u64,
    /// How many of them count.
    filled: u32,
}

impl Window<'_> {
    /// Fills up to at least [`MOST`] bits, or with all there are.
    #[inline(always)]
    fn refill(&mut self) {
        match self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            Some(next) => {
                // Bits above `filled` come in twice, with the same value.
                self.bits |= u64::from_le_bytes(*next) << self.filled;
                self.at += ((63 - self.filled) / 8) as usize;
                self.filled |= 56;
            }
            None => self.refill_at_the_end(),
        }
    }

    #[cold]
    #[inline(never)]
    fn refill_at_the_end(&mut self) {
        // Drops bits above `filled`, which would come in a second time at another place.
        self.bits &= u64::MAX.checked_shr(64 - self.filled).unwrap_or(0);
        while let Some(&byte) = self.bytes.get(self.at).filter(|_| self.filled <= MOST) {
            self.bits |= u64::from(byte) << self.filled;
            self.at += 1;
            self.filled += 8;
        }
    }

    #[inline]
    fn consume(&mut self, count: u32) {
        // All 64 at once where the window is full of zeros.
        self.bits = self.bits.checked_shr(count).unwrap_or(0);
        self.filled -= count;
    }

    /// The next `count` bits, at most [`MOST`].
    #[inline]
    fn take(&mut self, count: u32) -> Result<u64, Stop> {
        if self.filled < count {
            self.refill();
            if self.filled < count {
                return Err(Stop::CutOff);
            }
        }
        let value = self.bits & ((1 << count) - 1);
        self.consume(count);
        Ok(value)
    }

    /// How many zeros come before the next one; they may not be more than `most`.
    fn unary(&mut self, most: u64) -> Result<u64, Stop> {
        let mut value = 0;
        loop {
            self.refill();
            let zeros = self.bits.trailing_zeros().min(self.filled);
            value += u64::from(zeros);
            if value > most {
                return Err(Stop::TooFar);
            }
            let ends = zeros < self.filled;
            self.consume(zeros);
            if ends {
                self.consume(1);
                return Ok(value);
            }
            if self.at == self.bytes.len() {
                return Err(Stop::CutOff);
            }
        }
    }

    /// Zeros up to the next one, at most `most`, then a number in truncated binary: of `long` bits, one less if these
    /// are below `shorts`.
    #[inline(always)]
    pub(super) fn golomb(&mut self, most: u64, long: u32, shorts: u64) -> Result<(u64, u64), Stop> {
        self.refill();
        let zeros = self.bits.trailing_zeros();
        if zeros + 1 + long > self.filled {
            return self.slow_golomb(most, long, shorts);
        }
        let rest = self.bits >> zeros >> 1;
        let short = long.saturating_sub(1);
        let (number, lowest) = (rest & ((1 << short) - 1), rest >> short & 1);
        // Without a branch: which it is cannot be foreseen.
        let is_long = u64::from(number >= shorts);
        let number = number + is_long * (number + lowest).wrapping_sub(shorts);
        self.consume(zeros);
        self.consume(1 + short + is_long as u32);
        Ok((u64::from(zeros), number))
    }

    /// Near the end, or where more zeros come than the window holds.
    #[cold]
    #[inline(never)]
    fn slow_golomb(&mut self, most: u64, long: u32, shorts: u64) -> Result<(u64, u64), Stop> {
        let zeros = self.unary(most)?;
        let mut number = self.take(long.saturating_sub(1))?;
        if number >= shorts {
            number = (number << 1 | self.take(1)?) - shorts;
        }
        Ok((zeros, number))
    }
}

/// Reads a part of a pack bit by bit.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    part: Reader<'a>,
    pub(super) window: Window<'a>,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(part: Reader<'a>) -> Self {
        Self { window: Window { bytes: part.rest(), at: 0, bits: 0, filled: 0 }, part }
    }

    /// The byte of the file that holds the next bit.
    pub(super) fn place(&self) -> u64 {
        self.part.place() + (self.window.at as u64 * 8 - u64::from(self.window.filled)) / 8
    }

    /// The next `count` bits, at most [`MOST`].
    pub(super) fn take(&mut self, count: u32) -> Result<u64> {
        self.window.take(count).map_err(|stop| self.stopped(stop))
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
        let left = (self.window.bytes.len() - self.window.at) * 8 + self.window.filled as usize;
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

    pub(super) fn stopped(&self, stop: Stop) -> Error {
        self.bad(match stop {
            Stop::CutOff => "end in the middle of a layer",
            Stop::TooFar => "name a neuron behind the end of its layer",
        })
    }

    pub(super) fn bad(&self, reason: impl AsRef<str>) -> Error {
        self.bad_at(self.place(), reason)
    }

    pub(super) fn bad_at(&self, place: u64, reason: impl AsRef<str>) -> Error {
        self.part.bad_at(place, reason)
    }
}
