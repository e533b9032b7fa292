//! Pictures are shown to a classifier before anybody sees them, where the bundle or the app brings one.

pub(crate) mod blur;
pub(crate) mod checker;
pub mod classifier;
pub mod policy;
mod resample;
pub(crate) mod tensor;
pub mod verdict;
