//! `cones`: import models, draw pictures.

use std::process::ExitCode;

fn main() -> ExitCode {
    cones_companion::cli::main()
}
