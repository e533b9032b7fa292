//! Concept masks: which cross-attention weights are shut for a subject.

use bitvec::prelude::{BitVec, Lsb0};

use crate::error::{Error, Result};
use crate::model::manifest::Layer;
use crate::sampling::splitmix::SplitMix64;

/// For each layer of a bundle, the set of a subject's concept neurons.
///
/// A neuron is one weight, addressed by its index `row * columns + column` in the layer's row-major matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct ConceptMask {
    layers: Vec<BitVec<usize, Lsb0>>,
    /// Columns of each layer's matrix.
    columns: Vec<usize>,
    /// For each layer one factor per neuron, in ascending order of the neurons; none where all are shut.
    factors: Option<Vec<Vec<f32>>>,
}

/// What two masks share in one layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overlap {
    /// Neurons of the one.
    pub first: usize,
    /// Neurons of the other.
    pub second: usize,
    /// Neurons of both.
    pub shared: usize,
    /// How many they would share by chance: `first * second / weights of the layer`.
    pub by_chance: f64,
}

impl ConceptMask {
    /// A mask without neurons, over the layers of a bundle.
    pub fn empty(layers: &[Layer]) -> Self {
        Self {
            layers: layers.iter().map(|layer| BitVec::repeat(false, neurons(layer))).collect(),
            columns: layers.iter().map(|layer| layer.columns as usize).collect(),
            factors: None,
        }
    }

    /// A mask from neuron indices by layer, in the bundle's layer order.
    ///
    /// # Errors
    /// [`Error::BadRequest`] naming the layer when there are more lists than layers or an index is out of range.
    pub fn from_indices(layers: &[Layer], indices: &[Vec<usize>]) -> Result<Self> {
        if indices.len() > layers.len() {
            let reason = format!("has {} layers, the bundle has {}", indices.len(), layers.len());
            return Err(Error::request("mask", reason));
        }
        let mut mask = Self::empty(layers);
        for ((bits, layer), list) in mask.layers.iter_mut().zip(layers).zip(indices) {
            for &index in list {
                if index >= bits.len() {
                    let reason = format!("holds neuron {index} of layer `{}`, which has {}", layer.name, bits.len());
                    return Err(Error::request("mask", reason));
                }
                bits.set(index, true);
            }
        }
        Ok(mask)
    }

    /// A mask of about `share` (0..1) of all weights, drawn from `seed`: for tests and benches, and to see what
    /// shutting weights at random does. The draw is the same on every platform.
    pub fn random(layers: &[Layer], share: f64, seed: u64) -> Self {
        let mut mask = Self::empty(layers);
        let mut random = SplitMix64::new(seed);
        // The 53 bits that a double holds exactly.
        let limit = (share.clamp(0.0, 1.0) * (1u64 << 53) as f64) as u64;
        for bits in &mut mask.layers {
            for index in 0..bits.len() {
                if random.next_bits() >> 11 < limit {
                    bits.set(index, true);
                }
            }
        }
        mask
    }

    /// This mask's neurons, each with the factor by which its weight is scaled at full strength: for each layer one
    /// factor per neuron, in ascending order of the neurons. Factors may not be infinite or NaN.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the lists do not fit the neurons or a factor is no number.
    pub fn with_factors(mut self, factors: Vec<Vec<f32>>) -> Result<Self> {
        if factors.len() != self.layers.len() {
            let reason = format!("has {} layers and factors for {}", self.layers.len(), factors.len());
            return Err(Error::request("mask", reason));
        }
        for (i, (bits, list)) in self.layers.iter().zip(&factors).enumerate() {
            if bits.count_ones() != list.len() {
                let reason = format!("has {} neurons in layer {i} and {} factors", bits.count_ones(), list.len());
                return Err(Error::request("mask", reason));
            }
            if let Some(factor) = list.iter().find(|f| !f.is_finite()) {
                return Err(Error::request("mask", format!("has the factor {factor} in layer {i}")));
            }
        }
        self.factors = Some(factors);
        Ok(self)
    }

    /// This mask's neurons, all shut.
    #[must_use]
    pub fn without_factors(mut self) -> Self {
        self.factors = None;
        self
    }

    /// The factors of one layer's neurons, ascending; none where they are all shut, or there is no such layer.
    pub fn factors(&self, layer: usize) -> Option<&[f32]> {
        self.factors.as_ref().and_then(|f| f.get(layer)).map(Vec::as_slice)
    }

    /// Whether its neurons are simply shut, as in the paper.
    pub fn is_binary(&self) -> bool {
        self.factors.is_none()
    }

