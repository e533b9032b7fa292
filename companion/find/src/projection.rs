//! From prompts and weights to K and V, and from the derivative of K and V back to that of the weights.
//!
//! With scope `trigger` several subjects may have weights of their own: theirs come one after another in [`Weights`],
//! each with all layers.

use std::borrow::Cow;

use cones_core::{Error, Result, Scope};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

use crate::examples::Caption;
use crate::weights::{Matrix, Weights};

/// K and V of every prompt: for each layer, for each prompt, `tokens × rows`.
pub type KeyValues = Vec<Vec<Vec<f32>>>;

/// Prompts with their K and V under the base weights.
#[derive(Debug)]
pub struct Projector<'a> {
    captions: Cow<'a, [Caption]>,
    tokens: usize,
    scope: Scope,
    weights: &'a Weights,
    base: KeyValues,
}

impl<'a> Projector<'a> {
    /// Computes the base products of all prompts. In which rows the weights in question stand in for the base weights
    /// says `scope`.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when an embedding does not fit the layers.
    pub fn new(captions: &'a [Caption], tokens: usize, scope: Scope, base: &'a Weights) -> Result<Self> {
        let mut projector = Self { captions: Cow::Borrowed(captions), tokens, scope, weights: base, base: Vec::new() };
        for matrix in &base.layers {
            let products = captions.iter().map(|c| product(&c.embedding, tokens, matrix)).collect::<Result<_>>()?;
            projector.base.push(products);
        }
        Ok(projector)
    }

    /// Puts another embedding in the place of a prompt's, as when the embedding of a word in it was learned.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when there is no such prompt or the embedding does not fit the layers.
    pub fn set_embedding(&mut self, caption: usize, embedding: Vec<f32>) -> Result<()> {
        for (matrix, base) in self.weights.layers.iter().zip(&mut self.base) {
            if let Some(base) = base.get_mut(caption) {
                *base = product(&embedding, self.tokens, matrix)?;
            }
        }
        match self.captions.to_mut().get_mut(caption) {
            Some(caption) => caption.embedding = embedding,
            None => return Err(unknown()),
        }
        Ok(())
    }

    /// Adds `dK·W` of one layer of one prompt to the gradient of its embedding, `tokens × columns`: each row by the weights
    /// that made it.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when sizes do not fit.
    pub fn back_to_embedding(
        &self,
        weights: &Weights,
        layer: usize,
        caption: usize,
        derivative: &[f32],
        gradient: &mut [f32],
    ) -> Result<()> {
        let caption = self.captions.get(caption).ok_or_else(unknown)?;
        let subjects: Vec<&Matrix> = weights.layers.iter().skip(layer).step_by(self.base.len().max(1)).collect();
        if let (Scope::Prompt, [matrix, ..]) = (self.scope, subjects.as_slice()) {
            return add_product(derivative, self.tokens, matrix, gradient);
        }
        let Some(base) = self.weights.layers.get(layer) else { return Err(unknown()) };
        let mut rest = derivative.to_vec();
        for (matrix, trigger) in subjects.iter().zip(&caption.triggers) {
            let mut rows = vec![0.0; trigger.len() * matrix.columns];
            add_product(&gather(derivative, trigger, matrix.rows), trigger.len(), matrix, &mut rows)?;
            for (&token, row) in trigger.iter().zip(rows.chunks_exact(matrix.columns.max(1))) {
                let place = gradient.iter_mut().skip(token * matrix.columns);
                place.zip(row).for_each(|(sum, value)| *sum += value);
                rest.iter_mut().skip(token * matrix.rows).take(matrix.rows).for_each(|value| *value = 0.0);
            }
        }
        add_product(&rest, self.tokens, base, gradient)
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
            return Err(unknown());
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

/// Adds `d · W`, `tokens × columns`.
fn add_product(derivative: &[f32], tokens: usize, matrix: &Matrix, out: &mut [f32]) -> Result<()> {
    let derivative = view(derivative, tokens, matrix.rows)?;
    let weights = view(&matrix.values, matrix.rows, matrix.columns)?;
    let mut sum = ArrayViewMut2::from_shape((tokens, matrix.columns), out).map_err(misshapen)?;
    general_mat_mul(1.0, &derivative, &weights, 1.0, &mut sum);
    Ok(())
}

fn unknown() -> Error {
    Error::request("caption", "is not one of the finder's")
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
        Caption {
            text: String::new(),
            embedding: vec![1.0, 0.0, 2.0, 0.5, 1.0, -1.0],
            pooled: vec![],
            triggers: vec![vec![1]],
        }
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
    fn an_embedding_is_replaced_and_its_derivative_agrees_with_differences() {
        let base = Weights { layers: vec![matrix()] };
        let scaled = Weights { layers: vec![Matrix { values: base.values().map(|v| 3.0 * v).collect(), ..matrix() }] };
        let captions = [caption()];
        let cotangent = [0.3f32, -0.7, 1.1, 0.2];
        for scope in [Scope::Prompt, Scope::Trigger] {
            let at = |embedding: Vec<f32>| {
                let mut projector = Projector::new(&captions, 2, scope, &base).expect("fits");
                projector.set_embedding(0, embedding).expect("fits");
                let k = projector.key_values(&scaled, &[0]).expect("fits");
                k[0][0].iter().zip(&cotangent).map(|(k, c)| f64::from(k * c)).sum::<f64>()
            };
            let projector = Projector::new(&captions, 2, scope, &base).expect("fits");
            let mut gradient = vec![0.0; 6];
            projector.back_to_embedding(&scaled, 0, 0, &cotangent, &mut gradient).expect("fits");
            for i in 0..6 {
                let moved = |by: f32| {
                    let mut embedding = captions[0].embedding.clone();
                    embedding[i] += by;
                    at(embedding)
                };
                let difference = (moved(0.5) - moved(-0.5)) as f32;
                assert!((gradient[i] - difference).abs() < 1e-5, "{scope} {i}: {} {difference}", gradient[i]);
            }
        }
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
