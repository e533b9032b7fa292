//! What each layer alone loses in 8 bits, in the graph's own output.

use std::collections::BTreeSet;

use cones_core::CancelToken;
use cones_onnx::Model;

use crate::calibrate::ranges::Ranges;
use crate::calibrate::switched::{FLAGS, switched};
use crate::error::Result;
use crate::layer::{Key, Layer};
use crate::run::{Feed, Runner, Values};

/// What each layer loses: the squared error of the graph's output when that layer alone is in 8 bits, as a share of the output's
/// own square.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loss {
    /// In the order of the layers.
    pub each: Vec<f64>,
    /// With all of them in 8 bits.
    pub all: f64,
}

impl Loss {
    /// The layers that lose most, as many as have at most `share` (0 to 1) of all weights together: what stays in floating
    /// point. A layer is passed over if it does not fit.
    pub fn worst(&self, layers: &[Layer], share: f64) -> BTreeSet<Key> {
        let total: usize = layers.iter().map(Layer::count).sum();
        let mut room = (total as f64 * share) as usize;
        let mut order: Vec<(&Layer, f64)> = layers.iter().zip(self.each.iter().copied()).collect();
        order.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let mut kept = BTreeSet::new();
        for (layer, _) in order {
            if let Some(left) = room.checked_sub(layer.count()) {
                room = left;
                kept.insert(layer.key);
            }
        }
        kept
    }
}

/// Measures each layer on all feeds. `told` is called with how many are done.
///
/// # Errors
/// [`cones_core::Error::Cancelled`]; what ONNX Runtime says.
pub(crate) fn measure(
    model: &Model,
    layers: &[Layer],
    ranges: &Ranges,
    feeds: &[Feed],
    threads: Option<usize>,
    told: &mut dyn FnMut(usize),
    cancel: &CancelToken,
) -> Result<Loss> {
    let mut runner = Runner::load(&switched(model, layers, ranges)?, threads)?;
    let mut run = |feed: &Feed, flags: Vec<bool>| -> Result<Vec<f32>> {
        let mut feed = feed.clone();
        feed.push((FLAGS.to_owned(), Values::Flags(flags)));
        Ok(runner.run(&feed, cancel)?.into_iter().next().unwrap_or_default())
    };
    let (mut each, mut all, mut square) = (vec![0.0; layers.len()], 0.0, 0.0);
    for (done, feed) in feeds.iter().enumerate() {
        let exact = run(feed, vec![false; layers.len()])?;
        square += exact.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
        for (i, loss) in each.iter_mut().enumerate() {
            *loss += distance(&exact, &run(feed, (0..layers.len()).map(|layer| layer == i).collect())?);
            told(done * layers.len() + i + 1);
        }
        all += distance(&exact, &run(feed, vec![true; layers.len()])?);
    }
    each.iter_mut().for_each(|loss| *loss /= square.max(f64::MIN_POSITIVE));
    Ok(Loss { each, all: all / square.max(f64::MIN_POSITIVE) })
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
}
