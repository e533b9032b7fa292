//! Ways of finding neurons, behind one trait.

mod accumulate;
pub(crate) mod adam;
mod adaptive;
mod factors;
mod finetune;
mod kind;
mod learned;
mod tuning;
mod way;

pub use accumulate::Accumulate;
pub use adaptive::Adaptive;
pub use factors::Factors;
pub use finetune::Finetune;
pub use kind::MethodKind;
pub use learned::Learned;
pub use tuning::MethodTuning;
pub use way::Method;
