//! The two matrices of a module: as a pack keeps them, and multiplied.

use cones_core::LowRankChange;
use cones_core::model::manifest::Layer;
use half::f16;

use super::adapter::Adapter;
use super::refusal::refused;
use crate::error::Result;
use crate::safetensors_file::SafetensorsFile;

const FOREIGN: &str = "it was made for another model";

/// As a pack keeps them: float16, with a scale.
///
/// What is no float16 already is brought near 1 by a power of two before it is rounded, which the scale takes back: small values
/// keep eleven bits then.
pub(super) fn low_rank(
    file: &SafetensorsFile,
    adapter: &Adapter,
    layer: &Layer,
    strength: f32,
) -> Result<LowRankChange> {
    let (rows, columns) = (layer.rows as usize, layer.columns as usize);
    let (mut down, mut up) = matrices(file, adapter, &[rows, columns])?;
    let mut rank = adapter.rank;
    if rank > LowRankChange::most(layer) {
        // Their product is smaller than they are, and a product with a unit matrix.
        let product = multiply(&up, &down, rows, rank, columns);
        (down, up, rank) =
            if columns <= rows { (unit(columns), product, columns) } else { (product, unit(rows), rows) };
    }
    let (down, first) = halves(&down);
    let (up, second) = halves(&up);
    let scale = f64::from(adapter.scale) * f64::from(strength) * first * second;
    // Adding zero turns -0 into 0, of which there is one encoding.
    Ok(LowRankChange { rank, scale: scale as f32 + 0.0, down, up })
}

/// `strength · scale · up · down` in the shape of the module's weights: [rows, columns], or [out, in, height, width].
pub(super) fn delta(file: &SafetensorsFile, adapter: &Adapter, shape: &[usize], strength: f32) -> Result<Vec<f32>> {
    let (down, up) = matrices(file, adapter, shape)?;
    let rows = shape.first().copied().unwrap_or(0);
    let columns = shape.iter().skip(1).product();
    let mut product = multiply(&up, &down, rows, adapter.rank, columns);
    let scale = adapter.scale * strength;
    product.iter_mut().for_each(|value| *value *= scale);
    Ok(product)
}

/// Both, when they fit: `down` is [rank, …] as the weights are behind their first side, `up` [rows, rank].
fn matrices(file: &SafetensorsFile, adapter: &Adapter, shape: &[usize]) -> Result<(Vec<f32>, Vec<f32>)> {
    let of = |tensor: &str| file.shape(tensor).unwrap_or_default();
    let (rows, inner) = shape.split_first().map_or((0, &[][..]), |(rows, inner)| (*rows, inner));
    // A linear layer may be written as a convolution of one pixel, and the other way round.
    let is = |found: &[usize], first: usize, rest: &[usize]| {
        let ones = |sides: &[usize]| sides.iter().all(|side| *side == 1);
        let (head, tail) = rest.split_at(rest.len().min(1));
        found.first() == Some(&first)
            && found.get(1) == head.first()
            && (found.get(2..).unwrap_or_default() == tail || (ones(found.get(2..).unwrap_or_default()) && ones(tail)))
    };
    let (down, up) = (of(&adapter.down), of(&adapter.up));
    if !is(down, adapter.rank, inner) || !is(up, rows, &[adapter.rank]) {
        let reason = format!(
            "its matrices of `{}` have shapes {down:?} and {up:?}, which make no change of weights of {shape:?}",
            adapter.module.name
        );
        return Err(refused(file.path(), reason, FOREIGN));
    }
    let (down, up) = (file.values(&adapter.down)?, file.values(&adapter.up)?);
    if down.iter().chain(&up).any(|value| !value.is_finite()) {
        let reason = format!("a matrix of `{}` holds something that is no finite number", adapter.module.name);
        return Err(refused(file.path(), reason, "download it again"));
    }
    Ok((down, up))
}

/// `a · b`, of `rows × inner` and `inner × columns`.
fn multiply(a: &[f32], b: &[f32], rows: usize, inner: usize, columns: usize) -> Vec<f32> {
    let mut product = vec![0.0f32; rows * columns];
    if inner == 0 || columns == 0 {
        return product;
    }
    for (out, line) in product.chunks_exact_mut(columns).zip(a.chunks_exact(inner)) {
        for (factor, row) in line.iter().zip(b.chunks_exact(columns)) {
            out.iter_mut().zip(row).for_each(|(out, value)| *out += factor * value);
        }
    }
    product
}

fn unit(size: usize) -> Vec<f32> {
    let mut matrix = vec![0.0; size * size];
    matrix.iter_mut().step_by(size + 1).for_each(|value| *value = 1.0);
    matrix
}

/// Values as float16, and what they are to be multiplied by.
fn halves(values: &[f32]) -> (Vec<f16>, f64) {
    let exact = values.iter().all(|value| f16::from_f32(*value).to_f32() == *value);
    let largest = values.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    let power = if exact { 0 } else { f64::from(largest).log2().ceil() as i32 };
    let to = 2.0f64.powi(-power);
    let half = |value: &f32| f16::from_f64(f64::from(*value) * to) + f16::ZERO;
    (values.iter().map(half).collect(), 2.0f64.powi(power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_stay_and_all_else_keeps_eleven_bits() {
        assert_eq!(halves(&[0.5, -2.0, 0.0]).1, 1.0);
        for size in [1e-6f32, 1e-3, 0.3, 7.0, 1e6] {
            let values: Vec<f32> = (1..50).map(|i| size * (i as f32 * 0.37).sin()).collect();
            let (kept, factor) = halves(&values);
            for (value, kept) in values.iter().zip(kept) {
                let back = f64::from(kept.to_f32()) * factor;
                let allowed = f64::from(value.abs()).max(f64::from(size) * 1e-4) * 5e-4;
                assert!((back - f64::from(*value)).abs() <= allowed, "{back} for {value}");
            }
        }
        assert_eq!(halves(&[]), (vec![], 1.0));
    }

    #[test]
    fn a_product_with_a_unit_matrix_is_the_other() {
        let matrix: Vec<f32> = (0..6).map(|i| i as f32).collect();
        assert_eq!(multiply(&unit(2), &matrix, 2, 2, 3), matrix);
        assert_eq!(multiply(&matrix, &unit(3), 2, 3, 3), matrix);
        assert_eq!(multiply(&[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0, 7.0, 8.0], 2, 2, 2), [19.0, 22.0, 43.0, 50.0]);
    }
}
