//! Changes of whole weights that are of low rank: a LoRA (Hu et al. 2021) of Wk and Wv.

use half::f16;

use crate::error::{Error, Result};
use crate::model::manifest::Layer;

/// For each layer of a bundle, what is added to its matrix W: `scale · up · down`, or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct LowRank {
    layers: Vec<Option<LowRankChange>>,
}

/// What is added to one matrix of `rows × columns`: `scale · up · down`.
#[derive(Debug, Clone, PartialEq)]
pub struct LowRankChange {
    /// Columns of `up`, and rows of `down`; at most the shorter side of the matrix.
    pub rank: usize,
    /// A LoRA's `alpha / rank`, and the strength it was imported with.
    pub scale: f32,
    /// `rank × columns`, row-major; diffusers' `lora_A`, Kohya's `lora_down`.
    pub down: Vec<f16>,
    /// `rows × rank`, row-major; diffusers' `lora_B`, Kohya's `lora_up`.
    pub up: Vec<f16>,
}

impl LowRank {
    /// Changes in the order of `layers`; of layers behind the last change nothing changes.
    ///
    /// # Errors
    /// [`Error::BadRequest`] naming the layer whose change is of another size, whose rank is 0 or larger than the matrix' shorter
    /// side, or which holds something that is no finite number; and where there are more changes than layers, or none at all.
    pub fn new(layers: &[Layer], mut changes: Vec<Option<LowRankChange>>) -> Result<Self> {
        if changes.len() > layers.len() {
            let reason = format!("has {} layers, the bundle has {}", changes.len(), layers.len());
            return Err(Error::request("low_rank", reason));
        }
        changes.resize(layers.len(), None);
        if changes.iter().all(Option::is_none) {
            return Err(Error::request("low_rank", "changes no layer"));
        }
        for (layer, change) in layers.iter().zip(&changes) {
            if let Some(reason) = change.as_ref().and_then(|change| change.fault(layer)) {
                return Err(Error::request("low_rank", format!("of layer `{}` {reason}", layer.name)));
            }
        }
        Ok(Self { layers: changes })
    }

    /// What changes in one layer; none where nothing does, or there is no such layer.
    pub fn change(&self, layer: usize) -> Option<&LowRankChange> {
        self.layers.get(layer).and_then(Option::as_ref)
    }

    /// What changes, in the order of the bundle's layers.
    pub fn changes(&self) -> impl Iterator<Item = Option<&LowRankChange>> {
        self.layers.iter().map(Option::as_ref)
    }

    /// How many layers are changed.
    pub fn changed(&self) -> usize {
        self.changes().flatten().count()
    }

    /// The least and the largest rank of a layer that is changed.
    pub fn ranks(&self) -> (usize, usize) {
        let ranks = || self.changes().flatten().map(|change| change.rank);
        (ranks().min().unwrap_or(0), ranks().max().unwrap_or(0))
    }

    /// Bytes that both matrices of all layers take.
    pub fn bytes(&self) -> usize {
        self.changes().flatten().map(|change| 2 * (change.down.len() + change.up.len())).sum()
    }

    /// Whether it is over exactly these layers.
    pub fn fits(&self, layers: &[Layer]) -> bool {
        let fits = |(change, layer): (Option<&LowRankChange>, &Layer)| change.is_none_or(|c| c.fault(layer).is_none());
        self.layers.len() == layers.len() && self.changes().zip(layers).all(fits)
    }
}

impl LowRankChange {
    /// The largest rank for a matrix of this size: beyond it the matrix itself is smaller.
    pub fn most(layer: &Layer) -> usize {
        layer.rows.min(layer.columns) as usize
    }

    /// What is wrong with it for a layer, if anything; continues "of layer `x` …".
    fn fault(&self, layer: &Layer) -> Option<String> {
        let (rows, columns, rank) = (layer.rows as usize, layer.columns as usize, self.rank);
        let most = Self::most(layer);
        if !(1..=most).contains(&rank) {
            return Some(format!("has rank {rank}; it may be 1 to {most}"));
        }
        let sizes = (rank.checked_mul(columns), rows.checked_mul(rank));
        if sizes != (Some(self.down.len()), Some(self.up.len())) {
            let (down, up) = (self.down.len(), self.up.len());
            return Some(format!("has {down} and {up} values, not those of {rank} x {columns} and {rows} x {rank}"));
        }
        let all_finite = self.down.iter().chain(&self.up).all(|value| value.is_finite());
        (!self.scale.is_finite() || !all_finite).then(|| "holds a value that is no finite number".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers() -> Vec<Layer> {
        let layer = |name: &str, rows| Layer { name: name.into(), rows, columns: 3 };
        vec![layer("a.to_k", 4), layer("a.to_v", 5)]
    }

    fn change(rank: usize, rows: usize) -> LowRankChange {
        LowRankChange { rank, scale: 1.0, down: vec![f16::ONE; rank * 3], up: vec![f16::ONE; rows * rank] }
    }

    #[test]
    fn only_what_fits_the_layers_is_taken() {
        let of = |changes| LowRank::new(&layers(), changes);
        let low_rank = of(vec![None, Some(change(2, 5))]).expect("fits");
        assert_eq!((low_rank.changed(), low_rank.ranks(), low_rank.bytes()), (1, (2, 2), 2 * (6 + 10)));
        assert!(low_rank.fits(&layers()) && !low_rank.fits(&layers()[..1]));
        assert!(of(vec![Some(change(1, 4))]).expect("fits").fits(&layers()));
        let refused = |changes| of(changes).expect_err("does not fit").to_string();
        assert!(refused(vec![Some(change(2, 5))]).contains("`a.to_k` has 6 and 10 values"));
        assert!(refused(vec![None, Some(change(4, 5))]).contains("rank 4; it may be 1 to 3"));
        assert!(refused(vec![None, Some(change(0, 5))]).contains("rank 0"));
        assert!(refused(vec![None, None]).contains("no layer"));
        assert!(refused(vec![None, None, None]).contains("3 layers"));
        let broken = LowRankChange { scale: f32::NAN, ..change(1, 4) };
        assert!(refused(vec![Some(broken)]).contains("no finite number"));
        let mut broken = change(1, 4);
        broken.up[2] = f16::INFINITY;
        assert!(refused(vec![Some(broken)]).contains("no finite number"));
    }
}
