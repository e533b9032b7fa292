//! One ONNX graph, loaded on a provider.

use std::borrow::Cow;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use ort::logging::LogLevel;
use ort::session::builder::{BuilderResult, GraphOptimizationLevel, SessionBuilder};
use ort::session::{Session, SessionInputValue, SessionOutputs};
use ort::value::{DynValue, PrimitiveTensorElementType, Tensor, TensorElementType, ValueType};

use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::memory::{LoadForm, pages};
use crate::model::{attention_bias, external_data};
use crate::runtime::execution_provider::{ExecutionProvider, ProviderOptions};

/// ONNX Runtime's option for exact whole-number products on AVX2 and AVX-512 without VNNI.
const EXACT_SUMS: &str = "session.x64quantprecision";

/// ONNX Runtime's option for where the weights of a graph lie that is given as bytes.
const WEIGHTS_FOLDER: &str = "session.model_external_initializers_file_folder_path";

/// How graphs are loaded.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) provider: ExecutionProvider,
    pub(crate) provider_options: ProviderOptions,
    /// Whether weights stay where they are.
    pub(crate) form: LoadForm,
    /// Whether activations stay in floating point though weights have fewer bits. ONNX Runtime would else compute some
    /// of the products in whole numbers, which is less exact and here also slower.
    pub(crate) float_activations: bool,
    /// Whether products are of whole numbers, with weights that are constants. These are packed though memory is short: their
    /// packed copies are no larger than what lies in the file, and packing them in every step takes longer than the products.
    pub(crate) packs: bool,
    /// Values for the graph's named dimensions, so that every shape is static.
    pub(crate) dimensions: Vec<(&'static str, usize)>,
}

/// A loaded graph.
pub(crate) struct Graph {
    name: String,
    provider: ExecutionProvider,
    /// Files of weights that are mapped and not copied.
    pub(crate) weights: Vec<PathBuf>,
    pub(crate) session: Session,
}

impl Graph {
    /// Loads `path` with all optimisations, or those that leave weights where they are; `edited` in its place, where it is given, with
    /// the weights that lie beside `path`.
    pub(crate) fn load(path: &Path, edited: Option<&[u8]>, options: &Options) -> Result<Self> {
        let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        let stage = || format!("loading `{name}`");
        external_data::check(path)?;
        let environment = crate::runtime::environment::environment()?;
        let builder = Session::builder(&environment).map_err(Error::runtime(stage()))?;
        let formed = match options.form {
            LoadForm::Mapped => mapped(builder, options.packs),
            LoadForm::Fast => builder.with_optimization_level(GraphOptimizationLevel::All),
        };
        let mut builder = formed.map_err(Error::runtime(stage()))?;
        if options.float_activations {
            builder = builder.with_quant_qdq(false).map_err(Error::runtime(stage()))?;
        }
        if options.packs {
            // Else x86 processors without VNNI add pairs of products up in 16 bits, which overflow: the U-Net of Stable
            // Diffusion's size was off by 19 % instead of 5 %. Others are not asked.
            builder = builder.with_config_entry(EXACT_SUMS, "1").map_err(Error::runtime(stage()))?;
        }
        if let Some(threads) = session_threads(options) {
            builder = builder.with_intra_threads(threads).map_err(Error::runtime(stage()))?;
        }
        if !may_spin(options.provider) {
            builder = builder.with_intra_op_spinning(false).map_err(Error::runtime(stage()))?;
        }
        for (dimension, size) in &options.dimensions {
            let size = i64::try_from(*size).unwrap_or(i64::MAX);
            builder = builder.with_dimension_override(dimension, size).map_err(Error::runtime(stage()))?;
        }
        let mut builder = options.provider.register(&options.provider_options, builder)?;
        let committed = match edited {
            None => builder.commit_from_file(path),
            Some(model) => {
                let folder = path.parent().unwrap_or(Path::new(".")).to_string_lossy().into_owned();
                let mut builder = builder.with_config_entry(WEIGHTS_FOLDER, folder).map_err(Error::runtime(stage()))?;
                builder.commit_from_memory(model)
            }
        };
        let session = committed.map_err(|error| {
            if crate::memory::refused::block_refused(error.message()).is_some() {
                Error::onnx_runtime(stage(), error.message())
            } else if path.exists() {
                Error::BadBundle {
                    path: path.to_path_buf(),
                    reason: format!("ONNX Runtime cannot load it: {}", error.message()),
                    // Older ones do not know the opset of the fused graphs.
                    hint: "install the bundle again; ONNX Runtime must be 1.23 or newer".into(),
                }
            } else {
                Error::bundle(path, "the file is missing")
            }
        })?;
        Ok(Self { name, provider: options.provider, weights: Vec::new(), session })
    }

