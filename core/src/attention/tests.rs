//! Against the slow, obvious way: masked weights times the embedding in float64, for shapes around the block sizes.

use std::collections::HashMap;

use half::f16;
use proptest::prelude::*;
use safetensors::tensor::{Dtype, TensorView};

use super::{Addition, Correction, Projection};
use crate::model::manifest::Layer;
use crate::model::weights::AttentionWeights;
use crate::subjects::low_rank::{LowRank, LowRankChange};
use crate::subjects::mask::ConceptMask;

/// One layer's weights, a prompt, and masks with their strengths on groups of its tokens.
#[derive(Debug)]
struct Case {
    layers: Vec<Layer>,
    half: bool,
    /// Exact in float16.
    weights: Vec<Vec<f32>>,
    tokens: usize,
    embedding: Vec<f32>,
    /// A group's tokens are those whose number leaves this remainder, so that groups do not meet.
    groups: Vec<Vec<(ConceptMask, f32)>>,
}

impl Case {
    fn open(&self) -> AttentionWeights {
        let bytes: Vec<Vec<u8>> = self.weights.iter().map(|w| self.stored(w)).collect();
        let dtype = if self.half { Dtype::F16 } else { Dtype::F32 };
        let views: HashMap<&str, TensorView<'_>> = self
            .layers
            .iter()
            .zip(&bytes)
            .map(|(l, bytes)| {
                let shape = vec![l.rows as usize, l.columns as usize];
                (l.name.as_str(), TensorView::new(dtype, shape, bytes).expect("bytes fit the shape"))
            })
            .collect();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("attention.safetensors");
        std::fs::write(&path, safetensors::serialize(views, None).expect("tensors")).expect("written");
        AttentionWeights::open(&path, &self.layers).expect("opened")
    }

    fn stored(&self, weights: &[f32]) -> Vec<u8> {
        let half = |w: &f32| f16::from_f32(*w).to_le_bytes();
        if self.half {
            weights.iter().flat_map(half).collect()
        } else {
            weights.iter().flat_map(|w| w.to_le_bytes()).collect()
        }
    }

    fn members(&self, group: usize) -> Vec<usize> {
        // The last remainder belongs to no group.
        (0..self.tokens).filter(|token| token % (self.groups.len() + 1) == group).collect()
    }

    fn corrections(&self) -> Vec<Correction<'_>> {
        let masks = |group: &'_ usize| self.groups[*group].iter().map(|(mask, strength)| (mask, *strength)).collect();
        (0..self.groups.len()).map(|g| Correction::new(self.members(g), masks(&g))).collect()
    }

    /// One layer's weights as a group's masks leave them; those of the last group as they are.
    fn masked(&self, layer: usize, group: usize) -> Vec<f64> {
        let mut weights: Vec<f64> = self.weights[layer].iter().copied().map(f64::from).collect();
        for (mask, strength) in self.groups.get(group).into_iter().flatten() {
            for (neuron, factor) in mask.weighted(layer) {
                weights[neuron] *= 1.0 - f64::from(*strength) * (1.0 - f64::from(factor));
            }
        }
        weights
    }

    /// One layer's K or V, `tokens × rows`.
    fn expected(&self, layer: usize) -> Vec<f64> {
        let columns = self.layers[layer].columns as usize;
        let masked: Vec<_> = (0..=self.groups.len()).map(|group| self.masked(layer, group)).collect();
        let tokens = self.embedding.chunks_exact(columns).enumerate();
        tokens
            .flat_map(|(token, values)| {
                let rows = masked[token % masked.len()].chunks_exact(columns);
                rows.map(move |row| row.iter().zip(values).map(|(w, v)| w * f64::from(*v)).sum::<f64>())
            })
            .collect()
    }
}

fn mask(layers: Vec<Layer>) -> impl Strategy<Value = ConceptMask> {
    (0.0..=0.3f64, any::<u64>(), any::<bool>()).prop_map(move |(share, seed, scaled)| {
        let mask = ConceptMask::random(&layers, share, seed);
        if !scaled {
            return mask;
        }
        let factor = |neuron: usize| (neuron % 7) as f32 / 4.0;
        let factors = (0..layers.len()).map(|layer| mask.neurons(layer).map(factor).collect()).collect();
        mask.with_factors(factors).expect("one for each")
    })
}

