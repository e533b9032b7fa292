//! Scores as a table.

use std::io::{Result, Write};

use super::score::Score;
use super::wanted::Marks;

/// The head of its columns.
///
/// # Errors
/// When it cannot be written.
pub fn head(out: &mut dyn Write) -> Result<()> {
    let names = ["pictures", "recognised", "all of it", "alike", "things", "context"];
    let [pictures, recognised, all, alike, things, context] = names;
    writeln!(out, "{:32} {:6} {pictures:>8} {recognised:>10} {all:>10} {alike:>6} {things:>8} {context:>8}", "", "")
}

/// One score.
///
/// # Errors
/// When it cannot be written.
pub fn line(out: &mut dyn Write, name: &str, what: &str, score: &Score) -> Result<()> {
    let (each, all) = (percent(Some(score.each)), percent(Some(score.all)));
    let (things, context, alike) = (percent(score.objects), percent(score.context), number(score.alike));
    writeln!(out, "{name:32} {what:6} {:>8} {each:>10} {all:>10} {alike:>6} {things:>8} {context:>8}", score.pictures)
}

/// What likeness is to be read between.
///
/// # Errors
/// When it cannot be written.
pub fn marks(out: &mut dyn Write, name: &str, marks: &Marks) -> Result<()> {
    for (what, mark) in [("others", marks.others), ("real", marks.real)] {
        writeln!(out, "{name:32} {what:6} {:>8} {:>10} {:>10} {:>6}", "", "", "", number(mark))?;
    }
    Ok(())
}

fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

fn number(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.2}"))
}