    /// The provider it runs on.
    pub(crate) fn provider(&self) -> ExecutionProvider {
        self.provider
    }

    /// Element type and dimensions (-1 where free) of an input.
    pub(crate) fn input(&self, name: &str) -> Result<(TensorElementType, Vec<i64>)> {
        let outlet = self.session.inputs().iter().find(|input| input.name() == name);
        match outlet.map(|outlet| outlet.dtype()) {
            Some(ValueType::Tensor { ty, shape, .. }) => Ok((*ty, shape.to_vec())),
            _ => Err(Error::bundle(&self.name, format!("the graph has no tensor input `{name}`"))),
        }
    }

    /// How many times smaller than the latent layers see the picture, for each of its inputs that are a bias of their attention.
    pub(crate) fn downsamplings(&self) -> Vec<usize> {
        self.session.inputs().iter().filter_map(|input| attention_bias::downsampling_of(input.name())).collect()
    }

    /// Whether it takes an input of that name.
    pub(crate) fn takes(&self, name: &str) -> bool {
        self.session.inputs().iter().any(|input| input.name() == name)
    }

    /// The name of its input, where there is one alone.
    pub(crate) fn only_input(&self) -> Result<String> {
        match self.session.inputs() {
            [input] => Ok(input.name().to_owned()),
            inputs => Err(Error::bundle(&self.name, format!("the graph takes {} inputs instead of one", inputs.len()))),
        }
    }

    /// Runs one input through to the first output.
    pub(crate) fn run<T: PrimitiveTensorElementType + Debug + Clone + 'static>(
        &mut self,
        input: &str,
        shape: &[usize],
        data: Vec<T>,
        cancel: &CancelToken,
    ) -> Result<(Vec<usize>, Vec<f32>)> {
        let tensor = self.tensor(input, shape, data)?;
        self.run_all(ort::inputs![input => tensor], cancel)
    }

    /// Runs all inputs through to the first output.
    pub(crate) fn run_all(
        &mut self,
        inputs: Vec<(Cow<'_, str>, SessionInputValue<'_>)>,
        cancel: &CancelToken,
    ) -> Result<(Vec<usize>, Vec<f32>)> {
        self.run_to(inputs, None, cancel)
    }

    /// Runs all inputs through to an output by its name, or the first.
    pub(crate) fn run_to(
        &mut self,
        inputs: Vec<(Cow<'_, str>, SessionInputValue<'_>)>,
        output: Option<&str>,
        cancel: &CancelToken,
    ) -> Result<(Vec<usize>, Vec<f32>)> {
        self.run_reading(inputs, cancel, |graph, outputs| match output {
            None => first_f32(graph, outputs),
            Some(output) => named_f32(graph, outputs, output),
        })
    }

    /// Runs all inputs through to two outputs by their names.
    pub(crate) fn run_to_both(
        &mut self,
        inputs: Vec<(Cow<'_, str>, SessionInputValue<'_>)>,
        [first, second]: [&str; 2],
        cancel: &CancelToken,
    ) -> Result<[(Vec<usize>, Vec<f32>); 2]> {
        self.run_reading(inputs, cancel, |graph, outputs| {
            Ok([named_f32(graph, outputs, first)?, named_f32(graph, outputs, second)?])
        })
    }

    fn run_reading<T>(
        &mut self,
        inputs: Vec<(Cow<'_, str>, SessionInputValue<'_>)>,
        cancel: &CancelToken,
        read: impl FnOnce(&str, &SessionOutputs<'_>) -> Result<T>,
    ) -> Result<T> {
        let stage = format!("running `{}`", self.name);
        let Self { weights, session, name, .. } = self;
        cancel.guard(|options| {
            pages::run_with_few(weights, || {
                let outputs = session.run_with_options(inputs, options).map_err(Error::runtime(stage))?;
                read(name, &outputs)
            })
        })
    }

    /// A tensor for an input that must be there with its type.
    pub(crate) fn tensor<T: PrimitiveTensorElementType + Debug + Clone + 'static>(
        &self,
        input: &str,
        shape: &[usize],
        data: Vec<T>,
    ) -> Result<Tensor<T>> {
        self.expect(input, T::into_tensor_element_type())?;
        let stage = format!("running `{}`", self.name);
        Tensor::from_array((shape.to_vec(), data)).map_err(Error::runtime(stage))
    }

    /// The input is there with its type; ONNX Runtime's own message would not blame the bundle.
    fn expect(&self, name: &str, wanted: TensorElementType) -> Result<()> {
        let (found, _) = self.input(name)?;
        if found == wanted {
            return Ok(());
        }
        Err(Error::bundle(&self.name, format!("its input `{name}` has type {found} instead of {wanted}")))
    }
}

