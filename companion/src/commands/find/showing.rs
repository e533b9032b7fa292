//! What a finding came to, seen: pictures beside the base model's, and the figures of `cones evaluate`.

use std::io::Write;
use std::path::{Path, PathBuf};

use cones_core::{Bundle, CancelToken, Drawn, Engine, EngineOptions, Pack, Picture};
use cones_find::drawing::{Drawing, Shown, contexts};
use cones_find::looks::Looks;
use cones_find::pictures;
use serde::Serialize;

use crate::commands::evaluate::judge;
use crate::commands::progress_bar::Bar;
use crate::contact_sheet::ContactSheet;
use crate::evaluate::measure::Measure;
use crate::evaluate::score::Score;
use crate::evaluate::table;
use crate::evaluate::wanted::{Marks, Wanted};
use crate::failure::Failure;

/// Toybox's measure, for Toybox.
const MEASURE: &str = "models/toybox/measure";
/// Seed of the pictures; not one that pictures of the class were drawn from.
const SEED: u64 = 1000;

/// The measure that was named; else Toybox's, where it is there and the base model is Toybox.
pub(super) fn measure(
    named: Option<&Path>,
    bundle: &Bundle,
    threads: Option<usize>,
) -> Result<Option<Measure>, Failure> {
    if let Some(folder) = named {
        return Measure::open(folder, threads).map(Some);
    }
    if !Path::new(MEASURE).is_dir() {
        return Ok(None);
    }
    let measure = Measure::open(Path::new(MEASURE), threads)?;
    let made_for = measure.labels.model.as_deref() == Some(bundle.manifest().name.as_str());
    Ok(made_for.then_some(measure))
}

/// What the pictures of a folder look like to the measure.
pub(super) fn look(
    measure: &mut Measure,
    bundle: &Bundle,
    images: &Path,
    hold_back: usize,
    cancel: &CancelToken,
) -> Result<Looks, Failure> {
    let image = &bundle.manifest().image;
    let open = |files: Vec<PathBuf>| -> Result<Vec<Picture>, cones_core::Error> {
        files.iter().map(|file| pictures::open_as(file, image.width, image.height)).collect()
    };
    let (learned, held_back) = pictures::split(images, hold_back)?;
    measure.looks(&open(learned)?, &open(held_back)?, cancel)
}

/// The figures of the pictures that were drawn.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    base: Score,
    with: Score,
    marks: Marks,
}

/// What was drawn.
#[derive(Debug)]
pub(super) struct Showing {
    /// The sheet's file: the base model above, the pack below.
    pub(super) sheet: PathBuf,
    /// None where there was no measure.
    pub(super) figures: Option<Figures>,
}

/// Draws `count` contexts by the base model and with the pack, writes the sheet beside the pack, and judges the pictures.
pub(super) fn show(
    (bundle, options): (&Bundle, &EngineOptions),
    pack: &Pack,
    out: &Path,
    count: usize,
    judged: Option<(&mut Measure, &Looks)>,
    bar: &Bar,
    cancel: &CancelToken,
) -> Result<Showing, Failure> {
    let lines: Vec<String> = contexts().into_iter().take(count).collect();
    let shown = Shown { subject: pack.subject(), class: pack.metadata.class.clone() };
    let mut engine = Engine::new(Bundle::open(bundle.path())?, options.clone())?;
    let mut drawing = Drawing { engine: &mut engine, seed: SEED, count: 1, steps: None, apart: false, cancel };
    let mut rows: Vec<Vec<Drawn>> = Vec::new();
    for with in [false, true] {
        let mut row = Vec::new();
        for (i, line) in lines.iter().enumerate() {
            bar.show(usize::from(with) * lines.len() + i, 2 * lines.len(), "drawing it");
            row.extend(drawing.draw(std::slice::from_ref(line), &[&shown], with)?);
        }
        rows.push(row);
    }
    let sheet = out.with_extension("preview.png");
    let mut cells = ContactSheet::new(lines.len(), 2 * lines.len());
    for drawn in rows.iter().flatten() {
        cells.put(&drawn.picture)?;
    }
    cells.save(&sheet)?;
    let figures = match (judged, &rows[..]) {
        (Some((measure, looks)), [base, with]) => {
            let (name, class) = (&pack.metadata.name, &pack.metadata.class);
            let same = measure.instances.named(class, name);
            let wanted = Wanted::own(looks, name, class, &measure.instances, same);
            let mut score = |drawn: &[Drawn]| judge(measure, &lines, drawn, &[&shown], &[&wanted], cancel);
            Some(Figures { base: score(base)?, with: score(with)?, marks: wanted.marks() })
        }
        _ => None,
    };
    Ok(Showing { sheet, figures })
}

impl Figures {
    /// As `cones evaluate` prints them.
    pub(super) fn print(&self, out: &mut dyn Write, name: &str) -> std::io::Result<()> {
        table::head(out)?;
        table::line(out, name, "base", &self.base)?;
        table::line(out, name, "pack", &self.with)?;
        table::marks(out, name, &self.marks)
    }
}

/// The command that draws the subject.
pub(super) fn command(pack: &Pack, out: &Path) -> String {
    let name = &pack.metadata.name;
    let picture = out.with_extension("png");
    let [file, picture] = [out, picture.as_path()].map(|path| quoted(&path.display().to_string()));
    format!("cones generate --prompt 'a {{{name}}} on grass' --subject {file} --out {picture}")
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_');
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}
