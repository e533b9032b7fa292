//! A mask counted by layer and attention head.

use cones_core::model::manifest::Layer;
use cones_core::{ConceptMask, Overlap, Result};
use serde::Serialize;

use super::heads::Rows;

/// One layer of a pack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerCount {
    /// The layer's name.
    pub name: String,
    /// Weights it has.
    pub weights: usize,
    /// Neurons the pack holds of it.
    pub neurons: usize,
    /// Their share, 0..1.
    pub density: f64,
    /// The share of each group of rows, 0..1.
    pub groups: Vec<f64>,
    /// Whether the groups are attention heads.
    pub heads: bool,
}

/// Counts a mask; `rows` says for each layer how its rows are grouped.
pub fn count(mask: &ConceptMask, layers: &[Layer], rows: &[Rows]) -> Vec<LayerCount> {
    layers.iter().zip(rows).enumerate().map(|(i, (layer, rows))| count_layer(mask, i, layer, *rows)).collect()
}

fn count_layer(mask: &ConceptMask, number: usize, layer: &Layer, rows: Rows) -> LayerCount {
    let groups = (rows.groups as usize).max(1);
    let (height, width) = (layer.rows as usize, (layer.columns as usize).max(1));
    let tall = height.div_ceil(groups).max(1);
    let mut counts = vec![0usize; groups];
    for neuron in mask.neurons(number) {
        if let Some(count) = counts.get_mut(neuron / width / tall) {
            *count += 1;
        }
    }
    // The last group may be smaller.
    let size = |group: usize| (height.saturating_sub(group * tall)).min(tall) * width;
    let share =
        |(group, count): (usize, &usize)| if size(group) == 0 { 0.0 } else { *count as f64 / size(group) as f64 };
    LayerCount {
        name: layer.name.clone(),
        weights: mask.size(number),
        neurons: counts.iter().sum(),
        density: mask.layer_density(number),
        groups: counts.iter().enumerate().map(share).collect(),
        heads: rows.heads,
    }
}

/// What two packs share in one layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerOverlap {
    /// The layer's name.
    pub layer: String,
    /// Neurons of both.
    pub shared: usize,
    /// How many they would share by chance.
    pub by_chance: f64,
}

/// What two masks over these layers share, layer by layer.
///
/// # Errors
/// [`cones_core::Error::BadRequest`] when they are over different layers.
pub fn overlap(first: &ConceptMask, second: &ConceptMask, layers: &[Layer]) -> Result<Vec<LayerOverlap>> {
    let named = |(layer, overlap): (&Layer, Overlap)| LayerOverlap {
        layer: layer.name.clone(),
        shared: overlap.shared,
        by_chance: overlap.by_chance,
    };
    Ok(layers.iter().zip(first.overlap(second)?).map(named).collect())
}

/// A layer's or block's name without what all of them share: `down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k`
/// becomes `down 1.0.0 to_k`, as block, attention and transformer block.
pub fn short(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    let (mut short, projection) = match parts.as_slice() {
        [part, block, "attentions", attention, "transformer_blocks", inner, "attn2", rest @ ..] => {
            (format!("{} {block}.{attention}.{inner}", part.trim_end_matches("_blocks")), rest)
        }
        ["mid_block", "attentions", attention, "transformer_blocks", inner, "attn2", rest @ ..] => {
            (format!("mid {attention}.{inner}"), rest)
        }
        _ => return name.to_owned(),
    };
    for part in projection {
        short.push(' ');
        short.push_str(part);
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neurons_are_counted_by_groups_of_rows() {
        let layers = [Layer { name: "l".into(), rows: 5, columns: 2 }];
        // Rows 0, 0, 2 and 4.
        let mask = ConceptMask::from_indices(&layers, &[vec![0, 1, 4, 8]]).expect("in range");
        let counted = count(&mask, &layers, &[Rows { groups: 3, heads: false }]);
        assert_eq!(counted[0].groups, [0.5, 0.25, 0.5], "rows 0-1, 2-3 and 4");
        assert_eq!((counted[0].neurons, counted[0].weights), (4, 10));
    }

    #[test]
    fn names_are_shortened_without_becoming_equal() {
        assert_eq!(short("up_blocks.2.attentions.1.transformer_blocks.0.attn2.to_v"), "up 2.1.0 to_v");
        assert_eq!(short("mid_block.attentions.0.transformer_blocks.0.attn2.to_k"), "mid 0.0 to_k");
        assert_eq!(short("mid_block.attentions.0.transformer_blocks.0.attn2"), "mid 0.0");
        assert_eq!(short("something.else"), "something.else");
    }
}
