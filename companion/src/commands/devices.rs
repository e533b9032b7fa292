//! `cones devices`.

use std::io::Write;

use cones_core::{Provider, runtime};

use crate::cli::Failure;

/// Prints the runtime and every provider with the reason where it is missing.
pub fn run() -> Result<(), Failure> {
    let mut out = std::io::stdout();
    writeln!(out, "runtime   {}", runtime::build_info()?)?;
    for provider in Provider::ALL.into_iter().filter(|p| *p != Provider::Auto) {
        match provider.available() {
            Ok(()) => writeln!(out, "{provider:9} available")?,
            Err(error) => {
                let text = error.to_string();
                let reason = text.split_once(": ").map_or(text.as_str(), |(_, reason)| reason);
                writeln!(out, "{:9} {}", provider.name(), reason.replace('\n', "; "))?;
            }
        }
    }
    Ok(())
}