/// Threads of the session itself. XNNPACK has a pool of its own, beside which another would fight for the same cores.
fn session_threads(options: &Options) -> Option<usize> {
    if options.provider == ExecutionProvider::Xnnpack { Some(1) } else { options.provider_options.threads }
}

/// Whether idle threads may wait by turning in a circle: a little faster, at the cost of a phone's battery and of XNNPACK's
/// own threads.
fn may_spin(provider: ExecutionProvider) -> bool {
    provider != ExecutionProvider::Xnnpack && !cfg!(any(target_os = "android", target_os = "ios"))
}

/// Nothing is packed or brought into another layout, unless `packs`, and what is freed goes back at once: the arena keeps
/// the largest blocks that were ever needed, and a pattern of memory is one block as large as all of them.
#[allow(clippy::result_large_err, reason = "the builder's own error, which holds the builder")]
fn mapped(builder: SessionBuilder, packs: bool) -> BuilderResult {
    builder
        .with_optimization_level(if packs { GraphOptimizationLevel::All } else { GraphOptimizationLevel::Level2 })?
        .with_prepacking(packs)?
        .with_memory_pattern(false)?
        .with_execution_providers([ort::ep::CPU::default().with_arena_allocator(false).build()])?
        // Each weight that is an input too is warned of.
        .with_log_level(LogLevel::Error)
}

/// Shape and values of the first output.
pub(crate) fn first_f32(graph: &str, outputs: &SessionOutputs<'_>) -> Result<(Vec<usize>, Vec<f32>)> {
    if outputs.len() == 0 {
        return Err(Error::bundle(graph, "the graph has no output"));
    }
    f32s(graph, &outputs[0])
}

/// Shape and values of an output by its name.
fn named_f32(graph: &str, outputs: &SessionOutputs<'_>, name: &str) -> Result<(Vec<usize>, Vec<f32>)> {
    match outputs.get(name) {
        Some(value) => f32s(graph, value),
        None => Err(Error::bundle(graph, format!("the graph has no output `{name}`"))),
    }
}

/// Shape and values of an output.
fn f32s(graph: &str, output: &DynValue) -> Result<(Vec<usize>, Vec<f32>)> {
    let (shape, values) = output
        .try_extract_tensor::<f32>()
        .map_err(|error| Error::bundle(graph, format!("its output is not float32: {}", error.message())))?;
    Ok((shape.iter().map(|&d| usize::try_from(d).unwrap_or(0)).collect(), values.to_vec()))
}
