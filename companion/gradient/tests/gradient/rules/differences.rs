//! Gradients against central differences.
//!
//! The differences are of fourth order: (f(x-2h) - 8f(x-h) + 8f(x+h) - f(x+2h)) / 12h, for each element of each wanted
//! input, f being the sum of the output times a fixed random cotangent. In float64 their own error is far below what is
//! asked of the gradients.

use std::collections::BTreeMap;

use cones_gradient::{Blocks, COTANGENT, DerivativeSpec, Memory, Objective, differentiate};
use cones_onnx::proto::tensor_proto::DataType;
use ort::session::Session;

use super::case::{Case, OUTPUT, Precision, Range, draw};
use super::session::{input, label, load, model, output};

/// Of the largest gradient, in float32 against differences in float64.
const ROUNDED: f64 = 1e-5;
/// Of the largest gradient, in float32 against differences that are in float32 themselves.
const ROUGH: f64 = 1e-3;

/// Names, dimensions and numbers.
type Values = Vec<(&'static str, Vec<usize>, Vec<f64>)>;

/// Plenty of memory and little; attention whole, in blocks of one or two queries, and in blocks of a head each.
const WAYS: [(Memory, Option<Blocks>); 4] = [
    (Memory::Normal, None),
    (Memory::Low, None),
    (Memory::Normal, Some(Blocks { bytes: 0, queries: 2 })),
    (Memory::Normal, Some(Blocks { bytes: 0, queries: usize::MAX })),
];

/// Checks one case in every type of number it has, in every way of [`WAYS`] that may differ.
pub(crate) fn check(case: &Case) -> Result<f64, String> {
    let (element, step) = match case.precision {
        Precision::Double => (DataType::Double, 1e-3),
        Precision::NoDouble | Precision::Single => (DataType::Float, 0.05),
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    if case.precision == Precision::NoDouble && load(&model(case.model(DataType::Double), folder.path())).is_ok() {
        return Err("ONNX Runtime has a kernel for float64 after all".into());
    }
    let values = case.wanted_values();
    let mut session = load(&model(case.model(element), folder.path()))?;
    let (dims, _) = forward(&mut session, &values);
    let cotangent = draw(dims.iter().product(), Range::Apart, 99);
    let expected = differences(&mut session, &values, &cotangent, step);
    let mut runs = vec![];
    if case.precision == Precision::Double {
        runs.extend([(DataType::Double, case.exact), (DataType::Float, ROUNDED)]);
    } else {
        runs.push((DataType::Float, ROUGH));
    }
    let mut worst = 0f64;
    for (element, tolerance) in runs {
        let ways = WAYS.into_iter().filter(|(_, blocks)| blocks.is_none() || case.op.ends_with("Attention"));
        for way in ways {
            let found = gradients(case, element, way, &values, (&dims, &cotangent))?;
            for ((name, found), expected) in values.iter().map(|(name, ..)| name).zip(&found).zip(&expected) {
                let distance = distance(found, expected)?;
                // What is no number is not near.
                let is_near = distance <= tolerance;
                if !is_near {
                    return Err(format!(
                        "the gradient of `{name}` in {} ({way:?}) is {distance:.1e} from differences:\n{found:?}\n{expected:?}",
                        label(element)
                    ));
                }
                worst = worst.max(distance / tolerance);
            }
        }
    }
    Ok(worst)
}

/// The largest difference, as a share of the largest expected value.
fn distance(found: &[f64], expected: &[f64]) -> Result<f64, String> {
    let largest = expected.iter().fold(0f64, |most, value| most.max(value.abs()));
    if largest < 1e-2 || found.len() != expected.len() {
        return Err(format!("{} gradients, the largest {largest:.1e}: this tests nothing", expected.len()));
    }
    let gap = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0f64, |most, gap| {
        // `max` would lose what is no number.
        if gap <= most { most } else { gap }
    });
    Ok(gap / largest)
}

fn forward(session: &mut Session, values: &Values) -> (Vec<usize>, Vec<f64>) {
    let inputs: Vec<_> =
        values.iter().map(|(name, dims, values)| (*name, input(session, name, dims, values))).collect();
    let outputs = session.run(inputs).expect("a run of the forward graph");
    output(&outputs[OUTPUT])
}

fn differences(session: &mut Session, values: &Values, cotangent: &[f64], step: f64) -> Vec<Vec<f64>> {
    let mut moved = values.clone();
    let mut gradients = Vec::new();
    for at in 0..values.len() {
        let mut gradient = Vec::new();
        for element in 0..values[at].2.len() {
            let mut slope = 0.0;
            // float32 moves by what it can hold.
            let (centre, step) = (values[at].2[element], step as f32 as f64);
            for (steps, weight) in [(-2.0, 1.0), (-1.0, -8.0), (1.0, 8.0), (2.0, -1.0)] {
                moved[at].2[element] = centre + steps * step;
                let (_, y) = forward(session, &moved);
                slope += weight * y.iter().zip(cotangent).map(|(y, c)| y * c).sum::<f64>();
            }
            moved[at].2[element] = centre;
            gradient.push(slope / (12.0 * step));
        }
        gradients.push(gradient);
    }
    gradients
}

fn gradients(
    case: &Case,
    element: DataType,
    (memory, blocks): (Memory, Option<Blocks>),
    values: &Values,
    (dims, cotangent): (&[usize], &[f64]),
) -> Result<Vec<Vec<f64>>, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plan = DerivativeSpec {
        inputs: BTreeMap::new(),
        values: values.iter().map(|(name, ..)| (*name).to_owned()).collect(),
        objective: Objective::Cotangent,
        memory,
        blocks,
    };
    let derivative =
        differentiate(model(case.model(element), folder.path()), &plan).map_err(|error| error.to_string())?;
    let session = load(&derivative.model);
    let mut session =
        session.map_err(|error| format!("the derivative in {} does not load: {error}", label(element)))?;
    // A gradient may not need an input's numbers, and then the graph has no such input.
    let is_read = |name: &str| session.inputs().iter().any(|input| input.name() == name);
    let mut inputs: Vec<_> = values
        .iter()
        .filter(|(name, ..)| is_read(name))
        .map(|(name, dims, values)| (*name, input(&session, name, dims, values)))
        .collect();
    inputs.push((COTANGENT, input(&session, COTANGENT, dims, cotangent)));
    let outputs = session.run(inputs).map_err(|error| format!("the derivative does not run: {error}"))?;
    let each = derivative.gradients.iter().zip(values).map(|(port, (name, dims, _))| {
        let (found, values) = output(&outputs[port.name.as_str()]);
        if &found == dims {
            Ok(values)
        } else {
            Err(format!("the gradient of `{name}` has shape {found:?}, not {dims:?}"))
        }
    });
    each.collect()
}
