//! What drawing with a bundle takes of memory, as a table.

use std::io::Write;

use cones_core::memory::{self, MemoryPlan, Sizes};
use cones_core::{Bundle, EngineOptions, Error, MemoryMode};

use crate::failure::Failure;

/// The ways to draw, fastest first.
const MODES: [(&str, MemoryMode); 3] = [
    ("all graphs staying", MemoryMode::Resident),
    ("one after another", MemoryMode::Sequential),
    ("least", MemoryMode::Least),
];

/// The peak of each way in bytes, by its name, as JSON; `null` where nothing is known.
pub(super) fn json(bundle: &Bundle, options: &EngineOptions) -> Result<serde_json::Value, Failure> {
    let sizes = Sizes { from_picture: true, ..Sizes::by_default(bundle) };
    let mut ways = serde_json::Map::new();
    for (name, mode) in MODES {
        let all = options.clone().with_memory(mode).with_budget(u64::MAX);
        ways.insert(name.to_owned(), memory::plan(bundle, &all, sizes, 0)?.peak.into());
    }
    Ok(ways.into())
}

/// Prints, for a picture of the bundle's own size with its own guidance, the peak of each stage in each way, in millions of
/// bytes beside what a process holds anyway, and which way would be taken.
pub(super) fn write(out: &mut impl Write, bundle: &Bundle, options: &EngineOptions) -> Result<(), Failure> {
    let sizes = Sizes { from_picture: true, ..Sizes::by_default(bundle) };
    writeln!(out, "memory       a picture of {} x {} pixels takes, in MB:", sizes.width, sizes.height)?;
    let mut header = None;
    for (name, mode) in MODES {
        // Without a budget nothing is refused.
        let all = options.clone().with_memory(mode).with_budget(u64::MAX);
        let plan = memory::plan(bundle, &all, sizes, 0)?;
        let Some(peak) = plan.peak else {
            writeln!(out, "             not known: {}", plan.reason)?;
            return Ok(());
        };
        if header.is_none() {
            let graphs: Vec<String> = plan.stages.iter().map(|stage| format!("{:>22}", stage.graph)).collect();
            header = Some(writeln!(out, "             {:<20}{}{:>10}", "", graphs.concat(), "peak")?);
        }
        let cells: Vec<String> = plan.stages.iter().map(|stage| format!("{:>22}", millions(stage.peak))).collect();
        writeln!(out, "             {name:<20}{}{:>10}", cells.concat(), millions(peak))?;
    }
    match memory::plan(bundle, options, Sizes { from_picture: false, ..sizes }, 0) {
        Ok(MemoryPlan { reason, .. }) => writeln!(out, "             now: {reason}")?,
        Err(error @ Error::OutOfMemory { .. }) => {
            writeln!(out, "             now: {}", error.to_string().replace("\nhint: ", "; "))?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn millions(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}
