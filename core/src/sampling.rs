//! What the denoise loop computes outside the graphs: initial noise as PyTorch draws it, and the schedulers.

pub mod noise;
pub mod scheduler;
