//! What was found in packs, as text for people.

use std::io::{self, Write};

use cones_core::subjects::pack::Precision;

use super::findings::{Findings, Inspected, PairOverlap};
use super::layers::{LayerCount, short};

/// Writes everything.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(out: &mut impl Write, found: &Findings) -> io::Result<()> {
    for (i, pack) in found.packs.iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        write_header(out, pack)?;
        if let Some(layers) = &pack.layers {
            write_layers(out, layers)?;
        }
    }
    found.overlaps.iter().try_for_each(|pair| write_overlap(out, pair))
}

/// A pack's name, version and size in one line.
pub fn title(pack: &Inspected) -> String {
    let metadata = &pack.metadata;
    let neurons = match pack.precision {
        Precision::LowRank => "low-rank matrices".to_owned(),
        _ => format!("{} neurons", pack.neurons),
    };
    format!("{} {}: {neurons}, {} bytes", metadata.name, metadata.version, pack.bytes)
}

/// What a pack says of itself and its file, by name; what it does not say is empty.
pub fn facts(pack: &Inspected) -> Vec<(&'static str, String)> {
    let m = &pack.metadata;
    let created = i64::try_from(m.created).ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
    vec![
        ("name", m.name.clone()),
        ("version", m.version.to_string()),
        ("trigger", m.trigger.clone()),
        ("class", m.class.clone()),
        ("scope", m.scope.to_string()),
        ("author", m.author.clone()),
        ("licence", m.licence.clone()),
        ("created", created.map_or_else(|| m.created.to_string(), |t| t.to_string())),
        ("tool", m.tool.clone()),
        ("model", m.model.clone()),
        ("fingerprint", pack.fingerprint.to_string()),
        ("precision", pack.precision.name().into()),
        ("neurons", pack.neurons.to_string()),
        (
            "embeddings",
            pack.embeddings.as_ref().map_or_else(String::new, |e| {
                let place = if e.in_place { ", in the place of the trigger" } else { "" };
                format!("{} tokens, {} wide{place}", e.tokens, e.width)
            }),
        ),
        (
            "matrices",
            pack.low_rank.as_ref().map_or_else(String::new, |m| {
                format!("of {} layers, ranks {} to {}, {} bytes", m.layers, m.least_rank, m.largest_rank, m.bytes)
            }),
        ),
        ("preview", pack.preview_bytes.map_or_else(|| "none".into(), |n| format!("{n} bytes"))),
        ("file", format!("{} ({} bytes)", pack.file.display(), pack.bytes)),
        ("sha256", pack.sha256.to_string()),
    ]
}

fn write_header(out: &mut impl Write, pack: &Inspected) -> io::Result<()> {
    let facts = facts(pack);
    facts.iter().filter(|(_, value)| !value.is_empty()).try_for_each(|(name, value)| writeln!(out, "{name:12} {value}"))
}

fn write_layers(out: &mut impl Write, layers: &[LayerCount]) -> io::Result<()> {
    let heads = layers.iter().all(|l| l.heads);
    let groups = if heads { "by head (%)" } else { "by group of rows (%); the graph does not tell the heads" };
    let width = layers.iter().map(|l| short(&l.name).len()).max().unwrap_or(0).max("all".len());
    writeln!(out, "\n{:width$} {:>10} {:>9} {:>8}  {groups}", "layer", "weights", "neurons", "density")?;
    for layer in layers {
        let by_group: Vec<String> = layer.groups.iter().map(|d| format!("{:.1}", 100.0 * d)).collect();
        let density = percent(layer.density);
        let (name, weights, neurons) = (short(&layer.name), layer.weights, layer.neurons);
        writeln!(out, "{name:width$} {weights:>10} {neurons:>9} {density:>8}  {}", by_group.join(" "))?;
    }
    let (weights, neurons) = layers.iter().fold((0, 0), |(w, n), l| (w + l.weights, n + l.neurons));
    let density = percent(if weights == 0 { 0.0 } else { neurons as f64 / weights as f64 });
    writeln!(out, "{:width$} {weights:>10} {neurons:>9} {density:>8}", "all")
}

/// Writes what two packs share.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_overlap(out: &mut impl Write, pair: &PairOverlap) -> io::Result<()> {
    writeln!(out, "\nshared by {} and {}", pair.first, pair.second)?;
    let width = pair.layers.iter().map(|l| short(&l.layer).len()).max().unwrap_or(0).max("all".len());
    writeln!(out, "{:width$} {:>9} {:>10} {:>7}", "layer", "shared", "by chance", "ratio")?;
    for layer in &pair.layers {
        write_shared(out, &short(&layer.layer), width, layer.shared, layer.by_chance)?;
    }
    let (shared, chance) = pair.layers.iter().fold((0, 0.0), |(s, c), l| (s + l.shared, c + l.by_chance));
    write_shared(out, "all", width, shared, chance)
}

fn write_shared(out: &mut impl Write, name: &str, width: usize, shared: usize, chance: f64) -> io::Result<()> {
    let ratio = if chance > 0.0 { format!("{:.2}", shared as f64 / chance) } else { "-".into() };
    writeln!(out, "{name:width$} {shared:>9} {chance:>10.1} {ratio:>7}")
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}
