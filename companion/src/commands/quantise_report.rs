//! What `cones quantise` prints.

use std::io::Write;

use cones_core::Bundle;
use cones_core::model::form;
use cones_core::model::manifest::Manifest;
use cones_quantise::calibrate::Loss;
use cones_quantise::{BLOCK, Made, Static};

/// Layers that are named with what they lose.
const NAMED: usize = 5;

/// Says what became of each graph, of its bytes, and which layers lose most.
pub(super) fn print(bundle: &Bundle, made: &Made) -> std::io::Result<()> {
    let small = &made.manifest;
    let mut out = std::io::stdout();
    let bytes = |manifest: &Manifest| manifest.files.values().map(|file| file.bytes).sum::<u64>() as f64 / 1e6;
    writeln!(out, "form         {}", form::name(small.form.as_ref()))?;
    writeln!(out, "bytes        {:.1} MB, of {:.1} MB", bytes(small), bytes(bundle.manifest()))?;
    writeln!(out, "fingerprint  {}", small.fingerprint)?;
    writeln!(out, "\n{:20} {:>14} {:>14} {:>14}", "weights", "8 bits", "4 bits", "floating point")?;
    for (name, done) in &made.graphs {
        writeln!(out, "{name:20} {:>14} {:>14} {:>14}", done.int8, done.int4, done.float)?;
        if done.uneven > 0 {
            let one = done.uneven == 1;
            let (layers, have, their) = if one { ("layer", "has", "its") } else { ("layers", "have", "their") };
            writeln!(out, "  {} {layers} {have} 8 bits: {their} inputs are no multiple of {BLOCK}", done.uneven)?;
        }
    }
    if let Some(fixed) = &made.fixed
        && let Some(loss) = &fixed.loss
    {
        losses(&mut out, fixed, loss)?;
    }
    Ok(())
}

fn losses(out: &mut impl Write, fixed: &Static, loss: &Loss) -> std::io::Result<()> {
    let mut order: Vec<_> = fixed.layers.iter().zip(&loss.each).collect();
    order.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let percent = |loss: f64| 100.0 * loss.sqrt();
    writeln!(out, "\nerror of the U-Net's output, one layer in 8 bits alone (all: {:.3} %)", percent(loss.all))?;
    for (layer, loss) in order.iter().take(NAMED) {
        let kept = if fixed.keep.contains(&layer.key) { "stays in floating point" } else { "" };
        writeln!(out, "  {:.3} %  {}  {kept}", percent(**loss), layer.label)?;
    }
    writeln!(out, "  {} of {} layers stay in floating point", fixed.keep.len(), fixed.layers.len())
}
