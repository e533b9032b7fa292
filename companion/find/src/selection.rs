//! Which layers may hold neurons.

use cones_core::Scope;

use crate::weights::Weights;

/// A choice of layers by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Keys only, values only, or both.
    pub only: Option<Projection>,
    /// Parts of names, as `mid_block`; a layer is in if its name holds one of them. Empty for all.
    pub blocks: Vec<String>,
}

/// One of the two kinds of projection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Projection {
    /// `to_k`
    Keys,
    /// `to_v`
    Values,
}

impl Selection {
    /// Where neurons are looked for by default. A subject's own rows look for values alone: fewer neurons say as much of the
    /// subject, and with its keys as they were it does not draw the attention of places that belong to something else (ConceptSplit,
    /// ICCV 2025). The paper's scope looks for both.
    pub fn of_scope(scope: Scope) -> Self {
        let only = match scope {
            Scope::Trigger => Some(Projection::Values),
            Scope::Prompt => None,
        };
        Self { only, blocks: Vec::new() }
    }

    /// Whether a layer may hold neurons.
    pub fn holds(&self, name: &str) -> bool {
        let kind = match self.only {
            Some(Projection::Keys) => name.ends_with("to_k"),
            Some(Projection::Values) => name.ends_with("to_v"),
            None => true,
        };
        kind && (self.blocks.is_empty() || self.blocks.iter().any(|block| name.contains(block.as_str())))
    }

    /// Nothing is learned of the other layers.
    pub(super) fn keep_gradient(&self, gradient: &mut Weights) {
        for matrix in gradient.layers.iter_mut().filter(|m| !self.holds(&m.name)) {
            matrix.values.fill(0.0);
        }
    }

    /// The other layers' weights come last; gives how many weights are in.
    pub(super) fn keep_scores(&self, scores: &mut Weights) -> usize {
        let mut available = 0;
        for matrix in &mut scores.layers {
            if self.holds(&matrix.name) {
                available += matrix.values.len();
            } else {
                matrix.values.fill(f32::NEG_INFINITY);
            }
        }
        available
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_chosen_by_kind_and_block() {
        let name = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k";
        assert!(Selection::default().holds(name));
        assert!(!Selection { only: Some(Projection::Values), blocks: vec![] }.holds(name));
        assert!(Selection { only: Some(Projection::Keys), blocks: vec!["mid_block".into()] }.holds(name));
        assert!(!Selection { only: None, blocks: vec!["up_blocks".into()] }.holds(name));
    }
}
