//! How large the library is that an app ships.

use std::path::Path;
use std::process::Command;

use crate::bindings;
use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::process;
use crate::scratch::Scratch;
use crate::workspace::Workspace;

/// Prints the size of the stripped library of this machine's kind, without ONNX Runtime, which is a library of its own.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let library = bindings::library(workspace, options)?;
    let scratch = Scratch::new(&workspace.target())?;
    let stripped = scratch.path().join("library");
    let mut strip = Command::new("strip");
    // On Apple systems `-x` keeps what others link to; elsewhere that has its own table, which stays.
    strip.args(if cfg!(target_vendor = "apple") { &["-x"][..] } else { &[] });
    strip.arg("-o").arg(&stripped).arg(&library);
    process::run(&mut strip, "It comes with binutils (Debian: apt install binutils) or Xcode.")?;
    let kind = format!("{} {}", std::env::consts::ARCH, std::env::consts::OS);
    println!("{kind}: {} stripped, {} with symbols", megabytes(&stripped)?, megabytes(&library)?);
    Ok(())
}

fn megabytes(file: &Path) -> Result<String> {
    let bytes = std::fs::metadata(file).map_err(|error| Failure::file("read", file, &error))?.len();
    Ok(format!("{:.2} MB ({bytes} bytes)", bytes as f64 / 1e6))
}
