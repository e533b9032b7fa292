//! Prints what the graphs of a bundle take of memory, as `memory.json` would say it: `memory_profile BUNDLE`.

use std::io::Write;

use cones_core::Bundle;
use cones_import::profile::{Sizes, estimate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("give a bundle's folder")?;
    let bundle = Bundle::open(&folder)?;
    let profile = estimate(bundle.path(), Sizes::new(bundle.manifest()))?;
    Ok(writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&profile)?)?)
}
