//! Differentiating the device's own graph.
//!
//! There is no second implementation of the U-Net and no training framework: [`differentiate`] takes an ONNX graph and
//! appends, as ordinary ONNX nodes, a loss and its reverse-mode derivative with respect to some of the graph's values.
//! [`GradientGraph`] runs the result with the same ONNX Runtime that the phone uses. [`UnetGradient`] and [`TextGradient`]
//! are the derivatives of the two graphs of a bundle that learning needs; `examples/unet_gradient.rs` shows a step.

mod blocks;
mod call;
mod constants;
pub mod error;
mod footprint;
mod frozen;
mod gate;
mod objective;
mod recompute;
mod reverse;
mod rules;
mod session;
pub mod shapes;
mod spec;
mod table;
mod tape;
pub mod text;
pub mod unet;

pub use blocks::Blocks;
pub use error::{Error, Result};
pub use footprint::Footprint;
pub use objective::{COTANGENT, LOSS, LOSSES, Objective, TARGET, WEIGHTS};
pub use reverse::differentiate;
pub use rules::operators;
pub use session::{GradientGraph, GradientOptions};
pub use spec::{DerivativeSpec, Differentiated, Memory, Port};
pub use table::TokenTable;
pub use text::TextGradient;
pub use unet::{Batch, Sizes, UnetGradient};
