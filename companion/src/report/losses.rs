//! How a pack was found: the losses by step and by share of neurons.

use cones_core::Scope;
use cones_find::held_out::Losses;
use cones_find::record::Record;
use maud::{Markup, html};

use super::chart::{Chart, Form, Line, range_of, round_values};
use super::html::{grouped, note, table, warning};
use super::subject::Reported;

/// Each part of the held-out pictures: its class in the style, what it is, its loss.
type Part = (&'static str, &'static str, fn(&Losses) -> Option<f64>);

const PARTS: [Part; 4] = [
    ("a", "subject", |losses| Some(losses.subject)),
    ("d", "subject beside another thing", |losses| losses.company),
    ("b", "class", |losses| losses.class),
    ("c", "other pictures", |losses| losses.other),
];

/// The section's inside for one pack.
pub fn html(pack: &Reported) -> Markup {
    let Some(record) = &pack.record else {
        let path = Record::path(&pack.inspected.file);
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        return note(&html! {
            "There is no record of how " (pack.name()) " was found: " code { "cones find" } " leaves one as " code { (name) }
            " beside the pack it writes."
        });
    };
    let (base, chosen) = (record.base.subject, record.chosen.subject);
    html! {
        @if record.neurons as u64 != pack.inspected.neurons {
            @let (own, other) = (grouped(pack.inspected.neurons), grouped(record.neurons as u64));
            (warning(&format!(
                "The record beside the pack speaks of {other} neurons, the pack holds {own}: it is the record of another one."
            )))
        }
        p {
            "Method " b { (record.method) } ", scope " b { (record.scope) } ", seed " (record.seed) ": "
            (record.history.len()) " steps. The noise-prediction loss on the subject's pictures, with noise and timesteps \
             that nothing was learned from, went from " (format!("{base:.4}")) " to " (format!("{chosen:.4}")) " ("
            (change(base, chosen)) ")."
        }
        @if record.scope == Scope::Trigger.to_string() {
            p {
                "Prompts without the trigger are not touched by this scope, so the loss on the class and on other pictures \
                 stays that of the base model."
            }
        }
        div.charts { (training(record)) (held_out(record)) }
        details { summary { "All masks that were tried" } (tried(record)) }
    }
}

/// The training loss, each step and smoothed.
fn training(record: &Record) -> Markup {
    let points: Vec<(f64, f64)> = (1u32..).map(f64::from).zip(record.history.iter().copied()).collect();
    let smooth = smoothed(&points);
    let Some(y) = range_of(points.iter().map(|(_, loss)| *loss)) else {
        return note(&html! { "No training steps are in the record." });
    };
    let x = (1.0, points.len().max(2) as f64);
    let chart = Chart {
        title: format!("Training loss over {} steps", points.len()),
        across: "training step".into(),
        up: "training loss (mean squared error)".into(),
        x,
        y,
        ticks: round_values(x).into_iter().map(|value| (value, format!("{value:.0}"))).collect(),
        lines: vec![
            Line { class: "a", form: Form::Pale, points },
            Line { class: "a", form: Form::Plain, points: smooth },
        ],
        mark: None,
    };
    figure(&chart, &html! { (key("a pale", "each step")) (key("a", "smoothed")) })
}

/// The mean over a window around each step: every step has its own noise.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let half = (points.len() / 24).max(2);
    let mean = |i: usize| {
        let window = points.get(i.saturating_sub(half)..(i + half + 1).min(points.len())).unwrap_or_default();
        window.iter().map(|(_, loss)| loss).sum::<f64>() / window.len().max(1) as f64
    };
    points.iter().enumerate().map(|(i, (step, _))| (*step, mean(i))).collect()
}

