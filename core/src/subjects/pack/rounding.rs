//! Making a mask's factors such as a precision can hold.

use half::f16;

use super::factors::{LEVELS, all};
use super::precision::Precision;
use crate::error::{Error, Result};
use crate::subjects::mask::ConceptMask;

/// Rounds of refining four levels; they settle in a few.
const ROUNDS: usize = 64;

/// The neurons of `mask` with factors that `precision` holds exactly, so that a pack of it can be written: none for binary,
/// the four levels of the least squared error for quaternary, the nearest float16 for float16. A mask without factors
/// gets the factor 0 everywhere.
///
/// # Errors
/// [`Error::BadRequest`] when a factor is too large for float16, and for [`Precision::LowRank`], which holds no neurons.
pub fn to_precision(mask: &ConceptMask, precision: Precision) -> Result<ConceptMask> {
    match precision {
        Precision::Binary => Ok(mask.clone().without_factors()),
        Precision::Quaternary => {
            let levels = levels(mask)?;
            with_each(mask, |factor| Ok(nearest(&levels, factor)))
        }
        Precision::Float16 => with_each(mask, round),
        Precision::Float32 => with_each(mask, Ok),
        Precision::LowRank => Err(Error::request("precision", "`low-rank` is that of LoRAs; it holds no neurons")),
    }
}

fn with_each(mask: &ConceptMask, change: impl Fn(f32) -> Result<f32>) -> Result<ConceptMask> {
    // Adding zero turns -0 into 0.
    let layer = |layer| mask.weighted(layer).map(|(_, factor)| Ok(change(factor)? + 0.0)).collect();
    let factors: Result<Vec<Vec<f32>>> = (0..mask.layers()).map(layer).collect();
    mask.clone().with_factors(factors?)
}

fn round(factor: f32) -> Result<f32> {
    let half = f16::from_f32(factor);
    if half.is_finite() {
        Ok(half.to_f32())
    } else {
        Err(Error::request("precision", format!("cannot hold the factor {factor}; float16 ends at {}", f16::MAX)))
    }
}

/// At most four levels, rising, exact in float16.
fn levels(mask: &ConceptMask) -> Result<Vec<f32>> {
    let mut sorted: Vec<f32> = all(mask).collect();
    sorted.sort_by(f32::total_cmp);
    let mut levels = sorted.clone();
    levels.dedup();
    if levels.len() > LEVELS {
        levels = cluster(&sorted);
    }
    let mut levels = levels.into_iter().map(round).collect::<Result<Vec<_>>>()?;
    levels.dedup();
    if levels.is_empty() {
        levels.push(0.0);
    }
    Ok(levels)
}

/// Lloyd's algorithm in one dimension, from the quartiles' middles.
fn cluster(sorted: &[f32]) -> Vec<f32> {
    let at = |i: usize| sorted.get(sorted.len() * (2 * i + 1) / (2 * LEVELS)).copied().unwrap_or(0.0);
    let mut levels: Vec<f32> = (0..LEVELS).map(at).collect();
    for _ in 0..ROUNDS {
        let mut next = Vec::with_capacity(LEVELS);
        let mut rest = sorted;
        for (i, level) in levels.iter().enumerate() {
            let end = levels.get(i + 1).map_or(f64::INFINITY, |above| (f64::from(*level) + f64::from(*above)) / 2.0);
            let (own, behind) = rest.split_at(rest.partition_point(|factor| f64::from(*factor) <= end));
            rest = behind;
            let mean = own.iter().map(|factor| f64::from(*factor)).sum::<f64>() / own.len() as f64;
            next.push(if own.is_empty() { *level } else { mean as f32 });
        }
        if next == levels {
            break;
        }
        levels = next;
    }
    levels
}

/// The lower one of two that are as near.
fn nearest(levels: &[f32], factor: f32) -> f32 {
    let distance = |level: &f32| (f64::from(*level) - f64::from(factor)).abs();
    levels.iter().copied().min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::manifest::Layer;

    fn mask(factors: &[f32]) -> ConceptMask {
        let layers = [Layer { name: "a.to_k".into(), rows: 40, columns: 30 }];
        let neurons = (0..factors.len()).map(|i| 2 * i).collect();
        let mask = ConceptMask::from_indices(&layers, &[neurons]).expect("in range");
        mask.with_factors(vec![factors.to_vec()]).expect("one each")
    }

    fn to(factors: &[f32], precision: Precision) -> Vec<f32> {
        let changed = to_precision(&mask(factors), precision).expect("holds them");
        assert_eq!(changed.neurons(0).collect::<Vec<_>>(), mask(factors).neurons(0).collect::<Vec<_>>());
        changed.factors(0).expect("has factors").to_vec()
    }

    #[test]
    fn what_is_exact_stays() {
        assert_eq!(to(&[0.5, -0.25, 0.5, 1.5], Precision::Quaternary), [0.5, -0.25, 0.5, 1.5]);
        assert_eq!(to(&[0.5, 0.1, 3.0], Precision::Float32), [0.5, 0.1, 3.0]);
        assert_eq!(to(&[0.5, 0.1], Precision::Float16), [0.5, f16::from_f32(0.1).to_f32()]);
        assert!(to(&[-0.0, 1.0], Precision::Float32)[0].is_sign_positive());
        assert!(to(&[], Precision::Quaternary).is_empty());
    }

    #[test]
    fn four_clusters_become_four_levels() {
        let factors: Vec<f32> = (0..400).map(|i| (i % 4) as f32 * 0.5 + (i / 4) as f32 * 1e-4).collect();
        let found = to(&factors, Precision::Quaternary);
        for (factor, level) in factors.iter().zip(&found) {
            assert!((factor - level).abs() < 0.006, "{factor} became {level}");
        }
        let mut levels = found;
        levels.sort_by(f32::total_cmp);
        levels.dedup();
        assert_eq!(levels.len(), 4);
    }

    #[test]
    fn binary_drops_and_the_others_add_factors() {
        let binary = to_precision(&mask(&[0.5, 0.25]), Precision::Binary).expect("always");
        assert!(binary.is_binary() && binary.count() == 2);
        let again = to_precision(&binary, Precision::Quaternary).expect("always");
        assert_eq!(again.factors(0), Some([0.0, 0.0].as_slice()));
    }

    #[test]
    fn what_float16_cannot_hold_is_an_error() {
        for precision in [Precision::Float16, Precision::Quaternary] {
            let error = to_precision(&mask(&[1e6]), precision).expect_err("too large");
            assert!(error.to_string().contains("65504"), "{error}");
        }
    }
}
