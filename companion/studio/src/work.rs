//! What the machine does for each kind of job.

pub(crate) mod draw;
pub(crate) mod find;
mod finding;
pub(crate) mod sheet;
