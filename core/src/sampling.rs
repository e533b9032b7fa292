//! What is computed outside the graphs: initial noise as PyTorch draws it, the schedulers, and other random numbers.

pub mod noise;
mod rounded;
pub mod scheduler;
pub mod splitmix;
pub mod variation;
