//! The matrices of scaled dot-product attention, as its derivative and its blocks take them.

use cones_onnx::attribute;
use cones_onnx::info::Shape;

use crate::call::Call;
use crate::error::Result;
use crate::tape::{Product, Tape};

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
    pub(super) wanted: WantedGradients,
}

/// Whose gradients are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct WantedGradients {
    pub(super) query: bool,
    pub(super) key: bool,
    pub(super) value: bool,
}

/// The gradients that were wanted, each by the name of its value.
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
    pub(super) mask: Option<&'a str>,
    pub(super) is_causal: bool,
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
pub(super) fn apart(tape: &mut Tape, value: &str, [batch, heads, tokens, width]: &[usize; 4]) -> String {
    let split = tape.reshape(value, &[*batch, *tokens, *heads, *width]);
    tape.transpose(&split, &[0, 2, 1, 3])
}

/// The softmax of scores over their last axis, the keys.
pub(super) fn softmax(tape: &mut Tape, scores: &str) -> String {
    tape.node_with("Softmax", &[scores], vec![attribute::int("axis", -1)])
}

/// All scores together are worth cutting from so many blocks on.
const WORTH: usize = 4;

/// How many queries make a block, where attention is to be cut.
pub(super) fn queries_of_block(tape: &Tape, heads: &Heads) -> Option<usize> {
    let blocks = tape.blocks?;
    let row = heads.shape(1, heads.keys).bytes().max(1);
    let all = row.saturating_mul(heads.queries).saturating_mul(heads.batch * heads.heads);
    if all <= blocks.bytes.saturating_mul(WORTH) {
        return None;
    }
    let most = (blocks.bytes / row).max(blocks.queries).clamp(1, heads.queries.max(1));
    // Blocks are equal. A number of queries with no good divisor is not cut.
    let divisor = (1..=most).rev().find(|size| heads.queries.is_multiple_of(*size))?;
    Some(if divisor * 4 >= most { divisor } else { heads.queries })
}
