//! From prompts and weights to K and V, and from the derivative of K and V back to that of the weights.
//!
//! With scope `trigger` several subjects may have weights of their own: theirs come one after another in [`Weights`],
//! each with all layers.

use cones_core::{Error, Result, Scope};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

use super::examples::Caption;
use super::weights::{Matrix, Weights};

/// K and V of every prompt: for each layer, for each prompt, `tokens × rows`.
pub type KeyValues = Vec<Vec<Vec<f32>>>;

/// Prompts with their K and V under the base weights.
#[derive(Debug)]
pub struct Projector<'a> {
    captions: &'a [Caption],
    tokens: usize,
    scope: Scope,
    base: KeyValues,
}

impl<'a> Projector<'a> {
    /// Computes the base products of all prompts. In which rows the weights in question stand in for the base weights
    /// says `scope`.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when an embedding does not fit the layers.
    pub fn new(captions: &'a [Caption], tokens: usize, scope: Scope, base: &Weights) -> Result<Self> {
        let mut projector = Self { captions, tokens, scope, base: Vec::new() };
        for matrix in &base.layers {
            let products = captions.iter().map(|c| product(&c.embedding, tokens, matrix)).collect::<Result<_>>()?;
            projector.base.push(products);
        }
        Ok(projector)
    }

    /// K and V of the prompts with the indices `wanted` (those of the others are left empty) under other weights.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the weights do not fit the embeddings.
    pub fn key_values(&self, weights: &Weights, wanted: &[usize]) -> Result<KeyValues> {
        let mut all = Vec::with_capacity(self.base.len());
        for (index, base) in self.base.iter().enumerate() {
            let subjects: Vec<&Matrix> = weights.layers.iter().skip(index).step_by(self.base.len()).collect();
            let mut layer = Vec::with_capacity(self.captions.len());
            for (caption, base) in self.captions.iter().zip(base) {
                let is_wanted = wanted.contains(&layer.len());
                layer.push(if is_wanted { self.one(&subjects, caption, base)? } else { Vec::new() });
            }
            all.push(layer);
        }
        Ok(all)
    }

    /// How many layers the base has; the layer `i` of subject `s` is number `s · layers + i` of the weights in question.
    pub fn layers(&self) -> usize {
        self.base.len()
    }

    /// One layer of one prompt, by all subjects' matrices.
    fn one(&self, subjects: &[&Matrix], caption: &Caption, base: &[f32]) -> Result<Vec<f32>> {
        if let (Scope::Prompt, [matrix, ..]) = (self.scope, subjects) {
            return product(&caption.embedding, self.tokens, matrix);
        }
        let mut out = base.to_vec();
        for (matrix, trigger) in subjects.iter().zip(&caption.triggers) {
            let rows = product(&gather(&caption.embedding, trigger, matrix.columns), trigger.len(), matrix)?;
            for (&token, row) in trigger.iter().zip(rows.chunks_exact(matrix.rows.max(1))) {
                if let Some(place) = out.get_mut(token * matrix.rows..(token + 1) * matrix.rows) {
                    place.copy_from_slice(row);
                }
            }
        }
        Ok(out)
    }

    /// Adds `dKᵀ·c` of one prompt to a layer's gradient, over the rows that the weights of `subject` decide.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when sizes do not fit.
    pub fn back(&self, caption: usize, subject: usize, derivative: &[f32], gradient: &mut Matrix) -> Result<()> {
        let Some(caption) = self.captions.get(caption) else {
            return Err(Error::request("caption", "is not one of the finder's"));
        };
        let (rows, columns) = (gradient.rows, gradient.columns);
        let (picked, inputs, tokens);
        let derivative = if self.scope == Scope::Prompt {
            (inputs, tokens) = (caption.embedding.as_slice(), self.tokens);
            derivative
        } else {
            let trigger = caption.triggers.get(subject).map_or(&[][..], Vec::as_slice);
            if trigger.is_empty() {
                return Ok(());
            }
            (picked, tokens) = (gather(&caption.embedding, trigger, columns), trigger.len());
            inputs = picked.as_slice();
            &gather(derivative, trigger, rows)
        };
        let derivative = view(derivative, tokens, rows)?;
        let inputs = view(inputs, tokens, columns)?;
        let mut out = ArrayViewMut2::from_shape((rows, columns), &mut gradient.values).map_err(misshapen)?;
        general_mat_mul(1.0, &derivative.t(), &inputs, 1.0, &mut out);
        Ok(())
    }
}