/// Loss by share of neurons shut, with the share that was taken.
fn held_out(record: &Record) -> Markup {
    let shares = || record.curve.iter().map(|point| point.share).filter(|share| *share > 0.0);
    let least = shares().fold(f64::INFINITY, f64::min);
    if !least.is_finite() {
        return note(&html! { "No masks that were tried are in the record." });
    }
    // The base model has no place on a logarithmic axis: it stands left of the smallest share.
    let place = |share: f64| (100.0 * share).log10();
    let start = place(least) - 0.45;
    let end = place(shares().fold(least, f64::max)).max(start + 1.0) + 0.08;
    let mut ticks = vec![(start, "base".to_owned())];
    for share in [0.0001, 0.001, 0.01, 0.1, 1.0, 10.0, 100.0] {
        if (place(least) - 0.01..=end).contains(&f64::log10(share)) {
            ticks.push((share.log10(), format!("{share} %")));
        }
    }
    let mut lines = Vec::new();
    let mut keys = Vec::new();
    for (class, name, loss) in PARTS {
        let Some(base) = loss(&record.base) else { continue };
        let mut points = vec![(start, base)];
        points.extend(record.curve.iter().filter_map(|p| Some((place(p.share), loss(&p.losses)?))));
        lines.push(Line { class, form: Form::Dashed, points: vec![(start, base), (end, base)] });
        lines.push(Line { class, form: Form::Dotted, points });
        keys.push(key(class, name));
    }
    keys.push(key("dashed", "base model"));
    let Some(y) = range_of(lines.iter().flat_map(|line| line.points.iter().map(|(_, loss)| *loss))) else {
        return note(&html! { "No losses are in the record." });
    };
    let chart = Chart {
        title: "Held-out loss by share of neurons shut".into(),
        across: "share of the weights shut (logarithmic)".into(),
        up: "held-out loss (mean squared error)".into(),
        x: (start - 0.1, end),
        // Room above for what the mark says.
        y: (y.0, y.0 + 1.14 * (y.1.min(highest(record, y.0)) - y.0)),
        ticks,
        lines,
        mark: Some((place(record.share), format!("chosen: {:.2} %", 100.0 * record.share))),
    };
    figure(&chart, &html! { @for key in &keys { (key) } })
}

/// A mask of far too many neurons draws noise: its loss would press all others together.
fn highest(record: &Record, low: f64) -> f64 {
    let base = PARTS.iter().filter_map(|(.., loss)| loss(&record.base));
    let chosen = PARTS.iter().filter_map(|(.., loss)| loss(&record.chosen));
    let top = base.chain(chosen).fold(low, f64::max);
    top + 0.8 * (top - low).max(0.02 * top)
}

/// A line's class with what it is.
fn key(class: &str, name: &str) -> Markup {
    html! { span.item { span.key.(class) {} (name) } " " }
}

fn figure(chart: &Chart, legend: &Markup) -> Markup {
    html! { figure { (chart.svg()) figcaption { (legend) } } }
}

fn tried(record: &Record) -> Markup {
    let number = |loss: Option<f64>| loss.map_or_else(|| "–".to_owned(), |loss| format!("{loss:.4}"));
    let row = |name: String, neurons: usize, share: f64, losses: &Losses| {
        let [subject, beside, class, other] = PARTS.map(|(.., loss)| number(loss(losses)));
        [name, grouped(neurons as u64), format!("{:.3} %", 100.0 * share), subject, beside, class, other]
    };
    let mut rows = vec![row("base model".into(), 0, 0.0, &record.base)];
    for point in &record.curve {
        let name = if point.neurons == record.neurons { "chosen" } else { "tried" };
        rows.push(row(name.into(), point.neurons, point.share, &point.losses));
    }
    table(["mask", "neurons", "share", "subject", "beside", "class", "other"], &rows)
}

/// From one loss to another in words.
pub fn change(before: f64, after: f64) -> String {
    if before > 0.0 { format!("{:+.1} %", 100.0 * (after / before - 1.0)).replace('-', "−") } else { "–".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_keeps_the_mean_of_a_line() {
        let points: Vec<(f64, f64)> = (0..100).map(|i| (f64::from(i), if i % 2 == 0 { 1.0 } else { 3.0 })).collect();
        let smooth = smoothed(&points);
        assert_eq!(smooth.len(), 100);
        assert!(smooth[10..90].iter().all(|(_, loss)| (loss - 2.0).abs() < 0.2));
        assert!(smoothed(&[]).is_empty());
    }

    #[test]
    fn changes_are_in_percent() {
        assert_eq!(change(0.2, 0.1), "−50.0 %");
        assert_eq!(change(0.2, 0.21), "+5.0 %");
        assert_eq!(change(0.0, 0.21), "–");
    }
}
