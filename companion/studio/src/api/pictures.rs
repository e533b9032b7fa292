//! Kept pictures, and what is painted over them.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Response;
use serde::{Deserialize, Serialize};

use crate::answer::{self, blocking};
use crate::app::{App, Sent, bytes, id, json};
use crate::error::{Error, Result};
use crate::gallery::Kept;
use crate::id::Id;

/// Bytes of a mask's file.
pub(super) const MOST_MASK: usize = 16 << 20;

/// A picture that a job made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Made {
    job: Id,
    picture: Id,
}

/// A mask that is held.
#[derive(Debug, Serialize)]
pub(super) struct Held {
    mask: Id,
}

/// All of them, the oldest first, with their recipes.
pub(super) async fn list(State(app): State<App>) -> Json<Vec<Kept>> {
    Json(app.studio.gallery.list())
}

/// Keeps a picture that a job made.
pub(super) async fn keep(State(app): State<App>, sent: Sent) -> Result<Json<Kept>> {
    let made: Made = json(sent)?;
    let kept = blocking(move || {
        let job = app.studio.queue.get(made.job)?;
        if !job.pictures.iter().any(|picture| picture.name == made.picture) {
            return Err(Error::unknown("picture", made.picture));
        }
        app.studio.gallery.keep(&app.studio.folder.job(job.id).join(format!("{}.png", made.picture)))
    });
    kept.await.map(Json)
}

/// A kept picture: `g1.png`.
pub(super) async fn file(State(app): State<App>, Path(picture): Path<String>) -> Result<Response<Body>> {
    let name = id('g', "picture", picture.strip_suffix(".png").unwrap_or(&picture))?;
    answer::file(app.studio.gallery.file(name)?, "image/png").await
}

/// Removes a kept picture.
pub(super) async fn remove(State(app): State<App>, Path(picture): Path<String>) -> Result<Json<Vec<Kept>>> {
    let name = id('g', "picture", &picture)?;
    blocking(move || app.studio.gallery.remove(name).map(|()| app.studio.gallery.list())).await.map(Json)
}

/// Holds a mask: its file is the body.
pub(super) async fn mask(State(app): State<App>, sent: Sent) -> Result<Json<Held>> {
    let mask = bytes(sent, "the mask", MOST_MASK)?;
    blocking(move || app.studio.masks.add(&mask)).await.map(|mask| Json(Held { mask }))
}
