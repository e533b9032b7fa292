//! Scaled dot-product attention as one node (`Attention`, opset 23).
//!
//! Y = P·V with P = softmax(s·Q·Kᵀ + mask). With dP = dY·Vᵀ and D the row sums of dY∘Y (which are those of dP∘P):
//! dV = Pᵀ·dY, dS = P∘(dP - D), dQ = s·dS·K, dK = s·dSᵀ·Q. P is computed again rather than kept.

use std::ops::Range;

use crate::gradient::Result;
use crate::gradient::call::Call;
use crate::gradient::plan::Memory;
use crate::gradient::tape::{Product, Tape};
use crate::onnx::element;
use crate::onnx::info::Shape;
use crate::onnx::proto::tensor_proto::DataType;
use crate::onnx::{attribute, node};

/// Where memory matters, a matrix of scores takes at most this many bytes.
const SCORES: usize = 16 << 20;

/// The stacks of matrices of one call, all [batch, heads, tokens, width].
#[derive(Clone)]
struct Heads {
    query: String,
    key: String,
    value: String,
    y: String,
    dy: String,
    batch: usize,
    heads: usize,
    queries: usize,
    keys: usize,
    width: usize,
    depth: usize,
    scale: f64,
    element: i32,
}

impl Heads {
    /// What belongs to some of the queries, once `triggers` are known.
    fn piece(&self, tape: &mut Tape, part: &Range<usize>, triggers: &[&str]) -> Self {
        if part.len() == self.queries {
            return self.clone();
        }
        let [mut query, mut dy, y] = [&self.query, &self.dy, &self.y].map(|value| tape.cut(value, 2, part));
        if !triggers.is_empty() {
            let shape = |width| Shape { element: self.element, dims: vec![self.batch, self.heads, part.len(), width] };
            let (of_query, of_dy) = (shape(self.width), shape(self.depth));
            let behind = tape.after(triggers, &[(&query, &of_query), (&dy, &of_dy)]);
            if let Ok([first, second]) = <[String; 2]>::try_from(behind) {
                (query, dy) = (first, second);
            }
        }
        Self { query, dy, y, queries: part.len(), ..self.clone() }
    }
}

/// Q, K and V are of four dimensions, or of three with the heads side by side.
pub(super) fn attention(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    refuse(tape, call)?;
    let heads = heads(tape, call)?;
    let parts = parts(tape, call, &heads);
    if parts.len() > 1 {
        forward_in_parts(tape, call, &heads, &parts)?;
    }
    let (query, key, value) = (call.input(tape, 0)?, call.input(tape, 1)?, call.input(tape, 2)?);
    let mut gradients = Gradients::default();
    for part in parts {
        // Every result of the part before: whatever is left open keeps its matrices of scores.
        let before = [gradients.value.clone(), gradients.key.clone(), gradients.query.last().cloned()];
        let triggers: Vec<&str> = before.iter().flatten().map(String::as_str).collect();
        let piece = heads.piece(tape, &part, &triggers);
        let p = probabilities(tape, call, &piece)?;
        let product =
            |tape: &mut Tape, a: &str, b: &str, how: Product| tape.product((a, 4), (b, 4), how, piece.element);
        if tape.is_active(value) {
            let gradient = product(tape, &p, &piece.dy, Product { left: true, ..Product::default() });
            Gradients::add(tape, &mut gradients.value, gradient);
        }
        if !tape.is_active(query) && !tape.is_active(key) {
            continue;
        }
        let dp = product(tape, &piece.dy, &piece.value, Product { right: true, ..Product::default() });
        let weighted = tape.node("Mul", &[&piece.dy, &piece.y]);
        let total = tape.sum(&weighted, &[3], true);
        let centred = tape.node("Sub", &[&dp, &total]);
        let ds = tape.node("Mul", &[&centred, &p]);
        let scale = piece.scale;
        if tape.is_active(key) {
            let gradient = product(tape, &ds, &piece.query, Product { left: true, scale, ..Product::default() });
            Gradients::add(tape, &mut gradients.key, gradient);
        }
        if tape.is_active(query) {
            gradients.query.push(product(tape, &ds, &piece.key, Product { scale, ..Product::default() }));
        }
    }
    let whole = match gradients.query.as_slice() {
        [] | [_] => gradients.query.pop(),
        several => {
            let several: Vec<&str> = several.iter().map(String::as_str).collect();
            Some(tape.node_with("Concat", &several, vec![attribute::int("axis", 2)]))
        }
    };
    for (input, gradient) in [(query, whole), (key, gradients.key), (value, gradients.value)] {
        if let Some(gradient) = gradient {
            give(tape, input, gradient)?;
        }
    }
    Ok(())
}

