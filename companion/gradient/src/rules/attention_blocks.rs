//! Attention and its derivative, one block of queries of one head after another.
//!
//! The matrices of scores of all heads are the largest values of a U-Net. Made whole, each pass over them waits for
//! memory; a block stays in the cache through all passes. Two `Scan`s, one over the heads and one over the blocks of a
//! head, keep the graph as small as it was; what comes back to keys and values is summed from block to block.

use cones_onnx::info::Shape;

use crate::call::Call;
use crate::error::Result;
use crate::rules::attention_heads::{Form, Gradients, Heads, softmax, view};
use crate::tape::{Product, Tape};

/// Takes the place of the forward node.
///
/// # Errors
/// As [`view`].
pub(super) fn forward(tape: &mut Tape, call: &Call<'_>, form: Form<'_>, heads: &Heads, queries: usize) -> Result<()> {
    let y = call.output(tape)?;
    let dims = tape.dims(y)?;
    tape.replace(y, |tape| {
        // The views that the derivative has come too late for the forward pass.
        let of =
            |tape: &mut Tape, at, count| -> Result<String> { Ok(view(tape, call, call.input(tape, at)?, count)?.0) };
        let (query, key) = (of(tape, 0, form.own)?, of(tape, 1, form.others)?);
        let whole = Heads { query, key, value: of(tape, 2, form.others)?, ..heads.clone() };
        let mut made = over_heads(tape, &whole, queries, Pass::Forward);
        let mut found = made.pop().unwrap_or_default();
        if dims.len() == 3 {
            let apart = tape.reshape(&found, &[heads.batch, heads.heads, heads.queries, heads.depth]);
            found = tape.transpose(&apart, &[0, 2, 1, 3]);
        }
        let shape = tape.sizes(&dims);
        tape.node_named("Reshape", &[&found, &shape], vec![], y);
        Ok(())
    })
}

/// The gradients, shaped as [`Heads`] says.
pub(super) fn backward(tape: &mut Tape, heads: &Heads, queries: usize) -> Gradients {
    let mut made = over_heads(tape, heads, queries, Pass::Backward).into_iter();
    let mut take = |wanted: bool, rows, width| {
        let found = if wanted { made.next() } else { None };
        found.map(|found| tape.reshape(&found, &[heads.batch, heads.heads, rows, width]))
    };
    let key = take(heads.wanted.key, heads.keys, heads.width);
    let value = take(heads.wanted.value, heads.keys, heads.depth);
    Gradients { query: take(heads.wanted.query, heads.queries, heads.width), key, value }
}

/// What is computed in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// The output.
    Forward,
    /// The gradients of keys, values and queries, those that are wanted, in this order.
    Backward,
}

/// One head after another; what comes back is stacked along a first axis of batch times heads.
fn over_heads(tape: &mut Tape, heads: &Heads, queries: usize, pass: Pass) -> Vec<String> {
    let Heads { keys, width, depth, element, .. } = *heads;
    let blocks = heads.queries / queries;
    // Cut into blocks, if there are several.
    let cut = |columns| if blocks == 1 { vec![queries, columns] } else { vec![blocks, queries, columns] };
    let mut parts =
        vec![(&heads.query, cut(width)), (&heads.key, vec![keys, width]), (&heads.value, vec![keys, depth])];
    if pass == Pass::Backward {
        parts.extend([(&heads.y, cut(depth)), (&heads.dy, cut(depth))]);
    }
    let (mut sequences, mut inputs) = (Vec::new(), Vec::new());
    for (value, dims) in parts {
        let stacked: Vec<usize> = [heads.batch * heads.heads].iter().chain(&dims).copied().collect();
        sequences.push(tape.reshape(value, &stacked));
        inputs.push((tape.fresh("head"), Shape { element, dims }));
    }
    let name = |at: usize| inputs.get(at).map(|(name, _)| name.clone()).unwrap_or_default();
    let [query, key, value, y, dy] = [0, 1, 2, 3, 4].map(name);
    let one = Heads { query, key, value, y, dy, batch: 1, heads: 1, rank: 2, ..heads.clone() };
    let declared: Vec<(&str, &Shape)> = inputs.iter().map(|(name, shape)| (name.as_str(), shape)).collect();
    let body = tape.body(&declared, |tape| match blocks {
        1 => block(tape, &one, pass),
        _ => over_blocks(tape, &one, queries, pass),
    });
    let sequences: Vec<&str> = sequences.iter().map(String::as_str).collect();
    tape.scan(&[], &sequences, body)
}

/// One block of one head's queries after another. Keys and values are read from around the body.
fn over_blocks(tape: &mut Tape, head: &Heads, queries: usize, pass: Pass) -> Vec<(String, Shape)> {
    let shapes = [head.shape(queries, head.width), head.shape(queries, head.depth)];
    let [query, y, dy] = ["query", "y", "dy"].map(|part| tape.fresh(part));
    let (mut inputs, mut sequences) = (vec![(query.as_str(), &shapes[0])], vec![head.query.as_str()]);
    let mut sums = Vec::new();
    if pass == Pass::Backward {
        inputs.extend([(y.as_str(), &shapes[1]), (dy.as_str(), &shapes[1])]);
        sequences.extend([head.y.as_str(), head.dy.as_str()]);
        let of = [(head.wanted.key, head.width), (head.wanted.value, head.depth)];
        for (_, width) in of.into_iter().filter(|(wanted, _)| *wanted) {
            let zeros = tape.numbers(&vec![0.0; head.keys * width], &[head.keys, width], head.element);
            sums.push((zeros, tape.fresh("sum"), head.shape(head.keys, width)));
        }
    }
    let part = Heads { query: query.clone(), y: y.clone(), dy: dy.clone(), queries, ..head.clone() };
    let states: Vec<(&str, &Shape)> = sums.iter().map(|(_, name, shape)| (name.as_str(), shape)).collect();
    let inputs: Vec<(&str, &Shape)> = states.into_iter().chain(inputs).collect();
    let mut outputs = Vec::new();
    let body = tape.body(&inputs, |tape| {
        outputs = block(tape, &part, pass);
        for ((made, _), (_, sum, _)) in outputs.iter_mut().zip(&sums) {
            *made = tape.node("Add", &[sum, made]);
        }
        outputs.clone()
    });
    let zeros: Vec<&str> = sums.iter().map(|(zeros, ..)| zeros.as_str()).collect();
    let made = tape.scan(&zeros, &sequences, body);
    let blocks = head.queries / queries;
    let whole = |(at, (made, (_, mut shape))): (usize, (String, (String, Shape)))| {
        if at >= sums.len() {
            shape.dims.insert(0, blocks);
        }
        (made, shape)
    };
    made.into_iter().zip(outputs).enumerate().map(whole).collect()
}

/// What one block gives, with its shape.
fn block(tape: &mut Tape, part: &Heads, pass: Pass) -> Vec<(String, Shape)> {
    let scores = part.scores(tape);
    let p = softmax(tape, &scores);
    if pass == Pass::Forward {
        let y = part.product(tape, &p, &part.value, Product::default());
        return vec![(y, part.shape(part.queries, part.depth))];
    }
    let Gradients { query, key, value } = part.gradients(tape, &p);
    let made = [(key, part.keys, part.width), (value, part.keys, part.depth), (query, part.queries, part.width)];
    made.into_iter().filter_map(|(made, rows, width)| Some((made?, part.shape(rows, width)))).collect()
}
