//! The sample sheet: contexts by strengths, the base model beside them, the same seeds everywhere.

use std::fmt::Write;

use cones_core::{Picture, Subject};

use super::html::{element, escape};
use super::painter::Painter;
use super::prompts::fill;
use super::still::Still;
use super::subject::Reported;
use crate::cli::Failure;

/// Strengths that are drawn.
pub const STRENGTHS: [f32; 3] = [0.0, 0.5, 1.0];

/// Pictures of one or several subjects that are on together.
#[derive(Debug)]
pub struct Sheet {
    /// What it is of.
    pub title: String,
    /// Seeds, in the order of the pictures.
    pub seeds: Vec<u64>,
    /// One for each context.
    pub rows: Vec<Row>,
}

/// One context.
#[derive(Debug)]
pub struct Row {
    /// The prompt with the triggers.
    pub prompt: String,
    /// The prompt with the class words, of the base model's picture.
    pub plain: String,
    /// For each seed: the base model, then each strength.
    pub pictures: Vec<Vec<Picture>>,
}

impl Row {
    /// The picture of the first seed at no strength and at full strength.
    pub fn before_and_after(&self) -> Option<(&Picture, &Picture)> {
        let first = self.pictures.first()?;
        Some((first.get(1)?, first.last()?))
    }
}

/// Draws the sheet of some packs, all of them on.
///
/// # Errors
/// As [`Painter::draw`].
pub fn draw(
    painter: &mut Painter<'_>,
    packs: &[&Reported],
    prompts: &[String],
    seeds: &[u64],
) -> Result<Sheet, Failure> {
    let names: Vec<&str> = packs.iter().map(|pack| pack.name()).collect();
    let triggers: Vec<&str> = packs.iter().map(|pack| pack.trigger()).collect();
    let classes: Vec<&str> = packs.iter().map(|pack| pack.class()).collect();
    let title = names.join(" + ");
    let of = prompts.len() * seeds.len() * (1 + STRENGTHS.len());
    let mut done = 0;
    let mut rows = Vec::new();
    for prompt in prompts {
        let (plain, prompt) = (fill(prompt, &classes), fill(prompt, &triggers));
        let mut pictures = Vec::new();
        for seed in seeds {
            let mut drawn = vec![painter.draw(&plain, &[], *seed)?];
            for strength in STRENGTHS {
                let on = |pack: &&Reported| pack.subject.clone().with_strength(strength);
                let subjects: Vec<Subject> = packs.iter().map(on).collect();
                drawn.push(painter.draw(&prompt, &subjects, *seed)?);
            }
            done += drawn.len();
            painter.watch.made(&format!("pictures of {title}"), done, of);
            pictures.push(drawn);
        }
        rows.push(Row { prompt, plain, pictures });
    }
    Ok(Sheet { title, seeds: seeds.to_vec(), rows })
}

/// The sheet as it stands in the page.
///
/// # Errors
/// As [`Still::of`].
pub fn html(sheet: &Sheet) -> Result<String, Failure> {
    let heads: String =
        ["base".to_owned()].into_iter().chain(STRENGTHS.map(shown)).map(|h| element("span", "", &h)).collect();
    let many = match sheet.seeds.len() {
        1 => "one",
        2 => "two",
        _ => "many",
    };
    let mut out = format!("<div class=\"sheet {many}\">\n<div class=\"row head\"><div></div><div class=\"groups\">");
    for seed in &sheet.seeds {
        let _ = write!(out, "<div><div class=\"seed\">seed {seed}</div><div class=\"four\">{heads}</div></div>");
    }
    out.push_str("</div></div>\n");
    for row in &sheet.rows {
        let _ = write!(out, "<div class=\"row\"><div class=\"words\">{}", escape(&row.prompt));
        if row.plain != row.prompt {
            let _ = write!(out, "<small>base: {}</small>", escape(&row.plain));
        }
        out.push_str("</div><div class=\"groups\">");
        for (seed, pictures) in sheet.seeds.iter().zip(&row.pictures) {
            let _ = write!(out, "<div class=\"four\" data-label=\"seed {seed}\">");
            for (i, picture) in pictures.iter().enumerate() {
                let words = match i.checked_sub(1).and_then(|i| STRENGTHS.get(i)) {
                    Some(strength) => format!("{}, {} at strength {strength}, seed {seed}", row.prompt, sheet.title),
                    None => format!("{}, base model, seed {seed}", row.plain),
                };
                out.push_str(&Still::of(picture)?.image(&words));
            }
            out.push_str("</div>");
        }
        out.push_str("</div></div>\n");
    }
    out.push_str("</div>\n");
    Ok(out)
}

fn shown(strength: f32) -> String {
    match strength {
        0.5 => "½".to_owned(),
        other => other.to_string(),
    }
}
