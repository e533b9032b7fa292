//! A differentiated graph, loaded.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cones_core::runtime::raw;
use cones_core::{CancelToken, ExecutionProvider, memory};
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::{element, overridable, tensor};
use ort::logging::LogLevel;
use ort::memory::Allocator;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{IoBinding, Session};
use ort::value::Tensor;
use prost::Message;

use crate::blocks::Blocks;
use crate::error::{Error, Result};
use crate::spec::{Differentiated, Memory, Port};

/// Where ONNX Runtime looks for the weights of a graph that comes from memory.
const WEIGHTS_FOLDER: &str = "session.model_external_initializers_file_folder_path";

/// Where a graph runs.
#[derive(Debug, Clone, Default)]
pub struct GradientOptions {
    /// The execution provider that runs it.
    pub provider: ExecutionProvider,
    /// Threads inside one node; `None` takes one for each physical core.
    pub threads: Option<usize>,
    /// What may be held in memory.
    pub memory: Memory,
}

impl GradientOptions {
    /// How attention's scores are cut where this runs. On the CPU blocks are of the size at which Toybox's and Stable
    /// Diffusion's attention took the least time with one thread, two to three matrices of them in a core's own cache;
    /// with more threads they share a block. Elsewhere one large product is faster, and only memory asks for blocks.
    pub fn blocks(&self) -> Option<Blocks> {
        let threads = || self.threads.or_else(|| Some(std::thread::available_parallelism().ok()?.get())).unwrap_or(1);
        match (self.provider, self.memory) {
            (ExecutionProvider::Cpu, _) => Some(Blocks { bytes: (128 << 10) * threads(), queries: 64 * threads() }),
            (_, Memory::Low) => Some(Blocks { bytes: 16 << 20, queries: 1 }),
            (_, Memory::Normal) => None,
        }
    }
}

/// A differentiated graph, loaded, with its inputs and outputs in memory that is used again in every run.
pub struct GradientGraph {
    session: Session,
    binding: IoBinding,
    provider: ExecutionProvider,
    inputs: Vec<(Port, Values)>,
    outputs: Vec<(Port, Tensor<f32>)>,
    /// Files of weights that are mapped and not copied.
    weights: Vec<PathBuf>,
}

/// What an input holds.
enum Values {
    Real(Tensor<f32>),
    Whole(Tensor<i64>),
}

impl std::fmt::Debug for GradientGraph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GradientGraph").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl GradientGraph {
    /// Loads a graph. Its weights are read from where those of the original lie. All inputs are zero at first.
    ///
    /// # Errors
    /// When the provider is unavailable, ONNX Runtime refuses the graph, or an input or output is neither float32 nor,
    /// for inputs, int64.
    pub fn load(graph: &Differentiated, settings: &GradientOptions) -> Result<Self> {
        let session = load(graph, settings)?;
        let mut binding = session.create_binding().map_err(raw::failed("binding a derivative's values"))?;
        let inputs = graph.inputs.iter().map(|port| input(graph, port)).collect::<Result<Vec<_>>>()?;
        for (port, values) in &inputs {
            bind(&mut binding, port, values)?;
        }
        let mut outputs = Vec::new();
        for port in graph.outputs.iter().chain(&graph.gradients) {
            let stage = || raw::failed(format!("binding the output `{}` of a derivative", port.name));
            expect(graph, port, &[DataType::Float])?;
            let mut tensor = Tensor::<f32>::new(&Allocator::default(), port.shape.dims.clone()).map_err(stage())?;
            binding.bind_output(&port.name, &mut tensor).map_err(stage())?;
            outputs.push((port.clone(), tensor));
        }
        let weights = if settings.memory == Memory::Low { files(graph)? } else { vec![] };
        Ok(Self { session, binding, provider: settings.provider, inputs, outputs, weights })
    }

    /// Where it runs.
    pub fn provider(&self) -> ExecutionProvider {
        self.provider
    }

    /// Names, types and shapes of the inputs.
    pub fn inputs(&self) -> impl Iterator<Item = &Port> {
        self.inputs.iter().map(|(port, _)| port)
    }

    /// Fills an input, row-major. Whole-number inputs take numbers without a fraction.
    ///
    /// # Errors
    /// When there is no such input or it holds another number of elements.
    pub fn set(&mut self, name: &str, values: &[f32]) -> Result<()> {
        let Self { inputs, binding, .. } = self;
        let found = inputs.iter_mut().find(|(port, _)| port.name == name);
        let Some((port, held)) = found else { return Err(refused(name, "is no input of the derivative")) };
        let stage = || raw::failed(format!("filling the input `{name}` of a derivative"));
        let expected = port.shape.count();
        if values.len() != expected {
            return Err(refused(name, format!("takes {expected} numbers, and {} were given", values.len())));
        }
        match held {
            Values::Real(tensor) => tensor.try_extract_tensor_mut::<f32>().map_err(stage())?.1.copy_from_slice(values),
            Values::Whole(tensor) => {
                let (_, slots) = tensor.try_extract_tensor_mut::<i64>().map_err(stage())?;
                slots.iter_mut().zip(values).for_each(|(slot, value)| *slot = value.round() as i64);
            }
        }
        // On another device than the CPU the values were copied when they were bound.
        bind(binding, port, held)
    }

    /// Runs it once.
    ///
    /// # Errors
    /// [`cones_core::Error::Cancelled`] once the token is cancelled, also inside a run; what ONNX Runtime reports.
    pub fn run(&mut self, cancel: &CancelToken) -> Result<()> {
        let Self { session, binding, weights, .. } = self;
        let run = |options: &ort::session::RunOptions| {
            let runtime = |error: ort::Error| cones_core::Error::onnx_runtime("running a derivative", error.message());
            memory::run_with_few_pages(weights, || session.run_binding_with_options(binding, options).map(drop))
                .map_err(runtime)?;
            binding.synchronize_outputs().map_err(runtime)
        };
        Ok(cancel.guard(run)?)
    }

    /// What the last run gave for an output, row-major.
    ///
    /// # Errors
    /// When there is no such output.
    pub fn output(&self, name: &str) -> Result<&[f32]> {
        let found = self.outputs.iter().find(|(port, _)| port.name == name);
        let Some((_, tensor)) = found else { return Err(refused(name, "is no output of the derivative")) };
        Ok(tensor.try_extract_tensor::<f32>().map_err(raw::failed("reading a derivative's output"))?.1)
    }
}

