//! Which neurons packs hold: by block and head, by layer, and what they share.

use std::fmt::Write;

use cones_core::manifest::Layer;

use super::html::{element, escape, grouped, table};
use super::subject::Reported;
use crate::cli::Failure;
use crate::inspect::layers::{LayerCount, overlap, short};
use crate::inspect::{heat_map, report};

/// The section's inside.
///
/// # Errors
/// When packs are over different layers.
pub fn html(packs: &[Reported], layers: &[Layer]) -> Result<String, Failure> {
    let counted = |pack: &Reported| Some((report::title(&pack.inspected), pack.inspected.layers.clone()?));
    let maps: Vec<(String, Vec<LayerCount>)> = packs.iter().filter_map(counted).collect();
    let mut out = element(
        "p",
        "",
        "Each cell is the share of one attention head's key (to_k) or value (to_v) weights that the pack holds. Blocks \
         are in the order of the U-Net: the number of the block, of its attention and of the transformer block in it.",
    );
    let drawing = heat_map::draw(&maps).to_inline_svg();
    let _ = write!(out, "<div class=\"pair\"><div class=\"scroll\"><div class=\"heat\">{drawing}</div></div>\n<div>");
    let open = if packs.len() == 1 { " open" } else { "" };
    for (pack, (_, counts)) in packs.iter().zip(&maps) {
        let (name, table) = (escape(pack.name()), by_layer(counts));
        let _ = write!(out, "<details{open}><summary>{name} by layer</summary>\n{table}</details>\n");
    }
    out.push_str("</div></div>\n");
    for (i, first) in packs.iter().enumerate() {
        for second in packs.iter().skip(i + 1) {
            out.push_str(&shared(first, second, layers)?);
        }
    }
    Ok(out)
}

fn by_layer(counts: &[LayerCount]) -> String {
    let row = |name: String, weights: usize, neurons: usize| {
        let share = if weights == 0 { 0.0 } else { neurons as f64 / weights as f64 };
        [name, grouped(weights as u64), grouped(neurons as u64), format!("{:.2} %", 100.0 * share)]
    };
    let mut rows: Vec<_> = counts.iter().map(|layer| row(short(&layer.name), layer.weights, layer.neurons)).collect();
    let (weights, neurons) = counts.iter().fold((0, 0), |(w, n), layer| (w + layer.weights, n + layer.neurons));
    rows.push(row("all".into(), weights, neurons));
    table(["layer", "weights", "neurons", "share"], &rows)
}

fn shared(first: &Reported, second: &Reported, layers: &[Layer]) -> Result<String, Failure> {
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
    let (one, other) = (escape(first.name()), escape(second.name()));
    let times =
        if chance > 0.0 { format!(", {:.1} times what chance would give", all as f64 / chance) } else { String::new() };
    Ok(format!(
        "<h3>{one} and {other}</h3>\n<p>They share <b>{}</b> neurons: {:.1} % of the smaller pack{times}.</p>\n\
         <details><summary>Shared by layer</summary>\n{}</details>\n",
        grouped(all as u64),
        100.0 * all as f64 / fewer as f64,
        table(["layer", "shared", "by chance", "ratio"], &rows)
    ))
}