    /// One layer's neurons with the factor of each at full strength (0 where shut), ascending.
    pub fn weighted(&self, layer: usize) -> impl Iterator<Item = (usize, f32)> + '_ {
        let factors = self.factors(layer);
        self.neurons(layer)
            .enumerate()
            .map(move |(i, neuron)| (neuron, factors.and_then(|f| f.get(i)).copied().unwrap_or(0.0)))
    }

    /// What two masks share, layer by layer.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when they are over different layers.
    pub fn overlap(&self, other: &Self) -> Result<Vec<Overlap>> {
        self.check_same_layers(other)?;
        let pairs = self.layers.iter().zip(&other.layers);
        Ok(pairs
            .map(|(a, b)| {
                let (first, second) = (a.count_ones(), b.count_ones());
                let shared = a.iter_ones().filter(|&i| b.get(i).is_some_and(|bit| *bit)).count();
                let by_chance = if a.is_empty() { 0.0 } else { first as f64 * second as f64 / a.len() as f64 };
                Overlap { first, second, shared, by_chance }
            })
            .collect())
    }

    /// Switches one neuron's membership. In a mask with factors a new neuron is shut.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when layer or index is out of range.
    pub fn set(&mut self, layer: usize, index: usize, member: bool) -> Result<()> {
        let bits = self.layers.get_mut(layer).filter(|bits| index < bits.len());
        let bits = bits.ok_or_else(|| Error::request("mask", format!("has no neuron {index} in layer {layer}")))?;
        let before = bits.replace(index, member);
        if let Some(factors) = self.factors.as_mut().and_then(|f| f.get_mut(layer)) {
            let place = bits[..index].count_ones();
            match (before, member) {
                (false, true) => factors.insert(place, 0.0),
                (true, false) => drop(factors.remove(place)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Number of layers.
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// Neuron indices of one layer, ascending; none if there is no such layer.
    pub fn neurons(&self, layer: usize) -> impl Iterator<Item = usize> + '_ {
        let words = self.layers.get(layer).map(|bits| bits.domain()).into_iter().flatten();
        words.enumerate().flat_map(|(i, word)| ones(word).map(move |bit| i * usize::BITS as usize + bit))
    }

    /// How many neurons it holds.
    pub fn count(&self) -> usize {
        self.layers.iter().map(|bits| bits.count_ones()).sum()
    }

    /// How many weights it chooses from.
    pub fn total(&self) -> usize {
        self.layers.iter().map(BitVec::len).sum()
    }

    /// The share of weights it holds, 0..1.
    pub fn density(&self) -> f64 {
        if self.total() == 0 { 0.0 } else { self.count() as f64 / self.total() as f64 }
    }

    /// How many neurons one layer has to choose from; 0 if there is no such layer.
    pub fn size(&self, layer: usize) -> usize {
        self.layers.get(layer).map_or(0, BitVec::len)
    }

    /// How many columns one layer's matrix has; 0 if there is no such layer.
    pub fn columns(&self, layer: usize) -> usize {
        self.columns.get(layer).copied().unwrap_or(0)
    }

    /// One layer's bits, low bits first, for filling a mask that has no factors.
    pub(crate) fn words_mut(&mut self, layer: usize) -> Option<&mut [usize]> {
        self.layers.get_mut(layer).map(BitVec::as_raw_mut_slice)
    }

    /// The share of one layer's weights it holds, 0..1.
    pub fn layer_density(&self, layer: usize) -> f64 {
        match self.layers.get(layer) {
            Some(bits) if !bits.is_empty() => bits.count_ones() as f64 / bits.len() as f64,
            _ => 0.0,
        }
    }

    /// Adds the neurons of `other`. The factors of a neuron that both hold are multiplied.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the two are over different layers.
    pub fn unite(&mut self, other: &Self) -> Result<()> {
        self.check_same_layers(other)?;
        if self.factors.is_some() || other.factors.is_some() {
            let united = (0..self.layers.len()).map(|layer| self.united_factors(other, layer)).collect();
            self.factors = Some(united);
        }
        for (mine, theirs) in self.layers.iter_mut().zip(&other.layers) {
            *mine |= theirs;
        }
        Ok(())
    }

    /// Ascending by neuron, as the union's neurons will be.
    fn united_factors(&self, other: &Self, layer: usize) -> Vec<f32> {
        let (mut mine, mut theirs) = (self.weighted(layer).peekable(), other.weighted(layer).peekable());
        let mut factors = Vec::new();
        loop {
            let factor = match (mine.peek().copied(), theirs.peek().copied()) {
                (Some((a, f)), Some((b, g))) if a == b => {
                    mine.next();
                    theirs.next();
                    f * g
                }
                (Some((a, f)), Some((b, _))) if a < b => {
                    mine.next();
                    f
                }
                (_, Some((_, g))) => {
                    theirs.next();
                    g
                }
                (Some((_, f)), None) => {
                    mine.next();
                    f
                }
                (None, None) => return factors,
            };
            factors.push(factor);
        }
    }

    fn check_same_layers(&self, other: &Self) -> Result<()> {
        let same = self.layers.len() == other.layers.len()
            && self.layers.iter().zip(&other.layers).all(|(a, b)| a.len() == b.len());
        if same {
            Ok(())
        } else {
            Err(Error::request("mask", "is over other layers than the mask it is compared with"))
        }
    }

    /// Whether it is over exactly these layers.
    pub fn fits(&self, layers: &[Layer]) -> bool {
        self.layers.len() == layers.len()
            && self.layers.iter().zip(layers).all(|(bits, layer)| bits.len() == neurons(layer))
    }
}

/// Positions of a word's set bits, ascending. A mask is mostly empty: word by word it is read in half the time that
/// `BitSlice::iter_ones` takes.
fn ones(mut word: usize) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(bit)
    })
}

