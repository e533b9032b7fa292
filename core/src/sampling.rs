//! What is computed outside the graphs: initial noise as PyTorch draws it, the schedulers, guidance, and other
//! random numbers.

pub mod guidance;
pub mod noise;
mod rounded;
pub mod scheduler;
pub mod splitmix;
pub mod variation;
