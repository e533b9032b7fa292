//! Two entropy codes with constriction's range coder.

use std::borrow::Borrow;
use std::num::NonZeroU32;

use constriction::stream::model::{ContiguousCategoricalEntropyModel, DecoderModel, EncoderModel, EntropyModel};
use constriction::stream::queue::{DefaultRangeDecoder, DefaultRangeEncoder};
use constriction::stream::{Decode, Encode};

use crate::bits::{Reader, Writer};
use crate::codec::{Codec, Sets, Shape};

/// Gaps: a class of eight to the octave by the range coder, with the probabilities of a geometric distribution of the
/// layer's density; the bits below as they are.
pub struct RangeGaps;

type Classes = ContiguousCategoricalEntropyModel<u16, Vec<u16>, 12>;

/// The class of a gap and how many bits are below it.
fn class(gap: u32) -> (usize, u32) {
    let octave = 31 - (gap + 8).leading_zeros() - 3;
    ((((gap + 8) >> octave) + 8 * octave) as usize - 8, octave)
}

/// The first gap of a class and the bits below it.
fn first(class: usize) -> (u32, u32) {
    let octave = (class / 8) as u32;
    (((class % 8 + 8) as u32).wrapping_shl(octave) - 8, octave)
}

fn classes(size: usize, count: usize) -> Classes {
    let q = 1.0 - (count as f64 / size as f64).clamp(1e-9, 0.999);
    let last = class(size as u32).0 + 1;
    let mass = |class: usize| q.powf(f64::from(first(class).0)) - q.powf(f64::from(first(class + 1).0));
    let probabilities: Vec<f64> = (0..=last).map(|class| mass(class).max(1e-12)).collect();
    let model = Classes::from_floating_point_probabilities_fast::<f64>(&probabilities, None);
    model.unwrap_or_else(|()| unreachable!("two classes at least"))
}

impl Codec for RangeGaps {
    fn name(&self) -> &'static str {
        "constriction, gaps"
    }

    fn encode(&self, sets: &Sets, shapes: &[Shape]) -> Vec<u8> {
        let (mut coder, mut low) = (DefaultRangeEncoder::new(), Writer::default());
        for (set, shape) in sets.iter().zip(shapes) {
            low.put(set.len() as u64, 24);
            let model = classes(shape.size(), set.len());
            let mut next = 0;
            for index in set {
                let gap = index - next;
                let (class, octave) = class(gap);
                coder.encode_symbol(class, &model).unwrap_or_else(|e| unreachable!("{e:?}"));
                low.put(u64::from(gap - first(class).0), octave);
                next = index + 1;
            }
        }
        let (coded, low) = (words(coder), low.finish());
        [&(coded.len() as u32).to_le_bytes(), coded.as_slice(), &low].concat()
    }

    fn decode(&self, bytes: &[u8], shapes: &[Shape]) -> Sets {
        let (length, rest) = bytes.split_at(4);
        let (coded, low) = rest.split_at(length.iter().rev().fold(0, |v, b| v << 8 | usize::from(*b)));
        let (mut coder, mut low) = (decoder(coded), Reader::new(low));
        let mut layer = |shape: &Shape| {
            let count = low.take(24) as usize;
            let model = classes(shape.size(), count).to_lookup_decoder_model();
            let mut set = Vec::with_capacity(count);
            let mut next = 0;
            for class in coder.decode_iid_symbols(count, &model).flatten() {
                let (start, octave) = first(class);
                let index = next + start + low.take(octave) as u32;
                set.push(index);
                next = index + 1;
            }
            set
        };
        shapes.iter().map(&mut layer).collect()
    }
}

/// Every weight by the range coder, with a probability from how many neurons its row and its column have held so far:
/// what a model of rows and columns can reach that takes its time.
pub struct RangeWeights;

#[derive(Clone, Copy)]
struct Bernoulli(u32);

impl EntropyModel<24> for Bernoulli {
    type Symbol = bool;
    type Probability = u32;
}

