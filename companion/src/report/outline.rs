//! Where a pack's trigger is seen in given pictures, held against the true shape of what they show.
//!
//! Cones (arXiv 2303.05125) says that shutting a subject's concept neurons draws its outline into the attention map. Here the same
//! pictures are shown to the model with the pack off and on, so the figure is of the attention alone and not of what is drawn.

use std::path::Path;

use cones_core::{Engine, Subject};
use cones_find::prepare::{self, Captioned};
use serde::Serialize;

use super::attention::{Attention, Seen};
use super::attention_map::Mapper;
use super::painter::Painter;
use super::shape::Shape;
use super::subject::Reported;
use crate::failure::Failure;

/// Where the shapes lie in the folder of pictures, each named as its picture.
pub const SHAPES: &str = "shapes";

/// Mean overlaps of a pack's maps with the true shapes, as intersection over union.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overlap {
    /// The pack.
    pub pack: String,
    /// How many pictures have a shape.
    pub pictures: usize,
    /// With the pack off.
    pub off: f64,
    /// With the pack on.
    pub on: f64,
    /// Of a map that is bright everywhere: the subject's share of the picture.
    pub everywhere: f64,
}

/// Pictures to look at, in the base model's size.
#[derive(Debug)]
pub struct Given {
    pictures: Vec<(Captioned, Option<Shape>)>,
}

impl Given {
    /// Reads the pictures of a folder, and their shapes where it has them.
    ///
    /// # Errors
    /// When there are no pictures, or one or its shape cannot be read.
    pub fn read(engine: &Engine, pack: &Reported, folder: &Path) -> Result<Self, Failure> {
        let own = prepare::captioned(engine, folder, pack.class(), pack.trigger(), 0)?;
        let with_shape = |own: Captioned| {
            let shape = shape_of(folder, &own.file, own.picture.width, own.picture.height)?;
            Ok((own, shape))
        };
        Ok(Self { pictures: own.into_iter().map(with_shape).collect::<Result<_, Failure>>()? })
    }
}

/// The shape that belongs to a picture; none where the folder has none.
fn shape_of(folder: &Path, picture: &Path, width: u32, height: u32) -> Result<Option<Shape>, Failure> {
    let Some(stem) = picture.file_stem() else { return Ok(None) };
    let path = folder.join(SHAPES).join(stem).with_extension("png");
    if path.exists() { Shape::open(&path, width, height).map(Some) } else { Ok(None) }
}

/// Makes the maps of given pictures, with the pack off and on.
///
/// # Errors
/// As [`Mapper::map`].
pub fn look(
    painter: &mut Painter<'_>,
    mapper: &mut Mapper,
    pack: &Reported,
    given: Given,
) -> Result<Attention, Failure> {
    let (mut rows, of) = (Vec::new(), given.pictures.len());
    for (i, (own, shape)) in given.pictures.into_iter().enumerate() {
        let mut map =
            |on: &[Subject]| mapper.map(painter.engine, &own.picture, &own.prompt, pack.trigger(), on, painter.cancel);
        if let (Some(off), Some(on)) = (map(&[])?, map(std::slice::from_ref(&pack.subject))?) {
            rows.push(Seen { prompt: own.prompt, before: (own.picture.clone(), off), after: (own.picture, on), shape });
        }
        (painter.told)(&format!("attention of {} in what was given", pack.name()), i + 1, of);
    }
    Ok(Attention { name: pack.name().to_owned(), words: pack.trigger().to_owned(), rows })
}

/// The means over the pictures that have a shape; none where there is none.
pub fn overlap(attention: &Attention) -> Option<Overlap> {
    let shaped: Vec<(&Seen, &Shape)> =
        attention.rows.iter().filter_map(|seen| Some((seen, seen.shape.as_ref()?))).collect();
    let mean = |value: &dyn Fn(&Seen, &Shape) -> f64| {
        shaped.iter().map(|(seen, shape)| value(seen, shape)).sum::<f64>() / shaped.len() as f64
    };
    (!shaped.is_empty()).then(|| Overlap {
        pack: attention.name.clone(),
        pictures: shaped.len(),
        off: mean(&|seen, shape| shape.overlap(&seen.before.1)),
        on: mean(&|seen, shape| shape.overlap(&seen.after.1)),
        everywhere: mean(&|_, shape| shape.share()),
    })
}
