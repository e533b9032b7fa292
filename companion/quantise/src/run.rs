//! Running a changed graph before it is written.

use cones_core::runtime::raw;
use cones_core::{CancelToken, ExecutionProvider};
use cones_onnx::Model;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session, SessionInputValue};
use ort::value::Tensor;
use prost::Message;

use crate::error::Result;

/// Where ONNX Runtime looks for the weights of a graph that comes from memory.
const WEIGHTS_FOLDER: &str = "session.model_external_initializers_file_folder_path";

/// One value given to a graph.
#[derive(Debug, Clone)]
pub(crate) enum Values {
    /// float32.
    Real(Vec<usize>, Vec<f32>),
    /// bool, 0 or not.
    Flags(Vec<bool>),
}

/// All that one run of a graph is given, by name.
pub(crate) type Feed = Vec<(String, Values)>;

/// A graph, loaded on the CPU.
#[derive(Debug)]
pub(crate) struct Runner {
    session: Session,
    name: String,
}

impl Runner {
    /// Loads a graph as it stands, with so many threads inside one node (`None`: one for each physical core); its weights are read from where those of its file lie.
    ///
    /// # Errors
    /// What ONNX Runtime says.
    pub(crate) fn load(model: &Model, threads: Option<usize>) -> Result<Self> {
        let name = model.file().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stage = || format!("loading a changed `{name}`");
        let folder = model.file().parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
        let environment = raw::environment()?;
        let mut builder = Session::builder(&environment)
            .map_err(raw::failed(stage()))?
            .with_optimization_level(GraphOptimizationLevel::All)
            .map_err(raw::failed(stage()))?
            .with_config_entry(WEIGHTS_FOLDER, folder.to_string_lossy())
            .map_err(raw::failed(stage()))?;
        if let Some(threads) = threads {
            builder = builder.with_intra_threads(threads).map_err(raw::failed(stage()))?;
        }
        let mut builder = raw::register(ExecutionProvider::Cpu, threads, builder)?;
        let session = builder.commit_from_memory(&model.proto.encode_to_vec()).map_err(raw::failed(stage()))?;
        Ok(Self { session, name })
    }

    /// Runs it once; gives all outputs in the graph's order, as float32.
    ///
    /// # Errors
    /// [`cones_core::Error::Cancelled`] once the token is cancelled; what ONNX Runtime says.
    pub(crate) fn run(&mut self, feed: &Feed, cancel: &CancelToken) -> Result<Vec<Vec<f32>>> {
        let stage = format!("running a changed `{}`", self.name);
        let mut inputs: Vec<(String, SessionInputValue<'_>)> = Vec::with_capacity(feed.len());
        for (name, values) in feed {
            let value = match values {
                Values::Real(shape, values) => {
                    Tensor::from_array((shape.clone(), values.clone())).map_err(raw::failed(stage.clone()))?.into_dyn()
                }
                Values::Flags(flags) => {
                    Tensor::from_array(([flags.len()], flags.clone())).map_err(raw::failed(stage.clone()))?.into_dyn()
                }
            };
            inputs.push((name.clone(), value.into()));
        }
        let session = &mut self.session;
        let outputs = cancel.guard(|options| {
            let runtime = |error: ort::Error| cones_core::Error::onnx_runtime(stage.clone(), error.message());
            let outputs = session.run_with_options(inputs, options).map_err(runtime)?;
            let values = |i: usize| Ok(outputs[i].try_extract_tensor::<f32>().map_err(runtime)?.1.to_vec());
            (0..outputs.len()).map(values).collect::<cones_core::Result<Vec<_>>>()
        })?;
        Ok(outputs)
    }
}
