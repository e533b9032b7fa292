//! How often each value occurs, and the range that loses least.
//!
//! Histograms lie symmetrically about 0 as onnxruntime's `HistogramCollector` has them, and both rules give what it gives:
//! the golden vectors in `tests/golden/quantise` are from there.

use crate::calibrate::range::Range;

/// How many bins a histogram has.
pub const BINS: usize = 1024;
/// Steps that a range is compared in, as onnxruntime does.
const STEPS: usize = 128;
/// What a bin that no value fell into counts for a divergence.
const SMOOTHING: f64 = 1e-4;

/// Counts of one value of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// From -[`largest`](Self::largest) to it.
    pub counts: Vec<u64>,
    /// The largest value or its opposite.
    pub largest: f32,
    /// What truly occurred.
    pub seen: Range,
}

impl Histogram {
    /// Without what lies outermost: `share` (0 to 1) of the values, half of it at each end.
    pub fn percentile(&self, share: f64) -> Range {
        let total = self.counts.iter().sum::<u64>().max(1) as f64;
        let cumulative: Vec<f64> = self
            .counts
            .iter()
            .scan(0.0, |sum, count| {
                *sum += *count as f64 / total;
                Some(*sum)
            })
            .collect();
        let edge = |part: f64| self.edge(cumulative.partition_point(|sum| *sum < part));
        self.within_seen(Range { low: edge(share / 2.0), high: edge(1.0 - share / 2.0) })
    }

    /// The range about 0 whose `STEPS` steps tell most: the least Kullback-Leibler divergence between what occurs and
    /// what is left of it (TensorRT's rule).
    pub fn entropy(&self) -> Range {
        let (bins, middle) = (self.counts.len(), self.counts.len() / 2);
        let mut best = (f64::INFINITY, self.seen);
        for half in STEPS / 2..=middle {
            let (start, end) = (middle - half, (middle + half + 1).min(bins));
            let divergence = self.divergence(start, end);
            if divergence < best.0 {
                best = (divergence, Range { low: self.edge(start), high: self.edge(end) });
            }
        }
        self.within_seen(best.1)
    }

    fn divergence(&self, start: usize, end: usize) -> f64 {
        let inside = &self.counts[start..end];
        let mut whole = inside.to_vec();
        if let Some(first) = whole.first_mut() {
            *first += self.counts[..start].iter().sum::<u64>();
        }
        if let Some(last) = whole.last_mut() {
            *last += self.counts[end..].iter().sum::<u64>();
        }
        let merged = inside.len() / STEPS;
        let mut told = vec![0u64; inside.len()];
        for step in 0..STEPS {
            let bins = step * merged..(step + 1) * merged;
            // What does not fill a step counts to the last.
            let sum: u64 = if step + 1 == STEPS { &inside[bins.start..] } else { &inside[bins.clone()] }.iter().sum();
            let occupied = whole[bins.clone()].iter().filter(|count| **count > 0).count() as u64;
            if let Some(each) = sum.checked_div(occupied) {
                told[bins].fill(each);
            }
        }
        match (smoothed(&whole), smoothed(&told)) {
            (Some(whole), Some(told)) => divergence(&whole, &told),
            _ => f64::INFINITY,
        }
    }

    /// The lower edge of a bin.
    fn edge(&self, bin: usize) -> f32 {
        let width = 2.0 * f64::from(self.largest) / self.counts.len().max(1) as f64;
        (bin as f64).mul_add(width, -f64::from(self.largest)) as f32
    }

    fn within_seen(&self, range: Range) -> Range {
        Range { low: range.low.max(self.seen.low), high: range.high.min(self.seen.high) }
    }
}

/// Counts with a little taken from occupied bins and given to empty ones; none where all are empty.
fn smoothed(counts: &[u64]) -> Option<Vec<f64>> {
    let empty = counts.iter().filter(|count| **count == 0).count() as f64;
    let occupied = counts.len() as f64 - empty;
    let taken = SMOOTHING * empty / occupied;
    // Not a number, or infinite, where all bins are empty.
    if taken.is_nan() || taken >= 1.0 {
        return None;
    }
    Some(counts.iter().map(|count| if *count == 0 { SMOOTHING } else { *count as f64 - taken }).collect())
}

fn divergence(p: &[f64], q: &[f64]) -> f64 {
    let (p_sum, q_sum): (f64, f64) = (p.iter().sum(), q.iter().sum());
    p.iter().zip(q).map(|(p, q)| (p / p_sum, q / q_sum)).map(|(p, q)| p * (p / q).ln()).sum()
}
