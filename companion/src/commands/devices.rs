//! `cones devices`.

use std::io::Write;

use clap::Args;
use cones_core::{Bundle, EngineOptions, Provider, memory, runtime};
use serde::Serialize;

use super::memory_table;
use crate::base_model::BundleArgs;
use crate::failure::Failure;

/// Arguments of `cones devices`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cones devices --bundle my-bundle      # and what drawing with it takes of memory
  cones devices --json | jq -r '.providers[] | select(.available) | .name'")]
pub struct DevicesArgs {
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    bundle: BundleArgs,
}

/// What is there, as JSON.
#[derive(Serialize)]
struct Devices {
    runtime: &'static str,
    providers: Vec<Listed>,
    /// Bytes; none where the system does not say.
    memory_available: Option<u64>,
    threads_most: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<Drawing>,
}

/// A provider.
#[derive(Serialize)]
struct Listed {
    name: &'static str,
    available: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// What drawing with a base model takes.
#[derive(Serialize)]
struct Drawing {
    name: String,
    /// Bytes at the peak, by the way of drawing.
    memory: serde_json::Value,
}

impl Listed {
    fn new(provider: Provider) -> Self {
        let name = provider.name();
        match provider.available() {
            Ok(()) => Self { name, available: true, reason: None, hint: None },
            Err(error) => {
                let text = error.to_string();
                let reason = text.split_once(": ").map_or(text.as_str(), |(_, reason)| reason).replace('\n', "; ");
                Self { name, available: false, reason: Some(reason), hint: error.hint().map(str::to_owned) }
            }
        }
    }
}

/// Prints the runtime, every provider with the reason where it is missing, and the memory there is with what drawing with
/// the base model takes of it.
pub fn run(args: &DevicesArgs) -> Result<(), Failure> {
    let runtime = runtime::build_info()?;
    let providers: Vec<Listed> = Provider::ALL.into_iter().filter(|p| *p != Provider::Auto).map(Listed::new).collect();
    // Without a base model the devices are told all the same.
    let bundle = args.bundle.open_if_there()?;
    let options = EngineOptions::default();
    let mut out = std::io::stdout();
    if args.json {
        let drawing = |bundle: &Bundle| -> Result<Drawing, Failure> {
            Ok(Drawing { name: bundle.manifest().name.clone(), memory: memory_table::json(bundle, &options)? })
        };
        let devices = Devices {
            runtime,
            providers,
            memory_available: memory::available(),
            threads_most: runtime::most_threads(),
            bundle: bundle.as_ref().map(drawing).transpose()?,
        };
        writeln!(out, "{}", serde_json::to_string_pretty(&devices)?)?;
        return Ok(());
    }
    writeln!(out, "runtime   {runtime}")?;
    for provider in providers {
        writeln!(out, "{:9} {}", provider.name, provider.reason.as_deref().unwrap_or("available"))?;
    }
    match memory::available() {
        Some(bytes) => writeln!(out, "memory    {} MB available", bytes / 1_000_000)?,
        None => writeln!(out, "memory    this system does not say how much is available")?,
    }
    if let Some(bundle) = bundle {
        writeln!(out, "\nname         {}", bundle.manifest().name)?;
        memory_table::write(&mut out, &bundle, &options)?;
    }
    Ok(())
}
