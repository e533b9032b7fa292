//! The command `cones` as it is typed. About a minute on two slow cores, in the release profile.

mod bundles;
mod drawing;
#[cfg(unix)]
mod interrupted;
mod masks;
mod publishing;
mod serving;
mod store;
mod story;
mod tool;
