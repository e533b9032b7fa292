//! Memory: how much there is, what a request will take of it, and giving it back.
//!
//! A graph is loaded in one of two forms ([`LoadForm`]). Which one, whether graphs stay loaded, and whether both branches of
//! guidance run at once is decided for each request, before anything is loaded, by a [`MemoryPlan`]: what each stage will
//! take, from the bundle's [`Profile`], against what there is.

pub(crate) mod arrangement;
mod estimate;
pub(crate) mod graph_memory;
pub(crate) mod heap;
pub(crate) mod pages;
mod plan;
pub(crate) mod planner;
mod profile;
pub(crate) mod refused;
pub(crate) mod system;

pub use arrangement::{Arrangement, LoadForm, Sizes};
pub use graph_memory::{GraphMemory, Point};
pub use heap::be_tidy;
pub use pages::{FEW as FEW_PAGES, run_with_few as run_with_few_pages};
pub use plan::{MemoryPlan, StageMemory};
pub use planner::plan;
pub use profile::Profile;
pub use system::available;
