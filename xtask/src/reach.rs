//! Where else it runs: `cargo xtask reach …`.

mod arm64;
mod bionic;
mod bits;
mod debian;
mod elf;
mod onnxruntime;
mod phones;
mod picture;
mod tools;
mod unchanged;

use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    match options.rest.split_first() {
        Some((what, rest)) if what == "onnxruntime" => onnxruntime::run(workspace, options, rest),
        Some((what, rest)) if what == "arm64" => arm64::run(workspace, options, rest),
        Some((what, rest)) if what == "phones" => phones::run(workspace, options, rest),
        _ => Err(Failure::new("reach what?", "onnxruntime, arm64 or phones; `cargo xtask help` says more.")),
    }
}
