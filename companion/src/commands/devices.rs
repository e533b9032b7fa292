//! `cones devices`.

use std::io::Write;

use clap::Args;
use cones_core::{EngineOptions, Provider, memory, runtime};

use super::memory_table;
use crate::base_model::BundleArgs;
use crate::failure::Failure;

/// Arguments of `cones devices`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cones devices --bundle my-bundle      # and what drawing with it takes of memory")]
pub struct DevicesArgs {
    #[command(flatten)]
    bundle: BundleArgs,
}

/// Prints the runtime, every provider with the reason where it is missing, and the memory there is with what drawing with
/// the base model takes of it.
pub fn run(args: &DevicesArgs) -> Result<(), Failure> {
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
    match memory::available() {
        Some(bytes) => writeln!(out, "memory    {} MB available", bytes / 1_000_000)?,
        None => writeln!(out, "memory    this system does not say how much is available")?,
    }
    // Without a base model the devices are told all the same.
    if let Some(bundle) = args.bundle.open_if_there()? {
        writeln!(out, "\nname         {}", bundle.manifest().name)?;
        memory_table::write(&mut out, &bundle, &EngineOptions::default())?;
    }
    Ok(())
}
