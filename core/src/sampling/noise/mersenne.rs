//! The Mersenne Twister MT19937 (Matsumoto & Nishimura 1998), as in PyTorch's `at::mt19937_engine`.

const N: usize = 624;
const M: usize = 397;
const MATRIX_A: u32 = 0x9908_b0df;
const UPPER: u32 = 0x8000_0000;
const LOWER: u32 = 0x7fff_ffff;

/// The generator's 624 words and the next one to give out.
#[derive(Debug, Clone)]
pub(super) struct Mersenne {
    state: [u32; N],
    next: usize,
}

impl Mersenne {
    /// `init_genrand` with the low 32 bits of `seed`.
    pub(super) fn new(seed: u64) -> Self {
        let mut state = [0; N];
        state[0] = seed as u32;
        for j in 1..N {
            let before = state[j - 1];
            state[j] = 1_812_433_253u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(j as u32);
        }
        Self { state, next: N }
    }

    /// The next 32 random bits.
    pub(super) fn next_u32(&mut self) -> u32 {
        if self.next >= N {
            self.twist();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// Makes the next 624 words.
    fn twist(&mut self) {
        for j in 0..N {
            let mixed = (self.state[j] & UPPER) | (self.state[(j + 1) % N] & LOWER);
            let odd = if mixed & 1 == 1 { MATRIX_A } else { 0 };
            self.state[j] = self.state[(j + M) % N] ^ (mixed >> 1) ^ odd;
        }
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::Mersenne;

    #[test]
    fn ten_thousandth_word_of_the_default_seed() {
        // The value that the C++ standard requires of `std::mt19937`.
        let mut engine = Mersenne::new(5489);
        let last = (0..10_000).map(|_| engine.next_u32()).last();
        assert_eq!(last, Some(4_123_659_995));
    }
}