fn cases() -> impl Strategy<Value = Case> {
    // Around the sizes of blocks, panels and lanes, and nothing at all.
    let tokens = prop_oneof![Just(0usize), Just(1), 2..40usize, Just(77)];
    let rows = prop_oneof![1..40u32, 120..140u32, 250..260u32];
    (prop::collection::vec(rows, 1..3), 1..40u32, tokens, any::<bool>()).prop_flat_map(
        |(rows, columns, tokens, half)| {
            let layers: Vec<Layer> =
                rows.iter().enumerate().map(|(i, &rows)| Layer { name: format!("l{i}"), rows, columns }).collect();
            let weights: Vec<_> = rows
                .iter()
                .map(|rows| {
                    prop::collection::vec(
                        (-2048..2048i16).prop_map(|w| f32::from(w) / 1024.0),
                        (rows * columns) as usize,
                    )
                })
                .collect();
            let embedding = prop::collection::vec(-4.0..4.0f32, tokens * columns as usize);
            let strength = prop_oneof![Just(1.0f32), 0.0..=1.0f32];
            let groups = prop::collection::vec(prop::collection::vec((mask(layers.clone()), strength), 1..4), 0..3);
            (weights, embedding, groups).prop_map(move |(weights, embedding, groups)| Case {
                layers: layers.clone(),
                half,
                weights,
                tokens,
                embedding,
                groups,
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn products_are_those_of_the_masked_weights(case in cases()) {
        let weights = case.open();
        let projection = Projection::new(&weights, &case.embedding, case.tokens).expect("it fits");
        let found = projection.key_values(&weights, &case.corrections());
        for (layer, values) in found.layers.iter().enumerate() {
            let expected = case.expected(layer);
            prop_assert_eq!(values.len(), expected.len());
            for (&value, expected) in values.iter().zip(expected) {
                // Up to 40 summands of up to 8 and as many corrections, each rounded to 24 bits.
                prop_assert!((f64::from(value) - expected).abs() <= 1e-4, "{} instead of {}", value, expected);
            }
        }
    }

    #[test]
    fn what_no_mask_names_stays_bit_for_bit(case in cases()) {
        let weights = case.open();
        let projection = Projection::new(&weights, &case.embedding, case.tokens).expect("it fits");
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        let off = projection.key_values(&weights, &[]);
        let on = projection.key_values(&weights, &case.corrections());
        let off_again = projection.key_values(&weights, &[]);
        let anew = Projection::new(&weights, &case.embedding, case.tokens).expect("it fits").key_values(&weights, &[]);
        for (layer, values) in off.layers.iter().enumerate() {
            prop_assert_eq!(bits(values), bits(&off_again.layers[layer]));
            prop_assert_eq!(bits(values), bits(&anew.layers[layer]));
            let rows = case.layers[layer].rows as usize;
            for token in case.members(case.groups.len()) {
                let row = token * rows..(token + 1) * rows;
                prop_assert_eq!(bits(&values[row.clone()]), bits(&on.layers[layer][row]));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// On top of masks: `strength · scale · c · downᵀ · upᵀ` in float64, and nothing of it once it is off.
    #[test]
    fn low_rank_changes_are_added_to_every_token(case in cases(), rank in 1usize..9, strength in 0.0..=1.0f32) {
        let weights = case.open();
        let change = |layer: &Layer| {
            let rank = rank.min(LowRankChange::most(layer));
            let values = |count: usize| (0..count).map(|i| f16::from_f32(((i * 37 + 11) % 64) as f32 / 64.0 - 0.5)).collect();
            let (down, up) = (values(rank * layer.columns as usize), values(rank * layer.rows as usize));
            LowRankChange { rank, scale: 0.75, down, up }
        };
        let changes: Vec<_> = case.layers.iter().map(|layer| Some(change(layer))).collect();
        let low_rank = LowRank::new(&case.layers, changes).expect("fits");
        let projection = Projection::new(&weights, &case.embedding, case.tokens).expect("it fits");
        let corrections = case.corrections();
        let off = projection.key_values(&weights, &corrections);
        let on = projection.key_values_with(&weights, &corrections, &[Addition { low_rank: &low_rank, strength }]);
        prop_assert!(off.layers == projection.key_values_with(&weights, &corrections, &[]).layers);
        for (layer, (on, off)) in on.layers.iter().zip(&off.layers).enumerate() {
            let change = low_rank.change(layer).expect("there");
            let (rows, columns) = (case.layers[layer].rows as usize, case.layers[layer].columns as usize);
            for token in 0..case.tokens {
                let c = &case.embedding[token * columns..][..columns];
                let of = |a: &[f16]| a.iter().zip(c).map(|(a, c)| f64::from(a.to_f32()) * f64::from(*c)).sum::<f64>();
                let inner: Vec<f64> = change.down.chunks_exact(columns).map(of).collect();
                for row in 0..rows {
                    let up = change.up[row * change.rank..][..change.rank].iter();
                    let sum: f64 = up.zip(&inner).map(|(b, x)| f64::from(b.to_f32()) * x).sum();
                    let expected = f64::from(off[token * rows + row]) + 0.75 * f64::from(strength) * sum;
                    let found = f64::from(on[token * rows + row]);
                    prop_assert!((found - expected).abs() <= 1e-4, "{} instead of {}", found, expected);
                }
            }
        }
    }
}

#[test]
fn an_embedding_of_another_width_is_refused() {
    let layers = vec![Layer { name: "l".into(), rows: 3, columns: 2 }];
    let case =
        Case { layers, half: true, weights: vec![vec![0.5; 6]], tokens: 0, embedding: vec![], groups: Vec::new() };
    let weights = case.open();
    for (values, tokens) in [(6, 2), (5, 2), (4, 0), (1, 3)] {
        let error = Projection::new(&weights, &vec![1.0; values], tokens).expect_err("it does not fit");
        assert!(error.to_string().contains("embedding"), "{error}");
    }
    assert!(Projection::new(&weights, &[1.0; 4], 2).is_ok());
}

#[test]
fn a_mask_over_other_layers_breaks_nothing() {
    // The engine refuses it before; here it must only not panic.
    let layers = vec![Layer { name: "l".into(), rows: 3, columns: 2 }];
    let case = Case {
        layers,
        half: false,
        weights: vec![vec![0.5; 6]],
        tokens: 2,
        embedding: vec![1.0; 4],
        groups: Vec::new(),
    };
    let weights = case.open();
    let large = [("a", 40, 50), ("b", 7, 7)].map(|(name, rows, columns)| Layer { name: name.into(), rows, columns });
    let mask = ConceptMask::random(&large, 0.9, 1);
    let projection = Projection::new(&weights, &case.embedding, 2).expect("it fits");
    let on = projection.key_values(&weights, &[Correction::new(vec![1, 0, 9], vec![(&mask, 1.0)])]);
    assert_eq!(on.layers[0].len(), 6);
}
