//! `cones bundle`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use cones_core::Bundle;

use crate::cli::Failure;

/// Arguments of `cones bundle`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cones bundle models/toybox/bundle --verify")]
pub struct BundleArgs {
    /// The bundle's folder.
    bundle: PathBuf,
    /// Compare every file with its SHA-256, and the weights with the fingerprint.
    #[arg(long)]
    verify: bool,
    /// Print the manifest as JSON.
    #[arg(long)]
    json: bool,
}

/// Prints what the bundle holds.
pub fn run(args: &BundleArgs) -> Result<(), Failure> {
    let bundle = Bundle::open(&args.bundle)?;
    if args.verify {
        bundle.verify()?;
    }
    let mut out = std::io::stdout();
    let manifest = bundle.manifest();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(manifest)?)?;
        return Ok(());
    }
    let weights: u64 = manifest.layers.iter().map(|l| u64::from(l.rows) * u64::from(l.columns)).sum();
    let bytes: u64 = manifest.files.values().map(|f| f.bytes).sum();
    writeln!(out, "name         {}", manifest.name)?;
    writeln!(out, "licence      {}", manifest.licence)?;
    writeln!(out, "pictures     {} x {}", manifest.image.width, manifest.image.height)?;
    writeln!(out, "prompt       up to {} tokens", manifest.text.max_length.saturating_sub(2))?;
    writeln!(out, "layers       {} projections, {weights} weights to choose neurons from", manifest.layers.len())?;
    writeln!(
        out,
        "files        {}, {:.1} MB{}",
        manifest.files.len(),
        bytes as f64 / 1e6,
        if args.verify { ", hashes right" } else { "" }
    )?;
    writeln!(out, "fingerprint  {}", manifest.fingerprint)?;
    Ok(())
}
