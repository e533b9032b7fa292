//! Products of matrices.

use crate::call::Call;
use crate::error::Result;
use crate::tape::{Product, Tape};

/// Y = A·B, stacks of matrices broadcasting: dA = dY·Bᵀ, dB = Aᵀ·dY.
pub(super) fn matmul(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let (left, right) = (call.input(tape, 0)?, call.input(tape, 1)?);
    let (a, b, y) = (tape.shape(left)?, tape.dims(right)?, tape.dims(call.output(tape)?)?);
    let (rank_a, rank_b, rank_y) = (a.dims.len(), b.len(), y.len());
    if rank_a < 2 || rank_b < 2 {
        return Err(call.unsupported(tape, "multiplies vectors, for which there is no derivative rule"));
    }
    let stacked =
        |own: &[usize]| y.iter().take(rank_y - 2).chain(own.iter().skip(own.len() - 2)).copied().collect::<Vec<_>>();
    if tape.is_active(left) {
        let how = Product { right: true, ..Product::default() };
        let gradient = tape.product((&call.dy, rank_y), (right, rank_b), how, a.element);
        tape.give_broadcast(left, gradient, &stacked(&a.dims))?;
    }
    if tape.is_active(right) {
        let how = Product { left: true, ..Product::default() };
        let gradient = tape.product((left, rank_a), (&call.dy, rank_y), how, a.element);
        tape.give_broadcast(right, gradient, &stacked(&b))?;
    }
    Ok(())
}

/// Y = alpha·A'·B' + beta·C, where ' may be a transposition.
pub(super) fn gemm(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let (left, right) = (call.input(tape, 0)?, call.input(tape, 1)?);
    let (a_turned, b_turned) = (call.int("transA", 0) != 0, call.int("transB", 0) != 0);
    let scale = f64::from(call.float("alpha", 1.0));
    let y = tape.shape(call.output(tape)?)?;
    if tape.is_active(left) {
        // dA = dY·B'ᵀ, or its transpose B'·dYᵀ.
        let gradient = if a_turned {
            let how = Product { left: b_turned, right: true, scale };
            tape.product((right, 2), (&call.dy, 2), how, y.element)
        } else {
            let how = Product { left: false, right: !b_turned, scale };
            tape.product((&call.dy, 2), (right, 2), how, y.element)
        };
        tape.add_gradient(left, gradient);
    }
    if tape.is_active(right) {
        // dB = A'ᵀ·dY, or its transpose dYᵀ·A'.
        let gradient = if b_turned {
            let how = Product { left: true, right: a_turned, scale };
            tape.product((&call.dy, 2), (left, 2), how, y.element)
        } else {
            let how = Product { left: !a_turned, right: false, scale };
            tape.product((left, 2), (&call.dy, 2), how, y.element)
        };
        tape.add_gradient(right, gradient);
    }
    if let Some(added) = call.optional(2).filter(|added| tape.is_active(added)) {
        let beta = f64::from(call.float("beta", 1.0));
        let to = tape.dims(added)?;
        let mut gradient = tape.unbroadcast(call.dy.clone(), &y.dims, &to);
        if beta != 1.0 {
            gradient = tape.scaled(&gradient, beta, y.element);
        }
        tape.add_gradient(added, gradient);
    }
    Ok(())
}
