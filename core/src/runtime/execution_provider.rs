//! The execution providers of ONNX Runtime, as they are put into a session's options.

use std::fmt;
use std::path::PathBuf;

use ort::session::Session;
use ort::session::builder::SessionBuilder;

use crate::error::{Error, Result};
use crate::model::form::{Activations, Form, Weights};

/// An execution provider of ONNX Runtime. What is decided by the provider is decided on this type: it is never the
/// choice that [`Provider::Auto`](super::provider::Provider::Auto) leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ExecutionProvider {
    /// ONNX Runtime's own CPU kernels, float32.
    #[default]
    Cpu,
    /// NVIDIA GPUs.
    Cuda,
    /// Apple's Neural Engine and GPU.
    CoreMl,
    /// CPU kernels for phones.
    Xnnpack,
    /// Android's deprecated neural network interface.
    Nnapi,
}

/// What a provider wants to know besides the graph.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProviderOptions {
    /// Threads inside one node; `None` leaves it to ONNX Runtime.
    pub(crate) threads: Option<usize>,
    /// Folder for compiled models (CoreML), already specific to the graph and runtime.
    #[cfg_attr(not(all(feature = "coreml", target_vendor = "apple")), allow(dead_code))]
    pub(crate) cache: Option<PathBuf>,
}

impl ExecutionProvider {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::CoreMl => "coreml",
            Self::Xnnpack => "xnnpack",
            Self::Nnapi => "nnapi",
        }
    }

    /// Whether it runs the fused graph (`unet.onnx`), or needs the plain one (`unet.plain.onnx`).
    pub fn takes_fused_graph(self) -> bool {
        !matches!(self, Self::CoreMl | Self::Nnapi)
    }

    /// Whether weights and activations are in this process's own memory.
    pub fn computes_in_main_memory(self) -> bool {
        matches!(self, Self::Cpu | Self::Xnnpack)
    }

    /// Whether it runs the graphs of a form where it is asked to. CoreML has neither operator, and NNAPI takes weights of
    /// fewer bits only together with such activations; ONNX Runtime would run them on the CPU without a word.
    pub fn runs(self, form: &Form) -> bool {
        match self {
            Self::CoreMl => false,
            Self::Nnapi => form.activations == Activations::Int8 && form.weights == Weights::Int8,
            _ => true,
        }
    }

    /// # Errors
    /// [`Error::ProviderUnavailable`] where it does not [run](Self::runs) the form.
    pub(super) fn check_form(self, form: Option<&Form>) -> Result<()> {
        match form.filter(|form| !self.runs(form)) {
            None => Ok(()),
            Some(form) => Err(unavailable(
                self.name(),
                format!("it does not run bundles of the form {form}"),
                "take another form of this base model, or provider `cpu`",
            )),
        }
    }

    /// Loads it into the options of a session that is never made: a library that has it may still miss a driver.
    pub(super) fn load(self) -> Result<()> {
        let Some(registration) = self.registration(&ProviderOptions::default())? else { return Ok(()) };
        let environment = super::environment::environment()?;
        let builder = Session::builder(&environment).map_err(Error::runtime("asking for a provider"))?;
        let registered = builder.with_execution_providers([registration.error_on_failure()]);
        registered.map(drop).map_err(|error| {
            let hint = "see to its driver and libraries, or choose provider `cpu` or `auto`";
            unavailable(self.name(), error.message(), hint)
        })
    }

    /// Puts it into a session's options.
    ///
    /// # Errors
    /// [`Error::ProviderUnavailable`].
    pub(crate) fn register(self, options: &ProviderOptions, builder: SessionBuilder) -> Result<SessionBuilder> {
        let Some(registration) = self.registration(options)? else { return Ok(builder) };
        builder
            .with_execution_providers([registration.error_on_failure()])
            .map_err(|error| unavailable(self.name(), error.message(), "choose provider `cpu` or `auto`"))
    }

    /// What to register with a session; `None` for the CPU provider, which is always there.
    fn registration(self, options: &ProviderOptions) -> Result<Option<ort::ep::ExecutionProviderDispatch>> {
        match self {
            Self::Cpu => Ok(None),
            Self::Cuda => cuda(options).map(Some),
            Self::CoreMl => coreml(options).map(Some),
            Self::Xnnpack => xnnpack(options).map(Some),
            Self::Nnapi => nnapi(options).map(Some),
        }
    }
}

impl fmt::Display for ExecutionProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

pub(super) fn unavailable(provider: &'static str, reason: impl Into<String>, hint: &str) -> Error {
    Error::ProviderUnavailable { provider, reason: reason.into(), hint: hint.into() }
}

