//! A set of numbers as Golomb-coded gaps. The parameter follows from how many there are, so one set has one code.

use super::bits::{BitReader, BitWriter, length};
use crate::Result;

/// Golomb's code of a geometric distribution: quotient by `divisor` in unary, remainder in truncated binary.
#[derive(Debug, Clone, Copy)]
struct Golomb {
    divisor: u64,
    /// Bits of a long remainder; short ones have one less.
    long: u32,
    /// How many remainders are short.
    shorts: u64,
}

impl Golomb {
    /// The best divisor for gaps between `count` of `size` numbers, 0 < count < size: the m with
    /// (1-p)^m + (1-p)^(m+1) <= 1 < (1-p)^(m-1) + (1-p)^m at p = count / size (Gallager and Van Voorhis 1975), which is
    /// ln 2 · (1-p)/p - 0.14 rounded up.
    fn new(size: u64, count: u64) -> Self {
        let divisor = ((177 * (size - count) + 220 * count) / (256 * count)).max(1);
        let long = length(divisor - 1);
        Self { divisor, long, shorts: (1 << long) - divisor }
    }

    fn write(self, gap: u64, bits: &mut BitWriter) {
        bits.unary(gap / self.divisor);
        let remainder = gap % self.divisor;
        if self.long == 0 {
        } else if remainder < self.shorts {
            bits.put(remainder, self.long - 1);
        } else {
            // The high bits first, then the lowest, so that a reader sees early that there is one more.
            let long = remainder + self.shorts;
            bits.put(long >> 1, self.long - 1);
            bits.put(long & 1, 1);
        }
    }

    #[inline]
    fn read(self, bits: &mut BitReader<'_>, size: u64) -> Result<u64> {
        let quotient = bits.unary(size / self.divisor)?;
        let mut remainder = 0;
        if self.long > 0 {
            remainder = bits.take(self.long - 1)?;
            if remainder >= self.shorts {
                remainder = (remainder << 1 | bits.take(1)?) - self.shorts;
            }
        }
        Ok(quotient * self.divisor + remainder)
    }
}

/// Writes `members`, which are `count` numbers below `size`, rising.
pub(super) fn write(bits: &mut BitWriter, size: u64, count: u64, members: impl Iterator<Item = u64>) {
    if count == 0 || count == size {
        return;
    }
    if count <= size / 2 {
        write_gaps(bits, Golomb::new(size, count), members);
    } else {
        // The numbers between the members are fewer.
        let mut next = 0;
        let absent = members.chain([size]).flat_map(|member| {
            let gap = next..member;
            next = member + 1;
            gap
        });
        write_gaps(bits, Golomb::new(size, size - count), absent);
    }
}

fn write_gaps(bits: &mut BitWriter, code: Golomb, members: impl Iterator<Item = u64>) {
    let mut next = 0;
    for member in members {
        code.write(member - next, bits);
        next = member + 1;
    }
}

/// Reads `count` numbers below `size`, which calls `member` for each, rising.
#[inline]
pub(super) fn read(bits: &mut BitReader<'_>, size: u64, count: u64, mut member: impl FnMut(u64)) -> Result<()> {
    let coded = count.min(size - count);
    if coded == 0 {
        (0..count).for_each(member);
        return Ok(());
    }
    let inverse = count > size / 2;
    let code = Golomb::new(size, coded);
    let mut next = 0;
    for left in (0..coded).rev() {
        let found = next + code.read(bits, size)?;
        if found + left >= size {
            return Err(bits.bad("name a neuron behind the end of its layer"));
        }
        if inverse {
            (next..found).for_each(&mut member);
        } else {
            member(found);
        }
        next = found + 1;
    }
    if inverse {
        (next..size).for_each(member);
    }
    Ok(())
}
