//! Scaled dot-product attention as one node (`Attention`, opset 23, and `com.microsoft.MultiHeadAttention`).
//!
//! Y = P·V with P = softmax(s·Q·Kᵀ + mask). With dP = dY·Vᵀ and D the row sums of dY∘Y (which are those of dP∘P):
//! dV = Pᵀ·dY, dS = P∘(dP - D), dQ = s·dS·K, dK = s·dSᵀ·Q. P is computed again rather than kept.

use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::{element, node};

use crate::call::Call;
use crate::error::Result;
use crate::rules::attention_blocks;
use crate::rules::attention_heads::{Form, Heads, WantedGradients, apart, queries_of_block, softmax, view};
use crate::tape::Tape;

/// `Attention`: Q, K and V are of four dimensions, or of three with the heads side by side.
pub(super) fn attention(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    refuse(tape, call, 4)?;
    if call.float("softcap", 0.0) != 0.0 {
        return Err(call.unsupported(tape, "has a soft cap, for which there is no derivative rule"));
    }
    let (own, others) = (call.int("q_num_heads", 0), call.int("kv_num_heads", 0));
    attend(tape, call, Form { own, others, mask: call.optional(3), is_causal: call.int("is_causal", 0) != 0 })
}

/// `MultiHeadAttention`: queries have their heads side by side, keys and values mostly.
pub(super) fn multihead(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    refuse(tape, call, 6)?;
    if call.optional(3).is_some() || call.optional(4).is_some() {
        return Err(call.unsupported(tape, "has a bias or a mask of keys, for which there is no derivative rule"));
    }
    let heads = call.int("num_heads", 0);
    let is_causal = call.int("unidirectional", 0) != 0;
    attend(tape, call, Form { own: heads, others: heads, mask: call.optional(5), is_causal })
}

fn attend(tape: &mut Tape, call: &Call<'_>, form: Form<'_>) -> Result<()> {
    if form.mask.is_some_and(|mask| tape.is_active(mask)) {
        return Err(
            call.unsupported(tape, "has a mask that depends on the inputs, for which there is no derivative rule")
        );
    }
    let heads = heads(tape, call, form)?;
    let is_plain = form.mask.is_none() && !form.is_causal;
    let gradients = match queries_of_block(tape, &heads).filter(|_| is_plain) {
        Some(queries) => {
            attention_blocks::forward(tape, call, form, &heads, queries)?;
            attention_blocks::backward(tape, &heads, queries)
        }
        None => {
            let p = probabilities(tape, form, &heads)?;
            heads.gradients(tape, &p)
        }
    };
    let inputs = [(0, gradients.query), (1, gradients.key), (2, gradients.value)];
    for (at, gradient) in inputs {
        if let Some(gradient) = gradient {
            add_gradient(tape, call.input(tape, at)?, gradient)?;
        }
    }
    Ok(())
}

/// Forms that diffusion models do not use: inputs from `first` on are those of earlier calls.
fn refuse(tape: &Tape, call: &Call<'_>, first: usize) -> Result<()> {
    if (first..call.node.input.len()).any(|at| call.optional(at).is_some()) {
        return Err(
            call.unsupported(tape, "keeps keys and values of earlier calls, for which there is no derivative rule")
        );
    }
    if call.node.output.iter().skip(1).any(|output| !output.is_empty()) {
        return Err(call.unsupported(tape, "has further outputs, for which there is no derivative rule"));
    }
    Ok(())
}

fn heads(tape: &mut Tape, call: &Call<'_>, Form { own, others, .. }: Form<'_>) -> Result<Heads> {
    let shape = tape.shape(call.input(tape, 0)?)?;
    let query = view(tape, call, call.input(tape, 0)?, own)?;
    let key = view(tape, call, call.input(tape, 1)?, others)?;
    let value = view(tape, call, call.input(tape, 2)?, others)?;
    let y = view(tape, call, call.output(tape)?, own)?;
    let dy = if shape.dims.len() == 3 { apart(tape, &call.dy, &y.1) } else { call.dy.clone() };
    let ([batch, heads, queries, width], [_, groups, keys, _], [.., depth]) = (query.1, key.1, value.1);
    if heads != groups {
        return Err(call.unsupported(tape, "shares keys between heads, for which there is no derivative rule"));
    }
    let usual = 1.0 / (width as f64).sqrt();
    let scale = node::float(call.node, "scale").map_or(usual, f64::from);
    let active = |tape: &Tape, at| Ok::<_, crate::error::Error>(tape.is_active(call.input(tape, at)?));
    let wanted = WantedGradients { query: active(tape, 0)?, key: active(tape, 1)?, value: active(tape, 2)? };
    let (query, key, value, y) = (query.0, key.0, value.0, y.0);
    let (element, rank) = (shape.element, 4);
    Ok(Heads { query, key, value, y, dy, batch, heads, queries, keys, width, depth, scale, element, rank, wanted })
}

/// Adds a gradient in the shape the input has.
fn add_gradient(tape: &mut Tape, value: &str, gradient: String) -> Result<()> {
    let dims = tape.dims(value)?;
    let gradient = if dims.len() == 3 {
        let beside = tape.transpose(&gradient, &[0, 2, 1, 3]);
        tape.reshape(&beside, &dims)
    } else {
        gradient
    };
    tape.add_gradient(value, gradient);
    Ok(())
}

fn probabilities(tape: &mut Tape, form: Form<'_>, heads: &Heads) -> Result<String> {
    let mut scores = heads.scores(tape);
    if let Some(mask) = form.mask {
        scores = masked(tape, &scores, mask, heads.element)?;
    }
    if form.is_causal {
        let ahead = |at: usize| if at % heads.keys.max(1) > at / heads.keys.max(1) { f64::NEG_INFINITY } else { 0.0 };
        let mask: Vec<f64> = (0..heads.queries * heads.keys).map(ahead).collect();
        let mask = tape.numbers(&mask, &[heads.queries, heads.keys], heads.element);
        scores = tape.node("Add", &[&scores, &mask]);
    }
    Ok(softmax(tape, &scores))
}

/// A mask of numbers is added; one of switches shuts where it is false.
fn masked(tape: &mut Tape, scores: &str, mask: &str, element: i32) -> Result<String> {
    let kind = tape.shape(mask)?.element;
    if kind == DataType::Bool as i32 {
        let shut = tape.scalar(f64::NEG_INFINITY, element);
        return Ok(tape.node("Where", &[mask, scores, &shut]));
    }
    debug_assert!(element::is_float(kind));
    Ok(tape.node("Add", &[scores, mask]))
}
