//! Running a graph on one sample, or the same several times, whatever names, types and batch its exporter chose.

use std::path::Path;

use cones_core::model::bundle::EMBEDDING_OFFSETS;
use cones_core::runtime::raw;
use half::f16;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session, SessionInputValue, SessionOutputs};
use ort::value::{DynValue, Outlet, Tensor, TensorElementType, ValueType};

use crate::error::{Error, Result};

/// One input: the name that it has in a bundle, its shape for one sample, and its numbers.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

impl Given {
    pub(super) fn new(name: &str, shape: &[usize], values: Vec<f32>) -> Self {
        Self { name: name.to_owned(), shape: shape.to_vec(), values }
    }
}

/// A graph that is loaded without optimising it: it is to be run once or twice.
pub(super) struct Runner<'a> {
    file: &'a Path,
    session: Session,
}

impl<'a> Runner<'a> {
    /// # Errors
    /// When ONNX Runtime is missing or refuses the graph.
    pub(super) fn load(file: &'a Path) -> Result<Self> {
        let environment = raw::environment()?;
        let stage = || format!("loading `{}`", file.display());
        let session = Session::builder(&environment)
            .map_err(raw::failed(stage()))?
            .with_optimization_level(GraphOptimizationLevel::Disable)
            .map_err(raw::failed(stage()))?
            // One run each: threads that wait for the next one by spinning would only keep others from theirs.
            .with_intra_op_spinning(false)
            .map_err(raw::failed(stage()))?
            // What it has to say is in its errors.
            .with_log_level(ort::logging::LogLevel::Fatal)
            .map_err(raw::failed(stage()))?
            .commit_from_file(file)
            .map_err(raw::failed(stage()))?;
        Ok(Self { file, session })
    }

    /// The numbers of the output with the name that it has in a bundle, or else of the first, for the first sample.
    ///
    /// # Errors
    /// When inputs cannot be matched or the graph fails.
    pub(super) fn run(&mut self, given: &[Given], output: &str, samples: usize) -> Result<Vec<f32>> {
        Ok(self.run_to(given, &[output], samples)?.swap_remove(0))
    }

    /// Runs the graph and gives the first `samples` rows of several outputs, one or more.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(super) fn run_to(&mut self, given: &[Given], wanted: &[&str], samples: usize) -> Result<Vec<Vec<f32>>> {
        let stage = || format!("running `{}`", self.file.display());
        let mut inputs: Vec<(String, SessionInputValue<'_>)> = Vec::new();
        let mut most = 1;
        for outlet in self.session.inputs() {
            let one = self.matching(outlet, given)?;
            let (value, batch) = value(outlet, &one, samples).ok_or_else(|| self.strange(outlet))?;
            most = most.max(batch);
            inputs.push((outlet.name().to_owned(), value.map_err(raw::failed(stage()))?.into()));
        }
        let outputs = self.session.run(inputs).map_err(raw::failed(stage()))?;
        let mut all = Vec::with_capacity(wanted.len());
        for output in wanted {
            let mut values = numbers(&outputs, output)
                .ok_or_else(|| Error::interface(self.file, format!("gives no output `{output}` of numbers")))?;
            values.truncate(values.len() / most);
            all.push(values);
        }
        Ok(all)
    }

    /// The names of what it gives.
    pub(super) fn outputs(&self) -> impl Iterator<Item = &str> {
        self.session.outputs().iter().map(Outlet::name)
    }

    /// What an input is to get: what has its name, or what has no input of its name; zeros for offsets of embeddings.
    fn matching(&self, outlet: &Outlet, given: &[Given]) -> Result<Given> {
        if let Some(one) = given.iter().find(|one| one.name == outlet.name()) {
            return Ok(one.clone());
        }
        if let (EMBEDDING_OFFSETS, Some(ids), ValueType::Tensor { shape, .. }) =
            (outlet.name(), given.first(), outlet.dtype())
        {
            let width = shape.last().and_then(|width| usize::try_from(*width).ok()).unwrap_or(0);
            let shape: Vec<usize> = ids.shape.iter().copied().chain([width]).collect();
            let count = shape.iter().product();
            return Ok(Given { name: outlet.name().to_owned(), shape, values: vec![0.0; count] });
        }
        let known = |one: &&Given| self.session.inputs().iter().any(|outlet| outlet.name() == one.name);
        match given.iter().filter(|one| !known(one)).collect::<Vec<_>>()[..] {
            [one] => Ok(one.clone()),
            _ => Err(self.strange(outlet)),
        }
    }

    fn strange(&self, outlet: &Outlet) -> Error {
        let reason = format!("takes an input `{}` ({:?}) that nothing is known of", outlet.name(), outlet.dtype());
        Error::interface(self.file, reason)
    }
}

type Made = Result<DynValue, ort::Error>;

/// The tensor of the type and batch that the input has (`samples` where that is free), and that batch; `None` for what is no
/// tensor of numbers.
fn value(outlet: &Outlet, given: &Given, samples: usize) -> Option<(Made, usize)> {
    let ValueType::Tensor { ty, shape, .. } = outlet.dtype() else { return None };
    let free = if shape.is_empty() { 1 } else { samples };
    let batch = shape.first().and_then(|size| usize::try_from(*size).ok()).filter(|size| *size > 0).unwrap_or(free);
    let mut dims = given.shape.clone();
    match dims.first_mut() {
        // One number, as some exporters write the timestep.
        Some(_) if shape.is_empty() => dims.clear(),
        Some(first) if *first == 1 => *first = batch,
        _ => {}
    }
    let values = given.values.repeat(batch);
    let made = match ty {
        TensorElementType::Float32 => Tensor::from_array((dims, values)).map(Tensor::into_dyn),
        TensorElementType::Float16 => tensor(dims, &values, f16::from_f32),
        TensorElementType::Float64 => tensor(dims, &values, f64::from),
        TensorElementType::Int64 => tensor(dims, &values, |value| value as i64),
        TensorElementType::Int32 => tensor(dims, &values, |value| value as i32),
        _ => return None,
    };
    Some((made, batch))
}

fn tensor<T: ort::value::PrimitiveTensorElementType + std::fmt::Debug + Clone + 'static>(
    dims: Vec<usize>,
    values: &[f32],
    convert: impl Fn(f32) -> T,
) -> Made {
    Tensor::from_array((dims, values.iter().map(|value| convert(*value)).collect::<Vec<T>>())).map(Tensor::into_dyn)
}

/// The output's numbers; the first output's where there is none of that name.
fn numbers(outputs: &SessionOutputs<'_>, output: &str) -> Option<Vec<f32>> {
    if outputs.len() == 0 {
        return None;
    }
    let value = outputs.get(output).unwrap_or(&outputs[0]);
    if let Ok((_, values)) = value.try_extract_tensor::<f32>() {
        return Some(values.to_vec());
    }
    if let Ok((_, values)) = value.try_extract_tensor::<f16>() {
        return Some(values.iter().map(|value| value.to_f32()).collect());
    }
    let (_, values) = value.try_extract_tensor::<f64>().ok()?;
    Some(values.iter().map(|value| *value as f32).collect())
}
