//! Progress for a log file: a line every so often.

use std::io::Write;
use std::time::{Duration, Instant};

/// Between two lines.
const EVERY: Duration = Duration::from_secs(15);

/// Writes how far the work is where no terminal shows a bar. What is done sooner than the first line is due is never written of.
pub(super) struct Lines<W> {
    out: W,
    every: Duration,
    start: Instant,
    last: Instant,
}

impl<W: Write> Lines<W> {
    pub(super) fn new(out: W) -> Self {
        Self::with_pause(out, EVERY)
    }

    fn with_pause(out: W, every: Duration) -> Self {
        let now = Instant::now();
        Self { out, every, start: now, last: now }
    }

    /// `done` of `of` are there.
    pub(super) fn show(&mut self, message: &str, done: u64, of: u64) {
        if self.last.elapsed() < self.every {
            return;
        }
        self.last = Instant::now();
        let seconds = self.start.elapsed().as_secs();
        // A closed pipe must not stop the work.
        let _ = writeln!(self.out, "{:>4}:{:02} {message} {done}/{of}", seconds / 60, seconds % 60);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_when_it_is_due_and_not_before() {
        let mut out = Vec::new();
        let mut lines = Lines::with_pause(&mut out, Duration::ZERO);
        lines.show("finding, loss 0.1000", 3, 300);
        lines.show("measuring masks", 1, 9);
        let text = String::from_utf8(out).expect("text");
        assert_eq!(text, "   0:00 finding, loss 0.1000 3/300\n   0:00 measuring masks 1/9\n");
        let mut out = Vec::new();
        Lines::with_pause(&mut out, Duration::from_secs(3600)).show("finding", 1, 2);
        assert!(out.is_empty());
    }
}
