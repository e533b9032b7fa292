//! Which execution provider is asked for, and which one that comes to.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::model::form::Form;

use super::execution_provider::{ExecutionProvider, unavailable};

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
    /// Every provider, for help texts and reports.
    pub const ALL: [Self; 6] = [Self::Auto, Self::Cpu, Self::Cuda, Self::CoreMl, Self::Xnnpack, Self::Nnapi];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        self.named().map_or("auto", ExecutionProvider::name)
    }

    /// The provider that this build and this device really run a bundle of `form` on (none for the exact one): itself
    /// where one is named, the best that loads where it is `auto`. Each is put into a session's options to find out.
    ///
    /// # Errors
    /// [`Error::ProviderUnavailable`] when it was named and cannot be had or does not run the form;
    /// [`Error::RuntimeMissing`] when ONNX Runtime cannot be loaded, which `cpu` does not ask for.
    pub fn resolve(self, form: Option<&Form>) -> Result<ExecutionProvider> {
        if let Some(named) = self.named() {
            named.check_form(form)?;
            return named.load().map(|()| named);
        }
        let mut refusals = Vec::new();
        for candidate in [ExecutionProvider::Cuda, ExecutionProvider::CoreMl, ExecutionProvider::Cpu] {
            match candidate.check_form(form).and_then(|()| candidate.load()) {
                Ok(()) => {
                    log::info!("provider auto: took {candidate}{}", because(&refusals));
                    return Ok(candidate);
                }
                Err(error) => refusals.push(error.to_string()),
            }
        }
        Err(unavailable("auto", refusals.join("; "), "install ONNX Runtime again"))
    }

    /// `Ok` if this build and this device have it, else the reason why not.
    ///
    /// # Errors
    /// [`Error::ProviderUnavailable`], or [`Error::RuntimeMissing`] when ONNX Runtime cannot be loaded at all.
    pub fn available(self) -> Result<()> {
        super::environment::environment()?;
        self.resolve(None).map(|_| ())
    }

    /// The provider that is named; none for `auto`.
    fn named(self) -> Option<ExecutionProvider> {
        match self {
            Self::Auto => None,
            Self::Cpu => Some(ExecutionProvider::Cpu),
            Self::Cuda => Some(ExecutionProvider::Cuda),
            Self::CoreMl => Some(ExecutionProvider::CoreMl),
            Self::Xnnpack => Some(ExecutionProvider::Xnnpack),
            Self::Nnapi => Some(ExecutionProvider::Nnapi),
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

fn because(refusals: &[String]) -> String {
    if refusals.is_empty() { String::new() } else { format!(" ({})", refusals.join("; ").replace('\n', ", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::form::{Activations, Weights};

    #[test]
    fn names_are_read_as_they_are_written() {
        for provider in Provider::ALL {
            assert_eq!(provider.name().parse::<Provider>().ok(), Some(provider));
        }
        let unknown = "gpu".parse::<Provider>().expect_err("there is none of that name");
        assert!(unknown.to_string().contains("auto, cpu, cuda"), "{unknown}");
    }

    #[test]
    fn the_cpu_is_there_without_being_asked_and_a_form_decides_with() {
        assert_eq!(Provider::Cpu.resolve(None).ok(), Some(ExecutionProvider::Cpu));
        let fixed =
            Form { weights: Weights::Int8, activations: Activations::Int8, tool: "x".into(), on_request: false };
        let refused = Provider::CoreMl.resolve(Some(&fixed)).expect_err("CoreML dequantises nothing");
        assert!(matches!(refused, Error::ProviderUnavailable { provider: "coreml", .. }), "{refused}");
    }
}
