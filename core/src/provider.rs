//! Execution providers: what was asked for, what can be had, and why not.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use ort::session::builder::SessionBuilder;

use crate::{Error, Form, Result};

/// An ONNX Runtime execution provider, or the choice of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Provider {
    /// The fastest that works on this device: CUDA, then CoreML, else CPU. Never NNAPI, which is deprecated, nor
    /// XNNPACK, which does not always win over the CPU provider. What was taken is logged.
    Auto,
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

impl Provider {
    /// Every provider by name, for help texts and reports.
    pub const ALL: [Self; 6] = [Self::Auto, Self::Cpu, Self::Cuda, Self::CoreMl, Self::Xnnpack, Self::Nnapi];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
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

    /// `Ok` if this build and this device have it, else the reason why not.
    ///
    /// # Errors
    /// [`Error::ProviderUnavailable`], or [`Error::RuntimeMissing`] when ONNX Runtime cannot be loaded at all.
    pub fn available(self) -> Result<()> {
        let _environment = crate::runtime::environment()?;
        self.registered(&Setup::default()).map(|_| ())
    }

    /// Puts this provider into a session's options, for graphs that are run outside an [`Engine`](crate::Engine).
    /// Returns the one that `Auto` came to, and the options. `threads` are those inside one node.
    ///
    /// # Errors
    /// [`Error::ProviderUnavailable`].
    pub fn register(self, threads: Option<usize>, builder: SessionBuilder) -> Result<(Self, SessionBuilder)> {
        register(self, &Setup { threads, cache: None }, builder)
    }

    /// The provider for a bundle of this form: itself, but that `Auto` passes over what does not run the form.
    ///
    /// # Errors
    /// [`Error::ProviderUnavailable`] when it was named and does not run the form.
    pub(crate) fn for_form(self, form: Option<&Form>) -> Result<Self> {
        let Some(form) = form else { return Ok(self) };
        if self != Self::Auto {
            return form.check(self).map(|()| self);
        }
        if self.candidates().into_iter().all(|candidate| form.runs_on(candidate)) {
            return Ok(self);
        }
        let fits = |candidate: &Self| form.runs_on(*candidate) && candidate.available().is_ok();
        let taken = self.candidates().into_iter().find(fits).unwrap_or(Self::Cpu);
        log::info!("provider auto: took {taken} for a bundle of the form {form}");
        Ok(taken)
    }

    /// The providers `Auto` tries, best first.
    fn candidates(self) -> Vec<Self> {
        match self {
            Self::Auto => vec![Self::Cuda, Self::CoreMl, Self::Cpu],
            one => vec![one],
        }
    }

    fn registered(self, setup: &Setup) -> Result<Registered> {
        let mut refusals = Vec::new();
        for provider in self.candidates() {
            match provider.registration(setup) {
                Ok(registration) => {
                    if self == Self::Auto {
                        log::info!("provider auto: took {provider}{}", because(&refusals));
                    }
                    return Ok(Registered { provider, registration });
                }
                Err(error) if self == Self::Auto => refusals.push(error.to_string()),
                Err(error) => return Err(error),
            }
        }
        Err(unavailable("auto", refusals.join("; "), "install ONNX Runtime again"))
    }

    /// What to register with a session; `None` for the CPU provider, which is always there.
    fn registration(self, setup: &Setup) -> Result<Option<ort::ep::ExecutionProviderDispatch>> {
        match self {
            Self::Auto | Self::Cpu => Ok(None),
            Self::Cuda => cuda(setup).map(Some),
            Self::CoreMl => coreml(setup).map(Some),
            Self::Xnnpack => xnnpack(setup).map(Some),
            Self::Nnapi => nnapi(setup).map(Some),
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Provider {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|p| p.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|p| p.name()).collect();
            Error::request("provider", format!("`{text}` is unknown; one of {}", names.join(", ")))
        })
    }
}

/// What a provider wants to know besides the graph.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    /// Threads inside one node; `None` leaves it to ONNX Runtime.
    pub(crate) threads: Option<usize>,
    /// Folder for compiled models (CoreML), already specific to the graph and runtime.
    #[cfg_attr(not(all(feature = "coreml", target_vendor = "apple")), allow(dead_code))]
    pub(crate) cache: Option<PathBuf>,
}

