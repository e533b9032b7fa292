//! One way to write down a mask.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// At least.
const RUNS: usize = 5;

/// A layer's shape.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub rows: usize,
    pub columns: usize,
}

impl Shape {
    pub fn size(self) -> usize {
        self.rows * self.columns
    }
}

/// For each layer its neurons' indices, rising.
pub type Sets = Vec<Vec<u32>>;

pub trait Codec {
    fn name(&self) -> &'static str;

    fn encode(&self, sets: &Sets, shapes: &[Shape]) -> Vec<u8>;

    /// Of what [`encode`](Self::encode) gave; the other ways are not made to withstand anything else.
    fn decode(&self, bytes: &[u8], shapes: &[Shape]) -> Sets;
}

/// Bytes, and neurons decoded per second.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub bytes: usize,
    pub speed: f64,
}

/// Encodes, checks that the same comes back, and times decoding: the best of as many runs as fit into a tenth of a
/// second, five at least.
pub fn measure(codec: &dyn Codec, sets: &Sets, shapes: &[Shape]) -> Measured {
    let bytes = codec.encode(sets, shapes);
    assert!(codec.decode(&bytes, shapes) == *sets, "{} does not give back what it was given", codec.name());
    let time = best(|| codec.decode(&bytes, shapes).len());
    Measured { bytes: bytes.len(), speed: sets.iter().map(Vec::len).sum::<usize>() as f64 / time.as_secs_f64() }
}

/// The shortest of several runs, in time of the processor: other programs do not count, as far as they do not take
/// away caches.
pub fn best<T>(mut run: impl FnMut() -> T) -> Duration {
    let (mut best, mut spent, mut runs) = (Duration::MAX, Duration::ZERO, 0);
    while spent < Duration::from_millis(100) || runs < RUNS {
        let start = now();
        std::hint::black_box(run());
        let time = now().saturating_sub(start);
        best = best.min(time);
        spent += time;
        runs += 1;
    }
    best
}

/// What this thread has spent so far.
fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
