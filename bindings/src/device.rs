//! What this device can run, and why not the rest.

use crate::{ConesError, Provider};

/// The runtime and every provider.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct DeviceReport {
    /// ONNX Runtime's description of its build; `None` if it cannot be loaded.
    pub runtime: Option<String>,
    /// Bytes of memory that this process can take; `None` where the system does not say.
    pub memory: Option<u64>,
    /// Every provider.
    pub providers: Vec<ProviderReport>,
}

/// One provider.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct ProviderReport {
    /// Which one.
    pub provider: Provider,
    /// Its name, as `coreml`.
    pub name: String,
    /// Whether it can be used here.
    pub available: bool,
    /// Why not; empty if it can.
    pub reason: String,
    /// What to do about it; empty if it can be used.
    pub hint: String,
}

/// What this device can run, and why not the rest. Loads ONNX Runtime; its absence is part of the report.
#[uniffi::export]
pub fn device_report() -> DeviceReport {
    use Provider::{Auto, CoreMl, Cpu, Cuda, Nnapi, Xnnpack};
    DeviceReport {
        runtime: cones_core::runtime::build_info().ok().map(str::to_owned),
        memory: cones_core::memory::available(),
        providers: [Auto, Cpu, Cuda, CoreMl, Xnnpack, Nnapi].map(report).into(),
    }
}

fn report(provider: Provider) -> ProviderReport {
    let core = cones_core::Provider::from(provider);
    let (reason, hint) = match core.available().map_err(ConesError::from) {
        Ok(()) => Default::default(),
        Err(ConesError::ProviderUnavailable { reason, hint, .. } | ConesError::RuntimeMissing { reason, hint, .. }) => {
            (reason, hint)
        }
        Err(other) => (other.to_string(), String::new()),
    };
    ProviderReport { provider, name: core.name().into(), available: reason.is_empty(), reason, hint }
}