/// What comes back, from one part of the queries after another.
#[derive(Default)]
struct Gradients {
    query: Vec<String>,
    key: Option<String>,
    value: Option<String>,
}

impl Gradients {
    fn add(tape: &mut Tape, total: &mut Option<String>, part: String) {
        *total = Some(match total.take() {
            Some(total) => tape.node("Add", &[&total, &part]),
            None => part,
        });
    }
}

/// The queries in parts whose matrices of scores stay small, where memory matters; else in one.
fn parts(tape: &Tape, call: &Call<'_>, heads: &Heads) -> Vec<Range<usize>> {
    let one_query = Shape { element: heads.element, dims: vec![heads.batch, heads.heads, heads.keys] }.bytes();
    let most = (SCORES / one_query.max(1)).max(1);
    let is_plain = call.optional(3).is_none() && call.int("is_causal", 0) == 0;
    if tape.memory == Memory::Normal || !is_plain || heads.queries <= most {
        return std::iter::once(0..heads.queries).collect();
    }
    let count = heads.queries.div_ceil(most);
    (0..count).map(|part| part * heads.queries / count..(part + 1) * heads.queries / count).collect()
}

/// The forward node for one part of the queries after another.
fn forward_in_parts(tape: &mut Tape, call: &Call<'_>, heads: &Heads, parts: &[Range<usize>]) -> Result<()> {
    let (query, y) = (call.input(tape, 0)?, call.output(tape)?);
    let axis = tape.dims(query)?.len() - 2;
    debug_assert_eq!(parts.last().map(|part| part.end), Some(heads.queries));
    tape.replace(y, |tape| {
        let mut pieces = Vec::new();
        for part in parts {
            let own = tape.cut(query, axis, part);
            let others = call.node.input.iter().skip(1).map(String::as_str);
            let inputs: Vec<&str> = [own.as_str()].into_iter().chain(others).collect();
            pieces.push(tape.node_with("Attention", &inputs, call.node.attribute.clone()));
        }
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        tape.node_named("Concat", &pieces, vec![attribute::int("axis", axis as i64)], y);
    });
    Ok(())
}

/// Forms that diffusion models do not use.
fn refuse(tape: &Tape, call: &Call<'_>) -> Result<()> {
    if call.optional(4).is_some() || call.optional(5).is_some() || call.optional(6).is_some() {
        return Err(
            call.unsupported(tape, "keeps keys and values of earlier calls, for which there is no derivative rule")
        );
    }
    if call.float("softcap", 0.0) != 0.0 {
        return Err(call.unsupported(tape, "has a soft cap, for which there is no derivative rule"));
    }
    if call.node.output.iter().skip(1).any(|output| !output.is_empty()) {
        return Err(call.unsupported(tape, "has further outputs, for which there is no derivative rule"));
    }
    if call.optional(3).is_some_and(|mask| tape.is_active(mask)) {
        return Err(
            call.unsupported(tape, "has a mask that depends on the inputs, for which there is no derivative rule")
        );
    }
    Ok(())
}

fn heads(tape: &mut Tape, call: &Call<'_>) -> Result<Heads> {
    let shape = tape.shape(call.input(tape, 0)?)?;
    let (own, others) = (call.int("q_num_heads", 0), call.int("kv_num_heads", 0));
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
    let (query, key, value, y) = (query.0, key.0, value.0, y.0);
    let element = shape.element;
    Ok(Heads { query, key, value, y, dy, batch, heads, queries, keys, width, depth, scale, element })
}

/// A stack of matrices [batch, heads, tokens, width], and that shape.
fn view(tape: &mut Tape, call: &Call<'_>, value: &str, heads: i64) -> Result<(String, [usize; 4])> {
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

fn probabilities(tape: &mut Tape, call: &Call<'_>, heads: &Heads) -> Result<String> {
    let how = Product { right: true, scale: heads.scale, ..Product::default() };
    let mut scores = tape.product((&heads.query, 4), (&heads.key, 4), how, heads.element);
    if let Some(mask) = call.optional(3) {
        scores = masked(tape, &scores, mask, heads.element)?;
    }
    if call.int("is_causal", 0) != 0 {
        let ahead = |at: usize| if at % heads.keys.max(1) > at / heads.keys.max(1) { f64::NEG_INFINITY } else { 0.0 };
        let mask: Vec<f64> = (0..heads.queries * heads.keys).map(ahead).collect();
        let mask = tape.numbers(&mask, &[heads.queries, heads.keys], heads.element);
        scores = tape.node("Add", &[&scores, &mask]);
    }
    Ok(tape.node_with("Softmax", &[&scores], vec![attribute::int("axis", -1)]))
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
