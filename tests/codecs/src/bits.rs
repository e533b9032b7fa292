//! Bits, low bits first, for the codes of the comparison.

#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
    window: u64,
    filled: u32,
}

impl Writer {
    pub fn put(&mut self, value: u64, count: u32) {
        self.window |= value << self.filled;
        self.filled += count;
        while self.filled >= 8 {
            self.bytes.push(self.window as u8);
            self.window >>= 8;
            self.filled -= 8;
        }
    }

    pub fn unary(&mut self, value: u64) {
        (0..value).for_each(|_| self.put(0, 1));
        self.put(1, 1);
    }

    pub fn finish(mut self) -> Vec<u8> {
        if self.filled > 0 {
            self.bytes.push(self.window as u8);
        }
        self.bytes
    }
}

pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    window: u64,
    filled: u32,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, window: 0, filled: 0 }
    }

    #[inline]
    fn refill(&mut self) {
        if let Some(next) = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            self.window |= u64::from_le_bytes(*next) << self.filled;
            self.at += ((63 - self.filled) / 8) as usize;
            self.filled |= 56;
        } else {
            self.window &= u64::MAX.checked_shr(64 - self.filled).unwrap_or(0);
            while self.filled <= 56 {
                self.window |= u64::from(self.bytes.get(self.at).copied().unwrap_or(1)) << self.filled;
                self.at += 1;
                self.filled += 8;
            }
        }
    }

    #[inline]
    pub fn take(&mut self, count: u32) -> u64 {
        if self.filled < count {
            self.refill();
        }
        let value = self.window & ((1 << count) - 1);
        self.window >>= count;
        self.filled -= count;
        value
    }

    #[inline]
    pub fn unary(&mut self) -> u64 {
        let mut value = 0;
        loop {
            if self.filled < 56 {
                self.refill();
            }
            let zeros = self.window.trailing_zeros();
            if zeros < self.filled {
                self.window >>= zeros;
                self.window >>= 1;
                self.filled -= zeros + 1;
                return value + u64::from(zeros);
            }
            value += u64::from(self.filled);
            self.window = 0;
            self.filled = 0;
        }
    }
}
