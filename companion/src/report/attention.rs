//! Where a pack's trigger is seen in pictures: by the base model, and with the pack on.

use cones_core::Picture;
use maud::{Markup, html};

use super::attention_map::{Map, Mapper};
use super::heat;
use super::html::note;
use super::painter::Painter;
use super::shape::Shape;
use super::sheet::Sheet;
use super::still::Still;
use super::subject::Reported;
use crate::failure::Failure;

/// Contexts of a sheet that maps are made of.
pub const ROWS: usize = 4;

/// What is set side by side.
const SIDES: [&str; 2] = ["base model", "pack on"];

/// The maps of one pack.
#[derive(Debug)]
pub struct Attention {
    /// The pack's name.
    pub name: String,
    /// The words that are looked for.
    pub words: String,
    /// One for each context.
    pub rows: Vec<Seen>,
}

/// One prompt's maps.
#[derive(Debug)]
pub struct Seen {
    /// The prompt.
    pub prompt: String,
    /// The base model's picture.
    pub before: (Picture, Map),
    /// The picture with the pack on.
    pub after: (Picture, Map),
    /// The true shape of what both show, where it is known.
    pub shape: Option<Shape>,
}

/// Makes the maps of a pack's sheet. Prompts without the trigger have none.
///
/// # Errors
/// As [`Mapper::map`].
pub fn look(
    painter: &mut Painter<'_>,
    mapper: &mut Mapper,
    pack: &Reported,
    sheet: &Sheet,
) -> Result<Attention, Failure> {
    let mut rows = Vec::new();
    let of = sheet.rows.len().min(ROWS);
    for (i, row) in sheet.rows.iter().take(ROWS).enumerate() {
        let Some((before, after)) = row.before_and_after() else { continue };
        let mut map = |picture: &Picture, on: &[cones_core::Subject]| {
            mapper.map(painter.engine, picture, &row.prompt, pack.trigger(), on, painter.cancel)
        };
        let on = [pack.subject.clone()];
        if let (Some(seen), Some(seen_on)) = (map(before, &[])?, map(after, &on)?) {
            let (before, after) = ((before.clone(), seen), (after.clone(), seen_on));
            rows.push(Seen { prompt: row.prompt.clone(), before, after, shape: None });
        }
        (painter.told)(&format!("attention of {}", pack.name()), i + 1, of);
    }
    Ok(Attention { name: pack.name().to_owned(), words: pack.trigger().to_owned(), rows })
}

/// The maps as they stand in the page.
///
/// # Errors
/// As [`Still::new`].
pub fn html(attention: &Attention) -> Result<Markup, Failure> {
    if attention.rows.is_empty() {
        return Ok(note(&html! { "None of the prompts holds the trigger " (attention.words) ": no maps." }));
    }
    Ok(html! {
        div.sheet.two {
            div.row.head {
                div {}
                div.groups {
                    @for side in SIDES {
                        div {
                            div.seed { (side) }
                            div.three { @for head in ["picture", "attention", "outline"] { span { (head) } } }
                        }
                    }
                }
            }
            @for row in &attention.rows {
                div.row {
                    div.words {
                        (row.prompt)
                        @if let Some(shape) = &row.shape {
                            small { "overlap " (number(shape.overlap(&row.before.1))) " → " (number(shape.overlap(&row.after.1))) }
                        }
                    }
                    div.groups {
                        @for (side, (picture, map)) in SIDES.into_iter().zip([&row.before, &row.after]) {
                            @let named = |what: &str| format!("{}, {side}: {what}", row.prompt);
                            @let seen = format!("where {} is seen, {}", attention.words, between(map));
                            div.three data-label=(side) {
                                (Still::new(picture)?.image(&named("picture")))
                                (Still::new(&heat::draw(map))?.smooth().image(&named(&seen)))
                                (Still::new(&heat::outline(picture, map))?.image(&named("outline of the brighter part")))
                            }
                        }
                    }
                }
            }
        }
    })
}

/// An overlap, as the page writes it.
pub fn number(overlap: f64) -> String {
    format!("{overlap:.2}")
}

/// The range of a map in words.
fn between(map: &Map) -> String {
    let low = map.values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = map.values.iter().copied().fold(0.0, f32::max);
    format!("{:.1} % (dark) to {:.1} % (bright) of a place's attention", 100.0 * low, 100.0 * high)
}
