//! The cross-attention projections Wk and Wv, and the K and V that come of them.
//!
//! K = c·Wkᵀ and V = c·Wvᵀ depend on the prompt's embedding c alone, so they are computed once per prompt. A mask is
//! applied to the product, not to the weights: scaling weight (r, j) by the factor f adds `(f - 1) · w[r, j] · c[·, j]`
//! to column r of the product. The base product stays as it is, so switching off is exact.
//!
//! A LoRA of Wk and Wv is added to the product in the same way: `c · downᵀ · upᵀ`, two thin products.
//!
//! At Stable Diffusion 1.5's sizes (19 million weights, 77 tokens) the base products of a prompt take 8 MB, and are a
//! matter of tens of milliseconds on one core; so is a correction by 5 % of the weights, and one by 1 % takes ten.
//! Multiplying masked weights anew would be faster from about an eighth of the weights on, more than twice what the
//! example subjects shut. `cargo xtask bench switch --size sd15` times both ways, `--share` sets how many are shut.

mod addition;
pub(crate) mod bias;
pub(crate) mod conditioning;
mod correction;
mod product;
mod projection;

#[cfg(test)]
mod tests;

pub use addition::Addition;
pub use correction::Correction;
pub use projection::Projection;

/// K and V of one prompt, for every layer, token by token.
#[derive(Debug, Clone)]
pub struct KeyValues {
    /// One `tokens × rows` matrix for each layer, row-major.
    pub layers: Vec<Vec<f32>>,
    /// The prompt's pooled embedding, which a U-Net of two text encoders takes too (`text_embeds`); empty else. No mask changes it.
    pub text_embeds: Vec<f32>,
    /// 1 for each of the prompt's tokens and 0 for those that fill up, where the U-Net is told so (`encoder_attention_mask`); empty
    /// else.
    pub encoder_attention_mask: Vec<f32>,
}