fn gather(values: &[f32], places: &[usize], width: usize) -> Vec<f32> {
    places.iter().filter_map(|p| values.get(p * width..(p + 1) * width)).flatten().copied().collect()
}

/// `c · Wᵀ`, `tokens × rows`.
fn product(embedding: &[f32], tokens: usize, matrix: &Matrix) -> Result<Vec<f32>> {
    let inputs = view(embedding, tokens, matrix.columns)?;
    let weights = view(&matrix.values, matrix.rows, matrix.columns)?;
    let mut out = vec![0.0; tokens * matrix.rows];
    let mut product = ArrayViewMut2::from_shape((tokens, matrix.rows), &mut out).map_err(misshapen)?;
    general_mat_mul(1.0, &inputs, &weights.t(), 0.0, &mut product);
    Ok(out)
}

fn view(values: &[f32], rows: usize, columns: usize) -> Result<ArrayView2<'_, f32>> {
    ArrayView2::from_shape((rows, columns), values).map_err(misshapen)
}

fn misshapen(error: ndarray::ShapeError) -> Error {
    Error::request("embedding", format!("does not fit the layers: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> Matrix {
        Matrix { name: "l".into(), rows: 2, columns: 3, values: vec![1.0, 2.0, 3.0, -1.0, 0.5, 0.0] }
    }

    fn caption() -> Caption {
        Caption { text: String::new(), embedding: vec![1.0, 0.0, 2.0, 0.5, 1.0, -1.0], triggers: vec![vec![1]] }
    }

    #[test]
    fn scopes_differ_in_the_rows_they_change() {
        let base = Weights { layers: vec![matrix()] };
        let doubled = Weights { layers: vec![Matrix { values: base.values().map(|v| 2.0 * v).collect(), ..matrix() }] };
        let captions = [caption()];
        let of = |scope| {
            let projector = Projector::new(&captions, 2, scope, &base).expect("fits");
            projector.key_values(&doubled, &[0]).expect("fits")[0][0].clone()
        };
        assert_eq!(of(Scope::Prompt), [14.0, -2.0, -1.0, 0.0]);
        assert_eq!(of(Scope::Trigger), [7.0, -1.0, -1.0, 0.0]);
    }

    #[test]
    fn each_subject_decides_the_rows_of_its_own_trigger() {
        let base = Weights { layers: vec![matrix()] };
        let scaled = |by: f32| Matrix { values: base.values().map(|v| by * v).collect(), ..matrix() };
        let captions = [Caption { triggers: vec![vec![1], vec![0]], ..caption() }];
        let projector = Projector::new(&captions, 2, Scope::Trigger, &base).expect("fits");
        let both = Weights { layers: vec![scaled(2.0), scaled(3.0)] };
        assert_eq!(projector.key_values(&both, &[0]).expect("fits")[0][0], [21.0, -3.0, -1.0, 0.0]);
        let mut gradient = base.filled(0.0);
        projector.back(0, 1, &[1.0, 0.0, 5.0, 5.0], &mut gradient.layers[0]).expect("fits");
        assert_eq!(gradient.layers[0].values, [1.0, 0.0, 2.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn the_derivative_agrees_with_differences() {
        let base = Weights { layers: vec![matrix()] };
        let captions = [caption()];
        let cotangent = [0.3f32, -0.7, 1.1, 0.2];
        for scope in [Scope::Prompt, Scope::Trigger] {
            let projector = Projector::new(&captions, 2, scope, &base).expect("fits");
            let mut gradient = base.filled(0.0);
            projector.back(0, 0, &cotangent, &mut gradient.layers[0]).expect("fits");
            for i in 0..6 {
                let at = |change: f32| {
                    let mut weights = base.clone();
                    weights.layers[0].values[i] += change;
                    let k = projector.key_values(&weights, &[0]).expect("fits");
                    k[0][0].iter().zip(&cotangent).map(|(k, c)| f64::from(k * c)).sum::<f64>()
                };
                let difference = (at(0.5) - at(-0.5)) as f32;
                assert!((gradient.layers[0].values[i] - difference).abs() < 1e-5, "{scope} {i}");
            }
        }
    }
}