struct Registered {
    provider: Provider,
    registration: Option<ort::ep::ExecutionProviderDispatch>,
}

/// Puts `provider` into a session's options and returns the one that `Auto` came to.
pub(crate) fn register(
    provider: Provider,
    setup: &Setup,
    builder: SessionBuilder,
) -> Result<(Provider, SessionBuilder)> {
    let Registered { provider, registration } = provider.registered(setup)?;
    let Some(registration) = registration else { return Ok((provider, builder)) };
    let builder = builder
        .with_execution_providers([registration.error_on_failure()])
        .map_err(|error| unavailable(provider.name(), error.message().to_owned(), "choose provider `cpu` or `auto`"))?;
    Ok((provider, builder))
}

fn because(refusals: &[String]) -> String {
    if refusals.is_empty() { String::new() } else { format!(" ({})", refusals.join("; ").replace('\n', ", ")) }
}

fn unavailable(provider: &'static str, reason: impl Into<String>, hint: &str) -> Error {
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
fn cuda(_setup: &Setup) -> Result<ort::ep::ExecutionProviderDispatch> {
    asked::<ort::ep::CUDA>("cuda", "point ORT_DYLIB_PATH at the library of the `onnxruntime-gpu` package")?;
    Ok(ort::ep::CUDA::default().build())
}

#[cfg(not(feature = "cuda"))]
fn cuda(_setup: &Setup) -> Result<ort::ep::ExecutionProviderDispatch> {
    Err(not_built("cuda", "build with `--features cuda` on a machine with an NVIDIA GPU"))
}

#[cfg(all(feature = "coreml", target_vendor = "apple"))]
fn coreml(setup: &Setup) -> Result<ort::ep::ExecutionProviderDispatch> {
    use ort::ep::coreml::{ComputeUnits, CoreML, ModelFormat};
    asked::<CoreML>("coreml", "use a library of ONNX Runtime that was built with CoreML")?;
    // NeuralNetwork, the default format, has no float16 and falls back to the CPU.
    let mut provider = CoreML::default()
        .with_model_format(ModelFormat::MLProgram)
        .with_compute_units(ComputeUnits::CPUAndNeuralEngine)
        .with_static_input_shapes(true);
    if let Some(cache) = &setup.cache {
        provider = provider.with_model_cache_dir(cache.display());
    }
    Ok(provider.build())
}

#[cfg(not(all(feature = "coreml", target_vendor = "apple")))]
fn coreml(_setup: &Setup) -> Result<ort::ep::ExecutionProviderDispatch> {
    Err(not_built("coreml", "build with `--features coreml` for macOS or iOS"))
}

#[cfg(feature = "xnnpack")]
fn xnnpack(setup: &Setup) -> Result<ort::ep::ExecutionProviderDispatch> {
    asked::<ort::ep::XNNPACK>("xnnpack", "use a library of ONNX Runtime that was built with XNNPACK")?;
    let mut provider = ort::ep::XNNPACK::default();
    if let Some(threads) = setup.threads.and_then(std::num::NonZeroUsize::new) {
        provider = provider.with_intra_op_num_threads(threads);
    }
    Ok(provider.build())
}

#[cfg(not(feature = "xnnpack"))]
fn xnnpack(_setup: &Setup) -> Result<ort::ep::ExecutionProviderDispatch> {
    Err(not_built("xnnpack", "build with `--features xnnpack`"))
}

#[cfg(all(feature = "nnapi", target_os = "android"))]
fn nnapi(_setup: &Setup) -> Result<ort::ep::ExecutionProviderDispatch> {
    asked::<ort::ep::NNAPI>("nnapi", "use a library of ONNX Runtime that was built with NNAPI")?;
    Ok(ort::ep::NNAPI::default().with_fp16(true).with_disable_cpu(true).build())
}

#[cfg(not(all(feature = "nnapi", target_os = "android")))]
fn nnapi(_setup: &Setup) -> Result<ort::ep::ExecutionProviderDispatch> {
    Err(not_built("nnapi", "build with `--features nnapi` for Android; NNAPI is deprecated, prefer `cpu`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for provider in Provider::ALL {
            assert_eq!(provider.name().parse::<Provider>().expect("a known name"), provider);
        }
        let error = "gpu".parse::<Provider>().expect_err("unknown");
        assert!(error.to_string().contains("coreml"), "{error}");
    }
}