/// Weights of a layer.
fn neurons(layer: &Layer) -> usize {
    layer.rows as usize * layer.columns as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers() -> Vec<Layer> {
        let layer = |name: &str, rows, columns| Layer { name: name.into(), rows, columns };
        vec![layer("a.to_k", 4, 3), layer("a.to_v", 5, 3)]
    }

    #[test]
    fn indices_out_of_range_are_errors_that_name_the_layer() {
        let error = ConceptMask::from_indices(&layers(), &[vec![], vec![15]]).expect_err("15 is one too many");
        assert!(error.to_string().contains("a.to_v"), "{error}");
        assert!(ConceptMask::from_indices(&layers(), &[vec![11], vec![14]]).is_ok());
        assert!(ConceptMask::from_indices(&layers(), &[vec![], vec![], vec![]]).is_err());
    }

    #[test]
    fn neurons_come_in_order_across_words() {
        let layers = [Layer { name: "l".into(), rows: 13, columns: 15 }];
        let chosen = vec![0, 1, 62, 63, 64, 127, 128, 130, 191, 192, 194];
        let mask = ConceptMask::from_indices(&layers, std::slice::from_ref(&chosen)).expect("in range");
        assert_eq!(mask.neurons(0).collect::<Vec<_>>(), chosen);
        let full = ConceptMask::random(&layers, 1.0, 1);
        assert!(full.neurons(0).eq(0..195) && full.clone().neurons(0).eq(0..195));
    }

    #[test]
    fn union_holds_both_and_nothing_else() {
        let mut a = ConceptMask::from_indices(&layers(), &[vec![1, 2], vec![]]).expect("in range");
        let b = ConceptMask::from_indices(&layers(), &[vec![2, 5], vec![7]]).expect("in range");
        a.unite(&b).expect("same layers");
        assert_eq!(a.neurons(0).collect::<Vec<_>>(), [1, 2, 5]);
        assert_eq!(a.neurons(1).collect::<Vec<_>>(), [7]);
        assert_eq!(a.count(), 4);
        assert!(a.unite(&ConceptMask::empty(&layers()[..1])).is_err());
    }

    #[test]
    fn factors_follow_their_neurons_through_set_and_union() {
        let a = ConceptMask::from_indices(&layers(), &[vec![1, 4], vec![]]).expect("in range");
        let mut a = a.with_factors(vec![vec![0.5, 0.25], vec![]]).expect("one per neuron");
        a.set(0, 3, true).expect("in range");
        assert_eq!(a.weighted(0).collect::<Vec<_>>(), [(1, 0.5), (3, 0.0), (4, 0.25)]);
        a.set(0, 1, false).expect("in range");
        assert_eq!(a.weighted(0).collect::<Vec<_>>(), [(3, 0.0), (4, 0.25)]);

        let b = ConceptMask::from_indices(&layers(), &[vec![0, 4], vec![2]]).expect("in range");
        let b = b.with_factors(vec![vec![2.0, 0.5], vec![0.75]]).expect("one per neuron");
        a.unite(&b).expect("same layers");
        assert_eq!(a.weighted(0).collect::<Vec<_>>(), [(0, 2.0), (3, 0.0), (4, 0.125)]);
        assert_eq!(a.weighted(1).collect::<Vec<_>>(), [(2, 0.75)]);
        let fewer = ConceptMask::empty(&layers()).with_factors(vec![vec![1.0], vec![]]);
        assert!(fewer.is_err());
    }

    #[test]
    fn overlap_is_counted_against_chance() {
        let a = ConceptMask::from_indices(&layers(), &[vec![1, 2, 3], vec![]]).expect("in range");
        let b = ConceptMask::from_indices(&layers(), &[vec![2, 3, 4, 5], vec![7]]).expect("in range");
        let overlap = a.overlap(&b).expect("same layers");
        assert_eq!(overlap[0], Overlap { first: 3, second: 4, shared: 2, by_chance: 1.0 });
        assert_eq!(overlap[1].shared, 0);
        assert!((a.layer_density(0) - 0.25).abs() < 1e-12);
    }

    #[test]
    fn random_masks_have_the_share_asked_for() {
        let large = [Layer { name: "l".into(), rows: 300, columns: 300 }];
        let mask = ConceptMask::random(&large, 0.05, 1);
        assert!((mask.density() - 0.05).abs() < 0.005, "{}", mask.density());
        assert_eq!(mask, ConceptMask::random(&large, 0.05, 1));
        assert_ne!(mask, ConceptMask::random(&large, 0.05, 2));
        assert_eq!(ConceptMask::random(&large, 0.0, 1).count(), 0);
        assert_eq!(ConceptMask::random(&large, 1.0, 1).count(), 90_000);
    }
}
