//! A heat map of packs: one row for each attention block, one cell for each head, K and V side by side.

use super::drawing::{CHARACTER, Drawing, LINE};
use super::layers::{LayerCount, short};
use crate::colour_scale::ColourScale;

/// Side of a cell, in pixels.
const CELL: u32 = 14;
/// Space between parts.
const GAP: u32 = 12;
/// From nothing to the densest cell: light grey over orange to dark red.
const SCALE: ColourScale<5> =
    ColourScale([[240, 240, 240], [254, 217, 142], [254, 153, 41], [217, 95, 14], [110, 20, 10]]);
/// The two projections of a block.
const PROJECTIONS: [&str; 2] = ["to_k", "to_v"];

/// Draws the packs below each other in one scale; each has its name and its layers.
pub fn draw(packs: &[(String, Vec<LayerCount>)]) -> Drawing {
    let all = || packs.iter().flat_map(|(_, layers)| layers);
    let most = all().flat_map(|l| l.groups.iter().copied()).fold(0.0, f64::max);
    let label = all().map(|l| short(block(&l.name)).chars().count()).max().unwrap_or(0) as u32 * CHARACTER + GAP;
    let across = all().map(|l| l.groups.len()).max().unwrap_or(0) as u32 * (CELL + 1);
    let mut drawing = Drawing::default();
    for (name, layers) in packs {
        let top = if drawing.bottom() == 0 { LINE } else { drawing.bottom() + 2 * GAP };
        drawing.text(LINE, top, name);
        let heads = layers.iter().all(|l| l.heads);
        for (i, projection) in PROJECTIONS.into_iter().enumerate() {
            let title = format!("{projection}, by {}", if heads { "head" } else { "group of rows" });
            drawing.text(LINE + label + i as u32 * panel(across), top + LINE + GAP / 2, &title);
        }
        draw_blocks(&mut drawing, layers, (label, across), top + 2 * LINE + GAP, most);
    }
    legend(&mut drawing, LINE + label, most);
    drawing
}

/// From one panel's left edge to the next one's; a title needs room too.
fn panel(across: u32) -> u32 {
    across.max(CHARACTER * 22) + GAP
}

fn draw_blocks(drawing: &mut Drawing, layers: &[LayerCount], (label, across): (u32, u32), top: u32, most: f64) {
    let mut blocks: Vec<&str> = layers.iter().map(|l| block(&l.name)).collect();
    blocks.dedup();
    for (row, name) in (0..).zip(blocks) {
        let y = top + row * (CELL + 1);
        drawing.text(LINE, y + (CELL - LINE) / 2, &short(name));
        for layer in layers.iter().filter(|l| block(&l.name) == name) {
            let column = PROJECTIONS.iter().position(|p| layer.name.ends_with(p)).unwrap_or(0) as u32;
            let left = LINE + label + column * panel(across);
            for (x, density) in (0..).zip(&layer.groups) {
                drawing.rectangle(left + x * (CELL + 1), y, CELL, CELL, SCALE.at(density / most));
            }
        }
    }
}

fn legend(drawing: &mut Drawing, left: u32, most: f64) {
    const STEPS: u32 = 40;
    let top = drawing.bottom() + GAP;
    for step in 0..STEPS {
        let share = f64::from(step) / f64::from(STEPS - 1);
        drawing.rectangle(left + 3 * step, top, 3, LINE, SCALE.at(share));
    }
    drawing.text(left, top + LINE + 2, "0");
    drawing.text(left + 3 * STEPS, top + LINE + 2, &format!("{:.2} % of the weights", 100.0 * most));
}

/// The layer's name without its projection.
fn block(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(block, _)| block)
}
