//! Scaled dot-product attention as one node (`Attention`, opset 23, and `com.microsoft.MultiHeadAttention`).
//!
//! Y = P·V with P = softmax(s·Q·Kᵀ + mask). With dP = dY·Vᵀ and D the row sums of dY∘Y (which are those of dP∘P):
//! dV = Pᵀ·dY, dS = P∘(dP - D), dQ = s·dS·K, dK = s·dSᵀ·Q. P is computed again rather than kept.

use super::attention_blocks;
use crate::gradient::Result;
use crate::gradient::call::Call;
use crate::gradient::tape::{Product, Tape};
use crate::onnx::attribute;
use crate::onnx::element;
use crate::onnx::info::Shape;
use crate::onnx::node;
use crate::onnx::proto::tensor_proto::DataType;

/// The stacks of matrices of one call, [batch, heads, tokens, width] or, inside a block, [tokens, width].
#[derive(Clone)]
pub(super) struct Heads {
    pub(super) query: String,
    pub(super) key: String,
    pub(super) value: String,
    pub(super) y: String,
    pub(super) dy: String,
    pub(super) batch: usize,
    pub(super) heads: usize,
    pub(super) queries: usize,
    pub(super) keys: usize,
    /// Numbers in a query and a key.
    pub(super) width: usize,
    /// Numbers in a value.
    pub(super) depth: usize,
    pub(super) scale: f64,
    pub(super) element: i32,
    /// Dimensions of each value: 4, inside a block 2.
    pub(super) rank: usize,
    /// Whose gradients are wanted.
    pub(super) wanted: Wanted,
}

/// Whose gradients are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) query: bool,
    pub(super) key: bool,
    pub(super) value: bool,
}

/// The gradients that are wanted.
#[derive(Default)]
pub(super) struct Gradients {
    pub(super) query: Option<String>,
    pub(super) key: Option<String>,
    pub(super) value: Option<String>,
}

impl Heads {
    /// Type and shape of one head's matrix of so many rows and columns.
    pub(super) fn shape(&self, rows: usize, columns: usize) -> Shape {
        Shape { element: self.element, dims: vec![rows, columns] }
    }

    pub(super) fn product(&self, tape: &mut Tape, left: &str, right: &str, how: Product) -> String {
        tape.product((left, self.rank), (right, self.rank), how, self.element)
    }

    /// s·Q·Kᵀ.
    pub(super) fn scores(&self, tape: &mut Tape) -> String {
        self.product(tape, &self.query, &self.key, Product { right: true, scale: self.scale, ..Product::default() })
    }

    /// The gradients, from the probabilities.
    pub(super) fn gradients(&self, tape: &mut Tape, p: &str) -> Gradients {
        let mut gradients = Gradients::default();
        let left = Product { left: true, ..Product::default() };
        if self.wanted.value {
            gradients.value = Some(self.product(tape, p, &self.dy, left));
        }
        if self.wanted.query || self.wanted.key {
            let dp = self.product(tape, &self.dy, &self.value, Product { right: true, ..Product::default() });
            let weighted = tape.node("Mul", &[&self.dy, &self.y]);
            let total = tape.sum(&weighted, &[self.rank - 1], true);
            let centred = tape.node("Sub", &[&dp, &total]);
            let ds = tape.node("Mul", &[&centred, p]);
            let scale = self.scale;
            if self.wanted.key {
                gradients.key = Some(self.product(tape, &ds, &self.query, Product { scale, ..left }));
            }
            if self.wanted.query {
                let how = Product { scale, ..Product::default() };
                gradients.query = Some(self.product(tape, &ds, &self.key, how));
            }
        }
        gradients
    }
}

/// What a node says of itself, in the words of its operator.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form<'a> {
    /// Heads of queries, where they lie side by side.
    pub(super) own: i64,
    /// Heads of keys and values, where they lie side by side.
    pub(super) others: i64,
    mask: Option<&'a str>,
    is_causal: bool,
}

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
    let gradients = match attention_blocks::queries(tape, &heads).filter(|_| is_plain) {
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
            give(tape, call.input(tape, at)?, gradient)?;
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
    let active = |tape: &Tape, at| Ok::<_, crate::gradient::Error>(tape.is_active(call.input(tape, at)?));
    let wanted = Wanted { query: active(tape, 0)?, key: active(tape, 1)?, value: active(tape, 2)? };
    let (query, key, value, y) = (query.0, key.0, value.0, y.0);
    let (element, rank) = (shape.element, 4);
    Ok(Heads { query, key, value, y, dy, batch, heads, queries, keys, width, depth, scale, element, rank, wanted })
}

/// A stack of matrices [batch, heads, tokens, width], and that shape.
pub(super) fn view(tape: &mut Tape, call: &Call<'_>, value: &str, heads: i64) -> Result<(String, [usize; 4])> {
    match *tape.dims(value)?.as_slice() {
        [batch, heads, tokens, width] => Ok((value.to_owned(), [batch, heads, tokens, width])),
        [batch, tokens, width] => {
            let heads = usize::try_from(heads).ok().filter(|heads| *heads > 0 && width.is_multiple_of(*heads));
            let Some(heads) = heads else {
                return Err(call.unsupported(tape, "does not say how many heads lie side by side"));
            };
            let shape = [batch, heads, tokens, width / heads];
            Ok((apart(tape, value, &shape), shape))
        }
        _ => Err(call.unsupported(tape, "has neither three nor four dimensions")),
    }
}

/// From heads side by side to heads one after another.
fn apart(tape: &mut Tape, value: &str, [batch, heads, tokens, width]: &[usize; 4]) -> String {
    let split = tape.reshape(value, &[*batch, *tokens, *heads, *width]);
    tape.transpose(&split, &[0, 2, 1, 3])
}

/// Gives a gradient in the shape the input has.
fn give(tape: &mut Tape, value: &str, gradient: String) -> Result<()> {
    let dims = tape.dims(value)?;
    let gradient = if dims.len() == 3 {
        let beside = tape.transpose(&gradient, &[0, 2, 1, 3]);
        tape.reshape(&beside, &dims)
    } else {
        gradient
    };
    tape.give(value, gradient);
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

/// Over the keys.
pub(super) fn softmax(tape: &mut Tape, scores: &str) -> String {
    tape.node_with("Softmax", &[scores], vec![attribute::int("axis", -1)])
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
