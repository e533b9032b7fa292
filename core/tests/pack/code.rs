//! The code of the neurons once more, plainly, so that wrong codes can be written too.

/// Bits, low bits first.
#[derive(Debug, Default, Clone)]
pub(crate) struct Bits(Vec<bool>);

impl Bits {
    pub(crate) fn put(mut self, value: u64, count: u32) -> Self {
        self.0.extend((0..count).map(|i| value >> i & 1 == 1));
        self
    }

    /// From 0 to `most`, in as many bits as `most` has.
    pub(crate) fn number(self, value: u64, most: u64) -> Self {
        self.put(value, u64::BITS - most.leading_zeros())
    }

    /// The number of a layer's neurons.
    pub(crate) fn count(self, count: u64, most: u64) -> Self {
        let length = u64::BITS - count.leading_zeros();
        self.number(u64::from(length), u64::from(u64::BITS - most.leading_zeros())).put(count, length.saturating_sub(1))
    }

    /// A set of less than half of `size` numbers.
    pub(crate) fn set(mut self, size: u64, members: &[u64]) -> Self {
        let count = members.len() as u64;
        let divisor = ((177 * (size - count) + 220 * count) / (256 * count)).max(1);
        let mut next = 0;
        for member in members {
            self = self.gap(divisor, member - next);
            next = member + 1;
        }
        self
    }

    /// A set of more than half, by the numbers that it lacks.
    pub(crate) fn set_full(self, size: u64, members: &[u64]) -> Self {
        let absent: Vec<u64> = (0..size).filter(|number| !members.contains(number)).collect();
        self.set(size, &absent)
    }

    /// One gap of such a set.
    pub(crate) fn gap(mut self, divisor: u64, gap: u64) -> Self {
        let long = u64::BITS - (divisor - 1).leading_zeros();
        let shorts = (1 << long) - divisor;
        self.0.extend((0..gap / divisor).map(|_| false));
        self.0.push(true);
        let rest = gap % divisor;
        match rest {
            _ if divisor == 1 => self,
            _ if rest < shorts => self.put(rest, long - 1),
            _ => self.put((rest + shorts) >> 1, long - 1).put((rest + shorts) & 1, 1),
        }
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect()
    }
}
