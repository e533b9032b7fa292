//! Factors made fit for a precision.

use cones_core::manifest::Layer;
use cones_core::pack::Precision;
use cones_core::{ConceptMask, Result};
use half::f16;

/// Levels of a quaternary pack.
const LEVELS: usize = 4;
/// Rounds of moving levels to the middle of what they stand for; it settles sooner.
const ROUNDS: usize = 100;

/// The mask as a pack of this precision keeps it, and the largest change of a factor. A binary pack drops factors; any
/// other gives neurons that were simply shut the factor 0.
///
/// # Errors
/// [`cones_core::Error::BadRequest`] for a factor that becomes infinite as float16, or layers that are not the mask's.
pub fn rounded(mask: &ConceptMask, layers: &[Layer], precision: Precision) -> Result<(ConceptMask, f32)> {
    let factors: Vec<Vec<f32>> =
        (0..mask.layers()).map(|layer| mask.weighted(layer).map(|(_, factor)| factor).collect()).collect();
    let round: Box<dyn Fn(f32) -> f32> = match precision {
        Precision::Binary => Box::new(|_| 0.0),
        Precision::Quaternary => {
            let levels = levels(factors.iter().flatten().copied().collect());
            Box::new(move |factor| nearest(&levels, factor))
        }
        Precision::Float16 => Box::new(|factor| f16::from_f32(factor).to_f32()),
        Precision::Float32 => Box::new(|factor| factor),
    };
    let mut most = 0.0f32;
    let mut change = |factor: f32| {
        let rounded = round(factor);
        most = most.max((rounded - factor).abs());
        rounded
    };
    let rounded: Vec<Vec<f32>> = factors.iter().map(|layer| layer.iter().map(|f| change(*f)).collect()).collect();
    let neurons: Vec<Vec<usize>> = (0..mask.layers()).map(|layer| mask.neurons(layer).collect()).collect();
    let bare = ConceptMask::from_indices(layers, &neurons)?;
    Ok(if precision == Precision::Binary { (bare, most) } else { (bare.with_factors(rounded)?, most) })
}

/// Four levels, exact in float16, that stand for the values with a small mean square: Lloyd's algorithm.
fn levels(mut values: Vec<f32>) -> Vec<f32> {
    values.sort_by(f32::total_cmp);
    let mut distinct = values.clone();
    distinct.dedup();
    if distinct.len() <= LEVELS {
        return distinct.into_iter().map(half).collect();
    }
    let mut levels: Vec<f32> =
        (0..LEVELS).filter_map(|i| distinct.get((2 * i + 1) * distinct.len() / (2 * LEVELS)).copied()).collect();
    for _ in 0..ROUNDS {
        let mut sums = vec![(0.0f64, 0u32); levels.len()];
        for value in &values {
            let place = place(&levels, *value);
            if let Some((sum, count)) = sums.get_mut(place) {
                *sum += f64::from(*value);
                *count += 1;
            }
        }
        let moved: Vec<f32> = levels
            .iter()
            .zip(sums)
            .map(|(level, (sum, count))| if count == 0 { *level } else { (sum / f64::from(count)) as f32 })
            .collect();
        if moved == levels {
            break;
        }
        levels = moved;
    }
    levels.into_iter().map(half).collect()
}

fn half(value: f32) -> f32 {
    f16::from_f32(value).to_f32()
}

fn nearest(levels: &[f32], value: f32) -> f32 {
    levels.get(place(levels, value)).copied().unwrap_or(value)
}

fn place(levels: &[f32], value: f32) -> usize {
    let distance = |level: &f32| (level - value).abs();
    let closest = levels.iter().enumerate().min_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b)));
    closest.map_or(0, |(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers() -> Vec<Layer> {
        vec![Layer { name: "l".into(), rows: 4, columns: 4 }]
    }

    fn mask(factors: &[f32]) -> ConceptMask {
        let mask = ConceptMask::from_indices(&layers(), &[(0..factors.len()).collect()]).expect("in range");
        mask.with_factors(vec![factors.to_vec()]).expect("one for each")
    }

    fn factors(mask: &ConceptMask) -> Vec<f32> {
        mask.weighted(0).map(|(_, f)| f).collect()
    }

    #[test]
    fn four_levels_or_fewer_are_kept_as_they_are() {
        let original = mask(&[0.5, -1.0, 0.5, 2.0, 0.0]);
        let (kept, change) = rounded(&original, &layers(), Precision::Quaternary).expect("rounded");
        assert_eq!((kept, change), (original, 0.0));
    }

    #[test]
    fn more_levels_become_four_near_ones() {
        let original = mask(&[0.0, 0.01, 0.5, 0.52, 1.0, 1.01, 2.0, 2.02]);
        let (kept, change) = rounded(&original, &layers(), Precision::Quaternary).expect("rounded");
        let mut levels = factors(&kept);
        levels.dedup();
        assert!(levels.len() == 4 && change <= 0.02, "{levels:?}, {change}");
    }

    #[test]
    fn float16_rounds_and_binary_drops() {
        let original = mask(&[0.1, 0.5]);
        let (kept, change) = rounded(&original, &layers(), Precision::Float16).expect("rounded");
        assert!(change > 0.0 && change < 1e-4 && factors(&kept)[1] == 0.5);
        let (kept, change) = rounded(&original, &layers(), Precision::Binary).expect("rounded");
        assert!(kept.is_binary() && change == 0.5);
        assert_eq!(rounded(&original, &layers(), Precision::Float32).expect("as it is"), (original, 0.0));
        assert!(rounded(&mask(&[1e6]), &layers(), Precision::Float16).is_err(), "no float16 is that large");
    }
}
