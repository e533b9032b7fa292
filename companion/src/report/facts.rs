//! What can be said in numbers: what making the packs and the page took, and what the packs say of themselves.

use cones_core::Engine;
use cones_find::record::{LearnedTrigger, Record, peak_memory};
use maud::{Markup, html};

use super::html::{grouped, list};
use super::losses::change;
use super::painter::Cost;
use super::subject::Reported;
use crate::failure::Failure;
use crate::pack_parts::tool;
use crate::typed::without_folders;
use crate::{clock, inspect};

/// The few numbers that matter most, for the top of the page: each with what it is.
pub fn tiles(pack: &Reported) -> Vec<(String, String)> {
    let total = pack.subject.mask.total() as u64;
    let mut tiles = vec![
        (grouped(pack.inspected.neurons), "concept neurons".to_owned()),
        (format!("{:.2} %", 100.0 * pack.share()), format!("of {} key and value weights", grouped(total))),
        (bytes(pack.inspected.bytes), "pack file".to_owned()),
    ];
    if let Some(record) = pack.record.as_ref().filter(|record| record.base.subject > 0.0) {
        tiles.push((change(record.base.subject, record.chosen.subject), "held-out loss on the subject".to_owned()));
        tiles.push((seconds(record.seconds.total), "to find".to_owned()));
    }
    tiles
}

/// What finding a pack took and the command that did it.
pub fn finding(record: &Record) -> Markup {
    let learned = |trigger: &LearnedTrigger| {
        let alone = change(record.base.subject, trigger.alone.subject);
        format!("embedding learned; alone, with no weight shut, it changes the held-out loss by {alone}")
    };
    let facts = [
        ("trigger", record.trigger.as_ref().map_or_else(String::new, learned)),
        ("preparing", format!("{} (encoding pictures, drawing class pictures)", seconds(record.seconds.preparing))),
        ("training steps", format!("{} for {} steps", seconds(record.seconds.steps), record.history.len())),
        ("in all", seconds(record.seconds.total)),
        ("peak memory", record.peak_memory.map_or_else(|| "not known here".to_owned(), bytes)),
    ];
    html! { (list(&facts)) (command(&without_folders(record.command.iter().cloned()))) }
}

/// What a pack says of itself.
pub fn pack(pack: &Reported) -> Markup {
    list(&inspect::report::facts(&pack.inspected))
}

/// What made the page, and what that took.
///
/// # Errors
/// When the clock is wrong.
pub fn page(engine: &Engine, steps: Option<u32>, provider: &str, cost: &Cost) -> Result<Markup, Failure> {
    let manifest = engine.bundle().manifest();
    let now = clock::now()?;
    let made = i64::try_from(now).ok().and_then(|second| jiff::Timestamp::from_second(second).ok());
    let each = |time: std::time::Duration, count: u32| seconds(time.as_secs_f64() / f64::from(count.max(1)));
    let defaults = &manifest.defaults;
    let facts = [
        ("made", made.map_or_else(|| now.to_string(), |time| time.to_string())),
        ("tool", tool()),
        ("base model", format!("{} ({})", manifest.name, manifest.licence)),
        ("fingerprint", manifest.fingerprint.to_string()),
        (
            "drawn with",
            format!(
                "{}, {} steps, guidance {}, {} × {} pixels, on {provider}",
                defaults.scheduler,
                steps.unwrap_or(defaults.steps),
                defaults.guidance,
                manifest.image.width,
                manifest.image.height
            ),
        ),
        ("pictures", format!("{}, {} each", cost.pictures, each(cost.drawing, cost.pictures))),
        (
            "switching",
            format!("{} a picture for applying masks, keys and values included", each(cost.switching, cost.pictures)),
        ),
        ("peak memory", peak_memory().map_or_else(|| "not known here".to_owned(), bytes)),
    ];
    Ok(html! { (list(&facts)) (command(&without_folders(std::env::args()))) })
}

/// A command as it would be typed where its files are.
fn command(arguments: &[String]) -> Markup {
    html! {
        pre {
            code {
                // Each in an element of its own: a line breaks between arguments, not behind their dashes.
                @for (i, argument) in arguments.iter().enumerate() { @if i > 0 { " " } span { (quoted(argument)) } }
            }
        }
    }
}

fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', "'\\''"))
    }
}

fn bytes(count: u64) -> String {
    let count = count as f64;
    match count {
        c if c >= 1e9 => format!("{:.2} GB", c / 1e9),
        c if c >= 1e6 => format!("{:.0} MB", c / 1e6),
        c if c >= 1e3 => format!("{:.1} KB", c / 1e3),
        c => format!("{c:.0} B"),
    }
}

fn seconds(count: f64) -> String {
    match count {
        c if !c.is_finite() => "–".into(),
        c if c >= 120.0 => format!("{:.1} min", c / 60.0),
        c if c >= 10.0 => format!("{c:.0} s"),
        c if c >= 0.1 => format!("{c:.2} s"),
        c if c >= 1e-4 => format!("{:.1} ms", c * 1e3),
        c => format!("{:.0} µs", c * 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_typed_again() {
        assert_eq!(quoted("--out=a/b.cones"), "--out=a/b.cones");
        assert_eq!(quoted("<v1> dog"), "'<v1> dog'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn quantities_have_units() {
        assert_eq!([bytes(999), bytes(15_691), bytes(412_000_000)], ["999 B", "15.7 KB", "412 MB"]);
        assert_eq!(
            [seconds(0.00002), seconds(0.0321), seconds(0.5), seconds(75.0)],
            ["20 µs", "32.1 ms", "0.50 s", "75 s"]
        );
        assert_eq!(seconds(150.0), "2.5 min");
    }
}
