//! Where else it runs: `cargo xtask reach …`.

mod onnxruntime;
mod picture;

use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    match options.rest.split_first() {
        Some((what, rest)) if what == "onnxruntime" => onnxruntime::run(workspace, options, rest),
        _ => Err(Failure::new("reach what?", "`cargo xtask reach onnxruntime`; `cargo xtask help` says more.")),
    }
}