fn refused(name: &str, reason: impl std::fmt::Display) -> Error {
    cones_core::Error::request("input", format!("`{name}` {reason}")).into()
}

fn load(graph: &Differentiated, settings: &GradientOptions) -> Result<Session> {
    let file = graph.model.file();
    let stage = || format!("loading the derivative of `{}`", file.display());
    let folder = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
    let environment = raw::environment()?;
    // The highest level rearranges the weights of convolutions, and packing copies those of products: half as much time
    // again is what using them where they lie costs at worst.
    let level = match settings.memory {
        Memory::Normal => GraphOptimizationLevel::All,
        Memory::Low => GraphOptimizationLevel::Level2,
    };
    let is_low = settings.memory == Memory::Low;
    if is_low {
        memory::be_tidy();
    }
    let mut builder = Session::builder(&environment)
        .map_err(raw::failed(stage()))?
        .with_optimization_level(level)
        .map_err(raw::failed(stage()))?
        .with_prepacking(!is_low)
        .map_err(raw::failed(stage()))?
        // The arena of the first run is kept beside the one block of the pattern that later runs would use.
        .with_memory_pattern(false)
        .map_err(raw::failed(stage()))?
        // Weights of fewer bits go through `DequantizeLinear`; products with them stay in floating point.
        .with_quant_qdq(false)
        .map_err(raw::failed(stage()))?
        .with_config_entry(WEIGHTS_FOLDER, folder.to_string_lossy())
        .map_err(raw::failed(stage()))?;
    if let Some(threads) = settings.threads {
        builder = builder.with_intra_threads(threads).map_err(raw::failed(stage()))?;
    }
    if is_low && settings.provider == ExecutionProvider::Cpu {
        // The arena keeps the largest blocks that were ever needed.
        let cpu = ort::ep::CPU::default().with_arena_allocator(false).build();
        builder = builder.with_execution_providers([cpu]).map_err(raw::failed(stage()))?;
        // Each weight that is an input too is warned of.
        builder = builder.with_log_level(LogLevel::Error).map_err(raw::failed(stage()))?;
    }
    let mut builder = raw::register(settings.provider, settings.threads, builder)?;
    let mut proto = graph.model.proto.clone();
    if let Some(graph_proto) = proto.graph.as_mut().filter(|_| is_low) {
        overridable::list(graph_proto, &graph.model.source, |_| false)?;
    }
    Ok(builder.commit_from_memory(&proto.encode_to_vec()).map_err(raw::failed(stage()))?)
}

/// The files that weights lie in.
fn files(graph: &Differentiated) -> Result<Vec<PathBuf>> {
    let folder = graph.model.file().parent().unwrap_or(Path::new("")).to_path_buf();
    let weights = graph.model.graph()?.initializer.iter().filter(|weight| tensor::is_external(weight));
    let names: BTreeSet<&str> = weights.filter_map(|weight| tensor::external_entry(weight, "location")).collect();
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

fn input(graph: &Differentiated, port: &Port) -> Result<(Port, Values)> {
    expect(graph, port, &[DataType::Float, DataType::Int64])?;
    let (dims, count) = (port.shape.dims.clone(), port.shape.count());
    let stage = || raw::failed(format!("making the input `{}` of a derivative", port.name));
    let values = if port.shape.element == DataType::Int64 as i32 {
        Values::Whole(Tensor::from_array((dims, vec![0i64; count])).map_err(stage())?)
    } else {
        Values::Real(Tensor::from_array((dims, vec![0f32; count])).map_err(stage())?)
    };
    Ok((port.clone(), values))
}

fn expect(graph: &Differentiated, port: &Port, kinds: &[DataType]) -> Result<()> {
    if kinds.iter().any(|kind| *kind as i32 == port.shape.element) {
        return Ok(());
    }
    let reason = format!("holds {}, and derivatives run in float32", element::name(port.shape.element));
    Err(Error::value(graph.model.file(), &port.name, reason))
}

fn bind(binding: &mut IoBinding, port: &Port, values: &Values) -> Result<()> {
    let stage = || raw::failed(format!("binding the input `{}` of a derivative", port.name));
    match values {
        Values::Real(tensor) => binding.bind_input(&port.name, tensor).map_err(stage())?,
        Values::Whole(tensor) => binding.bind_input(&port.name, tensor).map_err(stage())?,
    }
    Ok(())
}