/// A provider that this build was made without.
#[allow(dead_code, reason = "each build leaves out other providers")]
fn not_built(provider: &'static str, hint: &str) -> Error {
    unavailable(provider, "this build does not include it", hint)
}

/// Asks the loaded library whether it holds a provider.
#[allow(dead_code, reason = "a build without any optional provider asks for none")]
fn asked<P: ort::ep::ExecutionProvider>(name: &'static str, hint: &str) -> Result<()> {
    match P::is_available() {
        Ok(true) => Ok(()),
        Ok(false) => Err(unavailable(name, "the loaded ONNX Runtime library was built without it", hint)),
        Err(error) => Err(unavailable(name, error.message().to_owned(), hint)),
    }
}

#[cfg(feature = "cuda")]
fn cuda(_: &ProviderOptions) -> Result<ort::ep::ExecutionProviderDispatch> {
    asked::<ort::ep::CUDA>("cuda", "point ORT_DYLIB_PATH at the library of the `onnxruntime-gpu` package")?;
    Ok(ort::ep::CUDA::default().build())
}

#[cfg(not(feature = "cuda"))]
fn cuda(_: &ProviderOptions) -> Result<ort::ep::ExecutionProviderDispatch> {
    Err(not_built("cuda", "build with `--features cuda` on a machine with an NVIDIA GPU"))
}

#[cfg(all(feature = "coreml", target_vendor = "apple"))]
fn coreml(options: &ProviderOptions) -> Result<ort::ep::ExecutionProviderDispatch> {
    use ort::ep::coreml::{ComputeUnits, CoreML, ModelFormat};
    asked::<CoreML>("coreml", "use a library of ONNX Runtime that was built with CoreML")?;
    // NeuralNetwork, the default format, has no float16 and falls back to the CPU.
    let mut provider = CoreML::default()
        .with_model_format(ModelFormat::MLProgram)
        .with_compute_units(ComputeUnits::CPUAndNeuralEngine)
        .with_static_input_shapes(true);
    if let Some(cache) = &options.cache {
        provider = provider.with_model_cache_dir(cache.display());
    }
    Ok(provider.build())
}

#[cfg(not(all(feature = "coreml", target_vendor = "apple")))]
fn coreml(_: &ProviderOptions) -> Result<ort::ep::ExecutionProviderDispatch> {
    Err(not_built("coreml", "build with `--features coreml` for macOS or iOS"))
}

#[cfg(feature = "xnnpack")]
fn xnnpack(options: &ProviderOptions) -> Result<ort::ep::ExecutionProviderDispatch> {
    asked::<ort::ep::XNNPACK>("xnnpack", "use a library of ONNX Runtime that was built with XNNPACK")?;
    let mut provider = ort::ep::XNNPACK::default();
    if let Some(threads) = options.threads.and_then(std::num::NonZeroUsize::new) {
        provider = provider.with_intra_op_num_threads(threads);
    }
    Ok(provider.build())
}

#[cfg(not(feature = "xnnpack"))]
fn xnnpack(_: &ProviderOptions) -> Result<ort::ep::ExecutionProviderDispatch> {
    Err(not_built("xnnpack", "build with `--features xnnpack`"))
}

#[cfg(all(feature = "nnapi", target_os = "android"))]
fn nnapi(_: &ProviderOptions) -> Result<ort::ep::ExecutionProviderDispatch> {
    asked::<ort::ep::NNAPI>("nnapi", "use a library of ONNX Runtime that was built with NNAPI")?;
    Ok(ort::ep::NNAPI::default().with_fp16(true).with_disable_cpu(true).build())
}

#[cfg(not(all(feature = "nnapi", target_os = "android")))]
fn nnapi(_: &ProviderOptions) -> Result<ort::ep::ExecutionProviderDispatch> {
    Err(not_built("nnapi", "build with `--features nnapi` for Android; NNAPI is deprecated, prefer `cpu`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_refused_where_it_would_not_run() {
        let form = |activations| Form { weights: Weights::Int8, activations, tool: "cones".into(), on_request: false };
        let [plain, fixed] = [Activations::Float, Activations::Int8].map(form);
        let runs = |provider: ExecutionProvider, form: &Form| provider.check_form(Some(form)).is_ok();
        assert!(runs(ExecutionProvider::Cpu, &plain) && runs(ExecutionProvider::Xnnpack, &fixed));
        assert!(runs(ExecutionProvider::Nnapi, &fixed) && !runs(ExecutionProvider::Nnapi, &plain));
        assert!(!runs(ExecutionProvider::CoreMl, &plain) && !runs(ExecutionProvider::CoreMl, &fixed));
    }
}