impl Bernoulli {
    fn part(self, neuron: bool) -> (u32, NonZeroU32) {
        let (start, length) = if neuron { (0, self.0) } else { (self.0, (1 << 24) - self.0) };
        (start, NonZeroU32::new(length).unwrap_or(NonZeroU32::MIN))
    }
}

impl EncoderModel<24> for Bernoulli {
    fn left_cumulative_and_probability(&self, symbol: impl Borrow<bool>) -> Option<(u32, NonZeroU32)> {
        Some(self.part(*symbol.borrow()))
    }
}

impl DecoderModel<24> for Bernoulli {
    fn quantile_function(&self, quantile: u32) -> (bool, u32, NonZeroU32) {
        let neuron = quantile < self.0;
        let (start, length) = self.part(neuron);
        (neuron, start, length)
    }
}

/// What has been seen of a layer, row by row.
struct Seen {
    by_column: Vec<f64>,
    total: f64,
    rows: f64,
    row: f64,
    columns: f64,
}

impl Seen {
    fn new(shape: &Shape) -> Self {
        Self { by_column: vec![0.0; shape.columns], total: 0.0, rows: 0.0, row: 0.0, columns: 0.0 }
    }

    /// Estimates shrunk towards the layer's mean by as much as four neurons.
    fn model(&self, column: usize) -> Bernoulli {
        let width = self.by_column.len() as f64;
        let mean = (self.total + 0.4) / (self.rows * width + self.columns + 40.0);
        let strength = 4.0 / mean;
        let by_row = (self.row + 4.0) / (self.columns + strength);
        let by_column = (self.by_column[column] + 4.0) / (self.rows + strength);
        let p = (by_row * by_column / mean).clamp(1e-6, 0.98);
        Bernoulli((p * f64::from(1 << 24)) as u32)
    }

    fn saw(&mut self, column: usize, neuron: bool) {
        let one = f64::from(u8::from(neuron));
        self.by_column[column] += one;
        self.total += one;
        self.row += one;
        self.columns += 1.0;
        if column + 1 == self.by_column.len() {
            (self.row, self.columns) = (0.0, 0.0);
            self.rows += 1.0;
        }
    }
}

impl Codec for RangeWeights {
    fn name(&self) -> &'static str {
        "constriction, weights"
    }

    fn encode(&self, sets: &Sets, shapes: &[Shape]) -> Vec<u8> {
        let mut coder = DefaultRangeEncoder::new();
        for (set, shape) in sets.iter().zip(shapes) {
            let (mut seen, mut members) = (Seen::new(shape), set.iter().peekable());
            for index in 0..shape.size() {
                let (column, neuron) = (index % shape.columns, members.next_if(|m| **m as usize == index).is_some());
                coder.encode_symbol(neuron, seen.model(column)).unwrap_or_else(|e| unreachable!("{e:?}"));
                seen.saw(column, neuron);
            }
        }
        words(coder)
    }

    fn decode(&self, bytes: &[u8], shapes: &[Shape]) -> Sets {
        let mut coder = decoder(bytes);
        let mut layer = |shape: &Shape| {
            let (mut seen, mut set) = (Seen::new(shape), Vec::new());
            for index in 0..shape.size() {
                let column = index % shape.columns;
                let neuron = coder.decode_symbol(seen.model(column)).unwrap_or_default();
                seen.saw(column, neuron);
                if neuron {
                    set.push(index as u32);
                }
            }
            set
        };
        shapes.iter().map(&mut layer).collect()
    }
}

fn words(coder: DefaultRangeEncoder) -> Vec<u8> {
    let words = coder.into_compressed().unwrap_or_else(|never| match never {});
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

fn decoder(bytes: &[u8]) -> DefaultRangeDecoder {
    let words: Vec<u32> = bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    DefaultRangeDecoder::from_compressed(words).unwrap_or_else(|never| match never {})
}
