//! The sample sheet: contexts by strengths, the base model beside them, the same seeds everywhere.

use cones_core::{Picture, Request, Subject};
use maud::{Markup, html};

use super::painter::Painter;
use super::prompts::{fill, name};
use super::still::Still;
use super::subject::Reported;
use crate::failure::Failure;

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
        let named = |subjects: &[Subject]| Request::new(name(prompt, subjects));
        let (plain, shown) = (fill(prompt, &classes), fill(prompt, &triggers));
        let mut pictures = Vec::new();
        for seed in seeds {
            let mut drawn = vec![painter.draw(Request::new(&plain), *seed)?];
            for strength in STRENGTHS {
                let on = |pack: &&Reported| pack.subject.clone().with_strength(strength);
                let subjects: Vec<Subject> = packs.iter().map(on).collect();
                let mut request = named(&subjects);
                request.subjects = subjects;
                drawn.push(painter.draw(request.filled()?, *seed)?);
            }
            done += drawn.len();
            (painter.told)(&format!("pictures of {title}"), done, of);
            pictures.push(drawn);
        }
        rows.push(Row { prompt: shown, plain, pictures });
    }
    Ok(Sheet { title, seeds: seeds.to_vec(), rows })
}

/// The sheet as it stands in the page.
///
/// # Errors
/// As [`Still::new`].
pub fn html(sheet: &Sheet) -> Result<Markup, Failure> {
    let heads: Vec<String> = std::iter::once("base".to_owned()).chain(STRENGTHS.map(shown)).collect();
    let many = match sheet.seeds.len() {
        1 => "one",
        2 => "two",
        _ => "many",
    };
    Ok(html! {
        div.sheet.(many) {
            div.row.head {
                div {}
                div.groups {
                    @for seed in &sheet.seeds {
                        div {
                            div.seed { "seed " (seed) }
                            div.four { @for head in &heads { span { (head) } } }
                        }
                    }
                }
            }
            @for row in &sheet.rows {
                div.row {
                    div.words {
                        (row.prompt)
                        @if row.plain != row.prompt { small { "base: " (row.plain) } }
                    }
                    div.groups {
                        @for (seed, pictures) in sheet.seeds.iter().zip(&row.pictures) {
                            div.four data-label={ "seed " (seed) } {
                                @for (i, picture) in pictures.iter().enumerate() {
                                    (Still::new(picture)?.image(&words(sheet, row, *seed, i)))
                                }
                            }
                        }
                    }
                }
            }
        }
    })
}

/// What the `i`th picture of a seed shows.
fn words(sheet: &Sheet, row: &Row, seed: u64, i: usize) -> String {
    match i.checked_sub(1).and_then(|i| STRENGTHS.get(i)) {
        Some(strength) => format!("{}, {} at strength {strength}, seed {seed}", row.prompt, sheet.title),
        None => format!("{}, base model, seed {seed}", row.plain),
    }
}

fn shown(strength: f32) -> String {
    match strength {
        0.5 => "½".to_owned(),
        other => other.to_string(),
    }
}
