//! Which neurons packs hold: by block and head, by layer, and what they share.

use cones_core::model::manifest::Layer;
use maud::{Markup, PreEscaped, html};

use super::html::{grouped, table};
use super::subject::Reported;
use crate::failure::Failure;
use crate::inspect::layers::{LayerCount, overlap, short};
use crate::inspect::{heat_map, report};

/// The section's inside.
///
/// # Errors
/// When packs are over different layers.
pub fn html(packs: &[Reported], layers: &[Layer]) -> Result<Markup, Failure> {
    // A LoRA has no neurons.
    let packs: Vec<&Reported> = packs.iter().filter(|pack| pack.inspected.layers.is_some()).collect();
    if packs.is_empty() {
        return Ok(html! { p { "None: these packs are LoRAs, two thin matrices for each layer." } });
    }
    let counted = |pack: &&Reported| Some((report::title(&pack.inspected), pack.inspected.layers.clone()?));
    let maps: Vec<(String, Vec<LayerCount>)> = packs.iter().filter_map(counted).collect();
    let is_open = packs.len() == 1;
    let mut shares = Vec::new();
    for (i, first) in packs.iter().enumerate() {
        for second in packs.iter().skip(i + 1) {
            shares.push(shared(first, second, layers)?);
        }
    }
    Ok(html! {
        p {
            "Each cell is the share of one attention head's key (to_k) or value (to_v) weights that the pack holds. Blocks \
             are in the order of the U-Net: the number of the block, of its attention and of the transformer block in it."
        }
        div.pair {
            // The drawing escapes its own texts: it is a file of its own elsewhere.
            div.scroll { div.heat { (PreEscaped(heat_map::draw(&maps).to_inline_svg())) } }
            div {
                @for (pack, (_, counts)) in packs.iter().zip(&maps) {
                    details open[is_open] { summary { (pack.name()) " by layer" } (by_layer(counts)) }
                }
            }
        }
        @for part in &shares { (part) }
    })
}

fn by_layer(counts: &[LayerCount]) -> Markup {
    let row = |name: String, weights: usize, neurons: usize| {
        let share = if weights == 0 { 0.0 } else { neurons as f64 / weights as f64 };
        [name, grouped(weights as u64), grouped(neurons as u64), format!("{:.2} %", 100.0 * share)]
    };
    let mut rows: Vec<_> = counts.iter().map(|layer| row(short(&layer.name), layer.weights, layer.neurons)).collect();
    let (weights, neurons) = counts.iter().fold((0, 0), |(w, n), layer| (w + layer.weights, n + layer.neurons));
    rows.push(row("all".into(), weights, neurons));
    table(["layer", "weights", "neurons", "share"], &rows)
}

fn shared(first: &Reported, second: &Reported, layers: &[Layer]) -> Result<Markup, Failure> {
    let found = overlap(&first.subject.mask, &second.subject.mask, layers)?;
    let row = |name: String, shared: usize, chance: f64| {
        let ratio = if chance > 0.0 { format!("{:.2} ×", shared as f64 / chance) } else { "–".into() };
        [name, grouped(shared as u64), format!("{chance:.1}"), ratio]
    };
    let mut rows: Vec<_> = found.iter().map(|layer| row(short(&layer.layer), layer.shared, layer.by_chance)).collect();
    let (all, chance) =
        found.iter().fold((0, 0.0), |(all, chance), layer| (all + layer.shared, chance + layer.by_chance));
    rows.push(row("all".into(), all, chance));
    let fewer = first.inspected.neurons.min(second.inspected.neurons).max(1);
    Ok(html! {
        h3 { (first.name()) " and " (second.name()) }
        p {
            "They share " b { (grouped(all as u64)) } " neurons: " (format!("{:.1}", 100.0 * all as f64 / fewer as f64))
            " % of the smaller pack"
            @if chance > 0.0 { ", " (format!("{:.1}", all as f64 / chance)) " times what chance would give" }
            "."
        }
        details { summary { "Shared by layer" } (table(["layer", "shared", "by chance", "ratio"], &rows)) }
    })
}
