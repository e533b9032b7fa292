//! Convolution with respect to its picture. Its weights are frozen.

use cones_onnx::attribute;

use crate::call::Call;
use crate::error::Result;
use crate::tape::Tape;

/// The transposed convolution with the same weights takes the gradient back. With a stride of one it is an ordinary
/// convolution with turned weights, which ONNX Runtime's CPU provider computes a quarter faster, but of which it keeps a
/// copy.
pub(super) fn conv(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let (x, w) = (call.input(tape, 0)?, call.input(tape, 1)?);
    if tape.is_active(w) {
        return Err(
            call.unsupported(tape, "has weights that depend on the inputs, for which there is no derivative rule")
        );
    }
    let bias = call.optional(2).filter(|bias| tape.is_active(bias));
    if bias.is_some() {
        return Err(
            call.unsupported(tape, "has a bias that depends on the inputs, for which there is no derivative rule")
        );
    }
    let form = Form::read(tape, call)?;
    if tape.turned_weights
        && call.int("group", 1) == 1
        && let Some(pads) = form.turned_pads()
    {
        let weights = turned(tape, w, form.kernel.len());
        let attributes = vec![
            attribute::ints("kernel_shape", &form.kernel),
            attribute::ints("dilations", &form.dilations),
            attribute::ints("pads", &pads),
        ];
        let gradient = tape.node_with("Conv", &[&call.dy, &weights], attributes);
        tape.add_gradient(x, gradient);
        return Ok(());
    }
    let attributes = vec![
        attribute::ints("kernel_shape", &form.kernel),
        attribute::ints("strides", &form.strides),
        attribute::ints("dilations", &form.dilations),
        attribute::ints("pads", &form.pads),
        attribute::ints("output_padding", &form.left_over),
        attribute::int("group", call.int("group", 1)),
    ];
    let gradient = tape.node_with("ConvTranspose", &[&call.dy, w], attributes);
    tape.add_gradient(x, gradient);
    Ok(())
}

/// Weights with input and output channels exchanged and every kernel back to front; folded when the graph is loaded.
fn turned(tape: &mut Tape, w: &str, axes: usize) -> String {
    let mut order: Vec<usize> = (0..axes + 2).collect();
    order.swap(0, 1);
    let exchanged = tape.transpose(w, &order);
    let (start, end, step) = (vec![-1; axes], vec![i64::MIN; axes], vec![-1; axes]);
    let spatial: Vec<usize> = (2..axes + 2).collect();
    let (start, end, axes, step) = (tape.ints(&start), tape.ints(&end), tape.sizes(&spatial), tape.ints(&step));
    tape.node("Slice", &[&exchanged, &start, &end, &axes, &step])
}

/// The sizes of a convolution, one for each spatial axis; pads first at the start of all axes, then at the end.
struct Form {
    kernel: Vec<i64>,
    strides: Vec<i64>,
    dilations: Vec<i64>,
    pads: Vec<i64>,
    /// Rows and columns at the end that no step of the stride reached.
    left_over: Vec<i64>,
}

impl Form {
    /// Pads of the convolution that goes back, if that is an ordinary one.
    fn turned_pads(&self) -> Option<Vec<i64>> {
        if self.strides.iter().any(|stride| *stride != 1) || self.left_over.iter().any(|left| *left != 0) {
            return None;
        }
        let reach: Vec<i64> = self.kernel.iter().zip(&self.dilations).map(|(size, step)| (size - 1) * step).collect();
        let pads: Vec<i64> = reach.iter().chain(&reach).zip(&self.pads).map(|(reach, pad)| reach - pad).collect();
        pads.iter().all(|pad| *pad >= 0).then_some(pads)
    }

    fn read(tape: &Tape, call: &Call<'_>) -> Result<Self> {
        let x = signed(&tape.dims(call.input(tape, 0)?)?);
        let w = signed(&tape.dims(call.input(tape, 1)?)?);
        let y = signed(&tape.dims(call.output(tape)?)?);
        let axes = x.len().saturating_sub(2);
        let fault = |what: &str| call.unsupported(tape, format!("has {what} that do not fit its shapes"));
        let listed = |name: &'static str, count: usize, default: i64| {
            let given = attribute::get_ints(call.node, name).map_or_else(|| vec![default; count], <[i64]>::to_vec);
            if given.len() == count { Ok(given) } else { Err(fault(name)) }
        };
        let kernel = w.get(2..).unwrap_or_default().to_vec();
        let (strides, dilations) = (listed("strides", axes, 1)?, listed("dilations", axes, 1)?);
        if axes == 0 || kernel.len() != axes || y.len() != x.len() || strides.iter().any(|stride| *stride < 1) {
            return Err(fault("weights or strides"));
        }
        // How far the input reaches, were it as long as the steps of the kernel make it.
        let reach: Vec<i64> = (0..axes)
            .map(|i| {
                let number = |list: &[i64], at: usize| list.get(at).copied().unwrap_or(1);
                (number(&y, i + 2) - 1) * number(&strides, i) + (number(&kernel, i) - 1) * number(&dilations, i) + 1
            })
            .collect();
        let own = x.get(2..).unwrap_or_default();
        let pads = match call.text("auto_pad", "NOTSET") {
            "NOTSET" | "" => listed("pads", 2 * axes, 0)?,
            "VALID" => vec![0; 2 * axes],
            same => {
                let total = reach.iter().zip(own).map(|(reach, own)| (reach - own).max(0));
                let less = |total: i64| total / 2;
                let more = |total: i64| total - total / 2;
                let (starts, ends): (Vec<i64>, Vec<i64>) = match same {
                    "SAME_LOWER" => total.map(|t| (more(t), less(t))).unzip(),
                    _ => total.map(|t| (less(t), more(t))).unzip(),
                };
                [starts, ends].concat()
            }
        };
        let (starts, ends) = pads.split_at(axes);
        let left_over = (0..axes)
            .map(|i| {
                let number = |list: &[i64]| list.get(i).copied().unwrap_or(0);
                number(own) + number(starts) + number(ends) - number(&reach)
            })
            .collect();
        Ok(Self { kernel, strides, dilations, pads, left_over })
    }
}

fn signed(dims: &[usize]) -> Vec<i64> {
    dims.iter().map(|size| *size as i64).collect()
}
