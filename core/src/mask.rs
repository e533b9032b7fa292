//! Concept masks: which cross-attention weights are shut for a subject.

use bitvec::prelude::{BitVec, Lsb0};

use crate::manifest::Layer;
use crate::{Error, Result};

/// For each layer of a bundle, the set of a subject's concept neurons.
///
/// A neuron is one weight, addressed by its index `row * columns + column` in the layer's row-major matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConceptMask {
    layers: Vec<BitVec<usize, Lsb0>>,
}

impl ConceptMask {
    /// A mask without neurons, over the layers of a bundle.
    pub fn empty(layers: &[Layer]) -> Self {
        Self { layers: layers.iter().map(|layer| BitVec::repeat(false, neurons(layer))).collect() }
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
        let mut state = seed;
        // The 53 bits that a double holds exactly.
        let limit = (share.clamp(0.0, 1.0) * (1u64 << 53) as f64) as u64;
        for bits in &mut mask.layers {
            for index in 0..bits.len() {
                if splitmix64(&mut state) >> 11 < limit {
                    bits.set(index, true);
                }
            }
        }
        mask
    }

    /// Switches one neuron's membership.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when layer or index is out of range.
    pub fn set(&mut self, layer: usize, index: usize, member: bool) -> Result<()> {
        let bits = self.layers.get_mut(layer).filter(|bits| index < bits.len());
        let bits = bits.ok_or_else(|| Error::request("mask", format!("has no neuron {index} in layer {layer}")))?;
        bits.set(index, member);
        Ok(())
    }

    /// Number of layers.
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// Neuron indices of one layer, ascending; none if there is no such layer.
    pub fn neurons(&self, layer: usize) -> impl Iterator<Item = usize> + '_ {
        self.layers.get(layer).into_iter().flat_map(|bits| bits.iter_ones())
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

    /// Adds the neurons of `other`.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the two are over different layers.
    pub fn unite(&mut self, other: &Self) -> Result<()> {
        let same = self.layers.len() == other.layers.len()
            && self.layers.iter().zip(&other.layers).all(|(a, b)| a.len() == b.len());
        if !same {
            return Err(Error::request("mask", "is over other layers than the mask it is united with"));
        }
        for (mine, theirs) in self.layers.iter_mut().zip(&other.layers) {
            *mine |= theirs;
        }
        Ok(())
    }

    /// Whether it is over exactly these layers.
    pub fn fits(&self, layers: &[Layer]) -> bool {
        self.layers.len() == layers.len()
            && self.layers.iter().zip(layers).all(|(bits, layer)| bits.len() == neurons(layer))
    }
}

/// Weights of a layer.
fn neurons(layer: &Layer) -> usize {
    layer.rows as usize * layer.columns as usize
}

/// Steele, Lea & Flood 2014; public domain reference by Vigna.
fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
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
