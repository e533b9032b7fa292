//! Enlarging by repeating the nearest element.

use crate::call::Call;
use crate::error::Result;
use crate::tape::Tape;

/// Each element gets the sum of its copies.
pub(super) fn nearest(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let (x, y) = (call.input(tape, 0)?, call.output(tape)?);
    let (from, to) = (tape.dims(x)?, tape.dims(y)?);
    if call.text("mode", "nearest") != "nearest" {
        return Err(call.unsupported(tape, "interpolates, for which there is no derivative rule"));
    }
    // [.., n, f, ..] for an axis that grew from n to n·f; its copies lie beside each other.
    let (mut apart, mut copies) = (Vec::new(), Vec::new());
    for (small, large) in from.iter().zip(&to) {
        let factor = if *small == 0 { 0 } else { large / small };
        if factor == 0 || factor * small != *large || !repeats(call, *small, factor) {
            return Err(call.unsupported(tape, format!("resizes {from:?} to {to:?}, which is no whole repetition")));
        }
        apart.push(*small);
        if factor > 1 {
            copies.push(apart.len());
            apart.push(factor);
        }
    }
    let gradient = if copies.is_empty() {
        call.dy.clone()
    } else {
        let apart = tape.reshape(&call.dy, &apart);
        tape.sum(&apart, &copies, false)
    };
    tape.add_gradient(x, gradient);
    Ok(())
}

/// Whether element `i` is a copy of element `i / factor`, which is what exporters write.
fn repeats(call: &Call<'_>, small: usize, factor: usize) -> bool {
    let ratio = 1.0 / factor as f64;
    let place = |i: f64| match call.text("coordinate_transformation_mode", "half_pixel") {
        "asymmetric" => Some(i * ratio),
        "half_pixel" | "pytorch_half_pixel" | "half_pixel_symmetric" => Some((i + 0.5) * ratio - 0.5),
        _ => None,
    };
    let round = |x: f64| match call.text("nearest_mode", "round_prefer_floor") {
        "floor" => x.floor(),
        "ceil" => x.ceil(),
        "round_prefer_ceil" => (x + 0.5).floor(),
        _ => (x - 0.5).ceil(),
    };
    let source = |i: usize| place(i as f64).map(|x| round(x).clamp(0.0, small.saturating_sub(1) as f64) as usize);
    factor == 1 || (0..small * factor).all(|i| source(i) == Some(i / factor))
}
