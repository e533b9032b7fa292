//! A set of numbers as Golomb-coded gaps. The parameter follows from how many there are, so one set has one code.

use super::bits::{BitReader, BitWriter, Stop, Window, length};
use crate::error::Result;

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
        // The only remainder by 1 takes no bit at all.
        let shorts = if divisor == 1 { 1 } else { (1 << long) - divisor };
        Self { divisor, long, shorts }
    }

    fn write(self, gap: u64, bits: &mut BitWriter) {
        bits.unary(gap / self.divisor);
        let remainder = gap % self.divisor;
        if remainder < self.shorts {
            bits.put(remainder, self.long.saturating_sub(1));
        } else {
            // The high bits first, then the lowest, so that a reader sees early that there is one more.
            let long = remainder + self.shorts;
            bits.put(long >> 1, self.long - 1);
            bits.put(long & 1, 1);
        }
    }

    /// A gap between numbers below `size`.
    #[inline(always)]
    fn read(self, window: &mut Window<'_>, size: u64) -> Result<u64, Stop> {
        let (quotient, remainder) = window.golomb(size / self.divisor, self.long, self.shorts)?;
        Ok(quotient * self.divisor + remainder)
    }
}

/// Writes `members`, which are `count` numbers below `size`, rising.
pub(super) fn write(bits: &mut BitWriter, size: u64, count: u64, members: impl Iterator<Item = u64>) {
    if count == 0 || count == size {
        return;
    }
    if is_inverse(size, count) {
        // The numbers between the members are fewer.
        let mut next = 0;
        let absent = members.chain([size]).flat_map(|member| {
            let gap = next..member;
            next = member + 1;
            gap
        });
        write_gaps(bits, Golomb::new(size, size - count), absent);
    } else {
        write_gaps(bits, Golomb::new(size, count), members);
    }
}

fn write_gaps(bits: &mut BitWriter, code: Golomb, members: impl Iterator<Item = u64>) {
    let mut next = 0;
    for member in members {
        code.write(member - next, bits);
        next = member + 1;
    }
}

/// Whether a set is coded by what it lacks.
pub(super) fn is_inverse(size: u64, count: u64) -> bool {
    count > size / 2
}

/// Reads a set of `count` numbers below `size` and calls `turn` for each coded number, rising: those in the set or,
/// where the code is [inverse](is_inverse), those that are not.
// Inlined by force with all it calls per number: this loop is what decoding a pack spends its time in.
#[inline(always)]
pub(super) fn read(bits: &mut BitReader<'_>, size: u64, count: u64, mut turn: impl FnMut(u64)) -> Result<()> {
    let coded = count.min(size - count);
    if coded == 0 {
        return Ok(());
    }
    let code = Golomb::new(size, coded);
    // A copy, which can stay in registers.
    let mut window = bits.window;
    let (mut next, mut result) = (0, Ok(()));
    for left in (0..coded).rev() {
        let found = match code.read(&mut window, size) {
            Ok(gap) if next + gap + left < size => next + gap,
            Ok(_) => {
                result = Err(Stop::TooFar);
                break;
            }
            Err(stop) => {
                result = Err(stop);
                break;
            }
        };
        turn(found);
        next = found + 1;
    }
    bits.window = window;
    result.map_err(|stop| bits.stopped(stop))
}

#[cfg(test)]
mod tests {
    use super::super::bytes::Reader;
    use super::*;

    fn code(size: u64, members: &[u64]) -> Vec<u8> {
        let mut bits = BitWriter::default();
        write(&mut bits, size, members.len() as u64, members.iter().copied());
        bits.finish()
    }

    fn decode(size: u64, count: u64, bytes: &[u8]) -> Result<Vec<u64>> {
        let mut bits = BitReader::new(Reader::new("test", "layers", bytes, 0));
        let mut member = vec![is_inverse(size, count); size as usize];
        read(&mut bits, size, count, |number| member[number as usize] ^= true)?;
        bits.finish()?;
        Ok((0..size).filter(|number| member[*number as usize]).collect())
    }

    #[test]
    fn sets_of_every_kind_come_back() {
        let mut state = 1u64;
        for size in [1, 2, 3, 7, 64, 1000, 70_000] {
            for count in [0, 1, 2, size / 3, size / 2, size / 2 + 1, size - 1, size] {
                let count = count.min(size);
                // At the start, at the end, where runs of zeros are longest, and anywhere.
                let first: Vec<u64> = (0..count).collect();
                let last: Vec<u64> = (size - count..size).collect();
                let mut any: Vec<u64> = (0..size).collect();
                while any.len() as u64 > count {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    any.remove((state >> 33) as usize % any.len());
                    // Removing one by one is slow; large sets are thinned out first.
                    if any.len() as u64 > 2 * count + 64 {
                        any = any.into_iter().step_by(2).collect();
                    }
                }
                for members in [first, last, any] {
                    let bytes = code(size, &members);
                    assert_eq!(decode(size, count, &bytes).expect("is whole"), members, "{count} of {size}");
                    if let Some((_, cut)) = bytes.split_last() {
                        assert!(decode(size, count, cut).is_err(), "{count} of {size}");
                    }
                }
            }
        }
    }

    /// Gallager and Van Voorhis' optimum, where the rule in whole numbers may be off by little.
    #[test]
    fn the_divisor_is_all_but_the_best() {
        let bits = |p: f64, m: u64| {
            let (q, m) = (1.0 - p, m as f64);
            let (long, shorts) = (m.log2().ceil(), (2f64.powf(m.log2().ceil()) - m));
            let short = (1.0 - q.powf(shorts)) / (1.0 - q.powf(m));
            1.0 / (1.0 - q.powf(m)) + long - if m > 1.0 { short } else { 0.0 }
        };
        for count in [1u64, 3, 10, 30, 100, 300, 1000, 2000, 3000, 3820, 4000, 4999] {
            let p = count as f64 / 10_000.0;
            let own = bits(p, Golomb::new(10_000, count).divisor);
            let best = (1..8000).map(|m| bits(p, m)).fold(f64::INFINITY, f64::min);
            assert!(own <= 1.002 * best, "{count}: {own} bits, {best} at best");
        }
    }
}
